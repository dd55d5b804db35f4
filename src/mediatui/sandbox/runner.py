"""The queue: accepted requests wait their turn, are rendered two at a time, and end one way or another."""

from __future__ import annotations

import asyncio
import math
import random
import time
import uuid
from typing import Any

from mediatui.sandbox import plan
from mediatui.sandbox.catalogue import MODELS, Model
from mediatui.sandbox.faults import Fault
from mediatui.sandbox.requests import Request, RequestStore
from mediatui.sandbox.schema import entry, validate
from mediatui.sandbox.worker import RenderFailed, RenderRefused, render

AT_ONCE = 2
"""How many requests are rendered at the same time."""

_SAVE_EVERY = 0.5
_LOOK_EVERY = 0.25


def fault_of(request: Request) -> Fault:
    """What is to go wrong with a request."""
    model = MODELS.get(request.model)
    if model and model.fault is not Fault.NONE:
        return model.fault
    return Fault(request.values.get("sandbox_fault") or Fault.NONE)


class Runner:
    """Every request of one server, from acceptance to its end. Lives on one event loop."""

    def __init__(self, store: RequestStore) -> None:
        self.store = store
        self._live: dict[str, Request] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._changed = asyncio.Condition()

    async def resume(self) -> None:
        """Forget what is old, and go on with what a dead server left unfinished."""
        await asyncio.to_thread(self.store.prune)
        unfinished = await asyncio.to_thread(lambda: [r.id for r in self.store.all() if not r.completed])
        for request_id in unfinished:
            await self._take_over(request_id)

    async def stop(self) -> None:
        """Stop rendering; the records stay as they are and another server goes on with them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            self.store.close()

    async def accept(self, model: Model, body: Any) -> Request:
        """Write a request down and queue it; on return it survives this process."""
        values, errors = validate(model.fields, body)
        now = time.time()
        request = Request(
            str(uuid.uuid4()), model.id, body if isinstance(body, dict) else {}, values, self.store.token, now
        )
        if errors:
            request.values = {}
            request.complete(status_code=422, failure={"detail": errors})
        else:
            if values["seed"] is None:
                values["seed"] = random.randrange(2**31)
            if fault_of(request) is Fault.SLOW_QUEUE:
                request.hold_until = now + values["sandbox_fault_seconds"]
        await asyncio.to_thread(self.store.save, request)
        if not request.completed:
            self._start(request)
        return request

    async def find(self, request_id: str) -> Request | None:
        """The request as it stands, whichever server owns it; one left behind is taken over."""
        if request := self._live.get(request_id):
            return request
        request = await asyncio.to_thread(self.store.load, request_id)
        if request and not request.completed:
            return await self._take_over(request_id) or request
        return request

    async def all(self) -> list[Request]:
        """Every request, oldest first."""
        found = await asyncio.to_thread(lambda: list(self.store.all()))
        return [self._live.get(request.id, request) for request in found]

    def position(self, request: Request) -> int:
        """How many requests are before this one, 0-based; a slow queue moves up by one each second."""
        waiting = [r for r in self._live.values() if r.state == "queued"]
        before = sum(1 for r in waiting if r.created_at < request.created_at)
        return before + max(0, math.ceil(request.hold_until - time.time()))

    def queued(self, model: Model) -> int:
        """How many requests to a model are waiting."""
        return sum(1 for r in self._live.values() if r.state == "queued" and r.model == model.id)

    async def cancel(self, request: Request) -> None:
        """Stop a request that has not ended."""
        task = self._tasks.get(request.id)
        if task is None:
            await asyncio.to_thread(self.store.ask_to_cancel, request.id)
            return
        self._cancelled.add(request.id)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def wait_for_change(self, timeout: float) -> None:
        """Return when any request changed, or after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait()
        except TimeoutError:
            return

    async def wait(self, request: Request) -> Request:
        """The request once it has ended."""
        while not request.completed:
            await self.wait_for_change(_LOOK_EVERY)
            request = await self.find(request.id) or request
        return request

    async def _take_over(self, request_id: str) -> Request | None:
        request = await asyncio.to_thread(self.store.take_over, request_id)
        if request and request_id not in self._live:
            self._start(request)
        return request

    def _start(self, request: Request) -> None:
        self._live[request.id] = request
        task = asyncio.create_task(self._run(request))
        self._tasks[request.id] = task

    async def _run(self, request: Request) -> None:
        """Take one request to its end. When the server stops, the record stays unfinished on disk."""
        try:
            await self._hold(request)
            async with self._slots:
                await self._render(request)
        except asyncio.CancelledError:
            if request.id not in self._cancelled:
                raise
            _end_cancelled(request)
        except OSError as exc:
            _end_failed(request, f"The sandbox could not write its files: {exc.strerror}", "internal_error")
        except Exception as exc:  # the fence of a background task: the client is told what nobody else would hear
            _end_failed(request, f"The sandbox failed: {exc!r}", "internal_error")
        await self._close(request)

    async def _close(self, request: Request) -> None:
        """Write the end of a request down; when the disk refuses, it is at least known until this server stops."""
        self._cancelled.discard(request.id)
        self._tasks.pop(request.id, None)
        try:
            await self._record(request, durable=True)
        except OSError:
            await self._announce()
            return
        self._live.pop(request.id, None)

    async def _hold(self, request: Request) -> None:
        while (rest := request.hold_until - time.time()) > 0:
            self._heed_cancel(request)
            await asyncio.sleep(min(rest, _LOOK_EVERY))

    def _heed_cancel(self, request: Request) -> None:
        """End here if another server left word that the request is cancelled."""
        if self.store.cancel_asked(request.id):
            self._cancelled.add(request.id)
            raise asyncio.CancelledError

    async def _render(self, request: Request) -> None:
        model, fault = MODELS.get(request.model), fault_of(request)
        self._heed_cancel(request)
        request.state, request.started_at, request.logs = "running", time.time(), []
        request.log(f"rendering with {request.model}, seed {request.values['seed']}")
        await self._record(request, durable=False)
        if model is None:
            _end_failed(request, "This model is no longer served.", "bad_request")
        elif fault is Fault.REFUSED_PROMPT:
            _end_refused(request)
        else:
            await self._render_files(model, request, fails=fault is Fault.JOB_FAILS)

    async def _render_files(self, model: Model, request: Request, *, fails: bool) -> None:
        saved = started = time.monotonic()

        async def on_progress(fraction: float, message: str) -> None:
            nonlocal saved
            self._heed_cancel(request)
            request.progress = fraction
            request.log(message)
            if fails and fraction >= 0.5:
                raise RenderFailed("CUDA error: the runner lost its device (this is the sandbox's doing)")
            if time.monotonic() - saved >= _SAVE_EVERY:
                saved = time.monotonic()
                await self._record(request, durable=False)
            else:
                await self._announce()

        try:
            files = await render(plan.order(model, request, self.store), on_progress)
        except RenderRefused as refused:
            request.complete(status_code=422, failure={"detail": [refused.entry]})
        except RenderFailed as failed:
            request.log(str(failed), "ERROR")
            _end_failed(request, str(failed), "runner_server_error")
        else:
            request.complete(output=plan.output(model, request, files, time.monotonic() - started))

    async def _record(self, request: Request, *, durable: bool) -> None:
        await asyncio.to_thread(self.store.save, request, durable=durable)
        await self._announce()

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _end_cancelled(request: Request) -> None:
    text, kind = "Request was cancelled by the client", "client_cancelled"
    request.complete(status_code=499, failure={"detail": text, "error_type": kind}, error=text, error_type=kind)


def _end_failed(request: Request, text: str, kind: str) -> None:
    request.complete(status_code=500, failure={"detail": text, "error_type": kind}, error=text, error_type=kind)


def _end_refused(request: Request) -> None:
    text = "The content could not be processed because it was flagged by a content checker."
    given = request.values["prompt"]
    detail = [entry(("prompt",), "content_policy_violation", text, given)]
    request.complete(status_code=422, failure={"detail": detail})
