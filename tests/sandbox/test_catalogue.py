"""The platform API: catalogue, prices, history; and schemas that promise exactly what is checked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from mediatui.sandbox import openapi
from mediatui.sandbox.catalogue import MODELS, Model
from mediatui.sandbox.schema import Field, validate

from .conftest import FAST, result, submit

EVERY_FIELD = [(model, field) for model in MODELS.values() for field in model.fields]
GOOD_VALUES = {"prompt": "a fox", "image_url": "https://example.com/a.png"}


def input_schema(model: Model) -> dict[str, Any]:
    """The schema of a model's input, found as clients find it: the body of the POST."""
    document = openapi.document(model, "http://here")
    body = document["paths"][f"/{model.id}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema: dict[str, Any] = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    return schema


def problems(model: Model, **given: Any) -> list[dict[str, Any]]:
    """What is wrong with an input that is otherwise complete."""
    complete = {field.name: GOOD_VALUES[field.name] for field in model.fields if field.required}
    return validate(model.fields, complete | given)[1]


@pytest.mark.parametrize(("model", "field"), EVERY_FIELD, ids=lambda value: getattr(value, "id", "") or value.name)
def test_the_schema_promises_what_is_checked(model: Model, field: Field) -> None:
    schema = input_schema(model)
    stated = schema["properties"][field.name]
    assert (field.name in schema["required"]) == field.required
    assert bool(validate(model.fields, {})[1]) == bool(schema["required"])
    if "default" in stated:
        assert problems(model, **{field.name: stated["default"]}) == []
        assert validate(model.fields, GOOD_VALUES)[0][field.name] == stated["default"]
    for choice in stated.get("enum", ()):
        assert problems(model, **{field.name: choice}) == []
    if "enum" in stated:
        assert problems(model, **{field.name: "something else"})[0]["type"] == "literal_error"
    for key, beyond, kind in (("minimum", -1, "greater_than_equal"), ("maximum", 1, "less_than_equal")):
        if key in stated:
            assert problems(model, **{field.name: stated[key]}) == []
            found = problems(model, **{field.name: stated[key] + beyond})[0]
            assert (found["type"], found["loc"]) == (kind, ["body", field.name])
            assert list(found["ctx"].values()) == [stated[key]]
    if "maxLength" in stated:
        assert problems(model, **{field.name: "x" * stated["maxLength"]}) == []
        assert problems(model, **{field.name: "x" * (stated["maxLength"] + 1)})[0]["type"] == "string_too_long"
    if "minLength" in stated:
        assert problems(model, **{field.name: ""})[0]["type"] == "string_too_short"
    assert problems(model, **{field.name: ["not", "this"]})


@pytest.mark.parametrize(
    ("field", "given", "kind"),
    [
        ("seed", 1.5, "int_type"),
        ("seed", "soon", "int_type"),
        ("seed", True, "int_type"),
        ("seed", 10**400, "int_type"),
        ("duration", "long", "float_type"),
        ("prompt", 5, "string_type"),
        ("generate_audio", "perhaps", "bool_type"),
    ],
)
def test_wrong_types(field: str, given: Any, kind: str) -> None:
    model = MODELS["sandbox/text-to-video"]
    found = problems(model, **{field: given})
    assert [(entry["type"], entry["loc"]) for entry in found] == [(kind, ["body", field])]


def test_numbers_may_come_as_text_as_forms_send_them() -> None:
    fields = MODELS["sandbox/text-to-video"].fields
    values, errors = validate(fields, {"prompt": "x", "seed": "12", "duration": "1.5", "generate_audio": "false"})
    assert errors == []
    assert (values["seed"], values["duration"], values["generate_audio"]) == (12, 1.5, False)


@pytest.mark.parametrize(
    ("given", "loc"),
    [
        ("huge", ["body", "image_size"]),
        (7, ["body", "image_size"]),
        ({"width": 8, "height": 64}, ["body", "image_size", "width"]),
        ({"width": 64}, ["body", "image_size", "height"]),
    ],
)
def test_image_sizes(given: Any, loc: list[str]) -> None:
    assert problems(MODELS["sandbox/text-to-image"], image_size=given)[0]["loc"] == loc


async def test_a_wrong_input_is_accepted_and_fails_with_an_array_of_errors(client: httpx.AsyncClient) -> None:
    response = await result(client, await submit(client, prompt=None, duration=99, fps="x"))
    found = {tuple(entry["loc"]): entry["type"] for entry in response.json()["detail"]}
    assert response.status_code == 422
    assert found == {
        ("body", "prompt"): "missing",
        ("body", "duration"): "less_than_equal",
        ("body", "fps"): "int_type",
    }
    direct = await client.post(f"/run{FAST}", json={})
    assert (direct.status_code, direct.json()["detail"][0]["msg"]) == (422, "Field required")


async def test_catalogue_lists_the_four_categories(client: httpx.AsyncClient) -> None:
    body = (await client.get("/v1/models", headers={"Authorization": ""})).json()
    ids = [model["endpoint_id"] for model in body["models"]]
    assert ids == list(MODELS)
    assert {model["metadata"]["category"] for model in body["models"]} == {
        "text-to-video",
        "image-to-video",
        "text-to-image",
        "text-to-audio",
    }
    assert (body["has_more"], body["next_cursor"]) == (False, None)


async def test_catalogue_pages_and_filters(client: httpx.AsyncClient) -> None:
    seen: list[str] = []
    params: dict[str, Any] = {"limit": 4}
    while True:
        page = (await client.get("/v1/models", params=params)).json()
        seen += [model["endpoint_id"] for model in page["models"]]
        if not page["has_more"]:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == list(MODELS)

    async def ids(**params: Any) -> list[str]:
        found = (await client.get("/v1/models", params=params)).json()["models"]
        return [model["endpoint_id"] for model in found]

    assert await ids(category="text-to-audio") == ["sandbox/text-to-audio"]
    assert await ids(q="ambient PAD") == ["sandbox/text-to-audio"]
    assert await ids(endpoint_id=["sandbox/text-to-image", "sandbox/text-to-video/fast"]) == [
        "sandbox/text-to-video/fast",
        "sandbox/text-to-image",
    ]
    assert await ids(status="deprecated") == []
    refused = await client.get("/v1/models", params={"limit": 0})
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "validation_error")


async def test_schema_is_served_alone_and_with_the_catalogue(client: httpx.AsyncClient) -> None:
    model_id = "sandbox/text-to-video/fast"
    alone = await client.get("/api/openapi/queue/openapi.json", params={"endpoint_id": model_id})
    params = {"endpoint_id": model_id, "expand": "openapi-3.0"}
    expanded = (await client.get("/v1/models", params=params)).json()["models"][0]["openapi"]
    document = alone.json()
    assert document == expanded
    assert document["info"]["x-fal-metadata"]["endpointId"] == model_id
    answer = document["paths"]["/sandbox/text-to-video/requests/{request_id}"]["get"]["responses"]["200"]
    name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert name == "TextToVideoFastOutput"
    assert "video" in document["components"]["schemas"][name]["properties"]
    missing = await client.get("/api/openapi/queue/openapi.json", params={"endpoint_id": "no/such"})
    assert missing.status_code == 404


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_every_reference_in_a_schema_leads_somewhere(model: Model) -> None:
    document = openapi.document(model, "http://here")
    names: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                names.append(value["$ref"].removeprefix("#/components/schemas/"))
            for part in value.values():
                collect(part)
        elif isinstance(value, list):
            for part in value:
                collect(part)

    collect(document)
    assert set(names) == set(document["components"]["schemas"])


async def test_everything_is_free(client: httpx.AsyncClient) -> None:
    prices = (await client.get("/v1/models/pricing", params={"endpoint_id": "sandbox/text-to-image"})).json()
    assert prices["prices"] == [
        {"endpoint_id": "sandbox/text-to-image", "unit_price": 0.0, "unit": "images", "currency": "USD"}
    ]


async def test_estimates_are_free_and_checked(client: httpx.AsyncClient) -> None:
    path, model = "/v1/models/pricing/estimate", "sandbox/text-to-image"

    async def asked(**body: object) -> httpx.Response:
        return await client.post(path, json=body)

    for kind, count in (("unit_price", {"unit_quantity": 2.5}), ("historical_api_price", {"call_quantity": 1})):
        answer = await asked(estimate_type=kind, endpoints={model: count})
        assert answer.json() == {"estimate_type": kind, "total_cost": 0.0, "currency": "USD"}
    assert (await asked(estimate_type="unit_price", endpoints={"a/b": {"unit_quantity": 1}})).status_code == 404
    for wrong in (
        {},
        {"estimate_type": "x", "endpoints": {model: {}}},
        {"estimate_type": "unit_price", "endpoints": []},
    ):
        assert (await asked(**wrong)).status_code == 400
    for amounts in ({}, {"call_quantity": 1}, {"unit_quantity": -1}, {"unit_quantity": True}, 7):
        assert (await asked(estimate_type="unit_price", endpoints={model: amounts})).status_code == 400
    assert (await client.post(path, json=[1])).status_code == 400


async def test_history_recovers_a_request_and_its_result(client: httpx.AsyncClient) -> None:
    good, bad = await submit(client), await submit(client, sandbox_fault="refused-prompt")
    output = (await result(client, good)).json()
    await result(client, bad)
    path, wanted = "/v1/models/requests/by-endpoint", {"endpoint_id": "sandbox/text-to-video/fast"}

    async def ids(**params: str) -> list[str]:
        found = (await client.get(path, params=wanted | params)).json()["items"]
        return [item["request_id"] for item in found]

    assert await ids() == [bad["request_id"], good["request_id"]]
    assert await ids(status="success") == [good["request_id"]]
    assert await ids(status="user_error") == [bad["request_id"]]
    assert await ids(start="2999-01-01T00:00:00Z") == []
    params = wanted | {"request_id": good["request_id"], "expand": "payloads"}
    item = (await client.get(path, params=params)).json()["items"][0]
    assert item["json_output"] == output
    assert item["json_input"]["prompt"] == "misty mountain at sunset"
    assert item["status_code"] == 200
    assert item["sent_at"] <= item["started_at"] <= item["ended_at"]
    refused = await client.get(path)
    assert refused.json()["error"]["type"] == "validation_error"
