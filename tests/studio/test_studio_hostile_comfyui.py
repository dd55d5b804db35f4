"""A ComfyUI server, and its websocket, answering strangely: one submit, a true state, no secret elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.studio.conftest import Keep, Opener
from tests.support.comfy_server import ComfyServer, done
from tests.support.hostile import nothing_outside
from tests.support.loopback import PNG, Call, Reply
from tests.support.scenes import GRAPH
from tests.support.workshop import Workshop, on_disk, open_with

from mediatui.errors import ErrorKind
from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.events import JobProgress

KEY, PROXY = "sk-never-shown-0123456789", "proxy-never-shown-0123456789"
Entry = dict[str, Any]


@pytest.fixture
def comfy() -> Iterator[ComfyServer]:
    with ComfyServer() as server:
        server.on["history"] = lambda call: Reply(body={asked(call): done({"9": shown("a.png")})})
        server.on["queue"] = lambda call: Reply(body={"queue_running": [], "queue_pending": []})
        yield server


@pytest.fixture
def opener(comfy: ComfyServer, tmp_path: Path, keep: Keep) -> Opener:
    def opened(base: str = comfy.url) -> Workshop:
        folder = tmp_path / "workflows"
        folder.mkdir()
        (folder / "portrait.json").write_text(json.dumps(GRAPH), "utf-8")
        options: dict[str, Any] = {"base_url": base, "workflows": str(folder)}
        options |= {"key_header": "X-API-Key", "headers": {"X-Proxy": PROXY}}
        provider = ProviderSettings("comfyui", Secret(KEY), options=options)
        return keep(open_with(tmp_path, Settings(poll_seconds=0.02, providers={"comfyui": provider})))

    return opened


def asked(call: Call) -> str:
    """The prompt id that a question is about."""
    return unquote(call.path.rpartition("/")[2])


def shown(*names: str, **more: Any) -> Entry:
    return {"images": [{"filename": name, "subfolder": "", "type": "output", **more} for name in names]}


def made(comfy: ComfyServer, shop: Workshop) -> tuple[Job, list[MediaItem]]:
    """One generation; what is on screen is on disk, one was sent, nothing is where it does not belong."""
    (job,), items = shop.make("portrait")
    assert len(comfy.submits) == 1
    assert on_disk(shop.locations, "jobs")[job.id]["phase"] == job.phase.value
    stored = on_disk(shop.locations, "items")
    assert {item.id: item.save_state.value for item in items} == {n: i["save_state"] for n, i in stored.items()}
    nothing_outside(shop.locations.data)
    told = repr(shop.events) + (shop.project_folder() / "index.jsonl").read_text("utf-8")
    assert KEY not in told
    assert PROXY not in told
    return job, items


ERROR = [["execution_error", {"node_id": "3", "node_type": "KSampler", "exception_message": "boom"}]]
FILES: dict[str, Entry] = {
    "no extension": done({"9": shown("ComfyUI_00001_")}),
    "one for a list": done({"9": {"images": {"filename": "a.png"}}}),
    "deeper": done({"9": {"ui": {"result": [[{"filename": "a.png"}]]}}}),
    "nodes in a list": {**done({}), "outputs": [shown("a.png")]},
    "no state": done({"9": shown("a.png")}, None),
    "odd messages": done({"9": shown("a.png")}, "success", [1, None, [], ["x"], {"a": 1}]),
    "previews only": done({"9": shown("a.png", type="temp")}),
    "a way out": done({"9": shown("../../../etc/passwd.png", subfolder="../../..")}),
    "another way out": done({"9": shown("..\\..\\CON.png", subfolder="C:\\x")}),
    "letters": done({"9": shown("f\xf6x \u72d0 \U0001f98a\x1b[31m\r\n\x00\u202egnp.png", subfolder="\xdcm lau/t")}),
    "a long name": done({"9": shown("x" * 3000 + ".png")}),
    "the same twice": done({"9": shown("a.png", "a.png"), "10": shown("a.png")}),
    "an odd seed": {**done({"9": shown("a.png")}), "prompt": [1, "x", {"3": {"inputs": {"seed": 10**30}}}]},
}


@pytest.mark.parametrize("entry", FILES.values(), ids=FILES.keys())
def test_what_was_made_is_found(comfy: ComfyServer, shop: Workshop, entry: Entry) -> None:
    comfy.on["history"] = lambda call: Reply(body={asked(call): entry})
    job, (item,) = made(comfy, shop)
    assert (job.phase, job.error, item.save_state) == (Phase.SUCCEEDED, None, SaveState.SAVED), item.storage_error
    assert shop.file(item) == PNG


def test_what_was_made_before_a_node_failed_is_kept_and_said(comfy: ComfyServer, shop: Workshop) -> None:
    comfy.on["history"] = lambda call: Reply(body={asked(call): done({"9": shown("a.png")}, "error", ERROR)})
    job, (item,) = made(comfy, shop)
    assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.SAVED)
    assert "boom" in item.extra["incomplete"]
    assert [notice.message for notice in shop.notices] == ["only a part was made: node 3 KSampler: boom"]


@pytest.mark.parametrize("entry", [None, [], 7])
def test_an_entry_that_is_none_means_that_the_job_is_gone(comfy: ComfyServer, shop: Workshop, entry: object) -> None:
    comfy.on["history"] = lambda call: Reply(body={asked(call): entry})
    job, items = made(comfy, shop)
    assert (job.phase, items, job.error and job.error.kind) == (Phase.FAILED, [], ErrorKind.EXPIRED)


ENDS: dict[str, tuple[Entry, Phase]] = {
    "failed": (done({}, "error", ERROR), Phase.FAILED),
    "failed, a preview": (done({"9": shown("a.png", type="temp")}, "error", ERROR), Phase.FAILED),
    "interrupted": (done({}, "error", [["execution_interrupted", {}]]), Phase.CANCELLED),
    "a word of its own": (done({}, "\x1b[31mweird"), Phase.FAILED),
}


@pytest.mark.parametrize(("entry", "phase"), ENDS.values(), ids=ENDS.keys())
def test_every_end_is_told(comfy: ComfyServer, shop: Workshop, entry: Entry, phase: Phase) -> None:
    comfy.on["history"] = lambda call: Reply(body={asked(call): entry})
    job, items = made(comfy, shop)
    assert (job.phase, items) == (phase, [])


def test_a_job_that_the_server_took_from_its_cache_says_so(comfy: ComfyServer, shop: Workshop) -> None:
    """Servers that name the files again in such an answer are as any other."""
    cached: list[Any] = [["execution_cached", {"nodes": ["3"], "prompt_id": "x"}], ["execution_success", {}]]
    comfy.on["history"] = lambda call: Reply(body={asked(call): done({}, "success", cached)})
    job, items = made(comfy, shop)
    assert (job.phase, items) == (Phase.SUCCEEDED, [])
    assert job.error is not None
    assert "made exactly this before" in job.error.message


@pytest.mark.parametrize("given", [None, "", ".", "..", 7, "x" * 500, "\x1b[31mx", "../../queue", "a?b#c", "other"])
def test_a_job_is_found_whatever_id_it_was_given(comfy: ComfyServer, shop: Workshop, given: object) -> None:
    """Under that id where it can be asked for, else under our own."""
    comfy.script("submit", Reply(body={"prompt_id": given, "number": 1}))
    own = given if given in ("other", "../../queue", "a?b#c") else str(given) if given == 7 else None

    def history(call: Call) -> Reply:
        expected = own or comfy.submits[0].json["prompt_id"]
        entry = {asked(call): done({"9": shown("a.png")})} if call.path == f"/history/{quoted(expected)}" else {}
        return Reply(body=entry)

    comfy.on["history"] = history
    job, (item,) = made(comfy, shop)
    assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.SAVED)


def quoted(name: str) -> str:
    return name.replace("/", "%2F").replace("?", "%3F").replace("#", "%23")


def test_a_refusal_of_everything_is_a_short_one(comfy: ComfyServer, shop: Workshop) -> None:
    errors = [{"message": "m" * 400, "details": "d" * 400, "extra_info": {"input_name": f"n{n}"}} for n in range(50)]
    nodes = {str(n): {"errors": errors} for n in range(50)}
    comfy.script("submit", Reply(400, {"error": {"type": "x", "message": "bad"}, "node_errors": nodes}))
    job, _ = made(comfy, shop)
    assert job.error is not None
    assert (job.phase, job.error.kind) == (Phase.FAILED, ErrorKind.INVALID_INPUT)
    assert len(repr(job.error)) < 30_000


VIEWS: dict[str, tuple[Reply, SaveState]] = {
    "gone": (Reply(404, b""), SaveState.EXPIRED),
    "closed to the key": (Reply(401, b""), SaveState.UNSAVED),
    "a page": (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), SaveState.UNSAVED),
    "a page by another name": (Reply(body=b"<html>", headers={"Content-Type": "image/png"}), SaveState.UNSAVED),
    "short": (Reply(body=PNG, headers={"Content-Type": "image/png"}, cut=20), SaveState.UNSAVED),
    "elsewhere": (Reply(302, b"", {"Location": "https://evil.example/a.png"}), SaveState.UNSAVED),
}


@pytest.mark.parametrize(("reply", "state"), VIEWS.values(), ids=VIEWS.keys())
def test_a_file_that_does_not_come_is_said_and_can_be_fetched_later(
    comfy: ComfyServer, shop: Workshop, reply: Reply, state: SaveState
) -> None:
    comfy.script("view", reply)
    job, (item,) = made(comfy, shop)
    assert (job.phase, item.save_state, shop.media_files()) == (Phase.SUCCEEDED, state, [])
    assert item.storage_error is not None
    comfy.script("view", None)
    assert shop.studio.retry([item.id]).result(20).saved == (item.id,)
    assert len(comfy.submits) == 1


# -- the websocket


Talk = Callable[[socket.socket, bytes], None]


class Front:
    """Before a server: passes everything on but the websocket, which `talk` speaks."""

    def __init__(self, behind: int, talk: Talk) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._behind, self._talk = behind, talk
        self.heads: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65536) or b"\r\n\r\n"
            if head.startswith(b"GET /ws"):
                self.heads.append(head)
                self._talk(connection, head)
                return
            with socket.create_connection(("127.0.0.1", self._behind)) as server:
                server.sendall(head)
                back = threading.Thread(target=_pass, args=(server, connection), daemon=True)
                back.start()
                _pass(connection, server)
                back.join()

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *exc: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def agreed(head: bytes) -> bytes:
    """The answer to a handshake."""
    lines = dict(line.lower().partition(b": ")[::2] for line in head.split(b"\r\n")[1:])
    sent = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    assert b"sec-websocket-key" in lines
    digest = hashlib.sha1(sent.partition(b": ")[2] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def frame(data: bytes, kind: int = 1) -> bytes:
    return bytes([0x80 | kind, 127]) + struct.pack(">Q", len(data)) + data


def event(value: object, most: object, **more: object) -> bytes:
    return frame(json.dumps({"type": "progress", "data": {"value": value, "max": most, **more}}).encode())


def talk(*pieces: bytes, agree: bool = True) -> Talk:
    """Say these and wait for the other side to go."""

    def speak(connection: socket.socket, head: bytes) -> None:
        connection.sendall((agreed(head) if agree else b"") + b"".join(pieces))
        while connection.recv(65536):
            pass

    return speak


HALF = event(1, 2)
SOCKETS: dict[str, Talk] = {
    "refused": talk(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", agree=False),
    "a page": talk(b"<html>", agree=False),
    "silent": talk(agree=False),
    "a wrong key": talk(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", agree=False),
    "closed": talk(HALF, frame(b"\x03\xe8\xff\xfe", 8)),
    "no text": talk(frame(b"\xff\xfe")),
    "a bad frame": talk(b"\xf1\x01a"),
    "an endless frame": talk(b"\x82\x7f" + struct.pack(">Q", 1 << 40)),
    "a long text": talk(
        frame(b'{"type": "progress", "data": {"value": 1, "max": 4}, "x": "' + b"a" * 2_000_000 + b'"}')
    ),
    "odd events": talk(event(float("nan"), 2), frame(b"[" * 10**5), frame(b'{"data": ' + b"9" * 5000 + b"}"), HALF),
    "pictures": talk(frame(PNG * 1000, 2), HALF),
}


@pytest.mark.parametrize("speak", SOCKETS.values(), ids=SOCKETS.keys())
def test_a_websocket_is_a_nicety(comfy: ComfyServer, opener: Opener, speak: Talk) -> None:
    heard = threading.Event()

    def speak_and_tell(connection: socket.socket, head: bytes) -> None:
        try:
            speak(connection, head)
        finally:
            heard.set()

    def running(call: Call) -> Reply:
        names = [each.json["prompt_id"] for each in comfy.submits]
        return Reply(body={"queue_running": [[0, name] for name in names], "queue_pending": []})

    looked: list[Call] = []

    def history(call: Call) -> Reply:
        looked.append(call)
        return Reply(body={asked(call): done({"9": shown("a.png")})} if len(looked) > 8 else {})

    comfy.on |= {"queue": running, "history": history}
    with Front(int(comfy.netloc.partition(":")[2]), speak_and_tell) as front:
        shop = opener(front.url)
        job, (item,) = made(comfy, shop)
        assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.SAVED), item.storage_error
        assert len(front.heads) == 1
        heard.wait(20)
    told = {e.fraction for e in shop.events if isinstance(e, JobProgress)}
    assert told <= {None, 0.5, 1.0}, told


def test_a_websocket_that_leads_elsewhere_takes_no_secret_there(comfy: ComfyServer, opener: Opener) -> None:
    behind = int(comfy.netloc.partition(":")[2])
    comfy.on["queue"] = lambda call: Reply(body={"queue_running": [[0, comfy.submits[0].json["prompt_id"]]]})
    looked = threading.Event()

    def history(call: Call) -> Reply:
        return Reply(body={asked(call): done({"9": shown("a.png")})} if looked.is_set() else {})

    comfy.on["history"] = history
    with Front(behind, talk()) as other:
        away = f"HTTP/1.1 302 Found\r\nLocation: ws{other.url[4:]}/ws\r\nContent-Length: 0\r\n\r\n".encode()

        def redirect(connection: socket.socket, head: bytes) -> None:
            connection.sendall(away)
            while connection.recv(65536):  # until whoever asked has read it and goes
                pass
            looked.set()

        with Front(behind, redirect) as front:
            made(comfy, opener(front.url))
            assert KEY.encode() in front.heads[0]
        assert other.heads == []


def test_progress_is_told_under_the_id_that_the_server_gave(comfy: ComfyServer, opener: Opener) -> None:
    comfy.script("submit", Reply(body={"prompt_id": "other", "number": 1}))
    comfy.on["queue"] = lambda call: Reply(body={"queue_running": [[0, "other"]], "queue_pending": []})
    seen = threading.Event()
    comfy.on["history"] = lambda call: Reply(body={asked(call): done({"9": shown("a.png")})} if seen.is_set() else {})
    with Front(int(comfy.netloc.partition(":")[2]), talk(event(1, 2, prompt_id="other"))) as front:
        shop = opener(front.url)
        shop.send("portrait")
        shop.until(lambda: any(isinstance(e, JobProgress) and e.fraction == 0.5 for e in shop.events))
        own = comfy.submits[0].json["client_id"]
        assert f"clientId={own}".encode() in front.heads[0]
        seen.set()
        shop.until(lambda: [item.save_state for item in shop.items()] == [SaveState.SAVED])
