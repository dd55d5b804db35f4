"""The media list as a grid of pictures: the same rows, cursor and marks, laid out in two dimensions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rich.segment import Segment
from textual import events
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.strip import Strip

from mediatui.model import SaveState
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler, app_of
from mediatui.tui.format import PHASE_BADGES, SAVE_BADGES, Badge, fit, picture_card
from mediatui.tui.shelf import Shelf
from mediatui.tui.widgets.media_list import Going, MediaList
from mediatui.tui.widgets.picture import characters, half_blocks, read_pixels

TILE = 24
"""Cells a tile is wide at least, its margin included."""

Tile = tuple[int, list[list[Segment]]]
"""A picture's width in cells and its rows; width 0: there is none."""

NO_PICTURE: Tile = (0, [])

PosterOf = Callable[[str], Awaitable[Path | None]]


class MediaGrid(MediaList, inherit_bindings=True):
    """A `MediaList` that can also show pictures. Only tiles in view are fetched, and scaled in a thread."""

    BINDINGS = bindings("grid")

    def __init__(
        self, shelf: Shelf, going: Callable[[str], Going], poster_of: PosterOf, *, id: str | None = None
    ) -> None:
        super().__init__(shelf, going, id=id)
        self._poster_of = poster_of
        self.gridded = False
        """Pictures, not lines."""
        self._tiles: LRUCache[tuple[str, int, int], Tile] = LRUCache(400)
        self._asked = False

    # Layout.

    def set_gridded(self, gridded: bool) -> None:
        """Show pictures, or lines; the cursor and the marks stay."""
        if gridded != self.gridded:
            self.gridded = gridded
            self._strips.clear()
            self.virtual_size = self.extent(len(self.keys))
            self.refresh()
            self.call_after_refresh(self._reveal)

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return max(1, self.row_width // TILE) if self.gridded else 1

    @property
    def tile_size(self) -> tuple[int, int]:
        """Width and height of a tile in cells: a margin left, a caption and a gap below the picture."""
        width = max(4, self.row_width // self.columns)
        return width, max(2, round((width - 2) * 9 / 32)) + 2

    def extent(self, count: int) -> Size:
        """Lines for so many rows."""
        if not self.gridded:
            return super().extent(count)
        return Size(0, -(-count // self.columns) * self.tile_size[1])

    def _place(self, index: int) -> Region:
        """Where a tile lies in the widget, as it is scrolled now."""
        width, height = self.tile_size
        row, column = divmod(index, self.columns)
        return Region(column * width, row * height - self.scroll_offset.y, width, height)

    def on_resize(self, event: events.Resize) -> None:
        """More or fewer tiles fit side by side."""
        if self.gridded:
            self.virtual_size = self.extent(len(self.keys))
            self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
        if not self.gridded:
            super()._reveal()
            return
        height = self.size.height
        if not height or not self.keys:
            return
        top, tile = self._place(self.cursor).y, self.tile_size[1]
        if top < 0 or top + tile - 1 > height:
            # Near the middle: a scroll repaints everything, so it had better be a long one. No picture is cut above.
            y = top + self.scroll_offset.y - (height // tile - 1) // 2 * tile
            self.scroll_to(y=max(0, y), animate=False, force=True, immediate=True)

    # Moving.

    def handlers(self) -> Mapping[str, Handler]:
        """Movement in two dimensions, and what a list answers."""
        if not self.gridded:
            return super().handlers()
        columns = self.columns
        page = columns * max(1, self.size.height // self.tile_size[1])
        return {
            **super().handlers(),
            "down": lambda: self._row_on(columns),
            "up": lambda: self._row_on(-columns),
            "grid-right": lambda: self.move(1),
            "grid-left": lambda: self.move(-1),
            "page-down": lambda: self.move(page),
            "page-up": lambda: self.move(-page),
            "half-down": lambda: self.move(max(columns, page // 2)),
            "half-up": lambda: self.move(-max(columns, page // 2)),
            "mark-down": lambda: self.mark_and_move(columns),
            "mark-up": lambda: self.mark_and_move(-columns),
        }

    def _row_on(self, step: int) -> None:
        """A row on or back, staying in the column; from the row before a short last one, to its end."""
        target = self.cursor + step
        last = len(self.keys) - 1
        if 0 <= target <= last or (step > 0 and self.cursor // self.columns < last // self.columns):
            self.move(step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Left and right belong to the panes while lines are shown."""
        if not self.gridded and action == "act" and parameters and str(parameters[0]).startswith("grid-"):
            return False
        return super().check_action(action, parameters)

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint two captions, or scroll."""
        if not self.gridded:
            super().watch_cursor(old, new)
            return
        self._away = None
        self.moved(old, new)
        before = self.scroll_offset.y
        self._reveal()
        if self.scroll_offset.y != before:
            self.refresh()
        else:
            self.refresh_line(old)
            self.refresh_line(new)
        self._announce_soon()

    # Repainting.

    def refresh_line(self, y: int) -> None:
        """Repaint a row; of a tile only what the cursor and marks change: its caption and its edge."""
        if not self.gridded:
            super().refresh_line(y)
            return
        place = self._place(y)
        self.refresh(Region(place.x, place.bottom - 2, place.width, 1), Region(place.x, place.y, 1, place.height - 1))

    def touch(self, keys: Sequence[str]) -> None:
        """These rows have changed; a picture that was not there may be there now."""
        wanted = set(keys)
        without = [tile for tile in list(self._tiles.keys()) if tile[0] in wanted and self._tiles[tile] == NO_PICTURE]
        for tile in without:  # also those out of view: nobody asks for them again by himself
            self._tiles.discard(tile)
        if not self.gridded:
            super().touch(keys)
            return
        for key in wanted:
            self._revision[key] = self._revision.get(key, 0) + 1
        fresh = {tile[0] for tile in without}
        for index in self._visible():
            key = self.keys[index]
            if key in fresh:
                self.refresh(self._place(index))
            elif key in wanted:
                self.refresh_line(index)

    def tick(self) -> None:
        """Time went by: running jobs show how far they are."""
        if not self.gridded:
            super().tick()
            return
        for index in self._visible():
            if self.keys[index] not in self._shelf.items:
                self.refresh(self._place(index))

    def _visible(self) -> range:
        height = self.tile_size[1]
        first = self.scroll_offset.y // height * self.columns
        last = (self.scroll_offset.y + self.size.height) // height * self.columns + self.columns
        return range(min(first, len(self.keys)), min(last, len(self.keys)))

    def row_at(self, x: int, y: int) -> int:
        """Which row a point belongs to; past the last one where there is none."""
        if not self.gridded:
            return super().row_at(x, y)
        width, height = self.tile_size
        column = x // width
        if column >= self.columns:
            return len(self.keys)
        return (y + self.scroll_offset.y) // height * self.columns + column

    # Drawing.

    @property
    def _picture_size(self) -> tuple[int, int]:
        width, height = self.tile_size
        return width - 2, height - 2

    def render_line(self, y: int) -> Strip:
        """One line: of lists, or through a row of tiles."""
        if not self.gridded or not self.keys:
            return super().render_line(y)
        row, line = divmod(y + self.scroll_offset.y, self.tile_size[1])
        first = row * self.columns
        text = self.tone("text")
        segments: list[Segment] = []
        for index in range(first, min(first + self.columns, len(self.keys))):
            segments += self._tile_line(index, line)
        return Strip(segments).adjust_cell_length(self.size.width, text)

    def _tile_line(self, index: int, line: int) -> list[Segment]:
        key = self.keys[index]
        width, height = self.tile_size
        text = self.tone("text")
        if line == height - 1:
            return [Segment(" " * width, text)]
        edge = Segment(self.edge(key), self.tone("accent"))
        if line == height - 2:
            return [edge, *self._caption(key, index, width - 1)]
        across, rows = self._picture(key)
        if not across:
            return [edge, *self._words(key, line, width - 2, height - 2), Segment(" ", text)]
        picture_width, picture_height = self._picture_size
        left, top = (picture_width - across) // 2, (picture_height - len(rows)) // 2
        inside = rows[line - top] if top <= line < top + len(rows) else [Segment(" " * across, text)]
        right = width - 1 - left - across
        return [edge, Segment(" " * left, text), *inside, Segment(" " * right, text)]

    def _caption(self, key: str, index: int, width: int) -> list[Segment]:
        badge = self._badge(key)
        words = fit(f"{badge.glyph} {self._shelf.title(key)}", width - 1)
        if index == self.cursor:
            return [
                Segment(words, self.tone("cursor" if self.has_focus else "cursor-away")),
                Segment(" ", self.tone("text")),
            ]
        return [
            Segment(words[:1], self.tone(badge.tone)),
            Segment(words[1:], self.tone("text")),
            Segment(" ", self.tone("text")),
        ]

    def _words(self, key: str, line: int, width: int, height: int) -> list[Segment]:
        """What stands where there is no picture: a faint card with the state in words."""
        said = ""
        if line == height // 2:
            badge, going = self._badge(key), self._going(key)
            done = f"{going.fraction:.0%}" if going.fraction is not None else going.words
            said = f"{badge.word} {done}".strip()
            item = self._shelf.items.get(key)
            if item is not None and item.save_state is SaveState.SAVED:
                said = badge.word if self._draws else picture_card(item)
        return [Segment(fit(said.center(width), width), self.tone("cursor-away"))]

    def _badge(self, key: str) -> Badge:
        item, job = self._shelf.items.get(key), self._shelf.jobs.get(key)
        if item is not None:
            return SAVE_BADGES[item.save_state]
        return PHASE_BADGES[job.phase] if job is not None else SAVE_BADGES[SaveState.MISSING]

    # Pictures.

    def _picture(self, key: str) -> Tile:
        size = self._picture_size
        known = self._tiles.get((key, *size))
        if known is not None:
            return known
        if key in self._shelf.items and not self._asked and self._draws:
            self._asked = True
            self.call_later(self._fetch_visible)
        return NO_PICTURE

    @property
    def _draws(self) -> bool:
        return app_of(self).draws_pictures

    def _fetch_visible(self) -> None:
        self._asked = False
        if self.is_attached and self.gridded:
            app_of(self).run_fenced(self._fetch(self._picture_size), group="tiles", exclusive=True, node=self)

    async def _fetch(self, size: tuple[int, int]) -> None:
        """Fetch what is in view and not there yet, in order; a scroll begins this anew."""
        for index in self._visible():
            if index >= len(self.keys) or self._picture_size != size:
                return
            key = self.keys[index]
            if (key, *size) in self._tiles or key not in self._shelf.items:
                continue
            self._tiles[key, *size] = await self._scaled(key, size)
            if index < len(self.keys) and self.keys[index] == key and self.gridded:
                self.refresh(self._place(index))

    async def _scaled(self, key: str, size: tuple[int, int]) -> Tile:
        path = await self._poster_of(key)
        if path is None:
            return NO_PICTURE
        try:
            pixels = await asyncio.to_thread(read_pixels, path, *size)
        except (OSError, ValueError):
            return NO_PICTURE
        rows = characters(pixels, self.rich_style) if self.app.no_color else half_blocks(pixels)
        return (pixels[0], rows)
