"""The trash, and the way back: undo and redo of everything that organises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.model import SaveState
from mediatui.text import human_bytes, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.screens.dialogs import ConfirmScreen

if TYPE_CHECKING:
    from mediatui.studio.history import Undo


class Tidying(Controller):
    """Keys that take things away, undo and redo."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"trash": self.trash, "undo": self.undo, "redo": self.redo}

    async def undo(self) -> None:
        """Take the last thing back."""
        before = set(self.screen.summaries)
        await self._turn(await self.app.ask(self.studio.organise.undo()), before, "Took back", "undo")

    async def redo(self) -> None:
        """Do again what was taken back last."""
        before = set(self.screen.summaries)
        await self._turn(await self.app.ask(self.studio.organise.redo()), before, "Did again", "redo")

    async def _turn(self, done: Undo | None, before: set[str], words: str, verb: str) -> None:
        if done is None:
            raise UsageError(f"there is nothing to {verb}", hint="It reaches back to when this window was opened.")
        await self.screen.projects.refresh()
        appeared = set(self.screen.summaries) - before
        if len(appeared) == 1 and not self.screen.everywhere:
            await self.screen.projects.open(appeared.pop())
        if not done.count and done.notes:
            words = "Left as it is"
        self.tell(f"{words}: {done.label}.", done)

    def tell(self, words: str, done: Undo) -> None:
        """Say in one line what was done, and what was left alone on the way."""
        self.app.tell(words)
        if done.notes:
            more = f" and {len(done.notes) - 1} more" if len(done.notes) > 1 else ""
            self.app.tell(f"{done.notes[0]}{more}.", severity="warning")

    async def trash(self) -> None:
        """Move the marked items or this one to the trash; asks unless it is a single item that is on disk."""
        if self.screen.panes.current == "projects":
            await self.screen.projects.delete()
            return
        items = self.screen.targets()
        if not items:
            raise UsageError(
                "there is no item here to trash",
                hint=f"Jobs that ended leave the list in the jobs screen ({self.press('jobs')}).",
            )
        plain = not self.screen.media.marks and all(item.save_state is SaveState.SAVED for item in items)
        if not plain and not await self._confirmed():
            return
        done = await self.app.ask(self.studio.organise.trash([item.id for item in items]))
        self.screen.media.set_marks(set())
        size = sum(item.file_size or 0 for item in items if item.path)
        undo, them = self.press("undo"), "it" if done.count == 1 else "them"
        self.tell(
            f"{plural(done.count, 'item')}, {human_bytes(size)}, moved to the trash. {undo} brings {them} back.", done
        )

    async def _confirmed(self) -> bool:
        screen = self.screen
        items = screen.targets()
        hidden = len(screen.media.marks.difference(screen.shelf.rows))
        unsaved = sum(item.save_state is not SaveState.SAVED for item in items)
        lines = [f"{plural(len(items), 'item')}, {human_bytes(sum(item.file_size or 0 for item in items))}."]
        if hidden:
            lines.append(f"{hidden} of them hidden by the filter." if len(items) > 1 else "It is hidden by the filter.")
        if unsaved:
            who = f"{unsaved} of them" if len(items) > 1 else "It is"
            lines.append(f"{who} not on disk: only the record goes to the trash, and the URL may expire.")
        lines.append(f"{self.press('undo')} brings {'them' if len(items) > 1 else 'it'} back.")
        title = f"Move {plural(len(items), 'item')} to the trash?"
        return await self.app.push_screen_wait(ConfirmScreen(title, lines, "move to trash"))
