"""Seeing more of an item: on the whole screen, beside another, in a grid, in another program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mediatui.errors import UsageError
from mediatui.model import MediaItem
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.widgets.media_grid import MediaGrid

POSTER_PIXELS = 480
GRID = "grid"
"""Under what the choice between pictures and lines is remembered."""


class Viewing(Controller):
    """Answers the library's keys that open a view of what is under the cursor."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "view": self.view,
            "grid": self.switch_grid,
            "compare": self.compare,
            "open-outside": self.open_outside,
            "open-with": self.open_with,
        }

    def _item(self) -> MediaItem:
        item = self.screen.item
        if item is None:
            raise self.no_item("Jobs have nothing to show yet.")
        return item

    def view(self, *, play: bool = False) -> None:
        """The item on the whole screen; the list's cursor goes where the person went."""
        from mediatui.tui.screens.viewer import ViewerScreen

        item = self._item()
        keys = [key for key in self.screen.media.keys if key in self.screen.shelf.items]
        self.app.push_screen(ViewerScreen(keys, item.id, play=play), self._come_back)

    def _come_back(self, key: str | None) -> None:
        if key is not None:
            self.screen.media.go_to(key)

    def compare(self) -> None:
        """Two marked items; or the one marked and the one under the cursor."""
        from mediatui.tui.screens.compare import CompareScreen

        marked = [key for key in self.screen.media.keys if key in self.screen.media.marks]
        here = self.screen.item
        if len(marked) == 1 and here is not None and here.id not in marked:
            marked.append(here.id)
        items = [self.screen.shelf.items[key] for key in marked if key in self.screen.shelf.items]
        if len(items) != 2:
            mark, clear = self.press("mark", "media"), self.press("clear")
            hint = f"{len(items)} are marked; {clear} drops the marks." if len(items) > 2 else f"{mark} marks one."
            raise UsageError("compare needs two marked items", hint=hint)
        self.app.push_screen(CompareScreen(items[0], items[1]))

    def switch_grid(self) -> None:
        """Pictures, or lines."""
        media = self.screen.media
        if isinstance(media, MediaGrid):
            media.set_gridded(not media.gridded)
            self.screen.panes.arrange()
            self.app.memory.choose(GRID, "on" if media.gridded else "off", "off")
            self.app.remember()

    def restore_grid(self) -> None:
        """As it was left."""
        media = self.screen.media
        if isinstance(media, MediaGrid):
            media.set_gridded(self.app.memory.choice(GRID, "off") == "on")
            self.screen.panes.arrange()

    async def open_outside(self) -> None:
        """Open the file in its own program; over ssh, ask how."""
        from mediatui.tui.control.opening import open_item

        await open_item(self.app, self._item(), play=self._play)

    async def open_with(self) -> None:
        """Ask how to open it."""
        from mediatui.tui.control.opening import choose_opener

        await choose_opener(self.app, self._item(), play=self._play)

    def _play(self) -> None:
        self.view(play=True)

    async def poster_of(self, key: str) -> Path | None:
        """An item's poster, for the grid."""
        return await self.app.ask(self.studio.poster(key, POSTER_PIXELS)) if self.app.has_studio else None
