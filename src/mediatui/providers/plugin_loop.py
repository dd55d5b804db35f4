"""Where the coroutines of a plug-in run: one that blocks, or never ends, holds up nobody but itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Ended:
    """How foreign code ended. Its exceptions travel as values: SystemExit would end the loop."""

    value: Any = None
    raised: BaseException | None = None


class PluginLoop:
    """An event loop on a daemon thread of its own, begun when it is first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, seconds: float, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """What the coroutine function returns or raises. `TimeoutError` when that takes longer than `seconds`."""
        running = asyncio.run_coroutine_threadsafe(_ended(function, *arguments), self._begun())
        try:
            async with asyncio.timeout(seconds):
                ended: _Ended = await asyncio.wrap_future(running)
        except TimeoutError:
            raise TimeoutError(f"no answer within {seconds:g} seconds") from None
        if ended.raised is not None:
            raise ended.raised
        return ended.value

    def stop(self) -> None:
        """Let the thread end; one that is blocked ends with the program."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _begun(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_exception_handler(_say_nothing)
            threading.Thread(target=_serve, args=(self._loop,), name=f"plugin-{self._name}", daemon=True).start()
        return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _say_nothing(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What foreign code left undone or did not look at would go to the terminal as it is, with whatever it holds."""


async def _ended(function: Callable[..., Awaitable[Any]], *arguments: Any) -> _Ended:
    try:
        return _Ended(await function(*arguments))
    except BaseException as exc:  # the fence: foreign code raises anything
        return _Ended(raised=exc)
