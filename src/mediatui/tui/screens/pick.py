"""One of many: a line to type in over a list that follows it; what is typed may also be something new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mediatui.text import one_line
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.screens.base import ARROWS, ENTER, Dialog
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.line_list import Cell, LineList

ROWS = 12
"""Rows shown at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to pick: what it answers, what it says, a note at the right, one glyph before it."""

    value: str
    text: str
    note: str = ""
    mark: str = " "


class PickList(LineList, inherit_bindings=True):
    """The rows."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(empty="Nothing here.")
        self.entries: dict[str, Entry] = {}

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show these rows; the cursor stays on its row where that is still listed."""
        before, self.entries = self.entries, {entry.value: entry for entry in entries}
        self.show(list(self.entries))
        self.touch([key for key, entry in self.entries.items() if before.get(key) != entry])

    def edge(self, key: str) -> str:
        """The row's glyph."""
        return self.entries[key].mark

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Text, and the note at the right."""
        entry = self.entries[key]
        room = min(len(entry.note) + 2, width // 2) if entry.note else 0
        return [(fit(f" {entry.text}", width - room), "text"), (fit(f"  {entry.note}", room), "dim")]


class PickScreen(Dialog[str | None]):
    """Type to narrow, arrows to move, enter to pick; None when cancelled.

    `fresh` turns what was typed into a row of its own, for something that is not there yet; `drop` removes a row.
    """

    SCOPES = ("pick",)
    BINDINGS = bindings("pick")
    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        fresh: Callable[[str], Entry] | None = None,
        placeholder: str = "type to search",
        verb: str = "choose",
        empty: str = "Nothing matches.",
        current: str | None = None,
        drop: Callable[[str], None] | None = None,
        by_note: bool = True,
    ) -> None:
        """`by_note`: what is typed is looked for in the notes as well."""
        super().__init__()
        self._title, self._entries, self._fresh = title, tuple(entries), fresh
        self._placeholder, self._verb, self._empty, self._current = placeholder, verb, empty, current
        self._drop, self._by_note = drop, by_note

    def compose(self) -> ComposeResult:
        """Title, line, list, keys."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="box-title", markup=False)
            field = Input(placeholder=self._placeholder, compact=True)
            field.cursor_blink = False
            yield field
            yield PickList()
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Fill the list."""
        self.list.empty = self._empty
        self.list.styles.height = max(1, min(ROWS, len(self._entries) + (self._fresh is not None)))
        self.narrow()
        if self._current is not None:
            self.list.go_to(self._current)
        self.query_one(Bar).show(self.keys())

    def keys(self) -> list[Cell]:
        """What the last line says."""
        dropping = [("remove", "remove")] if self._drop is not None else []
        return self.key_cells((ENTER, self._verb), (ARROWS, "select"), *dropping, ("back", "close"))

    @property
    def list(self) -> PickList:
        """The list."""
        return self.query_one(PickList)

    @property
    def typed(self) -> str:
        """What was typed, on one line."""
        return one_line(self.query_one(Input).value).strip()

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Other rows."""
        self._entries = tuple(entries)
        self.narrow()

    @on(Input.Changed)
    def narrow(self) -> None:
        """Show what matches what is typed."""
        words = self.typed.casefold().split()
        found = [e for e in self._entries if all(word in self._searched(e) for word in words)]
        # The best row first: one that begins with what was typed.
        found.sort(key=lambda entry: not entry.text.casefold().startswith(self.typed.casefold()))
        exact = any(entry.text.casefold() == self.typed.casefold() for entry in self._entries)
        if self._fresh is not None and self.typed and not exact:
            found.append(self._fresh(self.typed))
        self.list.show_entries(found)
        if words:
            self.list.cursor = 0

    def _searched(self, entry: Entry) -> str:
        return (f"{entry.text} {entry.note}" if self._by_note else entry.text).casefold()

    def handlers(self) -> Mapping[str, Handler]:
        """Moving, picking, leaving."""
        return {
            "pick-down": lambda: self.list.move(1),
            "pick-up": lambda: self.list.move(-1),
            "pick-page-down": lambda: self.list.move(ROWS),
            "pick-page-up": lambda: self.list.move(-ROWS),
            "take": self._take,
            "remove": self._remove,
            "back": self._cancel,
        }

    def _take(self) -> None:
        if self.list.key is not None:
            self.picked(self.list.key)

    def _remove(self) -> None:
        if self._drop is None:
            self.query_one(Input).action_cut()
        elif self.list.key is not None:
            self._drop(self.list.key)

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        self.picked(event.key)

    def picked(self, value: str) -> None:
        """A row was picked (for subclasses)."""
        self.dismiss(value)

    def _cancel(self) -> None:
        self.dismiss(None)
