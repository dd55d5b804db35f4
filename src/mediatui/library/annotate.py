"""What a person writes about items: name, tags, rating, favourite, notes. Many items in one commit."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mediatui.errors import StorageError, UsageError
from mediatui.library.project import ProjectFolder
from mediatui.library.sidecars import odd_sidecars, put_sidecars, write_sidecars
from mediatui.model import MediaItem
from mediatui.text import clean_text, one_line, plural

MAX_TAG = 40
MAX_TAGS = 64
MAX_NAME = 200
MAX_NOTES = 20_000
BEST = 5
"""Stars, at most."""

ANNOTATIONS = ("name", "tags", "rating", "favourite", "notes")
"""The fields of an item that a person writes."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Values to give to one item's fields. With `expected`, only to fields that still have these values."""

    item_id: str
    values: Mapping[str, Any]
    expected: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """What applying edits did, and the edits that take it back."""

    items: tuple[MediaItem, ...]
    back: tuple[Edit, ...]
    odd_before: Mapping[str, bytes | None] = field(default_factory=dict)
    """Records beside files as they were, where they differed from the index."""
    notes: tuple[str, ...] = ()
    """What was left alone, and why."""


def edits_for(items: Iterable[MediaItem], change: Callable[[MediaItem], MediaItem]) -> tuple[Edit, ...]:
    """The edits that a change of each item amounts to; items it leaves alone have none."""
    found = []
    for item in items:
        changed = change(item)
        values = {n: getattr(changed, n) for n in ANNOTATIONS if getattr(changed, n) != getattr(item, n)}
        if values:
            found.append(Edit(item.id, values))
    return tuple(found)


def apply_edits(project: ProjectFolder, edits: Sequence[Edit], odd: Mapping[str, bytes | None] | None = None) -> Edited:
    """Give items their new values: one commit, then the records beside their files.

    `odd` are records to write exactly so. An item that is gone, or whose field somebody else changed in
    between, is left alone and noted. Raises `StorageError`; nothing is changed then.
    """
    notes: list[str] = []
    with project.transaction():
        before: list[MediaItem] = []
        after: list[MediaItem] = []
        for edit in edits:
            item = project.find_item(edit.item_id)
            if item is None:
                notes.append(f"{edit.item_id} is not there any more")
            elif _was_changed(item, edit):
                notes.append(f"{item.name} was changed by somebody else and is left as it is")
            else:
                before.append(item)
                after.append(replace(item, **edit.values))
        odd_before = odd_sidecars(project, before)
        project.commit(items=after)
        items = tuple(project.item(item.id) for item in after)
        notes += _refresh_sidecars(project, items, odd_before, odd or {})
    return Edited(items, tuple(_back(b, a) for b, a in zip(before, items, strict=True)), odd_before, tuple(notes))


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: clean, without a leading #, each once whatever its letter case, sorted.

    Raises `UsageError` for too many.
    """
    kept: dict[str, str] = {}
    for tag in tags:
        text = one_line(unicodedata.normalize("NFC", tag).replace('"', "").lstrip("# "), MAX_TAG).strip(" ,")
        if text:
            kept.setdefault(text.casefold(), text)
    if len(kept) > MAX_TAGS:
        raise UsageError(f"an item has at most {MAX_TAGS} tags", hint="Remove some first.")
    return tuple(kept[key] for key in sorted(kept))


def retag(item: MediaItem, add: Iterable[str] = (), remove: Iterable[str] = ()) -> MediaItem:
    """The item with tags added and removed. Raises `UsageError`."""
    gone = {tag.casefold() for tag in clean_tags(remove)}
    kept = [tag for tag in item.tags if tag.casefold() not in gone]
    return replace(item, tags=clean_tags([*kept, *add]))


def rated(item: MediaItem, rating: int | None) -> MediaItem:
    """The item with another rating. Raises `UsageError` for one that is not 1 to 5."""
    if rating is not None and not 1 <= rating <= BEST:
        raise UsageError(f"{rating} is no rating", hint="A rating is 1 to 5.")
    return replace(item, rating=rating)


def renamed(item: MediaItem, name: str) -> MediaItem:
    """The item with another name; its file keeps its own. Raises `UsageError` for an empty one."""
    clean = one_line(name, MAX_NAME)
    if not clean:
        raise UsageError("an item needs a name")
    return replace(item, name=clean)


def noted(item: MediaItem, notes: str) -> MediaItem:
    """The item with other notes."""
    return replace(item, notes=clean_text(notes, MAX_NOTES).strip())


def _was_changed(item: MediaItem, edit: Edit) -> bool:
    return edit.expected is not None and any(getattr(item, n) != v for n, v in edit.expected.items())


def _back(before: MediaItem, after: MediaItem) -> Edit:
    names = [n for n in ANNOTATIONS if getattr(before, n) != getattr(after, n)]
    return Edit(before.id, {n: getattr(before, n) for n in names}, {n: getattr(after, n) for n in names})


def _refresh_sidecars(
    project: ProjectFolder,
    items: Sequence[MediaItem],
    odd_before: Mapping[str, bytes | None],
    odd: Mapping[str, bytes | None],
) -> list[str]:
    """Write the records beside files, where there are any. The index has the change already, so trouble is a note."""
    held = [i for i in items if i.path is not None and (odd_before.get(i.id, b"") is not None or i.id in odd)]
    refused = write_sidecars(project, [item for item in held if item.id not in odd])
    for item in held:
        try:
            put_sidecars(project, [item], odd)
        except StorageError:
            refused += 1
    return [f"{plural(refused, 'record')} beside files could not be written; the index has it all"] if refused else []
