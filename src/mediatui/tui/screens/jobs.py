"""The jobs of all projects: how they go, why they failed, and what can be done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from mediatui.errors import UsageError
from mediatui.model import Job, Phase
from mediatui.providers.base import Capability
from mediatui.text import one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.copying import copy_record
from mediatui.tui.control.making import generate_again
from mediatui.tui.format import PHASE_BADGES, ago, bar, elapsed, fit, fit_right, job_seconds, short_model
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.screens.library import job_going
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.detail import job_paragraphs
from mediatui.tui.widgets.line_list import Cell, LineList
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.media_list import Going

if TYPE_CHECKING:
    from mediatui.tui.batch import Batch

EVERYTHING = frozenset(Capability)
"""Until a provider has said what it can do, nothing is hidden."""
HEIGHTS = [(0, "-short"), (18, "-tall")]
"""From so many lines on, the class that the style sheet knows it by."""
_RANK = {Phase.UNKNOWN: 0, Phase.RUNNING: 1, Phase.QUEUED: 1, Phase.SUBMITTING: 1, Phase.FAILED: 2}

_ASKABLE = (Phase.FAILED, Phase.UNKNOWN)
"""Ends that the provider may tell otherwise."""


class JobList(LineList):
    """Jobs with state, model, prompt, progress and time."""

    def __init__(self) -> None:
        super().__init__(id="jobs")
        self.jobs: dict[str, Job] = {}
        self.goings: dict[str, Going] = {}

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """One job."""
        job = self.jobs[key]
        badge, going = PHASE_BADGES[job.phase], self.goings.get(key, Going())
        left: list[Cell] = [(f"{badge.glyph} {fit(badge.word, 10)}", badge.tone)]
        if width >= 70:
            left.append((f"{fit(short_model(job.model), min(24, width // 5))} ", "dim"))
        right = self._progress(job, going, width - sum(cell_len(text) for text, _ in left))
        room = width - sum(cell_len(text) for text, _ in (*left, *right))
        return [*left, (fit(one_line(job.prompt, 400) or job.id, room), "text"), *right]

    def _progress(self, job: Job, going: Going, width: int) -> list[Cell]:
        """How it goes, in so many cells that as many are left for the prompt."""
        clock: Cell = (f" {fit_right(elapsed(job_seconds(job)), 7)}  {fit_right(ago(job.created_at), 4)} ", "dim")
        if job.phase.ended or job.phase is Phase.UNKNOWN:
            error = one_line(job.error.message) if job.error else ""
            room = min(cell_len(error), 40, (width - cell_len(clock[0])) // 2 - 1)
            return [(f" {fit(error, room)}" if room > 0 else "", "bad"), clock]
        if going.fraction is None:
            return [(f" {fit_right(going.words, 12)}", "dim"), clock]
        full, rest = bar(going.fraction, max(6, min(30, width // 4)))
        return [(f" {full}", "accent"), (rest, "dim"), (f" {going.fraction:4.0%}", "text"), clock]


class JobsScreen(StudioScreen[None]):
    """The jobs."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    CSS_PATH = STYLES / "reading.tcss"
    REMEMBERED = "jobs"
    SCOPES: ClassVar[tuple[str, ...]] = ("jobs", "list", "app")
    BINDINGS = bindings("jobs")

    def __init__(self) -> None:
        super().__init__()
        self._capabilities: dict[str, frozenset[Capability]] = {}

    def compose(self) -> ComposeResult:
        """The list over the selected job's details."""
        with Vertical(classes="pane"):
            yield PaneTitle("Jobs", id="jobs-title")
            yield JobList()
        with Vertical(id="job-pane", classes="pane"):
            yield PaneTitle("Details", id="job-title")
            yield Lines(id="job")
        yield Bar(id="status")
        yield KeyBar("jobs")

    def on_mount(self) -> None:
        """Show what there is."""
        self.query_one("#jobs-title", PaneTitle).tell(on=True)
        self.list.empty = f"No jobs.\n{self.press('new')} writes a prompt, {self.press('back')} returns to the library."
        self.list.focus()
        self.reload()
        self.set_interval(1.0, self._tick)

    @property
    def list(self) -> JobList:
        """The list."""
        return self.query_one(JobList)

    @property
    def job(self) -> Job | None:
        """The job under the cursor."""
        return self.list.jobs.get(self.list.key or "")

    def studio_ready(self) -> None:
        """Show what there is."""
        self.reload()

    def reload(self) -> None:
        """Show the jobs as they are: what needs a look first, then what runs, then the rest."""
        if not self.main.has_studio:
            return
        studio = self.main.studio
        jobs = sorted(studio.jobs(), key=lambda job: (_RANK.get(job.phase, 3), -job.created_at))
        changed = [job.id for job in jobs if self.list.jobs.get(job.id) != job]
        self.list.jobs = {job.id: job for job in jobs}
        for job in jobs:
            progress = studio.progress(job.id)
            if progress is not None:
                self.list.goings[job.id] = job_going(progress)
        self.list.show([job.id for job in jobs])
        self.list.touch(changed)
        running = sum(not job.phase.ended for job in jobs)
        failed = sum(job.phase in (Phase.FAILED, Phase.UNKNOWN) for job in jobs)
        info = " · ".join(filter(None, (f"{running} running" if running else "", f"{failed} failed" if failed else "")))
        self.query_one("#jobs-title", PaneTitle).tell(info or plural(len(jobs), "job"))
        self._show_job()
        unknown = {job.provider for job in jobs}.difference(self._capabilities)
        if unknown:
            self._capabilities |= dict.fromkeys(unknown, EVERYTHING)
            self.main.run_fenced(self._learn(unknown), group="capabilities", node=self)

    async def _learn(self, providers: set[str]) -> None:
        """What these providers can do, so that nothing else is offered."""
        for name in providers:
            self._capabilities[name] = await self.main.ask(self.main.studio.capabilities(name))
        self._show_job()

    def _senseless(self) -> frozenset[str]:
        """Actions that the job under the cursor, or its provider, does not have."""
        job = self.job
        if job is None:
            return frozenset({"cancel", "recheck", "recheck-all", "dismiss", "again", "log"})
        can = self._capabilities.get(job.provider, EVERYTHING)
        gone = {
            "cancel": job.phase.ended or (Capability.CANCEL not in can and job.phase is not Phase.DRAFT),
            "recheck": job.phase is Phase.UNKNOWN and Capability.RECONCILE not in can,
            "recheck-all": not any(each.phase in _ASKABLE for each in self.list.jobs.values()),
            "forget": job.phase is not Phase.UNKNOWN,
            "dismiss": not job.phase.ended,
        }
        return frozenset(id for id, senseless in gone.items() if senseless)

    def follow(self, batch: Batch) -> None:
        """Show what the studio said."""
        for job_id, progress in batch.jobs.items():
            self.list.goings[job_id] = job_going(progress)
        self.list.touch(list(batch.jobs))
        if any(change.jobs or change.gone_jobs for change in batch.changes) or batch.projects:
            self.reload()
        elif self.list.key in batch.jobs:
            self._show_job()

    @on(LineList.Highlighted)
    def _show_job(self) -> None:
        job = self.job
        self.query_one(KeyBar).hide(self._senseless())
        if job is None:
            self.query_one("#job", Lines).show([])
            return
        progress = self.main.studio.progress(job.id)
        going = self.list.goings.get(job.id, Going())
        log = progress.last_log if progress else ""
        self.query_one("#job", Lines).show(job_paragraphs(job, going, log, keys=self.main.keys))

    @on(LineList.Opened)
    def _open(self) -> None:
        from mediatui.tui.screens.item import ItemScreen

        job = self.job
        if job is not None:
            paragraphs = job_paragraphs(job, self.list.goings.get(job.id, Going()), full=True, keys=self.main.keys)
            self.main.push_screen(ItemScreen(job, paragraphs))

    def _tick(self) -> None:
        if self.is_current and self.standing:
            self.list.tick()
            self.main.hosts.look()

    # Actions.

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "cancel": self._cancel,
            "recheck": self._recheck,
            "recheck-all": self._recheck_all,
            "dismiss": self._dismiss_one,
            "dismiss-ended": self._dismiss_ended,
            "undo": self.main.library.tidying.undo,
            "forget": self._forget,
            "log": self._log,
            "again": self._again,
            "copy": lambda: copy_record(self.main, self._need()),
            "new": self._new,
            "back": self._back,
        }

    def _need(self) -> Job:
        if self.job is None:
            raise UsageError("there is no job here", hint=f"{self.press('new')} writes a prompt.")
        return self.job

    async def _cancel(self) -> None:
        job = self._need()
        if job.phase.ended:
            words = f"this job has ended already: {PHASE_BADGES[job.phase].word}"
            raise UsageError(words, hint=f"{self.press('dismiss')} takes it off the list.")
        if "cancel" in self._senseless():
            raise UsageError(f"{job.provider} cannot stop a request", hint="It goes on, and its result is kept.")
        asked = await self.main.ask(self.main.studio.cancel(job.id))
        self.main.tell(
            "Asked to stop it; if it finished first, its result is kept."
            if asked
            else "Too late to cancel: it ended already, or goes on; what it makes is kept."
        )

    async def _recheck(self) -> None:
        job = self._need()
        if "recheck" in self._senseless():
            raise UsageError(
                f"{job.provider} cannot look for a lost request",
                hint=f"{self.press('forget')} gives the job up; its account page may show what became of it.",
            )
        await self._ask_again([job.id])

    async def _recheck_all(self) -> None:
        await self._ask_again([job.id for job in self.list.jobs.values() if job.phase in _ASKABLE])

    async def _ask_again(self, ids: Sequence[str]) -> None:
        if not ids:
            raise UsageError("no job failed, so there is nothing to ask again about")
        self.main.tell(f"Asking the provider again about {plural(len(ids), 'job')}; nothing is sent anew.")
        jobs = await self.main.ask(self.main.studio.recheck(ids))
        found = Counter(PHASE_BADGES[job.phase].word for job in jobs)
        words = ", ".join(f"{plural(count, 'job')} {word}" for word, count in found.items())
        self.main.tell(f"Asked again: {words}.")
        self.reload()

    async def _dismiss_one(self) -> None:
        job = self._need()
        if not job.phase.ended:
            raise UsageError("it has not ended", hint=f"{self.press('cancel')} asks the provider to stop it.")
        await self._dismiss([job.id])

    async def _dismiss_ended(self) -> None:
        ended = [job.id for job in self.list.jobs.values() if job.phase.ended]
        if not ended:
            raise UsageError("no job has ended, so there is none to dismiss")
        await self._dismiss(ended)

    async def _dismiss(self, ids: Sequence[str]) -> None:
        count = await self.main.ask(self.main.studio.dismiss(ids))
        kept = len(ids) - count
        back = f"{self.press('undo')} brings {'it' if count == 1 else 'them'} back." if count else ""
        left = f"{plural(kept, 'job')} kept: outputs are not saved yet." if kept else ""
        self.main.tell(" ".join(filter(None, (f"{plural(count, 'job')} dismissed.", back, left))))
        self.reload()

    async def _forget(self) -> None:
        from mediatui.tui.screens.dialogs import ConfirmScreen

        job = self._need()
        if job.phase is not Phase.UNKNOWN:
            raise UsageError(
                "only an unknown job can be given up", hint=f"{self.press('dismiss')} dismisses one that ended."
            )
        lines = [
            f"“{one_line(job.prompt, 200)}” · {job.model}",
            "Its submit had no answer: it may have been accepted and paid for.",
            f"If it was, its result is lost. {self.press('recheck')} asks the provider once more, at no cost.",
        ]
        if await self.main.push_screen_wait(ConfirmScreen("Give this job up?", lines, "give it up")):
            await self.main.ask(self.main.studio.forget_job(job.id))
            self.main.tell(f"Given up and off the list. {self.press('undo')} shows it again, as given up.")
            self.reload()

    def _log(self) -> None:
        from mediatui.tui.screens.log import LogScreen, Subject

        self.main.push_screen(LogScreen(Subject.of(self.job)))

    def _again(self) -> None:
        generate_again(self.main, self._need())

    def _new(self) -> None:
        from mediatui.tui.screens.generate import GenerateScreen

        self.main.push_screen(GenerateScreen(self.main.memory.draft, ""))
