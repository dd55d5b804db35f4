"""Google's four surfaces over real HTTP: one submit each, every shape of answer, every refusal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.google_server import (
    GEMINI_NAME,
    MP4,
    VERTEX_NAME,
    GoogleServer,
    b64,
    interaction,
    operation,
    picture,
    problem,
)
from tests.support.loopback import PNG, Call, Reply
from tests.support.provider_jobs import check_outputs, make_job, refused

from mediatui.errors import ErrorKind
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.base import Capability, Delivery
from mediatui.providers.google.auth import Credentials
from mediatui.providers.google.places import Places
from mediatui.providers.google.provider import GoogleProvider
from mediatui.settings import ProviderSettings, Secret

KEY = "AIza-test-key"
IMAGE = make_job("google", "gemini-3.1-flash-image")
VIDEO = make_job("google", "gemini-omni-1.2-flash", submitted_at=1_800_000_000.0)
VEO = make_job("google", "vertex/veo-3.1-generate-001")
IMAGEN = make_job("google", "vertex/imagen-4.0-generate-001")


@pytest.fixture
def server() -> Iterator[GoogleServer]:
    with GoogleServer() as running:
        yield running


def places_of(server: GoogleServer, **more: Any) -> Places:
    base = {"gemini": f"{server.url}/v1beta", "vertex": f"{server.url}/vertex", "storage": server.url}
    return Places(**{**base, "project": "acme", "location": "us-central1", **more})


def provider_of(
    server: GoogleServer, key: str | None = KEY, token: str | None = None, **more: Any
) -> aclosing[GoogleProvider]:
    fetch = (lambda: Secret(token)) if token else None
    return aclosing(GoogleProvider(places_of(server, **more), Credentials(Secret(key) if key else None, fetch)))


def known(job: Job, remote_id: str) -> Job:
    return replace(job, remote_id=remote_id)


# -- generateContent


async def test_a_picture_comes_whole_in_the_answer_to_the_only_submit(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        inputs = {"prompt": "a fox", "aspect_ratio": "16:9", "image_size": "2K", "temperature": 0.5}
        job = replace(IMAGE, inputs={**inputs, "image": f"data:image/png;base64,{b64(PNG)}"})
        sent = await provider.submit(job)
        assert sent.phase is Phase.SUCCEEDED
        assert sent.raw is not None
        outputs = provider.outputs(job, sent.raw)
    check_outputs(outputs)
    assert [(o.data, o.type, o.path) for o in outputs] == [(PNG, MediaType.IMAGE, "candidates.0.content.parts.2")]
    (call,) = server.submits
    assert call.path == "/v1beta/models/gemini-3.1-flash-image:generateContent"
    assert call.headers["x-goog-api-key"] == KEY
    assert "authorization" not in call.headers
    parts = call.json["contents"][0]["parts"]
    assert parts == [{"inlineData": {"mimeType": "image/png", "data": b64(PNG)}}, {"text": "a fox"}]
    assert call.json["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        "temperature": 0.5,
    }


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED_CONTENT"),
    ({"candidates": [{"finishReason": "IMAGE_SAFETY", "finishMessage": "It shows a person."}]}, "It shows a person."),
    ({"candidates": [{"content": {"parts": [{"text": "I cannot draw that."}]}, "finishReason": "STOP"}]}, "I cannot"),
]


@pytest.mark.parametrize(("document", "words"), REFUSALS)
async def test_a_filtered_picture_is_a_refusal_in_words(
    server: GoogleServer, document: dict[str, Any], words: str
) -> None:
    server.script("submit", Reply(body=document))
    async with provider_of(server) as provider:
        sent = await provider.submit(IMAGE)
        with refused(ErrorKind.POLICY) as found:
            provider.outputs(IMAGE, sent.raw or b"")
    assert words in found[0].message


async def test_a_picture_beside_one_that_the_filter_took_says_so(server: GoogleServer) -> None:
    blocked = {"finishReason": "IMAGE_SAFETY", "content": {"parts": [{"text": "no"}]}}
    document = picture()
    document["candidates"] = [blocked, *document["candidates"], {"finishReason": "STOP"}]
    async with provider_of(server) as provider:
        (output,) = provider.outputs(IMAGE, json.dumps(document).encode())
    assert output.meta == {"incomplete": "Google's filter took 1 of 2 away (IMAGE_SAFETY)"}


async def test_a_part_that_is_no_media_is_no_picture(server: GoogleServer) -> None:
    parts = [
        {"inlineData": {"mimeType": "application/json", "data": b64(b'{"a": 1}')}},
        {"inlineData": {"mimeType": "text/plain", "data": b64(PNG)}},
        {"inlineData": {"mimeType": "image/png", "data": b64(PNG + b"2")}},
    ]
    raw = json.dumps({"candidates": [{"content": {"parts": parts}}]}).encode()
    async with provider_of(server) as provider:
        assert [output.data for output in provider.outputs(IMAGE, raw)] == [PNG, PNG + b"2"]


async def test_an_answer_that_cannot_be_read_is_kept_and_says_so(server: GoogleServer) -> None:
    server.script("submit", Reply(body=b"<html>"))
    async with provider_of(server) as provider:
        sent = await provider.submit(IMAGE)
        assert sent.raw == b"<html>"
        with refused(ErrorKind.INTERNAL):
            provider.outputs(IMAGE, sent.raw)
        with refused(ErrorKind.EXPIRED):
            await provider.result(known(IMAGE, sent.remote_id))


ERRORS: list[tuple[Reply, ErrorKind]] = [
    (problem(400, "INVALID_ARGUMENT", "bad aspect ratio"), ErrorKind.INVALID_INPUT),
    (problem(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), ErrorKind.AUTH),
    (problem(400, "INVALID_ARGUMENT", "The prompt contains sensitive words"), ErrorKind.POLICY),
    (problem(400, "FAILED_PRECONDITION", "Please enable billing on project"), ErrorKind.BILLING),
    (problem(401, "UNAUTHENTICATED", "no credentials"), ErrorKind.AUTH),
    (problem(402, "RESOURCE_EXHAUSTED", "credits are depleted"), ErrorKind.BILLING),
    (problem(403, "PERMISSION_DENIED", "This API method requires billing to be enabled"), ErrorKind.BILLING),
    (problem(403, "PERMISSION_DENIED", "not allowed"), ErrorKind.AUTH),
    (problem(404, "NOT_FOUND", "models/x is not found"), ErrorKind.NOT_FOUND),
    (problem(429, "RESOURCE_EXHAUSTED", "quota"), ErrorKind.RATE_LIMITED),
    (problem(500, "INTERNAL", "internal"), ErrorKind.TRANSIENT),
    (problem(503, "UNAVAILABLE", "overloaded"), ErrorKind.TRANSIENT),
    (Reply(502, b"<html>bad gateway"), ErrorKind.AMBIGUOUS_SUBMIT),
    (Reply(504, b""), ErrorKind.AMBIGUOUS_SUBMIT),
    (Reply(drop=True), ErrorKind.AMBIGUOUS_SUBMIT),
    (Reply(body=picture(), cut=40), ErrorKind.AMBIGUOUS_SUBMIT),
    (Reply(400, {"error": {"message": "no such ratio"}}, cut=20), ErrorKind.INVALID_INPUT),
    (Reply(500, {"error": {"message": "it broke"}}, cut=20), ErrorKind.AMBIGUOUS_SUBMIT),
    (Reply(302, {}, {"Location": "http://127.0.0.1:1/"}), ErrorKind.INTERNAL),
]


@pytest.mark.parametrize(("reply", "kind"), ERRORS)
async def test_every_refusal_has_its_kind_and_is_one_submit(
    server: GoogleServer, reply: Reply, kind: ErrorKind
) -> None:
    server.script("submit", reply)
    async with provider_of(server) as provider:
        with refused(kind) as found:
            await provider.submit(IMAGE)
    assert len(server.submits) == 1
    assert found[0].hint, "what to do about it"


@pytest.mark.parametrize("job", [VIDEO, VEO])
async def test_a_5xx_in_place_of_a_handle_leaves_the_outcome_open(server: GoogleServer, job: Job) -> None:
    server.script("submit", problem(503, "UNAVAILABLE", "overloaded"))
    async with provider_of(server, token="t") as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await provider.submit(job)
        assert await provider.reconcile(job) is None
        assert Capability.RECONCILE not in provider.capabilities
    assert len(server.submits) == 1


async def test_nothing_listening_means_nothing_was_sent() -> None:
    places = Places(gemini="http://127.0.0.1:9/v1beta")
    provider = GoogleProvider(places, Credentials(Secret(KEY), None))
    with refused(ErrorKind.TRANSIENT) as found:
        await provider.submit(IMAGE)
    assert "nothing was sent" in found[0].message
    await provider.aclose()


async def test_a_rate_limit_says_how_long_and_names_the_input(server: GoogleServer) -> None:
    details = [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "37s"},
        {"fieldViolations": [{"field": "generation_config.image_config.image_size", "description": "too large"}]},
    ]
    server.script("submit", problem(429, "RESOURCE_EXHAUSTED", "quota", details=details))
    async with provider_of(server) as provider:
        with refused(ErrorKind.RATE_LIMITED) as found:
            await provider.submit(IMAGE)
    assert found[0].retry_after == 37.0
    assert found[0].fields == {"image_size": "too large"}


# -- predict


async def test_imagen_on_vertex_goes_with_the_token(server: GoogleServer) -> None:
    async with provider_of(server, token="ya29.t", quota_project="payer") as provider:
        job = replace(IMAGEN, inputs={"prompt": "a fox", "count": 2, "aspect_ratio": "1:1", "addWatermark": False})
        sent = await provider.submit(job)
        outputs = provider.outputs(job, sent.raw or b"")
    assert [o.data for o in outputs] == [PNG]
    (call,) = server.submits
    assert call.path.endswith(
        "/projects/acme/locations/us-central1/publishers/google/models/imagen-4.0-generate-001:predict"
    )
    assert call.headers["authorization"] == "Bearer ya29.t"
    assert call.headers["x-goog-user-project"] == "payer"
    assert "x-goog-api-key" not in call.headers
    assert call.json == {
        "instances": [{"prompt": "a fox"}],
        "parameters": {"includeRaiReason": True, "sampleCount": 2, "aspectRatio": "1:1", "addWatermark": False},
    }


LEFT = {"bytesBase64Encoded": b64(PNG), "mimeType": "image/png"}
TAKEN = {"raiFilteredReason": "code 58061214"}


async def test_pictures_that_the_filter_left_are_kept_and_none_is_a_refusal(server: GoogleServer) -> None:
    left = {"bytesBase64Encoded": b64(PNG), "mimeType": "image/png"}
    filtered = {"raiFilteredReason": "Unable to show: code 58061214"}
    async with provider_of(server, token="t") as provider:
        server.script("submit", Reply(body={"predictions": [filtered, left]}))
        sent = await provider.submit(IMAGEN)
        assert [o.path for o in provider.outputs(IMAGEN, sent.raw or b"")] == ["predictions.1"]
        server.script("submit", Reply(body={"predictions": [filtered]}))
        sent = await provider.submit(IMAGEN)
        with refused(ErrorKind.POLICY) as found:
            provider.outputs(IMAGEN, sent.raw or b"")
        assert "58061214" in found[0].message
        with refused(ErrorKind.POLICY):
            provider.outputs(IMAGEN, b'{"deployedModelId": "1"}')


@pytest.mark.parametrize(
    ("predictions", "count", "words"),
    [
        ([LEFT, TAKEN], 2, "Google's filter took 1 of 2 away (code 58061214)"),
        ([LEFT], 3, "Google's filter took 2 of 3 away"),
        ([LEFT, TAKEN], None, "Google's filter took 1 of 2 away (code 58061214)"),
        ([LEFT, TAKEN], 4, "Google's filter took 3 of 4 away (code 58061214)"),
        ([LEFT], None, None),
        ([LEFT, LEFT], 2, None),
        ([LEFT, {"gcsUri": "gs://b/"}], 2, None),
    ],
)
async def test_what_is_left_says_what_the_filter_took(
    server: GoogleServer, predictions: list[Any], count: int | None, words: str | None
) -> None:
    async with provider_of(server, token="t") as provider:
        job = replace(IMAGEN, inputs={"prompt": "a fox"} if count is None else {"prompt": "a fox", "count": count})
        found = provider.outputs(job, json.dumps({"predictions": predictions}).encode())
        assert {output.meta.get("incomplete") for output in found} == {words}
        kept = operation({"videos": [{"gcsUri": "gs://b/a.mp4"}], "raiMediaFilteredCount": 1})
        server.script("poll", Reply(body=kept))
        going = await provider.poll(known(VEO, VERTEX_NAME))
        assert going.phase is Phase.SUCCEEDED
        assert going.error is not None
        assert (going.error.kind, going.error.message) == (ErrorKind.POLICY, "Google's filter took 1 of 2 away")
        (clip,) = provider.outputs(VEO, json.dumps(kept).encode())
        assert clip.meta["incomplete"] == going.error.message


async def test_labels_stand_beside_the_parameters(server: GoogleServer) -> None:
    async with provider_of(server, token="t") as provider:
        for job in (IMAGEN, VEO):
            await provider.submit(replace(job, inputs={"prompt": "a fox", "labels": {"team": "film"}}))
    assert [call.json["labels"] for call in server.submits] == [{"team": "film"}] * 2
    assert not any("labels" in call.json["parameters"] for call in server.submits)


async def test_a_bucket_is_read_by_the_json_api_with_the_token(server: GoogleServer) -> None:
    body = {"predictions": [{"gcsUri": "gs://my-bucket/out dir/a+b%20.png", "mimeType": "image/png"}]}
    server.script("submit", Reply(body=body))
    async with provider_of(server, token="ya29.t") as provider:
        job = replace(IMAGEN, inputs={"prompt": "a fox", "storage_uri": "gs://my-bucket/out"})
        sent = await provider.submit(job)
        (output,) = provider.outputs(job, sent.raw or b"")
        assert output.delivery is Delivery.PROVIDER_URL
        assert output.url == f"{server.url}/storage/v1/b/my-bucket/o/out%20dir%2Fa%2Bb%2520.png?alt=media"
        assert provider.download_headers(output.url) == {"Authorization": "Bearer ya29.t"}
        with refused(ErrorKind.UNSUPPORTED) as found:
            provider.outputs(job, b'{"predictions": [{"gcsUri": "gs://my-bucket/"}]}')
    assert "gs://my-bucket/" in found[0].message


async def test_a_bucket_without_a_token_is_refused_before_anything_is_paid(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.INVALID_INPUT) as found:
            await provider.submit(replace(IMAGEN, inputs={"prompt": "a fox", "storage_uri": "gs://b/x"}))
    assert "storage_uri" in found[0].fields
    assert server.calls == []


async def test_express_mode_sends_the_key_to_vertex_without_a_project(server: GoogleServer) -> None:
    async with provider_of(server, project=None) as provider:
        await provider.submit(replace(IMAGE, model="vertex/gemini-3-pro-image"))
    (call,) = server.submits
    assert call.path == "/vertex/publishers/google/models/gemini-3-pro-image:generateContent"
    assert call.headers["x-goog-api-key"] == KEY


# -- Veo


async def test_veo_on_vertex_is_followed_by_its_operation(server: GoogleServer) -> None:
    async with provider_of(server, token="t") as provider:
        inputs = {"prompt": "a fox", "duration": 8, "image": f"data:image/png;base64,{b64(PNG)}"}
        sent = await provider.submit(replace(VEO, inputs=inputs))
        assert (sent.remote_id, sent.phase, sent.raw) == (VERTEX_NAME, Phase.RUNNING, None)
        job = known(VEO, sent.remote_id)
        server.script("poll", Reply(body={"name": VERTEX_NAME}), Reply(body={"name": VERTEX_NAME, "done": True}))
        assert (await provider.poll(job)).phase is Phase.RUNNING
        del server.on["poll"]
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        raw = await provider.result(job)
        assert len(server.of("poll")) == 2, "the answer that said it is done holds the video"
        assert [o.data for o in provider.outputs(job, raw)] == [MP4]
        assert await provider.result(job) == raw
        assert await provider.cancel(job) is False
    assert server.submits[0].json["instances"] == [
        {"prompt": "a fox", "image": {"bytesBase64Encoded": b64(PNG), "mimeType": "image/png"}}
    ]
    asked = server.of("poll")[0]
    assert asked.path == f"/vertex/{VERTEX_NAME.rpartition('/operations/')[0]}:fetchPredictOperation"
    assert asked.json == {"operationName": VERTEX_NAME}


async def test_veo_on_the_gemini_api_gives_a_file_behind_the_key(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        job = make_job("google", "gemini/veo-3.1-generate-preview", submitted_at=1000.0)
        job = known(job, (await provider.submit(job)).remote_id)
        assert job.remote_id == GEMINI_NAME
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        (output,) = provider.outputs(job, await provider.result(job))
        assert output.delivery is Delivery.PROVIDER_URL
        assert output.url == f"{server.url}/v1beta/files/abc:download?alt=media"
        assert provider.download_headers(output.url) == {"x-goog-api-key": KEY}
        assert output.expires_at is not None
        assert 1000.0 < output.expires_at <= 1000.0 + 48 * 3600


async def test_a_failed_operation_and_a_filtered_one(server: GoogleServer) -> None:
    job = known(VEO, VERTEX_NAME)
    failed = {"done": True, "error": {"code": 3, "message": "could not be submitted: Responsible AI practices"}}
    filtered = operation({"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Audio was filtered"]})
    server.script("poll", Reply(body=failed), Reply(body=filtered))
    async with provider_of(server, token="t") as provider:
        going = await provider.poll(job)
        assert going.phase is Phase.FAILED
        assert going.error is not None
        assert going.error.kind is ErrorKind.POLICY
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        with refused(ErrorKind.POLICY) as found:
            provider.outputs(job, await provider.result(job))
    assert "Audio was filtered" in found[0].message


@pytest.mark.parametrize("status", [302, 307, 500, 503])
@pytest.mark.parametrize("job", [known(VEO, VERTEX_NAME), known(VIDEO, "int-1")], ids=["veo", "omni"])
async def test_a_question_that_is_not_answered_is_asked_again(server: GoogleServer, job: Job, status: int) -> None:
    server.script("poll", Reply(status, b"<html>", {"Location": "https://login.example/"}), None)
    async with provider_of(server, token="t") as provider:
        with refused(ErrorKind.TRANSIENT):
            await provider.poll(job)
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
    assert len(server.calls) == 2


async def test_an_operation_that_google_forgot_is_expired(server: GoogleServer) -> None:
    server.script("poll", problem(404, "NOT_FOUND", "Operation not found"))
    async with provider_of(server, token="t") as provider:
        with refused(ErrorKind.NOT_FOUND):
            await provider.poll(known(VEO, VERTEX_NAME))
        with refused(ErrorKind.EXPIRED):
            await provider.result(known(VEO, VERTEX_NAME))


@pytest.mark.parametrize(
    "name", ["", "operations/..", "../../x/operations/1", "projects/p/../q/operations/1", "http://e"]
)
async def test_an_operation_name_that_is_none_is_never_asked_for(server: GoogleServer, name: str) -> None:
    server.script("submit", Reply(body={"name": name}))
    async with provider_of(server, token="t") as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await provider.submit(VEO)
        with refused(ErrorKind.INTERNAL):
            await provider.poll(known(VEO, name))
    assert server.of("poll") == []


# -- Interactions


async def test_an_interaction_runs_in_the_background(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        inputs = {"prompt": "a fox", "resolution": "720p", "duration": 8, "image": f"data:image/png;base64,{b64(PNG)}"}
        sent = await provider.submit(replace(VIDEO, inputs=inputs))
        assert (sent.remote_id, sent.phase) == ("int-1", Phase.RUNNING)
        job = known(VIDEO, "int-1")
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        outputs = provider.outputs(job, await provider.result(job))
        assert await provider.cancel(job) is True
    check_outputs(outputs)
    assert [(o.data, o.type, o.path) for o in outputs] == [(MP4, MediaType.VIDEO, "steps.1.content.0")]
    request = server.submits[0].json
    assert request == {
        "model": "gemini-omni-1.2-flash",
        "input": [
            {"type": "image", "data": b64(PNG), "mime_type": "image/png"},
            {"type": "text", "text": "a fox"},
        ],
        "background": True,
        "store": True,
        "response_format": {"type": "video", "resolution": "720p", "duration": "8s"},
    }
    assert server.of("cancel")[0].path == "/v1beta/interactions/int-1/cancel"


async def test_an_interaction_in_the_foreground_answers_with_the_product(server: GoogleServer) -> None:
    server.script(
        "submit", Reply(body=interaction([{"type": "audio", "data": b64(b"\0\1" * 8), "mime_type": "audio/l16"}]))
    )
    async with provider_of(server) as provider:
        job = make_job("google", "lyria-3-pro-preview", {"prompt": "a song", "background": False})
        sent = await provider.submit(job)
        assert sent.phase is Phase.SUCCEEDED
        (output,) = provider.outputs(job, sent.raw or b"")
    assert server.submits[0].json["background"] is False
    assert output.type is MediaType.AUDIO
    assert output.content_type == "audio/wav"
    assert output.data is not None
    assert output.data.startswith(b"RIFF")
    assert output.data.endswith(b"\0\1" * 8)


MADE = {"type": "image", "data": b64(PNG), "mime_type": "image/png"}
STATES: list[tuple[dict[str, Any], Phase, ErrorKind | None]] = [
    ({"status": "queued"}, Phase.QUEUED, None),
    ({"status": "in_progress"}, Phase.RUNNING, None),
    ({"status": "pondering"}, Phase.RUNNING, None),
    ({"status": "cancelled"}, Phase.CANCELLED, None),
    (
        {"status": "failed", "errors": [{"code": "safety", "message": "blocked by safety"}]},
        Phase.FAILED,
        ErrorKind.POLICY,
    ),
    ({"status": "failed", "steps": [{"error": {"code": 13, "message": "broke"}}]}, Phase.FAILED, ErrorKind.INTERNAL),
    ({"status": "requires_action"}, Phase.FAILED, ErrorKind.INTERNAL),
    ({"status": "budget_exceeded"}, Phase.FAILED, ErrorKind.INTERNAL),
    ({"status": "requires_continuation"}, Phase.FAILED, ErrorKind.INTERNAL),
    ({"status": "incomplete"}, Phase.FAILED, ErrorKind.INTERNAL),
    ({"status": "failed"}, Phase.FAILED, ErrorKind.INTERNAL),
    (interaction([MADE], " COMPLETED "), Phase.SUCCEEDED, None),
    (interaction([MADE], "incomplete"), Phase.SUCCEEDED, ErrorKind.INTERNAL),
    (interaction([MADE], "cancelled"), Phase.SUCCEEDED, None),
]


@pytest.mark.parametrize(("document", "phase", "kind"), STATES)
async def test_every_status_of_an_interaction(
    server: GoogleServer, document: dict[str, Any], phase: Phase, kind: ErrorKind | None
) -> None:
    server.script("poll", Reply(body=document))
    async with provider_of(server) as provider:
        going = await provider.poll(known(VIDEO, "int-1"))
    assert going.phase is phase
    assert (going.error.kind if going.error else None) is kind


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (interaction([MADE]), None),
        (interaction([MADE], "cancelled"), None),
        (interaction([MADE], "budget_exceeded"), "only a part was made: the interaction used up its budget"),
        (interaction([MADE], "failed", errors=[{"code": 13, "message": "broke"}]), "only a part was made: broke"),
    ],
)
async def test_what_was_made_before_the_end_says_that_it_is_a_part(
    server: GoogleServer, document: dict[str, Any], words: str | None
) -> None:
    async with provider_of(server) as provider:
        (output,) = provider.outputs(known(VIDEO, "int-1"), json.dumps(document).encode())
    assert str(output.meta.get("incomplete")).startswith(str(words))


async def test_uris_are_downloaded_with_the_key_only_from_google_itself(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        content = [
            {"type": "video", "uri": f"{server.url}/v1beta/files/abc", "mime_type": "video/mp4"},
            {"type": "video", "uri": "https://cdn.example.com/v1beta/files/abc", "mime_type": "video/mp4"},
            {"type": "text", "text": "two of them"},
        ]
        own, foreign = provider.outputs(VIDEO, _raw(interaction(content)))
        assert (own.delivery, own.url) == (Delivery.PROVIDER_URL, f"{server.url}/v1beta/files/abc:download?alt=media")
        assert (foreign.delivery, foreign.url) == (Delivery.URL, "https://cdn.example.com/v1beta/files/abc")
        assert provider.download_headers(foreign.url or "") == {}
        assert server.url.removeprefix("http://") in provider.media_hosts.loopback


async def test_copies_at_the_top_are_read_only_when_the_steps_hold_nothing(server: GoogleServer) -> None:
    async with provider_of(server) as provider:
        both = interaction([MADE], output_image=MADE, outputs=[MADE])
        assert len(provider.outputs(VIDEO, _raw(both))) == 1
        only_top = {"status": "completed", "output_video": {"data": b64(MP4), "mime_type": "video/mp4"}}
        assert [o.path for o in provider.outputs(VIDEO, _raw(only_top))] == ["output_video"]
        with refused(ErrorKind.INTERNAL):
            provider.outputs(VIDEO, _raw(interaction([])))


async def test_cancelling_too_late_is_no_error(server: GoogleServer) -> None:
    server.script("cancel", problem(400, "FAILED_PRECONDITION", "already done"))
    async with provider_of(server) as provider:
        assert await provider.cancel(known(VIDEO, "int-1")) is False


# -- credentials


async def test_a_token_command_is_run_again_when_its_token_is_refused(server: GoogleServer, tmp_path: Path) -> None:
    count = tmp_path / "count"
    script = f"import pathlib; p = pathlib.Path({str(count)!r}); n = len(p.read_text()) if p.exists() else 0; "
    script += "p.write_text('x' * (n + 1)); print(f'ya29.token-{n}')"
    options = {
        "token_command": f'{sys.executable} -c "{script}"',
        "project": "acme",
        "gemini_url": f"{server.url}/v1beta",
        "vertex_url": f"{server.url}/vertex",
    }
    provider = GoogleProvider.from_settings(ProviderSettings("google", options=options))
    server.script("poll", problem(401, "UNAUTHENTICATED", "expired"), Reply(body={"done": False}))
    await provider.submit(VEO)
    assert (await provider.poll(known(VEO, VERTEX_NAME))).phase is Phase.RUNNING
    assert [c.headers["authorization"] for c in server.calls] == [
        "Bearer ya29.token-0",
        "Bearer ya29.token-0",
        "Bearer ya29.token-1",
    ]
    await provider.aclose()


async def test_a_submit_with_a_refused_token_is_sent_once(server: GoogleServer) -> None:
    server.script("submit", problem(401, "UNAUTHENTICATED", "expired"))
    async with provider_of(server, token="ya29.t") as provider:
        with refused(ErrorKind.AUTH):
            await provider.submit(VEO)
    assert len(server.submits) == 1


@pytest.mark.parametrize("command", ["exit 3", "true", "printf 'a\\nb'"])
async def test_a_command_that_gives_no_token_is_said_and_nothing_is_sent(server: GoogleServer, command: str) -> None:
    options = {"token_command": command, "project": "acme", "vertex_url": f"{server.url}/vertex"}
    provider = GoogleProvider.from_settings(ProviderSettings("google", options=options))
    with refused(ErrorKind.AUTH):
        await provider.submit(VEO)
    assert provider.download_headers(f"{server.url}/vertex/x") == {}
    assert server.calls == []
    await provider.aclose()


async def test_no_key_or_token_in_any_message(server: GoogleServer) -> None:
    echo = f"key {KEY} and token ya29.secret are wrong"
    server.script("submit", problem(403, "PERMISSION_DENIED", echo))
    server.script("poll", problem(403, "PERMISSION_DENIED", echo))
    async with provider_of(server, token="ya29.secret") as provider:
        for job in (IMAGE, VEO):
            with refused(ErrorKind.AUTH) as found:
                await provider.submit(job)
            assert KEY not in repr(found[0]) + str(found[0])
        with refused(ErrorKind.AUTH) as found:
            await provider.poll(known(VEO, VERTEX_NAME))
    assert "ya29.secret" not in f"{found[0].message} {found[0].hint} {found[0].code}"


def _raw(document: dict[str, Any]) -> bytes:
    import json

    return json.dumps(document).encode()


# -- proving the credentials


@pytest.mark.parametrize("answer", [{}, {"models": []}])
async def test_a_token_is_proved_where_it_is_for(server: GoogleServer, answer: dict[str, Any]) -> None:
    """The Gemini API need not be switched on for a project that uses Vertex."""
    server.on["catalogue"] = lambda call: (
        Reply(body=answer) if call.path.startswith("/vertex/") else problem(403, "PERMISSION_DENIED", "not enabled")
    )
    async with provider_of(server, key=None, token="t") as provider:
        await provider.check()
    (call,) = server.calls
    assert (call.method, call.path) == ("GET", "/vertex/projects/acme/locations/us-central1/models")
    assert call.headers["authorization"] == "Bearer t"
    async with provider_of(server) as provider:
        with refused(ErrorKind.AUTH):
            await provider.check()
    async with provider_of(server, key=None, token="t") as provider:
        server.script("catalogue", problem(401, "UNAUTHENTICATED", "expired"))
        with refused(ErrorKind.AUTH):
            await provider.check()


async def test_a_key_that_is_taken_does_not_prove_the_token(server: GoogleServer) -> None:
    def answer(call: Call) -> Reply:
        return problem(401, "UNAUTHENTICATED", "not this token") if call.path.startswith("/vertex/") else Reply()

    server.on["catalogue"] = answer
    async with provider_of(server, token="ya29.a-token") as provider:
        with refused(ErrorKind.AUTH) as found:
            await provider.check()
    assert found[0].message == "not this token"
    assert server.calls[0].headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(body={"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}}), ErrorKind.AUTH),
        (Reply(body={"error": {"code": 400, "message": "API key not valid."}}), ErrorKind.AUTH),
        (Reply(body={"error": {"code": 503, "message": "busy"}}), ErrorKind.TRANSIENT),
        (problem(404, "NOT_FOUND", "no such project"), ErrorKind.TRANSIENT),
    ],
)
async def test_a_key_that_was_refused_behind_200_or_at_another_address_is_not_proven(
    server: GoogleServer, reply: Reply, kind: ErrorKind
) -> None:
    server.script("catalogue", reply)
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.check()


QUESTIONS = [
    ({"code": 503, "message": "busy"}, ErrorKind.TRANSIENT),
    ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, ErrorKind.RATE_LIMITED),
    ({"code": 401, "message": "expired"}, ErrorKind.AUTH),
]


@pytest.mark.parametrize(("error", "kind"), QUESTIONS)
@pytest.mark.parametrize(("job", "name"), [(VEO, VERTEX_NAME), (VIDEO, "int-1")])
async def test_a_question_that_was_refused_behind_200_is_no_failed_job(
    server: GoogleServer, job: Job, name: str, error: dict[str, Any], kind: ErrorKind
) -> None:
    server.script("poll", Reply(body={"error": error}))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.poll(known(job, name))
        server.script("poll", Reply(body={"done": True, "status": "failed", "error": error}))
        assert (await provider.poll(known(job, name))).phase is Phase.FAILED


@pytest.mark.parametrize("body", [b"<html>Welcome to our network</html>", b"", b"[]", b"\xff"])
async def test_a_login_page_is_no_model_list_and_proves_nothing(server: GoogleServer, body: bytes) -> None:
    server.script("catalogue", Reply(body=body))
    async with provider_of(server) as provider:
        with refused(ErrorKind.INTERNAL) as found:
            await provider.check()
        assert "login page" in found[0].hint
        with refused(ErrorKind.INTERNAL):
            await provider.models()
