"""fal's platform API as far as clients need it: the catalogue, prices, schemas and the history of requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mediatui.sandbox import openapi
from mediatui.sandbox.answers import Refusal, origin, output_with_urls, read_json, require_key, runner_of
from mediatui.sandbox.catalogue import MODELS, Model
from mediatui.sandbox.requests import Request
from mediatui.sandbox.runner import Runner

Json = dict[str, Any]

_UPDATED = "2026-01-01T00:00:00Z"
_MOST = 100
_HISTORY_SPAN = 24 * 3600


def routes() -> list[Route]:
    """The routes of the platform."""
    return [
        Route("/", about, methods=["GET"]),
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/pricing", pricing, methods=["GET"]),
        Route("/v1/models/pricing/estimate", estimate, methods=["POST"]),
        Route("/v1/models/requests/by-endpoint", history, methods=["GET"]),
        Route("/api/openapi/queue/openapi.json", schema, methods=["GET"]),
    ]


def _problem(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status, {"error": {"type": kind, "message": message}})


def _page(http: HttpRequest, found: list[Any], usual: int) -> tuple[list[Any], Json]:
    """One page of what was found, and how to go on. Raises `Refusal`."""
    limit, cursor = http.query_params.get("limit", str(usual)), http.query_params.get("cursor", "0")
    if not limit.isdecimal() or not 1 <= int(limit) <= _MOST or not cursor.isdecimal():
        raise _problem(400, "validation_error", f"limit must be 1 to {_MOST}, cursor one that was returned")
    start, end = int(cursor), int(cursor) + int(limit)
    more = end < len(found)
    return found[start:end], {"next_cursor": str(end) if more else None, "has_more": more}


def _asked_for(http: HttpRequest) -> list[str]:
    """The endpoint ids in the query: repeated, or separated by commas."""
    return [part for value in http.query_params.getlist("endpoint_id") for part in value.split(",") if part]


async def about(http: HttpRequest) -> Response:
    """What this is, for people who open it in a browser."""
    base = origin(http)
    body = {
        "name": "mediatui sandbox",
        "protocol": "fal queue",
        "key": "any",
        "catalogue": f"{base}/v1/models",
        "models": [f"{base}/{model}" for model in MODELS],
    }
    return JSONResponse(body)


async def models(http: HttpRequest) -> Response:
    """The catalogue."""
    words, category = http.query_params.get("q", "").lower().split(), http.query_params.get("category")
    ids, expand = _asked_for(http), http.query_params.getlist("expand")
    if http.query_params.get("status", "active") != "active":
        return JSONResponse({"models": [], "next_cursor": None, "has_more": False})
    found = [
        model
        for model in MODELS.values()
        if (not ids or model.id in ids)
        and (not category or model.category == category)
        and all(word in f"{model.id} {model.name} {model.description}".lower() for word in words)
    ]
    page, going_on = _page(http, found, 50)
    base, schemas = origin(http), any("openapi-3.0" in value for value in expand)
    return JSONResponse({"models": [_described(model, base, schemas) for model in page], **going_on})


def _described(model: Model, base: str, with_schema: bool) -> Json:
    metadata = {
        "display_name": model.name,
        "category": model.category,
        "description": model.description,
        "status": "active",
        "tags": ["sandbox"],
        "updated_at": _UPDATED,
        "model_url": openapi.document_url(model, base),
        "kind": "inference",
        "license_type": "commercial",
    }
    body: Json = {"endpoint_id": model.id, "metadata": metadata}
    return body | {"openapi": openapi.document(model, base)} if with_schema else body


async def pricing(http: HttpRequest) -> Response:
    """Everything here is free."""
    require_key(http)
    units = {"video": "seconds", "image": "images", "audio": "seconds"}
    ids = _asked_for(http)
    prices = [
        {"endpoint_id": model.id, "unit_price": 0.0, "unit": units[model.makes], "currency": "USD"}
        for model in MODELS.values()
        if not ids or model.id in ids
    ]
    if ids and not prices:
        raise _problem(404, "not_found", "No such endpoint")
    return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})


async def estimate(http: HttpRequest) -> Response:
    """What requests would cost: nothing. Raises `Refusal` for what fal would refuse."""
    require_key(http)
    given = await read_json(http)
    body = given if isinstance(given, dict) else {}
    kind, asked = body.get("estimate_type"), body.get("endpoints")
    quantity = {"unit_price": "unit_quantity", "historical_api_price": "call_quantity"}.get(str(kind))
    if quantity is None or not isinstance(asked, dict) or not asked:
        raise _problem(400, "validation_error", "estimate_type and endpoints are required")
    for model, amounts in asked.items():
        if model not in MODELS:
            raise _problem(404, "not_found", f"No such endpoint: {model}")
        count = amounts.get(quantity) if isinstance(amounts, dict) else None
        if isinstance(count, bool) or not isinstance(count, int | float) or count < 0:
            raise _problem(400, "validation_error", f"{quantity} must be a number above zero")
    return JSONResponse({"estimate_type": kind, "total_cost": 0.0, "currency": "USD"})


async def schema(http: HttpRequest) -> Response:
    """One model's OpenAPI document."""
    model = MODELS.get(http.query_params.get("endpoint_id", ""))
    if model is None:
        raise Refusal(404, {"detail": "Model not found"})
    return JSONResponse(openapi.document(model, origin(http)))


async def history(http: HttpRequest) -> Response:
    """Requests that ended, newest first: what was asked, when, and with `expand=payloads` what came of it."""
    require_key(http)
    params, ids, runner = http.query_params, _asked_for(http), runner_of(http)
    if not ids:
        raise _problem(400, "validation_error", "endpoint_id is required")
    request_id = params.get("request_id")
    start, end = _since(params.get("start"), usual=None if request_id else -_HISTORY_SPAN), _since(params.get("end"))
    found = [
        request
        for request in reversed(await runner.all())
        if request.model in ids
        and (not request_id or request.id == request_id)
        and (start is None or request.created_at >= start)
        and (end is None or request.created_at <= end)
        and params.get("status") in (None, _verdict(request))
    ]
    page, going_on = _page(http, found, 50)
    payloads = any("payloads" in value for value in params.getlist("expand"))
    items = [_item(request, origin(http), payloads, runner) for request in page]
    return JSONResponse({"items": items, **going_on})


def _since(text: str | None, usual: float | None = None) -> float | None:
    """A time in the query as seconds; `usual`, counted from now, when there is none. Raises `Refusal`."""
    if not text:
        return None if usual is None else datetime.now(UTC).timestamp() + usual
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _problem(400, "validation_error", f"not a time: {text}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _verdict(request: Request) -> str | None:
    if not request.completed:
        return None
    if request.status_code == 200:
        return "success"
    return "user_error" if request.status_code < 500 else "error"


def _stamp(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _item(request: Request, base: str, payloads: bool, runner: Runner) -> Json:
    started, ended = request.started_at, request.ended_at
    item: Json = {
        "request_id": request.id,
        "endpoint_id": request.model,
        "sent_at": _stamp(request.created_at),
        "started_at": _stamp(started),
        "ended_at": _stamp(ended),
        "status_code": request.status_code if request.completed else None,
        "duration": ended - started if started and ended else None,
    }
    if payloads:
        item["json_input"] = request.body
        item["json_output"] = output_with_urls(request, base, runner.store.files) if request.completed else None
    return item
