"""The steps that organising is made of, each able to be taken back exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mediatui.errors import StorageError, UsageError, storage_error
from mediatui.library.annotate import Edit, apply_edits
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import bare_item
from mediatui.library.sidecars import odd_sidecars, put_sidecars, read_raw
from mediatui.library.transfer import MOVABLE, Wanted, copy_items, move_items
from mediatui.library.trash import restore_items, trash_items
from mediatui.model import Job, MediaItem
from mediatui.studio.history import STAYING, Leaving, Outcome, Step
from mediatui.text import plural

Odd = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class EditStep(Step):
    """Give items of one project other names, tags, ratings, marks or notes."""

    library: Library
    project_id: str
    edits: tuple[Edit, ...]
    odd: Odd = field(default_factory=dict)

    def run(self) -> Outcome:
        """Apply the edits."""
        done = apply_edits(self.library.open(self.project_id), self.edits, self.odd)
        back = EditStep(self.library, self.project_id, done.back, done.odd_before)
        return Outcome(back, len(done.items), done.notes)


@dataclass(frozen=True, slots=True)
class TrashStep(Step):
    """Move items of one project to its trash."""

    library: Library
    project_id: str
    item_ids: tuple[str, ...]
    lenient: bool = False
    """Items that are not there any more are left out and noted."""

    def leaving(self) -> Leaving:
        """The items."""
        return Leaving(items=frozenset(self.item_ids))

    def run(self) -> Outcome:
        """Trash them."""
        project = self.library.open(self.project_id)
        ids, notes = _still_there(project, self.item_ids) if self.lenient else (self.item_ids, ())
        odd = odd_sidecars(project, [project.item(item_id) for item_id in ids])
        entry = trash_items(project, ids)
        return Outcome(RestoreStep(self.library, self.project_id, entry.id, odd), len(entry.item_ids), notes)


@dataclass(frozen=True, slots=True)
class RestoreStep(Step):
    """Bring an entry of the trash back."""

    library: Library
    project_id: str
    entry_id: str
    odd: Odd | None = None
    """Records beside files that were not as they would be written; None: nobody looked."""

    def run(self) -> Outcome:
        """Restore it."""
        project = self.library.open(self.project_id)
        items = restore_items(project, self.entry_id)
        notes = () if self.odd is None else _put(project, items, self.odd)
        back = TrashStep(self.library, self.project_id, tuple(item.id for item in items), lenient=True)
        return Outcome(back, len(items), notes)


@dataclass(frozen=True, slots=True)
class MoveStep(Step):
    """Move items to another project."""

    library: Library
    source_id: str
    target_id: str
    item_ids: tuple[str, ...]
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    odd: Odd = field(default_factory=dict)
    lenient: bool = False
    """Items that are not there any more are left out and noted."""

    def leaving(self) -> Leaving:
        """The items; none while the bytes of one are still to come: then none is moved."""
        source = self.library.opened(self.source_id)
        found = map(source.find_item, self.item_ids) if source else ()
        movable = all(item is None or item.save_state in MOVABLE for item in found)
        return Leaving(items=frozenset(self.item_ids)) if movable else STAYING

    def run(self) -> Outcome:
        """Move them."""
        source, target = self.library.open(self.source_id), self.library.open(self.target_id)
        ids, notes = _still_there(source, self.item_ids) if self.lenient else (self.item_ids, ())
        before = [source.item(item_id) for item_id in ids]
        odd = odd_sidecars(source, before)
        items = move_items(source, target, ids, self.wanted)
        notes += _put(target, items, self.odd)
        back = MoveStep(self.library, self.target_id, self.source_id, ids, _as_they_are(before), odd, lenient=True)
        return Outcome(back, len(items), notes)


@dataclass(frozen=True, slots=True)
class CopyStep(Step):
    """Copy items to a project; taken back, the copies go to the trash."""

    library: Library
    source_id: str
    target_id: str
    item_ids: tuple[str, ...]

    def run(self) -> Outcome:
        """Copy them."""
        items = copy_items(self.library.open(self.source_id), self.library.open(self.target_id), self.item_ids)
        back = TrashStep(self.library, self.target_id, tuple(item.id for item in items), lenient=True)
        return Outcome(back, len(items))


@dataclass(frozen=True, slots=True)
class TrashOrphansStep(Step):
    """Move files that no item names to the trash, from where they come back as they were."""

    library: Library
    project_id: str
    paths: tuple[str, ...]
    """Relative to the project."""

    def run(self) -> Outcome:
        """Trash them, each as an item of its own in the trash."""
        project = self.library.open(self.project_id)
        with project.transaction():
            named = {item.path for item in project.items()}
            items = [_orphan(project, path) for path in self.paths if path not in named]
            odd = odd_sidecars(project, items)
            project.commit(items=items)
            entry = trash_items(project, [item.id for item in items])
        return Outcome(RestoreOrphansStep(self.library, self.project_id, entry.id, self.paths, odd), len(items))


@dataclass(frozen=True, slots=True)
class RestoreOrphansStep(Step):
    """Bring files back that no item names."""

    library: Library
    project_id: str
    entry_id: str
    paths: tuple[str, ...]
    odd: Odd

    def run(self) -> Outcome:
        """Restore the files and forget the items they were in the trash."""
        project = self.library.open(self.project_id)
        items = restore_items(project, self.entry_id)
        notes = _put(project, items, self.odd)
        project.commit(gone_items=[item.id for item in items])
        return Outcome(TrashOrphansStep(self.library, self.project_id, self.paths), len(items), notes)


@dataclass(frozen=True, slots=True)
class DropJobsStep(Step):
    """Forget jobs that ended without a result."""

    library: Library
    project_id: str
    job_ids: tuple[str, ...]

    def run(self) -> Outcome:
        """Forget them."""
        project = self.library.open(self.project_id)
        with project.transaction():
            jobs = tuple(job for job_id in self.job_ids if (job := project.find_job(job_id)) and job.phase.ended)
            project.commit(gone_jobs=[job.id for job in jobs])
        return Outcome(PutJobsStep(self.library, self.project_id, jobs), len(jobs))


@dataclass(frozen=True, slots=True)
class PutJobsStep(Step):
    """Remember jobs again."""

    library: Library
    project_id: str
    jobs: tuple[Job, ...]

    def run(self) -> Outcome:
        """Record them as they were."""
        project = self.library.open(self.project_id)
        with project.transaction():
            project.commit(jobs=[job for job in self.jobs if project.find_job(job.id) is None])
        ids = tuple(job.id for job in self.jobs)
        return Outcome(DropJobsStep(self.library, self.project_id, ids), len(ids))


@dataclass(frozen=True, slots=True)
class RenameProjectStep(Step):
    """Give a project another name."""

    library: Library
    project_id: str
    name: str

    def run(self) -> Outcome:
        """Rename it."""
        before = self.library.open(self.project_id).record.name
        after = self.library.rename(self.project_id, self.name).name
        changed = RenameProjectStep(self.library, self.project_id, before)
        return Outcome(changed, int(after != before))


@dataclass(frozen=True, slots=True)
class MadeProjectStep(Step):
    """A project that was made for what follows; taken back, it goes to the trash if nothing else came into it."""

    library: Library
    project_id: str

    def run(self) -> Outcome:
        """It is made already."""
        return Outcome(DeleteProjectStep(self.library, self.project_id, counts=0, known=frozenset()), 0)


@dataclass(frozen=True, slots=True)
class DeleteProjectStep(Step):
    """Move a project to the trash of the data directory."""

    library: Library
    project_id: str
    counts: int = 1
    """0 for a project that is only the place for what is counted."""
    known: frozenset[str] | None = None
    """The items and jobs it may hold: with any other it stays. None: whatever it holds."""
    instead: TrashStep | None = None
    """What is done to a project that stays."""

    def leaving(self) -> Leaving:
        """The project, unless it stays."""
        project = self.library.opened(self.project_id)
        if project is not None and self._came(project):
            return self.instead.leaving() if self.instead else STAYING
        return Leaving(projects=frozenset({self.project_id}))

    def run(self) -> Outcome:
        """Delete it. Raises `UsageError` where it stays and nothing is to be done instead."""
        if reason := self._reason_to_stay():
            if self.instead is None:
                raise UsageError(reason)
            done = self.instead.run()
            return Outcome(done.back, done.count, (reason, *done.notes))
        path = self.library.delete(self.project_id)
        return Outcome(RestoreProjectStep(self.library, path, self.counts), self.counts)

    def _reason_to_stay(self) -> str:
        if self.known is None:
            return ""  # it need not even be readable
        project = self.library.open(self.project_id)
        with project.transaction():
            came = self._came(project)
        return f"“{project.record.name}” stays: {' and '.join(came)} came into it since" if came else ""

    def _came(self, project: ProjectFolder) -> list[str]:
        """How many items and jobs it holds that it may not."""
        if self.known is None:
            return []
        items = sum(item.id not in self.known for item in project.items())
        jobs = sum(job.id not in self.known for job in project.jobs())
        return [plural(count, word) for count, word in ((items, "item"), (jobs, "job")) if count]


@dataclass(frozen=True, slots=True)
class RestoreProjectStep(Step):
    """Bring a deleted project back."""

    library: Library
    path: Path
    counts: int = 1

    def run(self) -> Outcome:
        """Restore it."""
        project = self.library.restore(self.path)
        back = DeleteProjectStep(self.library, project.id, self.counts, known=holdings(project))
        return Outcome(back, self.counts)


def holdings(project: ProjectFolder) -> frozenset[str]:
    """The identifiers of all items and jobs of a project."""
    return frozenset([*(item.id for item in project.items()), *(job.id for job in project.jobs())])


def _still_there(project: ProjectFolder, item_ids: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of the items that are in the project, and a note of the others. Raises `UsageError` when none is."""
    found = tuple(item_id for item_id in item_ids if project.find_item(item_id) is not None)
    if len(found) == len(item_ids):
        return found, ()
    are = "is" if len(item_ids) - len(found) == 1 else "are"
    note = f"{plural(len(item_ids) - len(found), 'item')} {are} not in “{project.record.name}” any more"
    if not found:
        raise UsageError(note)
    return found, (note,)


def _put(project: ProjectFolder, items: Sequence[MediaItem], odd: Odd) -> tuple[str, ...]:
    """Records beside files as they were; the rest is done already, so trouble is a note."""
    try:
        put_sidecars(project, items, odd)
        for item in items:
            if item.path is not None and item.id not in odd and read_raw(project, item) is None:
                project.write_sidecar(item)
    except StorageError as exc:
        return (exc.message,)
    return ()


def _orphan(project: ProjectFolder, relative: str) -> MediaItem:
    try:
        return bare_item(project.id, relative, project.path_of(relative))
    except OSError as exc:
        raise storage_error(exc, f"read {relative}") from exc


def _as_they_are(items: list[MediaItem]) -> dict[str, Wanted]:
    return {item.id: Wanted(item.id, item.path, item.name, item.spool) for item in items}
