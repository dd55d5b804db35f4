"""How fal words its answers: bodies, headers and URLs shared by all routes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from mediatui.sandbox.catalogue import MODELS
from mediatui.sandbox.requests import Request
from mediatui.sandbox.runner import Runner
from mediatui.sandbox.schema import entry

ERROR_TYPE_HEADER = "X-Fal-Error-Type"
REQUEST_ID_HEADER = "x-fal-request-id"

MAX_BODY = 128 * 1024 * 1024
"""Bytes of JSON; pictures may come inside it."""

_NO_USER = "No user found for Key ID and Secret"
_LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."


class Refusal(Exception):
    """A request that is answered with an error at once."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body)
        self.response = JSONResponse(body, status, dict(headers or {}))


def origin(http: HttpRequest) -> str:
    """Scheme, host and port as the client wrote them."""
    return f"{http.url.scheme}://{http.headers.get('host') or http.url.netloc}"


def require_key(http: HttpRequest) -> None:
    """Any key will do, but there must be one. Raises `Refusal` as fal refuses."""
    scheme, _, key = http.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in ("key", "bearer") or not key.strip():
        raise Refusal(401, {"detail": _NO_USER})


def locked() -> Refusal:
    """The account has no money left."""
    return Refusal(403, {"detail": _LOCKED})


def runner_of(http: HttpRequest) -> Runner:
    """Who renders for the server that was asked."""
    runner: Runner = http.app.state.runner
    return runner


async def read_object(http: HttpRequest) -> dict[str, Any]:
    """The request's body. Raises `Refusal` when it is no JSON object."""
    body = await read_json(http)
    if not isinstance(body, dict):
        raise Refusal(422, {"detail": [entry((), "dict_type", "Input should be a valid dictionary", body)]})
    return body


async def read_json(http: HttpRequest) -> Any:
    """The request's body. Raises `Refusal` when it is not JSON, or JSON that cannot be written down again."""
    if int(http.headers.get("content-length") or 0) > MAX_BODY:
        raise Refusal(413, {"detail": "Request body is too large"})
    try:
        body = json.loads(await http.body() or b"{}")
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return body
    except (ValueError, RecursionError):
        problem = {"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error", "input": {}}
        raise Refusal(422, {"detail": [problem]}) from None


def request_urls(request: Request, base: str) -> dict[str, str]:
    """The three URLs of a request; built from owner and app alone, whatever path the model's id has."""
    model = MODELS.get(request.model)
    app = model.app if model else "/".join(request.model.split("/")[:2])
    url = f"{base}/{app}/requests/{request.id}"
    return {"response_url": url, "status_url": f"{url}/status", "cancel_url": f"{url}/cancel"}


def file_url(base: str, folder: str, name: str) -> str:
    """Where a file is downloaded from."""
    return f"{base}/files/b/{folder}/{name}"


def result(request: Request, base: str, files: Path) -> Response:
    """What fetching the result answers, once the request is completed."""
    headers = {REQUEST_ID_HEADER: request.id}
    if request.status_code != 200:
        if request.error_type:
            headers[ERROR_TYPE_HEADER] = request.error_type
        return JSONResponse(request.failure, request.status_code, headers)
    return JSONResponse(output_with_urls(request, base, files), 200, headers)


def output_with_urls(request: Request, base: str, files: Path) -> dict[str, Any]:
    """A completed request's answer: file names become URLs, or the files themselves when that was asked for."""
    if request.status_code != 200:
        return dict(request.failure)
    inline = bool(request.values.get("sync_mode"))

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "url" not in value:
            return {key: resolved(part) for key, part in value.items()}
        if inline:
            content = base64.b64encode((files / request.id / value["url"]).read_bytes()).decode()
            return value | {"url": f"data:{value['content_type']};base64,{content}"}
        return value | {"url": file_url(base, request.id, value["url"])}

    output: dict[str, Any] = resolved(request.output)
    return output
