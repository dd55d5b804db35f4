"""Importing: a path, the plan with what is left out and why, then progress that can be stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from mediatui.errors import MediatuiError, UsageError
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.screens.base import STYLES
from mediatui.tui.screens.planned import PlannedScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph

if TYPE_CHECKING:
    from mediatui.archive.import_plan import ImportPlan
    from mediatui.archive.import_write import ImportReport
    from mediatui.studio.events import ImportProgress
    from mediatui.tui.batch import Batch

SHOWN = 200
KINDS = {
    "export": "an export of mediatui, with everything known of each item",
    "project": "a project folder of mediatui",
    "media": "a folder of media; what the files say of themselves is read",
}


class ImportScreen(PlannedScreen):
    """One import. Enter plans, a second enter brings it in."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("import", "form", "text", "app")
    BINDINGS = bindings("import", "form")
    BAR = "import-bar"

    def __init__(self) -> None:
        super().__init__()
        self._plan: ImportPlan | None = None
        self._planned = ""

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
        yield Bar(id=self.BAR)
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

    async def go_on(self) -> None:
        """Look what is in it, or bring it in."""
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
            plan = await self.main.ask(self.main.studio.imports.plan(Path(path)))
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
        self.query_one(PaneTitle).tell(f"{self.press('back')} stops it; what is in stays")
        await self._report(await self.carry_out(self.main.studio.imports.run(plan, project)))

    def allow_changes(self, allowed: bool) -> None:
        """It began or ended: what was typed can be corrected, unless all is done."""
        for field in self.query(Input):
            field.disabled = not allowed
        if not self.working:
            self.query_one(PaneTitle).tell(f"{self.press('start')} tries again" if allowed else "")

    async def _report(self, report: ImportReport) -> None:
        words = f"{plural(len(report.imported), 'item')} imported"
        words += f", {len(report.skipped)} here already" if report.skipped else ""
        words += f", {plural(len(report.refused), 'file')} refused" if report.refused else ""
        self.query_one(f"#{self.BAR}", Bar).show([(f" ✓ {words}. {self.press('back')} goes to it.", "good")])
        if report.refused:
            lines: list[Paragraph] = [("", "Not imported:", "warn")]
            lines += [("", f"  {each.name}: {each.reason}", "dim") for each in report.refused[:SHOWN]]
            self.query_one(Lines).show(lines, top=True)
        library = self.main.library
        await library.projects.refresh()
        await library.projects.open(report.project)
        self.main.tell(f"{words}. {self.press('undo', 'library')} takes it back.")

    def progress_in(self, batch: Batch) -> ImportProgress | None:
        """How far this import is."""
        return batch.imports.get(self._plan.id) if self._plan is not None else None

    def stop(self) -> str:
        """What came in stays."""
        if self._plan is not None:
            self.main.studio.imports.cancel(self._plan.id)
        return f"Import stopped; what was imported stays, {self.press('undo', 'library')} takes it back."


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
