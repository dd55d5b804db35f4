"""What one project's list shows: its items and unfinished jobs, filtered and sorted. No terminal in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.text import one_line

SHOWN_PHASES = frozenset({Phase.SUBMITTING, Phase.UNKNOWN, Phase.QUEUED, Phase.RUNNING, Phase.FAILED, Phase.SUCCEEDED})
"""Jobs in these phases have a row: they are under way, or somebody has to look at them."""


class SortKey(StrEnum):
    """By what a list can be sorted."""

    NEWEST = "newest"
    PROMPT = "prompt"
    MODEL = "model"
    STATE = "state"
    TYPE = "type"
    SIZE = "size"
    LENGTH = "length"


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
_SORTS: dict[SortKey, Callable[[MediaItem], Any]] = {
    SortKey.NEWEST: lambda item: -item.created_at,
    SortKey.PROMPT: lambda item: item.prompt.casefold(),
    SortKey.MODEL: lambda item: item.model,
    SortKey.STATE: lambda item: _STATE_ORDER[item.save_state],
    SortKey.TYPE: lambda item: item.type.value,
    SortKey.SIZE: lambda item: -(item.file_size or 0),
    SortKey.LENGTH: lambda item: -(item.duration or 0.0),
}


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted."""

    by: SortKey = SortKey.NEWEST
    reverse: bool = False

    @property
    def words(self) -> str:
        """How a person reads it: ``newest``, ``size, reversed``."""
        return f"{self.by.value}, reversed" if self.reverse else self.by.value


_WITHOUT_BYTES = frozenset({SaveState.UNSAVED, SaveState.URL_ONLY, SaveState.EXPIRED})
_ON_DISK = frozenset({SaveState.SAVED, SaveState.SAVING})


def _could_be_saved(item: MediaItem) -> bool:
    return item.save_state not in _ON_DISK and (item.url is not None or item.spool is not None)


class Shelf:
    """The items and jobs of one project, and the rows they make.

    `rows` are the keys to show, jobs first: a job's identifier or an item's.
    """

    def __init__(self) -> None:
        self.items: dict[str, MediaItem] = {}
        self.jobs: dict[str, Job] = {}
        self.rows: list[str] = []
        self.order = Order()
        self.words = ""
        self._hay: dict[str, str] = {}
        self._sorted: list[str] | None = None
        self._counted: tuple[int, int, int, int] | None = None
        self._item_rows = 0
        self._hits: tuple[str, list[str]] | None = None

    def load(self, items: Iterable[MediaItem], jobs: Iterable[Job]) -> None:
        """Replace everything."""
        self.items = {item.id: item for item in items}
        self.jobs = {job.id: job for job in jobs}
        self._hay.clear()
        self._counted = None
        self._arrange(resort=True)

    def change(
        self, items: Sequence[MediaItem], jobs: Sequence[Job], gone_items: Sequence[str], gone_jobs: Sequence[str]
    ) -> set[str]:
        """Apply what one commit did; returns the keys whose rows changed."""
        resort = bool(gone_items)
        for item in items:
            before = self.items.get(item.id)
            sort = _SORTS[self.order.by]
            resort = resort or before is None or sort(before) != sort(item)
            self.items[item.id] = item
            self._hay.pop(item.id, None)
        for job in jobs:
            self.jobs[job.id] = job
        for key in gone_items:
            self.items.pop(key, None)
            self._hay.pop(key, None)
        for key in gone_jobs:
            self.jobs.pop(key, None)
        self._hits = self._counted = None
        self._arrange(resort=resort)
        return {*(item.id for item in items), *(job.id for job in jobs)}

    def sort(self, order: Order) -> None:
        """Sort in another way."""
        self.order = order
        self._arrange(resort=True)

    def filter(self, words: str) -> None:
        """Show only rows that hold every one of these words, in any field people see."""
        self.words = words
        self._arrange(resort=False)

    def _arrange(self, *, resort: bool) -> None:
        if resort or self._sorted is None:
            self._hits = None
            ordered = sorted(self.items.values(), key=_SORTS[self.order.by], reverse=self.order.reverse)
            self._sorted = [item.id for item in ordered]
        needles = self.words.casefold().split()
        jobs = [job.id for job in self.shown_jobs() if self._matches(self._job_hay(job), needles)]
        found = self._search(needles) if needles else self._sorted
        self._item_rows = len(found)
        self.rows = [*jobs, *found]

    def _search(self, needles: list[str]) -> list[str]:
        """Items that match; a longer word searches only what the shorter one found."""
        assert self._sorted is not None
        wanted = " ".join(needles)
        pool = self._sorted
        if self._hits is not None and wanted.startswith(self._hits[0]):
            pool = self._hits[1]
        found = [key for key in pool if self._matches(self._item_hay(key), needles)]
        self._hits = (wanted, found)
        return found

    @staticmethod
    def _matches(hay: str, needles: list[str]) -> bool:
        return all(needle in hay for needle in needles)

    def _item_hay(self, key: str) -> str:
        hay = self._hay.get(key)
        if hay is None:
            item = self.items[key]
            words = (item.prompt, item.model, item.name, item.type.value, item.save_state.value, item.role)
            hay = self._hay[key] = "\n".join(words).casefold()
        return hay

    @staticmethod
    def _job_hay(job: Job) -> str:
        return f"{job.prompt}\n{job.model}\n{job.phase.value}\n{job.type or ''}".casefold()

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
