"""Rendering in a process of its own: started for one request, told on stdin, heard on stdout, gone with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable
from typing import Any

OnProgress = Callable[[float, str], Awaitable[None]]


class RenderRefused(Exception):
    """The input cannot be rendered; `entry` is the 422 detail that says why."""

    def __init__(self, entry: dict[str, Any]) -> None:
        super().__init__(entry["msg"])
        self.entry = entry


class RenderFailed(Exception):
    """The render process ended without a result; the text is the end of what it complained about."""


async def render(order: dict[str, Any], on_progress: OnProgress) -> list[dict[str, Any]]:
    """Render an order and return the facts of the files made.

    Raises `RenderRefused` or `RenderFailed`. Cancelling kills the process.
    """
    process = _Process(order)
    try:
        while (message := await process.hear()) is not None:
            if "refused" in message:
                raise RenderRefused(message["refused"])
            if "files" in message:
                files: list[dict[str, Any]] = message["files"]
                return files
            await on_progress(message["progress"], message["message"])
    finally:
        await process.end()
    raise RenderFailed(process.complaints or "the render process ended early")


class _Process:
    """A render process at work on one order.

    A thread listens to it and reaps it. asyncio's own processes want the loop to live, and nobody to be cancelled a
    second time, until they are gone; this one is gone once it was killed, whatever becomes of the loop.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self.complaints = ""
        """The end of what it wrote to stderr, once it is over."""
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._gone = asyncio.Event()
        with contextlib.ExitStack() as opened:
            self._stderr = opened.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mediatui.sandbox.render"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,  # a terminal's signals are for us: what is unfinished then, the next run ends
            )
            opened.pop_all()
        line = json.dumps(order).encode() + b"\n"
        threading.Thread(target=self._attend, args=(line,), name="sandbox-render", daemon=True).start()

    async def hear(self) -> dict[str, Any] | None:
        """The next thing it says; None: it says no more."""
        line = await self._heard.get()
        return None if line is None else json.loads(line)

    async def end(self) -> None:
        """Kill it; done once it is gone. Whoever is cancelled here leaves nothing behind either."""
        self._process.kill()
        await self._gone.wait()

    def _attend(self, line: bytes) -> None:
        """Give it the order, pass on what it says, and wait for its end. Stdin stays open: it ends when that closes."""
        with self._stderr:
            with contextlib.suppress(BrokenPipeError), self._process as process:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(line)
                process.stdin.flush()
                for said in process.stdout:
                    self._tell(self._heard.put_nowait, said)
            self._stderr.seek(0)
            self.complaints = self._stderr.read().decode(errors="replace").strip()[-500:]
        self._tell(self._heard.put_nowait, None)
        self._tell(self._gone.set)

    def _tell(self, function: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(function, *arguments)
