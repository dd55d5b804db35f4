"""Connections that break on purpose: an HTTP server that can be told to drop one, and answers that end early."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_PIECE = 64 * 1024

_open: dict[tuple[object, object], asyncio.BaseTransport] = {}
"""Open connections by both their ends, as they stand in an ASGI scope."""


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with its connections findable by `drop_connection`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection down."""
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        _open[self.server, self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _open.pop((self.server, self.client), None)
        super().connection_lost(exc)


class _Dropped(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _open.get((scope["server"], scope["client"]))
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
        await receive()


def drop_connection(http: HttpRequest) -> Response:
    """A response that sends nothing at all: the client sees the connection break."""
    return _Dropped()


class HalfFile(Response):
    """A file whose transfer breaks off: everything is announced, but nothing beyond `stop` is sent."""

    def __init__(self, path: Path, start: int, stop: int, size: int, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status)
        self._path, self._start, self._stop = path, start, stop
        self.init_headers(headers | {"content-length": str(size - start)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with self._path.open("rb") as file:
            file.seek(self._start)
            rest = max(0, self._stop - self._start)
            while rest and (piece := await asyncio.to_thread(file.read, min(rest, _PIECE))):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                rest -= len(piece)
        # Returning before the body is complete makes the server close the connection.
