"""Whether what fills the generate screen has come: the models, and the form of those that are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

FILL_SECONDS = 10.0
"""So long is waited for a provider's models and forms."""


class Filling:
    """What has come so far. Whoever sends before all is there waits for it: it is what a person would have seen."""

    def __init__(self, chosen: Callable[[], Sequence[str]]) -> None:
        """`chosen`: the models that are chosen now."""
        self._chosen = chosen
        self._listed = False
        self._formed: Sequence[str] | None = None
        self.formless: Sequence[str] = ()
        """Chosen models whose form could not be had."""
        self._news = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Nothing is on its way."""
        chosen = list(self._chosen())
        return chosen == self._formed if chosen else self._listed

    def listed(self) -> None:
        """The models came, or could not be had."""
        self._listed = True
        self._news.set()

    def forming(self) -> None:
        """Other models are chosen: a form is on its way, whatever was there before."""
        self._formed = None

    def formed(self, models: Sequence[str], formless: Sequence[str] = ()) -> None:
        """The form for these models came, as far as it could be had."""
        self._formed, self.formless = list(models), list(formless)
        self._news.set()

    async def wait(self) -> None:
        """Return once all is there, or after `FILL_SECONDS`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FILL_SECONDS):
                while not self.complete:
                    self._news.clear()
                    await self._news.wait()
