"""The library's one-line bars: the media pane's title, the status line, the banner of unsaved items."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from mediatui.text import human_bytes, plural
from mediatui.tui.control.base import Controller
from mediatui.tui.ordering import order_words
from mediatui.tui.save_words import soon
from mediatui.tui.widgets.bars import Bar, PaneTitle
from mediatui.tui.widgets.line_list import Cell

if TYPE_CHECKING:
    from mediatui.tui.screens.library import LibraryScreen

FREE_SECONDS = 5.0
"""The disk is asked for its free room not more often than this."""
DAY = 86_400.0
BANNER_SECONDS = 1.0
"""Unsaved items are announced once they have stayed so for this long: most are being saved at that moment."""

LINGER_SECONDS = 4.0
"""How long the banner's row stays once nothing is unsaved: trying again often fails within that, and nothing jumps."""


class Telling(Controller):
    """Keeps the bars true."""

    def __init__(self, screen: LibraryScreen) -> None:
        super().__init__(screen)
        self._banner_due = False
        self._unknown = 0
        self._stays_until = 0.0
        self.offering = False
        """The banner offers what can be done about files."""
        self._free: int | None = None
        self._measured_at = -FREE_SECONDS

    @property
    def running(self) -> int:
        """Unfinished jobs of all projects: this one's as they are now, the others as last counted."""
        screen = self.screen
        others = sum(s.running for s in screen.summaries.values() if not screen.shows(s.id))
        return others + sum(not job.phase.ended for job in screen.shelf.jobs.values())

    @property
    def unsaved(self) -> int:
        """Unsaved items of all projects: this one's as they are now, the others as last counted."""
        screen = self.screen
        others = sum(s.unsaved for s in screen.summaries.values() if not screen.shows(s.id))
        return others + screen.shelf.unsaved

    def show_title(self) -> None:
        """Project, hits, order."""
        screen, shelf = self.screen, self.screen.shelf
        summary = screen.summaries.get(screen.project_id or "")
        total = len(shelf.items)
        info = f"{plural(total, 'item')} · {order_words(shelf.order)}" if screen.project_id else ""
        if shelf.words:
            info = f"{shelf.hits:,} of {total:,} match “{shelf.words}”"
        screen.query_one("#media-title", PaneTitle).tell(
            info, name=summary.name if summary else "All projects" if screen.everywhere else "Media"
        )

    def show_status(self) -> None:
        """Provider, running, unsaved, marks; sizes at the right."""
        if not self.app.has_studio:
            return
        self.app.alerts.show_title(self.running, self.unsaved)
        provider = self.studio.provider_name
        name = provider.upper() if provider == "sandbox" else provider
        left: list[Cell] = [
            (" ", "text"),
            (f" {name} ", "badge"),
            ("  ", "text"),
        ]
        if self.running:
            left.append((f"▸ {self.running} running  ", "accent"))
        if self.unsaved:
            left.append((f"● {self.unsaved} unsaved  ", "warn"))
        left += self._marks()
        free = f" · {human_bytes(self._free)} free" if self._free is not None else ""
        right = [(f"{human_bytes(self.screen.shelf.bytes)} here{free} ", "dim")]
        self.screen.query_one("#status", Bar).show(left, right)
        self._measure_soon()

    def _measure_soon(self) -> None:
        now = time.monotonic()
        if now - self._measured_at >= FREE_SECONDS:
            self._measured_at = now
            self.app.run_fenced(self._measure(), group="free", exclusive=True, node=self.screen)

    async def _measure(self) -> None:
        """In a thread: a disk on the network may not answer for a while."""
        free = await asyncio.to_thread(self.studio.free_bytes)
        if free != self._free:
            self._free = free
            self.screen.show_status()

    def _marks(self) -> list[Cell]:
        media, shelf = self.screen.media, self.screen.shelf
        cells: list[Cell] = [(f"range: {self.press('range', 'media')} ends it  ", "accent")] if media.ranging else []
        if not media.marks:
            return cells
        size = sum(shelf.items[key].file_size or 0 for key in media.marks if key in shelf.items)
        hidden = len(media.marks.difference(shelf.rows))
        words = f"▌ {len(media.marks)} marked{f' ({hidden} hidden by filter)' if hidden else ''} · {human_bytes(size)}"
        return [*cells, (words, "text")]

    def show_banner(self) -> None:
        """Announce unsaved items, a moment after they appeared; an offer stays until it is taken or dropped."""
        banner = self.screen.query_one("#banner", Bar)
        if not self.unsaved or banner.display:
            self._banner_now()
        elif not self._banner_due:
            self._banner_due = True
            self.screen.set_timer(BANNER_SECONDS, self._banner_now)

    def offer(self, unknown_files: int) -> None:
        """A project was opened and compared with its files: offer, once, what can be done."""
        self._unknown = unknown_files
        self.offering = self.screen.shelf.without_file > self.screen.shelf.unsaved or unknown_files > 0
        self._banner_now()

    def drop_offer(self) -> None:
        """Not now."""
        self.offering = False
        self._banner_now()

    def tick(self) -> None:
        """A second went by."""
        if self.screen.query_one("#banner", Bar).display:
            self._banner_now()

    def _banner_now(self) -> None:
        self._banner_due = False
        if not self.screen.standing:
            return
        banner = self.screen.query_one("#banner", Bar)
        parts = [part for part in (self._unsaved_words(), self._offer_words(), self._old_words()) if part]
        banner.display = bool(parts)
        cells: list[Cell] = [(" ", "banner")]
        for number, part in enumerate(parts):
            cells += [(" · ", "banner"), *part] if number else part
        banner.show(cells)

    def _key(self, id: str) -> Cell:
        return self.press(id), "banner-key"

    def _unsaved_words(self) -> list[Cell]:
        now = time.monotonic()
        if not self.unsaved:
            return [("nothing waits to be saved now", "banner")] if now < self._stays_until else []
        self._stays_until = now + LINGER_SECONDS
        expired = self.screen.shelf.expired
        more = f" · {expired} expired" if expired else ""
        tries = [self.studio.next_try(item.id) for item in self.screen.shelf.items.values() if item.storage_error]
        coming = min((moment for moment in tries if moment is not None), default=None)
        again = f" · next try {soon(coming)}" if coming is not None else ""
        words = f"● {plural(self.unsaved, 'item')} unsaved{more}{again} · "
        return [(words, "banner"), self._key("retry-all"), (" saves them", "banner")]

    def _offer_words(self) -> list[Cell]:
        shelf, cells = self.screen.shelf, []
        if not self.offering:
            return []
        if shelf.without_file > shelf.unsaved:
            have = "has" if shelf.without_file == 1 else "have"
            cells += [(f"{plural(shelf.without_file, 'item')} {have} no local file · ", "banner")]
            cells += [self._key("save-to-disk"), (" saves all to disk", "banner")]
        if self._unknown:
            cells += [(f"{'  ' if cells else ''}{plural(self._unknown, 'file')} nobody knows · ", "banner")]
            cells += [self._key("refresh"), (" shows them", "banner")]
        return cells

    def _old_words(self) -> list[Cell]:
        days = self.app.settings.clean_unsaved_after_days
        old = self.screen.shelf.unsaved_since(time.time() - days * DAY) if days else 0
        if not old:
            return []
        return [(f"{old} unsaved for over {days} days · ", "banner"), self._key("clean-old"), (" plans", "banner")]
