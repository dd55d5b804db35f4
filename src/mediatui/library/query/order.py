"""Sorting items by any column: natural, whatever the letter case, stable; what has no value stands last."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mediatui.model import MediaItem

_DIGITS = re.compile(r"[0-9]+")
_MOST_DIGITS = 0xFFFF


@dataclass(frozen=True, slots=True)
class Order:
    """A column and a direction."""

    column: str = "date"
    reverse: bool = False


@lru_cache(maxsize=1 << 17)
def natural(text: str) -> str:
    """A key under which ``clip 9`` comes before ``clip 10`` and letter case does not count."""
    return _DIGITS.sub(_number, text.casefold())


def _number(found: re.Match[str]) -> str:
    """Digits behind their count: more digits are a greater number, and every number stands before any letter."""
    digits = found[0].lstrip("0")
    return f"\x01{chr(min(len(digits), _MOST_DIGITS))}{digits}"


_COLUMNS: Mapping[str, Callable[[MediaItem], Any]] = {
    "date": lambda i: i.created_at or None,
    "saved": lambda i: i.saved_at,
    "name": lambda i: natural(i.name),
    "type": lambda i: i.type.value,
    "state": lambda i: i.save_state.value,
    "model": lambda i: natural(i.model) or None,
    "provider": lambda i: natural(i.provider) or None,
    "role": lambda i: natural(i.role) or None,
    "prompt": lambda i: natural(i.prompt) or None,
    "size": lambda i: i.file_size,
    "duration": lambda i: i.duration,
    "width": lambda i: i.width,
    "height": lambda i: i.height,
    "pixels": lambda i: i.width * i.height if i.width and i.height else None,
    "fps": lambda i: i.fps,
    "seed": lambda i: i.seed,
    "rating": lambda i: i.rating,
    "fav": lambda i: i.favourite or None,
    "tags": lambda i: tuple(map(natural, i.tags)) or None,
    "notes": lambda i: natural(i.notes) or None,
    "id": lambda i: i.id,
}

COLUMNS: tuple[str, ...] = (*_COLUMNS, "project")
"""What can be sorted by."""


def sort_items(
    items: Iterable[MediaItem], order: Order, *, projects: Mapping[str, str] | None = None
) -> list[MediaItem]:
    """The items by a column; equal ones stay in the order they came, in both directions."""
    names = projects or {}
    key = _COLUMNS.get(order.column) or (lambda item: natural(names.get(item.project, item.project)))
    given = list(items)
    keys = [key(item) for item in given]
    places = [place for place, value in enumerate(keys) if value is not None]
    places.sort(key=keys.__getitem__, reverse=order.reverse)  # equals keep their order in reverse too
    if len(places) < len(given):
        places += [place for place, value in enumerate(keys) if value is None]
    return [given[place] for place in places]
