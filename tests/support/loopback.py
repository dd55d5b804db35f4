"""A scripted HTTP service on loopback: it records every call and lets a test replace any answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SECONDS = 30.0
"""Longer than any step takes; whoever waits for more hangs."""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8dfa0000004"
    "2101a04dbf32900000000049454e44ae426082"
)
"""A picture of one pixel, whole and valid."""


@dataclass
class Reply:
    """What to answer: `body` as JSON unless it is bytes. `drop` closes the connection without an answer."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: int | None = None
    """Promise the whole body, then send only so many bytes of it."""
    hold: threading.Event | None = None
    """Answer only once it is set (or the server ends)."""
    hold_body: tuple[int, threading.Event] | None = None
    """Send so many bytes of the body, then wait."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    port: int
    """The caller's: calls with the same one shared a connection."""

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def params(self) -> dict[str, list[str]]:
        """The query, parsed."""
        return parse_qs(self.query)


class LoopbackService:
    """A running server; subclasses say which step of their protocol a call is, and how to answer it well.

    A context manager. `on` maps a step to the function that answers it instead.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.on: dict[str, Callable[[Call], Reply]] = {}
        self.files: dict[str, bytes] = {"/files/a.png": PNG}
        self.changed = threading.Condition()
        self.ending = threading.Event()
        handler = type("Bound", (_Handler,), {"service": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def step(self, call: Call) -> str:
        """The name of the step a call is."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def submits(self) -> list[Call]:
        """The requests that would have been billed."""
        return self.of("submit")

    def of(self, step: str) -> list[Call]:
        """The calls of one step."""
        return [call for call in self.calls if self.step(call) == step]

    def reply(self, step: str, *replies: Reply) -> None:
        """Answer a step with these, one after the other; the last one stays."""
        left = list(replies)
        self.on[step] = lambda call: left.pop(0) if len(left) > 1 else left[0]

    def wait_for(self, step: str, times: int = 1) -> None:
        """Until a step was asked for so often."""
        with self.changed:
            enough = self.changed.wait_for(lambda: len(self.of(step)) >= times, SECONDS)
        assert enough, f"{step} was asked {len(self.of(step))} times, not {times}"

    def answer(self, call: Call) -> Reply:
        """The scripted answer, else the well-behaved one."""
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
            step = self.step(call)
            return self.on[step](call) if step in self.on else self.good(call)

    def good(self, call: Call) -> Reply:
        """What a service in good health says."""
        reply: Reply = getattr(self, f"on_{self.step(call)}", self.on_unknown)(call)
        return reply

    def on_file(self, call: Call) -> Reply:
        """A media file."""
        data = self.files.get(call.path)
        return Reply(404) if data is None else Reply(body=data, headers={"Content-Type": "image/png"})

    def on_unknown(self, call: Call) -> Reply:
        """Anything else."""
        return Reply(404, {"detail": "not found"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; some are killed."""


class _Handler(BaseHTTPRequestHandler):
    service: LoopbackService
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        chunked = "chunked" in (self.headers.get("transfer-encoding") or "")
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._chunks() if chunked else self.rfile.read(length)
        call = Call(self.command, parts.path, parts.query, headers, body, self.client_address[1])
        reply = self.service.answer(call)
        if reply.hold is not None:
            self._wait(reply.hold)
        with suppress(OSError):  # the client went away
            self._send(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_QUERY = handle_any  # noqa: N815

    def _wait(self, event: threading.Event) -> None:
        while not event.wait(0.02) and not self.service.ending.is_set():
            pass

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().strip(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def _send(self, reply: Reply) -> None:
        if reply.drop:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.hold_body is not None:
            count, event = reply.hold_body
            self.wfile.write(body[:count])
            self._wait(event)
            self.wfile.write(body[count:])
            return
        self.wfile.write(body if reply.cut is None else body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the calls are kept in `LoopbackService.calls`."""
