"""A scripted HTTP service on loopback: it records every call and lets a test replace any answer."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SECONDS = 30.0
"""Longer than any step takes; whoever waits for more hangs."""


def png(shade: int = 0, size: int = 1) -> bytes:
    """A whole and valid grey picture of `size` by `size` pixels, followed by nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes([shade]) * size for _ in range(size))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


PNG = png()
"""A picture of one pixel, whole and valid."""


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
    trickle: int | None = None
    """Send the body so many bytes at a time, with a pause after each."""
    hold: threading.Event | None = None
    """Answer only once it is set (or the server ends)."""
    hold_body: tuple[int, threading.Event] | None = None
    """Send so many bytes of the body, then wait."""
    raw: bytes | None = None
    """Send exactly this, head and all, and hang up."""


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    base: str
    """The address of the service that it came to."""
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

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.on: dict[str, Callable[[Call], Reply]] = {}
        self.files: dict[str, bytes] = {"/files/a.png": PNG}
        self.changed = threading.Condition()
        self.ending = threading.Event()
        self.clock_ahead = 0.0
        handler = type("Bound", (_Handler,), {"service": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._scheme = "https" if tls else "http"
        if tls is not None:  # hands are shaken by the thread that serves the connection
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def step(self, call: Call) -> str:
        """The name of the step a call is."""
        raise NotImplementedError

    @property
    def netloc(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """The base address."""
        return f"{self._scheme}://{self.netloc}"

    @property
    def submits(self) -> list[Call]:
        """The requests that would have been billed."""
        return self.of("submit")

    def of(self, step: str) -> list[Call]:
        """The calls of one step, in order of arrival."""
        with self.changed:
            return [call for call in self.calls if self.step(call) == step]

    def count(self, step: str) -> int:
        """How often a step was asked for."""
        return len(self.of(step))

    def script(self, step: str, *replies: Reply | None) -> None:
        """Answer a step with these in turn; None is the good answer. The last one repeats."""
        left = list(replies)

        def answer(call: Call) -> Reply:
            with self.changed:
                reply = left.pop(0) if len(left) > 1 else left[0]
            return reply if reply is not None else self.good(call)

        self.on[step] = answer

    def wait_for(self, step: str, times: int = 1) -> None:
        """Until a step was asked for so often."""
        with self.changed:
            enough = self.changed.wait_for(lambda: self.count(step) >= times, SECONDS)
        assert enough, f"{step} was asked {self.count(step)} times, not {times}"

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

    def close(self) -> None:
        """Stop serving; replies that are held are let go."""
        self.ending.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; some are killed."""


class _Handler(BaseHTTPRequestHandler):
    service: LoopbackService
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        reply = self.service.answer(self._call())
        if reply.hold is not None:
            self._wait(reply.hold)
        with suppress(OSError):  # the client went away
            self._send(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_QUERY = handle_any  # noqa: N815 - http.server looks for these names

    def _call(self) -> Call:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        chunked = "chunked" in headers.get("transfer-encoding", "")
        body = self._chunks() if chunked else self._whole(int(headers.get("content-length") or 0))
        return Call(self.command, parts.path, parts.query, headers, body, self.service.url, self.client_address[1])

    def _whole(self, length: int) -> bytes:
        """The body; what a client that was killed sent the half of is no request."""
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client went away")
        return body

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
        if reply.raw is not None:
            self.wfile.write(reply.raw)
        if reply.drop or reply.raw is not None:
            self._hang_up()
            return
        if reply.drip is not None:
            self._drip(reply.drip)
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self._send_head(reply, len(body))
        for piece in self._pieces(reply, body):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.chunked else piece)
            self.wfile.flush()
            if reply.trickle is not None and self.service.ending.wait(0.02):
                break
        if reply.cut is not None:
            self._hang_up()
        elif reply.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send_head(self, reply: Reply, length: int) -> None:
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif reply.until_close:
            headers["Connection"] = "close"
        else:
            headers.setdefault("Content-Length", str(length))
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _drip(self, enough: threading.Event) -> None:
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not enough.wait(0.02) and not self.service.ending.is_set():
            self.wfile.write(b"x")

    def _pieces(self, reply: Reply, body: bytes) -> Iterator[bytes]:
        if reply.hold_body is not None:
            count, event = reply.hold_body
            yield body[:count]
            self._wait(event)
            yield body[count:]
            return
        whole = body if reply.cut is None else body[: reply.cut]
        step = reply.trickle or (max(1, len(whole) // 3) if reply.chunked else len(whole) or 1)
        yield from (whole[at : at + step] for at in range(0, len(whole), step))

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The time that an answer names, by the service's clock."""
        return super().date_time_string((timestamp or time.time()) + self.service.clock_ahead)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the calls are kept in `LoopbackService.calls`."""
