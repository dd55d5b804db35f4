"""What is known of a deleted project without restoring it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mediatui.library.index import SCHEMA
from mediatui.library.replay import replay_file
from mediatui.library.usage import tree_size
from mediatui.locations import INDEX
from mediatui.text import one_line


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted project. `time` is when it was deleted, in seconds since the epoch, 0 when nobody knows."""

    path: Path
    name: str
    items: int
    bytes: int
    time: float


def deleted_parts(path: Path) -> tuple[str, float]:
    """The project's identifier and when it was deleted, by its folder's name in the trash; 0 when that does not say.

    Two that were deleted in the same millisecond are told apart by a number behind it.
    """
    identifier, _, when = path.name.rpartition("--")
    stamp = when.partition("-")[0]
    return (identifier, int(stamp) / 1000) if identifier and stamp.isdecimal() else (path.name, 0.0)


def look_into(path: Path) -> Deleted:
    """Read a deleted project's own index; where that cannot be read, its folder's name must do (blocking)."""
    (name, time), items = deleted_parts(path), 0
    try:
        tables = replay_file(path / INDEX, SCHEMA).tables
    except OSError:
        pass
    else:
        items = len(tables.get("items", {}))
        told = tables.get("project", {}).get("project", {}).get("name")
        name = one_line(told) if isinstance(told, str) and told.strip() else name
    return Deleted(path, name, items, tree_size(path), time)
