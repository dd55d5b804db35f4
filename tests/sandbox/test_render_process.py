"""The process that renders: gone before the loop that started it, whatever ends that."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from tests.sandbox.test_models import video_order

from mediatui.sandbox.worker import render


def test_a_loop_that_cancels_everything_leaves_no_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Cancelling the render and its helpers at once must still wait for the process: asyncio complains otherwise."""
    order = video_order(tmp_path, frames=400)

    async def begin_and_stop() -> None:
        begun = asyncio.Event()

        async def hear(fraction: float, message: str) -> None:
            begun.set()

        rendering = asyncio.create_task(render(order, hear))
        await begun.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        assert rendering.cancelled()

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(begin_and_stop())
    finally:
        loop.close()
    for thread in threading.enumerate():
        if thread.name.startswith("waitpid"):
            thread.join()
    assert caplog.messages == []
