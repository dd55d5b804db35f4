"""Importing: a path, the plan with what is left out and why, then progress that can be stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from mediatui.errors import MediatuiError, UsageError
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import bar
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph

if TYPE_CHECKING:
    from mediatui.archive.import_plan import ImportPlan
    from mediatui.archive.import_write import ImportReport
    from mediatui.tui.batch import Batch

SHOWN = 200
KINDS = {
    "export": "an export of mediatui, with everything known of each item",
    "project": "a project folder of mediatui",
    "media": "a folder of media; what the files say of themselves is read",
}


class ImportScreen(StudioScreen[None]):
    """One import. Enter plans, a second enter brings it in."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("import", "form", "text", "app")
    BINDINGS = bindings("import", "form")

    def __init__(self) -> None:
        super().__init__()
        self._plan: ImportPlan | None = None
        self._planned = ""
        self._bringing = False
        self._over = False

    def compose(self) -> ComposeResult:
        """Path, project, plan, progress."""
        yield PaneTitle("Import", id="import-title")
        for id, placeholder in (
            ("import-path", "a ZIP file or a folder: ~/Downloads/trip.zip"),
            ("import-project", "into this project (empty: as the import says)"),
        ):
            field = Input(placeholder=placeholder, id=id, compact=True)
            field.cursor_blink = False
            yield field
        yield Lines(id="import-plan")
        yield Bar(id="import-bar")
        yield Bar(id="status")
        yield KeyBar("import")

    def on_mount(self) -> None:
        """Ask for the path."""
        self.query_one(PaneTitle).tell(self._asking, on=True)
        self.query_one("#import-path", Input).focus()
        self.query_one(Lines).show([("", "Nothing is written before you saw the plan.", "dim")])

    @property
    def _asking(self) -> str:
        return f"{self.press('start')} looks what is in it"

    def handlers(self) -> Mapping[str, Handler]:
        """Plan or start, and stop."""
        return {
            "start": self._enter,
            "back": self._back,
            "next-field": lambda: self._step(1),
            "previous-field": lambda: self._step(-1),
        }

    def _step(self, step: int) -> None:
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.main.run_fenced(self._enter(), group="import", node=self)

    async def _enter(self) -> None:
        if self._bringing or self._over:
            return
        path = self.query_one("#import-path", Input).value.strip()
        if not path:
            raise UsageError("no path was typed", hint="Type the path of a ZIP file or a folder.")
        if self._plan is None or path != self._planned:
            await self._make_plan(path)
        else:
            await self._bring(self._plan)

    async def _make_plan(self, path: str) -> None:
        self._plan = None
        self.query_one(PaneTitle).tell("looking…")
        try:
            plan = await self.main.ask(self.main.studio.imports.plan(Path(path).expanduser()))
        except MediatuiError:
            self.query_one(PaneTitle).tell(self._asking)
            self.query_one(Lines).show([("", "Nothing was imported.", "dim")])
            raise
        self._plan, self._planned = plan, path
        self.query_one(PaneTitle).tell(f"{self.press('start')} brings it in", name=f"Import “{plan.name}”")
        self.query_one(Lines).show(plan_paragraphs(plan), top=True)

    async def _bring(self, plan: ImportPlan) -> None:
        if not (plan.files or plan.records):
            raise UsageError("there is nothing in it to import")
        project = one_line(self.query_one("#import-project", Input).value) or None
        self._bringing = True
        for field in self.query(Input):
            field.disabled = True
        self.query_one(Lines).focus()
        self.query_one(PaneTitle).tell(f"{self.press('back')} stops it; what is in stays")
        try:
            report = await self.main.ask(self.main.studio.imports.run(plan, project))
            self._over = True
        finally:
            self._bringing = False
            if self.standing:
                self._ready()
        await self._report(report)

    def _ready(self) -> None:
        """It ended: what was typed can be corrected, unless all is done."""
        self.query_one(PaneTitle).tell("" if self._over else f"{self.press('start')} tries again")
        for field in self.query(Input):
            field.disabled = self._over

    async def _report(self, report: ImportReport) -> None:
        words = f"{plural(len(report.imported), 'item')} imported"
        words += f", {len(report.skipped)} here already" if report.skipped else ""
        words += f", {plural(len(report.refused), 'file')} refused" if report.refused else ""
        self.query_one("#import-bar", Bar).show([(f" ✓ {words}. {self.press('back')} goes to it.", "good")])
        if report.refused:
            lines: list[Paragraph] = [("", "Not imported:", "warn")]
            lines += [("", f"  {each.name}: {each.reason}", "dim") for each in report.refused[:SHOWN]]
            self.query_one(Lines).show(lines, top=True)
        library = self.main.library
        await library.projects.refresh()
        await library.projects.open(report.project)
        self.main.tell(f"{words}. {self.press('undo', 'library')} takes it back.")

    def follow(self, batch: Batch) -> None:
        """Show how far it is."""
        progress = batch.imports.get(self._plan.id) if self._plan is not None else None
        if progress is None or not self._bringing:
            return
        fraction = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        full, rest = bar(fraction, max(4, min(40, self.size.width // 3)))
        words = f"  {progress.done_files} of {plural(progress.total_files, 'file')}"
        cells = [(" ", "text"), (full, "accent"), (rest, "dim"), (f" {fraction:4.0%}{words}", "text")]
        self.query_one("#import-bar", Bar).show(cells, [(f"{progress.current} ", "dim")])

    def _back(self) -> None:
        if self._bringing and self._plan is not None:
            self.main.studio.imports.cancel(self._plan.id)
            undo = self.press("undo", "library")
            # On the screen that comes back: this one is going.
            self.main.library.say(f"Import stopped; what was imported stays, {undo} takes it back.")
        self.dismiss()


def plan_paragraphs(plan: ImportPlan) -> list[Paragraph]:
    """What an import will bring."""
    found: list[Paragraph] = [("kind", KINDS.get(plan.kind.value, plan.kind.value), "text")]
    found.append(("files", f"{plan.files:,}", "text"))
    found.append(("size", human_bytes(plan.bytes), "text"))
    found.append(("free", f"{human_bytes(plan.free)} here", "bad" if plan.bytes > plan.free else "text"))
    if plan.records:
        found.append(("records", f"{plural(len(plan.records), 'item')} without a file", "text"))
    if plan.jobs:
        found.append(("jobs", f"{len(plan.jobs):,}", "text"))
    found.append(("", "", "text"))
    if plan.refused:
        found.append(("", f"{plural(len(plan.refused), 'entry', 'entries')} left out:", "warn"))
        found += [("", f"  {each.name}: {each.reason}", "dim") for each in plan.refused[:SHOWN]]
        if len(plan.refused) > SHOWN:
            found.append(("", f"  … and {len(plan.refused) - SHOWN} more", "dim"))
    else:
        found.append(("", "Nothing is left out.", "good"))
    return found
