"""Rows of moving pictures that reach the terminal without a `Segment` per cell.

A `RawStrip` looks like any other strip: whoever cuts, joins, tints or exports it finds segments, made on
demand. Only when it goes to the terminal whole does it write its escape codes itself, and then, given a
`Canvas`, only the cells that differ from what the terminal shows already. It relies on `Strip.divide` and
`Strip.crop` returning the strip itself when nothing is cut off, and on ``Strip._segments``; a test compares
every operation with plain strips.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache

from rich.color import Color, ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Pixels = Sequence[int]
"""One row of pixels: red in the lowest byte, then green, then blue; the highest byte means nothing."""

QUANTISED = bytes((value & 0xF8) | (value >> 5) for value in range(256))
"""Five bits a channel: invisible in half blocks, and half the bytes on the wire."""

CHANGE = 17
"""Two of those steps: a colour off by no more is left on screen as it is when bytes are dear."""


class _Codes(dict[int, str]):
    """A pixel's colour as the numbers of an escape code."""

    def __missing__(self, pixel: int) -> str:
        if len(self) > 40_000:
            self.clear()
        code = self[pixel] = f"{pixel & 255};{pixel >> 8 & 255};{pixel >> 16 & 255}"
        return code


_codes = _Codes()


@lru_cache(maxsize=32768)
def _style(top: int, bottom: int) -> Style:
    return Style(color=_colour(top), bgcolor=_colour(bottom))


def _colour(pixel: int) -> Color:
    return Color.from_rgb(pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255)


def pixel_rows(data: bytes, width: int) -> list[array[int]]:
    """Rows of quantised pixels out of four bytes a pixel."""
    pixels = array("I")
    pixels.frombytes(data.translate(QUANTISED))
    return [pixels[start : start + width] for start in range(0, len(pixels), width)]


def segments(top: Pixels, bottom: Pixels) -> list[Segment]:
    """A row of cells as segments; equal neighbours share one."""
    found: list[Segment] = []
    begin = 0
    for at in range(1, len(top) + 1):
        if at < len(top) and top[at] == top[begin] and bottom[at] == bottom[begin]:
            continue
        found.append(Segment("▀" * (at - begin), _style(top[begin], bottom[begin])))
        begin = at
    return found


def full_row(top: Pixels, bottom: Pixels) -> str:
    """A row of cells as escape codes; a colour is named only where it changes."""
    out: list[str] = []
    front = back = -1
    codes = _codes
    for upper, lower in zip(top, bottom, strict=True):
        if upper != front:
            if lower != back:
                out.append(f"\x1b[38;2;{codes[upper]};48;2;{codes[lower]}m▀")
                back = lower
            else:
                out.append(f"\x1b[38;2;{codes[upper]}m▀")
            front = upper
        elif lower != back:
            out.append(f"\x1b[48;2;{codes[lower]}m▀")
            back = lower
        else:
            out.append("▀")
    out.append("\x1b[0m")
    return "".join(out)


def delta_row(top: Pixels, bottom: Pixels, shown_top: array[int], shown_bottom: array[int], tolerance: int) -> str:
    """The cells that changed, with the cursor stepping over the others to the row's end.

    What is shown is brought up to date in place; the cursor starts at the row's first cell.
    """
    out: list[str] = []
    front = back = -1
    skipped = 0
    codes = _codes
    for at in range(len(top)):
        upper, lower, was_upper, was_lower = top[at], bottom[at], shown_top[at], shown_bottom[at]
        if (upper == was_upper or _near(upper, was_upper, tolerance)) and (
            lower == was_lower or _near(lower, was_lower, tolerance)
        ):
            skipped += 1
            continue
        if skipped:
            out.append(f"\x1b[{skipped}C")
            skipped = 0
        if upper != front:
            out.append(f"\x1b[38;2;{codes[upper]}m")
            front = upper
        if lower != back:
            out.append(f"\x1b[48;2;{codes[lower]}m")
            back = lower
        out.append("▀")
        shown_top[at], shown_bottom[at] = upper, lower
    if front != -1:
        out.append("\x1b[0m")
    if skipped:
        out.append(f"\x1b[{skipped}C")
    return "".join(out)


def _near(one: int, other: int, tolerance: int) -> bool:
    return (
        abs((one & 255) - (other & 255)) <= tolerance
        and abs((one >> 8 & 255) - (other >> 8 & 255)) <= tolerance
        and abs((one >> 16 & 255) - (other >> 16 & 255)) <= tolerance
    )


class Canvas:
    """What the terminal is known to show of a picture, row by row.

    A row is known while the strip handed out last for it was the one that was written. Whenever somebody else
    may have written there (a strip was cut, or handed out and never written because something lay on top),
    the row is forgotten, and the next strip writes all of it.
    """

    def __init__(self, tolerance: int = CHANGE) -> None:
        self.tolerance = tolerance
        self.whole_rows = 0
        """Rows written whole so far, for tests and measurements."""
        self._rows: dict[int, tuple[array[int], array[int]]] = {}
        self._handed: dict[int, RawStrip] = {}

    def forget(self, y: int | None = None) -> None:
        """Nothing is known any more of one row, or of any."""
        if y is None:
            self._rows.clear()
            self._handed.clear()
        else:
            self._rows.pop(y, None)

    def hand_out(self, y: int, strip: RawStrip) -> RawStrip:
        """A strip goes to the compositor for row `y`."""
        before = self._handed.get(y)
        if before is not None and not before.written:
            self.forget(y)
        self._handed[y] = strip
        return strip

    def knows(self, y: int, width: int) -> bool:
        """Row `y` shows a picture of that width."""
        shown = self._rows.get(y)
        return shown is not None and len(shown[0]) == width

    def write(self, y: int, top: array[int], bottom: array[int]) -> str:
        """What brings row `y` of the terminal to these pixels."""
        shown = self._rows.get(y)
        if shown is None or len(shown[0]) != len(top):
            self._rows[y] = (top[:], bottom[:])
            self.whole_rows += 1
            return full_row(top, bottom)
        if shown[0] == top and shown[1] == bottom:
            return f"\x1b[{len(top)}C"
        return delta_row(top, bottom, shown[0], shown[1], self.tolerance)


class RawStrip(Strip):
    """One row of a picture with margins left and right of it."""

    __slots__ = ("_bottom", "_canvas", "_made", "_margins", "_style", "_top", "_y", "written")

    def __init__(
        self,
        top: array[int],
        bottom: array[int],
        *,
        margins: tuple[int, int] = (0, 0),
        style: Style | None = None,
        canvas: Canvas | None = None,
        y: int = 0,
    ) -> None:
        """`style` is the margins'; with a `canvas`, `y` is the row there."""
        self._top, self._bottom, self._margins, self._style = top, bottom, margins, style
        self._canvas, self._y = canvas, y
        self._made: list[Segment] | None = None
        self.written = False
        super().__init__((), sum(margins) + len(top))

    @property
    def _segments(self) -> list[Segment]:
        """The row as anybody else would have drawn it; from here on nobody knows what became of it."""
        if self._canvas is not None:
            self._canvas.forget(self._y)
        if self._made is None:
            left, right = (Segment(" " * margin, self._style) for margin in self._margins)
            cells = segments(self._top, self._bottom)
            self._made = [segment for segment in (left, *cells, right) if segment.text]
        return self._made

    @_segments.setter
    def _segments(self, value: list[Segment]) -> None:
        """Only the base class's constructor sets it, to nothing."""

    def render(self, console: Console) -> str:
        """The row as escape codes. A terminal with fewer colours gets what Textual makes of the segments."""
        if console._color_system is not ColorSystem.TRUECOLOR:
            return super().render(console)
        canvas, y = self._canvas, self._y
        # Margins of a row that is known are there already: the cursor steps over them.
        margin = self._step if canvas is not None and canvas.knows(y, len(self._top)) else self._blank
        self.written = True
        cells = full_row(self._top, self._bottom) if canvas is None else canvas.write(y, self._top, self._bottom)
        return margin(self._margins[0]) + cells + margin(self._margins[1])

    @staticmethod
    def _step(width: int) -> str:
        return f"\x1b[{width}C" if width else ""

    def _blank(self, width: int) -> str:
        blank = " " * width
        styled = bool(width) and self._style is not None
        return self.render_style(self._style, blank, ColorSystem.TRUECOLOR) if styled and self._style else blank
