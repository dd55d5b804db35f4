"""What the library showed when it was left: drawn again at once, while the library opens behind it.

It is of use only while it is true: for a terminal of the same size, and an index nobody has written to since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mediatui.locations import Locations
from mediatui.tui.private import write_private

Cell = tuple[str, str]
"""A piece of a line, and the name of a tone."""

Line = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Lines of cells by the identifier of the widget that drew them. `size` is the terminal's, in cells."""

    project: str
    name: str
    size: tuple[int, int]
    lines: Mapping[str, Sequence[Line]]


def keep_glimpse(locations: Locations, glimpse: Glimpse | None) -> None:
    """Write it down for its owner alone, or forget the last one. A disk that refuses disturbs nobody."""
    path = _file(locations)
    try:
        if glimpse is None:
            path.unlink(missing_ok=True)
            return
        write_private(path, {**asdict(glimpse), "index": _mark(locations, glimpse.project)})
    except (OSError, UnicodeError):
        with suppress(OSError):
            path.unlink()


def load_glimpse(locations: Locations, project: str, size: tuple[int, int]) -> Glimpse | None:
    """What `project` looked like, if it still looks like that on a terminal of this size."""
    try:
        found = json.loads(_file(locations).read_text("utf-8"))
        if (found["project"], tuple(found["size"])) != (project, size) or found["index"] != _mark(locations, project):
            return None
        lines = {str(name): [_line(line) for line in lines] for name, lines in found["lines"].items()}
        return Glimpse(project, _shown(found["name"]), size, lines)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _line(cells: Sequence[Sequence[str]]) -> Line:
    return [(_shown(text), _shown(tone)) for text, tone in cells]


def _shown(text: str) -> str:
    if not text.isprintable():
        raise ValueError("not a text of ours")
    return text


def _file(locations: Locations) -> Path:
    return locations.state / "glimpse.json"


def _mark(locations: Locations, project: str) -> list[int]:
    """Changes with every commit."""
    stat = locations.index(project).stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]
