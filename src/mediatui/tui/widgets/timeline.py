"""Time, drawn: a row of frames along a clip, the loudness along a sound, a ruler under either."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from mediatui.media.filmstrip import Filmstrip
from mediatui.media.peaks import Peaks
from mediatui.tui.actor import app_of, tone
from mediatui.tui.widgets.picture import characters, half_blocks, read_pixels

EIGHTHS = " ▁▂▃▄▅▆▇█"


def clock(seconds: float) -> str:
    """A moment to a tenth of a second: ``0:07.3``."""
    tenths = max(0, round(seconds * 10))
    return f"{tenths // 600}:{tenths // 10 % 60:02}.{tenths % 10}"


class Sought(Message):
    """Somebody pointed at a moment."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Ruler(Widget):
    """Where we are between the start and the end, on one line; a click goes there."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._seconds, self._duration, self._note = 0.0, 0.0, ""

    def show(self, seconds: float, duration: float, note: str = "") -> None:
        """Show a moment; repainted only when a cell changes."""
        before = self._parts(self.size.width)
        self._seconds, self._duration, self._note = seconds, duration, note
        if self._parts(self.size.width) != before:
            self.refresh()

    @property
    def text(self) -> str:
        """What it says, for tests."""
        return "".join(self._parts(max(40, self.size.width))[:5])

    def _parts(self, width: int) -> tuple[str, str, str, str, str]:
        left, right = f" {clock(self._seconds)} ", f" {clock(self._duration)}{f'  {self._note}' if self._note else ''} "
        room = width - len(left) - len(right)
        if room < 3:
            return left, "", "", "", right
        done = round((room - 1) * min(1.0, self._seconds / self._duration)) if self._duration > 0 else 0
        return left, "━" * done, "●", "─" * (room - 1 - done), right

    def render_line(self, y: int) -> Strip:
        """The line."""
        tones = ("text", "accent", "accent", "rule", "dim")
        parts = self._parts(self.size.width)
        cells = [Segment(text, tone(self, name)) for text, name in zip(parts, tones, strict=True) if text]
        return Strip(cells).adjust_cell_length(self.size.width, tone(self, "text"))

    def on_click(self, event: events.Click) -> None:
        """Go there."""
        left, done, knob, rest, _right = self._parts(self.size.width)
        room = len(done) + len(knob) + len(rest)
        if room > 1 and len(left) <= event.x < len(left) + room:
            self.post_message(Sought((event.x - len(left)) / (room - 1) * self._duration))


class Thumbs(Widget):
    """The frames of a clip side by side, the current one marked; as many as fit, evenly chosen."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strip: Filmstrip | None = None
        self._tiles: list[list[list[Segment]]] = []
        self._tile_width = 0
        self._current = 0

    def show(self, strip: Filmstrip | None) -> None:
        """Show a clip's frames."""
        if strip != self._strip:
            self._strip, self._tiles, self._current = strip, [], 0
            self.refresh()
            self._draw()

    def mark(self, index: int) -> None:
        """Mark one of the clip's frames."""
        before, self._current = self._slot(self._current), index
        if self._slot(index) != before:
            self.refresh()

    def _slot(self, index: int) -> int:
        """Which of the drawn frames stands for one of the clip's."""
        if self._strip is None or not self._tiles:
            return 0
        return index * len(self._tiles) // len(self._strip.times)

    def on_resize(self, event: events.Resize) -> None:
        """As many as fit now."""
        self._tiles = []
        self._draw()

    def _draw(self) -> None:
        if self._strip is not None and self.size.width > 8 and self.size.height > 2:
            app_of(self).run_fenced(self._cut(self._strip), group="thumbs", exclusive=True, node=self)

    async def _cut(self, strip: Filmstrip) -> None:
        rows = self.size.height - 1
        width = max(3, round(2 * rows * strip.tile[0] / strip.tile[1]))
        count = max(1, min(len(strip.times), self.size.width // (width + 1)))
        chosen = [index * len(strip.times) // count for index in range(count)]
        try:
            pictures = await asyncio.to_thread(_cut_tiles, strip, chosen, width, rows)
        except (OSError, ValueError):
            return
        if strip is not self._strip:
            return
        plain = self.app.no_color
        self._tiles = [characters(each, self.rich_style) if plain else half_blocks(each) for each in pictures]
        self._tile_width = pictures[0][0]
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line: of the frames, or the mark under them."""
        width, text = self.size.width, tone(self, "text")
        if not self._tiles:
            return Strip([Segment(" " * width, text)], width)
        here = self._slot(self._current)
        cells: list[Segment] = []
        for index, tile in enumerate(self._tiles):
            cells.append(Segment(" ", text))
            if y < len(tile):
                cells += tile[y]
            elif y == self.size.height - 1:
                mark = "━" if index == here else " "
                cells.append(Segment(mark * self._tile_width, tone(self, "accent")))
            else:
                cells.append(Segment(" " * self._tile_width, text))
        return Strip(cells).adjust_cell_length(width, text)

    def on_click(self, event: events.Click) -> None:
        """Go to the frame under the pointer."""
        if self._strip is not None and self._tiles:
            slot = min(len(self._tiles) - 1, event.x // (self._tile_width + 1))
            self.post_message(Sought(self._strip.times[slot * len(self._strip.times) // len(self._tiles)]))


def _cut_tiles(strip: Filmstrip, chosen: Sequence[int], width: int, rows: int) -> list[tuple[int, int, bytes]]:
    return [read_pixels(strip.sheet, width, rows, strip.box(index)) for index in chosen]


class Wave(Widget):
    """The loudness of a sound, mirrored around the middle; what is before the current moment is bright."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._peaks: Peaks | None = None
        self._words = ""
        self._seconds = 0.0

    def show(self, peaks: Peaks | None, words: str = "") -> None:
        """Show a sound, or a few words in its place."""
        self._peaks, self._words, self._seconds = peaks, words, 0.0
        self.refresh()

    def mark(self, seconds: float) -> None:
        """Mark a moment."""
        before, self._seconds = self._column(self._seconds), seconds
        if self._column(seconds) != before:
            self.refresh()

    def _column(self, seconds: float) -> int:
        if self._peaks is None or self._peaks.duration <= 0:
            return 0
        return round(min(1.0, seconds / self._peaks.duration) * max(0, self.size.width - 1))

    def render_line(self, y: int) -> Strip:
        """One line of it."""
        width, height = self.size
        if self._peaks is None:
            text = self._words if y == height // 2 else ""
            return Strip([Segment(text.center(width)[:width].ljust(width), tone(self, "dim"))], width)
        half = max(1, height // 2)
        above = y < half
        level = half - 1 - y if above else y - half
        here = self._column(self._seconds)
        bright, dim, cursor = (tone(self, name) for name in ("accent", "dim", "cursor"))
        cells: list[Segment] = []
        for column, value in enumerate(self._peaks.columns(width)):
            style = cursor if column == here else bright if column < here else dim
            eighths = max(0, min(8, round((value * half - level) * 8))) if level < half else 0
            # The lower half hangs from the middle: what a block leaves empty, in exchanged colours.
            hanging = not above and 0 < eighths < 8
            cells.append(Segment(EIGHTHS[8 - eighths if hanging else eighths], _turned(style) if hanging else style))
        return Strip(Segment.simplify(cells), width)

    def on_click(self, event: events.Click) -> None:
        """Go to the moment under the pointer."""
        if self._peaks is not None and self.size.width > 1:
            self.post_message(Sought(event.x / (self.size.width - 1) * self._peaks.duration))


def _turned(style: Style) -> Style:
    return (
        Style(color=style.bgcolor, bgcolor=style.color)
        if style.color and style.bgcolor
        else style + Style(reverse=True)
    )
