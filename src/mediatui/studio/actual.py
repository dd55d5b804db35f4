"""What is so at this moment and the index cannot know: a file that vanished, a save or a submit that was killed.

The index learns of it when a window opens the project. A command that only looks must not wait for that, and
must not write.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mediatui.errors import ErrorKind
from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import MEDIA_FOLDERS
from mediatui.model import Job, JobFault, MediaItem, Phase, SaveState, move_item, move_job
from mediatui.studio.instance import Instance, any_alive

_UNSENT = (Phase.DRAFT, Phase.SUBMITTING)


def actual_items(project: ProjectFolder, items: Sequence[MediaItem], instances: Path) -> list[MediaItem]:
    """The same items in the same order, each in the state it is really in; writes nothing."""
    names = _names(project.folder)
    is_saving = any(item.save_state is SaveState.SAVING for item in items) and any_alive(instances)
    return [_actual(project, item, names, is_saving) for item in items]


def actual_jobs(jobs: Sequence[Job], instances: Path) -> list[Job]:
    """The same jobs in the same order; one that nobody sends any more in the state it was left in."""
    here = Instance(instances)
    return [left_job(job) if job.phase in _UNSENT and not here.is_alive(job.owner) else job for job in jobs]


def left_job(job: Job) -> Job:
    """The job as it is when its owner is gone: a draft was never sent; a submit without an answer is unknown."""
    if job.phase is Phase.DRAFT:
        fault = JobFault(
            ErrorKind.CANCELLED,
            "mediatui stopped before this was sent; nothing was billed",
            "“Generate again…” sends it.",
        )
        return move_job(job, Phase.CANCELLED, error=fault)
    if job.phase is Phase.SUBMITTING:
        fault = JobFault(
            ErrorKind.AMBIGUOUS_SUBMIT,
            "mediatui stopped while this was being sent; it may have been accepted and billed",
            "It is looked for at the provider and never sent again by itself.",
        )
        return move_job(job, Phase.UNKNOWN, error=fault)
    return job


def _actual(project: ProjectFolder, item: MediaItem, names: set[str], is_saving: bool) -> MediaItem:
    if item.save_state is SaveState.SAVED:
        return item if _has_file(project, item, names) else move_item(item, SaveState.MISSING)
    if item.save_state is SaveState.MISSING and _has_file(project, item, names):
        return replace(item, save_state=SaveState.SAVED, storage_error=None)
    if item.save_state is SaveState.SAVING and not is_saving:
        return move_item(item, SaveState.UNSAVED)
    return item


def _has_file(project: ProjectFolder, item: MediaItem, names: set[str]) -> bool:
    return item.path is not None and (item.path in names or os.path.isfile(project.path_of(item.path)))


def _names(folder: Path) -> set[str]:
    """What lies in the media folders; listing them is far quicker than a question for each file."""
    found: set[str] = set()
    for name in MEDIA_FOLDERS:
        try:
            with os.scandir(folder / name) as entries:
                found.update(f"{name}/{entry.name}" for entry in entries)
        except OSError:  # not there, or not to be listed: each file is asked for by name
            continue
    return found
