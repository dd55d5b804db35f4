"""Whose turn it is: so many at once, and of those that wait the most urgent one next."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from mediatui.model import MediaItem

NEVER = float("inf")


def urgency(item: MediaItem) -> float:
    """When its address stops answering, as far as the provider said; lower is more urgent."""
    return item.url_expires_at or NEVER


def soonest_first(items: Iterable[MediaItem]) -> list[MediaItem]:
    """Items in the order to save them: by when their addresses expire, then the oldest first."""
    return sorted(items, key=lambda item: (urgency(item), item.created_at, item.id))


class Turns:
    """Lets a number of tasks of one loop go at once."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, urgency: float = NEVER) -> AsyncIterator[None]:
        """Wait for a place, and give it back at the end."""
        await self._take(urgency)
        try:
            yield
        finally:
            self._give()

    async def _take(self, urgency: float) -> None:
        if self._free:
            self._free -= 1
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._give()  # the place came in the same moment
            raise

    def _give(self) -> None:
        while self._waiting:
            following = heapq.heappop(self._waiting)[2]
            if not following.done():
                following.set_result(None)
                return
        self._free += 1
