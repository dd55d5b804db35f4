"""Exporting a project: the plan first, then progress that can be stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Input, Static

from mediatui.errors import UsageError
from mediatui.locations import expanded
from mediatui.text import human_bytes, one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.format import shown_path
from mediatui.tui.screens.base import STYLES
from mediatui.tui.screens.planned import PlannedScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.form import Cycle
from mediatui.tui.widgets.lines import Lines, Paragraph

if TYPE_CHECKING:
    from mediatui.archive.plan import ExportOptions, ExportPlan
    from mediatui.archive.write import ExportReport
    from mediatui.studio.events import ExportProgress
    from mediatui.tui.batch import Batch

MISSING_SHOWN = 200
PLAN_SECONDS = 0.2
"""A pause after a choice, before the plan is made anew."""
_FORMS = {"zip": "one ZIP file", "folder": "a folder"}
_SHEETS = {
    "": "none",
    "html": "a page for the browser",
    "image": "one picture",
    "html image": "a page and a picture",
}
_EMBED = {"": "in the manifest only", "embed": "also inside the copies"}


class ExportScreen(PlannedScreen):
    """One export. Its plan is made anew whenever something else is chosen; enter writes it."""

    CSS_PATH: ClassVar[CSSPathType | None] = [STYLES / "reading.tcss", STYLES / "forms.tcss"]
    SCOPES: ClassVar[tuple[str, ...]] = ("export", "form", "choice", "text", "app")
    BINDINGS = bindings("export", "form")
    BAR = "export-bar"

    def __init__(self, project_id: str, marked: Sequence[str] | None, filtered: Sequence[str] | None = None) -> None:
        super().__init__()
        self._project_id = project_id
        self._items = {"marked": marked, "filtered": filtered, "all": None}
        self._stale: Timer | None = None
        self._plan: ExportPlan | None = None
        self._planned: tuple[str, ExportOptions] | None = None
        """The choices that the plan was made for."""

    def compose(self) -> ComposeResult:
        """Target, plan, progress."""
        yield PaneTitle("Export", id="export-title")
        with Vertical(id="export-options"):
            yield from self._line("To", _plain_input("planning…", "export-target"))
            yield from self._choice("Items", self._labels(), "export-scope")
            yield from self._choice("As", _FORMS, "export-form")
            yield from self._choice("Overview", _SHEETS, "export-sheets")
            yield from self._choice("Metadata", _EMBED, "export-embed")
            yield from self._line("Names", _plain_input("as they are; or {n:03}-{date}-{prompt:40}", "export-names"))
        yield Bar(id="export-preview")
        yield Lines(id="export-plan")
        yield Bar(id=self.BAR)
        yield Bar(id="status")
        yield KeyBar("export")

    def on_mount(self) -> None:
        """Make the plan."""
        self.query_one(PaneTitle).tell("planning…", on=True)
        self._target.focus()
        self.main.run_fenced(self._make_plan(), group="plan", exclusive=True, node=self)

    def _line(self, label: str, widget: Widget) -> ComposeResult:
        with Horizontal(classes="field"):
            yield Static(label, classes="field-label")
            yield widget

    def _choice(self, label: str, labels: Mapping[str, str], id: str) -> ComposeResult:
        """One of some, the first to begin with."""
        values = list(labels)
        yield from self._line(label, Cycle(values, values[0], title=f"Export: {label.lower()}", labels=labels, id=id))

    def _labels(self) -> dict[str, str]:
        counts = {name: plural(len(ids), "item") for name, ids in self._items.items() if ids is not None}
        words = {"marked": "the marked", "filtered": "what the filter shows"}
        return {**{name: f"{words[name]}: {count}" for name, count in counts.items()}, "all": "the whole project"}

    @property
    def _target(self) -> Input:
        return self.query_one("#export-target", Input)

    def _choices(self) -> tuple[str, ExportOptions]:
        """Which items, and how."""
        return self.query_one("#export-scope", Cycle).value, self._options()

    def _options(self) -> ExportOptions:
        from mediatui.archive.plan import ExportOptions, Sheet

        sheets = self.query_one("#export-sheets", Cycle).value.split()
        return ExportOptions(
            folder=self.query_one("#export-form", Cycle).value == "folder",
            names=self.query_one("#export-names", Input).value.strip(),
            embed=bool(self.query_one("#export-embed", Cycle).value),
            sheets=frozenset(Sheet(name) for name in sheets),
        )

    @on(Cycle.Changed)
    @on(Input.Changed, "#export-names")
    def _plan_soon(self) -> None:
        """Another choice: the plan follows, after a pause in typing."""
        if self._stale is not None:
            self._stale.stop()
        if not (self.working or self.over):
            self._stale = self.set_timer(PLAN_SECONDS, self._plan_again)

    def _plan_again(self) -> None:
        self._stale = None
        if not (self.working or self.over):
            self.main.run_fenced(self._make_plan(typing=True), group="plan", exclusive=True, node=self)

    def _wanted_target(self, options: ExportOptions) -> Path | None:
        """What is typed; the plan's own target follows the form that is chosen. None: nothing is typed."""
        text, plan = self._target.value.strip(), self._plan
        if not text:
            return None
        typed = expanded(Path(text))
        if plan is None or typed != plan.target or options.folder == plan.options.folder:
            return typed
        return _renamed(typed, folder=options.folder)

    async def _make_plan(self, *, typing: bool = False) -> None:
        choices, typed = self._choices(), self._target.value
        chosen, options = self._items[choices[0]], choices[1]
        if not await self._preview(options.names, chosen) and typing:
            return  # what is wrong stands below the field, and may be but half of it
        future = self.main.studio.plan_export(self._project_id, self._wanted_target(options), chosen, options)
        plan = await self.main.ask(future)
        self._plan, self._planned = plan, choices
        if self._target.value == typed:  # else something was typed meanwhile, and counts
            self._target.value = shown_path(plan.target)
        self.query_one(PaneTitle).tell(f"{self.press('start')} writes it", name=f"Export “{plan.project.name}”")
        self.query_one(Lines).show(plan_paragraphs(plan))

    async def _preview(self, names: str, chosen: Sequence[str] | None) -> bool:
        """The first names a template makes, or what is wrong with it; whether it makes any."""
        bar, words, name_tone = self.query_one("#export-preview", Bar), "", "dim"
        if names:
            try:
                made = await self.main.ask(self.main.studio.preview_names(self._project_id, names, chosen))
                words = f" {'  '.join(made)}"
            except UsageError as exc:
                words, name_tone = f" {exc.message}. {exc.hint}", "warn"
        bar.show([(words, name_tone)])
        bar.display = bool(words)
        return name_tone == "dim"

    async def go_on(self) -> None:
        """Write what was chosen, by a plan of just that."""
        if self._stale is not None:
            self._stale.stop()
            self._stale = None
        self.workers.cancel_group(self, "plan")  # it would put another plan in the place of the one carried out
        plan, text = self._plan, self._target.value.strip()
        if plan is None or self._planned != self._choices() or expanded(Path(text)) != plan.target:
            await self._make_plan()
        if self._plan is not None:
            self._report(await self.carry_out(self.main.studio.export(self._plan)))

    def allow_changes(self, allowed: bool) -> None:
        """Nothing can be chosen while it is written."""
        self.query_one("#export-options").disabled = not allowed

    def _report(self, report: ExportReport) -> None:
        place = one_line(shown_path(report.path))
        words = f"{plural(report.files, 'file')}, {human_bytes(report.bytes)}, written to {place}"
        missing = f"; {len(report.missing)} missing, listed in its manifest" if report.missing else ""
        self.query_one(f"#{self.BAR}", Bar).show([(f" ✓ {words}{missing}. {self.press('back')} goes back.", "good")])
        self.query_one(PaneTitle).tell("")
        self.main.tell(f"Exported {words}{missing}.")

    def progress_in(self, batch: Batch) -> ExportProgress | None:
        """How far this export is."""
        return batch.exports.get(self._plan.id) if self._plan is not None else None

    def stop(self) -> str:
        """A half-written export is removed."""
        if self._plan is not None:
            self.main.studio.cancel_export(self._plan.id)
        return "Export stopped; nothing of it is left."


def _plain_input(placeholder: str, id: str) -> Input:
    field = Input(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
    field.cursor_blink = False
    return field


def _renamed(target: Path, *, folder: bool) -> Path:
    """The same place, with the ending that its form has."""
    name = target.name.removesuffix(".zip")
    return target.with_name(name if folder and name else f"{name}.zip")


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
    beside = "".join(f", {sheet.file_name}" for sheet in sorted(plan.options.sheets))
    found.append(("", f"It holds videos/, images/, audio/ and manifest.json{beside}.", "dim"))
    return found
