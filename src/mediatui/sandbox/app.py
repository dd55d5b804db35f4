"""The sandbox's HTTP application: every service of fal on one origin."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mediatui.sandbox import media_routes, platform_routes, queue_routes
from mediatui.sandbox.answers import Refusal
from mediatui.sandbox.runner import Runner

_TARGET = b"x-fal-target-url"


def build_app(runner: Runner) -> Starlette:
    """The application that answers for a runner."""
    app = Starlette(
        routes=[*media_routes.routes(), *platform_routes.routes(), *queue_routes.routes()],
        middleware=[Middleware(ProxyTarget)],
        exception_handlers={HTTPException: _as_detail, Refusal: _as_refusal},
    )
    app.router.redirect_slashes = False
    app.state.runner = runner
    return app


class ProxyTarget:
    """Serves clients configured with a proxy URL: they name the fal URL they mean in a header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = dict(scope.get("headers", ())).get(_TARGET)
        await self._app(_aimed(scope, target.decode("latin-1")) if target else scope, receive, send)


def _aimed(scope: Scope, target: str) -> Scope:
    """The scope with the path and query of the URL the client means."""
    url = urlsplit(target)
    path = f"/run{url.path}" if url.hostname in queue_routes.DIRECT_HOSTS else url.path
    aimed = dict(scope)
    aimed.update(path=path, raw_path=path.encode(), query_string=url.query.encode())
    return aimed


async def _as_detail(http: HttpRequest, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    return JSONResponse({"detail": exc.detail}, exc.status_code, exc.headers)


async def _as_refusal(http: HttpRequest, exc: Exception) -> Response:
    assert isinstance(exc, Refusal)
    return exc.response
