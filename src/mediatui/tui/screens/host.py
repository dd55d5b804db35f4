"""Asks whether media may come from a host that is on no list."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mediatui.tui.actions import bindings
from mediatui.tui.screens.dialogs import Choice, MenuScreen

ONCE, ALWAYS, NO = "once", "always", "no"

CHOICES = (
    Choice("o", "Once", ONCE, "for what waits now"),
    Choice("a", "Always", ALWAYS, "adds it to save.allow_hosts"),
    Choice("n", "No", NO, "it stays unsaved; saving it asks again"),
)
DEAF_SECONDS = 0.4
"""Nobody called for this question: keys meant for the screen below must not answer it."""


class HostScreen(MenuScreen):
    """Host, items, and the three answers; None: not now."""

    SCOPES = ("menu",)
    BINDINGS = bindings("menu")

    def __init__(self, host: str, lines: Sequence[str]) -> None:
        super().__init__("Download from a new host?", CHOICES, NO, (host, "", *lines))
        self._deaf_until = time.monotonic() + DEAF_SECONDS

    @property
    def listening(self) -> bool:
        """Keys count by now."""
        return time.monotonic() >= self._deaf_until

    def answer(self, value: str | None) -> None:
        """Close with an answer, but for a key that was on its way already."""
        if self.listening:
            super().answer(value)
