"""Rendering in a process of its own: started for one request, told on stdin, heard on stdout, gone with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

OnProgress = Callable[[float, str], Awaitable[None]]

_LINE_LIMIT = 1 << 20


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
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", "mediatui.sandbox.render"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
    )
    assert process.stderr is not None
    complaints = asyncio.create_task(process.stderr.read())
    try:
        files = await _converse(process, order, on_progress)
        if files is None:
            text = (await complaints).decode(errors="replace").strip()
            raise RenderFailed(text[-500:] or "the render process ended early")
        return files
    finally:
        await _reap(process, complaints)


async def _reap(process: asyncio.subprocess.Process, complaints: asyncio.Task[bytes]) -> None:
    """End the process and read its pipes to their end, without which asyncio keeps them open."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.stdin.close()
    # A loop that ends cancels all of these at once; it must not close before the process is gone.
    await asyncio.gather(process.stdout.read(), complaints, process.wait(), return_exceptions=True)


async def _converse(
    process: asyncio.subprocess.Process, order: dict[str, Any], on_progress: OnProgress
) -> list[dict[str, Any]] | None:
    """Send the order and listen; stdin stays open, because the process ends when it closes."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    async for line in process.stdout:
        message = json.loads(line)
        if "refused" in message:
            raise RenderRefused(message["refused"])
        if "files" in message:
            files: list[dict[str, Any]] = message["files"]
            return files
        await on_progress(message["progress"], message["message"])
    return None
