"""A download in progress: locked by who writes it, hashed as it grows, resumable when the server allows."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mediatui.checksum import CHUNK_BYTES, Checksums, RunningChecksums
from mediatui.errors import SaveError, SaveErrorKind, save_error_kind
from mediatui.library.files import sync_file, write_all
from mediatui.library.lock import hold
from mediatui.media.whole import is_cut
from mediatui.studio.advice import TRY_AGAIN
from mediatui.studio.appender import Appender

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
HEAD_BYTES = 4096
"""Of a file: enough to tell its format by."""
NOTE_SECONDS = 0.25
"""A download that takes less than this is sooner begun anew than noted."""


class BusyPart(Exception):
    """Another process writes this part file now."""


@dataclass(frozen=True, slots=True)
class Validator:
    """What must be unchanged at the server for the bytes on disk to be the start of the same file."""

    url: str
    etag: str = ""
    """A strong ETag, or empty."""
    modified: str = ""
    total: int | None = None

    @property
    def condition(self) -> str:
        """The value for If-Range; empty when the server gave nothing to compare."""
        return self.etag or self.modified


class PartFile:
    """The ``.part`` file of one item, with its checksums. Use as a context manager.

    Raises `BusyPart` on entering when another process holds it, `SaveError` when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(f"{path.name}.json")
        self._fd = -1
        self._end = Appender(-1)
        self._sums = RunningChecksums()
        self._source: Validator | None = None
        self._began = 0.0
        self._noted = False
        self._cut: bool | None = None
        """What the bytes so far say of their end, once they were looked at."""
        self.whole = False
        """All there is of the file is here, and on the disk."""
        self.placed: os.stat_result | None = None
        """The file that an earlier run gave its final name to, and was stopped right then."""

    def __enter__(self) -> Self:
        try:
            # Not `parents`: a project that was moved away must not come back as an empty folder.
            self.path.parent.mkdir(exist_ok=True)
            while self._fd < 0:
                self._lock_own()
            self._end = Appender(self._fd)
        except OSError as exc:
            self.close()
            raise disk_refused(exc, "write the download") from exc
        except BaseException:  # a fence: nobody would close what was never entered
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # then it begins anew
            if self.size:
                self._write_note()
            elif self._is_own() and not os.fstat(self._fd).st_size:
                os.unlink(self.path)  # nothing came: nothing is kept
        self.close()

    def close(self) -> None:
        """Let go of the file and its lock."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):  # it is closed all the same; what matters was synced
                os.close(fd)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._sums.size

    @property
    def checksums(self) -> Checksums:
        """Of everything written so far."""
        return self._sums.result()

    def resumable(self, url: str) -> Validator | None:
        """The validator of the bytes on disk when they began to come from `url`; hashes them. None: start anew.

        Bytes from before the machine was started are not trusted: a power cut may have left holes in them.
        """
        known = self._source or self._read_note()
        if known is None or known.url != url:
            return None
        try:
            if self.size == 0:
                self._rehash()
        except OSError as exc:
            raise disk_refused(exc, "read the download so far") from exc
        return known if self.size and (known.condition or known.total == self.size) else None

    def begin(self, validator: Validator) -> None:
        """Start from nothing; remember what later bytes must match.

        That is noted on disk when it is left in the middle, or takes a while.
        """
        try:
            self._note.unlink(missing_ok=True)
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._end.begin()
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc
        self._sums = RunningChecksums()
        self._source, self._noted, self._began = validator, False, time.monotonic()
        self._cut, self.whole = None, False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes and count them into the checksums."""
        self._sums.add(data)
        self._cut = None
        try:
            self._end.write(data)
            if not self._noted and time.monotonic() - self._began >= NOTE_SECONDS:
                self._write_note()
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc

    def room(self) -> int:
        """Bytes that may still be written where the file is."""
        try:
            found = os.fstatvfs(self._fd)
        except (OSError, AttributeError):  # not known here: writing will tell
            return 1 << 62
        return found.f_bavail * found.f_frsize

    def head(self, count: int = HEAD_BYTES) -> bytes:
        """The first bytes. Raises `SaveError`."""
        try:
            self._end.settle()
            return os.pread(self._fd, count, 0)
        except OSError as exc:
            raise disk_refused(exc, "read the download") from exc

    def is_cut(self) -> bool:
        """The file says that bytes are missing at its end, whatever anybody said of its length. Raises `SaveError`."""
        self.require_own()
        try:
            if self._cut is None:
                self._end.settle()
                self._cut = is_cut(self.path)
        except OSError as exc:
            raise disk_refused(exc, "read the download") from exc
        return self._cut

    def sync(self) -> None:
        """Bring the bytes to the disk. Raises `SaveError`; then none of them is kept.

        The disk tells once of bytes that it lost: another sync succeeds, and they are lost all the same.
        """
        try:
            sync_file(self._fd)
        except OSError as exc:
            self.discard()
            raise disk_refused(exc, "write the download") from exc

    def note_whole(self) -> None:
        """What was written and synced is the whole file: nothing more is asked for, should it not get its name."""
        self.whole = True
        if self._source is not None:
            self._source, self._noted = replace(self._source, total=self.size), False

    def require_own(self) -> None:
        """Raise `SaveError` when another program took the file away, or put something else in its place."""
        if not self._is_own():
            raise SaveError(SaveErrorKind.IO, "another program took the unfinished download away")

    def _is_own(self) -> bool:
        try:
            return self._fd >= 0 and os.path.samestat(os.fstat(self._fd), os.lstat(self.path))
        except OSError:
            return False

    def forget(self) -> None:
        """Remove the note; the file now has its final name."""
        self._source = None
        with suppress(OSError):
            self._note.unlink()

    def discard(self) -> None:
        """Remove file and note, so that a full disk has their room."""
        self._source = None
        for path in (self.path, self._note):
            with suppress(OSError):
                path.unlink()

    def _lock_own(self) -> None:
        """Open and lock; leaves nothing open unless the locked file is still the part, and only the part.

        Between opening and locking, whoever held it may have given the file its final name: it must never be
        written to again.
        """
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | _NO_LINK, 0o666)
        except OSError as exc:
            if exc.errno != errno.ELOOP:
                raise
            os.unlink(self.path)  # a link, of which only the name goes: nothing is written to where it leads
            return
        if not hold(self._fd):
            raise BusyPart(self.path.name)
        status = os.fstat(self._fd)
        current = self._is_own()
        if current and (status.st_nlink > 1 or not stat.S_ISREG(status.st_mode)):
            os.unlink(self.path)
            self.placed = status if status.st_nlink > 1 else None
            current = False
        if not current:
            self.close()

    def _write_note(self) -> None:
        if self._source is None or self._noted or not (self._source.condition or self.whole):
            return
        note = json.dumps({**asdict(self._source), "boot": _boot()}).encode()
        self._note.unlink(missing_ok=True)
        fd = os.open(self._note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            write_all(fd, note)
        finally:
            os.close(fd)
        self._noted = True

    def _read_note(self) -> Validator | None:
        try:
            note: Any = json.loads(self._note.read_text("utf-8"))
            total = None if note["total"] is None else int(note["total"])
            known = Validator(str(note["url"]), str(note["etag"]), str(note["modified"]), total)
            boot = note["boot"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return known if boot == _boot() else None

    def _rehash(self) -> None:
        self._sums = RunningChecksums()
        os.lseek(self._fd, 0, os.SEEK_SET)
        while chunk := os.read(self._fd, CHUNK_BYTES):
            self._sums.add(chunk)


def disk_refused(exc: OSError, doing: str) -> SaveError:
    """A failed file operation of a save, as the reason the item shows."""
    kind = save_error_kind(exc)
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    hint = (
        f"Free some space or fix the folder, then {TRY_AGAIN}."
        if kind.storage_blocked
        else f"{TRY_AGAIN} goes on with it."
    )
    return SaveError(kind, f"could not {doing}: {reason}", hint=hint)


@cache
def _boot() -> str:
    """Which start of the machine this is; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
