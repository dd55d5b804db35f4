"""Keys in the order they were pressed, however fast: each is answered before the next one is looked at.

Programs and slow lines send several keys at once. Each goes its way, from the focused widget up to the app, and so
does what the focused widget says when its action is run there, before the next key sets out: so letters that come
with the key which opens a form go into its field, and a key that leads out of a field (``enter``, ``ctrl+s``) finds
all the letters in it. A key alone is not delayed by this.
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.dom import DOMNode
    from textual.screen import Screen
    from textual.timer import Timer
    from textual.worker import Worker

    from mediatui.tui.app import MediatuiApp

BURST_SECONDS = 0.03
"""Keys nearer to each other than this came together: nobody types so fast, but programs and slow lines do."""
DECIDE_SECONDS, LOOK_SECONDS = 0.25, 0.004
"""How long such keys wait for a command that may open a screen, and how often it is looked at."""
LONGEST_WAIT = 2.0
"""Seconds after which it is looked whether what a key waits for is there at all."""


class EarlyKeys:
    """Holds keys back while one before them is being answered."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._held: deque[events.Key] = deque()
        self._busy = False
        self._pressed = 0.0
        """When the key that is being answered was pressed."""
        self._open: WeakSet[Screen[Any]] = WeakSet()
        self._command: Worker[Any] | None = None
        self._front: Screen[Any] | None = None
        self._until = 0.0

    def takes(self, event: events.Key) -> bool:
        """Whether a key that just came in must wait; it is kept then. Else it is to be answered now."""
        if self._busy or self._opening:
            self._held.append(event)
            if not self._busy:
                self._busy = True
                self._go_on()
            return True
        self._begin(event)
        return False

    def expect(self, command: Worker[Any]) -> None:
        """A command has begun: keys of the same burst wait to see whether it opens a screen."""
        self._command, self._front = command, self._app.screen
        self._until = time.monotonic() + DECIDE_SECONDS

    # One key after the other.

    def _begin(self, event: events.Key) -> None:
        """The key sets out right after this; what follows stands behind it everywhere it goes."""
        self._busy, self._pressed, self._command = True, event.time, None
        self._app.call_later(self._follow)

    def _follow(self) -> None:
        """Behind the key, from the focused widget up to the app; then behind what the key did, the same way."""
        way: list[DOMNode] = [*(self._app.focused or self._app.screen).ancestors_with_self]
        self._walk([*way, *way], self._once(self._go_on, way))

    def _walk(self, way: Sequence[DOMNode], then: Callable[[], None]) -> None:
        """Pass through what each of these nodes has before it; one that is closing has nothing more."""
        for number, node in enumerate(way, 1):
            if node.call_later(self._walk, way[number:], then):
                return
        then()

    def _go_on(self) -> None:
        """The key was answered: look at the next one, once what it opened is there."""
        if not self._held:
            self._busy = False
        elif self._opening:
            screen = self._app.screen
            let_go = self._once(partial(self._opened, screen), [screen])
            # A screen looks at its messages once it has its widgets; the focus it asked for is set before this.
            screen.call_later(self._app.call_later, let_go)
        elif self._is_deciding and self._held[0].time - self._pressed < BURST_SECONDS:
            self._app.set_timer(LOOK_SECONDS, self._go_on)
        else:
            self._app.call_later(self._next)

    async def _next(self) -> None:
        event = self._held.popleft()
        self._begin(event)
        await self._app.answer_key(event)

    # Screens that open.

    @property
    def _opening(self) -> bool:
        """The screen in front may not have its widgets and its focus yet."""
        stack = self._app.screen_stack
        return bool(stack) and stack[-1] not in self._open

    def _opened(self, screen: Screen[Any]) -> None:
        self._open.add(screen)
        self._go_on()

    @property
    def _is_deciding(self) -> bool:
        command = self._command
        if command is None or command.is_finished or time.monotonic() > self._until:
            return False
        return self._app.screen is self._front

    def _once(self, call: Callable[[], None], way: list[DOMNode]) -> Callable[[], None]:
        """A call that is made once: when it is asked for, or by itself when a node it waits for is gone."""
        done = False
        timer: Timer

        def once() -> None:
            nonlocal done
            if not done:
                done = True
                timer.stop()  # left running it would answer for keys that are pressed later
                call()

        def overdue() -> None:
            # A busy machine is late with everything; then no key must be late for another.
            if all(node.is_attached for node in way):
                watch()
            else:
                once()

        def watch() -> None:
            nonlocal timer
            timer = self._app.set_timer(LONGEST_WAIT, overdue)

        watch()
        return once
