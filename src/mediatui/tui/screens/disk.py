"""How a project's index and its folder differ: missing files, files nobody knows, unfinished downloads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from mediatui.errors import UsageError
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.library.reconcile import Differences

_TONES = {"missing": "bad", "unknown": "warn", "unfinished": "dim", "back": "good", "taken in": "good"}


class DifferenceList(LineList):
    """One line for each difference."""

    def __init__(self) -> None:
        super().__init__(id="differences", empty="The disk agrees with the index.")
        self.rows: dict[str, tuple[str, str]] = {}

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """What it is, and of which file."""
        sort, text = self.rows[key]
        return [(fit(sort, 12), _TONES[sort]), (fit(text, max(0, width - 12)), "text")]


class DiskScreen(StudioScreen[None]):
    """The differences as found, and what can be done about them."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("disk", "list", "app")
    BINDINGS = bindings("disk")

    def __init__(self, project_id: str, found: Differences) -> None:
        super().__init__()
        self._project_id, self._found = project_id, found
        self._paths: dict[str, Path] = {}

    def compose(self) -> ComposeResult:
        """Title, list, keys."""
        yield PaneTitle("Index and disk", id="disk-title")
        yield DifferenceList()
        yield Bar(id="status")
        yield KeyBar("disk")

    def on_mount(self) -> None:
        """Show what was found."""
        self._list.focus()
        self.main.run_fenced(self._show(), group="differences", exclusive=True, node=self)

    @property
    def _list(self) -> DifferenceList:
        return self.query_one(DifferenceList)

    async def _show(self) -> None:
        found, rows = self._found, dict[str, tuple[str, str]]()
        words = await asyncio.to_thread(_words_of, (*found.orphans, *found.parts))
        for sort, ids in (("missing", found.missing), ("back", found.returned), ("taken in", found.adopted)):
            rows.update({f"{sort}/{item_id}": (sort, self._item_words(item_id)) for item_id in ids})
        self._paths = {f"unknown/{path}": path for path in found.orphans}
        rows.update({key: ("unknown", words[path]) for key, path in self._paths.items()})
        rows.update({f"unfinished/{path}": ("unfinished", words[path]) for path in found.parts})
        self._list.rows = rows
        self._list.show(list(rows))
        self._list.touch(list(rows))
        self.query_one(PaneTitle).tell(plural(len(rows), "difference"), on=True)

    def _item_words(self, item_id: str) -> str:
        item = self.main.studio.find_item(item_id)
        if item is None:
            return item_id
        return one_line(f"{item.path or item.name} · {item.prompt}", 300)

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"adopt": self._adopt_one, "adopt-all": self._adopt_all, "fetch": self._fetch, "back": self._back}

    async def _adopt_one(self) -> None:
        path = self._paths.get(self._list.key or "")
        if path is None:
            raise UsageError("this line is no file that nobody knows")
        await self._adopt([path])

    async def _adopt_all(self) -> None:
        if not self._paths:
            raise UsageError("there is no file here that nobody knows")
        await self._adopt(list(self._paths.values()))

    async def _adopt(self, paths: Sequence[Path]) -> None:
        report = await self.main.ask(self.main.studio.adopt(self._project_id, paths))
        if report.items:
            self.main.tell(f"{plural(len(report.items), 'file')} taken in as {plural(len(report.items), 'item')}.")
        for path, reason in report.refused:
            self.main.tell(f"{path.name} stays as it is: {reason}.", severity="warning")
        await self._look_again()

    async def _fetch(self) -> None:
        if not self._found.missing:
            raise UsageError("no file is missing")
        report = await self.main.ask(self.main.studio.save(self._found.missing))
        if report.saved:
            self.main.tell(f"{plural(len(report.saved), 'file')} fetched again.")
        if report.failed or report.url_only:
            left = plural(len(report.failed) + len(report.url_only), "file")
            self.main.tell(f"{left} could not be fetched.", hint="The details say why.", severity="warning")
        await self._look_again()

    async def _look_again(self) -> None:
        self._found = await self.main.ask(self.main.studio.refresh(self._project_id))
        await self._show()


def _words_of(paths: Iterable[Path]) -> dict[Path, str]:
    """What the line of each file says (blocking)."""
    return {path: _file_words(path) for path in paths}


def _file_words(path: Path) -> str:
    try:
        size = human_bytes(path.stat().st_size)
    except OSError:
        size = "—"
    return one_line(f"{path.parent.name}/{path.name} · {size}", 300)
