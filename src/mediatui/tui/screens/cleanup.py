"""Cleaning up: what could go, how many, how large; chosen line by line, confirmed, then done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from mediatui.errors import UsageError
from mediatui.library.cleanup import CleanPlan, CleanRequest, Sort
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit, fit_right
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.screens.dialogs import AskScreen, ConfirmScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList

DAYS = 30.0
"""Ages start here where the settings say nothing."""
NAMES = 48
"""Cells for what a line is about."""
SIZED = 46
"""Cells from which a line says how large and where to; what it is about comes first."""
SHOWN = 8
"""Things that the question names."""

WORDS = {
    Sort.UNSAVED: "Not on disk for {days} days",
    Sort.FAILED_JOBS: "Failed jobs without result",
    Sort.MISSING: "Items whose file is gone",
    Sort.DUPLICATES: "Copies of the same bytes",
    Sort.ORPHANS: "Files of no item",
    Sort.UNRATED: "Neither rated nor favourite",
    Sort.PARTS: "Unfinished downloads",
    Sort.TRASH: "In the trash for {days} days",
    Sort.PROJECT: "The whole project",
}


class CleanList(LineList):
    """The sorts of things; a filled circle marks a chosen one."""

    def __init__(self) -> None:
        super().__init__(id="clean", empty="Looking…")
        self.found: dict[Sort, tuple[int, int]] = {}
        self.chosen: set[Sort] = set()
        self.days = DAYS

    def edge(self, key: str) -> str:
        """Chosen or not."""
        return "●" if Sort(key) in self.chosen else "○"

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """What, how many, how large, whether it can be taken back."""
        sort = Sort(key)
        count, size = self.found.get(sort, (0, 0))
        after = "for good" if sort.final else "to trash"
        right = f" {fit_right(f'{count:,}', 6)} "
        if width >= SIZED:
            right += f"{fit_right(human_bytes(size), 9)}  {after} "
        # Beside the names: across a wide screen the eye would lose the line.
        name = fit(f" {WORDS[sort].format(days=f'{self.days:g}')}", max(0, min(NAMES, width - len(right))))
        rest = " " * (width - len(name) - len(right))
        return [(name, "text" if count else "dim"), (right, "warn" if count and sort.final else "dim"), (rest, "text")]


class CleanScreen(StudioScreen[None]):
    """A plan to choose from. Nothing goes before it was confirmed."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("clean", "list", "app")
    BINDINGS = bindings("clean")

    def __init__(self, project_id: str | None, chosen: frozenset[Sort] = frozenset()) -> None:
        super().__init__()
        self._project_id = project_id
        self._everywhere = project_id is None
        self._first = chosen
        self._plan: CleanPlan | None = None
        self._busy = False

    def compose(self) -> ComposeResult:
        """Title, sorts, what comes of them, keys."""
        yield PaneTitle("Clean up", id="clean-title")
        yield CleanList()
        yield Bar(id="clean-bar")
        yield Bar(id="status")
        yield KeyBar("clean")

    def on_mount(self) -> None:
        """Look."""
        found = self.rows
        found.days = float(self.main.settings.clean_unsaved_after_days or DAYS)
        found.chosen = set(self._first)
        found.focus()
        self._look()

    @property
    def rows(self) -> CleanList:
        """The sorts."""
        return self.query_one(CleanList)

    @property
    def _projects(self) -> tuple[str, ...] | None:
        return None if self._everywhere or self._project_id is None else (self._project_id,)

    def _request(self, sorts: frozenset[Sort]) -> CleanRequest:
        days = self.rows.days
        return CleanRequest(sorts, self._projects, unsaved_days=days, trash_days=days)

    def _look(self) -> None:
        self.main.run_fenced(self._load(), group="clean-look", exclusive=True, node=self)

    async def _load(self) -> None:
        """Count every sort by itself, then what is chosen together: a thing goes once, whatever names it."""
        self.query_one(PaneTitle).tell("looking…", on=True)
        found = self.rows
        for sort in self._sorts():
            plan = await self.main.ask(self.main.studio.organise.plan_clean(self._request(frozenset({sort}))))
            found.found[sort] = (plan.count, sum(line.bytes for line in plan.lines))
        found.chosen &= set(self._sorts())
        found.show([sort.value for sort in self._sorts()])
        found.touch(list(found.keys))
        where = "all projects" if self._projects is None else "this project"
        self.query_one(PaneTitle).tell(f"{where} · older than {found.days:g} days")
        await self._total()

    def _sorts(self) -> list[Sort]:
        """A whole project can go only where one is looked at."""
        return [sort for sort in Sort if sort is not Sort.PROJECT or self._projects is not None]

    async def _total(self) -> None:
        chosen = frozenset(self.rows.chosen)
        self._plan = None
        if chosen:
            self._plan = await self.main.ask(self.main.studio.organise.plan_clean(self._request(chosen)))
        words = plan_words(self._plan) if self._plan else f"{self.press('toggle')} chooses what should go"
        self.query_one("#clean-bar", Bar).show([(f" {words}", "accent" if self._plan else "dim")])

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "toggle": self._toggle,
            "start": self._start,
            "everywhere": self._switch,
            "days": self._ask_days,
            "undo": self._undo,
            "back": self._back,
        }

    @on(LineList.Opened)
    def _opened(self) -> None:
        self._toggle()

    def _toggle(self) -> None:
        if self.rows.key is not None:
            self.rows.chosen ^= {Sort(self.rows.key)}
            self.rows.touch([self.rows.key])
            self.main.run_fenced(self._total(), group="clean-total", exclusive=True, node=self)

    def _switch(self) -> None:
        if self._project_id is not None:
            self._everywhere = not self._everywhere
            self._look()

    async def _ask_days(self) -> None:
        text = await self.main.push_screen_wait(AskScreen("Older than how many days?", f"{self.rows.days:g}"))
        if text is None:
            return
        try:
            days = float(text)
        except ValueError:
            days = -1.0
        if not 0 <= days < 100_000:
            raise UsageError(f"“{one_line(text, 20)}” is no number of days", hint="Type a whole number, such as 30.")
        self.rows.days = days
        await self._load()

    async def _start(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            await self._clean_up()
        finally:
            self._busy = False

    async def _clean_up(self) -> None:
        if not self.rows.chosen:
            raise UsageError("nothing is chosen", hint=f"{self.press('toggle')} chooses a line.")
        plan = await self.main.ask(self.main.studio.organise.plan_clean(self._request(frozenset(self.rows.chosen))))
        if not plan.count:
            self.main.tell("There is nothing of that to clean up.")
            return
        title = f"Clean up {plural(plan.count, 'thing')}?"
        if await self.main.push_screen_wait(ConfirmScreen(title, plan_lines(plan, self.press("undo")), "clean up")):
            await self._carry_out(plan)

    async def _carry_out(self, plan: CleanPlan) -> None:
        report = await self.main.ask(self.main.studio.organise.clean(plan))
        words = [f"{human_bytes(report.to_trash)} in the trash" if report.undo else ""]
        words.append(f"{human_bytes(report.freed)} freed for good" if report.freed else "")
        back = f" {self.press('undo')} takes it back." if report.undo else ""
        self.main.tell(f"Cleaned up: {', '.join(filter(None, words)) or 'done'}.{back}")
        for note in report.notes[:1]:
            more = f" ({len(report.notes) - 1} more like this)" if len(report.notes) > 1 else ""
            self.main.tell(f"{note}{more}.", severity="warning")
        await self._load()

    async def _undo(self) -> None:
        await self.main.library.tidying.undo()
        await self._load()


def plan_words(plan: CleanPlan) -> str:
    """What a plan comes to, in one line."""
    words = [plural(plan.count, "thing")]
    if plan.to_trash or any(not line.sort.final for line in plan.lines):
        words.append(f"{human_bytes(plan.to_trash)} to the trash")
    if plan.freed:
        words.append(f"{human_bytes(plan.freed)} freed for good")
    return " · ".join(words)


def plan_lines(plan: CleanPlan, undo: str) -> list[str]:
    """What a plan removes, for the question; `undo` is the key that takes back what can be."""
    request = plan.request
    lines = []
    for line in plan.lines:
        days = request.trash_days if line.sort is Sort.TRASH else request.unsaved_days
        what = WORDS[line.sort].format(days=f"{days:g}")
        lines.append(f"{what}: {line.count:,}, {human_bytes(line.bytes)}, in {line.project_name}")
    rest = [f"… and {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
    final = any(line.sort.final for line in plan.lines)
    kept = any(not line.sort.final for line in plan.lines)
    after = [f"{undo} brings back what goes to the trash."] if kept else []
    return [
        *lines[:SHOWN],
        *rest,
        *after,
        *(["Unfinished downloads and old trash are removed for good."] if final else []),
    ]
