"""Write an export: one ZIP, whole or not at all, whatever single items do."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from mediatui.archive.manifest import NAME, Written, build_manifest, encode
from mediatui.archive.plan import ExportEntry, ExportPlan, MissingEntry
from mediatui.archive.writeback import Writeback
from mediatui.archive.zipwriter import Member, ZipWriter
from mediatui.errors import ExitCode, MediatuiError, SaveErrorKind, StorageBlocked, StorageError, storage_error
from mediatui.library.files import free_bytes, place
from mediatui.model import Job, MediaItem, now
from mediatui.text import human_bytes

Fetch = Callable[[ExportEntry, Path], None]
"""Downloads an entry to a file that does not exist yet; raises `SaveError` (any `MediatuiError` will do)."""

Progress = Callable[[int, int, int, int, str], None]
"""Told: files done, files in all, bytes done, bytes in all, the name of the entry in work."""

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
) -> ExportReport:
    """Carry out `plan`. Blocking; for a worker thread. `jobs` are the project's, by id.

    The archive grows as ``<target>.part`` and gets its name when it is complete and synced, another one
    (``-2``) if that is taken by then. An item that cannot be read or fetched is left out and listed. The
    bytes are stored as they are on disk: the CRC-32 is computed while copying, and where it and the size
    agree with the index its SHA-256 is taken over; otherwise that is computed from the bytes too.

    Raises `ExportStopped` once `stop` says so, `StorageError` (`StorageBlocked` for a full disk) when the
    target takes no bytes. Nothing is left behind then.
    """
    _check_room(plan)
    try:
        part, fd = _create_part(plan.target)
    except OSError as exc:
        raise _target_error(exc, plan.target) from exc
    try:
        try:
            with Writeback(fd) as writeback:
                zip_ = ZipWriter(fd, grown_to=writeback.grown_to)
                export = _Export(plan, jobs, fetch, _Meter(plan, progress), stop, part, zip_, fd)
                export.run()
                writeback.finish()
        except OSError as exc:
            raise _target_error(exc, plan.target) from exc
        finally:
            os.close(fd)
        path = place(part, plan.target)
    finally:
        with suppress(OSError):
            part.unlink()
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


def _create_part(target: Path) -> tuple[Path, int]:
    """``<target>.part``, or a numbered one where that name is taken: by another export, or by who knows what."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    names = (f"{target.name}.part" if n == 1 else f"{target.name}.{n}.part" for n in count(1))
    for name in names:
        part = target.with_name(name)
        with suppress(FileExistsError):
            return part, os.open(part, flags, 0o666)
    raise AssertionError("unreachable")


def _target_error(exc: OSError, target: Path) -> StorageError:
    error = storage_error(exc, f"write the export {target}")
    hint = "Nothing is left of it. Free some space or choose another target, then export again."
    return type(error)(error.message, hint=hint, kind=error.kind)


class _Unreadable(Exception):
    """An item's bytes cannot be had; the text says why."""


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
    part: Path
    zip: ZipWriter
    fd: int
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
                self.missing.append(MissingEntry(entry.item, str(exc)))
            self.meter.done_files += 1
        self._check_stop()
        manifest = encode(build_manifest(self.plan.project, self.written, self.missing, self.jobs))
        self.zip.add(NAME, now(), len(manifest), [memoryview(manifest)])
        self.zip.finish()
        self.meter.tell("", now=True)

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
                raise _Unreadable(f"{unreadable}; {also}") from also

    def _add_remote(self, entry: ExportEntry) -> Written:
        if self.fetch is None:
            raise _Unreadable("its bytes are not on this disk, and downloads were not allowed")
        fetched = self.part.with_name(f"{self.part.name}.{self.plan.id}")
        try:
            try:
                self.fetch(entry, fetched)
            except ExportStopped:
                raise
            except (MediatuiError, OSError) as exc:
                raise _Unreadable(f"it could not be downloaded: {exc}") from exc
            return self._add_file(entry, fetched)
        finally:
            fetched.unlink(missing_ok=True)

    def _add_file(self, entry: ExportEntry, path: Path) -> Written:
        try:
            source, size = _open(path)
        except OSError as exc:
            raise _unreadable(exc) from exc
        item = entry.item
        known = _index_hash(item) if item.file_size == size else None
        digest = None if known else hashlib.sha256()
        try:
            member = self.zip.add(entry.name, item.created_at, size, self._read(source, size, entry.name, digest))
        finally:
            os.close(source)
        crc = f"{member.crc32:08x}"
        differs = _differ(member.size, item.file_size) or _differ(crc, item.crc32)
        if digest is None:
            sha256 = known if known and not differs else self._hash_again(member)
        else:
            sha256 = digest.hexdigest()
            differs = differs or _differ(sha256, item.sha256)
        return Written(entry, member.size, sha256, crc, differs)

    def _read(self, source: int, size: int, name: str, digest: hashlib._Hash | None) -> Iterator[memoryview]:
        """The file's first `size` bytes in the one buffer. Raises `_Unreadable` when the disk gives an error."""
        left = size
        while left > 0:
            self._check_stop()
            try:
                got = os.readv(source, [self.buffer[:left]])
            except OSError as exc:
                raise _unreadable(exc) from exc
            if not got:
                break
            chunk = self.buffer[:got]
            if digest is not None:
                digest.update(chunk)
            yield chunk
            left -= got
            self.meter.done_bytes += got
            self.meter.tell(name)

    def _hash_again(self, member: Member) -> str:
        """The SHA-256 of an entry already written: its bytes are not those the index knows."""
        digest, at, end = hashlib.sha256(), member.start, member.start + member.size
        while at < end:
            self._check_stop()
            got = os.preadv(self.fd, [self.buffer[: end - at]], at)
            digest.update(self.buffer[:got])
            at += got
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
