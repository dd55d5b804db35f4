"""Names of exported files by a template: ``{n:03}-{date}-{model}-{prompt:40}``.

n           the item's place in the export, from 1; ``{n:03}`` fills up with zeros
text        project, name, model, provider, prompt, type, role, id, seed, rating, tags; ``{prompt:40}`` is cut
time        date (2026-11-20), time (14-03-59), year, month, day; local
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from mediatui.errors import UsageError
from mediatui.model import MediaItem
from mediatui.text import file_stem, slug

STEM_BYTES = 180
_PART = re.compile(r"\{([^{}]*)\}")
_FORMAT = re.compile(r"0?[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class _Given:
    number: int
    item: MediaItem
    project: str


def _moment(pattern: str) -> Callable[[_Given], str]:
    return lambda given: datetime.fromtimestamp(given.item.created_at).strftime(pattern)


_FIELDS: Mapping[str, Callable[[_Given], str]] = {
    "n": lambda given: str(given.number),
    "project": lambda given: given.project,
    "name": lambda given: PurePosixPath(given.item.name).stem or given.item.name,
    "model": lambda given: slug(given.item.model, fallback=""),
    "provider": lambda given: given.item.provider,
    "prompt": lambda given: given.item.prompt,
    "type": lambda given: given.item.type.value,
    "role": lambda given: given.item.role,
    "id": lambda given: given.item.id,
    "seed": lambda given: "" if given.item.seed is None else str(given.item.seed),
    "rating": lambda given: str(given.item.rating or 0),
    "tags": lambda given: "-".join(given.item.tags),
    "date": _moment("%Y-%m-%d"),
    "time": _moment("%H-%M-%S"),
    "year": _moment("%Y"),
    "month": _moment("%m"),
    "day": _moment("%d"),
}
NAME_FIELDS = tuple(_FIELDS)
"""What may stand between braces."""


@dataclass(frozen=True, slots=True)
class NameTemplate:
    """A checked template."""

    text: str
    parts: tuple[str | tuple[str, str], ...]

    def stem(self, number: int, item: MediaItem, project: str) -> str:
        """The name of an item's file without its ending: safe on every system, never empty."""
        given = _Given(number, item, project)
        made = "".join(
            part if isinstance(part, str) else _shaped(_FIELDS[part[0]](given), *part) for part in self.parts
        )
        return file_stem(made, STEM_BYTES, fallback=f"item-{number}")


def parse_template(text: str) -> NameTemplate:
    """Check a template. Raises `UsageError` naming what is wrong in it and where."""
    parts: list[str | tuple[str, str]] = []
    at = 0
    for found in _PART.finditer(text):
        parts.append(_literal(text[at : found.start()], at))
        name, _, form = found[1].partition(":")
        if name not in _FIELDS:
            near = difflib.get_close_matches(name, _FIELDS, 1)
            hint = f"Did you mean {{{near[0]}}}?" if near else f"There are {', '.join(_FIELDS)}."
            raise UsageError(f"the name template has no field {{{name}}} (at {found.start() + 1})", hint=hint)
        if form and not _FORMAT.fullmatch(form):
            raise UsageError(f"“{form}” in {{{found[1]}}} is no width", hint="For example {n:03} or {prompt:40}.")
        parts.append((name, form))
        at = found.end()
    parts.append(_literal(text[at:], at))
    if not any(isinstance(part, tuple) for part in parts):
        raise UsageError(
            "the name template has no field: all names would be alike", hint="For example {n:03}-{prompt:40}"
        )
    return NameTemplate(text, tuple(part for part in parts if part))


def _literal(text: str, at: int) -> str:
    if (wrong := re.search(r"[{}/\\]", text)) is not None:
        raise UsageError(f"“{wrong[0]}” in the name template (at {at + wrong.start() + 1}) has no meaning there")
    return text


def _shaped(value: str, name: str, form: str) -> str:
    if not form:
        return value
    if name == "n":
        return value.rjust(int(form), "0" if form.startswith("0") else " ").strip()
    return value[: int(form)].strip()
