"""How much the library takes on disk: per project, model, month and type, with bars."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from mediatui.text import human_bytes
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import bar, fit, fit_right, short_model
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.library.usage import Usage

COUNTED = 40
"""Cells from which a row says how many items it is about."""
VIEWS = ("project", "model", "month", "type")


@dataclass(frozen=True, slots=True)
class Share:
    """One row: a name, how many items, bytes, and what else is to be said."""

    name: str
    items: int
    bytes: int
    note: str = ""


class UsageList(LineList):
    """Rows with bars, as long as their share of the greatest."""

    def __init__(self) -> None:
        super().__init__(id="usage", empty="Measuring…")
        self.shares: dict[str, Share] = {}
        self.total = 0

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Name, bar, share, size, items."""
        share = self.shares[key]
        greatest = max((each.bytes for each in self.shares.values()), default=0)
        right = f" {self._percent(share)} {fit_right(human_bytes(share.bytes), 9)} "
        if width >= COUNTED:
            right += f"{fit_right(f'{share.items:,}', 7)} "
        name = max(8, min(32, width * 2 // 5))
        room = max(0, width - name - len(right) - 1)
        note = f" {share.note}" if share.note and room > 40 else ""
        if width < COUNTED:  # names say more than bars
            name, room = width - len(right) - 1, 0
        full, rest = bar(share.bytes / greatest if greatest else 0.0, room - len(note)) if room else ("", "")
        return [
            (fit(f" {share.name}", name), "text"),
            (" ", "text"),
            (full, "accent"),
            (" " * len(rest), "text"),
            (note, "dim"),
            (right, "text"),
        ]

    def _percent(self, share: Share) -> str:
        return f"{share.bytes / self.total:4.0%}" if self.total else "   –"


class UsageScreen(StudioScreen[None]):
    """Where the bytes are."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("usage", "list", "app")
    BINDINGS = bindings("usage")

    def __init__(self) -> None:
        super().__init__()
        self._view = 0
        self._usage: Usage | None = None
        self._free = 0

    def compose(self) -> ComposeResult:
        """Title, rows, keys."""
        yield PaneTitle("Disk usage", id="usage-title")
        yield UsageList()
        yield Bar(id="status")
        yield KeyBar("usage")

    def on_mount(self) -> None:
        """Measure."""
        self.query_one(UsageList).focus()
        self.query_one(PaneTitle).tell("measuring…", on=True)
        self.main.run_fenced(self._measure(), group="usage", exclusive=True, node=self)

    async def _measure(self) -> None:
        self._free = await asyncio.to_thread(self.main.studio.free_bytes)
        self._usage = await self.main.ask(self.main.studio.organise.usage())
        self._show()

    def _show(self) -> None:
        if self._usage is None:
            return
        usage, found = self._usage, self.query_one(UsageList)
        found.shares = shares(usage, VIEWS[self._view])
        found.total, found.empty = usage.total, "Nothing on disk yet."
        found.show(())
        found.show(list(found.shares))
        words = f"per {VIEWS[self._view]} · {human_bytes(usage.total)} in all · {human_bytes(self._free)} free"
        self.query_one(PaneTitle).tell(words)

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"next": lambda: self._turn(1), "previous": lambda: self._turn(-1), "back": self._back}

    def _turn(self, step: int) -> None:
        self._view = (self._view + step) % len(VIEWS)
        self._show()


def shares(usage: Usage, view: str) -> dict[str, Share]:
    """The rows of a view, by key; projects with what is not media, and the trash as a row of its own."""
    if view == "project":
        rows = {p.id: Share(p.name, p.items, p.total, _beside(p.trash, p.parts)) for p in usage.projects}
        if usage.deleted:
            rows[""] = Share("(deleted projects)", 0, usage.deleted)
        return rows
    table = {"model": usage.models, "month": usage.months, "type": usage.types}[view]
    name = short_model if view == "model" else str
    return {row.key: Share(name(row.name), row.items, row.bytes) for row in table}


def _beside(trash: int, parts: int) -> str:
    words = [f"{human_bytes(size)} {name}" for size, name in ((trash, "trash"), (parts, "unfinished")) if size]
    return ", ".join(words)
