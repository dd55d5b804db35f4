"""Noticing, cheaply and often, that files came or went behind the index's back.

A folder's modification time says that a name in it came or went. Only then are its names read; only when they
disagree with the index is anything compared in full.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import MEDIA_FOLDERS
from mediatui.model import SaveState

SETTLED_NS = 100_000_000
"""A folder changed so short a time ago may change again without its modification time telling."""
REST = 10.0
"""Reading names may take one part in so many of the time: huge folders are read less often."""

Times = Mapping[str, int | None]
"""When each media folder changed last, in nanoseconds; None where there is none."""


@dataclass(slots=True)
class _Seen:
    inode: int
    times: Times = field(default_factory=dict)
    rest_until: float = 0.0


class FileWatch:
    """What the media folders of some projects looked like last time. For one thread."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def differs(self, project: ProjectFolder) -> bool:
        """The index says of some item that its file is there, or missing, and the disk says otherwise.

        Looks at nothing but modification times while they stand still.
        """
        if not project.writable:
            return False
        seen = self._seen.get(project.id)
        if seen is None or seen.inode != project.inode:
            seen = self._seen[project.id] = _Seen(project.inode)
        times = _times(project)
        if times == seen.times or time.monotonic() < seen.rest_until:
            return False
        started = time.monotonic()
        found = _disagrees(project)
        ended = time.monotonic()
        seen.rest_until = ended + REST * (ended - started)
        seen.times = {} if _is_fresh(times) else times
        return found

    def look_again(self, project: ProjectFolder) -> None:
        """Nothing could be done about a difference: it is to be found again."""
        self._seen.pop(project.id, None)


def _times(project: ProjectFolder) -> Times:
    found: dict[str, int | None] = {}
    for name in MEDIA_FOLDERS:
        try:
            found[name] = os.stat(project.folder / name).st_mtime_ns
        except OSError:
            found[name] = None
    return found


def _is_fresh(times: Times) -> bool:
    now = time.time_ns()
    return any(changed is not None and abs(now - changed) < SETTLED_NS for changed in times.values())


def _names(project: ProjectFolder, folder: str) -> frozenset[str] | None:
    """The names in a media folder; None where that cannot be said."""
    try:
        return frozenset(os.listdir(project.folder / folder))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError:
        return None


def _disagrees(project: ProjectFolder) -> bool:
    names = {folder: found for folder in MEDIA_FOLDERS if (found := _names(project, folder)) is not None}
    for item in project.items():
        if item.path is None or item.save_state not in (SaveState.SAVED, SaveState.MISSING):
            continue
        folder, _, name = item.path.partition("/")
        if folder in names and "/" not in name and (name in names[folder]) is (item.save_state is SaveState.MISSING):
            return True
    return False
