"""Items as they are at this moment, where the index cannot know: a file that vanished, a save that was killed.

The index learns of both when a window opens the project. A command that only looks must not wait for that, and
must not write.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import MEDIA_FOLDERS
from mediatui.model import MediaItem, SaveState, move_item
from mediatui.studio.instance import any_alive


def actual_items(project: ProjectFolder, items: Sequence[MediaItem], instances: Path) -> list[MediaItem]:
    """The same items in the same order, each in the state it is really in; writes nothing."""
    names = _names(project.folder)
    is_saving = any(item.save_state is SaveState.SAVING for item in items) and any_alive(instances)
    return [_actual(project, item, names, is_saving) for item in items]


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
