"""How much the library takes on disk: per project, model, month and type."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mediatui.library.project import ProjectFolder
from mediatui.model import MediaItem, SaveState

NO_MODEL = "unknown"


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One project, model, month (``2026-11``) or type. `bytes` are those of saved files."""

    key: str
    name: str
    items: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ProjectUsage:
    """A project's folder. `media` are its items' files; the rest is what else lies there, in bytes."""

    id: str
    name: str
    items: int
    media: int
    trash: int
    parts: int
    other: int

    @property
    def total(self) -> int:
        """Everything in the folder, in bytes."""
        return self.media + self.trash + self.parts + self.other


@dataclass(frozen=True, slots=True)
class Usage:
    """All of it; every table has what takes most first, months the latest first."""

    projects: tuple[ProjectUsage, ...]
    models: tuple[UsageRow, ...]
    months: tuple[UsageRow, ...]
    types: tuple[UsageRow, ...]
    deleted: int
    """Bytes of deleted projects that can be restored."""

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.deleted + sum(project.total for project in self.projects)


def measure(projects: Iterable[ProjectFolder], trash: Path) -> Usage:
    """Measure the projects, and the deleted ones in `trash`. Blocking; files that vanish meanwhile count nothing."""
    opened = tuple(projects)
    items = [item for project in opened for item in project.items()]
    months = _rows(items, lambda item: datetime.fromtimestamp(item.created_at).strftime("%Y-%m"))
    return Usage(
        projects=tuple(sorted(map(_project, opened), key=lambda row: (-row.total, row.id))),
        models=_rows(items, lambda item: item.model or NO_MODEL),
        months=tuple(sorted(months, key=lambda row: row.key, reverse=True)),
        types=_rows(items, lambda item: item.type.value),
        deleted=tree_size(trash),
    )


def tree_size(folder: Path | str) -> int:
    """The size of all files below a folder; 0 when there is none."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    total += tree_size(entry.path)
                else:
                    total += _size(entry)
    except OSError:
        return total
    return total


def _project(project: ProjectFolder) -> ProjectUsage:
    items = project.items()
    everything = tree_size(project.folder)
    trash, parts = tree_size(project.folder / "trash"), tree_size(project.folder / "parts")
    media = min(sum(map(_bytes, items)), everything - trash - parts)
    rest = everything - trash - parts - media
    return ProjectUsage(project.id, project.record.name, len(items), media, trash, parts, rest)


def _rows(items: Iterable[MediaItem], key_of: Callable[[MediaItem], str]) -> tuple[UsageRow, ...]:
    counts: dict[str, list[int]] = {}
    for item in items:
        row = counts.setdefault(key_of(item), [0, 0])
        row[0] += 1
        row[1] += _bytes(item)
    rows = [UsageRow(key, key, count, size) for key, (count, size) in counts.items()]
    return tuple(sorted(rows, key=lambda row: (-row.bytes, -row.items, row.key)))


def _bytes(item: MediaItem) -> int:
    return item.file_size or 0 if item.path is not None and item.save_state is SaveState.SAVED else 0


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0
