"""Carrying a clean-up out: what can be taken back first, then what is removed for good."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediatui.errors import MediatuiError, storage_error
from mediatui.library.cleanup import CleanLine, CleanPlan, Sort
from mediatui.library.library import Library
from mediatui.library.lock import hold
from mediatui.library.project import ProjectFolder
from mediatui.library.trash import empty_trash, trash_entries
from mediatui.studio.history import History, Several, Step, Undo
from mediatui.studio.steps import DeleteProjectStep, DropJobsStep, TrashOrphansStep, TrashStep
from mediatui.text import plural


@dataclass(frozen=True, slots=True)
class CleanReport:
    """What a clean-up did. `undo` is None when nothing that can be taken back was removed."""

    undo: Undo | None
    to_trash: int
    """Bytes now in the trash."""
    freed: int
    """Bytes gone for good."""
    notes: tuple[str, ...]
    """What was left alone, and why."""


def clean(plan: CleanPlan, library: Library, history: History) -> CleanReport:
    """Carry a plan out. What changed since it was made is left alone and noted. Raises `StorageError`."""
    notes: list[str] = []
    steps = [step for line in plan.lines if not line.sort.final for step in _steps(line, library, notes)]
    moved = sum(line.bytes for line in plan.lines if not line.sort.final)
    count = sum(line.count for line in plan.lines if not line.sort.final)
    undo = history.do(f"clean up {plural(count, 'thing')}", Several(steps)) if steps else None
    freed = 0
    for line in plan.lines:
        if line.sort is Sort.PARTS:
            freed += sum(_remove_part(path, notes) for path in line.paths)
        elif line.sort is Sort.TRASH:
            freed += _empty(line, library, notes)
    notes += undo.notes if undo else ()
    return CleanReport(undo, moved if undo else 0, freed, tuple(notes))


def empty_all(
    library: Library, projects: Iterable[ProjectFolder], entry_ids: Sequence[str] | None, deleted: Sequence[Path]
) -> int:
    """Remove trash for good; returns the bytes freed. Raises `StorageError`, `UsageError` for an unknown entry."""
    freed = 0
    for project in projects:
        wanted = [entry.id for entry in trash_entries(project)] if entry_ids is None else entry_ids
        freed += empty_trash(project, wanted)
    return freed + (library.empty_trash(deleted) if deleted else 0)


def _empty(line: CleanLine, library: Library, notes: list[str]) -> int:
    """Empty what a line names of the trash; what cannot be removed is a note."""
    try:
        if not line.project:
            return library.empty_trash(line.paths)
        project = library.open(line.project)
        held = {entry.id for entry in trash_entries(project)}
        return empty_trash(project, [path.name for path in line.paths if path.name in held])
    except MediatuiError as exc:
        notes.append(exc.message)
        return 0


def _steps(line: CleanLine, library: Library, notes: list[str]) -> list[Step]:
    if line.sort is Sort.PROJECT:
        return [DeleteProjectStep(library, line.project)]
    if line.sort is Sort.FAILED_JOBS:
        return [DropJobsStep(library, line.project, tuple(job.id for job in line.jobs))]
    project = library.open(line.project)
    if line.sort is Sort.ORPHANS:
        paths = [path.relative_to(project.folder).as_posix() for path in line.paths if path.is_file()]
        return [TrashOrphansStep(library, line.project, tuple(paths))] if paths else []
    same = [item.id for item in line.items if project.find_item(item.id) == item]
    if len(same) < len(line.items):
        notes.append(f"{plural(len(line.items) - len(same), 'item')} changed since the plan was made and stay")
    return [TrashStep(library, line.project, tuple(same))] if same else []


def _remove_part(path: Path, notes: list[str]) -> int:
    """Remove a leftover part unless somebody writes it now."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    except OSError as exc:
        notes.append(storage_error(exc, f"remove {path.name}").message)
        return 0
    try:
        if not hold(fd):
            notes.append(f"{path.name} is being written now and stays")
            return 0
        size = os.fstat(fd).st_size
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.json").unlink(missing_ok=True)
        return size
    except OSError as exc:
        notes.append(storage_error(exc, f"remove {path.name}").message)
        return 0
    finally:
        os.close(fd)
