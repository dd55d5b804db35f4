"""Every change to items and jobs, and the last resort when a project's disk refuses to record it.

A record that cannot reach its project goes to the spill file in the state folder (usually another file
system), is shown from there, and comes home by itself at the next success. A record is never only in memory.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

from mediatui.errors import StorageError, storage_error
from mediatui.library.files import FileLock, fsync_dir
from mediatui.library.index import item_from_document, item_to_document, job_from_document, job_to_document
from mediatui.library.library import Library
from mediatui.library.project import ProjectChange, ProjectFolder
from mediatui.model import Job, MediaItem

Record = TypeVar("Record", MediaItem, Job)


class _Spilled:
    """What one project has not taken yet."""

    def __init__(self) -> None:
        self.items: dict[str, MediaItem] = {}
        self.jobs: dict[str, Job] = {}


class Records:
    """Reads and writes items and jobs of all projects; safe from any thread."""

    def __init__(self, library: Library, spill: Path, announce: Callable[[ProjectChange], None]) -> None:
        self._library, self._folder, self._announce = library, spill, announce
        self._lock = threading.RLock()
        self._spilled: dict[str, _Spilled] = {}
        self._load()

    # -- reading

    def items(self, project: ProjectFolder) -> tuple[MediaItem, ...]:
        """The project's items with what is still in the spill file, newest first."""
        waiting = self._spilled.get(project.id)
        if waiting is None or not waiting.items:
            return project.items()
        merged = {item.id: item for item in project.items()} | waiting.items
        return tuple(sorted(merged.values(), key=lambda item: (-item.created_at, item.id)))

    def jobs(self, project: ProjectFolder) -> tuple[Job, ...]:
        """The project's jobs with what is still in the spill file, newest first."""
        waiting = self._spilled.get(project.id)
        if waiting is None or not waiting.jobs:
            return project.jobs()
        merged = {job.id: job for job in project.jobs()} | waiting.jobs
        return tuple(sorted(merged.values(), key=lambda job: (-job.created_at, job.id)))

    def find_item(self, project: ProjectFolder, item_id: str) -> MediaItem | None:
        """The item as last recorded."""
        waiting = self._spilled.get(project.id)
        return (waiting.items.get(item_id) if waiting else None) or project.find_item(item_id)

    def find_job(self, project: ProjectFolder, job_id: str) -> Job | None:
        """The job as last recorded."""
        waiting = self._spilled.get(project.id)
        return (waiting.jobs.get(job_id) if waiting else None) or project.find_job(job_id)

    def waiting(self) -> int:
        """Records that are in the spill file only."""
        return sum(len(s.items) + len(s.jobs) for s in self._spilled.values())

    # -- writing

    def put(self, project: ProjectFolder, *, items: Sequence[MediaItem] = (), jobs: Sequence[Job] = ()) -> None:
        """Record in one commit; in the spill file when the project refuses.

        Raises `StorageError` only when both refuse.
        """
        with self._lock:
            if project.id in self._spilled and not self._bring_home(project):
                self._spill(project, items, jobs)
                return
            try:
                project.commit(items=items, jobs=jobs)
            except StorageError:
                self._spill(project, items, jobs)

    def edit_item(
        self, project: ProjectFolder, item_id: str, change: Callable[[MediaItem], MediaItem | None]
    ) -> MediaItem:
        """Change the freshest version of an item; None from `change` leaves it. Returns the result."""
        with self._lock:
            waiting = self._spilled.get(project.id)
            spilled = waiting.items.get(item_id) if waiting else None
            if spilled is None:
                try:
                    return project.edit_item(item_id, change)
                except StorageError:
                    spilled = project.item(item_id)
            changed = change(spilled)
            if changed is not None:
                self.put(project, items=[changed])
            return changed or spilled

    def edit_job(self, project: ProjectFolder, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        """Change the freshest version of a job; None from `change` leaves it. Returns the result."""
        with self._lock:
            waiting = self._spilled.get(project.id)
            spilled = waiting.jobs.get(job_id) if waiting else None
            if spilled is None:
                try:
                    return project.edit_job(job_id, change)
                except StorageError:
                    spilled = project.job(job_id)
            changed = change(spilled)
            if changed is not None:
                self.put(project, jobs=[changed])
            return changed or spilled

    def write_result(self, project: ProjectFolder, job_id: str, raw: bytes) -> str:
        """Write a provider's raw answer down before anybody parses it; beside the spill file when need be.

        Returns its path relative to the project, or an absolute one in the spill folder.
        """
        try:
            return project.write_result(job_id, raw)
        except StorageError:
            return str(self._write_spilled(project.id, f"{job_id}.json", raw))

    def read_result(self, project: ProjectFolder, relative: str) -> bytes:
        """The raw answer again. Raises `StorageError` when it cannot be read."""
        path = Path(relative)
        inside_spill = path.is_absolute() and path.parent == self._folder / project.id
        try:
            return (path if inside_spill else project.path_of(relative)).read_bytes()
        except OSError as exc:
            raise storage_error(exc, "read the stored result") from exc

    def bring_home(self) -> bool:
        """Try to give every project its spilled records; True when none is left waiting."""
        with self._lock:
            for project_id in list(self._spilled):
                with suppress(StorageError):
                    project = self._library.find(project_id)
                    if project is not None:
                        self._bring_home(project)
            return not self._spilled

    # -- the spill file

    def _bring_home(self, project: ProjectFolder) -> bool:
        waiting = self._spilled.get(project.id)
        if waiting is None:
            return True
        try:
            project.commit(items=tuple(waiting.items.values()), jobs=tuple(waiting.jobs.values()))
        except StorageError:
            return False
        del self._spilled[project.id]
        with suppress(OSError):
            self._path(project.id).unlink()
        return True

    def _spill(self, project: ProjectFolder, items: Sequence[MediaItem], jobs: Sequence[Job]) -> None:
        entry = {
            "items": [item_to_document(item) for item in items],
            "jobs": [job_to_document(job) for job in jobs],
        }
        body = json.dumps(entry, ensure_ascii=True).encode()
        line = b"%08x %s\n" % (crc32(body), body)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._folder / "spill.lock"):
                fd = os.open(self._path(project.id), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.write(fd, line)
                    os.fsync(fd)
                finally:
                    os.close(fd)
                fsync_dir(self._folder)
        except OSError as exc:
            raise storage_error(exc, "record this anywhere, neither in the project nor in the state folder") from exc
        self._remember(project.id, items, jobs)
        change = ProjectChange(project.id, tuple(items), tuple(jobs), (), (), None, False)
        self._announce(change)

    def _remember(self, project_id: str, items: Iterable[MediaItem], jobs: Iterable[Job]) -> None:
        waiting = self._spilled.setdefault(project_id, _Spilled())
        waiting.items |= {item.id: item for item in items}
        waiting.jobs |= {job.id: job for job in jobs}

    def _write_spilled(self, project_id: str, name: str, data: bytes) -> Path:
        folder = self._folder / project_id
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / name
            temporary = path.with_name(f"{name}.tmp")
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            fsync_dir(folder)
        except OSError as exc:
            raise storage_error(exc, "write the result anywhere") from exc
        return path

    def _path(self, project_id: str) -> Path:
        return self._folder / f"{project_id}.jsonl"

    def _load(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            with suppress(OSError):
                for line in path.read_bytes().splitlines():
                    self._load_line(path.stem, line)

    def _load_line(self, project_id: str, line: bytes) -> None:
        checksum, _, body = line.partition(b" ")
        if checksum != b"%08x" % crc32(body):
            return  # torn: it was never acknowledged
        entry: dict[str, list[dict[str, Any]]] = json.loads(body)
        self._remember(
            project_id,
            [item_from_document(document, project_id, document["id"]) for document in entry["items"]],
            [job_from_document(document, project_id, document["id"]) for document in entry["jobs"]],
        )
