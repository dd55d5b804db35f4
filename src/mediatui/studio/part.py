"""A download in progress: locked by who writes it, hashed as it grows, resumable when the server allows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mediatui.checksum import CHUNK_BYTES, Checksums, RunningChecksums
from mediatui.errors import SaveError, save_error_kind
from mediatui.library.lock import hold


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
        self._sums = RunningChecksums()

    def __enter__(self) -> Self:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc
        if not hold(self._fd):
            self.close()
            raise BusyPart(self.path.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and its lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._sums.size

    @property
    def checksums(self) -> Checksums:
        """Of everything written so far."""
        return self._sums.result()

    def resumable(self, url: str) -> Validator | None:
        """The validator of the bytes on disk when they began to come from `url`; hashes them. None: start anew."""
        try:
            note: Mapping[str, Any] = json.loads(self._note.read_text("utf-8"))
            known = Validator(url=note["url"], etag=note["etag"], modified=note["modified"], total=note["total"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if known.url != url or not known.condition or os.fstat(self._fd).st_size == 0:
            return None
        self._rehash()
        return known

    def begin(self, validator: Validator) -> None:
        """Start from nothing; remember what later bytes must match."""
        try:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            self._sums = RunningChecksums()
            note = {
                "url": validator.url,
                "etag": validator.etag,
                "modified": validator.modified,
                "total": validator.total,
            }
            self._note.write_text(json.dumps(note), "utf-8")
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes and count them into the checksums."""
        view = memoryview(data)
        self._sums.add(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc

    def head(self, count: int = 4096) -> bytes:
        """The first bytes."""
        return os.pread(self._fd, count, 0)

    def sync(self) -> None:
        """Bring the bytes to the disk."""
        try:
            os.fsync(self._fd)
        except OSError as exc:
            raise disk_refused(exc, "write the download") from exc

    def forget(self) -> None:
        """Remove the note; the file now has its final name or is of no use."""
        with suppress(OSError):
            self._note.unlink()

    def discard(self) -> None:
        """Remove file and note, so that a full disk has their room."""
        for path in (self.path, self._note):
            with suppress(OSError):
                path.unlink()

    def _rehash(self) -> None:
        self._sums = RunningChecksums()
        os.lseek(self._fd, 0, os.SEEK_SET)
        while chunk := os.read(self._fd, CHUNK_BYTES):
            self._sums.add(chunk)


def disk_refused(exc: OSError, doing: str) -> SaveError:
    """A failed file operation of a save, as the reason the item shows."""
    kind = save_error_kind(exc)
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    hint = "Free some space or fix the folder, then press r." if kind.storage_blocked else "Press r to try again."
    return SaveError(kind, f"could not {doing}: {reason}", hint=hint)
