"""A still picture in real pixels where the terminal has kitty's placeholders, in half blocks where it has not."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
from pathlib import Path

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from mediatui.tui.actor import app_of
from mediatui.tui.terminal.capabilities import Capabilities, Graphics
from mediatui.tui.widgets import placeholders
from mediatui.tui.widgets.picture import Box, Picture

REMOTE_SCALE = 0.5
"""Over a network line a picture is sent in half its pixels; the terminal enlarges it."""
REMOTE_COLOURS = 128
MAX_PIXELS = 1600
"""A side of what is sent; more is not seen."""

_numbers = itertools.count(os.getpid() % 0x7FFF << 8 | 1)


def make_picture(capabilities: Capabilities, *, id: str | None = None) -> Picture:
    """The best picture widget this terminal can show."""
    if capabilities.graphics is Graphics.KITTY:
        return KittyPicture(capabilities, id=id)
    return Picture(id=id)


def encoded(path: Path, box: Box | None, columns: int, rows: int, cell: tuple[int, int], *, remote: bool) -> bytes:
    """A PNG of the picture for that many cells (blocking). Raises `OSError` and `ValueError` for what is no picture."""
    from PIL import Image

    scale = REMOTE_SCALE if remote else 1.0
    width, height = (
        min(MAX_PIXELS, max(1, round(side * count * scale))) for side, count in zip(cell, (columns, rows), strict=True)
    )
    with Image.open(path) as source:
        if box is None:
            source.draft("RGB", (width, height))
        image = (source.crop(box) if box is not None else source).convert("RGB")
        image.thumbnail((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    data = io.BytesIO()
    if remote:
        image.quantize(REMOTE_COLOURS).save(data, "PNG", optimize=False, compress_level=9)
    else:
        image.save(data, "PNG", compress_level=2)
    return data.getvalue()


class KittyPicture(Picture):
    """A `Picture` that shows pixels while its screen is in front.

    A modal in front dims the screen and with it the colours that name the picture, so half blocks stand in
    meanwhile. Everything goes through the driver's writer: two writers would mix their bytes.
    """

    def __init__(self, capabilities: Capabilities, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._capabilities = capabilities
        self._number = 0
        self._sent: tuple[object, ...] | None = None
        self._placed: tuple[int, int] = (0, 0)

    def on_unmount(self) -> None:
        """Free the picture in the terminal."""
        self._free()

    def _set(self, columns: int, rows: list[list[Segment]]) -> None:
        super()._set(columns, rows)
        wanted = (self.path, self.box, columns, len(rows))
        fits = 0 < columns <= placeholders.LIMIT and 0 < len(rows) <= placeholders.LIMIT
        if self.path is not None and fits and self._sent != wanted:
            work = self._fetch(self.path, self.box, columns, len(rows))
            app_of(self).run_fenced(work, group="pixels", exclusive=True, node=self)

    async def _fetch(self, path: Path, box: Box | None, columns: int, rows: int) -> None:
        known = self._capabilities
        try:
            png = await asyncio.to_thread(encoded, path, box, columns, rows, known.cell, remote=known.remote)
        except (OSError, ValueError):
            return  # the half blocks are there
        if (path, box, columns, rows) == (self.path, self.box, self._columns, len(self._rows)):
            self._send(png, columns, rows)

    def _send(self, png: bytes, columns: int, rows: int) -> None:
        self._free()
        self._number = next(_numbers) & 0xFFFFFF or 1
        self._write(placeholders.sending(self._number, png, columns, rows, tmux=self._capabilities.tmux))
        self._sent, self._placed = (self.path, self.box, columns, rows), (columns, rows)
        self.refresh()

    def _free(self) -> None:
        if self._number:
            self._write(placeholders.deleting(self._number, tmux=self._capabilities.tmux))
            self._number, self._sent = 0, None

    def _write(self, text: str) -> None:
        driver = self.app._driver
        if driver is not None and not self.app.is_headless:
            driver.write(text)

    @property
    def in_pixels(self) -> bool:
        """Pixels are on screen, not half blocks."""
        fresh = self._sent is not None and self._sent == (self.path, self.box, self._columns, len(self._rows))
        return fresh and self._number != 0 and self.app.screen is self.screen

    def render_lines(self, crop: Region) -> list[Strip]:
        """Past Textual's cache of styled lines, which would keep what a modal in front makes wrong."""
        width = self.size.width
        lines = [self.render_line(y) for y in crop.line_range]
        return lines if crop.column_span == (0, width) else [line.crop(*crop.column_span) for line in lines]

    def render_line(self, y: int) -> Strip:
        """One line: placeholders, or half blocks."""
        if not self.in_pixels:
            return super().render_line(y)
        width, height = self.size
        columns, rows = self._placed
        row = y - (height - rows) // 2
        if not 0 <= row < rows:
            return Strip.blank(width, self.rich_style)
        left = (width - columns) // 2
        number = self._number
        style = Style(color=Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255))
        blank = self.rich_style
        parts = [
            Segment(" " * left, blank),
            Segment(placeholders.cells(row, columns), style + Style(bgcolor=blank.bgcolor)),
            Segment(" " * (width - left - columns), blank),
        ]
        return Strip([part for part in parts if part.text], width)
