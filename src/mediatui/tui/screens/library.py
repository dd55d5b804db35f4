"""The library: projects, media list, details. It composes, shows news and routes keys; `control` does the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mediatui.model import Phase, SaveState
from mediatui.text import human_bytes, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.details import Details
from mediatui.tui.control.keeping import Keeping
from mediatui.tui.control.looking import Looking
from mediatui.tui.control.making import Making
from mediatui.tui.control.projects import Projects
from mediatui.tui.control.tidying import Tidying
from mediatui.tui.screens.base import StudioScreen
from mediatui.tui.shelf import Order, Shelf, SortKey
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.media_list import NOT_GOING, Going, MediaList
from mediatui.tui.widgets.picture import Picture
from mediatui.tui.widgets.project_list import ProjectList

if TYPE_CHECKING:
    from mediatui.library.library import ProjectSummary
    from mediatui.model import MediaItem
    from mediatui.studio.events import JobProgress, SaveProgress
    from mediatui.tui.batch import Batch

PANES = ("projects", "media", "detail")
OPENING = "Opening the library…"
CLOCK_SECONDS = 1.0
SLOW_TICK = 20
"""Ages are looked at every so many ticks of the clock; running times at each."""
FREE_SECONDS = 5.0
BANNER_SECONDS = 1.0
"""Unsaved items are announced once they have stayed so for this long: most are being saved at that moment."""


class LibraryScreen(StudioScreen[None]):
    """Three panes over one project."""

    SCOPES: ClassVar[tuple[str, ...]] = ("library", "media", "list", "app")
    BINDINGS = bindings("library")

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()
        self.project_id: str | None = None
        self.summaries: dict[str, ProjectSummary] = {}
        self.folder_words = ""
        self._going: dict[str, Going] = {}
        self._ticks = 0
        self._banner_due = False
        self._free_bytes, self._free_until = 0, 0.0
        self.looking = Looking(self)
        self.details = Details(self)
        self.keeping = Keeping(self)
        self.making = Making(self)
        self.tidying = Tidying(self)
        self.projects = Projects(self)
        self._handlers: dict[str, Handler] = {
            "next-pane": lambda: self.step_pane(1),
            "previous-pane": lambda: self.step_pane(-1),
            "clear": self._clear,
            "quit": lambda: self.main.leave(),
            **{f"pane-{pane}": self._to_pane(pane) for pane in PANES},
            **self.looking.handlers(),
            **self.keeping.handlers(),
            **self.making.handlers(),
            **self.tidying.handlers(),
            **self.projects.handlers(),
        }

    def compose(self) -> ComposeResult:
        """Panes over banner, status and keys."""
        with Horizontal(id="panes"):
            with Vertical(id="projects-pane", classes="pane"):
                yield PaneTitle("Projects", id="projects-title")
                yield ProjectList(id="projects")
            with Vertical(id="media-pane", classes="pane"):
                yield PaneTitle("Media", id="media-title")
                yield MediaList(self.shelf, self.going, id="media")
            with Vertical(id="detail-pane", classes="pane"):
                yield PaneTitle("Details", id="detail-title")
                yield Picture(id="picture")
                yield Lines(id="detail")
        yield Bar(id="banner")
        yield Bar(id="status")
        yield KeyBar("library")

    def on_mount(self) -> None:
        """Focus the media list; the library opens behind this frame."""
        self.media.empty = OPENING
        self.media.focus()
        self.set_interval(CLOCK_SECONDS, self._tick)

    def handlers(self) -> Mapping[str, Handler]:
        """Everything the library answers."""
        return self._handlers

    # Parts.

    @property
    def media(self) -> MediaList:
        """The media list."""
        return self.query_one("#media", MediaList)

    @property
    def project_list(self) -> ProjectList:
        """The projects pane's list."""
        return self.query_one("#projects", ProjectList)

    @property
    def item(self) -> MediaItem | None:
        """The item under the cursor, if the row is one."""
        return self.shelf.items.get(self.media.key or "")

    def targets(self) -> list[MediaItem]:
        """What a key acts on: the marked items, else the one under the cursor."""
        if self.media.marks:
            return [self.shelf.items[key] for key in self.media.marks if key in self.shelf.items]
        return [self.item] if self.item is not None else []

    # Panes.

    @property
    def pane(self) -> str:
        """The pane that has the focus."""
        focused = self.focused.id if self.focused is not None else None
        return focused if focused in PANES else "media"

    def _to_pane(self, pane: str) -> Handler:
        def go() -> None:
            self.show_pane(pane)

        return go

    def show_pane(self, pane: str) -> None:
        """Go to a pane, and bring it on screen where not all fit."""
        for other in PANES:
            self.set_class(other == pane, f"-at-{other}")
            self.query_one(f"#{other}-title", PaneTitle).tell(on=other == pane)
        self.query_one(f"#{pane}").focus(scroll_visible=False)
        self.call_after_refresh(self.details.show_poster)

    def step_pane(self, step: int) -> None:
        """Go to the pane beside this one, around the ends."""
        self.show_pane(PANES[(PANES.index(self.pane) + step) % len(PANES)])

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click may have moved the focus."""
        if event.widget.id in PANES:
            self.show_pane(event.widget.id)

    def on_resize(self) -> None:
        """The details may have come on screen."""
        self.call_after_refresh(self.details.show_poster)

    def _clear(self) -> None:
        if self.media.ranging:
            self.media.end_range()
        elif self.media.marks:
            self.media.set_marks(set())
        elif self.shelf.words:
            self.looking.drop_filter()
        elif self.pane != "media":
            self.show_pane("media")

    # News.

    def studio_ready(self) -> None:
        """Open what was open last time."""
        memory = self.main.memory
        if memory.sort_by in list(SortKey):
            self.shelf.order = Order(SortKey(memory.sort_by), memory.reverse)
        self.main.run_fenced(self.projects.start(), group="start")

    def studio_failed(self, error: Exception) -> None:
        """Say it where the list would be."""
        self.media.empty = "The library could not be opened.\nq quits; the reason is in the message."
        self.media.show([])
        self.media.refresh()

    def follow(self, batch: Batch) -> None:
        """Show what the studio said."""
        touched: set[str] = set()
        for job_id, progress in batch.jobs.items():
            self._going[job_id] = job_going(progress)
            touched.add(job_id)
        for item_id, saving in batch.saves.items():
            self._going[item_id] = save_going(saving)
            touched.add(item_id)
        before = list(self.shelf.rows)
        ours = [change for change in batch.changes if change.project_id == self.project_id]
        for change in ours:
            touched |= self.shelf.change(change.items, change.jobs, change.gone_items, change.gone_jobs)
        if ours:
            self.show_rows(before)
        self.media.touch(list(touched))
        if touched & {self.details.key, *self._jobs_of_detail()}:
            self.details.show_now()
        if batch.changes or batch.projects:
            self.projects.refresh_soon()

    def _jobs_of_detail(self) -> set[str]:
        item = self.shelf.items.get(self.details.key or "")
        return {item.job} if item is not None and item.job else set()

    def show_rows(self, before: list[str] | None = None) -> None:
        """Show the shelf's rows; a job's row hands the cursor to what it made."""
        follow = self.shelf.followers(before) if before is not None else None
        self.media.empty = self.looking.empty_words()
        self.media.show(list(self.shelf.rows), follow=follow)
        self.projects.reach_new_jobs(before)
        self.show_title()
        self.show_status()
        self._announce_unsaved()

    def going(self, key: str) -> Going:
        """How far a job or a save is."""
        known = self._going.get(key)
        if known is not None:
            return known
        if not self.main.has_studio:
            return NOT_GOING
        progress = self.main.studio.progress(key)
        job = self.shelf.jobs.get(key)
        if progress is not None:
            return job_going(progress)
        words = {Phase.SUBMITTING: "sending", Phase.QUEUED: "in queue", Phase.RUNNING: "working"}
        return Going(None, words.get(job.phase, "")) if job is not None else NOT_GOING

    @on(LineList.Highlighted, "#media")
    def _highlighted(self) -> None:
        self.details.show_now()

    @on(LineList.Opened, "#media")
    def _opened(self) -> None:
        self.looking.open_details()

    @on(LineList.Opened, "#projects")
    def _open_project(self, event: LineList.Opened) -> None:
        self.main.run_fenced(self.projects.open(event.key, focus=True), group="open-project", exclusive=True)

    @on(MediaList.MarksChanged)
    def _marks_changed(self) -> None:
        self.show_status()

    def _tick(self) -> None:
        self._ticks += 1
        active = any(not job.phase.ended for job in self.shelf.jobs.values())
        if (active or self._ticks % SLOW_TICK == 0) and self.is_current:
            self.media.tick()

    # Bars.

    def show_title(self) -> None:
        """The media pane's title: project, hits, order."""
        summary = self.summaries.get(self.project_id or "")
        name = summary.name if summary else "Media"
        total = len(self.shelf.items)
        if self.shelf.words:
            hits = sum(key in self.shelf.items for key in self.shelf.rows)
            info = f"{hits:,} of {total:,} match “{self.shelf.words}”"
        else:
            info = f"{plural(total, 'item')} · {self.shelf.order.words}" if self.project_id else ""
        self.query_one("#media-title", PaneTitle).tell(info, name=name)

    def show_status(self) -> None:
        """The status line: provider, unsaved, running, marks; free disk at the right."""
        if self.saying:
            return
        left: list[Cell] = [(" ", "text")]
        if self.main.has_studio:
            name = self.main.studio.provider_name
            left.append((f" {name.upper()} " if name == "sandbox" else f" {name} ", "badge"))
            left.append(("  ", "text"))
        running = self.running
        if running:
            left.append((f"▸ {running} running  ", "accent"))
        if self.unsaved:
            left.append((f"● {self.unsaved} unsaved  ", "warn"))
        left += self._marks_cells()
        right: list[Cell] = []
        if self.main.has_studio:
            size = sum(item.file_size or 0 for item in self.shelf.items.values() if item.path)
            right = [(f"{human_bytes(size)} here · {human_bytes(self._free())} free ", "dim")]
        self.query_one("#status", Bar).show(left, right)

    @property
    def running(self) -> int:
        """Unfinished jobs of all projects: this one's as they are now, the others as last counted."""
        others = sum(s.running for s in self.summaries.values() if s.id != self.project_id)
        return others + sum(not job.phase.ended for job in self.shelf.jobs.values())

    def _free(self) -> int:
        """Room on the disk, asked for not more often than every few seconds."""
        if time.monotonic() > self._free_until:
            self._free_bytes, self._free_until = self.main.studio.free_bytes(), time.monotonic() + FREE_SECONDS
        return self._free_bytes

    def _marks_cells(self) -> list[Cell]:
        marks = self.media.marks
        cells: list[Cell] = [("range: v ends it  ", "accent")] if self.media.ranging else []
        if not marks:
            return cells
        size = sum(self.shelf.items[key].file_size or 0 for key in marks if key in self.shelf.items)
        hidden = len(marks.difference(self.shelf.rows))
        words = f"▌ {len(marks)} marked{f' ({hidden} hidden by filter)' if hidden else ''} · {human_bytes(size)}"
        return [*cells, (words, "text")]

    @property
    def unsaved(self) -> int:
        """Unsaved items of all projects: this one as it is now, the others as last counted."""
        others = sum(s.unsaved for s in self.summaries.values() if s.id != self.project_id)
        return others + self.shelf.unsaved

    def _announce_unsaved(self) -> None:
        banner = self.query_one("#banner", Bar)
        if not self.unsaved:
            banner.display = False
        elif banner.display:
            self._show_banner()
        elif not self._banner_due:
            self._banner_due = True
            self.set_timer(BANNER_SECONDS, self._show_banner)

    def _show_banner(self) -> None:
        self._banner_due = False
        banner = self.query_one("#banner", Bar)
        banner.display = bool(self.unsaved)
        expired = sum(item.save_state is SaveState.EXPIRED for item in self.shelf.items.values())
        more = f" · {expired} expired" if expired else ""
        banner.show(
            [(f" ● {plural(self.unsaved, 'item')} unsaved{more} · ", "text"), ("R", "key"), (" saves them", "text")]
        )


def job_going(progress: JobProgress) -> Going:
    """A job's progress for its row."""
    if progress.phase is Phase.QUEUED:
        words = "next" if progress.position == 0 else f"queue {progress.position}" if progress.position else "in queue"
        return Going(None, words)
    if progress.phase is Phase.RUNNING:
        return Going(progress.fraction, "" if progress.fraction is not None else "working")
    return Going(None, "sending" if progress.phase is Phase.SUBMITTING else "")


def save_going(progress: SaveProgress) -> Going:
    """A save's progress for its row."""
    if progress.total:
        return Going(min(1.0, progress.received / progress.total))
    return Going(None, human_bytes(progress.received))
