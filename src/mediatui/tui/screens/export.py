"""Exporting a project: the plan first, then progress that can be stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from mediatui.text import human_bytes, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import bar
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph

if TYPE_CHECKING:
    from mediatui.archive.plan import ExportPlan
    from mediatui.archive.write import ExportReport
    from mediatui.tui.batch import Batch

MISSING_SHOWN = 200


class ExportScreen(StudioScreen[None]):
    """One export."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("export", "text", "app")
    BINDINGS = bindings("export")

    def __init__(self, project_id: str, item_ids: Sequence[str] | None) -> None:
        super().__init__()
        self._project_id, self._item_ids = project_id, item_ids
        self._plan: ExportPlan | None = None
        self._writing = False
        self._over = False

    def compose(self) -> ComposeResult:
        """Target, plan, progress."""
        yield PaneTitle("Export", id="export-title")
        field = Input(placeholder="planning…", id="export-target", compact=True)
        field.cursor_blink = False
        yield field
        yield Lines(id="export-plan")
        yield Bar(id="export-bar")
        yield Bar(id="status")
        yield KeyBar("export")

    def on_mount(self) -> None:
        """Make the plan."""
        self.query_one(PaneTitle).tell("planning…", on=True)
        self.query_one(Input).focus()
        self.main.run_fenced(self._make_plan(None), group="plan", exclusive=True, node=self)

    async def _make_plan(self, target: Path | None) -> None:
        future = self.main.studio.plan_export(self._project_id, target, self._item_ids)
        plan = self._plan = await self.main.ask(future)
        self.query_one(Input).value = str(plan.target)
        self.query_one(PaneTitle).tell("ctrl+s writes it", name=f"Export “{plan.project.name}”")
        self.query_one(Lines).show(plan_paragraphs(plan))

    def handlers(self) -> Mapping[str, Handler]:
        """Start and stop."""
        return {"start": self._start, "back": self._back}

    @on(Input.Submitted)
    def _entered(self) -> None:
        self.main.run_fenced(self._start(), group="export", node=self)

    async def _start(self) -> None:
        if self._writing or self._over or self._plan is None:
            return
        target = Path(self.query_one(Input).value.strip()).expanduser()
        if target != self._plan.target:
            await self._make_plan(target)
        self._writing = True
        self.query_one(Input).disabled = True
        self.query_one(Lines).focus()
        try:
            report = await self.main.ask(self.main.studio.export(self._plan))
        finally:
            self._writing = False
        self._over = True
        self._report(report)

    def _report(self, report: ExportReport) -> None:
        words = f"{plural(report.files, 'file')}, {human_bytes(report.bytes)}, written to {report.path}"
        missing = f"; {len(report.missing)} missing, listed in its manifest" if report.missing else ""
        self.query_one("#export-bar", Bar).show([(f" ✓ {words}{missing}. esc goes back.", "good")])
        self.main.tell(f"Exported {words}{missing}.")

    def follow(self, batch: Batch) -> None:
        """Show how far it is."""
        progress = batch.exports.get(self._plan.id) if self._plan is not None else None
        if progress is None or not self._writing:
            return
        fraction = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
        full, rest = bar(fraction, max(4, min(40, self.size.width // 3)))
        words = (
            f"  {progress.done_files} of {plural(progress.total_files, 'file')} · {human_bytes(progress.done_bytes)}"
        )
        cells = [(" ", "text"), (full, "accent"), (rest, "dim"), (f" {fraction:4.0%}{words}", "text")]
        self.query_one("#export-bar", Bar).show(cells, [(f"{progress.current} ", "dim")])

    def _back(self) -> None:
        if self._writing and self._plan is not None:
            self.main.studio.cancel_export(self._plan.id)
            self.main.tell("Export stopped; nothing of it is left.")
        self.dismiss()


def plan_paragraphs(plan: ExportPlan) -> list[Paragraph]:
    """What an export will hold."""
    remote = [entry for entry in plan.entries if entry.source is None]
    found: list[Paragraph] = [("files", f"{plan.files:,}", "text")]
    unknown = f" and {plural(plan.unknown_sizes, 'file')} of unknown size" if plan.unknown_sizes else ""
    found.append(("size", f"{human_bytes(plan.bytes)}{unknown}", "text"))
    found.append(("free", f"{human_bytes(plan.free)} at the target", "bad" if plan.bytes > plan.free else "text"))
    if remote:
        found.append(("download", f"{plural(len(remote), 'file')} not on disk, fetched while exporting", "warn"))
    found.append(("", "", "text"))
    if plan.missing:
        found.append(
            ("", f"{plural(len(plan.missing), 'item')} cannot be exported and will be listed as missing:", "warn")
        )
        shown = plan.missing[:MISSING_SHOWN]
        found += [("", f"  {entry.item.name}: {entry.reason}", "dim") for entry in shown]
        if len(plan.missing) > len(shown):
            found.append(("", f"  … and {len(plan.missing) - len(shown)} more", "dim"))
    else:
        found.append(("", "Every item can be exported.", "good"))
    found.append(("", "The archive holds videos/, images/, audio/ and manifest.json.", "dim"))
    return found
