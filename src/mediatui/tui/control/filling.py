"""Whether what fills the generate screen has come: the models, and the form of those that are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

FILL_SECONDS = 10.0
"""So long is waited for a provider's models and forms; then the request is judged as it is."""


class Filling:
    """What has come so far. Whoever sends before all is there waits for it: it is what a person would have seen."""

    def __init__(self, chosen: Callable[[], Sequence[str]]) -> None:
        """`chosen`: the models that are chosen now."""
        self._chosen = chosen
        self._listed = False
        self._formed: Sequence[str] | None = None
        self._news = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Nothing is on its way."""
        chosen = list(self._chosen())
        return self._listed and (not chosen or chosen == self._formed)

    def listed(self) -> None:
        """The models came, or could not be had."""
        self._listed = True
        self._news.set()

    def formed(self, models: Sequence[str]) -> None:
        """The form for these models came, or could not be had."""
        self._formed = list(models)
        self._news.set()

    async def wait(self) -> None:
        """Return once all is there, or after `FILL_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FILL_SECONDS):
                while not self.complete:
                    self._news.clear()
                    await self._news.wait()
