"""The trash: what was removed, from where, how large; restore it, or remove it for good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult

from mediatui.errors import UsageError
from mediatui.text import human_bytes, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import ago, fit, fit_right
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.screens.dialogs import AskScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.library.trash import TrashEntry
    from mediatui.tui.batch import Batch


@dataclass(frozen=True, slots=True)
class Trashed:
    """A row: an entry of a project's trash, or a deleted project."""

    name: str
    place: str
    count: str
    bytes: int
    time: float
    entry: TrashEntry | None = None
    path: Path | None = None

    @property
    def many(self) -> bool:
        """Several items that went together: they have no name but their number."""
        return self.entry is not None and len(self.entry.item_ids) > 1


class TrashList(LineList):
    """The rows, the latest first."""

    def __init__(self) -> None:
        super().__init__(id="trash", empty="Looking into the trash…")
        self.rows: dict[str, Trashed] = {}

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Name, what it is, where it was, size, age."""
        row = self.rows[key]
        right = f" {fit_right(human_bytes(row.bytes), 9)} {fit_right(ago(row.time), 4)} "
        if width > 50:
            right = f" {fit(row.place, min(24, width // 4))}{right}"
        if width > 70:
            right = f" {fit_right(row.count, 10)} {right}"
        return [(fit(f" {row.name}", width - cell_len(right)), "text"), (right, "dim")]


class TrashScreen(StudioScreen[None]):
    """Everything that can be brought back, of every project."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("trash", "list", "app")
    BINDINGS = bindings("trash")

    def compose(self) -> ComposeResult:
        """Title, rows, keys."""
        yield PaneTitle("Trash", id="trash-title")
        yield TrashList()
        yield Bar(id="status")
        yield KeyBar("trash")

    def on_mount(self) -> None:
        """Look."""
        self.list.focus()
        self._look()

    @property
    def list(self) -> TrashList:
        """The rows."""
        return self.query_one(TrashList)

    def _look(self) -> None:
        self.main.run_fenced(self._load(), group="trash", exclusive=True, node=self)

    async def _load(self) -> None:
        organise = self.main.studio.organise
        names = {summary.id: summary.name for summary in await self.main.ask(self.main.studio.projects())}
        entries = await self.main.ask(organise.trashed())
        deleted = await self.main.ask(organise.deleted_projects())
        rows = {entry.id: _entry_row(entry, names) for entry in entries}
        rows |= {path.name: row for path, row in zip(deleted, await asyncio.to_thread(_measured, deleted), strict=True)}
        self._show(rows)

    def _show(self, rows: Mapping[str, Trashed]) -> None:
        found = self.list
        before, found.rows = found.rows, dict(rows)
        found.empty = "The trash is empty."
        found.show(sorted(rows, key=lambda key: -rows[key].time))
        found.touch([key for key, row in rows.items() if before.get(key) != row])
        size = sum(row.bytes for row in rows.values())
        words = f"{plural(len(rows), 'entry', 'entries')}, {human_bytes(size)}" if rows else "empty"
        self.query_one(PaneTitle).tell(words, on=True)

    def follow(self, batch: Batch) -> None:
        """Something came or went."""
        if batch.changes or batch.projects:
            self._look()

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "restore": self._restore,
            "erase": self._erase,
            "empty": self._empty,
            "undo": self.main.library.tidying.undo,
            "back": self._back,
        }

    def _row(self) -> Trashed:
        key = self.list.key
        if key is None:
            raise UsageError("there is nothing in the trash")
        return self.list.rows[key]

    @on(LineList.Opened)
    def _opened(self) -> None:
        self.main.run_fenced(self._restore(), group="restore", node=self)

    async def _restore(self) -> None:
        row, organise = self._row(), self.main.studio.organise
        if row.entry is not None:
            await self.main.ask(organise.restore(row.entry.project, row.entry.id))
        elif row.path is not None:
            await self.main.ask(organise.restore_project(row.path))
        undo = self.press("undo")
        if row.many:
            self.main.tell(f"{row.count} are back. {undo} puts them into the trash again.")
        else:
            self.main.tell(f"“{row.name}” is back. {undo} puts it into the trash again.")
        await self._load()

    async def _erase(self) -> None:
        row, organise = self._row(), self.main.studio.organise
        title = "Remove for good" if row.many else f"Remove “{row.name}” for good"
        if row.entry is not None:
            if await self._typed(title, len(row.entry.item_ids), row.bytes):
                entry = row.entry
                await self._remove(organise.empty_trash(entry.project, entry_ids=[entry.id]))
        elif row.path is not None and await self._typed(title, 1, row.bytes, ("project", "projects")):
            await self._remove(organise.erase_project(row.path))

    async def _empty(self) -> None:
        rows = list(self.list.rows.values())
        if not rows:
            raise UsageError("the trash is empty")
        size = sum(row.bytes for row in rows)
        if await self._typed("Empty the trash for good", len(rows), size, ("entry", "entries")):
            ids = [row.entry.id for row in rows if row.entry is not None]
            paths = [row.path for row in rows if row.path is not None]
            await self._remove(self.main.studio.organise.erase(ids, paths))

    async def _typed(self, title: str, count: int, size: int, words: tuple[str, str] = ("item", "items")) -> bool:
        """Removing for good takes more than one key: the number of things, typed."""
        things = plural(count, *words)
        ask = AskScreen(
            f"{title}: {things}, {human_bytes(size)}. Nothing brings it back.",
            placeholder=f"type {count} to do it",
            verb="remove for good",
        )
        typed = await self.main.push_screen_wait(ask)
        if typed is not None and typed != str(count):
            self.main.tell("That is another number: nothing was removed.")
        return typed == str(count)

    async def _remove(self, removing: Future[int]) -> None:
        self.main.tell("Removing for good…")
        size = await self.main.ask(removing)
        self.main.tell(f"{human_bytes(size)} freed for good.")
        await self._load()


def _entry_row(entry: TrashEntry, names: Mapping[str, str]) -> Trashed:
    place, count = names.get(entry.project, entry.project), plural(len(entry.item_ids), "item")
    return Trashed(entry.name, place, count, entry.bytes, entry.time, entry=entry)


def _measured(paths: Sequence[Path]) -> list[Trashed]:
    """Deleted projects, as their own indexes tell of them (blocking)."""
    from mediatui.library.deleted import look_into

    return [
        Trashed(found.name, "a project", plural(found.items, "item"), found.bytes, found.time, path=found.path)
        for found in map(look_into, paths)
    ]
