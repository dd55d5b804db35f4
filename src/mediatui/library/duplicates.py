"""Items that hold the same bytes, within a project and across projects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mediatui.checksum import checksums_of
from mediatui.errors import UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import MediaItem, SaveState


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Items with the same bytes. `keep` is the one worth most: favourite, rated, described, oldest."""

    sha256: str
    size: int
    keep: MediaItem
    others: tuple[MediaItem, ...]

    @property
    def bytes(self) -> int:
        """What the others take on disk."""
        return self.size * len(self.others)


def find_duplicates(
    projects: Iterable[ProjectFolder], stop: Callable[[], bool] = lambda: False
) -> tuple[Duplicates, ...]:
    """Groups of items with equal bytes, those that take most first.

    A file whose hash nobody knows is read when another one has its size. Blocking.
    """
    by_size: dict[int, list[tuple[ProjectFolder, MediaItem]]] = {}
    for project in projects:
        for item, size in _with_sizes(project):
            by_size.setdefault(size, []).append((project, item))
    groups: dict[tuple[str, int], list[MediaItem]] = {}
    for size, held in by_size.items():
        for project, item in held if len(held) > 1 else ():
            if stop():
                return ()
            if (digest := _digest(project, item)) is not None:
                groups.setdefault((digest, size), []).append(item)
    found = [_group(digest, size, items) for (digest, size), items in groups.items() if len(items) > 1]
    return tuple(sorted(found, key=lambda group: (-group.bytes, group.sha256)))


def worth(item: MediaItem) -> tuple[bool, int, int, float, str]:
    """How much a person did for an item; the greatest is kept."""
    return (item.favourite, item.rating or 0, len(item.tags) + bool(item.notes), -item.created_at, item.id)


def _with_sizes(project: ProjectFolder) -> Iterable[tuple[MediaItem, int]]:
    """Saved items and their sizes; two items of one file count once."""
    seen: set[str] = set()
    for item in sorted(project.items(), key=worth, reverse=True):
        if item.path is None or item.save_state is not SaveState.SAVED or item.path in seen:
            continue
        seen.add(item.path)
        size = item.file_size if item.sha256 else None
        if size is None:
            try:
                size = project.path_of(item.path).stat().st_size
            except (OSError, UsageError):
                continue
        if size:
            yield item, size


def _digest(project: ProjectFolder, item: MediaItem) -> str | None:
    if item.sha256 or item.path is None:
        return item.sha256
    try:
        return checksums_of(project.path_of(item.path)).sha256
    except (OSError, UsageError):
        return None


def _group(digest: str, size: int, items: list[MediaItem]) -> Duplicates:
    best = max(items, key=worth)
    return Duplicates(digest, size, best, tuple(item for item in items if item is not best))
