"""The trash and the way back."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.model import SaveState
from mediatui.text import human_bytes, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.screens.dialogs import ConfirmScreen

if TYPE_CHECKING:
    from mediatui.library.trash import TrashEntry
    from mediatui.tui.screens.library import LibraryScreen

MAX_UNDO = 50


class Tidying(Controller):
    """Keys that take things away, and undo."""

    def __init__(self, screen: LibraryScreen) -> None:
        super().__init__(screen)
        self._undo: list[tuple[str, Handler]] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"trash": self.trash, "undo": self.undo}

    def remember_undo(self, what: str, back: Handler) -> None:
        """`back` takes `what` back."""
        self._undo.append((what, back))
        del self._undo[:-MAX_UNDO]

    async def undo(self) -> None:
        """Take the last thing back; it stays undoable when that fails."""
        if not self._undo:
            raise UsageError("there is nothing to undo")
        what, back = self._undo[-1]
        result = back()
        if inspect.isawaitable(result):
            await result
        self._undo.remove((what, back))
        self.app.tell(f"Took back {what}.")

    async def trash(self) -> None:
        """Move the marked items or this one to the trash; asks unless it is a single item that is on disk."""
        if self.screen.panes.current == "projects":
            await self.screen.projects.delete()
            return
        items = self.screen.targets()
        if not items:
            raise UsageError("there is no item here to trash")
        plain = not self.screen.media.marks and all(item.save_state is SaveState.SAVED for item in items)
        if not plain and not await self._confirmed():
            return
        entries = await self.app.ask(self.studio.trash([item.id for item in items]))
        self.screen.media.set_marks(set())
        count = sum(len(entry.item_ids) for entry in entries)
        size = sum(entry.bytes for entry in entries)
        self.remember_undo(f"trashing {plural(count, 'item')}", self._restore(entries))
        them = "it" if count == 1 else "them"
        self.app.tell(f"{plural(count, 'item')}, {human_bytes(size)}, moved to the trash. u brings {them} back.")

    async def _confirmed(self) -> bool:
        screen = self.screen
        items = screen.targets()
        hidden = len(screen.media.marks.difference(screen.shelf.rows))
        unsaved = sum(item.save_state is not SaveState.SAVED for item in items)
        lines = [f"{plural(len(items), 'item')}, {human_bytes(sum(item.file_size or 0 for item in items))}."]
        if hidden:
            lines.append(f"{hidden} of them hidden by the filter.")
        if unsaved:
            lines.append(f"{unsaved} of them not on disk: only the record goes to the trash, and the URL may expire.")
        lines.append("u brings them back.")
        title = f"Move {plural(len(items), 'item')} to the trash?"
        return await self.app.push_screen_wait(ConfirmScreen(title, lines, "move to trash"))

    def _restore(self, entries: Sequence[TrashEntry]) -> Handler:
        async def back() -> None:
            for entry in entries:
                await self.app.ask(self.studio.restore(entry.project, entry.id))

        return back
