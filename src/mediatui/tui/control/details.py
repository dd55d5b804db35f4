"""The detail pane: what is under the cursor, with its poster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mediatui.model import MediaItem, SaveState
from mediatui.tui.control.base import Controller
from mediatui.tui.format import picture_card
from mediatui.tui.widgets.detail import item_paragraphs, job_paragraphs
from mediatui.tui.widgets.lines import Lines, Paragraph
from mediatui.tui.widgets.media_list import NOT_GOING
from mediatui.tui.widgets.picture import Picture

if TYPE_CHECKING:
    from mediatui.tui.screens.library import LibraryScreen

POSTER_PIXELS = 480
LATE_SECONDS = 0.15
"""A picture that is not there by then leaves its place empty: that of another item must not stand beside the words."""


class Details(Controller):
    """Keeps the detail pane on the row under the cursor."""

    def __init__(self, screen: LibraryScreen) -> None:
        super().__init__(screen)
        self.key: str | None = None
        self._pictured: str | None = None
        """The item whose picture is shown."""

    def show_now(self) -> None:
        """Show the row under the cursor."""
        key = self.screen.media.key
        moved, self.key = key != self.key, key
        self.screen.query_one("#detail", Lines).show(self.paragraphs(key), top=moved)
        self.show_poster()

    def tick(self) -> None:
        """A second went by: times that run are shown anew."""
        item = self.screen.shelf.items.get(self.key or "")
        if item is None or item.save_state in (SaveState.SAVED, SaveState.SAVING):
            return
        if item.url_expires_at is not None or self.studio.next_try(item.id) is not None:
            self.screen.query_one("#detail", Lines).show(self.paragraphs(self.key))

    def show_poster(self) -> None:
        """Show the row's poster, if the pane is on screen."""
        item = self.screen.shelf.items.get(self.key or "")
        picture = self.screen.query_one("#picture", Picture)
        picture.display = item is not None
        if item is not None and not self.app.draws_pictures:
            picture.show(None, picture_card(item))
        elif item is not None and self.app.has_studio and self.screen.query_one("#detail-pane").display:
            self.app.run_fenced(self._show_poster(item), group="poster", exclusive=True, node=picture)

    def paragraphs(self, key: str | None, *, full: bool = False) -> list[Paragraph]:
        """A row in paragraphs."""
        shelf = self.screen.shelf
        item, job = shelf.items.get(key or ""), shelf.jobs.get(key or "")
        if item is not None:
            maker = shelf.jobs.get(item.job or "")
            going = self.screen.going(item.id) if item.save_state is SaveState.SAVING else NOT_GOING
            found = item_paragraphs(
                item,
                self.studio.file_of(item),
                maker,
                going,
                full=full,
                next_try=self.studio.next_try(item.id),
                keys=self.app.keys,
            )
            return [*self._home(item.project), *found]
        if job is not None:
            progress = self.studio.progress(job.id)
            log = progress.last_log if progress else ""
            found = job_paragraphs(job, self.screen.going(job.id), log, full=full, keys=self.app.keys)
            return [*self._home(job.project), *found]
        return [("", "Nothing here yet." if self.app.has_studio and not shelf.words else "", "dim")]

    def _home(self, project_id: str) -> list[Paragraph]:
        """The project's name, where rows of several stand together."""
        projects = self.screen.shelf.projects
        return [("project", projects.get(project_id, project_id), "text")] if projects else []

    async def _show_poster(self, item: MediaItem) -> None:
        picture = self.screen.query_one("#picture", Picture)
        asked = asyncio.ensure_future(self.app.ask(self.studio.poster(item.id, POSTER_PIXELS)))
        try:
            await asyncio.wait([asked], timeout=LATE_SECONDS)
            if not asked.done() and self._pictured != item.id:
                picture.show(None)
            path = await asked
        finally:
            asked.cancel()  # the cursor went on
        if self.key == item.id:
            words = "no picture" if item.save_state is SaveState.SAVED else "no picture until it is saved"
            picture.show(path, words)
            self._pictured = item.id
