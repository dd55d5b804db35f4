"""One project: its folder, its index and its files."""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from typing import Any

from mediatui.errors import StorageError, UsageError, storage_error
from mediatui.library.fields import is_inside
from mediatui.library.files import checked_id, replace_file, tree_size, write_atomic
from mediatui.library.index import (
    PROJECT_KEY,
    SCHEMA,
    encode_sidecar,
    item_from_document,
    item_to_document,
    job_from_document,
    job_to_document,
    project_from_document,
    stored_project,
)
from mediatui.library.journal import Damage, JournalDB
from mediatui.library.lock import locks_hold
from mediatui.library.record import Changes, Doc, Effects, Tables
from mediatui.library.recovery import find_lost, rebuild, sidecar_of
from mediatui.library.replay import collector_paused
from mediatui.library.shelf import Shelf
from mediatui.locations import INDEX
from mediatui.model import Job, MediaItem, Project
from mediatui.text import plural


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What one commit did, told after memory changed. `project` is set when its own record changed."""

    project_id: str
    items: tuple[MediaItem, ...] = ()
    jobs: tuple[Job, ...] = ()
    gone_items: tuple[str, ...] = ()
    gone_jobs: tuple[str, ...] = ()
    project: Project | None = None
    foreign: bool = False
    """Made by another instance."""


Listener = Callable[[ProjectChange], None]


class ProjectFolder:
    """One project on disk. Every method may be called from any thread; reading never waits for the disk.

    Opening rebuilds a lost index from earlier generations, the records beside files, and the files. Raises
    `StorageError` when the folder cannot be read at all.
    """

    def __init__(self, folder: Path, on_change: Listener | None = None, *, new: Project | None = None) -> None:
        self.id = folder.name
        self.folder = folder
        self._on_change = on_change
        self._pending: deque[ProjectChange] = deque()
        self._telling = RLock()
        self._new = new
        self._repaired = ""
        self._doubts: dict[str, Damage] = {}
        try:
            self.inode = folder.stat().st_ino
            self._locks_hold = locks_hold(folder)
            with collector_paused():
                self._db = JournalDB(folder / INDEX, SCHEMA, initial=self._initial)
                self._require_begun()
                self._recover_lost()
                self._load()
        except OSError as exc:
            raise storage_error(exc, f"open the project {self.id}") from exc
        self._db.journal.on_apply = self._applied
        self._db.journal.on_release = self._tell

    # -- what it is

    @property
    def record(self) -> Project:
        """The project's own record."""
        return self._record

    @property
    def writable(self) -> bool:
        """Whether commits can be expected to work; a read-only place is tried again at each commit."""
        return not (self._db.journal.too_new or self._db.journal.read_only)

    @property
    def notice(self) -> str:
        """Why it is read-only, damaged or was repaired, in words; empty when all is well."""
        journal, parts = self._db.journal, []
        if journal.too_new:
            parts.append(f"Written by a newer mediatui (index version {journal.too_new}); opened read-only.")
        elif journal.read_only:
            parts.append("The folder is read-only: everything can be looked at, nothing can be changed.")
        if not self._locks_hold:
            parts.append(
                "Locks do not hold on this network folder: use one mediatui at a time; the index is never compacted."
            )
        if self._repaired:
            parts.append(self._repaired)
        if found := self.damage:
            parts.append(f"{plural(len(found), 'damaged place')} in the index; what can be read is shown.")
        return " ".join(parts)

    @property
    def damage(self) -> tuple[Damage, ...]:
        """Places in the index that are not as they were written, and records with values that make no sense."""
        return (*self._db.journal.damage, *self._doubts.values())

    @property
    def db(self) -> JournalDB:
        """The index as TinyDB."""
        return self._db

    def items(self) -> tuple[MediaItem, ...]:
        """All items, the newest first."""
        return self._items.newest()

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, the newest first."""
        return self._jobs.newest()

    def find_item(self, item_id: str) -> MediaItem | None:
        """The item, or None."""
        return self._items.get(item_id)

    def find_job(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._jobs.get(job_id)

    def item(self, item_id: str) -> MediaItem:
        """The item. Raises `UsageError` when there is none."""
        if (found := self._items.get(item_id)) is None:
            raise UsageError(f"there is no item {item_id} in {self._record.name}")
        return found

    def job(self, job_id: str) -> Job:
        """The job. Raises `UsageError` when there is none."""
        if (found := self._jobs.get(job_id)) is None:
            raise UsageError(f"there is no job {job_id} in {self._record.name}")
        return found

    # -- changing it

    def commit(
        self,
        *,
        items: Sequence[MediaItem] = (),
        jobs: Sequence[Job] = (),
        gone_items: Sequence[str] = (),
        gone_jobs: Sequence[str] = (),
        project: Project | None = None,
    ) -> None:
        """Record all of it as one durable line, or none of it. Raises `StorageError`; memory is unchanged then."""
        with self.transaction():
            wanted: dict[str, dict[str, Doc | None]] = {
                "items": {**{i.id: item_to_document(self._own(i)) for i in items}, **dict.fromkeys(gone_items)},
                "jobs": {**{j.id: job_to_document(self._own(j)) for j in jobs}, **dict.fromkeys(gone_jobs)},
                "project": {PROJECT_KEY: stored_project(project)} if project else {},
            }
            held = self._db.journal.tables
            changes: Changes = {}
            for name, docs in wanted.items():
                table = held.get(name, {})
                if real := {key: doc for key, doc in docs.items() if table.get(key) != doc}:
                    changes[name] = real
            self._db.journal.commit(changes)

    def edit_item(self, item_id: str, change: Callable[[MediaItem], MediaItem | None]) -> MediaItem:
        """Change an item's freshest state, with other instances locked out; None leaves it as it is.

        Returns the result. Raises `UsageError` when there is no such item, `StorageError`.
        """
        with self.transaction():
            item = self.item(item_id)
            if (changed := change(item)) is None:
                return item
            self.commit(items=(changed,))
            return self.item(item_id)

    def edit_items(self, edits: Sequence[tuple[str, Callable[[MediaItem], MediaItem | None]]]) -> list[MediaItem]:
        """`edit_item` for several, in one commit: all of them or, when one of them raises, none."""
        with self.transaction():
            after: dict[str, MediaItem] = {}
            for item_id, change in edits:
                changed = change(after.get(item_id) or self.item(item_id))
                if changed is not None:
                    after[item_id] = changed
            self.commit(items=list(after.values()))
            return [self.item(item_id) for item_id, _ in edits]

    def edit_job(self, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        """Change a job's freshest state, with other instances locked out; None leaves it as it is.

        Returns the result. Raises `UsageError` when there is no such job, `StorageError`.
        """
        with self.transaction():
            job = self.job(job_id)
            if (changed := change(job)) is None:
                return job
            self.commit(jobs=(changed,))
            return self.job(job_id)

    def edit_record(self, change: Callable[[Project], Project]) -> Project:
        """Change the project's own record. Raises `StorageError`."""
        with self.transaction():
            self.commit(project=change(self._record))
            return self._record

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the project's lock, with every other instance's commits applied; commits inside are fine."""
        with self._db.journal.transaction():
            yield

    def poll(self) -> bool:
        """Apply other instances' commits; True when something changed. Raises `StorageError`."""
        return self._db.journal.poll()

    def accept_damage(self) -> None:
        """The damage was looked at: go on with what is shown; the damaged file stays as an earlier generation.

        Raises `StorageError`.
        """
        with self.transaction():
            self.commit(items=[i for i in self.items() if f"items/{i.id}" in self._doubts])
            self.commit(jobs=[j for j in self.jobs() if f"jobs/{j.id}" in self._doubts])
            self._db.journal.accept_damage()
            self._doubts.clear()
            self._repaired = ""

    # -- its files

    def write_sidecar(self, item: MediaItem, *, sync_name: bool = True) -> None:
        """Write the item's record beside its media file. Raises `StorageError`, `UsageError` without a path.

        Without `sync_name` its name is durable once its folder is synced.
        """
        if item.path is None:
            raise UsageError(f"{item.name} has no file to put a record beside")
        write = write_atomic if sync_name else replace_file
        write(sidecar_of(self.path_of(item.path)), encode_sidecar(self._own(item)))

    def write_result(self, job_id: str, raw: bytes) -> str:
        """Keep a provider's raw answer, durably; returns its relative path. Raises `StorageError`."""
        return self._write_own(f"results/{checked_id(job_id)}.json", raw)

    def write_spool(self, item_id: str, data: bytes) -> str:
        """Keep bytes that came inline in an answer, durably; returns their relative path. Raises `StorageError`."""
        return self._write_own(f"parts/{checked_id(item_id)}.spool", data)

    def path_of(self, relative: str) -> Path:
        """The absolute path of a path in a record. Raises `UsageError` when it would leave the project."""
        path = self.folder / relative
        if not is_inside(relative) or (_has_links(self.folder, relative) and not _is_below(self.folder, path)):
            raise UsageError(f"“{relative}” leads out of the project {self._record.name}")
        return path

    def bytes_on_disk(self) -> int:
        """The size of everything in the folder. Raises `StorageError`."""
        try:
            return tree_size(os.fspath(self.folder))
        except OSError as exc:
            raise storage_error(exc, f"measure {self.folder}") from exc

    def close(self) -> None:
        """Close the files; what was read stays readable."""
        self._db.close()

    # -- inside

    def _own(self, record: Any) -> Any:
        return record if record.project == self.id else replace(record, project=self.id)

    def _write_own(self, relative: str, data: bytes) -> str:
        path = self.path_of(relative)
        try:
            if path.read_bytes() == data:
                return relative
        except OSError:
            pass
        try:
            self.folder.stat()  # one that was moved away or deleted does not come back for a single file
        except OSError as exc:
            raise storage_error(exc, f"write {path.name} to {self.id}") from exc
        write_atomic(path, data)
        return relative

    def _initial(self) -> Tables:
        """The tables of a project without a usable index: a new one's, or what can be found again."""
        if self._new is not None:
            return {"project": {PROJECT_KEY: stored_project(self._new)}}
        found = rebuild(self.folder)
        self._repaired = f"The index {_trouble_of(self.folder / INDEX)} and was rebuilt: {found}."
        return found.tables

    def _require_begun(self) -> None:
        """A new project that is not on the disk is none. Raises `StorageBlocked`."""
        journal = self._db.journal
        if self._new is not None and journal.refusal is not None:
            self._db.close()
            raise journal.refusal

    def _recover_lost(self) -> None:
        """Look for what unreadable places in the index may have said."""
        journal = self._db.journal
        if not any(place.lost for place in journal.damage):
            return
        found = find_lost(self.folder, journal.tables, journal.gone)
        if found.total:
            self._repaired = f"Recovered {found}."
            changes: Changes = {name: dict(table) for name, table in found.tables.items() if table}
            try:
                journal.commit(changes)
            except StorageError:  # read-only: show them all the same
                for name, table in found.tables.items():
                    journal.tables.setdefault(name, {}).update(table)

    def _load(self) -> None:
        tables = self._db.journal.tables
        self._items = Shelf(self._read_item(key, doc) for key, doc in tables.get("items", {}).items())
        self._jobs = Shelf(self._read_job(key, doc) for key, doc in tables.get("jobs", {}).items())
        self._record = self._read_record(tables.get("project", {}).get(PROJECT_KEY) or {})

    def _applied(self, effects: Effects, foreign: bool) -> None:
        """A commit reached the tables: bring the records up to date, and remember to tell."""
        items = [self._read_item(k, doc) for k, doc in effects.get("items", {}).items() if doc is not None]
        jobs = [self._read_job(k, doc) for k, doc in effects.get("jobs", {}).items() if doc is not None]
        gone_items = [k for k, doc in effects.get("items", {}).items() if doc is None and self._items.drop(k)]
        gone_jobs = [k for k, doc in effects.get("jobs", {}).items() if doc is None and self._jobs.drop(k)]
        for item in items:
            self._items.put(item)
        for job in jobs:
            self._jobs.put(job)
        doc = effects.get("project", {}).get(PROJECT_KEY)
        if doc is not None:
            self._record = self._read_record(doc)
        record = self._record if doc is not None else None
        change = ProjectChange(self.id, tuple(items), tuple(jobs), tuple(gone_items), tuple(gone_jobs), record, foreign)
        self._pending.append(change)

    def _tell(self) -> None:
        """With the lock given back, tell what happened, in the order it happened."""
        with self._telling:
            while self._pending:
                change = self._pending.popleft()
                if self._on_change is not None:
                    self._on_change(change)

    def _read_item(self, key: str, doc: Mapping[str, Any]) -> MediaItem:
        return item_from_document(doc, self.id, key, self._doubter("items", key))

    def _read_job(self, key: str, doc: Mapping[str, Any]) -> Job:
        return job_from_document(doc, self.id, key, self._doubter("jobs", key))

    def _read_record(self, doc: Mapping[str, Any]) -> Project:
        return project_from_document(doc, self.id, self._doubter("project", self.id))

    def _doubter(self, table: str, key: str) -> Callable[[str], None]:
        name = f"{table}/{key}"
        self._doubts.pop(name, None)

        def doubt(trouble: str) -> None:
            self._doubts[name] = Damage(self.folder / INDEX, 0, 0, f"{name}: {trouble}")

        return doubt


def _trouble_of(index: Path) -> str:
    """Why an index gave nothing. Raises `OSError`."""
    try:
        return "was too damaged to be read" if index.stat().st_size else "was empty"
    except FileNotFoundError:
        return "was missing"


def _has_links(folder: Path, relative: str) -> bool:
    """Whether a folder on the way, or the file, may be a link to elsewhere."""
    if sys.platform == "win32":
        return True  # junctions look like folders
    place = os.fspath(folder)
    for part in relative.split("/"):
        place = f"{place}/{part}"
        try:
            if stat.S_ISLNK(os.lstat(place).st_mode):
                return True
        except OSError:
            return False  # nothing there, hence no link
    return False


def _is_below(folder: Path, path: Path) -> bool:
    return os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
