"""Styled text in lines that repaints only what changed: for details that follow a fast cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Actor, Handler, tone
from mediatui.tui.format import fit
from mediatui.tui.widgets.line_list import Cell
from mediatui.tui.widgets.quiet import QuietScroll

Paragraph = tuple[str, str, str]
"""A label (may be empty), the text, and the name of the text's tone."""

Line = tuple[Cell, ...]

LABEL = 10
"""Cells kept for labels."""


def wrap(text: str, width: int) -> list[str]:
    """Literal text broken at spaces into lines of at most `width` cells; longer words are cut, paths and URLs
    behind a separator."""
    if width < 2:
        return []
    lines: list[str] = []
    for paragraph in text.expandtabs(4).split("\n"):
        line, room = "", width
        for word in paragraph.split(" "):
            size = cell_len(word)
            if line and size + 1 <= room:
                line, room = f"{line} {word}", room - size - 1
                continue
            if line:
                lines.append(line)
            *full, line = _cut(word, width) or [""]
            lines.extend(full)
            room = width - cell_len(line)
        lines.append(line)
    return lines


def _cut(word: str, width: int) -> list[str]:
    """A word in pieces of at most `width` cells, cut behind a separator where one is not too far back."""
    pieces = []
    while cell_len(word) > width:
        piece = chop_cells(word[: 2 * width], width)[0]
        end = max(piece.rfind(mark) for mark in "/&?_-") + 1
        if end > len(piece) // 3:
            piece = piece[:end]
        pieces.append(piece)
        word = word[len(piece) :]
    return [*pieces, word] if word else pieces


def lay_out(paragraphs: Sequence[Paragraph], width: int) -> list[Line]:
    """Paragraphs in lines of exactly `width` cells; texts align behind their labels."""
    lines: list[Line] = []
    longest = max((cell_len(label) for label, _, _ in paragraphs), default=0)
    column = max(LABEL, min(longest + 2, width // 3))
    for label, text, name in paragraphs:
        indent = column if label else 0
        rows = wrap(text, width - indent) or [""]
        for number, row in enumerate(rows):
            head = f"{fit(label if number == 0 else '', indent - 1)} " if indent else ""
            lines.append(((head, "dim"), (fit(row, width - indent), name)))
    return lines


class Lines(Actor, QuietScroll, can_focus=True, inherit_bindings=False):
    """Scrollable paragraphs."""

    ALLOW_SELECT = False
    BINDINGS = bindings("text")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._paragraphs: Sequence[Paragraph] = ()
        self._lines: list[Line] = []

    @property
    def text(self) -> str:
        """Everything it shows, for copying and tests."""
        return "\n".join(f"{label} {text}".strip() for label, text, _ in self._paragraphs)

    def show(self, paragraphs: Sequence[Paragraph], *, top: bool = False) -> None:
        """Show these paragraphs; `top` scrolls back to the first line."""
        self._paragraphs = paragraphs
        if top and self.scroll_offset.y:
            self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._flow()

    def _flow(self) -> None:
        width = self.size.width
        # One cell is kept for the scroll bar, so that lines do not break anew when it appears.
        before, self._lines = self._lines, lay_out(self._paragraphs, max(0, width - 1))
        if len(self._lines) != self.virtual_size.height:
            self.virtual_size = Size(0, len(self._lines))
        offset = self.scroll_offset.y
        for y in range(offset, offset + self.size.height):
            old = before[y] if y < len(before) else None
            new = self._lines[y] if y < len(self._lines) else None
            if old != new:
                start, end = _changed(old, new, width)
                self.refresh(Region(start, y - offset, end - start, 1))

    def on_resize(self, event: events.Resize) -> None:
        """Break the lines anew."""
        self._lines = []
        self._flow()

    def render_line(self, y: int) -> Strip:
        """One line."""
        width, row = self.size.width, y + self.scroll_offset.y
        line = self._lines[row] if row < len(self._lines) else ((" " * width, "text"),)
        return Strip([Segment(text, tone(self, name)) for text, name in line]).adjust_cell_length(
            width, tone(self, "text")
        )

    def handlers(self) -> Mapping[str, Handler]:
        """Scrolling."""
        page = max(1, self.size.height - 1)
        return {
            "down": lambda: self.scroll(1),
            "up": lambda: self.scroll(-1),
            "page-down": lambda: self.scroll(page),
            "page-up": lambda: self.scroll(-page),
            "half-down": lambda: self.scroll(max(1, page // 2)),
            "half-up": lambda: self.scroll(-max(1, page // 2)),
            "first": lambda: self.scroll(-self.virtual_size.height),
            "last": lambda: self.scroll(self.virtual_size.height),
        }

    def scroll(self, step: int) -> None:
        """Scroll by some lines, at once."""
        self.scroll_to(y=self.scroll_offset.y + step, animate=False, force=True, immediate=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines on."""
        event.stop()
        event.prevent_default()
        self.scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines back."""
        event.stop()
        event.prevent_default()
        self.scroll(-3)


def _changed(old: Line | None, new: Line | None, width: int) -> tuple[int, int]:
    """The columns from the first to the last difference; the whole line when shapes differ."""
    if old is None or new is None or len(old) != len(new):
        return 0, width
    if any(a[1] != b[1] or cell_len(a[0]) != cell_len(b[0]) for a, b in zip(old, new, strict=True)):
        return 0, width
    left, right = ("".join(text for text, _ in line) for line in (old, new))
    if cell_len(left) != len(left) or cell_len(right) != len(right):
        return 0, width
    different = [at for at, (a, b) in enumerate(zip(left, right, strict=True)) if a != b]
    return different[0], different[-1] + 1
