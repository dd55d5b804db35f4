"""Replicate over real HTTP: one submit, one hour of life, every shape of output."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from tests.support.loopback import PNG, Reply
from tests.support.provider_jobs import (
    BODIES,
    HOSTILE,
    check_outputs,
    make_job,
    only_provider_errors,
    only_refusals,
    refused,
)
from tests.support.replicate_server import COMPLETED, CREATED, ReplicateServer

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import MediaType, Phase
from mediatui.providers.base import Capability, Delivery, FieldKind
from mediatui.providers.lost import SeveralFound
from mediatui.providers.replicate import (
    KEY_VARIABLES,
    LARGEST_DATA_ADDRESS,
    SETTINGS,
    ReplicateHosts,
    ReplicateProvider,
)
from mediatui.settings import ProviderSettings, Secret

SENT_AT = datetime.fromisoformat(CREATED).timestamp() - 1
JOB = make_job("replicate", "acme/painter", submitted_at=SENT_AT)
KNOWN = replace(JOB, remote_id="p1")
PURE = ReplicateProvider(ReplicateHosts(), None)
"""For what asks nothing."""


@pytest.fixture
def server() -> Iterator[ReplicateServer]:
    with ReplicateServer() as running:
        yield running


def provider_of(server: ReplicateServer, **options: Any) -> aclosing[ReplicateProvider]:
    return aclosing(ReplicateProvider(ReplicateHosts(api=server.api, **options), Secret("r8_test")))


def outputs_of(output: Any, **more: Any) -> list[Any]:
    document = {"id": "p1", "status": "succeeded", "output": output, "completed_at": COMPLETED, **more}
    found = list(PURE.outputs(JOB, json.dumps(document).encode()))
    check_outputs(found)
    return found


# -- the happy way


async def test_submit_poll_result_outputs(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        submitted = await provider.submit(JOB)
        assert submitted.remote_id == "p1"
        assert submitted.phase is Phase.QUEUED
        assert submitted.raw is None
        job = replace(JOB, remote_id=submitted.remote_id, urls=submitted.urls)
        progress = await provider.poll(job)
        assert progress.phase is Phase.SUCCEEDED
        (output,) = provider.outputs(job, await provider.result(job))
    assert output.url == f"{server.url}/files/a.png"
    assert output.type is MediaType.IMAGE
    assert (output.role, output.path, output.seed) == ("image", "output.0", 42)
    assert output.expires_at == pytest.approx(datetime.fromisoformat(COMPLETED).timestamp() + 3600)
    (submit,) = server.submits
    assert submit.json == {"version": "acme/painter", "input": {"prompt": "a fox"}}
    assert submit.headers["authorization"] == "Bearer r8_test"
    assert "prefer" not in submit.headers


async def test_a_community_model_is_sent_with_its_latest_version(server: ReplicateServer) -> None:
    server.official = False
    async with provider_of(server) as provider:
        await provider.submit(JOB)
        await provider.submit(JOB)
    assert server.submits[0].json["version"] == f"acme/painter:{'a' * 64}"
    assert len(server.of("model")) == 1, "the version is looked up once"


@pytest.mark.parametrize("model", ["acme/painter:" + "b" * 64, "c" * 64])
async def test_a_named_version_is_sent_as_it_is(server: ReplicateServer, model: str) -> None:
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, model=model))
    assert server.submits[0].json["version"] == model
    assert not server.of("model")


async def test_a_deployment_has_an_address_of_its_own(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, model="deployments/acme/mine"))
    assert server.submits[0].path == "/v1/deployments/acme/mine/predictions"


async def test_a_held_submit_gives_the_whole_answer(server: ReplicateServer) -> None:
    address = "data:image/png;base64," + base64.b64encode(PNG).decode()
    server.script("submit", Reply(201, server.prediction(output=address)))
    async with provider_of(server, wait_seconds=5) as provider:
        submitted = await provider.submit(JOB)
        assert submitted.phase is Phase.SUCCEEDED
        assert submitted.raw is not None
        (output,) = provider.outputs(JOB, submitted.raw)
    assert server.submits[0].headers["prefer"] == "wait=5"
    assert output.delivery is Delivery.INLINE
    assert output.data == PNG
    assert output.expires_at is None


async def test_a_submit_that_failed_at_once_is_left_to_the_poll(server: ReplicateServer) -> None:
    server.script("submit", Reply(201, server.prediction("failed", error="boom")))
    server.script("poll", Reply(body=server.prediction("failed", error="boom")))
    async with provider_of(server) as provider:
        submitted = await provider.submit(JOB)
        assert not submitted.phase.ended
        progress = await provider.poll(replace(JOB, remote_id=submitted.remote_id))
    assert progress.phase is Phase.FAILED
    assert progress.error is not None
    assert progress.error.message == "boom"


async def test_large_data_addresses_are_uploaded_first_and_small_ones_are_not(server: ReplicateServer) -> None:
    small = "data:image/png;base64," + base64.b64encode(PNG).decode()
    large = "data:image/png;base64," + base64.b64encode(PNG * (LARGEST_DATA_ADDRESS // 60)).decode()
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, inputs={"a": small, "b": [large]}))
    assert server.submits[0].json["input"] == {"a": small, "b": [f"{server.api}/files/f1"]}
    (upload,) = server.of("upload")
    assert PNG in upload.body
    assert b'name="content"' in upload.body


# -- submits that go wrong


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"title": "Unauthenticated", "detail": "You did not pass a token", "status": 401}, ErrorKind.AUTH),
        (402, {"title": "Insufficient credit", "detail": "Top up", "status": 402}, ErrorKind.BILLING),
        (403, {"detail": "forbidden"}, ErrorKind.AUTH),
        (404, {"detail": "The requested resource could not be found."}, ErrorKind.NOT_FOUND),
        (422, {"title": "Input validation failed", "detail": "- input: prompt is required"}, ErrorKind.INVALID_INPUT),
        (302, b"", ErrorKind.UNSUPPORTED),
    ],
)
async def test_a_refusal_says_what_it_is(server: ReplicateServer, status: int, body: Any, kind: ErrorKind) -> None:
    server.script("submit", Reply(status, body, {"Location": "https://elsewhere.example/"}))
    async with provider_of(server) as provider:
        with refused(kind) as errors:
            await provider.submit(JOB)
    assert errors[0].status == status
    assert len(server.submits) == 1


async def test_invalid_fields_are_named(server: ReplicateServer) -> None:
    body = {"title": "t", "invalid_fields": [{"field": "input.prompt", "description": f"is required{HOSTILE}"}]}
    server.script("submit", Reply(422, body))
    async with provider_of(server) as provider:
        with refused(ErrorKind.INVALID_INPUT) as errors:
            await provider.submit(JOB)
    (text,) = errors[0].fields.values()
    assert list(errors[0].fields) == ["prompt"]
    assert "\x1b" not in text
    assert "\u202e" not in text


async def test_throttling_says_how_long(server: ReplicateServer) -> None:
    server.script("submit", Reply(429, {"detail": "Request was throttled. Expected available in 6 seconds."}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.RATE_LIMITED) as errors:
            await provider.submit(JOB)
    assert errors[0].retry_after == 6.0


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(201, {"id": "p1", "status": "starting"}, cut=5),
        Reply(500, {"detail": "oops"}),
        Reply(502, b"<html>", {"Content-Type": "text/html"}),
        Reply(504, b""),
        Reply(408, b""),
        Reply(201, {"status": "starting"}),
        Reply(201, b"not json"),
    ],
)
async def test_a_submit_without_a_clear_answer_is_ambiguous_and_sent_once(
    server: ReplicateServer, reply: Reply
) -> None:
    server.script("submit", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await provider.submit(JOB)
    assert len(server.submits) == 1


async def test_nothing_is_ambiguous_when_nothing_could_be_sent() -> None:
    with ReplicateServer() as gone:
        api = gone.api
    provider = ReplicateProvider(ReplicateHosts(api=api), Secret("k"))
    with refused(ErrorKind.TRANSIENT) as errors:
        await provider.submit(replace(JOB, model="a/b:" + "c" * 64))
    assert "nothing was sent" in errors[0].message
    await provider.aclose()


async def test_each_submit_has_a_connection_of_its_own(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        await provider.poll(KNOWN)
        await provider.poll(KNOWN)
        await provider.submit(JOB)
        await provider.submit(JOB)
    first, second = server.submits
    polls = {call.port for call in server.of("poll")}
    assert len(polls) == 1, "questions share one"
    assert len({first.port, second.port} | polls) == 3


async def test_a_version_that_cannot_be_looked_up_sends_nothing(server: ReplicateServer) -> None:
    server.script("model", Reply(503))
    async with provider_of(server) as provider:
        with refused(ErrorKind.TRANSIENT):
            await provider.submit(JOB)
    assert not server.submits


async def test_inputs_that_json_cannot_say_are_named_before_anything_is_sent(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.INVALID_INPUT):
            await provider.submit(replace(JOB, inputs={"x": float("nan")}))
    assert not server.submits


@pytest.mark.parametrize("key", ["ключ", "a\x00b", "two\nlines", "two words"])
async def test_a_key_that_no_header_can_carry_is_an_auth_error(server: ReplicateServer, key: str) -> None:
    provider = ReplicateProvider(ReplicateHosts(api=server.api), Secret(key))
    with refused(ErrorKind.AUTH) as errors:
        await provider.poll(KNOWN)
    assert key not in errors[0].message
    await provider.aclose()


async def test_a_service_that_repeats_the_key_does_not_bring_it_into_the_message(server: ReplicateServer) -> None:
    server.script("submit", Reply(401, {"detail": "bad token r8_test"}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.AUTH) as errors:
            await provider.submit(JOB)
    assert "r8_test" not in errors[0].message


# -- following


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("starting", Phase.QUEUED),
        ("PROCESSING", Phase.RUNNING),
        ("Succeeded", Phase.SUCCEEDED),
        ("canceled", Phase.CANCELLED),
        ("aborted", Phase.CANCELLED),
        ("FAILED", Phase.FAILED),
        ("dreaming", Phase.RUNNING),
        (None, Phase.RUNNING),
        (7, Phase.RUNNING),
    ],
)
async def test_statuses_in_any_case_and_unknown_ones(server: ReplicateServer, status: Any, phase: Phase) -> None:
    server.script("poll", Reply(body=server.prediction(status)))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is phase


async def test_progress_is_the_last_percentage_of_the_log(server: ReplicateServer) -> None:
    logs = f"loading{HOSTILE}\n 25%|##   | 1/4\r 75%|#### | 3/4"
    server.script("poll", Reply(body=server.prediction("processing", logs=logs)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.fraction == 0.75
    assert "\x1b" not in "".join(progress.logs)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("NSFW content detected. Try running it again.", ErrorKind.POLICY),
        ("The input or output was flagged as sensitive. (E005)", ErrorKind.POLICY),
        ("CUDA out of memory", ErrorKind.INTERNAL),
        (None, ErrorKind.INTERNAL),
        ({"message": HOSTILE}, ErrorKind.INTERNAL),
        ([1, 2], ErrorKind.INTERNAL),
    ],
)
async def test_a_failed_prediction_says_why(server: ReplicateServer, error: Any, kind: ErrorKind) -> None:
    server.script("poll", Reply(body=server.prediction("failed", error=error)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.error is not None
    assert progress.error.kind is kind
    assert progress.error.message
    assert "\x1b" not in progress.error.message


@pytest.mark.parametrize(("status", "words"), [("failed", "made: CUDA out of memory"), ("canceled", "was cancelled")])
async def test_what_was_made_before_it_ended_is_kept_and_said(server: ReplicateServer, status: str, words: str) -> None:
    output = [f"{server.url}/files/a.png", None]
    server.script("poll", Reply(body=server.prediction(status, output=output, error="CUDA out of memory")))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
        (picture,) = provider.outputs(KNOWN, await provider.result(KNOWN))
    assert progress.phase is Phase.SUCCEEDED
    assert progress.error is not None
    assert words in progress.error.message
    assert picture.meta["incomplete"] == progress.error.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("processing", ErrorKind.TRANSIENT),
        ("failed", ErrorKind.INTERNAL),
        ("canceled", ErrorKind.CANCELLED),
    ],
)
async def test_a_prediction_that_gave_nothing_has_no_result(
    server: ReplicateServer, status: str, kind: ErrorKind
) -> None:
    server.script("poll", Reply(body=server.prediction(status)))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.result(KNOWN)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404), ErrorKind.NOT_FOUND),
        (Reply(401, {"detail": "no"}), ErrorKind.AUTH),
        (Reply(503), ErrorKind.TRANSIENT),
        (Reply(429, {}, {"Retry-After": "3"}), ErrorKind.RATE_LIMITED),
        (Reply(body=b"<html>hello"), ErrorKind.TRANSIENT),
        (Reply(drop=True), ErrorKind.TRANSIENT),
    ],
)
async def test_a_poll_that_goes_wrong(server: ReplicateServer, reply: Reply, kind: ErrorKind) -> None:
    server.script("poll", reply)
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.poll(KNOWN)


@pytest.mark.parametrize(
    "reply", [Reply(404), Reply(body={"id": "p1", "status": "succeeded", "output": None, "data_removed": True})]
)
async def test_a_removed_result_is_expired(server: ReplicateServer, reply: Reply) -> None:
    server.script("poll", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.EXPIRED):
            await provider.result(KNOWN)


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        (Reply(body={"status": "canceled"}), True),
        (Reply(202, {"status": "processing"}), True),
        (Reply(body={"status": "succeeded"}), False),
        (Reply(404), False),
        (Reply(422, {"detail": "already finished"}), False),
    ],
)
async def test_cancel_answers(server: ReplicateServer, reply: Reply, asked: bool) -> None:
    server.script("cancel", reply)
    async with provider_of(server) as provider:
        assert await provider.cancel(KNOWN) is asked


async def test_a_cancel_that_was_not_heard_is_an_error(server: ReplicateServer) -> None:
    server.script("cancel", Reply(503))
    async with provider_of(server) as provider:
        with refused(ErrorKind.TRANSIENT):
            await provider.cancel(KNOWN)


async def test_a_forged_address_gets_neither_key_nor_call(server: ReplicateServer) -> None:
    with ReplicateServer() as foreign:
        urls = {"get": f"{foreign.api}/predictions/p1", "cancel": f"{foreign.api}/predictions/p1/cancel"}
        async with provider_of(server) as provider:
            job = replace(KNOWN, urls=urls)
            await provider.poll(job)
            await provider.result(job)
            await provider.cancel(job)
            assert provider.download_headers(f"{server.api}/x") == {}
        assert foreign.calls == []
    assert len(server.of("poll")) == 2


@pytest.mark.parametrize("said", [".", "..", "", None, ["p1"], {"id": "p1"}, True, 1.5])
async def test_what_cannot_be_asked_for_is_no_id(server: ReplicateServer, said: Any) -> None:
    server.script("submit", Reply(201, server.prediction("starting", id=said)))
    async with provider_of(server) as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await provider.submit(JOB)


async def test_an_id_is_never_a_path(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.NOT_FOUND):
            server.script("poll", Reply(404))
            await provider.poll(replace(JOB, remote_id="../models/x?y"))
    assert server.calls[0].path == "/v1/predictions/..%2Fmodels%2Fx%3Fy"


# -- reconcile


async def test_reconcile_finds_the_one_with_the_same_model_and_input(server: ReplicateServer) -> None:
    others = [
        server.prediction(id="p2", input={"prompt": "a fox", "seed": 1}),
        server.prediction(id="p3", model="acme/other"),
        server.prediction(id="p4", created_at="2026-11-20T09:00:00Z"),
        server.prediction(id="p5", created_at="2026-11-20T11:00:00Z"),
        server.prediction(id="p6", input={}, data_removed=True),
    ]
    server.listed = [*others, server.prediction("processing")]
    async with provider_of(server) as provider:
        found = await provider.reconcile(JOB)
    assert found is not None
    assert found.remote_id == "p1"
    assert found.phase is Phase.RUNNING
    assert found.urls["get"] == f"{server.api}/predictions/p1"
    assert not server.submits


async def test_reconcile_finds_nothing_among_none_and_does_not_choose_among_two(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        assert await provider.reconcile(JOB) is None
        server.listed = [server.prediction(), server.prediction(id="p2")]
        with pytest.raises(SeveralFound) as several:
            await provider.reconcile(JOB)
        assert [each.remote_id for each in several.value.found] == ["p1", "p2"]
        found = await provider.reconcile(JOB, {"p2"})
    assert found is not None
    assert found.remote_id == "p1"


async def test_reconcile_asks_for_the_input_when_the_list_leaves_it_out(server: ReplicateServer) -> None:
    entry = server.prediction()
    del entry["input"]
    server.listed = [entry]
    async with provider_of(server) as provider:
        found = await provider.reconcile(JOB)
    assert found is not None
    assert len(server.of("poll")) == 1


async def test_reconcile_takes_a_file_for_the_same_under_another_address(server: ReplicateServer) -> None:
    server.listed = [server.prediction(input={"image": ["https://replicate.delivery/in.png"], "n": 1})]
    async with provider_of(server) as provider:
        job = replace(JOB, inputs={"image": ["data:image/png;base64,AAAA"], "n": 1})
        assert await provider.reconcile(job) is not None
        assert await provider.reconcile(replace(job, inputs={**job.inputs, "n": 2})) is None


async def test_reconcile_turns_pages_and_follows_no_foreign_one(server: ReplicateServer) -> None:
    with ReplicateServer() as foreign:
        later = server.prediction(id="px", model="acme/other")
        pages = [
            Reply(body={"next": f"{server.api}/predictions?cursor=2", "results": [later]}),
            Reply(body={"next": f"{foreign.api}/predictions?cursor=3", "results": [server.prediction()]}),
        ]
        server.script("list", *pages)
        async with provider_of(server) as provider:
            found = await provider.reconcile(JOB)
        assert found is not None
        assert len(server.of("list")) == 2
        assert foreign.calls == []


# -- outputs


@pytest.mark.parametrize(
    ("output", "paths"),
    [
        ("https://replicate.delivery/x/out.mp4", ["output"]),
        (["https://replicate.delivery/x/0.png", "https://replicate.delivery/x/1.png"], ["output.0", "output.1"]),
        ({"video": "https://replicate.delivery/x/v.mp4", "n": 1}, ["output.video"]),
        ({"files": [{"image": "https://replicate.delivery/x/i"}]}, ["output.files.0.image"]),
        ("data:image/png;base64,iVBORw0KGgo=", ["output"]),
        ("once upon a time", []),
        (["once ", "upon ", "https://a b is no address"], []),
        ("https://replicate.delivery/x/\x1b]52;c;aGk=\x07.png", []),
        (None, []),
        ([None, 3, True], []),
    ],
)
def test_outputs_of_every_shape(output: Any, paths: list[str]) -> None:
    assert [o.path for o in outputs_of(output)] == paths


def test_types_and_roles_come_from_the_file() -> None:
    found = outputs_of(["https://replicate.delivery/a.mp4", "https://replicate.delivery/a.mp3"])
    assert [(o.type, o.role) for o in found] == [(MediaType.VIDEO, "clip"), (MediaType.AUDIO, "audio")]


def test_an_address_of_no_known_type_is_kept() -> None:
    assert len(outputs_of("https://replicate.delivery/x/output")) == 1


def test_an_input_that_is_repeated_is_no_output() -> None:
    job = replace(JOB, inputs={"image": "https://example.com/in.png"})
    raw = b'{"output": ["https://example.com/in.png", "https://replicate.delivery/out.png"]}'
    assert [o.url for o in PURE.outputs(job, raw)] == ["https://replicate.delivery/out.png"]


@pytest.mark.parametrize(
    "address",
    ["https://example.com/out.png", "https://notreplicate.delivery/out.png", "http://[::1", "https://x:99999/a"],
)
def test_a_foreign_address_has_no_hour(address: str) -> None:
    (output,) = outputs_of(address)
    assert output.expires_at is None


@pytest.mark.parametrize("said", [{}, {"completed_at": None}, {"completed_at": "soon"}, {"completed_at": 7e300}])
def test_without_a_time_the_hour_counts_from_the_submit(said: dict[str, Any]) -> None:
    job = replace(JOB, submitted_at=1_000_000.0, created_at=999_999.0)
    raw = json.dumps({"status": "succeeded", "output": "https://replicate.delivery/a.png", **said}).encode()
    assert [output.expires_at for output in PURE.outputs(job, raw)] == [1_003_600.0]


@settings(max_examples=150, deadline=None)
@given(body=BODIES)
def test_no_result_makes_outputs_raise_anything_else(body: bytes) -> None:
    found = only_provider_errors(lambda: PURE.outputs(JOB, body))
    if found is not None:
        check_outputs(found)


def test_no_answer_makes_a_call_raise_anything_else() -> None:
    with ReplicateServer() as server:

        async def ask() -> Sequence[Any]:
            async with provider_of(server) as provider:
                return await asyncio.gather(
                    provider.poll(KNOWN),
                    provider.submit(JOB),
                    provider.reconcile(JOB),
                    provider.models("x"),
                    provider.schema("a/b"),
                    provider.cancel(KNOWN),
                    return_exceptions=True,
                )

        only_refusals(server, ("poll", "submit", "list", "model", "search", "cancel"), 422, ask)


# -- catalogue and settings


async def test_models_come_from_the_collections_each_once(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        models = await provider.models()
    ids = [model.id for model in models]
    assert len(ids) == len(set(ids))
    assert ids[0] == "acme/painter"
    assert next(m for m in models if m.id == "acme/text-to-image-one").makes is MediaType.IMAGE


async def test_a_renamed_collection_is_passed_over(server: ReplicateServer) -> None:
    server.script("collection", Reply(404))
    async with provider_of(server) as provider:
        assert list(await provider.models()) == []


async def test_a_collection_that_cannot_be_read_is_told_once_all_were_asked(server: ReplicateServer) -> None:
    server.script("collection", Reply(401), Reply(body={"models": []}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.AUTH):
            await provider.models()
    assert len(server.of("collection")) == 7


async def test_search_and_the_category_of_the_example(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        (model,) = await provider.models("fox")
    assert model.category == "text-to-video"
    assert server.of("search")[0].body == b"fox"


async def test_the_form_is_in_the_services_order(server: ReplicateServer) -> None:
    async with provider_of(server) as provider:
        form = await provider.schema("acme/painter")
        assert await provider.schema("acme/painter:" + "a" * 64) is not None
        assert await provider.schema("deployments/acme/mine") is not None
        server.script("model", Reply(404))
        assert await provider.schema("acme/gone") is None
    assert form is not None
    assert [f.name for f in form.fields] == ["prompt", "image", "ratio", "seed"]
    kinds = [f.kind for f in form.fields]
    assert kinds == [FieldKind.LONG_TEXT, FieldKind.MEDIA, FieldKind.CHOICE, FieldKind.INTEGER]
    assert form.fields[2].choices == ("1:1", "16:9")
    assert form.fields[0].required


def test_settings() -> None:
    options = {"api_url": "http://127.0.0.1:9/v1/", "wait_seconds": 3}
    made = ReplicateHosts.from_settings(ProviderSettings("replicate", options=options))
    assert (made.api, made.wait_seconds) == ("http://127.0.0.1:9/v1", 3)
    assert set(options) == SETTINGS
    assert KEY_VARIABLES == ("REPLICATE_API_TOKEN",)
    for wrong in (61, -1, "x", True):
        with pytest.raises(UsageError):
            ReplicateHosts.from_settings(ProviderSettings("replicate", options={"wait_seconds": wrong}))
    provider = ReplicateProvider.from_settings(ProviderSettings("replicate", Secret("k"), options=options))
    assert Capability.RECONCILE in provider.capabilities
    assert "127.0.0.1:9" in provider.media_hosts.loopback
    assert "*.replicate.delivery" in provider.media_hosts.names
