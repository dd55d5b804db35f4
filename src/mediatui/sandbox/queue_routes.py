"""fal's queue: submit, status, status stream, result, cancel; and direct mode, which waits for the result.

Direct mode is `POST /run/{id}`. Because clients that believe they speak to fal.run only know one origin,
`POST /{id}` is direct too when the Host header says fal.run, or when fal's JavaScript client calls without
a queue priority, which it names in every submit.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from mediatui.sandbox import answers
from mediatui.sandbox.answers import Refusal, origin, require_key, runner_of
from mediatui.sandbox.catalogue import MODELS, Model
from mediatui.sandbox.connection import drop_connection
from mediatui.sandbox.faults import Fault
from mediatui.sandbox.requests import Request
from mediatui.sandbox.runner import fault_of

DIRECT_HOSTS = ("fal.run", "falrun.com", "run.localhost")
"""Hosts where a POST waits for the output."""

_STREAM_PAUSE = 5.0


def routes() -> list[Route]:
    """The routes of the queue; they come last, because models' ids match nearly every path."""
    request = "/{owner}/{app}/requests/{request_id}"
    return [
        Route("/run/{model_id:path}", run, methods=["POST"]),
        Route(f"{request}/status", status, methods=["GET"]),
        Route(f"{request}/status/stream", status_stream, methods=["GET"]),
        Route(f"{request}/cancel", cancel, methods=["PUT"]),
        Route(f"{request}/response", response, methods=["GET"]),
        Route(request, response, methods=["GET"]),
        Route("/{model_id:path}", submit, methods=["POST"]),
    ]


def _model(http: HttpRequest) -> Model:
    model_id = http.path_params["model_id"].strip("/")
    if model := MODELS.get(model_id):
        return model
    owner, _, rest = model_id.partition("/")
    app, _, path = rest.partition("/")
    if any(model.app == f"{owner}/{app}" for model in MODELS.values()):
        raise Refusal(404, {"detail": f"Path /{path} not found"})
    raise Refusal(404, {"detail": f"Application '{app or owner}' not found"})


def _is_direct(http: HttpRequest) -> bool:
    host = http.headers.get("host", "").partition(":")[0].lower()
    if host in DIRECT_HOSTS:
        return True
    javascript = http.headers.get("user-agent", "").startswith("@fal-ai/client")
    return javascript and "x-fal-queue-priority" not in http.headers


async def _accept(http: HttpRequest, model: Model) -> Request:
    """Check key, balance and queue, then take the request in. Raises `Refusal`."""
    body = await answers.read_json(http)
    asked = body.get("sandbox_fault") if isinstance(body, dict) else None
    if Fault.EXHAUSTED_BALANCE in (model.fault, asked):
        raise answers.locked()
    runner, longest = runner_of(http), http.query_params.get("fal_max_queue_length", "")
    if longest.isdecimal() and runner.queued(model) > int(longest):
        problem = {"detail": "Queue is full", "error_type": "concurrent_requests_limit"}
        raise Refusal(429, problem, {"X-Fal-Needs-Retry": "1", "Retry-After": "1"})
    try:
        return await runner.accept(model, body)
    except OSError as exc:
        problem = {"detail": f"The request could not be stored: {exc.strerror}", "error_type": "internal_error"}
        raise Refusal(500, problem, {answers.ERROR_TYPE_HEADER: "internal_error"}) from exc


async def submit(http: HttpRequest) -> Response:
    """Accept a request and say where to ask for it."""
    require_key(http)
    model = _model(http)
    if _is_direct(http):
        return await _direct(http, model)
    request = await _accept(http, model)
    if fault_of(request) is Fault.DROPPED_SUBMIT:
        return drop_connection(http)
    body = {
        "status": "IN_QUEUE",
        "request_id": request.id,
        **answers.request_urls(request, origin(http)),
        "queue_position": runner_of(http).position(request),
    }
    return JSONResponse(body, headers={answers.REQUEST_ID_HEADER: request.id})


async def run(http: HttpRequest) -> Response:
    """Accept a request and answer with its result."""
    require_key(http)
    return await _direct(http, _model(http))


async def _direct(http: HttpRequest, model: Model) -> Response:
    request = await _accept(http, model)
    if fault_of(request) is Fault.DROPPED_SUBMIT:
        return drop_connection(http)
    request = await runner_of(http).wait(request)
    return await _result(http, request)


async def _find(http: HttpRequest) -> Request:
    """The request in the URL. Raises `Refusal` when there is none of that id under that app."""
    require_key(http)
    request = await runner_of(http).find(http.path_params["request_id"])
    app = f"{http.path_params['owner']}/{http.path_params['app']}"
    if request is None or not request.model.startswith(app) or request.model[len(app) : len(app) + 1] not in ("", "/"):
        body = {"status": "NOT_FOUND"} if http.method == "PUT" else {"detail": "Request not found"}
        raise Refusal(404, body)
    return request


def _status_body(http: HttpRequest, request: Request, *, logs_after: int | None) -> dict[str, Any]:
    """The status as fal words it, and besides how far it is, from 0 to 1."""
    body: dict[str, Any] = {
        "status": {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}.get(request.state, "COMPLETED"),
        "request_id": request.id,
        **answers.request_urls(request, origin(http)),
        "progress": request.progress,
    }
    if request.state == "queued":
        return body | {"queue_position": runner_of(http).position(request)}
    body["logs"] = None if logs_after is None else request.logs[logs_after:]
    if request.completed:
        started, ended = request.started_at, request.ended_at
        body["metrics"] = {"inference_time": round(ended - started, 4)} if started and ended else {}
        if request.error:
            body |= {"error": request.error, "error_type": request.error_type}
    return body


def _wants_logs(http: HttpRequest) -> bool:
    return http.query_params.get("logs", "").lower() in ("1", "true")


async def status(http: HttpRequest) -> Response:
    """How a request is doing."""
    request = await _find(http)
    body = _status_body(http, request, logs_after=0 if _wants_logs(http) else None)
    headers = {answers.REQUEST_ID_HEADER: request.id}
    return JSONResponse(body, 200 if request.completed else 202, headers)


async def status_stream(http: HttpRequest) -> Response:
    """Server-sent events: the status each time it changed, with the log lines that are new."""
    request = await _find(http)
    events = _events(http, request)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _events(http: HttpRequest, request: Request) -> AsyncIterator[str]:
    runner, seen, last = runner_of(http), 0, ""
    while True:
        body = _status_body(http, request, logs_after=seen if _wants_logs(http) else None)
        event = f"data: {json.dumps(body)}\n\n"
        if event != last:
            yield event
        last, seen = event, len(request.logs) if request.state != "queued" else 0
        if request.completed:
            return
        await runner.wait_for_change(_STREAM_PAUSE)
        request = await runner.find(request.id) or request


async def response(http: HttpRequest) -> Response:
    """The model's own answer, or its own error."""
    request = await _find(http)
    if not request.completed:
        problem = {"detail": "Request is still in progress", "error_type": "bad_request"}
        return JSONResponse(problem, 400, {answers.REQUEST_ID_HEADER: request.id})
    return await _result(http, request)


async def _result(http: HttpRequest, request: Request) -> Response:
    store = runner_of(http).store
    wavering = request.status_code == 200 and fault_of(request) is Fault.RESULT_504_ONCE
    if wavering and await asyncio.to_thread(store.first_look, request.id, "result"):
        return JSONResponse({"detail": "Gateway Timeout"}, 504)
    return await asyncio.to_thread(answers.result, request, origin(http), store.files)


async def cancel(http: HttpRequest) -> Response:
    """Stop a request: one that waits never starts, one that runs is killed."""
    request = await _find(http)
    if request.completed:
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)
    await runner_of(http).cancel(request)
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
