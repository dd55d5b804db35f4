"""The library as it is on disk, for commands that only look: no engine thread, no network, no sandbox."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from mediatui.errors import MediatuiError, UsageError
from mediatui.library.index import item_to_document, job_to_document, project_to_document
from mediatui.library.library import Library
from mediatui.model import Job, MediaItem, SaveState
from mediatui.studio.actual import actual_items, actual_jobs
from mediatui.studio.records import Records

Record = TypeVar("Record", MediaItem, Job)

SHORTEST_REFERENCE = 4
"""Characters of an id that must be given."""

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mediatui.library.library import ProjectSummary
    from mediatui.library.project import ProjectFolder
    from mediatui.locations import Locations
    from mediatui.model import Project


class Reader:
    """Answers questions about projects, items and jobs; changes nothing."""

    def __init__(self, locations: Locations) -> None:
        self.locations = locations
        self._library = Library(locations)
        self.troubles: dict[str, MediatuiError] = {}
        """Projects that could not be opened while all were asked for, by id, and why."""
        self.notices: dict[str, str] = {}
        """What a project that was opened has to say of itself, by id: damage, a rebuilt index, a read-only folder."""
        self._records = Records(self._library, locations.spill, lambda change: None)

    def close(self) -> None:
        """Let go of the indexes."""
        self._library.close()

    def summaries(self) -> tuple[ProjectSummary, ...]:
        """All projects with their counts, by name."""
        return self._library.summaries()

    def project(self, reference: str) -> ProjectFolder:
        """The project with that id or name; raises `UsageError` naming the nearest when there is none."""
        found = self._library.find(reference)
        if found is None:
            raise UsageError(f"there is no project {reference!r}", hint=self._nearest(reference))
        return self._noted(found)

    def projects(self, reference: str | None = None) -> tuple[ProjectFolder, ...]:
        """One project, or all that can be opened; `troubles` names the others."""
        if reference is not None:
            return (self.project(reference),)
        opened = (self._try_open(project_id) for project_id in self._library.project_ids())
        return tuple(project for project in opened if project is not None)

    def items(self, reference: str | None = None) -> Iterator[tuple[ProjectFolder, MediaItem]]:
        """The items of one project or of all, newest first; also what a full disk kept from its project.

        Each in the state it is really in, also where the index does not know that yet.
        """
        found = [(project, item) for project in self.projects(reference) for item in self._actual(project)]
        return iter(sorted(found, key=lambda pair: pair[1].created_at, reverse=True))

    def jobs(self, reference: str | None = None) -> Iterator[tuple[ProjectFolder, Job]]:
        """The jobs of one project or of all, newest first; each in the phase it is really in."""
        here = self.locations.instances
        projects = self.projects(reference)
        found = [(project, job) for project in projects for job in actual_jobs(self._records.jobs(project), here)]
        return iter(sorted(found, key=lambda pair: pair[1].created_at, reverse=True))

    def item(self, reference: str) -> tuple[ProjectFolder, MediaItem]:
        """The item with that id, or a unique start or end of it; raises `UsageError`."""
        return _named(reference, self.items(), "item", "list")

    def job(self, reference: str) -> tuple[ProjectFolder, Job]:
        """The job with that id, or a unique start or end of it; raises `UsageError`."""
        return _named(reference, self.jobs(), "job", "jobs")

    def trashed_projects(self) -> tuple[Path, ...]:
        """Where deleted projects lie, newest first."""
        return tuple(sorted(self._library.trashed(), key=lambda path: path.name.rpartition("--")[2])[::-1])

    def _actual(self, project: ProjectFolder) -> list[MediaItem]:
        return actual_items(project, self._records.items(project), self.locations.instances)

    def _try_open(self, project_id: str) -> ProjectFolder | None:
        # One project's damage does not hide the others.
        try:
            return self._noted(self._library.open(project_id))
        except MediatuiError as error:
            self.troubles[project_id] = error
            return None

    def _noted(self, project: ProjectFolder) -> ProjectFolder:
        # A rebuilt index says so once: to whoever opens it first.
        if project.notice:
            self.notices[project.id] = project.notice
        return project

    def _nearest(self, reference: str) -> str:
        names = {summary.name for summary in self.summaries()} | set(self._library.project_ids())
        near = difflib.get_close_matches(reference, names, 1)
        return f"Did you mean {near[0]!r}?" if near else "`mediatui projects` lists them."


def _named(
    reference: str, found: Iterator[tuple[ProjectFolder, Record]], what: str, command: str
) -> tuple[ProjectFolder, Record]:
    """The one record whose id is, starts or ends like that."""
    known = list(found)
    exact = [pair for pair in known if pair[1].id == reference]
    similar = [pair for pair in known if pair[1].id.startswith(reference) or pair[1].id.endswith(reference)]
    if similar and not exact and len(reference) < SHORTEST_REFERENCE:
        raise UsageError(
            f"{reference!r} is too short to name {'an' if what == 'item' else 'a'} {what}",
            hint=f"Give at least {SHORTEST_REFERENCE} characters of its id.",
        )
    matches = exact or similar
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{len(matches)} {what}s have an id like {reference!r}", hint="Give more of it.")
    removed = "; `mediatui trash --list` names what was removed" if what == "item" else ""
    raise UsageError(f"there is no {what} {reference!r}", hint=f"`mediatui {command}` lists them{removed}.")


def item_document(item: MediaItem, file: Path | None) -> dict[str, Any]:
    """An item as JSON, with `file`: the absolute path of its bytes, or null."""
    has_file = file is not None and item.save_state is SaveState.SAVED
    return {**item_to_document(item), "file": str(file) if has_file else None}


def job_document(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    return dict(job_to_document(job))


def project_document(project: Project, folder: Path | None = None) -> dict[str, Any]:
    """A project's record as JSON, with its absolute folder where it is known."""
    return {**project_to_document(project), "folder": str(folder) if folder else None}


def summary_document(summary: ProjectSummary, folder: Path) -> dict[str, Any]:
    """A project with its counts as JSON."""
    return {**asdict(summary), "folder": str(folder)}


def file_in(project: ProjectFolder, item: MediaItem) -> Path | None:
    """The absolute path of an item's file; None when it has none, or its file is gone."""
    return project.path_of(item.path) if item.path and item.save_state is SaveState.SAVED else None


def health(project: ProjectFolder) -> dict[str, Any]:
    """What an index says of itself and how it differs from the disk, as JSON; reads only."""
    from mediatui.library.reconcile import compare

    differences = compare(project)
    items = project.items()
    return {
        "id": project.id,
        "name": project.record.name,
        "items": len(items),
        "jobs": len(project.jobs()),
        "unsaved": sum(item.save_state.wants_saving for item in items),
        "writable": project.writable,
        "notice": project.notice,
        "damage": [
            {"path": str(damage.path), "offset": damage.offset, "length": damage.length, "reason": damage.reason}
            for damage in project.damage
        ],
        "missing": list(differences.missing),
        "orphans": len(differences.orphans),
        "parts": len(differences.parts),
    }


def unreadable(project_id: str, error: MediatuiError) -> dict[str, Any]:
    """The same for a project that could not be opened."""
    counts = dict.fromkeys(("items", "jobs", "unsaved", "orphans", "parts"), 0)
    return {
        "id": project_id,
        "name": project_id,
        **counts,
        "writable": False,
        "notice": error.message,
        "damage": [],
        "missing": [],
    }
