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
from mediatui.library.files import fsync_dir, sync_file, write_all
from mediatui.library.generations import keep_generation, write_living
from mediatui.library.lock import FileLock, locks_hold
from mediatui.library.record import Changes, Doc, Effects, Tables, changes_as_record, encode, parse
from mediatui.library.replay import FORMAT, Damage, Replay, Schema, collector_paused, differences, merge

COMPACT_FROM = 1_000
"""Dead documents below which a file is never rewritten."""

_BATCH = 500
_NOWHERE = (-1, -1)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_OPEN = os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


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
        self._fd = -1
        self.path = path
        self.schema = schema or Schema()
        self.lock = FileLock(path.with_name(f"{path.stem}.lock"))
        self.on_apply: Callable[[Effects, bool], None] = lambda _effects, _foreign: None
        self.on_release: Callable[[], None] = lambda: None
        self.foreign_commits = 0
        """How often other processes' changes were taken."""
        self._read_only = False
        self._poisoned = False
        self._closed = False
        self._identity = _NOWHERE
        self._position: int = 0  # bytes taken
        self._tail: int = 0  # bytes after them that are a torn line
        self._line_ended: bool = True
        self._mtime: int = 0
        self._torn_end = b""
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
        return self._read_only

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
        lead = b"" if self._line_ended else b"\n"
        if self._state.version < self.schema.version:
            lead += encode({"n": number, "format": FORMAT, "version": self.schema.version, **self._torn()})
            number += 1
            line = encode({"n": number, "tables": changes_as_record(changes)})
        else:
            line = encode({"n": number, "tables": changes_as_record(changes), **self._torn()})
        return line[:-1], lead + line

    def _torn(self) -> Doc:
        return {"torn": self._tail} if self._tail else {}

    def _append(self, lines: bytes) -> None:
        written = False
        try:
            write_all(self._fd, lines)
            written = True
            sync_file(self._fd)
        except OSError as exc:
            self._undo(keep_trust=not written)
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc
        self._position += self._tail + len(lines)
        self._tail, self._line_ended = 0, True
        self._state.version = max(self._state.version, self.schema.version)
        status = os.fstat(self._fd)
        self._mtime = status.st_mtime_ns
        if status.st_size != self._position:  # somebody wrote in spite of the lock: read it all again
            self._identity = _NOWHERE

    def _undo(self, *, keep_trust: bool) -> None:
        """Take back a failed write. After a failed sync the kernel may have dropped the bytes and called them
        clean, so that file is never trusted again: the next commit writes a new one."""
        self._poisoned = not keep_trust
        try:
            os.ftruncate(self._fd, self._position + self._tail)
            self._mtime = os.fstat(self._fd).st_mtime_ns
        except OSError:
            self._poisoned = True

    def _require_writable(self) -> None:
        if self.too_new:
            raise StorageTooNew(
                f"the index of {self.path.parent.name} is of version {self.too_new}, ours is {self.schema.version}",
                hint="It is shown read-only and left untouched. Update mediatui to change it.",
            )
        if self._read_only or self._fd < 0:
            self._attach_again()
        if not self.lock.real:
            raise StorageBlocked(
                f"could not lock the index of {self.path.parent.name}: its folder is read-only",
                hint="Make the folder writable, then press R.",
                kind=SaveErrorKind.READ_ONLY,
            )

    def _attach_again(self) -> None:
        """The place was read-only; perhaps it is not any more."""
        try:
            if self._fd < 0:
                self._rewrite()
            else:
                os.close(os.open(self.path, os.O_RDWR | _OPEN))
                self._attach()
        except OSError as exc:
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc

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
        known = (status.st_dev, status.st_ino) == self._identity
        return not known or status.st_size != self._position + self._tail or status.st_mtime_ns != self._mtime

    def _catch_up_if_moved(self) -> bool:
        """With the lock held. A file that vanished under us is written again from memory, if its folder is there."""
        try:
            status = os.stat(self.path)
            if (status.st_dev, status.st_ino) != self._identity or self._fd < 0:
                return self._reload()
            end = self._position + self._tail
            if status.st_size < end or (status.st_size == end and status.st_mtime_ns != self._mtime):
                return self._reload()
            if status.st_size == end:
                return False
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
        if not self.path.parent.is_dir():
            raise StorageError(
                f"the folder of {self.path.parent.name} is gone",
                hint="Another program moved or deleted it. If it was deleted in mediatui, restore it from the trash.",
            )
        if self._fd >= 0:
            self._rewrite()

    def _reload(self) -> bool:
        """The file was replaced or changed in place: read it all again."""
        before = self._state
        try:
            self._load()
        except OSError:
            self._state, self._identity = before, _NOWHERE
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
        except StorageBlocked:
            self._read_only = True
        except OSError as exc:
            raise storage_error(exc, f"open {self.path}") from exc

    def _load(self) -> None:
        self._attach()
        self._state = Replay(self.path, self.schema)
        self._forget_position()
        with collector_paused():
            self._read_all()

    def _attach(self) -> None:
        try:
            fd, read_only = os.open(self.path, os.O_RDWR | _OPEN), False
        except OSError as exc:
            if exc.errno not in _REFUSED:
                raise
            fd, read_only = os.open(self.path, os.O_RDONLY | _OPEN), True
        self._close_file()
        self._fd, self._read_only = fd, read_only
        status = os.fstat(fd)
        self._identity = (status.st_dev, status.st_ino)

    def _forget_position(self) -> None:
        self._position, self._tail, self._line_ended, self._mtime = 0, 0, True, 0

    def _read_on(self) -> Effects:
        """Take the lines from our position on; says what they changed."""
        effects: Effects = {}
        for line in self._lines_from_here():
            merge(effects, self._state.take(line, self._position))
            self._position += len(line)
        merge(effects, self._take_tail())
        return effects

    def _read_all(self) -> None:
        """Take the whole file, in batches."""
        lines = self._lines_from_here()
        while batch := list(islice(lines, _BATCH)):
            self._state.take_all(batch, self._position)
            self._position += sum(map(len, batch))
        self._take_tail()

    def _lines_from_here(self) -> Iterator[bytes]:
        """The whole lines after our position; afterwards `_torn_end` is what followed them."""
        self._torn_end = b""
        with open(self._fd, "rb", buffering=1 << 20, closefd=False) as stream:
            stream.seek(self._position)
            for line in stream:
                if not line.endswith(b"\n"):
                    self._torn_end = line
                    break
                yield line
            self._mtime = os.fstat(self._fd).st_mtime_ns

    def _take_tail(self) -> Effects:
        """The end of the file without a newline: a commit that lacks only that, or a torn line."""
        tail, self._tail, self._line_ended = self._torn_end, 0, True
        if not tail or not self.lock.real:  # without the lock it may be a commit under way
            return {}
        effects = self._state.take_tail(tail, self._position)
        if effects is None:
            self._tail = len(tail)
        else:
            self._position += len(tail)
        self._line_ended = False
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
        safe = not (state.damage or self.too_new or self._read_only) and self.lock.real
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
            self._attach()
        except OSError as exc:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise storage_error(exc, f"write the index of {self.path.parent.name}") from exc
        status = os.fstat(self._fd)
        self._forget_position()
        self._position, self._mtime = status.st_size, status.st_mtime_ns
        self._state.seq, self._state.version, self._poisoned = last, self.schema.version, False
        self._state.written = self._state.living

    def close(self) -> None:
        """Close the file for good; memory stays readable, changing it raises `StorageError`."""
        with self.lock.threads:
            self._closed = True
            self._close_file()
        self.lock.close()

    def __del__(self) -> None:
        self._close_file()

    def _close_file(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._identity = -1, _NOWHERE
