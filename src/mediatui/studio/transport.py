"""Connections for downloads: as httpx makes them, with a limit to the time that a whole answer's head may take.

A server that sends its head one byte at a time would keep every single read short of its timeout for ever.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

BROKEN = (
    httpx.HTTPError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What a connection that failed raises."""


class _Clock(threading.local):
    """Until when the answer's head must have come, in this thread; None: there is no limit now."""

    until: float | None = None


class Transport(httpx.BaseTransport):
    """HTTP/1.1 over direct connections, never through a proxy: what a proxy connects to could not be checked."""

    def __init__(self, connections: int = 64) -> None:
        self._clock = _Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=None,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_Backend(self._clock),
        )

    @contextmanager
    def head_within(self, seconds: float) -> Iterator[None]:
        """Answers asked for inside must have sent their whole head in time, else a read times out."""
        self._clock.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._clock.until = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and receive the head of its answer. Raises one of `BROKEN`."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        body = _Body(answer.stream)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Backend(httpcore.NetworkBackend):
    """Ordinary sockets whose reads heed the clock."""

    def __init__(self, clock: _Clock) -> None:
        self._inner, self._clock = httpcore.SyncBackend(), clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        found = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(found, self._clock)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, clock: _Clock) -> None:
        self._inner, self._clock = inner, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if (until := self._clock.until) is None:
            return self._inner.read(max_bytes, timeout)
        left = until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer's head took too long")
        return self._inner.read(max_bytes, left if timeout is None else min(left, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
