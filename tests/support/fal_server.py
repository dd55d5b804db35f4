"""A fal-like server on loopback that misbehaves as it is told, and counts what it is asked.

Each step of the protocol (submit, status, result, cancel, history, catalogue, file, run, initiate, put) answers
well unless `script` or `on` says otherwise; prices, estimate and sign are unknown until they are scripted.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SECONDS = 20.0
"""Longer than any step takes; whoever waits for more hangs."""


def png(shade: int = 0, size: int = 1) -> bytes:
    """A whole and valid grey picture of `size` by `size` pixels, followed by nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes([shade]) * size for _ in range(size))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


PNG = png()
BIG = png(7, 1100)
"""More than a megabyte: it comes straight from the socket."""
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb") + bytes(200) + b"\xff\xd9"


@dataclass
class Reply:
    """What to answer: `body` as JSON unless it is bytes."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    """Close the connection without an answer."""
    cut: int | None = None
    """Send the header for the whole body, then only so many bytes of it."""
    chunked: bool = False
    """No Content-Length: chunks."""
    until_close: bool = False
    """No Content-Length and no chunks: the end of the connection is the end of the body."""
    drip: threading.Event | None = None
    """Send the head one byte at a time, for ever or until it is set."""
    hold: threading.Event | None = None
    """Answer only once it is set (or the server ends)."""
    hold_body: tuple[int, threading.Event] | None = None
    """Send so many bytes of the body, then wait."""


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
    port: int = 0
    """The client's: which connection it came by."""

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """Which step of the protocol it is."""
        if self.path.startswith("/files/"):
            return "file"
        if self.path.startswith("/v1/models/requests"):
            return "history"
        if self.path == "/v1/models/pricing":
            return "prices"
        if self.path == "/v1/models/pricing/estimate":
            return "estimate"
        if self.path == "/v1/storage/files/sign":
            return "sign"
        if self.path.startswith("/storage/upload/"):
            return "initiate"
        if self.path.startswith("/put/"):
            return "put"
        if self.path.startswith("/run/"):
            return "run"
        if self.path.startswith(("/v1/", "/api/")):
            return "catalogue"
        if "/requests/" in self.path:
            if self.method == "PUT":
                return "cancel"
            return "status" if self.path.endswith("/status") else "result"
        return "submit" if self.method == "POST" else "unknown"


class FalServer:
    """Answers like fal's queue."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.on: dict[str, Handler] = {}
        self.files: dict[str, bytes] = {"/files/a.png": PNG}
        self.outputs: list[str] = ["/files/a.png"]
        self.changed = threading.Condition()
        self.ending = threading.Event()
        self._accepted = self._uploads = 0
        handler = type("Bound", (_Handler,), {"fal": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
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
        return self.of("submit")

    def of(self, kind: str) -> list[Call]:
        """The requests of one step, in order of arrival."""
        with self.changed:
            return [call for call in self.calls if call.kind == kind]

    def count(self, kind: str) -> int:
        """How often a step was asked for."""
        return len(self.of(kind))

    def script(self, kind: str, *replies: Reply | None) -> None:
        """Answer a step with these in turn; None is the good answer. The last one repeats."""
        left = list(replies)

        def answer(call: Call) -> Reply:
            with self.changed:
                reply = left.pop(0) if len(left) > 1 else left[0]
            return reply if reply is not None else self.good(call)

        self.on[kind] = answer

    def wait_for(self, kind: str, times: int = 1) -> None:
        """Until a step was asked for so often."""
        with self.changed:
            enough = self.changed.wait_for(lambda: sum(c.kind == kind for c in self.calls) >= times, SECONDS)
        assert enough, f"{kind} was asked {self.count(kind)} times, not {times}"

    def close(self) -> None:
        """Stop serving; replies that are held are let go."""
        self.ending.set()
        self._http.shutdown()
        self._http.server_close()

    # -- answers

    def answer(self, call: Call) -> Reply:
        """The scripted answer, else the good one."""
        return self.on[call.kind](call) if call.kind in self.on else self.good(call)

    def good(self, call: Call) -> Reply:
        """What a service in good health says."""
        return getattr(self, f"_{call.kind}", self._unknown)(call)

    def handle(self, number: int = 1, app: str = "fal-ai/test") -> dict[str, Any]:
        """The answer to an accepted submit."""
        base = f"{self.url}/{app}/requests/r{number}"
        return {
            "request_id": f"r{number}",
            "status": "IN_QUEUE",
            "status_url": f"{base}/status",
            "response_url": base,
            "cancel_url": f"{base}/cancel",
            "queue_position": 0,
        }

    def _submit(self, call: Call) -> Reply:
        with self.changed:
            self._accepted += 1
            return Reply(body=self.handle(self._accepted))

    def _status(self, call: Call) -> Reply:
        return Reply(body={"status": "COMPLETED", "logs": []})

    def _result(self, call: Call) -> Reply:
        images = [{"url": f"{call.base}{path}", "content_type": "image/png"} for path in self.outputs]
        return Reply(body={"images": images, "seed": 7})

    def _cancel(self, call: Call) -> Reply:
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def _run(self, call: Call) -> Reply:
        return Reply(body=self._result(call).body, headers={"x-fal-request-id": "direct-1"})

    def _initiate(self, call: Call) -> Reply:
        with self.changed:
            self._uploads += 1
            name = f"{self._uploads}-{call.json['file_name']}"
        return Reply(body={"upload_url": f"{call.base}/put/{name}?sig=s", "file_url": f"{call.base}/files/up/{name}"})

    def _put(self, call: Call) -> Reply:
        return Reply(headers={"ETag": f'"{len(call.body)}"'})

    def _history(self, call: Call) -> Reply:
        return Reply(body={"items": [], "has_more": False})

    def _file(self, call: Call) -> Reply:
        data = self.files.get(call.path)
        return Reply(404, {"detail": "not found"}) if data is None else ranged(call, data)

    def _unknown(self, call: Call) -> Reply:
        return Reply(404, {"detail": "not found"})


def ranged(call: Call, data: bytes, etag: str = '"one"') -> Reply:
    """A file as a good media host sends it: by range when asked, if it is the same file still."""
    headers = {"Content-Type": "image/png", "ETag": etag, "Accept-Ranges": "bytes"}
    start = call.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
    if not start.isdigit() or call.headers.get("if-range", etag) != etag:
        return Reply(body=data, headers=headers)
    if int(start) >= len(data):
        return Reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    return Reply(206, data[int(start) :], headers)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; some are killed."""


class _Handler(BaseHTTPRequestHandler):
    fal: FalServer
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        call = Call(
            self.command,
            parts.path,
            parts.query,
            headers,
            self.rfile.read(length),
            self.fal.url,
            self.client_address[1],
        )
        with self.fal.changed:
            self.fal.calls.append(call)
            self.fal.changed.notify_all()
        reply = self.fal.answer(call)
        if reply.hold is not None:
            self._wait(reply.hold)
        with suppress(OSError):  # the client went away
            self._send(reply)

    do_GET = do_POST = do_PUT = handle_any  # noqa: N815

    def _wait(self, event: threading.Event) -> None:
        while not event.wait(0.02) and not self.fal.ending.is_set():
            pass

    def _send(self, reply: Reply) -> None:
        if reply.drop:
            self._hang_up()
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif reply.until_close:
            headers["Connection"] = "close"
        else:
            headers.setdefault("Content-Length", str(len(body)))
        if reply.drip is not None:
            self._drip(reply.drip)
            return
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in self._pieces(reply, body):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
            self.wfile.flush()
        if reply.cut is not None:
            self._hang_up()
        elif reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _drip(self, enough: threading.Event) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not enough.wait(0.02) and not self.fal.ending.is_set():
            self.wfile.write(b"x")

    def _pieces(self, reply: Reply, body: bytes) -> Iterator[bytes]:
        if reply.hold_body is not None:
            count, event = reply.hold_body
            yield body[:count]
            self._wait(event)
            yield body[count:]
            return
        whole = body if reply.cut is None else body[: reply.cut]
        step = max(1, len(whole) // 3) if reply.chunked else len(whole) or 1
        yield from (whole[at : at + step] for at in range(0, len(whole), step))

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

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


def kinds(calls: Sequence[Call]) -> list[str]:
    """The steps of calls, for comparing."""
    return [call.kind for call in calls]
