"""A still picture out of half blocks: two pixels a cell, on any terminal, drawn from a small cached file."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.events import Resize
from textual.strip import Strip
from textual.widget import Widget

from mediatui.tui.actor import app_of
from mediatui.tui.format import fit

Pixels = tuple[int, int, bytes]
"""Width and height in pixels, and RGB bytes; the height is even."""

RAMP = " .:-=+*#%@"
"""Brightness as characters, for terminals whose owner wants no colour."""


@lru_cache(maxsize=32768)
def _style(top: bytes, bottom: bytes) -> Style:
    return Style(color=Color.from_rgb(*top), bgcolor=Color.from_rgb(*bottom))


Box = tuple[int, int, int, int]
"""A part of a picture: left, top, right, bottom in pixels."""


def read_pixels(path: Path, width: int, height: int, box: Box | None = None) -> Pixels:
    """The picture, or a part of it, scaled to fit into `width` by `height` cells.

    Blocking; raises `OSError` for what is no picture.
    """
    from PIL import Image

    with Image.open(path) as source:
        if box is None:
            source.draft("RGB", (width * 2, height * 4))
        part = source.crop(box) if box is not None else source
        scale = min(width / part.width, 2 * height / part.height)
        size = (max(1, round(part.width * scale)), max(2, round(part.height * scale) // 2 * 2))
        image = part.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return (*size, image.tobytes())


def half_blocks(pixels: Pixels) -> list[list[Segment]]:
    """Rows of ``▀`` with the upper pixel in front and the lower one behind; equal neighbours share a segment.

    Colours lose their three lowest bits: invisible in a preview, and half the bytes on the wire.
    """
    width, height, data = pixels
    data = data.translate(_QUANTISED)
    stride = width * 3
    rows: list[list[Segment]] = []
    for start in range(0, height * stride, 2 * stride):
        top, bottom = data[start : start + stride], data[start + stride : start + 2 * stride]
        row: list[Segment] = []
        begin = 0
        for at in range(3, stride + 3, 3):
            if (
                at < stride
                and top[at : at + 3] == top[begin : begin + 3]
                and bottom[at : at + 3] == bottom[begin : begin + 3]
            ):
                continue
            row.append(Segment("▀" * ((at - begin) // 3), _style(top[begin : begin + 3], bottom[begin : begin + 3])))
            begin = at
        rows.append(row)
    return rows


_QUANTISED = bytes((value & 0xF8) | (value >> 5) for value in range(256))


def characters(pixels: Pixels, style: Style) -> list[list[Segment]]:
    """The picture in characters of rising brightness, without any colour."""
    width, height, data = pixels
    rows = []
    for y in range(0, height, 2):
        text = ""
        for x in range(width):
            at = (y * width + x) * 3
            red, green, blue = data[at : at + 3]
            text += RAMP[(red * 299 + green * 587 + blue * 114) * (len(RAMP) - 1) // 255000]
        rows.append([Segment(text, style)])
    return rows


class Picture(Widget):
    """Shows one picture file, centred; scaling happens in a thread, results are kept."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.path: Path | None = None
        self.box: Box | None = None
        self.words = ""
        self._rows: list[list[Segment]] = []
        self._columns = 0
        self._drawn: LRUCache[tuple[object, ...], tuple[int, list[list[Segment]]]] = LRUCache(48)

    def show(self, path: Path | None, words: str = "", box: Box | None = None) -> None:
        """Show a picture or a part of it, or a few words in its place."""
        if path is None and self.path is None and words == self.words:
            return
        self.words = words
        if (path, box) != (self.path, self.box) or path is None:
            self.path, self.box = path, box
            self._draw()

    def on_resize(self, event: Resize) -> None:
        """Scale it anew."""
        self._draw()

    def _draw(self) -> None:
        width, height = self.size
        if self.path is None or not (width and height):
            self._set(0, [])
            return
        known = self._drawn.get((self.path, self.box, width, height, self.app.no_color))
        if known is not None:
            self._set(*known)
            return
        work = self._scale(self.path, self.box, width, height)
        app_of(self).run_fenced(work, group="picture", exclusive=True, node=self)

    async def _scale(self, path: Path, box: Box | None, width: int, height: int) -> None:
        try:
            pixels = await asyncio.to_thread(read_pixels, path, width, height, box)
        except (OSError, ValueError):
            if (path, box) == (self.path, self.box):  # else another one is shown by now
                self.words = "the picture cannot be read"
                self._set(0, [])
            return
        rows = characters(pixels, self.rich_style) if self.app.no_color else half_blocks(pixels)
        self._drawn[path, box, width, height, self.app.no_color] = (pixels[0], rows)
        if (path, box) == (self.path, self.box) and self.size == (width, height):
            self._set(pixels[0], rows)

    def _set(self, columns: int, rows: list[list[Segment]]) -> None:
        self._columns, self._rows = columns, rows
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the picture with its margins, which carry the background."""
        width, height = self.size
        top = (height - len(self._rows)) // 2
        if not self._rows or not top <= y < top + len(self._rows):
            text = self.words if not self._rows and y == height // 2 else ""
            left = max(0, (width - len(text)) // 2)
            return Strip([Segment(fit(" " * left + text, width), self.rich_style)], width)
        left = (width - self._columns) // 2
        right = width - left - self._columns
        return Strip(
            [Segment(" " * left, self.rich_style), *self._rows[y - top], Segment(" " * right, self.rich_style)], width
        )
