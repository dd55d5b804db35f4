"""One item or job to read in full: long prompts, errors, the whole record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult

from mediatui.model import Job, MediaItem
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.copying import copy_record, open_record, record_json
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph


class ItemScreen(StudioScreen[None]):
    """Everything known of one record."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("item", "text", "app")
    BINDINGS = bindings("item")

    def __init__(self, record: MediaItem | Job, paragraphs: Sequence[Paragraph]) -> None:
        super().__init__()
        self.record = record
        self._facts = paragraphs
        self._json = False

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        yield PaneTitle("", id="item-title")
        yield Lines(id="item")
        yield Bar(id="status")
        yield KeyBar("item")

    def on_mount(self) -> None:
        """Show the facts."""
        self.query_one(Lines).focus()
        self._show()

    def _show(self) -> None:
        kind = "Item" if isinstance(self.record, MediaItem) else "Job"
        name = self.record.name if isinstance(self.record, MediaItem) else self.record.id
        self.query_one(PaneTitle).tell("as JSON" if self._json else "", name=f"{kind} {name}", on=True)
        paragraphs = [("", record_json(self.record), "text")] if self._json else self._facts
        self.query_one(Lines).show(paragraphs, top=True)

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "back": self._back,
            "wider": self._switch,
            "copy": lambda: copy_record(self.main, self.record),
            "open-outside": lambda: open_record(self.main, self.record),
        }

    def _switch(self) -> None:
        self._json = not self._json
        self._show()
