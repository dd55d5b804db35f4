"""Every change to items and jobs, and the last resort when a project's disk refuses to record it.

A record that cannot reach its project goes to the spill, is shown from there, and comes home by itself at
the next success. A record is never only in memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar

from mediatui.errors import MediatuiError, StorageError, UsageError, storage_error
from mediatui.library.library import Library
from mediatui.library.project import ProjectChange, ProjectFolder
from mediatui.model import Job, MediaItem, SaveState
from mediatui.studio.spill import Spill, Waiting

T = TypeVar("T")
Change = Callable[[MediaItem], MediaItem | None]


class _Edit:
    """A change of one item that waits for its turn, and then what came of it."""

    def __init__(self, project: ProjectFolder, item_id: str, change: Change) -> None:
        self.project, self.item_id, self.change = project, item_id, change
        self.outcome: Future[MediaItem] = Future()


class Records:
    """Reads and writes items and jobs of all projects; safe from any thread."""

    def __init__(self, library: Library, spill: Path, announce: Callable[[ProjectChange], None]) -> None:
        self._library, self._spill, self._announce = library, Spill(spill), announce
        self._lock = threading.RLock()
        self._edits: deque[_Edit] = deque()
        self._waiting: dict[str, Waiting] = {name: self._spill.read(name) for name in self._spill.projects()}

    # -- reading

    def items(self, project: ProjectFolder) -> tuple[MediaItem, ...]:
        """The project's items with what is still in the spill, newest first."""
        waiting = self._waiting.get(project.id)
        if waiting is None or not waiting.items:
            return project.items()
        merged = {item.id: item for item in project.items()} | waiting.items
        return tuple(sorted(merged.values(), key=lambda item: (-item.created_at, item.id)))

    def jobs(self, project: ProjectFolder) -> tuple[Job, ...]:
        """The project's jobs with what is still in the spill, newest first."""
        waiting = self._waiting.get(project.id)
        if waiting is None or not waiting.jobs:
            return project.jobs()
        merged = {job.id: job for job in project.jobs()} | waiting.jobs
        return tuple(sorted(merged.values(), key=lambda job: (-job.created_at, job.id)))

    def find_item(self, project: ProjectFolder, item_id: str) -> MediaItem | None:
        """The item as last recorded."""
        waiting = self._waiting.get(project.id)
        return (waiting.items.get(item_id) if waiting else None) or project.find_item(item_id)

    def find_job(self, project: ProjectFolder, job_id: str) -> Job | None:
        """The job as last recorded."""
        waiting = self._waiting.get(project.id)
        return (waiting.jobs.get(job_id) if waiting else None) or project.find_job(job_id)

    def neighbours(self, job: Job) -> tuple[Job, ...]:
        """The other jobs at its provider, of all projects and instances (blocking)."""
        found: list[Job] = []
        for project in self._library.open_readable():
            with suppress(StorageError), project.transaction():
                pass  # what another instance recorded a moment ago is known now
            with self._lock:
                self._is_home(project)
            found += [other for other in self.jobs(project) if other.id != job.id and other.provider == job.provider]
        return tuple(found)

    def waiting(self) -> int:
        """Records that are in the spill only."""
        return sum(len(each.items) + len(each.jobs) for each in tuple(self._waiting.values()))

    @property
    def pending(self) -> bool:
        """Something, if only a raw answer, waits in the spill for its project to take it; from whichever instance."""
        return bool(self._waiting) or bool(self._spill.projects())

    # -- writing

    def put(self, project: ProjectFolder, *, items: Sequence[MediaItem] = (), jobs: Sequence[Job] = ()) -> None:
        """Record in one commit; in the spill when the project refuses.

        Raises `StorageError` only when both refuse.
        """
        with self._lock:
            if not self._is_home(project):
                self._put_aside(project, items, jobs)
                return
            try:
                project.commit(items=items, jobs=jobs)
            except StorageError:
                self._put_aside(project, items, jobs)

    def edit_item(self, project: ProjectFolder, item_id: str, change: Change) -> MediaItem:
        """Change the freshest version of an item; None from `change` leaves it. Returns the result.

        Threads that come while another one waits for the disk share the next commit. `change` may be called
        twice. Raises `UsageError` when there is no such item, `StorageError`.
        """
        edit = _Edit(project, item_id, change)
        self._edits.append(edit)
        with self._lock:
            if not edit.outcome.done():
                self._carry_out([self._edits.popleft() for _ in range(len(self._edits))])
        return edit.outcome.result()

    def _carry_out(self, edits: Sequence[_Edit]) -> None:
        """Make all changes, those of a project together."""
        for project in {id(edit.project): edit.project for edit in edits}.values():
            ours = [edit for edit in edits if edit.project is project]
            if self._is_home(project) and len(ours) > 1 and self._edit_together(project, ours):
                continue
            for edit in ours:
                try:
                    edit.outcome.set_result(self._edit_alone(project, edit.item_id, edit.change))
                except BaseException as exc:  # a fence: it belongs to the thread whose change it is
                    edit.outcome.set_exception(exc)

    @staticmethod
    def _edit_together(project: ProjectFolder, edits: Sequence[_Edit]) -> bool:
        """One commit for all; False when it could not be: then each is tried alone, for the error that is its own."""
        try:
            items = project.edit_items([(edit.item_id, edit.change) for edit in edits])
        except Exception:  # a fence: each change is tried alone then, and tells its own error
            return False
        for edit, item in zip(edits, items, strict=True):
            edit.outcome.set_result(item)
        return True

    def _edit_alone(self, project: ProjectFolder, item_id: str, change: Change) -> MediaItem:
        waiting = self._waiting.get(project.id)
        return _edited(
            waiting.items.get(item_id) if waiting else None,
            lambda: project.edit_item(item_id, change),
            lambda: project.item(item_id),
            change,
            lambda changed: self.put(project, items=[changed]),
        )

    def edit_job(self, project: ProjectFolder, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        """Change the freshest version of a job; None from `change` leaves it. Returns the result.

        `change` may be called twice. Raises `UsageError` when there is no such job, `StorageError`.
        """
        with self._lock:
            self._is_home(project)
            waiting = self._waiting.get(project.id)
            return _edited(
                waiting.jobs.get(job_id) if waiting else None,
                lambda: project.edit_job(job_id, change),
                lambda: project.job(job_id),
                change,
                lambda changed: self.put(project, jobs=[changed]),
            )

    # -- raw answers

    def write_result(self, project: ProjectFolder, name: str, raw: bytes) -> str:
        """Write a provider's raw answer down before anybody parses it; beside the spill when need be.

        Returns its path relative to the project, where it is or will be. Raises `StorageError`.
        """
        try:
            return project.write_result(name, raw)
        except StorageError:
            self._spill.write_result(project.id, name, raw)
            self._waiting.setdefault(project.id, Waiting())
            return f"results/{name}.json"

    def read_result(self, project: ProjectFolder, relative: str) -> bytes:
        """The raw answer again. Raises `StorageError` when it cannot be read, `UsageError`."""
        try:
            with suppress(FileNotFoundError):
                return project.path_of(relative).read_bytes()
            return self._spill.read_result(project.id, PurePosixPath(relative).stem)
        except OSError as exc:
            raise storage_error(exc, "read the stored result") from exc

    def find_result(self, project: ProjectFolder, name: str) -> str | None:
        """Where an answer was written down that no record names: a run was stopped right after."""
        relative = f"results/{name}.json"
        try:
            self.read_result(project, relative)
        except (StorageError, UsageError):
            return None
        return relative

    # -- home again

    def bring_home(self) -> bool:
        """Try to give every project its spilled records; True when none is left waiting."""
        with self._lock:
            for project_id in (*self._waiting, *self._spill.projects()):
                with suppress(MediatuiError):
                    self._bring_home(self._library.open(project_id))
            return not self._waiting

    def _is_home(self, project: ProjectFolder) -> bool:
        """Nothing waits for the project any more; what does, and another instance may have spilled it, is known now."""
        waits = project.id in self._waiting or self._spill.holds(project.id)
        return not waits or self._bring_home(project)

    def _bring_home(self, project: ProjectFolder) -> bool:
        # Another instance may have emptied the spill, or added to it: what it holds counts, not our memory of it.
        try:
            self._spill.drain_results(project.id, project.write_result)
            self._spill.drain(project.id, lambda waiting: self._commit(project, waiting))
        except StorageError:
            self._know(project.id, self._spill.read(project.id))
            return False
        self._waiting.pop(project.id, None)
        return True

    def _know(self, project_id: str, waiting: Waiting) -> None:
        """Remember what is in the spill now, and tell what another instance has put there."""
        known = self._waiting.get(project_id, Waiting())
        self._waiting[project_id] = waiting
        items = tuple(item for item in waiting.items.values() if known.items.get(item.id) != item)
        jobs = tuple(job for job in waiting.jobs.values() if known.jobs.get(job.id) != job)
        if items or jobs:
            self._announce(ProjectChange(project_id, items, jobs, (), (), None, True))

    def _commit(self, project: ProjectFolder, waiting: Waiting) -> None:
        with project.transaction():
            project.commit(
                items=[i for i in waiting.items.values() if not _is_older(i, project.find_item(i.id))],
                jobs=[j for j in waiting.jobs.values() if not _is_behind(j, project.find_job(j.id))],
            )

    def _put_aside(self, project: ProjectFolder, items: Sequence[MediaItem], jobs: Sequence[Job]) -> None:
        self._spill.add(project.id, items, jobs)
        self._waiting.setdefault(project.id, Waiting()).take(items, jobs)
        self._announce(ProjectChange(project.id, tuple(items), tuple(jobs), (), (), None, False))


def _edited(
    spilled: T | None,
    edit: Callable[[], T],
    held: Callable[[], T],
    change: Callable[[T], T | None],
    put: Callable[[T], None],
) -> T:
    """The record, changed where it is: in the spill, or by `edit` in its project, unless that refuses."""
    if spilled is None:
        try:
            return edit()
        except StorageError:
            spilled = held()
    changed = change(spilled)
    if changed is not None:
        put(changed)
    return changed or spilled


def _is_older(spilled: MediaItem, held: MediaItem | None) -> bool:
    """The project knows better by now: another instance saved it."""
    return held is not None and held.save_state is SaveState.SAVED and spilled.save_state is not SaveState.SAVED


def _is_behind(spilled: Job, held: Job | None) -> bool:
    """The project knows better by now: the job ended there."""
    return held is not None and held.phase.ended and not spilled.phase.ended
