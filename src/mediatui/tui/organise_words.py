"""How tags, stars and favourites read on screen. Pure functions."""

from __future__ import annotations

from rich.cells import cell_len

from mediatui.model import MediaItem
from mediatui.text import clean_text
from mediatui.tui.format import fit
from mediatui.tui.widgets.lines import Paragraph

FAVOURITE, STAR = "♥", "★"
TAG_CELLS = 22
"""The widest that tags are drawn in a row."""


def stars(item: MediaItem) -> str:
    """``♥``, ``★4``, both or nothing."""
    parts = (FAVOURITE if item.favourite else "", f"{STAR}{item.rating}" if item.rating else "")
    return " ".join(filter(None, parts))


def tag_words(item: MediaItem, width: int = TAG_CELLS) -> str:
    """Tags in at most `width` cells."""
    words = " ".join(f"#{tag}" for tag in item.tags)
    return words if cell_len(words) <= width else fit(words, width)


def row_words(item: MediaItem, *, tags: bool) -> str:
    """What stands behind a row's title: tags where there is room, stars always; begins with a space."""
    parts = (tag_words(item) if tags else "", stars(item))
    return "".join(f" {part}" for part in parts if part)


def organised_paragraphs(item: MediaItem, *, full: bool = False) -> list[Paragraph]:
    """What a person said about an item; nothing where nobody said anything."""
    found: list[Paragraph] = []
    if item.rating or item.favourite:
        shown = STAR * (item.rating or 0) + "☆" * (5 - item.rating if item.rating else 0)
        found.append(("rating", " ".join(filter(None, (FAVOURITE if item.favourite else "", shown))), "accent"))
    if item.tags:
        found.append(("tags", " ".join(f"#{tag}" for tag in item.tags), "text"))
    if item.notes:
        found.append(("notes", clean_text(item.notes, None if full else 400), "text"))
    return [*found, ("", "", "text")] if found else []
