"""Forms from OpenAPI documents as fal writes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediatui.providers.base import Field, FieldKind, FormSchema
from mediatui.providers.openapi import form_from_openapi

MODEL = "fal-ai/ltx-2/text-to-video"


def document(properties: dict[str, Any], **schema: Any) -> dict[str, Any]:
    """A document for one model, as the queue's addresses are described."""
    body = {"schema": {"$ref": "#/components/schemas/VideoInput"}}
    return {
        "openapi": "3.0.4",
        "paths": {
            f"/{MODEL}": {"post": {"requestBody": {"content": {"application/json": body}}}},
            f"/{MODEL}/requests/{{request_id}}": {"get": {}},
        },
        "components": {
            "schemas": {
                "QueueStatus": {"properties": {"status": {"type": "string"}}},
                "VideoInput": {"type": "object", "properties": properties, **schema},
                "Size": {"title": "ImageSize", "properties": {"width": {"type": "integer"}}},
                "Mode": {"enum": ["fast", "slow"], "type": "string"},
            }
        },
    }


def field(schema: dict[str, Any], name: str = "x", **outer: Any) -> Field:
    form = form_from_openapi(MODEL, document({name: schema}, **outer))
    assert form is not None
    return form.fields[0]


def test_order_requirement_and_prompt() -> None:
    properties = {
        "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "Seed"},
        "prompt": {"type": "string", "maxLength": 2000, "description": "What to \x1b[31mshow"},
        "duration": {"type": "integer", "enum": [6, 8, 10], "default": 6},
    }
    form = form_from_openapi(
        MODEL,
        document(
            properties, required=["prompt", "duration"], **{"x-fal-order-properties": ["prompt", "duration", "gone"]}
        ),
    )
    assert form is not None
    assert [(f.name, f.kind, f.required) for f in form.fields] == [
        ("prompt", FieldKind.LONG_TEXT, True),
        ("duration", FieldKind.CHOICE, False),
        ("seed", FieldKind.INTEGER, False),
    ]
    assert form.prompt_field == "prompt"
    assert form.fields[0].max_length == 2000
    assert form.fields[0].description == "What to [31mshow"
    assert (form.fields[1].choices, form.fields[1].default) == ((6, 8, 10), 6)


KINDS: list[tuple[str, dict[str, Any], FieldKind, tuple[Any, ...], Any]] = [
    ("x", {"type": "boolean", "default": True}, FieldKind.BOOLEAN, (), True),
    ("x", {"type": "number", "minimum": 0, "maximum": 1}, FieldKind.NUMBER, (), None),
    ("x", {"type": ["integer", "null"]}, FieldKind.INTEGER, (), None),
    ("x", {"type": "integer", "nullable": True}, FieldKind.INTEGER, (), None),
    ("x", {"const": "8s"}, FieldKind.CHOICE, ("8s",), None),
    ("x", {"anyOf": [{"const": 5}, {"const": "auto"}]}, FieldKind.CHOICE, (5, "auto"), None),
    ("x", {"allOf": [{"$ref": "#/components/schemas/Mode"}], "default": "slow"},
     FieldKind.CHOICE, ("fast", "slow"), "slow"),
    ("x", {"$ref": "#/components/schemas/Mode"}, FieldKind.CHOICE, ("fast", "slow"), None),
    ("x", {"anyOf": [{"enum": ["square_hd"], "type": "string"}, {"$ref": "#/components/schemas/Size"}]},
     FieldKind.CHOICE, ("square_hd",), None),
    ("x", {"oneOf": [{"type": "null"}, {"type": "number"}]}, FieldKind.NUMBER, (), None),
    ("x", {"$ref": "#/components/schemas/Size"}, FieldKind.OBJECT, (), None),
    ("x", {"type": "array", "items": {"type": "string"}}, FieldKind.LIST, (), None),
    ("image_url", {"type": "string"}, FieldKind.MEDIA, (), None),
    ("start_image_url", {"anyOf": [{"type": "string"}, {"type": "null"}]}, FieldKind.MEDIA, (), None),
    ("first_frame_url", {"type": "string"}, FieldKind.MEDIA, (), None),
    ("x", {"anyOf": [{"oneOf": [{"type": "null"}, {"type": "integer"}]}, {"type": "null"}]},
     FieldKind.INTEGER, (), None),
    ("x", {"anyOf": [{"anyOf": [{"const": "a"}, {"$ref": "#/components/schemas/Mode"}]}, {"const": "z"}]},
     FieldKind.CHOICE, ("a", "fast", "slow", "z"), None),
    ("x", {"enum": ["6", "10"], "default": 6}, FieldKind.CHOICE, ("6", "10"), "6"),
    ("x", {"anyOf": [{"const": "auto"}, {"type": "integer"}], "default": 5}, FieldKind.CHOICE, ("auto", 5), 5),
    ("x", {"anyOf": [{"enum": ["square"]}, {"$ref": "#/components/schemas/Size"}], "default": {"width": 8}},
     FieldKind.CHOICE, ("square", {"width": 8}), {"width": 8}),
    ("x", {"enum": [1, True, "1", None, 1]}, FieldKind.CHOICE, (1, True, "1"), None),
    ("negative_prompt", {"type": "string", "default": "blur"}, FieldKind.LONG_TEXT, (), "blur"),
    ("style", {"type": "string"}, FieldKind.TEXT, (), None),
    ("x", {"$ref": "#/components/schemas/Nowhere"}, FieldKind.TEXT, (), None),
    ("x", {}, FieldKind.TEXT, (), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "schema", "kind", "choices", "default"), KINDS)
def test_kinds(name: str, schema: dict[str, Any], kind: FieldKind, choices: tuple[Any, ...], default: Any) -> None:
    found = field(schema, name)
    assert (found.kind, found.choices, found.default) == (kind, choices, default)
    assert [type(choice) for choice in found.choices] == [type(choice) for choice in choices]
    assert found.takes_media is (kind is FieldKind.MEDIA)


def test_bounds_are_kept_and_nonsense_is_not() -> None:
    assert (field({"type": "integer", "minimum": 1, "maximum": 12}).minimum) == 1.0
    assert field({"type": "number", "exclusiveMinimum": 0, "maximum": "x"}).maximum is None
    assert field({"type": "string", "maxLength": "x"}).max_length is None


@pytest.mark.parametrize("name", ["text", "tags"])
def test_the_prompt_may_have_another_name(name: str) -> None:
    form = form_from_openapi(MODEL, document({"voice": {"type": "string"}, name: {"type": "string"}}))
    assert form is not None
    assert form.prompt_field == name


def test_a_model_without_a_prompt() -> None:
    form = form_from_openapi(MODEL, document({"image_url": {"type": "string"}}))
    assert form is not None
    assert form.prompt_field is None


def test_references_in_a_circle_end() -> None:
    circle = document({"x": {"$ref": "#/components/schemas/A"}})
    circle["components"]["schemas"] |= {
        "A": {"$ref": "#/components/schemas/B"},
        "B": {"allOf": [{"$ref": "#/components/schemas/A"}]},
    }
    form = form_from_openapi(MODEL, circle)
    assert form is not None
    assert form.fields[0].kind is FieldKind.TEXT
    circle["components"]["schemas"]["B"] = {"anyOf": [{"$ref": "#/components/schemas/A"}] * 2}
    form = form_from_openapi(MODEL, circle)
    assert form is not None
    assert form.fields[0].choices == ()


def test_many_references_back_to_where_they_stand_end_too() -> None:
    circle = document({"x": {"$ref": "#/components/schemas/A"}})
    circle["components"]["schemas"]["A"] = {"allOf": [{"$ref": "#/components/schemas/A"}] * 30, "type": "integer"}
    form = form_from_openapi(MODEL, circle)
    assert form is not None
    assert form.fields[0].kind is FieldKind.INTEGER


def test_inputs_put_together_of_parts_are_all_there() -> None:
    parts = document({"prompt": {"type": "string"}, "n": {"type": "string"}}, required=["prompt"])
    schemas = parts["components"]["schemas"]
    (name,) = (each for each in schemas if each.endswith("Input"))
    schemas["Base"] = schemas[name]
    more = {"properties": {"n": {"type": "integer"}, "seed": {"type": "integer"}}, "required": ["seed"]}
    schemas[name] = {"allOf": [{"$ref": "#/components/schemas/Base"}, more]}
    form = form_from_openapi(MODEL, parts)
    assert form is not None
    assert [(f.name, f.kind, f.required) for f in form.fields] == [
        ("prompt", FieldKind.LONG_TEXT, True),
        ("n", FieldKind.INTEGER, False),
        ("seed", FieldKind.INTEGER, True),
    ]


def test_without_paths_the_component_named_input_is_taken() -> None:
    bare = document({"text": {"type": "string"}})
    del bare["paths"]
    assert form_from_openapi(MODEL, bare) is not None
    assert form_from_openapi(MODEL, {"components": {}}) is None
    assert form_from_openapi(MODEL, None) is None


WORDS = ["properties", "required", "type", "enum", "const", "anyOf", "allOf", "oneOf", "$ref", "default", "title"]
WORDS += ["items", "minimum", "maxLength", "x-fal-order-properties", "prompt", "description", "schemas", "XInput"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
    | st.sampled_from([*WORDS, "#/components/schemas/VideoInput", "string", "#/paths"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=40,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(["prompt", "seed", "image_url"]), JSON), JSON, JSON, JSON)
def test_any_document_is_a_form_or_none(properties: Any, required: Any, order: Any, components: Any) -> None:
    anything = document(properties, required=required, **{"x-fal-order-properties": order})
    form = form_from_openapi(MODEL, anything)
    assert form is not None
    assert sorted(f.name for f in form.fields) == sorted(properties)
    for each in (
        {"components": components},
        {"components": {"schemas": components}},
        {"paths": components},
        components,
    ):
        found = form_from_openapi(MODEL, each)
        assert found is None or isinstance(found, FormSchema)
