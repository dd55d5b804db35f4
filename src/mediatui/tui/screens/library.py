"""The library: projects, media list, details. It composes, shows news and routes keys; `control` does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mediatui.model import Phase
from mediatui.text import human_bytes
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.details import Details
from mediatui.tui.control.glimpsing import Glimpsing
from mediatui.tui.control.keeping import Keeping
from mediatui.tui.control.looking import Looking
from mediatui.tui.control.making import Making
from mediatui.tui.control.organising import Organising
from mediatui.tui.control.panes import PANES, Panes
from mediatui.tui.control.projects import Projects
from mediatui.tui.control.telling import Telling
from mediatui.tui.control.tending import Tending
from mediatui.tui.control.tidying import Tidying
from mediatui.tui.control.viewing import Viewing
from mediatui.tui.screens.base import StudioScreen
from mediatui.tui.shelf import EVERYWHERE, Shelf
from mediatui.tui.widgets.bars import Banner, Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.filter_input import FilterInput
from mediatui.tui.widgets.kitty import make_picture
from mediatui.tui.widgets.line_list import LineList
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.media_grid import MediaGrid
from mediatui.tui.widgets.media_list import NOT_GOING, Going, MediaList
from mediatui.tui.widgets.project_list import ProjectList

if TYPE_CHECKING:
    from mediatui.library.library import ProjectSummary
    from mediatui.library.project import ProjectChange
    from mediatui.model import MediaItem
    from mediatui.studio.events import JobProgress, SaveProgress
    from mediatui.tui.batch import Batch

OPENING = "Opening the library…"
CLOCK_SECONDS = 1.0
SLOW_TICK = 20
"""Ages are looked at every so many ticks of the clock; running times at each."""


class LibraryScreen(StudioScreen[None]):
    """Three panes over one project, or all of them."""

    SCOPES: ClassVar[tuple[str, ...]] = ("library", "media", "grid", "list", "app")
    BINDINGS = bindings("library")

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf()
        self.project_id: str | None = None
        self.summaries: dict[str, ProjectSummary] = {}
        self._going: dict[str, Going] = {}
        self._ticks = 0
        self.panes = Panes(self)
        self.telling = Telling(self)
        self.looking = Looking(self)
        self.details = Details(self)
        self.keeping = Keeping(self)
        self.making = Making(self)
        self.organising = Organising(self)
        self.tending = Tending(self)
        self.tidying = Tidying(self)
        self.projects = Projects(self)
        self.viewing = Viewing(self)
        self.glimpsing = Glimpsing(self)
        self._handlers: dict[str, Handler] = {
            "clear": self._clear,
            "quit": lambda: self.main.leave(),
            **self.panes.handlers(),
            **self.looking.handlers(),
            **self.keeping.handlers(),
            **self.making.handlers(),
            **self.organising.handlers(),
            **self.tending.handlers(),
            **self.tidying.handlers(),
            **self.projects.handlers(),
            **self.viewing.handlers(),
        }

    def compose(self) -> ComposeResult:
        """Panes over banner, status and keys."""
        boxes = {pane: Vertical(id=f"{pane}-pane", classes="pane") for pane in PANES}
        # Before anything is mounted: the first layout is the last one.
        self.panes.lay_out(boxes, self.app.size)
        with Horizontal(id="panes"):
            with boxes["projects"]:
                yield PaneTitle("Projects", id="projects-title")
                yield ProjectList(id="projects")
            with boxes["media"]:
                yield PaneTitle("Media", id="media-title")
                yield MediaGrid(self.shelf, self.going, self.viewing.poster_of, id="media")
            with boxes["detail"]:
                yield PaneTitle("Details", id="detail-title")
                yield make_picture(self.main.capabilities, id="picture")
                yield Lines(id="detail")
        yield Banner(id="banner")
        yield Bar(id="status")
        yield KeyBar("library")

    def on_mount(self) -> None:
        """Focus the media list; the library opens behind this frame."""
        self.media.empty = OPENING
        self.viewing.restore_grid()
        self.glimpsing.show()
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

    @property
    def everywhere(self) -> bool:
        """All projects are shown."""
        return self.project_id == EVERYWHERE

    @property
    def one_project(self) -> str | None:
        """The project that is shown, if it is one."""
        return None if self.everywhere else self.project_id

    def shows(self, project_id: str) -> bool:
        """Whether what is in a project is shown."""
        return self.everywhere or self.project_id == project_id

    def targets(self) -> list[MediaItem]:
        """What a key acts on: the marked items in the order of the list, else the one under the cursor."""
        if self.media.marks:
            return self.shelf.in_order(self.media.marks)
        return [self.item] if self.item is not None else []

    # Panes.

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click may have moved the focus; a line that is being typed in has keys of its own."""
        self.query_one(KeyBar).show_scopes("filter" if isinstance(event.widget, FilterInput) else "library")
        if event.widget.id in PANES:
            self.panes.arrange()

    def on_resize(self, event: events.Resize) -> None:
        """Other panes may fit now."""
        self.panes.arrange(event.size)

    def _clear(self) -> None:
        if self.media.ranging:
            self.media.end_range()
        elif self.media.marks:
            self.media.set_marks(set())
        elif self.shelf.words:
            self.looking.drop_filter()
        elif self.telling.offering:
            self.telling.drop_offer()
        elif self.panes.current != "media":
            self.panes.show("media")

    # News.

    def studio_ready(self) -> None:
        """Open what was open last time."""
        self.shelf.compile = self.main.studio.search.compile
        self.main.run_fenced(self.projects.start(), group="start")

    def studio_failed(self, error: Exception) -> None:
        """Say it where the list would be."""
        self.media.empty = (
            f"The library could not be opened.\n{self.press('quit')} quits; the reason is in the message."
        )
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
        self.projects.heard(batch.changes)
        ours = [change for change in batch.changes if self.shows(change.project_id)]
        for change in ours:
            touched |= self.take(change)
        if ours:
            self.show_rows(before)
        self.media.touch(list(touched))
        if touched & {self.details.key, *self._jobs_of_detail()}:
            self.details.show_now()
        if batch.changes or batch.projects:
            self.projects.refresh_soon()

    def take(self, change: ProjectChange) -> set[str]:
        """Put what one commit did on the shelf; the keys whose rows changed."""
        return self.shelf.change(change.items, change.jobs, *self._gone(change))

    def _gone(self, change: ProjectChange) -> tuple[list[str], list[str]]:
        """The items and jobs that left; one that is in another project by now has only moved."""
        items, jobs = self.shelf.items, self.shelf.jobs
        return (
            [key for key in change.gone_items if key in items and items[key].project == change.project_id],
            [key for key in change.gone_jobs if key in jobs and jobs[key].project == change.project_id],
        )

    def _jobs_of_detail(self) -> set[str]:
        item = self.shelf.items.get(self.details.key or "")
        return {item.job} if item is not None and item.job else set()

    def show_rows(self, before: list[str] | None = None) -> None:
        """Show the shelf's rows; a job's row hands the cursor to what it made."""
        follow = self.shelf.followers(before) if before is not None else None
        self.media.empty = self.looking.empty_words()
        self.media.show(list(self.shelf.rows), follow=follow)
        self.projects.reach_new_jobs(before)
        self.looking.show_hint()
        self.telling.show_title()
        self.telling.show_banner()
        self.show_status()

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
        if not self.standing:
            return
        self._ticks += 1
        active = any(not job.phase.ended for job in self.shelf.jobs.values())
        if (active or self._ticks % SLOW_TICK == 0) and (self.in_front or (self.is_current and not self.main.quiet)):
            self.media.tick()
        if self.is_current and self.main.has_studio:
            self.details.tick()
            self.main.hosts.look()
            self.telling.tick()

    # Bars.

    def show_status(self) -> None:
        """The status line, unless it is saying something."""
        if not self.saying:
            self.telling.show_status()


def job_going(progress: JobProgress) -> Going:
    """A job's progress for its row."""
    if progress.phase is Phase.QUEUED:
        words = "next" if progress.position == 0 else f"queue {progress.position}" if progress.position else "in queue"
        return Going(None, words)
    if progress.phase is Phase.RUNNING:
        return Going(progress.fraction, "" if progress.fraction is not None else "working")
    if progress.phase is Phase.DRAFT and progress.fraction is not None:
        return Going(progress.fraction, "uploading")
    return Going(None, "sending" if progress.phase is Phase.SUBMITTING else "")


def save_going(progress: SaveProgress) -> Going:
    """A save's progress for its row."""
    if progress.total:
        return Going(min(1.0, progress.received / progress.total))
    return Going(None, human_bytes(progress.received))
