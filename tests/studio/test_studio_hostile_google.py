"""Google's four surfaces answering strangely: one submit, a true state, and what was paid for is found."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import Keep, Opener
from tests.support.google_server import MP4, GoogleServer, b64, interaction, operation, problem
from tests.support.killing import go_on_command, media_digests
from tests.support.loopback import PNG, Call, Reply
from tests.support.scenes import places, running
from tests.support.workshop import Workshop, on_disk, open_with

from mediatui import keys
from mediatui.errors import ErrorKind
from mediatui.library.library import Library
from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.providers import exchange
from mediatui.settings import ProviderSettings, Secret, Settings

KEY, TOKEN = "AIza-never-shown-0123456789", "ya29.never-shown-0123456789"
IMAGEN, GEMINI = "vertex/imagen-4.0-generate-001", "gemini-3.1-flash-image"
VEO, OMNI = "vertex/veo-3.1-generate-001", "gemini-omni-1.2-flash"
NAME = "projects/acme/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/"
P, V = b64(PNG), {"bytesBase64Encoded": b64(MP4), "mimeType": "video/mp4"}
VIDEO = {"type": "video", "data": b64(MP4), "mime_type": "video/mp4"}


@pytest.fixture
def google() -> Iterator[GoogleServer]:
    with GoogleServer() as server:
        yield server


@pytest.fixture
def opener(google: GoogleServer, tmp_path: Path, keep: Keep) -> Opener:
    def opened(command: str = f"echo {TOKEN}") -> Workshop:
        url = google.url
        options = {"gemini_url": f"{url}/v1beta", "vertex_url": f"{url}/vertex", "storage_url": url}
        options |= {"project": "acme", "location": "us-central1", "token_command": command}
        provider = ProviderSettings("google", Secret(KEY), options=options)
        return keep(open_with(tmp_path, Settings(poll_seconds=0.02, providers={"google": provider})))

    return opened


def made(google: GoogleServer, shop: Workshop, model: str) -> tuple[Job, list[MediaItem]]:
    """One generation; what is on screen is on disk, one was sent, and no key is anywhere."""
    (job,), items = shop.make(model)
    assert len(google.submits) == 1
    assert on_disk(shop.locations, "jobs")[job.id]["phase"] == job.phase.value
    stored = on_disk(shop.locations, "items")
    assert {item.id: item.save_state.value for item in items} == {n: i["save_state"] for n, i in stored.items()}
    shown = repr(shop.events) + "".join(
        path.read_text("utf-8", "replace") for path in shop.locations.data.rglob("index.jsonl")
    )
    assert KEY not in shown
    assert TOKEN not in shown
    return job, items


def predicted(*entries: Any, **more: Any) -> Reply:
    return Reply(body={"predictions": list(entries), **more})


def picture(data: Any = P, **more: Any) -> dict[str, Any]:
    return {"bytesBase64Encoded": data, "mimeType": "image/png", **more}


def parts(*entries: Any) -> Reply:
    return Reply(body={"candidates": [{"content": {"parts": list(entries)}, "finishReason": "STOP"}]})


def inline(data: str = P) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}}


LINES = "\r\n".join(P[at : at + 20] for at in range(0, len(P), 20)).rstrip("=")
WHOLE = f'{{"predictions": [{{"bytesBase64Encoded": "{P}", "mimeType": "image/png"}}]'.encode()

FOUND: dict[str, tuple[str, str, Reply]] = {
    "an object for a list": (IMAGEN, "submit", Reply(body={"predictions": picture()})),
    "the bytes alone": (IMAGEN, "submit", predicted(P)),
    "a shape inside another": (IMAGEN, "submit", predicted({"image": picture()})),
    "names of the client library": (IMAGEN, "submit", Reply(body={"generatedImages": [{"image": {"imageBytes": P}}]})),
    "other spelling": (IMAGEN, "submit", predicted({"bytes_base64_encoded": P})),
    "a data address": (IMAGEN, "submit", predicted(picture(f"data:image/png;base64,{P}"))),
    "for addresses": (IMAGEN, "submit", predicted(picture(P.replace("+", "-").replace("/", "_")))),
    "in lines, unpadded": (IMAGEN, "submit", predicted(picture(LINES))),
    "a type that is wrong": (IMAGEN, "submit", predicted(picture(mimeType="text/html\x1b[31m\r\nX: y"))),
    "no numbers": (IMAGEN, "submit", Reply(body=WHOLE + b', "a": NaN, "b": ' + b"9" * 5000 + b"}")),
    "nested": (IMAGEN, "submit", Reply(body=b'{"a":' * 400 + WHOLE + b"}" + b"}" * 400)),
    "nested beyond reading": (IMAGEN, "submit", Reply(body=WHOLE + b', "a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}")),
    "cut": (IMAGEN, "submit", Reply(body=WHOLE)),
    "followed by more": (IMAGEN, "submit", Reply(body=WHOLE + b"} and more")),
    "a list of answers": (GEMINI, "submit", Reply(body=[{"candidates": [{"content": {"parts": [inline()]}}]}])),
    "called a page": (GEMINI, "submit", Reply(200, [parts(inline()).body], {"Content-Type": "text/html"})),
    "events": (GEMINI, "submit", Reply(body=b"data: " + json.dumps({"parts": [inline()]}).encode() + b"\n\n")),
    "in the text": (GEMINI, "submit", parts({"text": f"![fox](data:image/png;base64,{P})"})),
    "a part for parts": (GEMINI, "submit", Reply(body={"candidates": [{"content": {"parts": inline()}}]})),
    "done without an operation": (VEO, "submit", Reply(body={"done": True, "response": {"videos": [V]}})),
    "an operation of its own": (VEO, "submit", Reply(body={"name": "operations/abc"})),
    "an operation from the root": (VEO, "submit", Reply(body={"name": f"/{NAME}1"})),
    "never said to be done": (VEO, "poll", Reply(body={"response": {"videos": [V]}})),
    "done, said by nothing": (VEO, "poll", Reply(body={"done": None, "response": {"videos": [V]}})),
    "done in a word": (VEO, "poll", Reply(body={"done": "true", "response": {"videos": [V]}})),
    "an error beside the video": (VEO, "poll", Reply(body=operation({"videos": [V]}, error={"code": 13}))),
    "a video for a list": (VEO, "poll", Reply(body=operation({"videos": V}))),
    "elsewhere": (VEO, "poll", Reply(body=operation({"output": {"clip": V["bytesBase64Encoded"]}}))),
    "a number for an id": (OMNI, "submit", Reply(body={"id": 7, "status": "in_progress"})),
    "an id with its folder": (OMNI, "submit", Reply(body={"id": "interactions/int-1", "status": "in_progress"})),
    "an id that looks like a way": (OMNI, "submit", Reply(body={"id": "../../x?y#z", "status": "in_progress"})),
    "another name for a video": (OMNI, "poll", Reply(body=interaction([{**VIDEO, "type": "movie"}]))),
    "a step for steps": (OMNI, "poll", Reply(body={"status": "completed", "steps": {"content": [VIDEO]}})),
}


@pytest.mark.parametrize(("model", "step", "reply"), FOUND.values(), ids=FOUND.keys())
def test_what_was_made_is_found(google: GoogleServer, shop: Workshop, model: str, step: str, reply: Reply) -> None:
    google.script(step, reply)
    if model == VEO and step == "submit":
        google.script("poll", Reply(body=operation({"videos": [V]})))
    job, (item,) = made(google, shop, model)
    assert (job.phase, job.error, item.save_state) == (Phase.SUCCEEDED, None, SaveState.SAVED), item.storage_error
    assert shop.file(item) == (PNG if model in (IMAGEN, GEMINI) else MP4)
    assert all("/../" not in f"{call.path}/" for call in google.calls)


def test_what_cannot_be_decoded_is_an_item_that_says_so(google: GoogleServer, shop: Workshop) -> None:
    google.script("submit", predicted(picture("@@@@"), picture()))
    _, (broken, whole) = made(google, shop, IMAGEN)
    assert (broken.save_state, whole.save_state) == (SaveState.UNSAVED, SaveState.SAVED)
    assert broken.storage_error is not None


def test_what_the_request_sent_and_drafts_are_no_outputs(google: GoogleServer, shop: Workshop) -> None:
    google.script("submit", parts({"thought": True, **inline()}, {"echo": P}))
    (job,), items = shop.make(GEMINI, params={"image": f"data:image/png;base64,{P}"})
    assert (job.phase, items, job.error and job.error.kind) == (Phase.SUCCEEDED, [], ErrorKind.POLICY)


@pytest.mark.parametrize("status", [401, 403])
def test_a_bucket_that_is_closed_to_the_token_has_not_expired(
    google: GoogleServer, shop: Workshop, status: int
) -> None:
    google.script("submit", predicted({"gcsUri": "gs://b/a.png", "mimeType": "image/png"}))
    google.script("file", Reply(status, {"error": {"message": f"not {TOKEN}"}}))
    _, (item,) = made(google, shop, IMAGEN)
    assert item.storage_error is not None
    assert (item.save_state, f"({status})" in item.storage_error.message) == (SaveState.UNSAVED, True)
    google.script("file", Reply(body=PNG, headers={"Content-Type": "image/png"}))
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)


def test_an_answer_beyond_all_measure_ends_while_it_arrives(
    google: GoogleServer, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MAX_BODY", 1 << 20)
    google.script("submit", Reply(200, gzip.compress(b"A" * (4 << 20)), {"Content-Encoding": "gzip"}))
    job, items = made(google, shop, IMAGEN)
    assert (job.phase, items) == (Phase.UNKNOWN, [])
    assert job.error is not None
    assert "too large" in job.error.message


HEX = {"Content-Type": "text/html; charset=hex"}
TELLING: dict[str, tuple[str, str, Reply, Phase, ErrorKind, str]] = {
    "an error with 200": (
        *(IMAGEN, "submit", Reply(body={"error": {"status": "PERMISSION_DENIED", "message": f"not {KEY}"}})),
        *(Phase.FAILED, ErrorKind.AUTH, "not ••••"),
    ),
    "nothing at all": (
        *(IMAGEN, "submit", Reply(204, b"")),
        *(Phase.UNKNOWN, ErrorKind.AMBIGUOUS_SUBMIT, "cannot be read"),
    ),
    "a page for people": (
        *(GEMINI, "submit", Reply(200, b"<html>please log in", {"Content-Type": "text/html"})),
        *(Phase.UNKNOWN, ErrorKind.AMBIGUOUS_SUBMIT, "cannot be read"),
    ),
    "an error for an operation": (
        *(VEO, "submit", Reply(body={"error": {"code": 3, "message": "too long"}})),
        *(Phase.FAILED, ErrorKind.INVALID_INPUT, "too long"),
    ),
    "failed without an id": (
        *(OMNI, "submit", Reply(body={"status": "failed", "error": {"message": "no"}})),
        *(Phase.FAILED, ErrorKind.INTERNAL, "no"),
    ),
    "letters that are none": (
        *(IMAGEN, "submit", Reply(400, {"error": {"message": "odd"}}, HEX)),
        *(Phase.FAILED, ErrorKind.INVALID_INPUT, "odd"),
    ),
    "a gateway that gave up": (
        *(IMAGEN, "submit", problem(504, "DEADLINE_EXCEEDED", "late")),
        *(Phase.UNKNOWN, ErrorKind.AMBIGUOUS_SUBMIT, "504"),
    ),
    "a filter's reason as a text": (
        *(VEO, "poll", Reply(body=operation({"raiMediaFilteredReasons": "code 17301594"}))),
        *(Phase.SUCCEEDED, ErrorKind.POLICY, "17301594"),
    ),
    "letters that are none, later": (
        *(VEO, "poll", Reply(400, b"x", HEX)),
        *(Phase.RUNNING, ErrorKind.INVALID_INPUT, "answered 400"),
    ),
}


@pytest.mark.parametrize(("model", "step", "reply", "phase", "kind", "words"), TELLING.values(), ids=TELLING.keys())
def test_an_answer_without_media_is_told_as_it_is(
    google: GoogleServer,
    shop: Workshop,
    model: str,
    step: str,
    reply: Reply,
    phase: Phase,
    kind: ErrorKind,
    words: str,
) -> None:
    google.script(step, reply)
    job, items = made(google, shop, model)
    assert job.error is not None
    assert (job.phase, items, job.error.kind) == (phase, [], kind), job.error.message
    assert words in job.error.message


@pytest.mark.parametrize(("name", "seen"), [(".", ""), ("..", ""), ("x" * 5000, "x" * 300)])
def test_an_id_that_cannot_be_asked_for_is_never_asked_for(
    google: GoogleServer, shop: Workshop, name: str, seen: str
) -> None:
    google.script("submit", Reply(body={"id": name, "status": "in_progress"}))
    job, _ = made(google, shop, OMNI)
    assert (job.phase, google.of("poll")) == (Phase.UNKNOWN, [])
    assert (job.remote_id or "")[:300] == seen


def test_a_submit_goes_into_no_connection_that_was_used_before(google: GoogleServer, shop: Workshop) -> None:
    shop.make(VEO)
    shop.make(VEO)
    ports = [call.port for call in google.calls]
    assert all(ports.count(call.port) == 1 for call in google.submits)


# -- tokens


def test_a_token_that_ends_while_its_command_fails_is_waited_for(
    google: GoogleServer, opener: Opener, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = f'echo >> {count}; n=$(wc -l < {count}); [ "$n" != 2 ] && echo token-$n'

    def poll(call: Call) -> Reply:
        first = call.headers["authorization"] == "Bearer token-1"
        return problem(401, "UNAUTHENTICATED", "expired") if first else google.good(call)

    google.on["poll"] = poll
    shop = opener(command)
    job, items = made(google, shop, VEO)
    assert (job.phase, items, job.error and job.error.kind) == (Phase.RUNNING, [], ErrorKind.AUTH)
    (job,) = shop.studio.wait([job.id]).result(20)
    assert (job.phase, [item.save_state for item in shop.items()]) == (Phase.SUCCEEDED, [SaveState.SAVED])
    assert len(google.submits) == 1


@pytest.mark.parametrize(
    "command", ["yes", "cat", "echo a; echo b", "echo a b", "exit 3", "setsid sleep 60 & sleep 60"]
)
def test_a_command_that_gives_no_token_is_said_and_nothing_is_sent(
    google: GoogleServer, opener: Opener, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(keys, "KEY_COMMAND_SECONDS", 0.5)
    (job,), items = opener(command).make(VEO)
    assert (job.phase, items, google.calls) == (Phase.FAILED, [], [])
    assert job.error is not None
    assert "token" in job.error.message


# -- kill -9

_MOMENTS = {
    "before it was written": "Records.write_result = die",
    "when it was written": "Records.write_result = lambda *given: (kept(*given), die())",
    "before it is read": "GoogleProvider.outputs = die",
    "before its items are recorded": "jobs.record_outputs = die",
}
_CHILD = """
import os, signal, sys
from mediatui.providers.google.provider import GoogleProvider
from mediatui.studio import jobs
from mediatui.studio.records import Records
from pathlib import Path
from tests.support.kill_child import main

kept = Records.write_result
def die(*given):
    os.kill(os.getpid(), signal.SIGKILL)

{moment}
main(Path(sys.argv[1]), "google-imagen", sys.argv[2], True)
"""


@pytest.mark.parametrize("moment", _MOMENTS)
def test_an_answer_that_came_once_survives_a_kill_right_after_it_came(moment: str, tmp_path: Path) -> None:
    with running("google-imagen") as scene:
        code = _CHILD.format(moment=_MOMENTS[moment])
        ran = subprocess.run([sys.executable, "-c", code, str(tmp_path), scene.url], capture_output=True, timeout=60)
        assert ran.returncode == -9, ran.stderr
        subprocess.run(go_on_command(tmp_path, scene), capture_output=True, timeout=60, check=True)
        assert scene.submits(tmp_path) == 1
        library = Library(places(tmp_path))
        (job,) = library.open(library.project_ids()[0]).jobs()
        library.close()
        if moment == "before it was written":
            assert (job.phase, media_digests(tmp_path)) == (Phase.UNKNOWN, {})
        else:
            assert job.phase is Phase.SUCCEEDED
            assert sorted(path.read_bytes() for path in media_digests(tmp_path)) == sorted(scene.files)
