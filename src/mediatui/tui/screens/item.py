"""One item or job to read in full: long prompts, errors, the whole record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from mediatui.model import Job, MediaItem
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.copying import copy_record, open_record, record_json
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph

if TYPE_CHECKING:
    from mediatui.tui.batch import Batch


class ItemScreen(StudioScreen[None]):
    """Everything known of one record."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("item", "text", "app")
    BINDINGS = bindings("item")

    def __init__(
        self,
        record: MediaItem | Job,
        paragraphs: Sequence[Paragraph],
        anew: Callable[[], Sequence[Paragraph]] | None = None,
    ) -> None:
        """`anew` makes the paragraphs as the record is now, none where it cannot tell."""
        super().__init__()
        self.record = record
        self._facts = paragraphs
        self._anew = anew
        self._json = False
        self._gone = False

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        yield PaneTitle("", id="item-title")
        yield Lines(id="item")
        yield Bar(id="status")
        yield KeyBar("item")

    def on_mount(self) -> None:
        """Show the facts."""
        self.query_one(Lines).focus()
        self._show(top=True)

    def follow(self, batch: Batch) -> None:
        """It may be saved, renamed, ended or gone by now."""
        id = self.record.id
        touched = {*batch.saves, *batch.jobs}
        for change in batch.changes:
            touched.update(change.gone_items, change.gone_jobs)
            touched.update([item.id for item in change.items], [job.id for job in change.jobs])
        if id not in touched:
            return
        studio = self.main.studio
        found = studio.find_item(id) if isinstance(self.record, MediaItem) else studio.find_job(id)
        self._gone = found is None
        if found is not None:
            self.record = found
            self._facts = (self._anew() if self._anew is not None else ()) or self._facts
        self._show()

    def _show(self, *, top: bool = False) -> None:
        kind = "Item" if isinstance(self.record, MediaItem) else "Job"
        name = self.record.name if isinstance(self.record, MediaItem) else self.record.id
        info = "gone: this is how it was" if self._gone else "as JSON" if self._json else ""
        self.query_one(PaneTitle).tell(info, name=f"{kind} {name}", on=True)
        paragraphs = [("", record_json(self.record), "text")] if self._json else self._facts
        self.query_one(Lines).show(paragraphs, top=top)

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
        self._show(top=True)
