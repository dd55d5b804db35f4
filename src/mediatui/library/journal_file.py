"""The append-only file behind a project's index: durable commits, several processes, no repair by deletion.

A commit is one `write` and one sync of one line, under a lock of the kernel; memory changes only after the
disk did. Other processes' commits are taken before each own one. A torn line is never cut off, a failed sync
retires the file, and a rewrite keeps the earlier file as generation ``.1``.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from mediatui.errors import SaveErrorKind, StorageBlocked, StorageError, StorageTooNew, storage_error
from mediatui.library.files import fsync_dir
from mediatui.library.generations import keep_generation, write_living
from mediatui.library.handle import Handle, SyncFailed
from mediatui.library.lock import FileLock, locks_hold
from mediatui.library.record import Changes, Doc, Effects, Tables, changes_as_record, encode, parse
from mediatui.library.replay import FORMAT, Damage, Replay, Schema, collector_paused, differences, merge

COMPACT_FROM = 1_000
"""Dead documents below which a file is never rewritten."""

_BATCH = 500


class JournalFile:
    """One journal: its tables in memory, and their durable change.

    `initial` gives the tables to begin with; it is asked when there is no file, or one of which nothing can
    be read. `on_apply` hears of every change right after memory took it, with the lock held; `on_release`
    is called after the lock was given back. Raises `StorageError` when the file cannot even be read.
    """

    def __init__(
        self,
        path: Path,
        schema: Schema | None = None,
        *,
        initial: Callable[[], Tables] = dict,
        compact: bool = True,
    ) -> None:
        self._file = Handle()
        self.path = path
        self.schema = schema or Schema()
        self.lock = FileLock(path.with_name(f"{path.stem}.lock"))
        self.on_apply: Callable[[Effects, bool], None] = lambda _effects, _foreign: None
        self.on_release: Callable[[], None] = lambda: None
        self.foreign_commits = 0
        """How often other processes' changes were taken."""
        self.refusal: StorageBlocked | None = None
        """Why the file could not be begun, when there was none and there still is none."""
        self._read_only = False
        self._poisoned = False
        self._closed = False
        self._state = Replay(path, self.schema)
        with self.lock:
            self._open(initial)
            if compact and self._worth_compacting():
                with suppress(StorageError):  # a service to later starts; the file is fine as it is
                    self._rewrite()

    # -- what it holds

    @property
    def tables(self) -> Tables:
        """The live tables. Not to be changed, nor walked without a copy while other threads may commit."""
        return self._state.tables

    @property
    def gone(self) -> dict[str, set[str]]:
        """By table, the ids that this file says were removed."""
        return self._state.gone

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Places in the file that are not as they were written."""
        return tuple(self._state.damage)

    @property
    def seq(self) -> int:
        """The number of the last commit taken."""
        return self._state.seq

    @property
    def read_only(self) -> bool:
        """The file or its folder takes no bytes from this user."""
        return self._read_only or self._file.read_only

    @property
    def too_new(self) -> int:
        """The file's version when that is newer than ours, else 0."""
        return self._state.version if self._state.too_new else 0

    # -- commits

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock, with every other process's commits applied. Reentrant. Raises `StorageError`."""
        try:
            with self.lock:
                if self._closed:
                    raise StorageError(f"the index of {self.path.parent.name} is closed")
                if self.lock.depth == 1:
                    self._catch_up_if_moved()
                yield
        finally:
            if not self.lock.mine:
                self.on_release()

    def commit(self, changes: Changes) -> None:
        """Append one line, durable on return, and then change memory: all of it or nothing.

        Raises `StorageError` (memory and disk are as before), `TypeError` or `ValueError` for values that
        JSON does not have.
        """
        if not changes:
            return
        with self.transaction():
            self._require_writable()
            if self._poisoned:
                self._rewrite()
            commit, lines = self._lines(changes)
            self._append(lines)
            effects = self._state.apply(parse(commit))
            self.on_apply(effects, False)

    def _lines(self, changes: Changes) -> tuple[bytes, bytes]:
        """The commit's own line without its newline, and everything to be appended."""
        number = self._state.seq + 1
        lead = b"" if self._file.line_ended else b"\n"
        if self._state.version < self.schema.version:
            lead += encode({"n": number, "format": FORMAT, "version": self.schema.version, **self._torn()})
            number += 1
            line = encode({"n": number, "tables": changes_as_record(changes)})
        else:
            line = encode({"n": number, "tables": changes_as_record(changes), **self._torn()})
        return line[:-1], lead + line

    def _torn(self) -> Doc:
        return {"torn": self._file.torn} if self._file.torn else {}

    def _append(self, lines: bytes) -> None:
        try:
            self._file.append(lines)
        except OSError as exc:
            self._poisoned = isinstance(exc, SyncFailed)
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc
        self._state.version = max(self._state.version, self.schema.version)

    def _require_writable(self) -> None:
        if self.too_new:
            raise StorageTooNew(
                f"the index of {self.path.parent.name} is of version {self.too_new}, ours is {self.schema.version}",
                hint="It is shown read-only and left untouched. Update mediatui to change it.",
            )
        if self.read_only or not self._file.is_open:
            self._try_writing_again()
        if not self.lock.real:
            raise StorageBlocked(
                f"could not lock the index of {self.path.parent.name}: its folder is read-only",
                hint="Make the folder writable, then try again.",
                kind=SaveErrorKind.READ_ONLY,
            )

    def _try_writing_again(self) -> None:
        """The place was read-only; perhaps it is not any more."""
        try:
            if self._file.is_open:
                self._file.reopen_for_writing(self.path)
            else:
                self._rewrite()
        except OSError as exc:
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc
        self._read_only = False

    # -- reading

    def poll(self) -> bool:
        """Apply other processes' commits, if there are any; one `stat` when there are none.

        Returns whether anything changed; a busy lock means "ask again later". Raises `StorageError`.
        """
        if self._closed or not self._moved() or not self.lock.try_acquire():
            return False
        try:
            return self._catch_up_if_moved()
        finally:
            self.lock.release()
            if not self.lock.mine:
                self.on_release()

    def _moved(self) -> bool:
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise storage_error(exc, f"read the index of {self.path.parent.name}") from exc
        return not self._file.is_unchanged(status)

    def _catch_up_if_moved(self) -> bool:
        """With the lock held. A file that vanished under us is written again from memory, if its folder is there."""
        try:
            status = os.stat(self.path)
            if self._file.is_unchanged(status):
                return False
            if not self._file.has_grown(status):
                return self._reload()
            effects = self._read_on()
        except FileNotFoundError:
            self._restore_vanished()
            return False
        except OSError as exc:
            raise storage_error(exc, f"read the index of {self.path.parent.name}") from exc
        return self._tell_foreign(effects)

    def _tell_foreign(self, effects: Effects) -> bool:
        if effects:
            self.foreign_commits += 1
            self.on_apply(effects, True)
        return bool(effects)

    def _restore_vanished(self) -> None:
        if not _is_there(self.path.parent):
            raise StorageError(
                f"the folder of {self.path.parent.name} is gone",
                hint="Another program moved or deleted it. If it was deleted in mediatui, restore it from the trash.",
            )
        if self._file.is_open:
            self._rewrite()

    def _reload(self) -> bool:
        """The file was replaced or changed in place: read it all again."""
        before = self._state
        try:
            self._load()
        except OSError:
            self._state = before
            self._file.distrust()
            raise
        if self._state.seq < before.seq:
            self._went_back(before)
        effects = differences(before.tables, self._state.tables)
        return self._tell_foreign(effects)

    def _went_back(self, before: Replay) -> None:
        """Another program put an older file here. What we know was acknowledged, so it is written again."""
        ours = differences(self._state.tables, before.tables)
        changes: Tables = {
            name: kept
            for name, change in ours.items()
            if (kept := {key: doc for key, doc in change.items() if doc is not None})
        }
        note = f"the file went back from commit {before.seq} to {self._state.seq}; newer records were written again"
        self._state.seq = max(self._state.seq, before.seq)
        told, self.on_apply = self.on_apply, lambda _effects, _foreign: None
        try:
            self.commit({name: dict(kept) for name, kept in changes.items()})
        except StorageError:
            for name, kept in changes.items():  # still ours to show, and to write as soon as the disk takes it
                self._state.tables.setdefault(name, {}).update(kept)
            self._poisoned = True
        finally:
            self.on_apply = told
        self._state.damage.append(Damage(self.path, 0, 0, note))

    def _open(self, initial: Callable[[], Tables]) -> None:
        try:
            if self.path.exists():
                self._load()
                if self._state.version or self._state.living:
                    return
            self._state.tables = initial()
            self._rewrite()
        except StorageBlocked as exc:
            self._read_only, self.refusal = True, exc
        except OSError as exc:
            raise storage_error(exc, f"open {self.path}") from exc

    def _load(self) -> None:
        self._file.attach(self.path)
        self._state = Replay(self.path, self.schema)
        with collector_paused():
            lines = self._file.lines()
            while batch := list(islice(lines, _BATCH)):
                self._state.take_all(batch, self._file.position)
                self._file.position += sum(map(len, batch))
            self._take_rest()

    def _read_on(self) -> Effects:
        """Take the lines from our position on; says what they changed."""
        effects: Effects = {}
        for line in self._file.lines():
            merge(effects, self._state.take(line, self._file.position))
            self._file.position += len(line)
        merge(effects, self._take_rest())
        return effects

    def _take_rest(self) -> Effects:
        """The end of the file without a newline: a commit that lacks only that, or a torn line."""
        file, rest = self._file, self._file.rest
        if not rest or not self.lock.real:  # without the lock it may be a commit under way
            return {}
        effects = self._state.take_tail(rest, file.position)
        if effects is None:
            file.torn = len(rest)
        else:
            file.position += len(rest)
        file.line_ended = False
        return effects or {}

    # -- rewriting

    def accept_damage(self) -> None:
        """A person looked at the damage: write what is in memory to a fresh file, keeping this one as ``.1``.

        Raises `StorageError`.
        """
        with self.transaction():
            self._require_writable()
            self._rewrite()
            self._state.damage.clear()

    def _worth_compacting(self) -> bool:
        state = self._state
        dead = state.written - state.living
        wanted = dead > COMPACT_FROM and dead * 2 > state.written
        safe = not (state.damage or self.too_new or self.read_only) and self.lock.real
        return wanted and safe and locks_hold(self.path.parent)

    def _rewrite(self) -> None:
        """Write the living documents to a new file and put it in place; the earlier file becomes ``.1``."""
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            if not self.lock.real:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            for stale in self.path.parent.glob(f"{self.path.name}.*.tmp"):
                stale.unlink(missing_ok=True)
            last = write_living(temporary, self._state, self.schema)
            if self.path.exists() and self.path.stat().st_size:
                keep_generation(self.path)
            os.replace(temporary, self.path)
            fsync_dir(self.path.parent)
            self._file.attach(self.path)
            self._file.skip_to_end()
        except OSError as exc:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc
        self._state.seq, self._state.version, self._poisoned = last, self.schema.version, False
        self._state.written = self._state.living

    def close(self) -> None:
        """Close the file for good; memory stays readable, changing it raises `StorageError`."""
        with self.lock.threads:
            self._closed = True
            self._file.close()
        self.lock.close()

    def __del__(self) -> None:
        self._file.close()


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError as exc:
        raise storage_error(exc, f"find {folder}") from exc
