"""Connections for downloads: as httpx makes them, but only to addresses that were checked, and with patience.

A name is looked up once for each connection, and the connection goes to what was found: nothing is sent to an
address that nobody looked at. A server that sends its head one byte at a time would keep every single read short
of its timeout for ever, so the whole head has a limit of its own.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore
import httpx

from mediatui.studio.hosts import public_peers
from mediatui.studio.kept import Kept, Origin

BROKEN = (
    httpx.HTTPError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)
"""What a connection that failed raises."""


Peers = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port that a connection may go to; raises `SaveError` when it may not."""


class _Asking(threading.local):
    """What holds for the request that this thread is making."""

    until: float | None = None
    """When the answer's head must have come; None: there is no limit now."""
    peers: Peers = staticmethod(public_peers)
    secure: bool = False


class Transport(httpx.BaseTransport):
    """HTTP/1.1 over direct connections, never through a proxy: what a proxy connects to could not be checked."""

    def __init__(self, connections: int = 64) -> None:
        self._asking, self._kept = _Asking(), Kept()
        self._connections = connections
        self._pools: dict[bool, httpcore.ConnectionPool] = {}
        self._pools_lock = threading.Lock()

    @contextmanager
    def asking(self, head_seconds: float, peers: Peers) -> Iterator[None]:
        """Requests made inside connect only to `peers`, and must get the whole head of an answer in time."""
        asking = self._asking
        asking.until, asking.peers = time.monotonic() + head_seconds, peers
        try:
            yield
        finally:
            asking.until, asking.peers = None, public_peers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and receive the head of its answer. Raises one of `BROKEN`, or `SaveError`."""
        url = request.url
        self._asking.secure = url.scheme == "https"
        answer = self._pool(secure=self._asking.secure).handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        body = _Body(answer.stream)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=body, extensions=answer.extensions, request=request
        )

    def _pool(self, *, secure: bool) -> httpcore.ConnectionPool:
        """Made when it is needed: reading the authorities' certificates takes as long as a small download."""
        with self._pools_lock:
            if secure not in self._pools:
                self._pools[secure] = httpcore.ConnectionPool(
                    ssl_context=httpx.create_ssl_context() if secure else None,
                    max_connections=None,
                    max_keepalive_connections=self._connections,
                    keepalive_expiry=5.0,
                    network_backend=_Backend(self._asking, self._kept),
                )
            return self._pools[secure]

    def close(self) -> None:
        """Close every connection."""
        with self._pools_lock:
            for pool in self._pools.values():
                pool.close()
        self._kept.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Backend(httpcore.NetworkBackend):
    """Ordinary sockets to checked addresses, whose reads heed the clock."""

    def __init__(self, asking: _Asking, kept: Kept) -> None:
        self._inner, self._asking, self._kept = httpcore.SyncBackend(), asking, kept

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        origin = Origin(self._asking.secure, host, port)
        if (kept := self._kept.take(origin)) is not None:
            return Stream(kept, self._asking, self._kept, origin)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for peer in self._asking.peers(host, port):
            try:
                found = self._inner.connect_tcp(peer, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return Stream(found, self._asking, self._kept, origin)
        raise failure


class Stream(httpcore.NetworkStream):
    """A connection while it serves one request, or several that the client reads itself."""

    def __init__(self, inner: httpcore.NetworkStream, asking: _Asking, kept: Kept, origin: Origin) -> None:
        self._inner, self._asking, self._kept, self._origin = inner, asking, kept, origin
        self._open = True
        self.finished = False
        """Set by who read the answer to its end past the client: the connection can serve another request."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if (until := self._asking.until) is None:
            return self._inner.read(max_bytes, timeout)
        left = until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the answer's head took too long")
        return self._inner.read(max_bytes, left if timeout is None else min(left, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if self.finished:
            self._kept.put(self._origin, self._inner)
        else:
            self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        if self._inner.get_extra_info("ssl_object") is None:  # else it was kept
            self._inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
