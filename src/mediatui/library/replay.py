"""Lines in, tables out: what a journal says once every line of it has been taken in order.

The last line that names an id wins. Nothing is dropped in silence: a line that cannot be used, or is used
in doubt, leaves a `Damage`.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mediatui.library.record import Doc, Effects, Reading, Tables, Unreadable, parse_many, read_line, verify

FORMAT = "mediatui-index"
Upcaster = Callable[[str, Doc], Doc]
"""Turns a document of a table into its form one version later; pure, and harmless when applied twice."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a file that is not as it was written. Shown, never hidden.

    `lost`: the place could not be used; an earlier version of what it said stands, if there is one.
    """

    path: Path
    offset: int
    length: int
    reason: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """The version documents are written in, its tables, and how to read older ones (version → next)."""

    version: int = 1
    tables: tuple[str, ...] = ()
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)


class Replay:
    """The state of one journal file, built line by line."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self.schema = schema
        self.tables: Tables = {}
        self.gone: dict[str, set[str]] = {}
        """Ids whose last word was a deletion."""
        self.damage: list[Damage] = []
        self.seq = -1
        self.version = 0
        """The version of the lines that come next; 0 while no header was seen."""
        self.written = 0
        """Document versions and deletions taken; less the living documents, that is what compaction saves."""
        self._gap_explained = True

    @property
    def living(self) -> int:
        """Documents in all tables."""
        return sum(map(len, self.tables.values()))

    @property
    def too_new(self) -> bool:
        """A newer program wrote (part of) this file."""
        return self.version > self.schema.version

    def take(self, line: bytes, offset: int) -> Effects:
        """Take one whole line, with its newline; returns what it changed."""
        if line == b"\n":
            return {}
        try:
            reading = self._credible(read_line(line[:-1], {*self.schema.tables, *self.tables}))
        except Unreadable as exc:
            self._flag(offset, len(line), str(exc), lost=True)
            self._gap_explained = True
            return {}
        return self._take_reading(reading, offset, len(line))

    def take_all(self, lines: Sequence[bytes], offset: int) -> None:
        """Take whole lines at once: what `take` does for each, faster, and without saying what changed."""
        if self.version == 0 and lines:  # the first one says which version the others have
            self.take(lines[0], offset)
            lines, offset = lines[1:], offset + len(lines[0])
        texts = [line[:-1] for line in lines]
        records = parse_many(texts) if all(map(verify, texts)) else None
        if records is None or self.version != self.schema.version:
            for line in lines:
                self.take(line, offset)
                offset += len(line)
            return
        for record, line in zip(records, lines, strict=True):
            self._excuse_torn(record, offset)
            self._check_order(record, offset, len(line))
            self._apply_shared(record)
            offset += len(line)

    def _apply_shared(self, record: Doc) -> None:
        """`apply` for a record of today's version whose keys are shared already."""
        if "version" in record or None in record.get("tables", {}).values():
            self.apply(record)
            return
        self.seq = record.get("n", self.seq + 1)
        for name, change in record.get("tables", {}).items():
            self._apply_table(name, change.get("put", {}), change.get("del", ()))

    def take_tail(self, tail: bytes, offset: int) -> Effects | None:
        """Take the end of a file that has no newline; None when it is a torn write that nobody acknowledged."""
        try:
            reading = self._credible(read_line(tail, {*self.schema.tables, *self.tables}))
        except Unreadable:
            return None
        return self._take_reading(reading, offset, len(tail))

    def apply(self, record: Doc) -> Effects:
        """Make a record part of the state; returns what it changed."""
        self.seq = record.get("n", self.seq + 1)
        if "version" in record:
            self.version = max(self.version, int(record["version"]))
        changes: Effects = {}
        for name, change in record.get("tables", {}).items():
            if change is None:
                dropped = self.tables.pop(name, {})
                self.gone.setdefault(name, set()).update(dropped)
                changes[name] = dict.fromkeys(dropped)
                continue
            put = {key: self._current(name, key, doc) for key, doc in change.get("put", {}).items()}
            self._apply_table(name, put, change.get("del", ()))
            changes[name] = {**put, **dict.fromkeys(change.get("del", ()))}
        return changes

    def _credible(self, reading: Reading) -> Reading:
        """In doubt, a document is believed under its own id or one in use. Raises `Unreadable`."""
        for record in () if reading.verified else reading.records:
            for name, change in record["tables"].items():
                if any("id" not in doc and key not in self.tables.get(name, ()) for key, doc in change["put"].items()):
                    raise Unreadable("the checksum does not match")
        return reading

    def _apply_table(self, name: str, put: dict[str, Doc], gone: Sequence[str]) -> None:
        table, dead = self.tables.setdefault(name, {}), self.gone.setdefault(name, set())
        table.update(put)
        dead.difference_update(put)
        for key in gone:
            table.pop(key, None)
            dead.add(key)
        self.written += len(put) + len(gone)

    def _take_reading(self, reading: Reading, offset: int, length: int) -> Effects:
        if reading.trouble:
            self._flag(offset, length, reading.trouble, lost=reading.lost)
        changes: Effects = {}
        for record in reading.records:
            if reading.verified:
                self._excuse_torn(record, offset)
                self._check_order(record, offset, length)
            merge(changes, self.apply(record))
        return changes

    def _excuse_torn(self, record: Doc, offset: int) -> None:
        """A writer that found a torn line says so in its own: that line was never acknowledged, so it is no damage."""
        last = self.damage[-1] if self.damage else None
        if last and last.lost and last.length == record.get("torn", -1) + 1 and last.offset + last.length == offset:
            self.damage.pop()

    def _check_order(self, record: Doc, offset: int, length: int) -> None:
        number = record.get("n", -1)
        if self.version == 0 and "version" not in record:
            self.version = 1
            if not self.damage:
                self._flag(offset, length, "the header is missing")
        elif self.seq >= 0 and number != self.seq + 1 and not self._gap_explained:
            self._flag(offset, length, f"commit {number} follows commit {self.seq}")
        self._gap_explained = False

    def _current(self, table: str, key: str, doc: Doc) -> Doc:
        doc = {sys.intern(name): value for name, value in doc.items()}
        for version in range(self.version or self.schema.version, self.schema.version):
            try:
                doc = self.schema.upcasters[version](table, doc)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
                self._flag(0, 0, f"{table}/{key} could not be brought up from version {version}: {exc!r}")
                return doc
        return doc

    def _flag(self, offset: int, length: int, reason: str, *, lost: bool = False) -> None:
        self.damage.append(Damage(self.path, offset, length, reason, lost))


def merge(into: Effects, later: Effects) -> None:
    """Add what a later commit changed to what earlier ones did."""
    for name, change in later.items():
        into.setdefault(name, {}).update(change)


def differences(old: Tables, new: Tables) -> Effects:
    """What turns one state into the other."""
    changes: Effects = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name, {}), new.get(name, {})
        change: dict[str, Doc | None] = {k: doc for k, doc in after.items() if before.get(k) != doc}
        change.update(dict.fromkeys(before.keys() - after.keys()))
        if change:
            changes[name] = change
    return changes


def replay_file(path: Path, schema: Schema) -> Replay:
    """Read a journal that nobody writes to, such as an earlier generation. Raises `OSError`."""
    state, offset = Replay(path, schema), 0
    with path.open("rb", buffering=1 << 20) as stream, collector_paused():
        for line in stream:
            if line.endswith(b"\n"):
                state.take(line, offset)
            else:
                state.take_tail(line, offset)
            offset += len(line)
    return state


_PAUSES = threading.Lock()
_paused = 0
_was_enabled = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile, which doubles the time a large journal takes to load.

    What was loaded lives as long as its project, so later collections need not walk it.
    """
    global _paused, _was_enabled
    with _PAUSES:
        if _paused == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _PAUSES:
            _paused -= 1
            if _paused == 0 and _was_enabled:
                gc.freeze()
                gc.enable()
