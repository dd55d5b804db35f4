"""The engine: one thread with its own asyncio loop, and pools of daemon threads for blocking work.

A stalled terminal or a dead face stops nothing here. The pools are daemonic (unlike the standard
executor, which joins its threads at exit): what they were doing is on disk and resumes next time.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from mediatui.errors import MediatuiError

T = TypeVar("T")
_Work = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool:
    """A few daemon threads that run blocking functions in order of arrival; started on first use."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        """Threads without work, less the work that waits."""
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run `function` in one of the threads."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
                return future
            if self._idle == 0 and len(self._threads) < self._size:
                thread = threading.Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            else:
                self._idle -= 1
            self._work.put((future, function))
        return future

    def close(self, timeout: float = 0.0) -> None:
        """Drop what has not begun, let the threads end; waits for them at most `timeout` seconds."""
        with self._lock:
            self._closed = True
        while not self._work.empty():
            try:
                entry = self._work.get_nowait()
            except queue.Empty:
                break
            if entry is not None:
                entry[0].cancel()
        for _ in self._threads:
            self._work.put(None)
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (entry := self._work.get()) is not None:
            future, function = entry
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as exc:  # handed to whoever waits for the future
                    future.set_exception(exc)
            with self._lock:
                self._idle += 1


class Engine:
    """The thread and loop that own jobs, timers and scheduling."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._calls: set[Future[Any]] = set()
        self._stopping = False
        self._over = False
        self._on_failure: Callable[[BaseException], None] = lambda exc: None

    def start(self, on_failure: Callable[[BaseException], None]) -> None:
        """Start the thread. `on_failure` hears of exceptions in background tasks, on the engine's thread."""
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._main, name="mediatui-engine", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def running(self) -> bool:
        """It takes work."""
        return self._loop is not None and self._loop.is_running()

    def call(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the engine from any thread; the future fails with the engine, whatever ends that."""
        if self._loop is None or not self._loop.is_running():
            work.close()
            raise MediatuiError("the engine is not running")
        future: Future[T] = Future()
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        try:
            self._loop.call_soon_threadsafe(self._answer, work, future)
        except RuntimeError:  # it ended in between
            work.close()
            raise MediatuiError("the engine is not running") from None
        if self._over:
            self._abandon_calls()
        return future

    def _answer(self, work: Coroutine[Any, Any, T], future: Future[T]) -> None:
        """Run the coroutine for whoever holds the future; one who gives up cancels it."""
        if future.done():
            work.close()
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        task.add_done_callback(lambda done: _settle(future, done))
        future.add_done_callback(lambda asked: self.post(lambda: _give_up(task)) if asked.cancelled() else None)

    def _abandon_calls(self) -> None:
        """Nobody will answer these any more: whoever waits is told."""
        for future in tuple(self._calls):
            _fail(future, _stopped())

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start a background task; only from the engine's own thread."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def post(self, function: Callable[[], None]) -> None:
        """Run a function on the engine's thread soon; nothing happens once it stopped."""
        if self._loop is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(function)
            except RuntimeError:
                pass  # closed in between: the engine is gone and so is the need

    def stop(
        self, timeout: float, grace: Callable[[], Awaitable[object]], finish: Callable[[], Awaitable[None]]
    ) -> None:
        """Wait for `grace` within half the time, cancel the tasks, run `finish`, end the loop.

        Returns after `timeout` seconds whatever happens.
        """
        if self._loop is None or self._thread is None:
            return
        if self._stopping:
            self._thread.join(timeout)
            return
        self._stopping = True
        work = self._shut_down(timeout / 2, grace, finish)
        try:
            asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop ended by itself
            work.close()
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._abandon_calls()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_failure(error)

    async def _shut_down(
        self, seconds: float, grace: Callable[[], Awaitable[object]], finish: Callable[[], Awaitable[None]]
    ) -> None:
        loop, ours = asyncio.get_running_loop(), asyncio.current_task()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await grace()
            others = [task for task in asyncio.all_tasks() if task is not ours]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await finish()
        finally:
            loop.stop()

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback of the loop; printing it would tear the screen."""
        error = context.get("exception")
        if isinstance(error, Exception) and not self._stopping:
            self._on_failure(error)

    def _main(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        self._loop = loop
        loop.set_exception_handler(self._unhandled)
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
        finally:
            self._over = True
            loop.close()
            self._abandon_calls()


def _settle(future: Future[T], task: asyncio.Task[T]) -> None:
    """Hand a call's outcome to whoever waits; an engine that stops cancels the task, and nobody asked for that."""
    if task.cancelled():
        _fail(future, _stopped())
    elif (error := task.exception()) is not None:
        _fail(future, error)
    elif not future.done():
        with suppress(InvalidStateError):
            future.set_result(task.result())


def _give_up(task: asyncio.Task[Any]) -> None:
    task.cancel()


def _fail(future: Future[Any], error: BaseException) -> None:
    if not future.done():
        with suppress(InvalidStateError):  # answered just now by another thread
            future.set_exception(error)


def _stopped() -> MediatuiError:
    return MediatuiError("mediatui stopped before this was done", hint="What was recorded goes on at the next start.")
