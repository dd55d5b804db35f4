"""A list drawn line by line: flat in the number of rows, two rows repainted per cursor move.

The widget holds keys, never records. It neither sorts nor filters: it is given an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.timer import Timer

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Actor, Handler, tone
from mediatui.tui.format import fit
from mediatui.tui.widgets.quiet import QuietScroll

Cell = tuple[str, str]
"""A piece of a row: text that fits exactly, and the name of a tone."""

HIGHLIGHT_DELAY = 0.12
"""Seconds the cursor must rest before the details follow it; longer than a key's repeat interval."""


class LineList(Actor, QuietScroll, can_focus=True, inherit_bindings=False):
    """Rows known by key, one line each, with a cursor that is kept by key when the order changes."""

    ALLOW_SELECT = False
    BINDINGS = bindings("list")
    cursor: reactive[int] = reactive(0, repaint=False, init=False)
    """The row under the cursor."""

    @dataclass
    class Highlighted(Message):
        """The cursor rests on a row; None: there are no rows."""

        list: LineList
        key: str | None

        @property
        def control(self) -> LineList:
            """The list."""
            return self.list

    @dataclass
    class Opened(Message):
        """Enter, or a second click."""

        list: LineList
        key: str

        @property
        def control(self) -> LineList:
            """The list."""
            return self.list

    def __init__(self, *, id: str | None = None, empty: str = "", classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.keys: Sequence[str] = ()
        self._empty = empty
        self.still: Sequence[Sequence[Cell]] = ()
        """Lines to draw until there are rows to show."""
        self._revision: dict[str, int] = {}
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(1024)
        self._rest: Timer | None = None
        self._told: str | None = None
        self._away: str | None = None
        """The key the cursor was on, while a filter hides it."""

    # What a subclass says about its rows.

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """The row in exactly `width` cells."""
        return [(fit(key, width), "text")]

    def edge(self, key: str) -> str:
        """One cell before the row."""
        return " "

    def extent(self, count: int) -> Size:
        """Lines that so many rows take."""
        return Size(0, count)

    def row_at(self, x: int, y: int) -> int:
        """Which row a point of the widget belongs to; it may lie past the last."""
        return y + self.scroll_offset.y

    # What a screen tells the list.

    @property
    def empty(self) -> str:
        """What stands where there are no rows."""
        return self._empty

    @empty.setter
    def empty(self, words: str) -> None:
        changed, self._empty = words != self._empty, words
        if changed and not self.keys:
            self.refresh()

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        return self.keys[self.cursor] if 0 <= self.cursor < len(self.keys) else None

    def show(self, keys: Sequence[str], *, follow: Mapping[str, str] | None = None) -> None:
        """Show these rows in this order; the cursor stays on its key, or on the one `follow` says took its place."""
        current = self._away or self.key
        if current is not None and follow:
            current = follow.get(current, current)
        old, self.keys, self.still = self.keys, keys, ()
        size = self.extent(len(keys))
        if size != self.virtual_size:
            self.virtual_size = size
        target = self._index(keys, current) if current is not None else 0
        self._away = current if target is None else None
        if target is None:
            target = min(self.cursor, max(0, len(keys) - 1))
        self.set_reactive(LineList.cursor, target)
        if keys != old:
            self._strips.clear()
            self.refresh()
        if self.is_attached:
            self.call_after_refresh(self._reveal)
        self._announce_soon()

    def _index(self, keys: Sequence[str], key: str) -> int | None:
        if self.cursor < len(keys) and keys[self.cursor] == key:
            return self.cursor
        try:
            return keys.index(key)
        except ValueError:
            return None

    def touch(self, keys: Sequence[str]) -> None:
        """These rows have changed: repaint those in view."""
        top, height = self.scroll_offset.y, self.size.height
        visible = {key: top + y for y, key in enumerate(self.keys[top : top + height])}
        for key in keys:
            self._revision[key] = self._revision.get(key, 0) + 1
            if key in visible:
                self.refresh_line(visible[key])

    def tick(self) -> None:
        """Time went by: repaint the rows in view whose text changed with it."""
        top, width = self.scroll_offset.y, self.row_width
        for y, key in enumerate(self.keys[top : top + self.size.height], top):
            cache_key = self._cache_key(key, y, width)
            before = self._strips.get(cache_key)
            if before is not None and before.text != self._draw(key, y, width).text:
                self.touch([key])

    def go_to(self, key: str) -> bool:
        """Put the cursor on a key; False when it is not listed."""
        index = self._index(self.keys, key)
        if index is not None:
            self.cursor = index
        return index is not None

    # Moving.

    def handlers(self) -> Mapping[str, Handler]:
        """Movement and opening."""
        page = max(1, self.size.height - 1)
        return {
            "down": lambda: self.move(1),
            "up": lambda: self.move(-1),
            "page-down": lambda: self.move(page),
            "page-up": lambda: self.move(-page),
            "half-down": lambda: self.move(max(1, page // 2)),
            "half-up": lambda: self.move(-max(1, page // 2)),
            "first": lambda: self.move(-len(self.keys)),
            "last": lambda: self.move(len(self.keys)),
            "open": self.open,
        }

    def move(self, step: int) -> None:
        """Move the cursor by some rows, at most to an end."""
        if self.keys:
            self.cursor = max(0, min(len(self.keys) - 1, self.cursor + step))

    def open(self) -> None:
        """Report the row under the cursor as opened."""
        if self.key is not None:
            self.post_message(self.Opened(self, self.key))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two rows concerned, or scroll."""
        self._away = None
        self.moved(old, new)
        top, height = self.scroll_offset.y, self.size.height
        if top <= new < top + height:
            self.refresh_line(old)
            self.refresh_line(new)
        else:
            self._reveal()
            self.refresh()
        self._announce_soon()

    def moved(self, old: int, new: int) -> None:
        """The cursor went from one row to another (for subclasses)."""

    def _reveal(self) -> None:
        height = self.size.height
        if height and self.keys and not self.scroll_offset.y <= self.cursor < self.scroll_offset.y + height:
            # Two thirds of a page at once: a scroll repaints the whole list, a held key must not cause one per row.
            step = height // 3
            y = self.cursor - height + 1 + step if self.cursor < self.scroll_offset.y else self.cursor - step
            self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def _announce_soon(self) -> None:
        if self._rest is not None:
            self._rest.stop()
        if self.is_attached:
            self._rest = self.set_timer(HIGHLIGHT_DELAY, self._announce)

    def _announce(self) -> None:
        self._rest = None
        if self.key != self._told:
            self._told = self.key
            self.post_message(self.Highlighted(self, self.key))

    # Drawing.

    def tone(self, name: str) -> Style:
        """The style of a tone."""
        return tone(self, name)

    def notify_style_update(self) -> None:
        """Forget everything drawn with the old styles."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """One line of the list."""
        width, row = self.row_width, y + self.scroll_offset.y
        if not self.keys:
            return self._still_line(y, width) if self.still else self._message_line(y, self.size.width)
        if row >= len(self.keys):
            return Strip([Segment(" " * self.size.width, self.tone("text"))], self.size.width)
        key = self.keys[row]
        cache_key = self._cache_key(key, row, width)
        strip = self._strips.get(cache_key)
        if strip is None:
            strip = self._strips[cache_key] = self._draw(key, row, width)
        return strip

    @property
    def row_width(self) -> int:
        """Cells for a row: one is kept for the scroll bar, so that rows do not jump when it appears."""
        return max(0, self.size.width - 1)

    def _cache_key(self, key: str, row: int, width: int) -> tuple[object, ...]:
        at_cursor = row == self.cursor
        return (key, self._revision.get(key, 0), width, at_cursor, at_cursor and self.has_focus, self.edge(key))

    def _row(self, key: str, row: int, width: int) -> list[Cell]:
        cells = [(self.edge(key), "accent"), *self.cells(key, max(0, width - 1))]
        if row == self.cursor:
            # One style for the whole row: readable on any theme, and half the bytes.
            return [(fit("".join(text for text, _ in cells), width), "cursor" if self.has_focus else "cursor-away")]
        return cells

    def _draw(self, key: str, row: int, width: int) -> Strip:
        return self._strip(self._row(key, row, width), width)

    def _strip(self, cells: Sequence[Cell], width: int) -> Strip:
        segments = [Segment(text, self.tone(tone)) for text, tone in cells if text]
        return Strip(Segment.simplify(segments), None).adjust_cell_length(width, self.tone("text"))

    def in_view(self) -> list[list[Cell]]:
        """The rows that are on screen, as they are drawn."""
        top, width = self.scroll_offset.y, self.row_width
        return [self._row(key, row, width) for row, key in enumerate(self.keys[top : top + self.size.height], top)]

    def _still_line(self, y: int, width: int) -> Strip:
        return self._strip(self.still[y] if y < len(self.still) else (), width)

    def _message_line(self, y: int, width: int) -> Strip:
        lines = self.empty.split("\n")
        start = max(0, min(3, (self.size.height - len(lines)) // 2))
        text = lines[y - start] if start <= y < start + len(lines) else ""
        key, tab, words = text.partition("\t")
        if not tab:
            first = "text" if y == start and len(lines) > 1 else "dim"
            return Strip([Segment(fit(f"  {text}", width), self.tone(first))], width)
        cells = [Segment(fit(f"  {key}", 9), self.tone("key")), Segment(fit(words, width - 9), self.tone("dim"))]
        return Strip(cells).adjust_cell_length(width, self.tone("text"))

    # Focus repaints one row, not the list.

    def watch_has_focus(self, has_focus: bool) -> None:
        """Repaint the cursor's row."""
        self.refresh_line(self.cursor)

    # Mouse.

    def on_click(self, event: events.Click) -> None:
        """A click moves; a second one opens."""
        row = self.row_at(event.x, event.y)
        if not 0 <= row < len(self.keys):
            return
        event.stop()
        if event.chain == 2 and not (event.ctrl or event.shift):
            self.open()
        else:
            self.clicked(row, event)

    def clicked(self, row: int, event: events.Click) -> None:
        """One click on a row (for subclasses)."""
        self.cursor = row

    def scroll_by_wheel(self, step: int) -> None:
        """Scroll without moving the cursor."""
        self.scroll_to(y=self.scroll_offset.y + step, animate=False, force=True, immediate=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows on."""
        event.stop()
        event.prevent_default()
        self.scroll_by_wheel(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows back."""
        event.stop()
        event.prevent_default()
        self.scroll_by_wheel(-3)

    def refresh_line(self, y: int) -> None:
        """Repaint one row."""
        self.refresh(Region(0, y - self.scroll_offset.y, self.size.width, 1))
