"""The terminal's answers to "have you drawn that?", handed to whoever asked."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

QUESTION = "\x1b[6n"
"""Where is the cursor? Every terminal answers, in order, once it has drawn everything before."""


class Answering:
    """An app that hears such answers. Mix it in before `App`."""

    _listeners: tuple[Callable[[], None], ...] = ()

    def hear_answers(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` for every answer; the returned function ends that."""
        self._listeners = (*self._listeners, listener)

        def stop() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not listener)

        return stop

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        """An answer came."""
        for listener in self._listeners:
            listener()
