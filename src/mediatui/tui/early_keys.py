"""Keys pressed while a screen is still opening: they wait for it, in the order they were pressed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from textual import events

if TYPE_CHECKING:
    from textual.screen import Screen

    from mediatui.tui.app import MediatuiApp

LONGEST_WAIT = 2.0
"""Seconds after which waiting keys are let go even though nothing was heard of the screen."""


class EarlyKeys:
    """Letters that come with the key which opens a form belong into its field, not to the screen behind it."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._open: WeakSet[Screen[Any]] = WeakSet()
        self._held: list[events.Key] = []

    @property
    def waiting(self) -> bool:
        """Some are held; what is pressed now comes after them."""
        return bool(self._held)

    @property
    def opening(self) -> bool:
        """The screen in front may not have its widgets and its focus yet."""
        stack = self._app.screen_stack
        return bool(stack) and stack[-1] not in self._open

    def hold(self, event: events.Key) -> None:
        """Keep a key until the screen in front is open."""
        if not self._held:
            let_go = partial(self._let_go, self._app.screen)
            # A screen looks at its messages once it has its widgets; the focus that it asked for is set before this.
            self._app.screen.call_later(self._app.call_later, let_go)
            self._app.set_timer(LONGEST_WAIT, let_go)
        self._held.append(event)

    async def _let_go(self, screen: Screen[Any]) -> None:
        self._open.add(screen)
        # Those that went to the screen behind and came back lie among those that never went anywhere.
        held, self._held = sorted(self._held, key=lambda event: event.time), []
        for event in held:
            await self._app.on_event(events.Key(event.key, event.character))
