"""Wait for what blocks without holding up the end of the program: a token's command may hang."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """What `function` returns, from a thread that the interpreter does not wait for when it ends."""
    answer: Future[T] = Future()
    answer.set_running_or_notify_cancel()  # from here on nobody who gives up can cancel it below the thread

    def work() -> None:
        try:
            answer.set_result(function())
        except Exception as exc:  # whatever it is, it is raised where somebody waits
            answer.set_exception(exc)

    threading.Thread(target=work, daemon=True, name="mediatui-google-token").start()
    return await asyncio.wrap_future(answer)
