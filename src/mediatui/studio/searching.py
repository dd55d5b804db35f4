"""Filtering, sorting and completing over opened projects, from memory: quick enough to be done at each key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediatui.library.query.complete import Candidate, complete
from mediatui.library.query.order import Order, sort_items
from mediatui.library.query.query import Problem, Query, Texts, parse_query
from mediatui.model import MediaItem
from mediatui.studio.core import Core

NEWEST = Order("date", reverse=True)


@dataclass(frozen=True, slots=True)
class Found:
    """Items that pass a filter, in order, and the terms of it that filter nothing."""

    items: tuple[MediaItem, ...]
    problems: tuple[Problem, ...]
    of: int
    """Items that were looked at."""


class Search:
    """Reached as `Studio.search`. Every method answers from memory; only opened projects are looked at."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._texts = Texts()

    def compile(self, line: str) -> Query:
        """A filter line as a test of items; never raises."""
        return parse_query(line, projects=self._names(), texts=self._texts)

    def find(self, line: str = "", project_id: str | None = None, order: Order = NEWEST) -> Found:
        """The items of one or all opened projects that pass, in order."""
        return self.filter(self.items(project_id), line, order)

    def filter(self, items: Sequence[MediaItem], line: str, order: Order | None = None) -> Found:
        """Those of `items` that pass; in their own order when none is named."""
        query = self.compile(line)
        selected = list(items) if query.is_empty else query.select(items)
        if order is not None:
            selected = sort_items(selected, order, projects=self._names())
        return Found(tuple(selected), query.problems, len(items))

    def complete(self, line: str, cursor: int, project_id: str | None = None) -> tuple[Candidate, ...]:
        """What may be typed at the cursor, best first."""
        return complete(line, cursor, self.items(project_id), projects=self._names())

    def items(self, project_id: str | None = None) -> tuple[MediaItem, ...]:
        """The items of one or all opened projects."""
        opened = [p for p in self._core.library.open_projects() if project_id in (None, p.id)]
        return tuple(item for project in opened for item in self._core.records.items(project))

    def warm(self, project_id: str | None = None) -> None:
        """Have the texts of these items ready and forget all others; for a thread that draws nothing."""
        self._texts.keep(self.items(project_id))

    def _names(self) -> dict[str, str]:
        return {project.id: project.record.name for project in self._core.library.open_projects()}
