"""A small fal-like server on loopback that misbehaves on request and counts what it is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

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
    """Send the headers for the whole body, then only so many bytes of it."""


Handler = Callable[["Call"], Reply]


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    base: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class FalServer:
    """Answers like fal's queue; each step can be replaced through `on`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.on: dict[str, Handler] = {}
        self.files: dict[str, bytes] = {"/files/a.png": PNG}
        self.changed = threading.Condition()
        handler = type("Bound", (_Handler,), {"fal": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def netloc(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://{self.netloc}"

    @property
    def submits(self) -> list[Call]:
        """The requests that would have been billed."""
        return [call for call in self.calls if kind_of(call) == "submit"]

    def count(self, kind: str) -> int:
        """How often a step was asked for."""
        return sum(kind_of(call) == kind for call in self.calls)

    def wait_for(self, kind: str, times: int = 1) -> None:
        """Until a step was asked for so often; fails after 20 s."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.count(kind) >= times, 20), f"{kind} was not asked {times} times"

    def close(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()

    def answer(self, call: Call) -> Reply:
        """The scripted answer, else the well-behaved one."""
        kind = kind_of(call)
        if kind in self.on:
            return self.on[kind](call)
        return getattr(self, f"_{kind}", self._unknown)(call)

    def _submit(self, call: Call) -> Reply:
        number = len(self.submits)
        base = f"{call.base}/fal-ai/test/requests/r{number}"
        return Reply(
            body={
                "request_id": f"r{number}",
                "status": "IN_QUEUE",
                "status_url": f"{base}/status",
                "response_url": base,
                "cancel_url": f"{base}/cancel",
                "queue_position": 0,
            }
        )

    def _status(self, call: Call) -> Reply:
        return Reply(body={"status": "COMPLETED", "logs": []})

    def _result(self, call: Call) -> Reply:
        return Reply(body={"images": [{"url": f"{call.base}/files/a.png", "content_type": "image/png"}], "seed": 7})

    def _cancel(self, call: Call) -> Reply:
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def _file(self, call: Call) -> Reply:
        data = self.files.get(call.path)
        if data is None:
            return Reply(404, {"detail": "not found"})
        return Reply(body=data, headers={"Content-Type": "image/png"})

    def _unknown(self, call: Call) -> Reply:
        return Reply(404, {"detail": "not found"})


def kind_of(call: Call) -> str:
    """Which step of the protocol a call is."""
    if call.path.startswith("/files/"):
        return "file"
    if call.path.startswith("/v1/models/requests"):
        return "history"
    if call.path.startswith(("/v1/", "/api/")):
        return "catalogue"
    if "/requests/" in call.path:
        if call.method == "PUT":
            return "cancel"
        return "status" if call.path.endswith("/status") else "result"
    return "submit" if call.method == "POST" else "unknown"


class _Handler(BaseHTTPRequestHandler):
    fal: FalServer
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        call = Call(
            self.command,
            parts.path,
            parts.query,
            {k.lower(): v for k, v in self.headers.items()},
            self.rfile.read(length),
            self.fal.url,
        )
        with self.fal.changed:
            self.fal.calls.append(call)
            self.fal.changed.notify_all()
        self._send(self.fal.answer(call))

    do_GET = do_POST = do_PUT = handle_any

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
        self.wfile.write(body if reply.cut is None else body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the calls are kept in `FalServer.calls`."""


@contextmanager
def fal_server() -> Iterator[FalServer]:
    """A running server."""
    server = FalServer()
    try:
        yield server
    finally:
        server.close()
