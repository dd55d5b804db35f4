"""Records by identifier, and newest first, without sorting again."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """What can stand on a shelf."""

    @property
    def id(self) -> str:
        """Its identifier."""

    @property
    def created_at(self) -> float:
        """Its time, in seconds since the epoch."""


R = TypeVar("R", bound=Dated)


class Shelf(Generic[R]):
    """Records of one kind. Every method may be called from any thread; snapshots are never changed."""

    def __init__(self, records: Iterable[R] = ()) -> None:
        self._lock = Lock()
        self._by_id = {record.id: record for record in records}
        self._order = sorted(map(_place, self._by_id.values()))
        self._newest: tuple[R, ...] | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, identifier: str) -> R | None:
        """The record, or None."""
        return self._by_id.get(identifier)

    def newest(self) -> tuple[R, ...]:
        """All records, the newest first; those of one moment by identifier."""
        with self._lock:
            if self._newest is None:
                self._newest = tuple([self._by_id[identifier] for _, identifier in self._order])
            return self._newest

    def put(self, record: R) -> None:
        """Add or replace a record."""
        with self._lock:
            before = self._by_id.get(record.id)
            if before is None or before.created_at != record.created_at:
                if before is not None:
                    self._remove(before)
                insort(self._order, _place(record))
            self._by_id[record.id] = record
            self._newest = None

    def drop(self, identifier: str) -> bool:
        """Remove a record; False when there was none."""
        with self._lock:
            record = self._by_id.pop(identifier, None)
            if record is None:
                return False
            self._remove(record)
            self._newest = None
            return True

    def _remove(self, record: R) -> None:
        del self._order[bisect_left(self._order, _place(record))]


def _place(record: Dated) -> tuple[float, str]:
    return -record.created_at, record.id
