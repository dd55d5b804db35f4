"""The spill: records and raw answers that a project refused, in the state folder, usually another file system.

One checksummed line for each change, under a lock of the kernel; several instances may write and empty it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from mediatui.errors import storage_error
from mediatui.library.files import FileLock, fsync_dir, write_all, write_atomic
from mediatui.library.index import item_from_document, item_to_document, job_from_document, job_to_document
from mediatui.model import Job, MediaItem


@dataclass(slots=True)
class Waiting:
    """What one project has not taken yet, as last changed."""

    items: dict[str, MediaItem] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    def take(self, items: Iterable[MediaItem], jobs: Iterable[Job]) -> None:
        """Remember these; whoever reads meanwhile sees the old dictionaries or the new ones."""
        self.items = self.items | {item.id: item for item in items}
        self.jobs = self.jobs | {job.id: job for job in jobs}


class Spill:
    """The folder of spilled records. Blocking; one caller at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._given: dict[str, int] = {}
        """Bytes of a project's file that it has taken, where the file could not be removed."""

    def projects(self) -> tuple[str, ...]:
        """The projects that something waits for; none where nobody may look."""
        try:
            with_results = {path.parent.name for path in self.folder.glob("*/*.json")}
            with_records = {path.stem for path in self.folder.glob("*.jsonl") if self._has_records(path.stem)}
        except PermissionError:
            return ()
        return tuple(sorted(with_results | with_records))

    def holds(self, project_id: str) -> bool:
        """Something waits for this project."""
        return self._has_records(project_id) or os.path.exists(self._results(project_id))

    def read(self, project_id: str) -> Waiting:
        """What waits for a project; torn lines were never acknowledged and are passed over."""
        with suppress(OSError):
            return self._read(project_id)[0]
        return Waiting()

    def add(self, project_id: str, items: Sequence[MediaItem], jobs: Sequence[Job]) -> None:
        """Write down a change, durably. Raises `StorageError` when this place refuses as well."""
        entry = {"items": [item_to_document(i) for i in items], "jobs": [job_to_document(j) for j in jobs]}
        body = json.dumps(entry, ensure_ascii=True).encode()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._lock():
                self._append(self._path(project_id), b"%08x %s\n" % (crc32(body), body))
        except OSError as exc:
            raise storage_error(exc, "record this anywhere, neither in the project nor in the state folder") from exc

    def drain(self, project_id: str, commit: Callable[[Waiting], None]) -> None:
        """Give what waits to `commit`, then forget it; with other instances locked out.

        Raises what it raises, and `StorageError` when it cannot be read.
        """
        if not self._has_records(project_id):
            return
        with self._lock():
            try:
                waiting, whole = self._read(project_id)
            except FileNotFoundError:
                return  # another instance was faster
            except OSError as exc:
                raise storage_error(exc, f"read {self._path(project_id)}") from exc
            if waiting.items or waiting.jobs:
                commit(waiting)
            self._forget(project_id, whole)

    def write_result(self, project_id: str, name: str, raw: bytes) -> None:
        """Keep a raw answer. Raises `StorageError`."""
        write_atomic(self._results(project_id) / f"{name}.json", raw)

    def read_result(self, project_id: str, name: str) -> bytes:
        """A raw answer that is kept here. Raises `OSError`."""
        return (self._results(project_id) / f"{name}.json").read_bytes()

    def drain_results(self, project_id: str, keep: Callable[[str, bytes], object]) -> None:
        """Give each raw answer to `keep`, by its name, then forget it. Raises what it raises, and `StorageError`."""
        folder = self._results(project_id)
        for path in sorted(folder.glob("*.json")):
            try:
                keep(path.stem, path.read_bytes())
                path.unlink()
            except FileNotFoundError:
                continue  # another instance was faster
            except OSError as exc:
                raise storage_error(exc, f"bring {path} home") from exc
        with suppress(OSError):
            folder.rmdir()

    def _has_records(self, project_id: str) -> bool:
        try:
            size = self._path(project_id).stat().st_size
        except OSError:
            return False
        return size not in (0, self._given.get(project_id))

    def _read(self, project_id: str) -> tuple[Waiting, bool]:
        """What the file says, and whether every line of it could be read. Raises `OSError`."""
        waiting, whole = Waiting(), True
        data, given = self._path(project_id).read_bytes(), self._given.get(project_id, 0)
        for line in data[given if len(data) >= given else 0 :].splitlines():
            if (entry := _parsed(project_id, line)) is not None:
                waiting.take(*entry)
            elif line:
                whole = False
        return waiting, whole

    def _forget(self, project_id: str, whole: bool) -> None:
        """Remove the file. A later version may have written what nobody could read of it: then it stays, beside."""
        path = self._path(project_id)
        try:
            if whole:
                path.unlink()
            else:
                path.rename(path.with_suffix(f".unread-{time.time_ns()}"))
        except FileNotFoundError:
            pass
        except OSError:
            with suppress(OSError):
                self._given[project_id] = path.stat().st_size
            return
        self._given.pop(project_id, None)

    def _append(self, path: Path, line: bytes) -> None:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            write_all(fd, b"\n" + line if torn else line)
            os.fsync(fd)
        finally:
            os.close(fd)
        fsync_dir(self.folder)

    def _lock(self) -> FileLock:
        return FileLock(self.folder / "spill.lock")

    def _path(self, project_id: str) -> Path:
        return self.folder / f"{project_id}.jsonl"

    def _results(self, project_id: str) -> Path:
        return self.folder / project_id


def _parsed(project_id: str, line: bytes) -> tuple[list[MediaItem], list[Job]] | None:
    checksum, _, body = line.partition(b" ")
    if checksum != b"%08x" % crc32(body):
        return None
    try:
        entry: dict[str, list[dict[str, Any]]] = json.loads(body)
        items = [item_from_document(document, project_id, document["id"]) for document in entry["items"]]
        return items, [job_from_document(document, project_id, document["id"]) for document in entry["jobs"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
