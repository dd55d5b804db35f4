"""The projects pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from mediatui.tui.format import fit, fit_right
from mediatui.tui.shelf import EVERYWHERE
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.library.library import ProjectSummary


class ProjectList(LineList):
    """All projects together, where there are several; then each by name, how many items it has, what needs a look."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.summaries: dict[str, ProjectSummary] = {}
        self.opened: str | None = None

    def show_projects(self, summaries: Sequence[ProjectSummary]) -> None:
        """Show these projects in this order."""
        before, self.summaries = self.summaries, {summary.id: summary for summary in summaries}
        if len(summaries) > 1:
            self.summaries = {EVERYWHERE: _all(summaries), **self.summaries}
        self.show(list(self.summaries))
        self.touch([key for key, summary in self.summaries.items() if before.get(key) != summary])

    def set_opened(self, project_id: str | None) -> None:
        """Point at the project whose media is shown."""
        changed = [key for key in (self.opened, project_id) if key is not None]
        self.opened = project_id
        self.touch(changed)

    def edge(self, key: str) -> str:
        """A bar at the opened one."""
        return "▌" if key == self.opened else " "

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Name, what needs a look, number of items."""
        summary = self.summaries.get(key)
        if summary is None:
            return [(fit(key, width), "text")]
        count = f" {summary.items:,} "
        flags: list[Cell] = []
        if summary.running:
            flags.append((f" ▸{summary.running}", "accent"))
        if summary.unsaved:
            flags.append((f" ●{summary.unsaved}", "warn"))
        if summary.notice:
            flags.append((" !", "bad"))
        room = width - len(count) - sum(len(text) for text, _ in flags)
        if flags and cell_len(summary.name) > room:  # what needs a look says more than the number
            count, room = " ", room + len(count) - 1
        name = "All" if key == EVERYWHERE and cell_len(summary.name) > room else summary.name
        return [(fit(name, room), "text"), *flags, (fit_right(count, len(count)), "dim")]


def _all(summaries: Sequence[ProjectSummary]) -> ProjectSummary:
    """All of them as one."""
    return replace(
        summaries[0],
        id=EVERYWHERE,
        name="All projects",
        items=sum(summary.items for summary in summaries),
        unsaved=sum(summary.unsaved for summary in summaries),
        running=sum(summary.running for summary in summaries),
        bytes=sum(summary.bytes for summary in summaries),
        notice="",
    )
