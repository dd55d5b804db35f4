"""All projects of one data directory. The list of folders is the list of projects."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from threading import RLock

from mediatui.errors import MediatuiError, StorageError, UsageError, storage_error
from mediatui.library.deleted import deleted_parts
from mediatui.library.files import finish_removing, fsync_dir, make_folder, remove_tree, sync_copies
from mediatui.library.lock import FileLock
from mediatui.library.project import Listener, ProjectFolder
from mediatui.library.recovery import MEDIA_FOLDERS
from mediatui.locations import INDEX, Locations
from mediatui.model import MediaItem, Phase, Project, SavePolicy, now
from mediatui.text import one_line, slug

MAX_NAME = 80
SHORTEST_REFERENCE = 4
"""Characters of an identifier that are enough to name an item or a job, when only one has them."""

_OF_THE_DISK = "lost+found"
_MARKS = (INDEX, "index.lock", f"{INDEX}.1", *MEDIA_FOLDERS)


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """A project in a list. `bytes` are those of its saved files; `unsaved` counts what "retry all" acts on."""

    id: str
    name: str
    created_at: float
    items: int
    unsaved: int
    running: int
    bytes: int
    opened: bool
    notice: str
    save_policy: SavePolicy | None


class Library:
    """The projects of one data directory. Every method may be called from any thread; most read the disk.

    `on_change` hears of every commit to an open project, `on_projects` that a project appeared, vanished or
    was renamed. Both are called on the thread that made or found the change, and must not raise.
    """

    def __init__(
        self,
        locations: Locations,
        on_change: Listener | None = None,
        on_projects: Callable[[], None] | None = None,
    ) -> None:
        self.locations = locations
        self._on_change = on_change
        self._on_projects = on_projects or (lambda: None)
        self._open: dict[str, ProjectFolder] = {}
        self._known: tuple[str, ...] | None = None
        self._troubles: dict[str, str] = {}
        self._lock = RLock()

    # -- finding

    def project_ids(self) -> tuple[str, ...]:
        """The identifiers of all projects, sorted. Raises `StorageError`."""
        try:
            with os.scandir(self.locations.projects) as entries:
                return tuple(sorted(entry.name for entry in entries if _is_project(entry)))
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise storage_error(exc, f"list {self.locations.projects}") from exc

    def opened(self, project_id: str) -> ProjectFolder | None:
        """The project when it is open already; never touches the disk."""
        return self._open.get(project_id)

    def open_projects(self) -> tuple[ProjectFolder, ...]:
        """The projects that are open; never touches the disk."""
        return tuple(self._open.copy().values())

    def open(self, project_id: str) -> ProjectFolder:
        """The project, opened once. Raises `UsageError` when there is none, `StorageError`."""
        with self._lock:
            if (held := self._open.get(project_id)) is not None:
                return held
            if project_id not in self.project_ids():
                raise UsageError(f"there is no project “{project_id}”", hint="`mediatui projects` lists what there is.")
            project = ProjectFolder(self.locations.projects / project_id, self._on_change)
            self._open[project_id] = project
            return project

    def open_readable(self) -> tuple[ProjectFolder, ...]:
        """All projects that can be opened; the summary of each other one says why. Raises `StorageError`."""
        return self._open_all()[0]

    def find(self, reference: str) -> ProjectFolder | None:
        """The project with this identifier, else the only one with this name; case counts when it must.

        One that cannot be read is in nobody's way, unless it is the one that is meant.
        Raises `UsageError` when several have the name, `StorageError`.
        """
        ids = self.project_ids()
        if reference in ids:
            return self.open(reference)
        wanted = one_line(reference, MAX_NAME)  # as it was kept
        projects = self.open_readable()
        exact = [p for p in projects if p.record.name == wanted]
        matches = exact or [p for p in projects if p.record.name.casefold() == wanted.casefold()]
        if len(matches) > 1:
            names = ", ".join(p.id for p in matches)
            raise UsageError(f"several projects are named “{wanted}”: {names}", hint="Use the identifier.")
        if not matches and (first := slug(wanted)) in ids:
            self.open(first)  # whether that is its name cannot be known when it cannot be read
        return matches[0] if matches else None

    def summaries(self) -> tuple[ProjectSummary, ...]:
        """Every project, sorted by name. Opens what is not open yet: not for the thread that draws."""
        found = [self._summary(project_id) for project_id in self.project_ids()]
        return tuple(sorted(found, key=lambda summary: (summary.name.casefold(), summary.id)))

    def locate_item(self, reference: str) -> tuple[ProjectFolder, MediaItem]:
        """The item with this identifier, or the only one that starts or ends with it, of what can be read.

        Raises `UsageError`, `StorageError`.
        """
        projects, troubles = self._open_all()
        found = [(project, item) for project in projects if (item := project.find_item(reference)) is not None]
        if not found and len(reference) >= SHORTEST_REFERENCE:
            found = [(p, item) for p in projects for item in p.items() if _names(reference, item.id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{len(found)} items match “{reference}”", hint="Give more of the identifier, or all of it."
            )
        if troubles:
            raise troubles[0]  # it may be there
        raise UsageError(f"there is no item “{reference}”", hint="Identifiers may be cut to 4 characters or more.")

    # -- changing

    def create(
        self, name: str, save_policy: SavePolicy | None = None, *, record: Project | None = None
    ) -> ProjectFolder:
        """A new project; its identifier is made of its name. Raises `UsageError`, `StorageError`.

        With `record` all that is known of it is from there, also the name that it has from then on.
        """
        name = _checked_name(name)
        with self._lock:
            try:
                make_folder(self.locations.projects)
                folder = self._new_folder(record or Project("", name, now(), save_policy), slug(name))
            except OSError as exc:
                raise storage_error(exc, f"create the project {name}") from exc
            except StorageError as exc:
                # Its folder has no name yet that means anything to anybody.
                if isinstance(exc.__cause__, OSError):
                    raise storage_error(exc.__cause__, f"create the project {name}") from exc
                raise
            project = ProjectFolder(folder, self._on_change)
            self._open[project.id] = project
            self._known = self.project_ids()
        self._on_projects()
        return project

    def ensure(self, reference: str) -> ProjectFolder:
        """The project with this identifier or name, created when there is none. Raises like `find` and `create`."""
        with self._lock:
            if (found := self.find(reference)) is not None:
                return found
            _checked_name(reference)
            try:
                make_folder(self.locations.projects)
            except OSError as exc:
                raise storage_error(exc, f"create the project {reference}") from exc
            # Another window may be about to create it as well.
            with closing(FileLock(self.locations.projects.with_suffix(".lock"))) as lock, lock:
                return self.find(reference) or self.create(reference)

    def rename(self, project_id: str, name: str) -> Project:
        """Give a project another name; its identifier and folder stay. Raises `UsageError`, `StorageError`."""
        name = _checked_name(name)
        record = self.open(project_id).edit_record(lambda held: replace(held, name=name))
        self._on_projects()
        return record

    def set_policy(self, project_id: str, policy: SavePolicy | None) -> Project:
        """Set what happens to the project's finished outputs; None: as the settings say. Raises like `rename`."""
        return self.open(project_id).edit_record(lambda held: replace(held, save_policy=policy))

    def delete(self, project_id: str) -> Path:
        """Move a project to the trash of the data directory; returns where. Raises `UsageError`, `StorageError`."""
        project, trash = self.open(project_id), self.locations.trash
        try:
            make_folder(trash)
            with project.transaction(), self._lock:
                target = _free_name(trash, f"{project_id}--{int(now() * 1000)}")
                os.rename(project.folder, target)
                self._forget(project)
                self._known = self.project_ids()
            project.close()
            fsync_dir(trash)
            fsync_dir(self.locations.projects)
        except OSError as exc:
            raise storage_error(exc, f"move {project_id} to the trash") from exc
        self._on_projects()
        return target

    def restore(self, trashed: Path) -> ProjectFolder:
        """Take a project out of the trash; a taken identifier gets a number. Raises `UsageError`, `StorageError`."""
        if trashed not in self.trashed():
            raise UsageError(f"there is no deleted project at {trashed}")
        with self._lock:
            try:
                make_folder(self.locations.projects)
                project_id = slug(deleted_parts(trashed)[0])
                folder = _move_to_free(trashed, self.locations.projects, project_id)
                fsync_dir(self.locations.projects)
                fsync_dir(self.locations.trash)
            except OSError as exc:
                raise storage_error(exc, f"restore {trashed.name}") from exc
            self._known = self.project_ids()
            project = self.open(folder.name)
        self._on_projects()
        return project

    def trashed(self) -> tuple[Path, ...]:
        """The deleted projects, the latest first. Raises `StorageError`."""
        try:
            with os.scandir(self.locations.trash) as entries:
                found = [Path(e.path) for e in entries if e.name[0] != "." and e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise storage_error(exc, f"list {self.locations.trash}") from exc
        return tuple(sorted(found, key=lambda path: (deleted_parts(path)[1], path.name), reverse=True))

    def empty_trash(self, trashed: Sequence[Path]) -> int:
        """Remove deleted projects for good, with all their files; returns the bytes that were freed.

        Each leaves the list before its first file goes. Raises `UsageError`, `StorageError`.
        """
        known, freed = set(self.trashed()), 0
        if strange := [path for path in trashed if path not in known]:
            raise UsageError(f"there is no deleted project at {strange[0]}")
        try:
            finish_removing(self.locations.trash)
            sync_copies()
            for path in dict.fromkeys(trashed):
                freed += remove_tree(path)
        except OSError as exc:
            raise storage_error(exc, "empty the trash") from exc
        return freed

    def poll(self) -> None:
        """Take in what other instances did: commits, new projects, deleted ones. Cheap when they did nothing.

        A project that cannot be read keeps its last state and says so in its summary. Raises `StorageError`
        when the projects cannot be listed.
        """
        with self._lock:
            ids = self.project_ids()
            moved = self._known is not None and ids != self._known
            self._known = ids
            vanished = [p for p in self.open_projects() if p.id not in ids or not _same_folder(p)]
            for project in vanished:
                self._forget(project)
        for project in vanished:
            project.close()
        moved |= bool(vanished)
        for project in self.open_projects():
            moved |= self._poll(project)
        if moved:
            self._on_projects()

    def close(self) -> None:
        """Close every project."""
        for project in self.open_projects():
            self._forget(project)
            project.close()

    # -- inside

    def _open_all(self) -> tuple[tuple[ProjectFolder, ...], list[MediatuiError]]:
        """All projects that can be opened, and why others cannot. Raises `StorageError`."""
        found, troubles = [], []
        for project_id in self.project_ids():
            try:
                found.append(self.open(project_id))
            except MediatuiError as exc:
                troubles.append(exc)
        return tuple(found), troubles

    def _forget(self, project: ProjectFolder) -> None:
        self._open.pop(project.id, None)
        self._troubles.pop(project.id, None)

    def _poll(self, project: ProjectFolder) -> bool:
        """Poll one project; True when its name or its trouble changed."""
        name, trouble = project.record.name, ""
        try:
            project.poll()
        except StorageError as exc:
            trouble = exc.message
        changed = trouble != self._troubles.get(project.id, "") or name != project.record.name
        self._troubles[project.id] = trouble
        return changed

    def _summary(self, project_id: str) -> ProjectSummary:
        try:
            project = self.open(project_id)
        except MediatuiError as exc:
            return ProjectSummary(project_id, project_id, 0.0, 0, 0, 0, 0, False, exc.message, None)
        items, record = project.items(), project.record
        return ProjectSummary(
            id=project_id,
            name=record.name,
            created_at=record.created_at,
            items=len(items),
            unsaved=sum(item.save_state.wants_saving for item in items),
            running=sum(job.phase in _RUNNING for job in project.jobs()),
            bytes=sum(item.file_size or 0 for item in items if item.path is not None),
            opened=True,
            notice=" ".join(filter(None, (project.notice, self._troubles.get(project_id)))),
            save_policy=record.save_policy,
        )

    def _new_folder(self, record: Project, stem: str) -> Path:
        """Make a complete project aside, then give it its name: nobody ever sees half of one."""
        draft = self.locations.projects / f".new-{secrets.token_hex(6)}"
        draft.mkdir()
        try:
            ProjectFolder(draft, new=replace(record, id=draft.name)).close()
            folder = _move_to_free(draft, self.locations.projects, stem)
        except (OSError, MediatuiError):
            shutil.rmtree(draft, ignore_errors=True)
            raise
        fsync_dir(self.locations.projects)
        return folder


_RUNNING = frozenset({Phase.SUBMITTING, Phase.QUEUED, Phase.RUNNING})


def _names(reference: str, identifier: str) -> bool:
    return identifier.startswith(reference) or identifier.endswith(reference)


def _checked_name(name: str) -> str:
    clean = one_line(name, MAX_NAME)
    if not clean:
        raise UsageError("a project needs a name")
    return clean


def _is_project(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name == _OF_THE_DISK or not entry.is_dir():
        return False
    # One that may not be looked into must not vanish from the list: opening it says why.
    return any(os.path.lexists(os.path.join(entry.path, mark)) for mark in _MARKS) or not os.access(entry.path, os.X_OK)


def _same_folder(project: ProjectFolder) -> bool:
    try:
        return project.folder.stat().st_ino == project.inode
    except OSError:
        return True  # unreadable is not gone; polling it tells


def _numbered(stem: str) -> Iterator[str]:
    return chain((stem,), (f"{stem}-{number}" for number in count(2)))


def _free_name(folder: Path, stem: str) -> Path:
    return next(path for name in _numbered(stem) if not os.path.lexists(path := folder / name))


def _move_to_free(source: Path, parent: Path, stem: str) -> Path:
    """Rename a folder to the first name that is free; a folder with anything in it is never replaced."""
    for name in _numbered(stem):
        target = parent / name
        with suppress(FileExistsError, NotADirectoryError):
            if target.is_symlink() or (target.exists() and any(target.iterdir())):
                continue
            return _rename_folder(source, target)
    raise AssertionError("unreachable")


def _rename_folder(source: Path, target: Path) -> Path:
    try:
        os.rename(source, target)
    except OSError as exc:
        if os.path.lexists(target):  # somebody was faster
            raise FileExistsError(exc.errno, exc.strerror) from exc
        raise
    return target
