"""The filter line under the media list."""

from __future__ import annotations

from collections.abc import Callable

from textual.widgets import Input

from mediatui.tui.actions import bindings


class FilterInput(Input):
    """Filters while one types."""

    BINDINGS = bindings("filter")

    def __init__(self, apply: Callable[[str], None]) -> None:
        super().__init__(placeholder="words to look for", id="filter", compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._apply = apply

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply what is typed."""
        event.stop()
        self._apply(event.value)
