"""textual-serve behind a token. It has no authentication of its own, and a page of any site could reach its port."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

from mediatui.errors import UsageError

HOST = "127.0.0.1"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_REFUSED = "This needs the whole address that `mediatui serve` printed, with its token.\n"
_HEADERS = {
    # The page would ask another site for a font.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class GuardedServer(Server):
    """Serves only to who has shown the token, under its own name, from its own page."""

    def __init__(self, command: str, port: int, announce: Callable[[str], None]) -> None:
        self.origin = f"http://{HOST}:{port}"
        super().__init__(command, host=HOST, port=port, title="mediatui", public_url=self.origin)
        self.token = secrets.token_urlsafe(24)
        self._announce = announce
        # Cookies do not know of ports: two servers must not take each other's.
        self._cookie = f"mediatui-{port}"

    async def make_app(self) -> web.Application:
        """The application behind its guard."""
        app = await self._make_app()

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app.middlewares.append(guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say where it is; textual-serve would print a banner."""
        self._announce(f"{self.origin}/?token={self.token}")

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A foreign name that resolves to this machine, or a page of another site, has no business here.
        if request.host != f"{HOST}:{self.port}" or request.headers.get("Origin", self.origin) != self.origin:
            return self._refuse()
        if request.path == "/" and "token" in request.query:
            return self._enter(request)
        if not self._matches(request.cookies.get(self._cookie, "")):
            return self._refuse()
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    def _enter(self, request: web.Request) -> web.StreamResponse:
        """The token becomes a cookie and leaves the address bar."""
        if not self._matches(request.query["token"]):
            return self._refuse()
        response = web.HTTPFound("/", headers=_HEADERS)
        response.set_cookie(self._cookie, self.token, httponly=True, samesite="Lax", path="/")
        raise response

    def _matches(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def _refuse(self) -> web.Response:
        return web.Response(status=403, text=_REFUSED, headers=_HEADERS)


def serve(command: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve `command` on loopback until interrupted; `announce` gets the address. Raises `UsageError`."""
    listener = _listen(port)
    server = GuardedServer(command, listener.getsockname()[1], announce)
    with listener:
        # No access log: it would hold the token.
        web.run_app(
            server.make_app(), sock=listener, access_log=None, print=None, loop=asyncio.new_event_loop(),
            handle_signals=True, shutdown_timeout=1.0,
        )  # fmt: skip


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "no such port"
        raise UsageError(f"cannot listen on port {port}: {reason}", hint="Name another with --port.") from None
    return listener
