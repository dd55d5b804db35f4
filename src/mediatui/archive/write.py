"""Write an export: one ZIP file or folder, whole or not at all, whatever single items do."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from mediatui.archive.embed import Range, Segment, embedded, length_of
from mediatui.archive.manifest import NAME, Written, build_manifest, encode
from mediatui.archive.plan import ExportEntry, ExportPlan, MissingEntry, Sheet
from mediatui.archive.sinks import FolderSink, Sink, Stored, ZipSink
from mediatui.errors import (
    ExitCode,
    MediatuiError,
    SaveError,
    SaveErrorKind,
    StorageBlocked,
    StorageError,
    storage_error,
)
from mediatui.library.files import free_bytes
from mediatui.model import Job, MediaItem, now
from mediatui.text import human_bytes

Fetch = Callable[[ExportEntry, Path], None]
"""Downloads an entry to a file that does not exist yet; raises `SaveError` (any `MediatuiError` will do)."""

Progress = Callable[[int, int, int, int, str], None]
"""Told: files done, files in all, bytes done, bytes in all, the name of the entry in work."""

Poster = Callable[[MediaItem], Path | None]
"""A small picture of an item's file, as JPEG; None when there is none."""

BUFFER_BYTES = 1 << 20
"""The measured optimum: smaller and larger buffers are both slower."""

PROGRESS_SECONDS = 0.1


class ExportStopped(MediatuiError):
    """A person stopped the export; nothing of it is left."""

    title = "Export stopped"
    exit_code = ExitCode.INTERRUPTED


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written where; `missing` holds those of the plan and those that failed on the way."""

    plan_id: str
    path: Path
    files: int
    bytes: int
    missing: tuple[MissingEntry, ...]


def write_export(
    plan: ExportPlan,
    jobs: Mapping[str, Job],
    fetch: Fetch | None,
    progress: Progress,
    stop: Callable[[], bool],
    poster: Poster | None = None,
) -> ExportReport:
    """Carry out `plan`. Blocking; for a worker thread. `jobs` are the project's, by id.

    The archive (or folder) grows as ``<target>.part`` and gets its name when it is complete, another one
    (``-2``) if that is taken by then. An item that cannot be read or fetched is left out and
    listed. The bytes are stored as they are on disk, except where copies are to say how they were made. The
    CRC-32 is computed while copying, and where it and the size agree with the index its SHA-256 is taken
    over; otherwise that is computed from the bytes too. `poster` gives pictures for contact sheets.

    Raises `ExportStopped` once `stop` says so, `StorageError` (`StorageBlocked` for a full disk) when the
    target takes no bytes. Nothing is left behind then.
    """
    _check_room(plan)
    try:
        sink: Sink = FolderSink(plan.target) if plan.options.folder else ZipSink(plan.target)
    except OSError as exc:
        raise _target_error(exc, plan.target) from exc
    try:
        export = _Export(plan, jobs, fetch, _Meter(plan, progress), stop, sink, poster)
        export.run()
        sink.finish()
        path = sink.place(plan.target)
    except OSError as exc:
        raise _target_error(exc, plan.target) from exc
    finally:
        sink.close()
    total = sum(one.size for one in export.written)
    return ExportReport(plan.id, path, len(export.written), total, tuple(export.missing))


def _check_room(plan: ExportPlan) -> None:
    folder = plan.target.parent
    free = free_bytes(folder)
    if plan.bytes > free:
        raise StorageBlocked(
            f"the export needs {human_bytes(plan.bytes)}, but only {human_bytes(free)} are free in {folder}",
            hint="Free some space or choose another target, then export again.",
            kind=SaveErrorKind.FULL,
        )


def _target_error(exc: OSError, target: Path) -> StorageError:
    error = storage_error(exc, f"write the export {target}")
    hint = "Nothing is left of it. Free some space or choose another target, then export again."
    return type(error)(error.message, hint=hint, kind=error.kind)


class _Unreadable(Exception):
    """An item's bytes cannot be had; the text says why, `host` which host would have to be allowed."""

    def __init__(self, reason: str, host: str = "") -> None:
        super().__init__(reason)
        self.host = host


class _Meter:
    """Passes progress on, at most ten times a second and at each end."""

    def __init__(self, plan: ExportPlan, progress: Progress) -> None:
        self._progress = progress
        self._files, self._total = plan.files, plan.bytes
        self._next = 0.0
        self.done_files = self.done_bytes = 0

    def tell(self, name: str, *, now: bool = False) -> None:
        moment = time.monotonic()
        if now or moment >= self._next:
            self._next = moment + PROGRESS_SECONDS
            total = max(self._total, self.done_bytes)
            self._progress(self.done_files, self._files, self.done_bytes, total, name)


@dataclass(slots=True)
class _Export:
    """One run of an export, up to the directory of the archive."""

    plan: ExportPlan
    jobs: Mapping[str, Job]
    fetch: Fetch | None
    meter: _Meter
    stop: Callable[[], bool]
    sink: Sink
    poster: Poster | None
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(BUFFER_BYTES)))
    written: list[Written] = field(default_factory=list)
    missing: list[MissingEntry] = field(default_factory=list)

    def run(self) -> None:
        self.missing.extend(self.plan.missing)
        for entry in self.plan.entries:
            self.meter.tell(entry.name)
            before = self.meter.done_bytes
            try:
                self.written.append(self._add(entry))
            except _Unreadable as exc:
                self.meter.done_bytes = before
                self.missing.append(MissingEntry(entry.item, str(exc), exc.host))
            self.meter.done_files += 1
        self._check_stop()
        for sheet in sorted(self.plan.options.sheets):
            self._put(sheet.file_name, self._sheet(sheet))
        self._put(NAME, encode(build_manifest(self.plan.project, self.written, self.missing, self.jobs)))
        self.meter.tell("", now=True)

    def _put(self, name: str, data: bytes) -> None:
        self.sink.add(name, now(), len(data), [memoryview(data)])

    def _sheet(self, sheet: Sheet) -> bytes:
        from mediatui.archive.sheet import Tile, html_sheet
        from mediatui.archive.sheet_image import image_sheet

        tiles = []
        for one in self.written:
            self._check_stop()
            self.meter.tell(sheet.file_name)
            picture = self.poster(one.entry.item) if self.poster else None
            tiles.append(Tile(one.entry.item, quote(one.entry.name), picture))
        make = html_sheet if sheet is Sheet.HTML else image_sheet
        return make(self.plan.project.name, tiles)

    def _check_stop(self) -> None:
        if self.stop():
            raise ExportStopped("the export was stopped; nothing of it is left", hint="Export again when you like.")

    def _add(self, entry: ExportEntry) -> Written:
        """The local file first, the URL second."""
        self._check_stop()
        if entry.source is None:
            return self._add_remote(entry)
        try:
            return self._add_file(entry, entry.source)
        except _Unreadable as unreadable:
            if entry.url is None or self.fetch is None:
                raise
            try:
                return self._add_remote(entry)
            except _Unreadable as also:
                raise _Unreadable(f"{unreadable}; {also}", also.host) from also

    def _add_remote(self, entry: ExportEntry) -> Written:
        if self.fetch is None:
            raise _Unreadable("its bytes are not on this disk, and downloads were not allowed")
        fetched = self.sink.part.with_name(f"{self.sink.part.name}.{self.plan.id}")
        try:
            try:
                self.fetch(entry, fetched)
            except ExportStopped:
                raise
            except (MediatuiError, OSError) as exc:
                host = exc.host if isinstance(exc, SaveError) else ""
                raise _Unreadable(f"it could not be downloaded: {exc}", host) from exc
            return self._add_file(entry, fetched)
        finally:
            fetched.unlink(missing_ok=True)

    def _add_file(self, entry: ExportEntry, path: Path) -> Written:
        try:
            source, size = _open(path)
        except OSError as exc:
            raise _unreadable(exc) from exc
        item = entry.item
        try:
            pieces = embedded(source, size, item) if self.plan.options.embed else None
            if pieces is not None:
                return self._add_embedded(entry, source, pieces)
            known = _index_hash(item) if item.file_size == size else None
            digest = None if known else hashlib.sha256()
            whole = self._read(source, (Range(0, size),), entry.name, digest)
            stored = self.sink.add(entry.name, item.created_at, size, whole)
        finally:
            os.close(source)
        crc = f"{stored.crc32:08x}"
        differs = _differ(stored.size, item.file_size) or _differ(crc, item.crc32)
        if digest is None:
            sha256 = known if known and not differs else self._hash_again(stored)
        else:
            sha256 = digest.hexdigest()
            differs = differs or _differ(sha256, item.sha256)
        return Written(entry, stored.size, sha256, crc, differs)

    def _add_embedded(self, entry: ExportEntry, source: int, pieces: Sequence[Segment]) -> Written:
        """A copy that says how it was made; its checksums are its own."""
        digest = hashlib.sha256()
        chunks = self._read(source, pieces, entry.name, digest)
        stored = self.sink.add(entry.name, entry.item.created_at, length_of(pieces), chunks)
        return Written(entry, stored.size, digest.hexdigest(), f"{stored.crc32:08x}", embedded=True)

    def _read(
        self, source: int, pieces: Sequence[Segment], name: str, digest: hashlib._Hash | None
    ) -> Iterator[memoryview]:
        """The pieces in the one buffer. Raises `_Unreadable` when the disk gives an error."""
        for piece in pieces:
            for chunk in self._bytes_of(source, piece):
                if digest is not None:
                    digest.update(chunk)
                yield chunk
                self.meter.done_bytes += len(chunk)
                self.meter.tell(name)

    def _bytes_of(self, source: int, piece: Segment) -> Iterator[memoryview]:
        if isinstance(piece, bytes):
            yield memoryview(piece)
            return
        at = piece.start
        while at < piece.end:
            self._check_stop()
            try:
                got = os.preadv(source, [self.buffer[: piece.end - at]], at)
            except OSError as exc:
                raise _unreadable(exc) from exc
            if not got:
                return
            yield self.buffer[:got]
            at += got

    def _hash_again(self, stored: Stored) -> str:
        """The SHA-256 of an entry already written: its bytes are not those the index knows."""
        digest = hashlib.sha256()
        for chunk in self.sink.again(stored, self.buffer):
            self._check_stop()
            digest.update(chunk)
        return digest.hexdigest()


def _open(path: Path) -> tuple[int, int]:
    """The file, open for reading, and its size. Raises `OSError`."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    info = os.fstat(fd)
    if not stat.S_ISREG(info.st_mode):
        os.close(fd)
        raise OSError("it is not a regular file")
    return fd, info.st_size


def _unreadable(exc: OSError) -> _Unreadable:
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    return _Unreadable(f"its file could not be read: {reason}")


def _index_hash(item: MediaItem) -> str | None:
    """The SHA-256 in the index, where there is a CRC-32 to recognise the bytes by."""
    return item.sha256 if item.crc32 else None


def _differ(actual: int | str, recorded: int | str | None) -> bool:
    return recorded is not None and recorded != actual
