"""The process that renders: gone before the loop that started it, whatever ends that."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.test_models import video_order

from mediatui.sandbox.worker import RenderFailed, render


@pytest.mark.parametrize("times", [1, 2])
def test_a_loop_that_cancels_everything_leaves_no_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, times: int
) -> None:
    """Whoever is cancelled while it waits for the process's end does not wait; it ends all the same, and is reaped."""
    order = video_order(tmp_path, frames=400)

    async def begin_and_stop() -> None:
        begun = asyncio.Event()

        async def hear(fraction: float, message: str) -> None:
            begun.set()

        rendering = asyncio.create_task(render(order, hear))
        await begun.wait()
        for _ in range(times):
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            for _ in range(3):  # until it was told, and waits again
                await asyncio.sleep(0)
        await asyncio.gather(rendering, return_exceptions=True)
        assert rendering.cancelled()

    run_and_close(begin_and_stop())
    assert caplog.messages == []


def test_a_loop_that_is_closed_at_once_leaves_no_process(tmp_path: Path) -> None:
    async def begin() -> None:
        begun = asyncio.Event()

        async def hear(fraction: float, message: str) -> None:
            begun.set()

        rendering = asyncio.create_task(render(video_order(tmp_path, frames=400), hear))
        await begun.wait()
        rendering.cancel()
        await asyncio.sleep(0)  # it is told, and killed; nobody waits for it

    run_and_close(begin())


async def test_a_process_that_dies_says_why(tmp_path: Path) -> None:
    async def hear(fraction: float, message: str) -> None:
        """Not of interest."""

    with pytest.raises(RenderFailed, match="KeyError: 'hologram'"):
        await render(video_order(tmp_path, frames=1) | {"makes": "hologram"}, hear)


_HANGING_UP = """
import asyncio, json, os, signal, sys
from mediatui.sandbox.worker import render

signal.signal(signal.SIGHUP, lambda *_: None)

async def hear(fraction, message):
    os.killpg(0, signal.SIGHUP)

print(len(asyncio.run(render(json.loads(sys.argv[1]), hear))))
"""


def test_a_terminal_that_is_closed_takes_no_rendering_with_it(tmp_path: Path) -> None:
    """Its signal goes to everything that was started from it; what the sandbox does with it is the sandbox's."""
    order = json.dumps(video_order(tmp_path, frames=4))
    command = [sys.executable, "-P", "-c", _HANGING_UP, order]
    done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


def run_and_close(work: Coroutine[Any, Any, None]) -> None:
    """Run this in a loop that ends with it. What is left open then is a ResourceWarning, which is an error here."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
    for thread in threading.enumerate():
        if thread.name.startswith("sandbox-render"):
            thread.join()
    gc.collect()
