"""Writing a note of several lines."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static, TextArea

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.screens.base import Dialog
from mediatui.tui.widgets.bars import Bar


class NoteScreen(Dialog[str | None]):
    """A text to write; an empty one removes the note; None when cancelled."""

    SCOPES = ("ask",)
    BINDINGS = bindings("ask")
    AUTO_FOCUS = "TextArea"

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="box-title", markup=False)
            field = TextArea(self._text, soft_wrap=True, tab_behavior="focus", show_line_numbers=False, compact=True)
            field.cursor_blink = False
            field.styles.height = 8
            field.styles.margin = (1, 1)
            yield field
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Write on at the end."""
        field = self.query_one(TextArea)
        field.move_cursor(field.document.end)
        self.query_one(Bar).show(self.key_cells(("yes", "keep it"), ("back", "cancel")))

    def handlers(self) -> Mapping[str, Handler]:
        """Done and cancel."""
        return {"yes": self._done, "back": self._cancel}

    def _done(self) -> None:
        self.dismiss(self.query_one(TextArea).text.strip())

    def _cancel(self) -> None:
        self.dismiss(None)
