"""Keys in the order they were pressed, however fast: none overtakes letters, none is lost while a screen opens."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from textual import events
from textual.dom import DOMNode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from textual.screen import Screen
    from textual.timer import Timer
    from textual.worker import Worker

    from mediatui.tui.app import MediatuiApp

    _Call = Callable[[], Coroutine[Any, Any, None]]

BURST_SECONDS = 0.03
"""Keys nearer to each other than this came together: nobody types so fast, but programs and slow lines do."""
DECIDE_SECONDS, LOOK_SECONDS = 0.25, 0.004
"""How long such keys wait for a command that may open a screen, and how often it is looked at."""
LONGEST_WAIT = 2.0
"""Seconds after which it is looked whether what waiting keys wait for is there at all."""


class EarlyKeys:
    """Holds keys back for as long as what they are meant for is not there yet.

    Letters that come with the key which opens a form belong into its field. And a key that is not the focused field's
    own (``enter`` in a picker, ``tab`` and ``ctrl+s`` in a form) must not be answered before the field has taken in the
    letters pressed before it, nor the letters after it go to the field that it leaves.
    """

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._open: WeakSet[Screen[Any]] = WeakSet()
        self._held: list[events.Key] = []
        self._between: events.Key | None = None
        self._passing = False
        self._command: Worker[Any] | None = None
        self._answered = 0.0
        self._until = 0.0
        self._front: Screen[Any] | None = None

    def takes(self, event: events.Key) -> bool:
        """Whether a key that just came in must wait; it is kept then."""
        if self._held or self._passing or self.must_wait(event):
            self.hold(event)
            return True
        if self._leads_out(event):
            self._passing, self._between = True, event
            self._through_field(self._answer)
            return True
        return False

    def must_wait(self, event: events.Key) -> bool:
        """A screen is opening, or is about to."""
        return self.opening or (self._is_deciding and event.time - self._answered < BURST_SECONDS)

    # Commands that may open a screen.

    def answering(self, event: events.Key) -> None:
        """A key is being answered by a command."""
        self._answered = event.time

    def expect(self, command: Worker[Any]) -> None:
        """A command has begun: keys of the same burst wait to see whether it opens a screen."""
        self._command, self._front = command, self._app.screen
        self._until = time.monotonic() + DECIDE_SECONDS

    @property
    def _is_deciding(self) -> bool:
        command = self._command
        if command is None or command.is_finished or time.monotonic() > self._until:
            return False
        return self._app.screen is self._front

    async def _once_decided(self) -> None:
        if self._is_deciding:
            self._app.set_timer(LOOK_SECONDS, self._once_decided)
        elif self.opening:
            self._wait_for_screen()
        else:
            await self._release()

    # Screens that open.

    @property
    def opening(self) -> bool:
        """The screen in front may not have its widgets and its focus yet."""
        stack = self._app.screen_stack
        return bool(stack) and stack[-1] not in self._open

    def hold(self, event: events.Key) -> None:
        """Keep a key until the screen in front is open."""
        if not self._held and not self._passing:
            if self._is_deciding:
                self._app.call_later(self._once_decided)
            else:
                self._wait_for_screen()
        self._held.append(event)

    def _wait_for_screen(self) -> None:
        let_go = self._at_last(partial(self._let_go, self._app.screen), [self._app.screen])
        # A screen looks at its messages once it has its widgets; the focus that it asked for is set before this.
        self._app.screen.call_later(self._app.call_later, let_go)

    async def _let_go(self, screen: Screen[Any]) -> None:
        self._open.add(screen)
        await self._release()

    async def _release(self) -> None:
        # Those that went to the screen behind and came back lie among those that never went anywhere.
        held, self._held = sorted(self._held, key=lambda event: event.time), []
        for event in held:
            await self._app.on_event(events.Key(event.key, event.character))

    # Keys between letters.

    def _leads_out(self, event: events.Key) -> bool:
        """Somebody else than the field that is typed in answers this key."""
        field = self._app.focused
        typing = field is not None and field.check_consume_key("a", "a")
        if field is None or not typing or field.check_consume_key(event.key, event.character):
            return False
        bound = self._app.screen.active_bindings.get(event.key)
        return bound is not None and bound.node is not field

    def _through_field(self, call: _Call) -> None:
        """Call once the focused field has seen all keys before, and everyone above it what they changed in it."""
        focused = self._app.focused
        way: list[DOMNode] = [*(focused.ancestors_with_self if focused is not None else ())]
        arrived = self._at_last(call, way)
        step: Callable[[], Any] = arrived
        for node in reversed(way):
            step = partial(node.call_later, step)
        step() if way else self._app.call_later(arrived)

    def _at_last(self, call: _Call, way: Sequence[DOMNode]) -> _Call:
        """A call that is made once: when it is asked for, or by itself when a node it waits for is gone."""
        done = False
        timer: Timer

        async def once() -> None:
            nonlocal done
            if not done:
                done = True
                timer.stop()  # left running it would answer for keys that are pressed later
                await call()

        async def overdue() -> None:
            # A busy machine is late with everything; then letters must not be late for their key.
            if all(node.is_attached for node in way):
                watch()
            else:
                await once()

        def watch() -> None:
            nonlocal timer
            timer = self._app.set_timer(LONGEST_WAIT, overdue)

        watch()
        return once

    async def _answer(self) -> None:
        event, self._between = self._between, None
        if event is not None:
            await self._app.answer_key(events.Key(event.key, event.character))
            self._through_field(self._passed)

    async def _passed(self) -> None:
        if self._passing and self._between is None:
            self._passing = False
            await self._release()
