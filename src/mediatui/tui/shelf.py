"""What the list shows: items and unfinished jobs of one project or of all, filtered and sorted. No terminal in here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from mediatui.library.query.order import Order, sort_items
from mediatui.model import Job, MediaItem, MediaType, Phase, SaveState
from mediatui.text import one_line
from mediatui.tui.ordering import NEWEST

if TYPE_CHECKING:
    from mediatui.library.query.query import Problem, Query, Texts

SHOWN_PHASES = frozenset({Phase.SUBMITTING, Phase.UNKNOWN, Phase.QUEUED, Phase.RUNNING, Phase.FAILED, Phase.SUCCEEDED})
"""Jobs in these phases have a row: they are under way, or somebody has to look at them."""


_STATE_ORDER = {
    state: number
    for number, state in enumerate(
        (
            SaveState.UNSAVED,
            SaveState.MISSING,
            SaveState.SAVING,
            SaveState.URL_ONLY,
            SaveState.EXPIRED,
            SaveState.SAVED,
        )
    )
}


def sorted_items(
    items: Iterable[MediaItem], order: Order, projects: Mapping[str, str] | None = None
) -> list[MediaItem]:
    """Items by a column; states by how much they need a look, the newest first among equals."""
    newest = sort_items(items, NEWEST) if order != NEWEST else items
    if order.column == "state":
        return sorted(newest, key=lambda item: _STATE_ORDER[item.save_state], reverse=order.reverse)
    return sort_items(newest, order, projects=projects)


def _stand_alike(first: MediaItem, second: MediaItem, order: Order, projects: Mapping[str, str]) -> bool:
    """They have the same place in an order."""
    return all(sorted_items(pair, order, projects) == list(pair) for pair in ((first, second), (second, first)))


_WITHOUT_BYTES = frozenset({SaveState.UNSAVED, SaveState.URL_ONLY, SaveState.EXPIRED})
_ON_DISK = frozenset({SaveState.SAVED, SaveState.SAVING})


def _could_be_saved(item: MediaItem) -> bool:
    return item.save_state not in _ON_DISK and (item.url is not None or item.spool is not None)


Compile = Callable[[str], "Query"]
"""A filter line as a test of items."""


def _alike(job: Job) -> MediaItem:
    return MediaItem(
        job.id,
        job.project,
        job.phase.value,
        job.type or MediaType.VIDEO,
        role="job",
        provider=job.provider,
        model=job.model,
        prompt=job.prompt,
        params=job.params,
        save_state=SaveState.SAVING,
        created_at=job.created_at,
    )


def _compiler() -> Compile:
    """Lines into queries that share the texts of the items."""
    kept: list[Texts] = []

    def compile(line: str) -> Query:
        from mediatui.library.query.query import Texts, parse_query

        if not kept:
            kept.append(Texts())
        return parse_query(line, texts=kept[0])

    return compile


EVERYWHERE = "*"
"""Stands for all projects where a project's identifier is expected; none has this character."""


class Shelf:
    """The items and jobs of one project or of all, and the rows they make.

    `rows` are the keys to show, jobs first: a job's identifier or an item's.
    """

    def __init__(self) -> None:
        self.items: dict[str, MediaItem] = {}
        self.jobs: dict[str, Job] = {}
        self.rows: list[str] = []
        self.order = NEWEST
        self.words = ""
        """The filter line."""
        self.problems: tuple[Problem, ...] = ()
        """Its terms that filter nothing."""
        self.projects: Mapping[str, str] = {}
        """Projects' names by identifier, where rows of several stand together."""
        self.project_cells = 0
        """The width of the longest of them."""
        self.compile: Compile = _compiler()
        self._alike: dict[str, tuple[Job, MediaItem]] = {}
        self._sorted: list[str] | None = None
        self._counted: tuple[int, int, int, int] | None = None
        self._item_rows = 0

    def load(self, items: Iterable[MediaItem], jobs: Iterable[Job]) -> None:
        """Replace everything."""
        self.items = {item.id: item for item in items}
        self.jobs = {job.id: job for job in jobs}
        self._alike.clear()
        self._counted = None
        self._arrange(resort=True)

    def change(
        self, items: Sequence[MediaItem], jobs: Sequence[Job], gone_items: Sequence[str], gone_jobs: Sequence[str]
    ) -> set[str]:
        """Apply what one commit did; returns the keys whose rows changed."""
        resort = bool(gone_items)
        for item in items:
            before = self.items.get(item.id)
            resort = resort or before is None or not _stand_alike(before, item, self.order, self.projects)
            self.items[item.id] = item
        for job in jobs:
            self.jobs[job.id] = job
        for key in gone_items:
            self.items.pop(key, None)
        for key in gone_jobs:
            self.jobs.pop(key, None)
            self._alike.pop(key, None)
        self._counted = None
        self._arrange(resort=resort)
        return {*(item.id for item in items), *(job.id for job in jobs)}

    def name_projects(self, projects: Mapping[str, str]) -> bool:
        """Show these names with the rows, or none; whether anything changed."""
        if projects == self.projects:
            return False
        self.projects = projects
        self.project_cells = max(map(cell_len, projects.values()), default=0)
        self._arrange(resort=self.order.column == "project")
        return True

    def sort(self, order: Order) -> None:
        """Sort in another way."""
        self.order = order
        self._arrange(resort=True)

    def filter(self, words: str) -> None:
        """Show only rows that pass a filter line."""
        self.words = words
        self._arrange(resort=False)

    def _arrange(self, *, resort: bool) -> None:
        if resort or self._sorted is None:
            self._sorted = [item.id for item in sorted_items(self.items.values(), self.order, self.projects)]
        # No line, no language: it is loaded with the first filter.
        query = self.compile(self.words) if self.words.strip() else None
        self.problems = query.problems if query else ()
        found, jobs = self._sorted, self.shown_jobs()
        if query is not None and not query.is_empty:
            found = [item.id for item in query.select(self.items[key] for key in found)]
            jobs = [job for job in jobs if query.matches(self._as_item(job))]
        self._item_rows = len(found)
        self.rows = [*(job.id for job in jobs), *found]

    def _as_item(self, job: Job) -> MediaItem:
        """A job as a filter sees it: by what it was asked for, as something that is being made."""
        held = self._alike.get(job.id)
        if held is None or held[0] is not job:
            held = self._alike[job.id] = (job, _alike(job))
        return held[1]

    def shown_jobs(self) -> list[Job]:
        """Jobs with a row, newest first: unfinished ones, and failed ones until they are dismissed."""
        done = (
            {item.job for item in self.items.values()}
            if any(job.phase is Phase.SUCCEEDED for job in self.jobs.values())
            else set()
        )
        shown = [
            job
            for job in self.jobs.values()
            if job.phase in SHOWN_PHASES
            and not (job.phase is Phase.SUCCEEDED and (job.id in done or self.settled(job)))
        ]
        return sorted(shown, key=lambda job: -job.created_at)

    @staticmethod
    def settled(job: Job) -> bool:
        """A job that succeeded and whose result was collected."""
        return job.phase is Phase.SUCCEEDED and job.error is None

    def followers(self, before: Sequence[str]) -> dict[str, str]:
        """Which row took the place of a job's row that is gone: the first item the job made."""
        gone = set(before).intersection(self.jobs).difference(self.rows)
        return {item.job: key for key, item in reversed(self.items.items()) if item.job in gone and item.job}

    def in_order(self, keys: Collection[str]) -> list[MediaItem]:
        """These items in the order of the list, those that a filter hides among the others."""
        return [self.items[key] for key in self._sorted or () if key in keys]

    @property
    def hits(self) -> int:
        """Items among the rows."""
        return self._item_rows

    @property
    def unsaved(self) -> int:
        """Items that "retry all" would act on."""
        return self._count()[0]

    @property
    def expired(self) -> int:
        """Items whose URL no longer answers and that were never saved."""
        return self._count()[1]

    @property
    def bytes(self) -> int:
        """The size of the files on disk."""
        return self._count()[2]

    @property
    def without_file(self) -> int:
        """Items that "save all to disk" would act on."""
        return self._count()[3]

    def unsaved_since(self, before: float) -> int:
        """Items without a file that were made before a time."""
        return sum(item.created_at < before and item.save_state in _WITHOUT_BYTES for item in self.items.values())

    def _count(self) -> tuple[int, int, int, int]:
        if self._counted is None:
            items = self.items.values()
            self._counted = (
                sum(item.save_state.wants_saving for item in items),
                sum(item.save_state is SaveState.EXPIRED for item in items),
                sum(item.file_size or 0 for item in items if item.path),
                sum(_could_be_saved(item) for item in items),
            )
        return self._counted

    def title(self, key: str) -> str:
        """The prompt of a row on one line, or its name."""
        record = self.items.get(key) or self.jobs.get(key)
        if record is None:
            return ""
        fallback = record.name if isinstance(record, MediaItem) else record.model
        return one_line(record.prompt, 400) or fallback
