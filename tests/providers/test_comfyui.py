"""ComfyUI over real HTTP and a real websocket: one submit under our own id, every end, every shape of output."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.support.comfy_server import ComfyServer, EventServer, done
from tests.support.loopback import PNG, Reply
from tests.support.provider_jobs import DOCUMENTS, HOSTILE, check_outputs, make_job, only_provider_errors, refused

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import MediaType, Phase
from mediatui.providers.base import Capability, Delivery, FieldKind
from mediatui.providers.comfy_answers import progress_of
from mediatui.providers.comfy_graph import Template, seed_for
from mediatui.providers.comfy_socket import ProgressSockets, Seen, read_event
from mediatui.providers.comfyui import ComfyProvider, prompt_id
from mediatui.settings import ProviderSettings, Secret
from mediatui.studio.download import Downloader, Limits
from mediatui.studio.part import PartFile

GRAPH = {
    "3": {"class_type": "KSampler", "inputs": {"seed": "{{seed}}", "steps": "{{steps=20}}", "model": ["4", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "{{checkpoint|choice}}"}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "photo of {{prompt}}, sharp"}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
}
INPUTS = {"prompt": "a fox", "checkpoint": "sd15.safetensors"}
JOB = make_job("comfyui", "portrait", INPUTS)
OWN = prompt_id(JOB)
KNOWN = replace(JOB, remote_id=OWN)


@pytest.fixture
def server() -> Iterator[ComfyServer]:
    with ComfyServer() as running:
        yield running


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    folder = tmp_path / "workflows"
    (folder / "video").mkdir(parents=True)
    (folder / "portrait.json").write_text(json.dumps(GRAPH))
    wan = {"1": {"class_type": "LoadImage", "inputs": {"image": "{{image}}"}}, "2": {"class_type": "SaveVideo"}}
    (folder / "video" / "wan.json").write_text(json.dumps(wan))
    (folder / "editor.json").write_text(json.dumps({"nodes": [], "links": []}))
    return folder


def provider_of(server: ComfyServer, workflows: Path | None = None, **more: Any) -> aclosing[ComfyProvider]:
    return aclosing(ComfyProvider(server.url, workflows, **more))


async def test_every_graph_in_the_folder_is_a_model(server: ComfyServer, workflows: Path) -> None:
    async with provider_of(server, workflows) as provider:
        found = {m.id: m for m in await provider.models()}
        assert {n: m.category for n, m in found.items()} == {
            "editor": "",
            "portrait": "text-to-image",
            "video/wan": "image-to-video",
        }
        assert "Export (API)" in found["editor"].description
        assert [m.id for m in await provider.models("wan")] == ["video/wan"]
        form = await provider.schema("portrait")
        assert form is not None
        assert form.prompt_field == "prompt"
        assert {f.name: (f.kind, f.required, f.default) for f in form.fields} == {
            "seed": (FieldKind.INTEGER, False, None),
            "steps": (FieldKind.INTEGER, False, 20),
            "checkpoint": (FieldKind.CHOICE, True, None),
            "prompt": (FieldKind.LONG_TEXT, True, None),
        }
        checkpoint = form.field("checkpoint")
        assert checkpoint is not None
        assert checkpoint.choices == ("sd15.safetensors", "sdxl.safetensors")
        with refused(ErrorKind.UNSUPPORTED):
            await provider.schema("editor")
        with refused(ErrorKind.NOT_FOUND):
            await provider.schema("../portrait")


async def test_no_folder_is_said(server: ComfyServer) -> None:
    async with provider_of(server) as provider:
        with refused(ErrorKind.UNSUPPORTED) as found:
            await provider.models()
    assert "providers.comfyui.workflows" in found[0].hint


async def test_the_graph_is_filled_and_sent_once_under_our_own_id(server: ComfyServer, workflows: Path) -> None:
    async with provider_of(server, workflows) as provider:
        sent = await provider.submit(replace(JOB, inputs={**INPUTS, "prompt": 'a "fox" {{seed}}'}))
        assert (sent.remote_id, sent.phase) == (OWN, Phase.QUEUED)
    (call,) = server.submits
    assert call.json["prompt_id"] == call.json["client_id"] == OWN
    graph = call.json["prompt"]
    assert graph["3"]["inputs"] == {"seed": seed_for(JOB.id), "steps": 20, "model": ["4", 0]}
    assert graph["6"]["inputs"]["text"] == 'photo of a "fox" {{seed}}, sharp'
    assert graph["4"]["inputs"]["ckpt_name"] == "sd15.safetensors"


async def test_inputs_are_checked_before_anything_is_sent(server: ComfyServer, workflows: Path) -> None:
    async with provider_of(server, workflows) as provider:
        with refused(ErrorKind.INVALID_INPUT) as found:
            await provider.submit(replace(JOB, inputs={"steps": "many", "sampler": "euler"}))
    assert set(found[0].fields) == {"prompt", "checkpoint", "steps", "sampler"}
    assert server.calls == []


async def test_a_local_file_is_uploaded_under_a_name_of_its_content(server: ComfyServer, workflows: Path) -> None:
    import base64

    address = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    async with provider_of(server, workflows) as provider:
        await provider.submit(make_job("comfyui", "video/wan", {"image": address}))
        name = server.submits[0].json["prompt"]["1"]["inputs"]["image"]
        assert name.startswith("mediatui-")
        assert name.endswith(".png")
        assert PNG in server.of("upload")[0].body
        await provider.submit(make_job("comfyui", "video/wan", {"image": "already-there.png"}))
        assert server.submits[1].json["prompt"]["1"]["inputs"]["image"] == "already-there.png"
        with refused(ErrorKind.INVALID_INPUT):
            await provider.submit(make_job("comfyui", "video/wan", {"image": "https://example.com/a.png"}))
        server.script("upload", Reply(500))
        with refused(ErrorKind.TRANSIENT):
            await provider.submit(make_job("comfyui", "video/wan", {"image": address}))
    assert len(server.submits) == 2


NODE_ERRORS = {
    "4": {
        "class_type": "CheckpointLoaderSimple",
        "errors": [
            {
                "type": "value_not_in_list",
                "message": "Value not in list",
                "details": "ckpt_name: 'x' not in []",
                "extra_info": {"input_name": "ckpt_name"},
            }
        ],
    },
    "7": {"class_type": "VAEDecode", "errors": [{"type": "required_input_missing", "message": "missing"}]},
}


async def test_a_refused_graph_names_node_and_field(server: ComfyServer, workflows: Path) -> None:
    error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""}
    server.script("submit", Reply(400, {"error": error, "node_errors": NODE_ERRORS}))
    async with provider_of(server, workflows) as provider:
        with refused(ErrorKind.INVALID_INPUT) as found:
            await provider.submit(JOB)
    assert found[0].fields == {
        "checkpoint (node 4 CheckpointLoaderSimple, ckpt_name)": "Value not in list: ckpt_name: 'x' not in []",
        "node 7 VAEDecode": "missing",
    }
    assert "model file is missing" in found[0].hint
    assert len(server.submits) == 1


async def test_a_part_of_a_graph_that_runs_is_said_while_it_runs(server: ComfyServer, workflows: Path) -> None:
    server.script("submit", Reply(body={"prompt_id": OWN, "number": 1, "node_errors": NODE_ERRORS}))
    server.pending = [OWN]
    async with provider_of(server, workflows) as provider:
        assert (await provider.submit(JOB)).remote_id == OWN
        going = await provider.poll(KNOWN)
    assert "only a part of the workflow runs" in going.logs[0]
    assert "CheckpointLoaderSimple" in going.logs[0]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(drop=True), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(500), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(body={"number": 1}), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(body=b"<html>"), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(body={"prompt_id": OWN}, cut=3), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(401, b"who are you"), ErrorKind.AUTH),
        (Reply(400, {"error": {"type": "missing_node_type", "message": "Node X not found"}}), ErrorKind.INVALID_INPUT),
        (Reply(302, b"", {"Location": "http://127.0.0.1:1/"}), ErrorKind.UNSUPPORTED),
    ],
)
async def test_every_other_answer_to_the_submit(
    server: ComfyServer, workflows: Path, reply: Reply, kind: ErrorKind
) -> None:
    server.script("submit", reply)
    async with provider_of(server, workflows) as provider:
        with refused(kind):
            await provider.submit(JOB)
    assert len(server.submits) == 1


async def test_a_submit_without_an_answer_is_found_by_its_id(server: ComfyServer, workflows: Path) -> None:
    async with provider_of(server, workflows) as provider:
        assert await provider.reconcile(JOB) is None
        server.pending = ["other", OWN]
        found = await provider.reconcile(JOB)
        assert found is not None
        assert (found.remote_id, found.phase) == (OWN, Phase.QUEUED)
        server.pending, server.history = [], {OWN: done({})}
        found = await provider.reconcile(JOB)
        assert found is not None
        assert (found.remote_id, found.phase) == (OWN, Phase.RUNNING)
    assert server.submits == []


async def test_queue_run_end(server: ComfyServer) -> None:
    async with provider_of(server) as provider:
        server.pending = ["a", "b", OWN]
        assert await provider.poll(KNOWN) == await provider.poll(KNOWN)
        going = await provider.poll(KNOWN)
        assert (going.phase, going.position) == (Phase.QUEUED, 2)
        server.pending, server.running = [], [OWN]
        assert (await provider.poll(KNOWN)).phase is Phase.RUNNING
        server.running, server.history = [], {OWN: done({"9": {"images": [{"filename": "a.png", "type": "output"}]}})}
        assert (await provider.poll(KNOWN)).phase is Phase.SUCCEEDED
        (output,) = provider.outputs(KNOWN, await provider.result(KNOWN))
        assert output.seed == 42
        server.history = {}
        with refused(ErrorKind.NOT_FOUND):
            await provider.poll(KNOWN)
        with refused(ErrorKind.EXPIRED):
            await provider.result(KNOWN)


async def test_a_job_that_ends_between_the_two_questions_is_not_lost(server: ComfyServer) -> None:
    server.script("history", Reply(body={}), Reply(body={OWN: done({})}))
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is Phase.SUCCEEDED


@pytest.mark.parametrize("reply", [Reply(body=b"<html>"), Reply(502), Reply(drop=True), Reply(body=b"")])
async def test_an_answer_that_cannot_be_read_is_no_lost_job(server: ComfyServer, reply: Reply) -> None:
    server.script("history", reply)
    async with provider_of(server) as provider:
        with refused(ErrorKind.TRANSIENT):
            await provider.poll(KNOWN)


ERROR = {
    "node_id": "3",
    "node_type": "KSampler",
    "exception_message": "Allocation failed",
    "exception_type": "OOMError",
}
ENDS: list[tuple[dict[str, Any], Phase, str]] = [
    (done({}, "error", [["execution_interrupted", {"node_id": "3"}]]), Phase.CANCELLED, ""),
    (
        done({"9": {"images": [{"filename": "a.png"}]}}, "error", [["execution_interrupted", {"node_id": "3"}]]),
        Phase.SUCCEEDED,
        "only a part was made: the workflow was interrupted",
    ),
    (done({}, "error", [["execution_error", ERROR]]), Phase.FAILED, "node 3 KSampler: Allocation failed"),
    (done({}, "error"), Phase.FAILED, "the workflow failed"),
    (done({}, "puzzled"), Phase.FAILED, "puzzled"),
    (done({"9": {"images": [{"filename": "a.png"}]}}, "puzzled"), Phase.SUCCEEDED, ""),
    (done({"9": {"images": [{"filename": "a.png"}]}}, None), Phase.SUCCEEDED, ""),
    (done({}, "puzzled", [["execution_success", {}]]), Phase.SUCCEEDED, ""),
]


@pytest.mark.parametrize(("entry", "phase", "words"), ENDS)
def test_every_end(entry: dict[str, Any], phase: Phase, words: str) -> None:
    going = progress_of(entry)
    assert going.phase is phase
    assert words in (going.error.message if going.error else "")


@pytest.mark.parametrize(
    ("message", "kind"), [("execution_interrupted", ErrorKind.CANCELLED), ("execution_error", ErrorKind.INTERNAL)]
)
async def test_a_job_that_gave_nothing_has_no_result(server: ComfyServer, message: str, kind: ErrorKind) -> None:
    server.history[OWN] = done({}, "error", [[message, {"node_id": "3"}]])
    async with provider_of(server) as provider:
        with refused(kind):
            await provider.result(KNOWN)


def outputs_of(outputs: dict[str, Any], base: str = "http://127.0.0.1:8188") -> list[Any]:
    provider = ComfyProvider(base, None)
    found = list(provider.outputs(KNOWN, json.dumps({OWN: done(outputs)}).encode()))
    check_outputs(found)
    return found


def test_files_are_taken_by_extension_in_their_order_and_previews_left() -> None:
    found = outputs_of(
        {
            "9": {"images": [{"filename": "a b&c.png", "subfolder": "x/y", "type": "output"}]},
            "12": {"images": [{"filename": "clip_00001_.mp4", "type": "output"}], "animated": [True]},
            "13": {"gifs": [{"filename": "v.webm", "type": "output", "frame_rate": 16.0, "fullpath": "/etc/passwd"}]},
            "14": {"audio": [{"filename": "s.flac", "type": "output"}], "text": ["words"]},
            "15": {"images": [{"filename": "p.png", "type": "temp"}, {"filename": "i.png", "type": "input"}]},
            "16": {"others": [{"filename": "x.latent", "type": "output"}], "images": [{"filename": 3}, "x"]},
            "17": {"images": [{"filename": "a b&c.png", "subfolder": "x/y", "type": "output"}]},
        },
        "https://gpu.example.com/comfy/",
    )
    assert [(o.type, o.role, o.path) for o in found] == [
        (MediaType.IMAGE, "image", "9.images.0"),
        (MediaType.VIDEO, "clip", "12.images.0"),
        (MediaType.VIDEO, "clip", "13.gifs.0"),
        (MediaType.AUDIO, "audio", "14.audio.0"),
    ]
    assert found[0].url == "https://gpu.example.com/comfy/view?filename=a+b%26c.png&subfolder=x%2Fy&type=output"
    assert found[2].fps == 16.0
    assert {o.delivery for o in found} == {Delivery.PROVIDER_URL}


def test_previews_are_taken_when_nothing_else_came() -> None:
    items = [{"filename": "i.png", "type": "input"}, {"filename": "p.png", "type": "temp"}]
    assert [o.file_name for o in outputs_of({"1": {"images": items}})] == ["p.png"]
    assert [o.file_name for o in outputs_of({"1": {"images": items[:1]}})] == ["i.png"]
    assert outputs_of({}) == []


async def test_cancelling_on_a_new_server(server: ComfyServer) -> None:
    server.script("cancel", Reply(body={"cancelled": True}), Reply(body={"cancelled": False}))
    async with provider_of(server) as provider:
        assert await provider.cancel(KNOWN) is True
        assert await provider.cancel(KNOWN) is False
    assert server.of("cancel")[0].path == f"/api/jobs/{OWN}/cancel"
    assert not server.of("interrupt")


async def test_cancelling_on_an_old_server_never_stops_the_job_of_another(server: ComfyServer) -> None:
    async with provider_of(server) as provider:
        server.running, server.pending = ["other"], [OWN]
        assert await provider.cancel(KNOWN) is True
        assert server.of("delete")[0].json == {"delete": [OWN]}
        assert await provider.cancel(KNOWN) is False, "it is in no queue any more"
        assert server.of("interrupt") == []
        server.running = [OWN]
        assert await provider.cancel(KNOWN) is True
        assert server.of("interrupt")[0].json == {"prompt_id": OWN}


# -- progress


def progress_script(client: str) -> list[dict[str, Any] | bytes]:
    return [
        {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}},
        b"\0\0\0\1preview",
        {"type": "executing", "data": {"node": "3", "prompt_id": client}},
        {"type": "progress", "data": {"value": 15, "max": 20, "node": "3", "prompt_id": client}},
        {"type": "progress", "data": {"value": 1, "max": 20, "prompt_id": "another"}},
        {"type": "progress", "data": {"value": 1, "max": 1, "prompt_id": client}},
    ]


async def test_the_websocket_says_how_far_a_job_is(server: ComfyServer) -> None:
    async with provider_of(server) as provider:
        assert Capability.STREAM in provider.capabilities
    with EventServer(progress_script) as events:
        sockets = ProgressSockets(lambda c: f"ws{events.url[4:]}/ws?clientId={c}", lambda: {"X-Proxy": "yes"})
        seen = sockets.watch(OWN, OWN)
        await asyncio.to_thread(events.told.wait, 20)
        async with asyncio.timeout(20):
            while seen.fraction is None:
                await asyncio.sleep(0)
        assert sockets.watch(OWN, OWN) is seen
        assert (seen.fraction, seen.node) == (0.75, "3")
        assert events.clients == [OWN], "one connection, however often it is asked"
        assert events.headers[0]["x-proxy"] == "yes"
        await sockets.aclose()


async def test_a_websocket_that_is_lost_leaves_no_old_progress_behind() -> None:
    cut = threading.Event()

    def script(client: str) -> Any:
        yield {"type": "progress", "data": {"value": 5, "max": 20, "prompt_id": OWN}}
        cut.wait(20)
        raise ConnectionAbortedError("the server goes away")

    with EventServer(script) as events:
        sockets = ProgressSockets(lambda c: f"ws{events.url[4:]}/ws?clientId={c}", dict)

        async def until(fraction: float | None) -> None:
            while sockets.watch(OWN, OWN).fraction != fraction:
                await asyncio.sleep(0)

        async with asyncio.timeout(20):
            await until(0.25)
            cut.set()
            await until(None)
        await sockets.aclose()


async def test_without_a_websocket_the_status_still_comes(server: ComfyServer) -> None:
    server.running = [OWN]
    async with provider_of(server) as provider:
        for _ in range(3):
            going = await provider.poll(KNOWN)
            assert (going.phase, going.fraction) == (Phase.RUNNING, None)


async def test_without_the_library_the_status_still_comes(server: ComfyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    server.running = [OWN]
    async with provider_of(server) as provider:
        assert (await provider.poll(KNOWN)).phase is Phase.RUNNING
    assert server.of("unknown") == []


def test_progress_state_and_events_of_others() -> None:
    seen = Seen()
    read_event(json.dumps({"type": "progress", "data": {"prompt_id": "b", "value": 1, "max": 2}}), "a", seen)
    assert seen.fraction is None
    nodes = {"1": {"state": "finished", "value": 1, "max": 1}, "3": {"state": "running", "value": 5, "max": 20}}
    read_event(json.dumps({"type": "progress_state", "data": {"prompt_id": "a", "nodes": nodes}}), "a", seen)
    assert seen.fraction == 0.25


# -- addresses and settings


async def test_key_and_headers_go_to_the_server_alone(server: ComfyServer, workflows: Path) -> None:
    more: dict[str, Any] = {"key": Secret("s3cret"), "headers": {"X-Proxy": "yes"}}
    async with provider_of(server, workflows, **more) as provider:
        await provider.submit(JOB)
        view = provider.outputs(KNOWN, json.dumps({OWN: done({"9": {"images": [{"filename": "a.png"}]}})}).encode())
        own = {"X-Proxy": "yes", "Authorization": "Bearer s3cret"}
        assert provider.download_headers(view[0].url or "") == own
        for foreign in ("http://127.0.0.1:1/view", f"{server.url}.evil.com/view", "https://[", ""):
            assert provider.download_headers(foreign) == {}
        server.script("submit", Reply(403, b"key s3cret refused"))
        with refused(ErrorKind.AUTH) as found:
            await provider.submit(JOB)
        assert "s3cret" not in found[0].message
    assert server.submits[0].headers["authorization"] == "Bearer s3cret"
    assert server.submits[0].headers["x-proxy"] == "yes"


def test_a_server_in_the_house_may_be_downloaded_from_because_it_is_configured() -> None:
    assert ComfyProvider("https://gpu.lan", None).media_hosts.loopback == ("gpu.lan:443",)
    assert "127.0.0.1:8188" in ComfyProvider("http://127.0.0.1:8188", None).media_hosts.loopback


def test_a_file_is_downloaded_from_its_server_with_the_headers_it_needs(server: ComfyServer, tmp_path: Path) -> None:
    provider = ComfyProvider(server.url, None, Secret("s3cret"))
    raw = json.dumps({OWN: done({"9": {"images": [{"filename": "a.png"}]}})}).encode()
    url = provider.outputs(KNOWN, raw)[0].url or ""
    with PartFile(tmp_path / "a.part") as part:
        limits = Limits(provider.media_hosts, 1 << 20)
        Downloader().fetch(url, part, limits, provider.download_headers(url), lambda received, total: None)
        assert part.path.read_bytes() == PNG
        part.forget()
    assert server.of("view")[0].headers["authorization"] == "Bearer s3cret"


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for options in ({"workflows": "here"}, {"headers": {"a b": "x"}}, {"headers": {"A": "x\n"}}, {"key_header": ""}):
        with pytest.raises(UsageError, match=r"providers\.comfyui"):
            ComfyProvider.from_settings(ProviderSettings("comfyui", options=options))
    provider = ComfyProvider.from_settings(ProviderSettings("comfyui", options={"workflows": str(tmp_path)}))
    assert provider.name == "comfyui"


# -- whatever comes back


@settings(deadline=None)
@given(document=DOCUMENTS)
def test_no_answer_breaks_the_search_for_files(document: Any) -> None:
    provider = ComfyProvider("http://127.0.0.1:8188", None)
    file = {"filename": document, "subfolder": document, "type": document, "frame_rate": document}
    shapes = (document, {OWN: document}, {OWN: {"outputs": document}}, {OWN: {"outputs": {"1": {"images": [file]}}}})
    for shape in (*shapes, {OWN: {"outputs": {"1": document}, "prompt": [1, 2, document]}}):
        raw = json.dumps(shape).encode()
        check_outputs(only_provider_errors(partial(provider.outputs, KNOWN, raw)) or ())


@settings(deadline=None)
@given(document=DOCUMENTS)
def test_no_answer_breaks_the_reading_of_an_end_a_refusal_or_an_event(document: Any) -> None:
    from mediatui.providers.comfy_answers import refusal

    for entry in ({"status": document}, {"status": {"messages": [document, ["execution_error", document]]}}):
        going = progress_of(entry)
        assert (going.error is None) == (going.phase is not Phase.FAILED)
    errors = {"4": {"errors": [{"message": document, "extra_info": {"input_name": document}}, document]}}
    assert refusal({"error": document, "node_errors": errors}, Template(GRAPH)).message
    read_event(json.dumps({"type": "progress", "data": document}), "a", Seen())
    read_event(json.dumps({"type": "progress", "data": {"value": document, "max": document}}), "a", Seen())
    read_event(json.dumps({"type": "progress_state", "data": {"nodes": {"1": document}}}), "a", Seen())


def test_hostile_names_stay_names() -> None:
    (output,) = outputs_of({"9": {"images": [{"filename": f"{HOSTILE}/../../x\ud800.png", "type": "output"}]}})
    assert output.url is not None
    assert output.url.startswith("http://127.0.0.1:8188/view?filename=")
    assert "\x1b" not in output.url + (output.file_name or "")
