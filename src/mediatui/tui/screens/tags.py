"""Tags of some items: each enter adds or removes one, at once and undoable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from textual.widgets import Input

from mediatui.model import MediaItem
from mediatui.text import plural
from mediatui.tui.screens.pick import Entry, PickScreen

ALL, SOME, NONE = "●", "◐", "○"

Change = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
"""Adds the first tags and removes the second ones."""


class TagScreen(PickScreen):
    """The tags in use, with how many of the items have each; what is typed becomes a new one."""

    def __init__(
        self, ids: Sequence[str], items: Callable[[], Mapping[str, MediaItem]], change: Change, title: str
    ) -> None:
        self._ids, self._items, self._change = ids, items, change
        super().__init__(
            title,
            tag_entries(items(), ids),
            fresh=lambda name: Entry(name, name, "new tag", NONE),
            placeholder="a tag to add or remove",
            verb="adds or removes",
            empty="No tags yet: type one.",
            by_note=False,
        )

    def picked(self, value: str) -> None:
        """Add the tag to all, or remove it where all have it."""
        self.main.run_fenced(self._toggle(value), group="tag", node=self)

    async def _toggle(self, tag: str) -> None:
        held = counted(self._items(), self._ids).get(tag.casefold(), 0)
        present = [key for key in self._ids if key in self._items()]
        if held == len(present):
            await self._change((), (tag,))
        else:
            await self._change((tag,), ())
        self.query_one(Input).value = ""

    def refresh_tags(self) -> None:
        """The items have changed."""
        self.set_entries(tag_entries(self._items(), self._ids))


def counted(items: Mapping[str, MediaItem], ids: Iterable[str]) -> Counter[str]:
    """How many of the items have each tag, by the tag in lower case."""
    return Counter(tag.casefold() for key in ids if key in items for tag in items[key].tags)


def tag_entries(items: Mapping[str, MediaItem], ids: Sequence[str]) -> list[Entry]:
    """A row for every tag in use: those that the chosen items have first, then the most used."""
    everywhere = Counter(tag for item in items.values() for tag in item.tags)
    here, present = counted(items, ids), sum(key in items for key in ids)
    order = sorted(everywhere, key=lambda tag: (-here[tag.casefold()], -everywhere[tag], tag.casefold()))
    return [Entry(tag, tag, plural(everywhere[tag], "item"), _mark(here[tag.casefold()], present)) for tag in order]


def _mark(held: int, of: int) -> str:
    return NONE if not held else ALL if held == of else SOME
