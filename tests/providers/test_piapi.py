"""PiAPI over real HTTP: the envelope, the case of the status, and files in every place."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from tests.support.loopback import PNG, Reply
from tests.support.piapi_server import PiAPIServer
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
from mediatui.providers.base import Capability, Delivery, Estimate
from mediatui.providers.lost import SeveralFound
from mediatui.providers.piapi import KEY_VARIABLES, LARGEST_UPLOAD, SETTINGS, PiAPIHosts, PiAPIProvider
from mediatui.providers.piapi_models import MODELS
from mediatui.settings import ProviderSettings, Secret

JOB = make_job("piapi", "Qubico/flux1-schnell/txt2img")
KNOWN = replace(JOB, remote_id="t1")
PURE = PiAPIProvider(PiAPIHosts(), None)
"""For what asks nothing."""


@pytest.fixture
def server() -> Iterator[PiAPIServer]:
    with PiAPIServer() as running:
        yield running


def provider_of(server: PiAPIServer, **options: Any) -> aclosing[PiAPIProvider]:
    return aclosing(PiAPIProvider(PiAPIHosts(api=server.url, upload=server.url, **options), Secret("pi-key")))


def outputs_of(output: Any) -> list[Any]:
    raw = json.dumps({"code": 200, "data": {"status": "completed", "output": output}}).encode()
    found = list(PURE.outputs(JOB, raw))
    check_outputs(found)
    return found


# -- the happy way


async def test_submit_poll_result_outputs(server: PiAPIServer) -> None:
    async with provider_of(server, service_mode="public") as provider:
        submitted = await provider.submit(JOB)
        assert (submitted.remote_id, submitted.phase, submitted.raw) == ("t1", Phase.QUEUED, None)
        job = replace(JOB, remote_id=submitted.remote_id)
        assert (await provider.poll(job)).phase is Phase.SUCCEEDED
        (output,) = provider.outputs(job, await provider.result(job))
    assert (output.url, output.role, output.path) == (f"{server.url}/files/a.png", "image", "image_url")
    (submit,) = server.submits
    assert submit.json == {
        "model": "Qubico/flux1-schnell",
        "task_type": "txt2img",
        "input": {"prompt": "a fox"},
        "config": {"service_mode": "public"},
    }
    assert submit.headers["x-api-key"] == "pi-key"


async def test_local_files_are_uploaded_because_piapi_takes_addresses_only(server: PiAPIServer) -> None:
    address = "data:image/jpeg;base64," + base64.b64encode(PNG).decode()
    async with provider_of(server) as provider:
        await provider.submit(replace(JOB, inputs={"image": address, "more": [{"x": address}]}))
    hosted = "https://img.theapi.app/ephemeral/u1.png"
    assert server.submits[0].json["input"] == {"image": hosted, "more": [{"x": hosted}]}
    upload = server.of("upload")[0]
    assert base64.b64decode(upload.json["file_data"]) == PNG
    assert upload.json["file_name"].endswith(".jpg")


async def test_a_failed_upload_sends_nothing(server: PiAPIServer) -> None:
    job = replace(JOB, inputs={"image": "data:image/png;base64,iVBORw0KGgo="})
    async with provider_of(server) as provider:
        server.script("upload", Reply(503))
        with refused(ErrorKind.TRANSIENT):
            await provider.submit(job)
        server.script("upload", Reply(body={"code": 401, "message": "bad key", "data": None}))
        with refused(ErrorKind.AUTH):
            await provider.submit(job)
        with refused(ErrorKind.INVALID_INPUT):
            await provider.upload("x", "video/mp4", bytes(LARGEST_UPLOAD + 1))
    assert not server.submits


# -- submits that go wrong


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"code": 401, "message": "unauthorized"}, ErrorKind.AUTH),
        (200, {"code": 401, "message": "invalid api key"}, ErrorKind.AUTH),
        (402, {"error": "insufficient credits"}, ErrorKind.BILLING),
        (500, {"code": 500, "message": "insufficient credits, please top up"}, ErrorKind.BILLING),
        (400, {"description": "prompt is required"}, ErrorKind.INVALID_INPUT),
        (200, {"code": 10000, "message": "invalid task type"}, ErrorKind.INVALID_INPUT),
        (400, {"code": 400, "data": {"error": {"code": 1, "message": "nsfw prompt"}}}, ErrorKind.POLICY),
        (200, {"code": "401", "message": "invalid api key"}, ErrorKind.AUTH),
        (200, {"code": -1, "message": "no such model"}, ErrorKind.INVALID_INPUT),
        (429, {"message": "slow down"}, ErrorKind.RATE_LIMITED),
        (200, {"code": 429, "message": "slow down"}, ErrorKind.RATE_LIMITED),
        (404, b"nothing here", ErrorKind.NOT_FOUND),
    ],
)
async def test_a_refusal_says_what_it_is(server: PiAPIServer, status: int, body: Any, kind: ErrorKind) -> None:
    server.script("submit", Reply(status, body, {"Content-Type": "text/plain"} if isinstance(body, bytes) else {}))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.submit(JOB)
    assert len(server.submits) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(drop=True),
        Reply(body={"code": 200}, cut=3),
        Reply(500, {"code": 500, "message": "internal"}),
        Reply(502, b"<html>"),
        Reply(303, b"", {"Location": "/api/v1/task/t1"}),
        Reply(body={"code": 500, "message": "timeout"}),
        Reply(body={"code": 200, "message": "success", "data": {}}),
        Reply(body=b"[]"),
    ],
)
async def test_a_submit_without_a_clear_answer_is_ambiguous_and_sent_once(server: PiAPIServer, reply: Reply) -> None:
    server.script("submit", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT) as errors:
            await provider.submit(JOB)
        assert await provider.reconcile(JOB) is None
        assert Capability.RECONCILE in provider.capabilities
    assert len(server.submits) == 1
    assert "mediatui jobs retry" in errors[0].hint


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_task_that_failed_at_once_says_why_and_keeps_its_id(server: PiAPIServer, status: int) -> None:
    """The rest of the batch is stopped by it, where the balance is why; and it can be asked about again."""
    error = {"code": 10000, "raw_message": "frozen credits failed", "message": "account credit is not enough"}
    server.script("submit", Reply(status, server.task("Failed", error=error)))
    async with provider_of(server) as provider:
        submitted = await provider.submit(JOB)
    assert (submitted.remote_id, submitted.phase) == ("t1", Phase.FAILED)
    assert submitted.error is not None
    assert (submitted.error.kind, submitted.error.message) == (ErrorKind.BILLING, "account credit is not enough")


async def test_nothing_is_ambiguous_when_nothing_could_be_sent() -> None:
    with PiAPIServer() as gone:
        hosts = PiAPIHosts(api=gone.url, upload=gone.url)
    provider = PiAPIProvider(hosts, Secret("k"))
    with refused(ErrorKind.TRANSIENT):
        await provider.submit(JOB)
    await provider.aclose()


async def test_a_model_without_a_task_is_refused_here(server: PiAPIServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.INVALID_INPUT):
            await provider.submit(replace(JOB, model="kling"))
    assert not server.calls


# -- following


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Pending", Phase.QUEUED),
        ("staged", Phase.QUEUED),
        ("PROCESSING", Phase.RUNNING),
        ("Completed", Phase.SUCCEEDED),
        ("failed", Phase.FAILED),
        ("cancelled", Phase.CANCELLED),
        ("simmering", Phase.RUNNING),
        (99, Phase.RUNNING),
    ],
)
async def test_statuses_in_any_case_and_unknown_ones(server: PiAPIServer, status: Any, phase: Phase) -> None:
    server.script("poll", Reply(body=server.task(status)))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is phase


async def test_a_failed_task_behind_200_says_why(server: PiAPIServer) -> None:
    error = {"code": 10001, "raw_message": "raw", "message": f"risk control{HOSTILE}", "detail": None}
    server.script("poll", Reply(body=server.task("Failed", error=error, logs=[{"message": "a"}, "b", 3])))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.error is not None
    assert progress.error.kind is ErrorKind.POLICY
    assert progress.error.code == "10001"
    assert "\x1b" not in progress.error.message
    assert progress.logs == ("a", "b")


async def test_a_failed_task_behind_an_error_s_status_has_failed_all_the_same(server: PiAPIServer) -> None:
    server.script("poll", Reply(500, server.task("Failed", error={"code": 10000, "message": "no GPU"})))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.phase is Phase.FAILED
    assert progress.error is not None
    assert progress.error.message == "no GPU"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("Processing", ErrorKind.TRANSIENT),
        ("failed", ErrorKind.INTERNAL),
        ("cancelled", ErrorKind.CANCELLED),
    ],
)
async def test_a_task_that_gave_nothing_has_no_result(server: PiAPIServer, status: str, kind: ErrorKind) -> None:
    server.script("poll", Reply(body=server.task(status)))
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.result(KNOWN)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"error": "plain words"}, "plain words"),
        ({"error": None, "detail": "no such voice", "logs": ["x"]}, "no such voice"),
        ({"error": {"code": 0, "message": ""}, "logs": ["starting", "out of memory"]}, "out of memory"),
        ({"error": 7}, "the job failed, and the provider does not say why"),
    ],
)
async def test_why_a_task_failed_may_stand_beside_its_error(
    server: PiAPIServer, task: dict[str, Any], words: str
) -> None:
    server.script("poll", Reply(body=server.task("failed", **task)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.error is not None
    assert (progress.error.message, progress.error.code) == (words, "")


async def test_only_the_raw_message_is_better_than_none(server: PiAPIServer) -> None:
    error = {"code": 10000, "raw_message": "upstream said no", "message": "", "detail": None}
    server.script("poll", Reply(body=server.task("failed", error=error)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
    assert progress.error is not None
    assert progress.error.message == "upstream said no"


async def test_the_form_of_webhooks_is_read_too(server: PiAPIServer) -> None:
    data = server.task("completed", output={"image_url": "https://img.theapi.app/x.png"})["data"]
    server.script("poll", Reply(body={"timestamp": 1, "data": data}))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is Phase.SUCCEEDED
        assert len(provider.outputs(KNOWN, await provider.result(KNOWN))) == 1


async def test_progress_inside_the_output(server: PiAPIServer) -> None:
    server.script("poll", Reply(body=server.task("processing", output={"progress": 45})))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).fraction == 0.45


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(404, {"message": "task not found"}), ErrorKind.NOT_FOUND),
        (Reply(body={"code": 404, "message": "task not found", "data": None}), ErrorKind.NOT_FOUND),
        (Reply(body={"code": 500, "message": "oops", "data": None}), ErrorKind.TRANSIENT),
        (Reply(body={"code": 200, "data": None}), ErrorKind.TRANSIENT),
        (Reply(body=b""), ErrorKind.TRANSIENT),
        (Reply(429, {}, {"Retry-After": "2"}), ErrorKind.RATE_LIMITED),
        (Reply(drop=True), ErrorKind.TRANSIENT),
    ],
)
async def test_a_poll_that_goes_wrong(server: PiAPIServer, reply: Reply, kind: ErrorKind) -> None:
    server.script("poll", reply)
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.poll(KNOWN)


@pytest.mark.parametrize("reply", [Reply(404), Reply(body={"code": 404, "message": "gone", "data": None})])
async def test_a_result_that_is_gone_is_expired(server: PiAPIServer, reply: Reply) -> None:
    server.script("poll", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.EXPIRED):
            await provider.result(KNOWN)


@pytest.mark.parametrize(
    ("reply", "asked"),
    [
        (Reply(body={"code": 200, "message": "success"}), True),
        (Reply(body={"code": 400, "message": "task is processing"}), False),
        (Reply(400, {"message": "task is processing"}), False),
        (Reply(404), False),
    ],
)
async def test_cancel_answers(server: PiAPIServer, reply: Reply, asked: bool) -> None:
    server.script("cancel", reply)
    async with provider_of(server) as provider:
        assert await provider.cancel(KNOWN) is asked


async def test_the_key_goes_to_the_services_own_origins_only(server: PiAPIServer) -> None:
    with PiAPIServer() as foreign:
        server.script("poll", Reply(302, b"", {"Location": f"{foreign.url}/api/v1/task/t1"}))
        async with provider_of(server) as provider:
            with refused(ErrorKind.UNSUPPORTED):
                await provider.poll(replace(KNOWN, urls={"get": f"{foreign.url}/api/v1/task/t1"}))
            assert provider.download_headers(f"{server.url}/files/a.png") == {}
        assert foreign.calls == []


async def test_a_task_that_failed_because_it_was_cancelled_is_cancelled(server: PiAPIServer) -> None:
    server.script("poll", Reply(body=server.task("failed", error={"code": 10000, "message": "Task was canceled"})))
    async with provider_of(server) as provider:
        assert (await provider.poll(replace(KNOWN, cancel_requested=True))).phase is Phase.CANCELLED
        assert (await provider.poll(KNOWN)).phase is Phase.FAILED


async def test_what_was_made_before_a_task_failed_is_kept_and_said(server: PiAPIServer) -> None:
    error = {"code": 10000, "message": "1 of 2 failed"}
    server.script("poll", Reply(body=server.task("Failed", output={"image_urls": [f"{server.url}/a"]}, error=error)))
    async with provider_of(server) as provider:
        progress = await provider.poll(KNOWN)
        assert progress.phase is Phase.SUCCEEDED
        assert progress.error is not None
        assert progress.error.message == "only a part was made: 1 of 2 failed"
        (output,) = provider.outputs(KNOWN, await provider.result(KNOWN))
        assert output.meta["incomplete"] == progress.error.message
        film = replace(KNOWN, type=MediaType.VIDEO)
        copy = {"image_url": f"{server.url}/copy-of-the-first-frame.png"}
        server.script("poll", Reply(body=server.task("Failed", output=copy, error=error)))
        assert (await provider.poll(film)).phase is Phase.FAILED
        with refused(ErrorKind.INTERNAL):
            await provider.result(film)


# -- reconcile


def tell(server: PiAPIServer, **tasks: dict[str, Any]) -> None:
    """Let the history list these tasks, and each of them answer for itself."""
    rows = [{"task_id": name, "created_at": 1} for name in tasks]
    server.script("history", Reply(body={"code": 200, "data": {"total": len(rows), "list": rows}}))
    server.on["poll"] = lambda call: Reply(body=server.task(**tasks[call.path.rpartition("/")[2]]))


async def test_reconcile_finds_the_one_task_with_the_same_model_and_input(server: PiAPIServer) -> None:
    tell(
        server,
        other_model={"model": "Qubico/flux1-dev"},
        other_task={"task_type": "img2img"},
        other_input={"input": {"prompt": "a cat"}},
        ours={"status": "processing", "input": {"prompt": "a fox", "added_by_them": 1}},
    )
    async with provider_of(server) as provider:
        found = await provider.reconcile(replace(JOB, submitted_at=1_000_000.0))
    assert found is not None
    assert found.remote_id == "ours"
    (history,) = server.of("history")
    assert int(history.params["start_time"][0]) <= 1_000_000 <= int(history.params["end_time"][0])
    assert not server.submits


async def test_reconcile_does_not_choose_among_two(server: PiAPIServer) -> None:
    tell(server, one={}, two={})
    async with provider_of(server) as provider:
        with pytest.raises(SeveralFound) as several:
            await provider.reconcile(JOB)
        assert [each.remote_id for each in several.value.found] == ["one", "two"]
        found = await provider.reconcile(JOB, {"one"})
    assert found is not None
    assert found.remote_id == "two"


@pytest.mark.parametrize("total", [4, None])
async def test_reconcile_turns_pages_of_any_length(server: PiAPIServer, total: int | None) -> None:
    pages = [["a", "b"], ["c", "ours"]]

    def history(call: Any) -> Reply:
        page = pages[min(int(call.params["page"][0]), len(pages)) - 1]
        return Reply(body={"code": 200, "data": {"total": total, "list": [{"task_id": name} for name in page]}})

    tell(server, a={"model": "x"}, b={"model": "x"}, c={"model": "x"}, ours={})
    server.on["history"] = history
    async with provider_of(server) as provider:
        found = await provider.reconcile(JOB)
    assert found is not None
    assert found.remote_id == "ours"
    assert len(server.of("history")) == (2 if total else 3)
    assert len(server.of("poll")) == 4


async def test_reconcile_passes_over_a_task_that_is_gone(server: PiAPIServer) -> None:
    tell(server, gone={})
    server.script("poll", Reply(404))
    async with provider_of(server) as provider:
        assert await provider.reconcile(JOB) is None


async def test_a_history_that_is_refused_is_an_error(server: PiAPIServer) -> None:
    server.script("history", Reply(body={"code": 401, "message": "no"}))
    async with provider_of(server) as provider:
        with refused(ErrorKind.AUTH):
            await provider.reconcile(JOB)


# -- outputs


HAILUO = {
    "percent": 100,
    "cover_url": "https://img.theapi.app/cover.jpg",
    "video_url": "https://img.theapi.app/h.mp4",
    "download_url": "https://img.theapi.app/h-download.mp4",
    "prompt_img_url": "https://img.theapi.app/given.png",
}


def test_hailuo_gives_the_video_once_and_not_the_picture_it_was_given() -> None:
    found = outputs_of(HAILUO)
    assert [o.role for o in found] == ["cover", "video"]


KLING = {
    "video_url": "https://storage.theapi.app/k.mp4",
    "status": 99,
    "works": [
        {
            "status": 99,
            "video": {
                "resource": "https://storage.theapi.app/k.mp4",
                "resource_without_watermark": "https://storage.theapi.app/clean.mp4",
                "width": 1280,
                "height": 720,
                "duration": 5100,
            },
            "cover": {"resource": ""},
        }
    ],
}


def test_kling_gives_the_work_without_its_watermark_once() -> None:
    (output,) = outputs_of(KLING)
    assert (output.url, output.role) == ("https://storage.theapi.app/clean.mp4", "clip")
    assert (output.width, output.height, output.duration) == (1280, 720, 5.1)


def test_a_list_of_works_hides_no_file_of_another_type() -> None:
    works = [{"image": {"resource": "https://storage.theapi.app/w.png"}}]
    found = outputs_of(
        {"video_url": "https://storage.theapi.app/v.mp4", "image_url": "https://x.y/1.png", "works": works}
    )
    assert [o.url for o in found] == ["https://storage.theapi.app/v.mp4", "https://storage.theapi.app/w.png"]


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ({"image_url": "https://img.theapi.app/a.png", "image_base64": ""}, [("image", "image_url")]),
        ({"image_url": "https://img.theapi.app/a.png", "image_base64": "aGk="}, [("image", "image_url")]),
        (
            {"image_url": "", "image_urls": ["https://img.theapi.app/a", "https://img.theapi.app/b"]},
            [("image", "")] * 2,
        ),
        ({"video": "https://img.theapi.app/v"}, [("clip", "video")]),
        ({"video": ""}, []),
        ({"video_url": "https://storage.theapi.app/k.mp4", "works": []}, [("video", "video_url")]),
        ({"generation": {"video": {"url": "https://img.theapi.app/l.mp4"}}}, [("clip", "generation.video")]),
        ({"video": {"url": "https://img.theapi.app/l.mp4", "width": 1}}, [("clip", "video")]),
        ({"audio_url": "https://img.theapi.app/s.wav"}, [("audio", "audio_url")]),
        ({"image_urls": ["https://a.b/1.png"], "temporary_image_urls": ["https://c.d/1.png"]}, [("image", "")]),
        (None, []),
        ({}, []),
        ("https://img.theapi.app/a.png", [("image", "")]),
        ({"image_url": " https://img.theapi.app/a.png\n"}, [("image", "image_url")]),
        ({"image_base64": [base64.b64encode(PNG).decode()]}, [("image_base64", "image_base64.0")]),
        ({"images": [base64.b64encode(PNG).decode()]}, [("image", "images.0")]),
        ({"image_url": "https://img.theapi.app/a.png", "image_base64": ["aGk="]}, [("image", "image_url")]),
    ],
)
def test_outputs_of_every_documented_shape(output: Any, found: list[tuple[str, str]]) -> None:
    outputs = outputs_of(output)
    assert [o.role for o in outputs] == [role for role, _ in found]
    for one, (_, path) in zip(outputs, found, strict=True):
        assert path in ("", one.path)


def test_a_picture_inside_the_answer() -> None:
    (output,) = outputs_of({"image_url": "", "image_base64": base64.b64encode(PNG).decode()})
    assert output.delivery is Delivery.INLINE
    assert output.data == PNG
    assert output.type is MediaType.IMAGE


@settings(max_examples=150, deadline=None)
@given(body=BODIES)
def test_no_result_makes_outputs_raise_anything_else(body: bytes) -> None:
    found = only_provider_errors(lambda: PURE.outputs(JOB, body))
    if found is not None:
        check_outputs(found)


def test_no_answer_makes_a_call_raise_anything_else() -> None:
    with PiAPIServer() as server:

        async def ask() -> Sequence[Any]:
            async with provider_of(server) as provider:
                return await asyncio.gather(
                    provider.poll(KNOWN),
                    provider.result(KNOWN),
                    provider.submit(JOB),
                    provider.cancel(KNOWN),
                    provider.upload("a", "image/png", b"x"),
                    provider.reconcile(JOB),
                    return_exceptions=True,
                )

        only_refusals(server, ("poll", "submit", "cancel", "upload", "history"), 400, ask)


# -- catalogue and settings


async def test_the_catalogue_is_searched_by_words() -> None:
    assert len(await PURE.models()) == len(MODELS)
    ids = [m.id for m in await PURE.models("flux image schnell")]
    assert ids == ["Qubico/flux1-schnell/txt2img", "Qubico/flux1-schnell/img2img"]
    assert (await PURE.models("schnell"))[0].price == "$0.0015 / image"
    assert len(await PURE.models("", limit=2)) == 2


@pytest.mark.parametrize(
    ("model", "inputs", "amount"),
    [
        ("Qubico/flux1-schnell/txt2img", {"batch_size": 4}, 0.006),
        ("Qubico/flux1-dev/img2img", {}, 0.015),
        ("Qubico/ace-step/txt2audio", {"duration": 60}, 0.03),
        ("kling/omni_video_generation", {"duration": 5}, 1.0),
        ("hailuo/video_generation", {}, 0.2),
        ("kling/video_generation", {"duration": 5}, None),
        ("someone/else", {}, None),
    ],
)
async def test_what_a_task_costs(model: str, inputs: dict[str, Any], amount: float | None) -> None:
    found = await PURE.estimate(model, inputs)
    roughly: Any = pytest.approx(amount) if amount is not None else None
    assert found == (Estimate(roughly, "USD") if roughly is not None else None)


async def test_every_listed_model_has_a_form_and_makes_something() -> None:
    for model in await PURE.models():
        assert model.makes is not None, model.id
        form = await PURE.schema(model.id)
        assert form is not None
        names = [f.name for f in form.fields]
        assert len(names) == len(set(names)), model.id
        assert all(f.default in f.choices for f in form.fields if f.choices and f.default is not None), model.id
    assert await PURE.schema("kling/unheard_of") is None


async def test_every_form_names_where_the_prompt_goes() -> None:
    for model in await PURE.models():
        form = await PURE.schema(model.id)
        assert form is not None
        assert form.prompt_field is not None
        assert form.field(form.prompt_field) is not None, model.id


def test_settings() -> None:
    options = {"api_url": "http://127.0.0.1:9/", "upload_url": "http://127.0.0.1:8", "service_mode": "private"}
    made = PiAPIHosts.from_settings(ProviderSettings("piapi", options=options))
    assert made == PiAPIHosts("http://127.0.0.1:9", "http://127.0.0.1:8", (), "private")
    assert set(options) == SETTINGS
    assert KEY_VARIABLES[0] == "PIAPI_KEY"
    with pytest.raises(UsageError):
        PiAPIHosts.from_settings(ProviderSettings("piapi", options={"service_mode": ["x"]}))
    provider = PiAPIProvider.from_settings(ProviderSettings("piapi", Secret("k"), media_hosts=("cdn.example",)))
    assert "cdn.example" in provider.media_hosts.names
