"""OpenAI-compatible images and videos over real HTTP: the answer is the product, and the key stays at home."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from tests.support.loopback import PNG, LoopbackService, Reply
from tests.support.openai_server import B64, OpenAIServer
from tests.support.provider_jobs import (
    BODIES,
    HOSTILE,
    check_outputs,
    make_job,
    only_provider_errors,
    only_refusals,
    refused,
)

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import MediaType, Phase
from mediatui.providers.base import Capability, Delivery, Estimate, Field, FieldKind, Progress
from mediatui.providers.openai import BASE_URL, KEY_VARIABLES, SETTINGS, OpenAIHosts, OpenAIProvider
from mediatui.settings import ProviderSettings, Secret

JOB = make_job("openai", "gpt-image-1.5", {"prompt": "a fox", "size": "1024x1536"})
VIDEO = make_job("openai", "sora-2", {"prompt": "a fox", "seconds": "8"})
KNOWN = replace(VIDEO, remote_id="video_1")
PURE = OpenAIProvider(OpenAIHosts(base="http://127.0.0.1:9/v1"), Secret("sk-test"))
"""For what asks nothing."""


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def provider_of(server: OpenAIServer, key: str = "sk-test", **options: Any) -> aclosing[OpenAIProvider]:
    return aclosing(OpenAIProvider(OpenAIHosts(base=server.base, **options), Secret(key) if key else None))


def outputs_of(document: Any, job: Any = JOB) -> list[Any]:
    found = list(PURE.outputs(job, json.dumps(document).encode()))
    check_outputs(found)
    return found


# -- images


async def test_an_image_comes_with_the_answer(server: OpenAIServer) -> None:
    async with provider_of(server, organization="org-1", project="proj-1") as provider:
        submitted = await provider.submit(JOB)
        assert (submitted.remote_id, submitted.phase) == ("req_1", Phase.SUCCEEDED)
        assert submitted.raw is not None
        (output,) = provider.outputs(replace(JOB, remote_id="req_1"), submitted.raw)
    assert output.delivery is Delivery.INLINE
    assert output.data == PNG
    assert (output.width, output.height, output.content_type) == (1024, 1536, "image/png")
    assert output.meta == {"revised_prompt": "a red fox"}
    (submit,) = server.submits
    assert submit.path == "/v1/images/generations"
    assert submit.json == {"model": "gpt-image-1.5", "prompt": "a fox", "size": "1024x1536"}
    assert submit.headers["authorization"] == "Bearer sk-test"
    assert (submit.headers["openai-organization"], submit.headers["openai-project"]) == ("org-1", "proj-1")


async def test_extra_json_is_merged_and_the_inputs_win(server: OpenAIServer) -> None:
    async with provider_of(server, extra={"size": "1x1", "step": 20, "nested": {"a": 1}, "model": "x"}) as provider:
        await provider.submit(JOB)
    body = server.submits[0].json
    assert body["size"] == "1024x1536"
    assert (body["step"], body["nested"], body["model"]) == (20, {"a": 1}, "gpt-image-1.5")


@pytest.mark.parametrize(
    ("model", "sent"), [("gpt-image-2", None), ("chatgpt-image-latest", None), ("flux.1-schnell", "b64_json")]
)
async def test_a_response_format_is_never_sent_to_gpt_image(server: OpenAIServer, model: str, sent: str | None) -> None:
    async with provider_of(server, response_format="b64_json") as provider:
        await provider.submit(replace(JOB, model=model))
    assert server.submits[0].json.get("response_format") == sent


async def test_no_response_format_unless_it_is_configured(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, model="flux.1-schnell"))
    assert "response_format" not in server.submits[0].json


async def test_a_server_without_a_key_gets_none(server: OpenAIServer) -> None:
    async with provider_of(server, key="") as provider:
        await provider.submit(JOB)
        assert provider.download_headers(f"{server.base}/x") == {}
    assert "authorization" not in server.submits[0].headers


async def test_a_name_that_no_header_can_carry_is_an_error_of_ours(server: OpenAIServer) -> None:
    async with provider_of(server, organization="größe") as provider:
        with refused(ErrorKind.AUTH):
            await provider.submit(JOB)
    assert server.calls == []


async def test_a_picture_to_change_goes_as_a_form(server: OpenAIServer) -> None:
    address = "data:image/png;base64," + B64
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, inputs={"prompt": "redder", "image": [address, address], "n": 2}))
    (submit,) = server.submits
    assert submit.path == "/v1/images/edits"
    assert submit.headers["content-type"].startswith("multipart/form-data")
    assert submit.body.count(PNG) == 2
    assert submit.body.count(b'name="image[]"') == 2
    assert b'name="n"\r\n\r\n2' in submit.body


async def test_a_web_address_as_a_picture_is_refused_before_anything_is_sent(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.INVALID_INPUT) as errors:
            await provider.submit(replace(JOB, inputs={"prompt": "x", "image": "https://example.com/a.png"}))
        await provider.submit(replace(JOB, inputs={"prompt": "x", "image": ""}))
    assert list(errors[0].fields) == ["image"]
    assert [call.path for call in server.submits] == ["/v1/images/generations"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, ErrorKind.AUTH),
        (403, {"error": {"message": "must be verified"}}, ErrorKind.AUTH),
        (404, {"error": {"message": "no such model", "code": "model_not_found"}}, ErrorKind.NOT_FOUND),
        (400, {"error": {"message": "bad size", "param": "size"}}, ErrorKind.INVALID_INPUT),
        (400, {"error": {"message": "rejected", "code": "moderation_blocked"}}, ErrorKind.POLICY),
        (429, {"error": {"message": "slow", "code": "rate_limit_exceeded"}}, ErrorKind.RATE_LIMITED),
        (429, {"error": {"message": "quota", "code": "insufficient_quota"}}, ErrorKind.BILLING),
        (500, {"error": {"message": "could not load model"}}, ErrorKind.INTERNAL),
        (503, {"error": {"message": "overloaded"}}, ErrorKind.INTERNAL),
        (500, {"error": {"message": "blocked by the safety system"}}, ErrorKind.POLICY),
        (200, {"error": {"message": "upstream failed"}}, ErrorKind.INTERNAL),
        (200, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}, ErrorKind.AUTH),
    ],
)
async def test_an_error_of_the_services_own_is_its_last_word(
    server: OpenAIServer, status: int, body: Any, kind: ErrorKind
) -> None:
    server.script("submit", Reply(status, body))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.submit(JOB)
    assert len(server.submits) == 1


async def test_fields_and_pauses_are_read(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        server.script("submit", Reply(400, {"error": {"message": f"bad{HOSTILE}", "param": "size"}}))
        with refused(ErrorKind.INVALID_INPUT) as errors:
            await provider.submit(JOB)
        assert list(errors[0].fields) == ["size"]
        server.script("submit", Reply(429, {"error": {"message": "x"}}, {"retry-after-ms": "1500", "Retry-After": "9"}))
        with refused(ErrorKind.RATE_LIMITED) as errors:
            await provider.submit(JOB)
    assert errors[0].retry_after == 1.5


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(body={"data": [{"b64_json": B64}]}, cut=20),
        Reply(500, b"oops"),
        Reply(502, {"error": {"message": "bad gateway"}}),
        Reply(504, {"error": {"message": "gateway timeout"}}),
        Reply(408, {"error": {"message": "operation timed out"}}),
        Reply(524, b"<html>"),
        Reply(200, b"<html>please log in", {"Content-Type": "text/html"}),
        Reply(200, b""),
    ],
)
@pytest.mark.parametrize("job", [JOB, VIDEO], ids=["image", "video"])
async def test_a_submit_without_a_clear_answer_is_ambiguous_and_sent_once(
    server: OpenAIServer, reply: Reply, job: Any
) -> None:
    server.script("submit", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT) as errors:
            await provider.submit(job)
        assert await provider.reconcile(job) is None
        assert Capability.RECONCILE not in provider.capabilities
    assert len(server.submits) == 1
    assert "own site" in errors[0].hint


async def test_a_picture_under_a_wrong_content_type_is_a_picture(server: OpenAIServer) -> None:
    server.script("submit", Reply(body={"data": [{"b64_json": B64}]}, headers={"Content-Type": "text/html"}))
    async with provider_of(server) as provider:
        submitted = await provider.submit(JOB)
        assert submitted.raw is not None
        assert len(provider.outputs(JOB, submitted.raw)) == 1


async def test_a_paid_answer_that_cannot_be_understood_is_kept_all_the_same(server: OpenAIServer) -> None:
    server.script("submit", Reply(body=b"{ not quite json"))
    async with provider_of(server) as provider:
        submitted = await provider.submit(JOB)
        assert submitted.raw == b"{ not quite json"
        with refused(ErrorKind.INTERNAL):
            provider.outputs(JOB, submitted.raw)


async def test_a_picture_cannot_be_asked_for_again() -> None:
    job = replace(JOB, remote_id="req_1")
    with refused(ErrorKind.EXPIRED):
        await PURE.poll(job)
    with refused(ErrorKind.EXPIRED):
        await PURE.result(job)


def test_no_picture_of_many_is_left_out_unseen() -> None:
    assert len(outputs_of({"data": [{"b64_json": B64}] * 700})) == 700


# -- videos


async def test_a_video_is_queued_followed_and_fetched_with_the_key(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        submitted = await provider.submit(VIDEO)
        assert (submitted.remote_id, submitted.phase, submitted.raw) == ("video_1", Phase.QUEUED, None)
        job = replace(VIDEO, remote_id=submitted.remote_id)
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        (output,) = provider.outputs(job, await provider.result(job))
        assert output.delivery is Delivery.PROVIDER_URL
        assert output.url == f"{server.base}/videos/video_1/content"
        assert provider.download_headers(output.url) == {"Authorization": "Bearer sk-test"}
    assert (output.type, output.role) == (MediaType.VIDEO, "clip")
    assert (output.width, output.height, output.duration) == (1280, 720, 8.0)
    assert output.expires_at == 1_800_000_000
    assert server.submits[0].json == {"model": "sora-2", "prompt": "a fox", "seconds": "8"}


async def test_a_first_frame_goes_as_a_form(server: OpenAIServer) -> None:
    inputs = {"prompt": "x", "input_reference": "data:image/jpeg;base64," + B64}
    async with provider_of(server) as provider:
        await provider.submit(replace(VIDEO, inputs=inputs))
    (submit,) = server.submits
    assert submit.path == "/v1/videos"
    assert b'filename="input_reference-0.jpg"' in submit.body


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("queued", Phase.QUEUED),
        ("IN_PROGRESS", Phase.RUNNING),
        ("Completed", Phase.SUCCEEDED),
        ("FAILED", Phase.FAILED),
        ("cancelled", Phase.CANCELLED),
        ("marinating", Phase.RUNNING),
    ],
)
async def test_statuses_in_any_case_and_unknown_ones(server: OpenAIServer, status: Any, phase: Phase) -> None:
    server.script("poll", Reply(body=server.video(status)))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is phase


@pytest.mark.parametrize(("said", "fraction"), [(33, 0.33), ("45%", 0.45), (250, 1.0), ("soon", None), (None, None)])
async def test_progress_and_the_services_own_pace(server: OpenAIServer, said: Any, fraction: float | None) -> None:
    body = server.video("in_progress", progress=said)
    server.script("poll", Reply(body=body, headers={"openai-poll-after-ms": "2500"}))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.fraction == fraction
    assert progress.retry_after == 2.5


async def test_an_error_behind_200_is_no_progress(server: OpenAIServer) -> None:
    server.script("poll", Reply(body={"error": {"message": "the upstream is away"}}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.TRANSIENT) as errors:
            await provider.poll(KNOWN)
    assert errors[0].message == "the upstream is away"


@pytest.mark.parametrize("more", [{}, {"status": "success"}, {"status": 200}, {"id": "request_7"}], ids=repr)
async def test_a_status_under_data_is_the_videos_own(server: OpenAIServer, more: dict[str, Any]) -> None:
    def envelope(**data: Any) -> Reply:
        return Reply(body={"code": "success", **more, "data": {"task_id": "video_1", **data}})

    going = envelope(status="IN_PROGRESS", progress="45%")
    failed = envelope(status="FAILURE", fail_reason="insufficient balance")
    done = envelope(status="SUCCESS", input={"image": "https://cdn.example/in.png"}, url="https://cdn.example/v.mp4")
    server.script("submit", envelope(status="NOT_START"))
    server.script("poll", going, failed, failed, done, done)
    async with provider_of(server) as provider:
        assert (await provider.submit(VIDEO)).remote_id == "video_1"
        assert await provider.poll(KNOWN) == Progress(Phase.RUNNING, fraction=0.45)
        ended = await provider.poll(KNOWN)
        assert (ended.phase, ended.error and ended.error.kind) == (Phase.FAILED, ErrorKind.BILLING)
        with refused(ErrorKind.BILLING):
            await provider.result(KNOWN)
        assert (await provider.poll(KNOWN)).phase is Phase.SUCCEEDED
        (output,) = provider.outputs(KNOWN, await provider.result(KNOWN))
    assert output.url == "https://cdn.example/v.mp4"


async def test_an_id_under_data_is_the_videos(server: OpenAIServer) -> None:
    server.script("submit", Reply(body={"code": 200, "data": {"task_id": "video_1"}}))
    async with provider_of(server) as provider:
        assert (await provider.submit(VIDEO)).remote_id == "video_1"


async def test_a_videos_own_status_goes_before_that_of_what_it_holds(server: OpenAIServer) -> None:
    server.script("poll", Reply(body=server.video("completed", data={"status": "submitted"})))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"code": 404, "message": "task not exist", "data": None}, "task not exist"),
        ({"object": "list", "data": []}, "127.0.0.1 gave no status for this request"),
        ({"id": "video_1", "status": None}, "127.0.0.1 gave no status for this request"),
        ({"id": "video_1", "status": {"code": 3}}, "127.0.0.1 gave no status for this request"),
    ],
)
async def test_an_answer_without_a_status_says_so(server: OpenAIServer, body: dict[str, Any], words: str) -> None:
    server.script("poll", Reply(body=body))
    async with provider_of(server) as provider:
        with refused(ErrorKind.TRANSIENT) as errors:
            await provider.poll(KNOWN)
    assert errors[0].message == words


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("in_progress", ErrorKind.TRANSIENT),
        ("failed", ErrorKind.INTERNAL),
        ("cancelled", ErrorKind.CANCELLED),
    ],
)
async def test_a_video_that_is_not_there_has_no_result(server: OpenAIServer, status: str, kind: ErrorKind) -> None:
    server.script("poll", Reply(body=server.video(status)))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.result(KNOWN)


async def test_a_failed_video_says_why(server: OpenAIServer) -> None:
    error = {"code": "moderation_blocked", "message": f"no{HOSTILE}"}
    server.script("poll", Reply(body=server.video("failed", error=error)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.error is not None
    assert progress.error.kind is ErrorKind.POLICY
    assert "\x1b" not in progress.error.message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404), ErrorKind.NOT_FOUND),
        (Reply(401), ErrorKind.AUTH),
        (Reply(500), ErrorKind.TRANSIENT),
        (Reply(body=b"hello"), ErrorKind.TRANSIENT),
        (Reply(drop=True), ErrorKind.TRANSIENT),
    ],
)
async def test_a_poll_that_goes_wrong(server: OpenAIServer, reply: Reply, kind: ErrorKind) -> None:
    server.script("poll", reply)
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.poll(KNOWN)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_result_that_is_gone_is_expired(server: OpenAIServer, status: int) -> None:
    server.script("poll", Reply(status))
    async with provider_of(server) as provider:
        with refused(ErrorKind.EXPIRED):
            await provider.result(KNOWN)


async def test_nothing_is_deleted_to_cancel_it(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        assert await provider.cancel(KNOWN) is False
        assert Capability.CANCEL not in provider.capabilities
    assert server.calls == []


async def test_a_video_that_was_refused_in_words_is_not_ambiguous(server: OpenAIServer) -> None:
    server.script("submit", Reply(body={"error": {"message": "insufficient balance"}}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.BILLING):
            await provider.submit(VIDEO)


# -- outputs


@pytest.mark.parametrize(
    ("data", "deliveries"),
    [
        ([{"b64_json": B64}, {"b64_json": B64}], [Delivery.INLINE] * 2),
        ([{"b64_json": "data:image/webp;base64," + B64}], [Delivery.INLINE]),
        ([{"b64_json": B64[:-3] + "\n"}], [Delivery.INLINE]),
        ([{"url": "https://cdn.example/x.png"}], [Delivery.URL]),
        ([{"url": "data:image/png;base64," + B64}], [Delivery.INLINE]),
        ([{"url": "http://127.0.0.1:9/generated-images/x.png"}], [Delivery.PROVIDER_URL]),
        ([{"url": "/generated-images/x.png"}], [Delivery.PROVIDER_URL]),
        ([{"b64_json": "", "url": "https://cdn.example/x.png"}], [Delivery.URL]),
        ([{"b64_json": None}, {"b64_json": B64}, "junk", None], [Delivery.INLINE]),
    ],
)
def test_pictures_of_every_shape(data: Any, deliveries: list[Delivery]) -> None:
    assert [o.delivery for o in outputs_of({"data": data})] == deliveries


def test_each_picture_keeps_its_place() -> None:
    found = outputs_of({"data": [{"b64_json": None}, {"b64_json": B64}, {"url": "https://cdn.example/x.png"}]})
    assert [(o.index, o.path) for o in found] == [(0, "data.1"), (1, "data.2")]


@pytest.mark.parametrize(
    ("document", "delivery"),
    [
        ({"images": ["https://cdn.example/x"]}, Delivery.URL),
        ({"data": {"b64_json": B64}}, Delivery.INLINE),
        ({"data": {"images": [{"b64_json": B64}]}}, Delivery.INLINE),
        ({"output": [{"b64_json": B64}]}, Delivery.INLINE),
        ({"b64_json": B64}, Delivery.INLINE),
        ({"images": [B64]}, Delivery.INLINE),
        ({"data": [B64]}, Delivery.INLINE),
        ({"data": [{"url": "DATA:image/png;base64," + B64}]}, Delivery.INLINE),
    ],
)
def test_a_gateway_of_another_shape_is_searched(document: Any, delivery: Delivery) -> None:
    (output,) = outputs_of(document)
    assert (output.type, output.delivery) == (MediaType.IMAGE, delivery)
    assert output.data in (None, PNG)


def test_an_address_is_better_than_the_word_null() -> None:
    (output,) = outputs_of({"data": [{"b64_json": "null", "url": "https://cdn.example/x.png"}]})
    assert output.url == "https://cdn.example/x.png"


@pytest.mark.parametrize("written", [B64, "data:image/png;base64," + B64, B64.replace("/", "\\/")])
def test_what_is_whole_in_an_answer_that_broke_off_is_kept_and_said(written: str) -> None:
    raw = b'{"created": 1, "data": [{"b64_json": "%s"}, {"b64_json": "%s' % (written.encode(), B64[:70].encode())
    (output,) = PURE.outputs(JOB, raw)
    assert output.data == PNG
    assert "broke off" in output.meta["incomplete"]


def test_an_address_in_an_answer_that_broke_off_is_kept() -> None:
    raw = b'{"data": [{"url": "https:\\/\\/cdn.example\\/a.png"}, {"url": "https://cdn.exam'
    assert [output.url for output in PURE.outputs(JOB, raw)] == ["https://cdn.example/a.png"]


def test_a_picture_that_came_as_a_stream_of_events_is_the_whole_one() -> None:
    part = {"type": "image_generation.partial_image", "b64_json": "AAAA", "partial_image_index": 0}
    whole = {"type": "image_generation.completed", "b64_json": B64, "size": "1024x1536", "output_format": "png"}
    raw = b"".join(
        b"event: %s\ndata: %s\n\n" % (str(e["type"]).encode(), json.dumps(e).encode()) for e in (part, whole)
    )
    (output,) = PURE.outputs(JOB, raw)
    assert (output.data, output.width, output.content_type) == (PNG, 1024, "image/png")


def events(*documents: dict[str, Any]) -> bytes:
    return b"".join(b"event: x\ndata: %s\n\n" % json.dumps(each).encode() for each in documents)


PART = {"type": "image_generation.partial_image", "b64_json": B64, "partial_image_index": 0}
BLOCKED = {"type": "error", "error": {"code": "moderation_blocked", "message": "your request was rejected"}}


async def test_an_error_in_a_stream_of_events_is_the_job_s_own(server: OpenAIServer) -> None:
    server.script("submit", Reply(body=events(BLOCKED), headers={"Content-Type": "text/event-stream"}))
    async with provider_of(server, extra={"stream": True}) as provider:
        with refused(ErrorKind.POLICY) as errors:
            await provider.submit(JOB)
        assert errors[0].message == "your request was rejected"
        server.script("submit", Reply(body=events(PART, BLOCKED)))
        submitted = await provider.submit(JOB)
    (shown,) = PURE.outputs(JOB, submitted.raw or b"")
    assert (shown.data, "broke off" in shown.meta["incomplete"]) == (PNG, True)


@pytest.mark.parametrize("document", [{"data": []}, {"data": [{"b64_json": ""}]}])
def test_a_list_without_a_picture_is_the_filter_s_work(document: Any) -> None:
    with refused(ErrorKind.POLICY):
        outputs_of(document)


@pytest.mark.parametrize("document", [{}, [], None, {"data": None}, {"code": 401, "message": "no picture: bad token"}])
def test_no_picture_and_no_list_is_nobody_s_filter(document: Any) -> None:
    with refused(ErrorKind.INTERNAL) as errors:
        outputs_of(document)
    assert "no picture" in errors[0].message
    assert "prompt" not in errors[0].hint


def test_a_picture_in_place_of_a_list_is_found_also_at_a_relative_address() -> None:
    assert [o.url for o in outputs_of({"data": {"url": "/files/a.png"}})] == ["http://127.0.0.1:9/files/a.png"]
    assert [o.data for o in outputs_of({"data": {"b64_json": B64}})] == [PNG]


@pytest.mark.parametrize(
    ("more", "urls"),
    [
        ({}, ["http://127.0.0.1:9/v1/videos/video_1/content"]),
        ({"url": "https://cdn.example/v.mp4"}, ["https://cdn.example/v.mp4"]),
        ({"metadata": {"url": "https://cdn.example/v"}}, ["https://cdn.example/v"]),
        ({"data": [{"url": "https://cdn.example/v.mp4"}]}, ["https://cdn.example/v.mp4"]),
        ({"input_reference": "https://cdn.example/in.png"}, ["http://127.0.0.1:9/v1/videos/video_1/content"]),
        (
            {"thumbnail_url": "https://cdn.example/t.jpg"},
            ["http://127.0.0.1:9/v1/videos/video_1/content", "https://cdn.example/t.jpg"],
        ),
    ],
)
def test_videos_of_every_shape(more: dict[str, Any], urls: list[str]) -> None:
    assert [o.url for o in outputs_of({"id": "video_1", "status": "completed", **more}, KNOWN)] == urls


@settings(max_examples=200, deadline=None)
@given(body=BODIES)
def test_no_result_makes_outputs_raise_anything_else(body: bytes) -> None:
    for job in (JOB, KNOWN):
        found = only_provider_errors(partial(PURE.outputs, job, body))
        if found is not None:
            check_outputs(found)


def test_no_answer_makes_a_call_raise_anything_else() -> None:
    with OpenAIServer() as server:

        async def ask() -> Sequence[Any]:
            async with provider_of(server) as provider:
                return await asyncio.gather(
                    provider.poll(KNOWN),
                    provider.result(KNOWN),
                    provider.models(),
                    provider.submit(JOB),
                    provider.submit(VIDEO),
                    return_exceptions=True,
                )

        only_refusals(server, ("poll", "submit", "models"), 500, ask)


async def test_the_key_goes_nowhere_else(server: OpenAIServer) -> None:
    class Foreign(LoopbackService):
        def step(self, call: Any) -> str:
            return "any"

    with Foreign() as foreign:
        server.script("poll", Reply(307, b"", {"Location": f"{foreign.url}/v1/videos/video_1"}))
        async with provider_of(server) as provider:
            with refused(ErrorKind.UNSUPPORTED):
                await provider.poll(KNOWN)
            for url in (
                f"{foreign.url}/x",
                "https://127.0.0.1/x",
                "http://127.0.0.1.evil.example/x",
                "http://[::1",
                "",
            ):
                assert provider.download_headers(url) == {}
        assert foreign.calls == []


# -- catalogue and settings


async def test_openais_own_models_are_built_in() -> None:
    provider = OpenAIProvider(OpenAIHosts(), None)
    models = {m.id: m for m in await provider.models()}
    assert models["gpt-image-1-mini"].price == "$0.005–$0.052 / image"
    assert models["sora-2"].retired
    assert all(m.makes is not None for m in models.values())
    assert Capability.PRICE in provider.capabilities
    assert provider.title == "OpenAI"
    assert "api.openai.com" in provider.media_hosts.names
    await provider.aclose()


@pytest.mark.parametrize(
    ("model", "inputs", "amount"),
    [
        ("gpt-image-1.5", {"quality": "low", "size": "1024x1024", "n": 2}, 0.018),
        ("gpt-image-1.5", {"quality": "medium", "size": "1536x1024"}, 0.05),
        ("gpt-image-1.5", {"quality": "auto", "size": "auto"}, 0.20),
        ("gpt-image-1-mini", {}, 0.052),
        ("gpt-image-2", {}, None),
        ("sora-2", {}, None),
    ],
)
async def test_what_a_picture_costs(model: str, inputs: dict[str, Any], amount: float | None) -> None:
    provider = OpenAIProvider(OpenAIHosts(), None)
    found = await provider.estimate(model, inputs)
    roughly: Any = pytest.approx(amount) if amount is not None else None
    assert found == (Estimate(roughly, "USD") if roughly is not None else None)
    elsewhere = OpenAIProvider(OpenAIHosts(base="http://127.0.0.1:8080/v1"), None)
    assert await elsewhere.estimate(model, inputs) is None
    await provider.aclose()
    await elsewhere.aclose()


async def test_a_compatible_server_is_asked_and_media_come_first(server: OpenAIServer) -> None:
    async with provider_of(server) as provider:
        assert [m.id for m in await provider.models()] == ["flux.1-schnell", "wan2.2-video", "llama-3"]
        assert [m.makes for m in await provider.models("wan")] == [MediaType.VIDEO]
        assert Capability.PRICE not in provider.capabilities
        server.script("models", Reply(404))
        assert list(await provider.models()) == []
        server.script("models", Reply(401))
        with refused(ErrorKind.AUTH):
            await provider.models()


async def test_a_list_of_models_may_hold_anything(server: OpenAIServer) -> None:
    listed = [{"id": None}, {"id": 7}, "x", {"id": "sd \x1b[31m"}, {}]
    server.script("models", Reply(body={"data": listed}))
    async with provider_of(server) as provider:
        assert [model.id for model in await provider.models()] == ["7", "sd [31m"]


async def test_configured_models_are_believed(server: OpenAIServer) -> None:
    async with provider_of(server, models=("dreamer",), video_models=("mover",)) as provider:
        assert [(m.id, m.makes) for m in await provider.models()] == [("dreamer", None), ("mover", MediaType.VIDEO)]
        await provider.submit(replace(VIDEO, model="mover"))
        await provider.submit(replace(VIDEO, model="videos/other"))
        await provider.submit(replace(JOB, model="images/wan-still"))
    assert [call.path for call in server.submits] == ["/v1/videos", "/v1/videos", "/v1/images/generations"]
    assert [call.json["model"] for call in server.submits] == ["mover", "other", "wan-still"]


async def test_forms() -> None:
    async def fields(model: str) -> dict[str, Field]:
        schema = await PURE.schema(model)
        assert schema is not None
        return {field.name: field for field in schema.fields}

    assert (await fields("gpt-image-1.5"))["size"].kind is FieldKind.CHOICE
    assert (await fields("gpt-image-2.5-flare"))["size"].kind is FieldKind.TEXT
    assert "quality" not in await fields("flux.1-schnell")
    assert (await fields("videos/anything"))["seconds"].choices == ("4", "8", "12")
    video = await PURE.schema("videos/anything")
    assert video is not None
    assert video.model == "videos/anything"


def test_settings() -> None:
    options: dict[str, Any] = {
        "base_url": "http://127.0.0.1:8080/v1/",
        "extra": {"step": 20},
        "models": ["a"],
        "video_models": ["b"],
        "response_format": "url",
        "organization": "o",
        "project": "p",
        "timeout_seconds": 1200,
    }
    assert set(options) == SETTINGS
    assert KEY_VARIABLES == ("OPENAI_API_KEY",)
    made = OpenAIHosts.from_settings(ProviderSettings("openai", options=options))
    expected = OpenAIHosts(
        "http://127.0.0.1:8080/v1", (), {"step": 20}, ("a",), ("b",), "url", "o", "p", timeout_seconds=1200.0
    )
    assert made == expected
    wrong: list[dict[str, Any]] = [
        {"extra": 1},
        {"extra": {"x": float("nan")}},
        {"extra": {"since": date(2026, 11, 20)}},
        {"models": "a"},
        {"video_models": [1]},
        {"response_format": "gif"},
        {"timeout_seconds": 0},
    ]
    for one in wrong:
        with pytest.raises(UsageError):
            OpenAIHosts.from_settings(ProviderSettings("openai", options=one))
    assert OpenAIHosts.from_settings(ProviderSettings("openai")) == OpenAIHosts(base=BASE_URL)
    provider = OpenAIProvider.from_settings(ProviderSettings("local", options=options, kind="openai"))
    assert (provider.name, provider.title) == ("local", "127.0.0.1")
    assert {"127.0.0.1:8080", "localhost:8080"} <= set(provider.media_hosts.loopback)


def test_padding_is_no_reason_to_lose_a_picture() -> None:
    (output,) = outputs_of({"data": [{"b64_json": base64.b64encode(PNG[:-1]).decode().rstrip("=")}]})
    assert output.data == PNG[:-1]
