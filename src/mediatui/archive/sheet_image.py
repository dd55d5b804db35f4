"""A contact sheet as one picture: a grid of posters with captions."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mediatui.archive.sheet import Tile
from mediatui.text import human_duration, one_line

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

MAX_SIDE = 30_000
"""Pixels; a JPEG ends at 65,500."""
_TILE, _GAP, _CAPTION, _HEAD = (320, 180), 16, 44, 64
_BACK, _TEXT, _SOFT, _PLATE = (16, 18, 22), (230, 230, 230), (154, 160, 170), (0, 0, 0)


def image_sheet(title: str, tiles: Sequence[Tile]) -> bytes:
    """The sheet as JPEG, the items in their order."""
    from PIL import Image, ImageDraw, ImageFont

    columns = _columns(len(tiles))
    rows = math.ceil(len(tiles) / columns)
    width = _GAP + columns * (_TILE[0] + _GAP)
    height = _HEAD + max(rows, 1) * (_TILE[1] + _CAPTION + _GAP)
    sheet = Image.new("RGB", (width, height), _BACK)
    draw = ImageDraw.Draw(sheet)
    heading, text = ImageFont.load_default(26), ImageFont.load_default(13)
    draw.text((_GAP, 18), _fitted(draw, one_line(title), heading, width - 2 * _GAP), _TEXT, heading)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (_TILE[0] + _GAP), _HEAD + row * (_TILE[1] + _CAPTION + _GAP)
        draw.rectangle((left, top, left + _TILE[0] - 1, top + _TILE[1] - 1), fill=_PLATE)
        _paste(sheet, tile, left, top)
        lines = (one_line(tile.item.name), one_line(tile.item.prompt) or tile.item.type.value)
        for line, (caption, colour) in enumerate(zip(lines, (_TEXT, _SOFT), strict=True)):
            shown = _fitted(draw, caption, text, _TILE[0])
            draw.text((left, top + _TILE[1] + 4 + 18 * line), shown, colour, text)
        if tile.item.duration:
            draw.text((left + 6, top + _TILE[1] - 20), human_duration(tile.item.duration), _TEXT, text)
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=88)
    return data.getvalue()


def _columns(count: int) -> int:
    """As many as make the sheet about as high as wide, and never higher than a picture may be."""
    fitting = MAX_SIDE // (_TILE[1] + _CAPTION + _GAP)
    return max(4, math.ceil(math.sqrt(count * 0.7)), math.ceil(count / fitting))


def _paste(sheet: Image.Image, tile: Tile, left: int, top: int) -> None:
    from PIL import Image

    if tile.poster is None:
        return
    with (
        suppress(OSError, ValueError, Image.DecompressionBombError),
        Image.open(tile.poster, formats=("JPEG",)) as found,
    ):
        found.draft("RGB", _TILE)
        picture = found.convert("RGB")
        picture.thumbnail(_TILE)
        sheet.paste(picture, (left + (_TILE[0] - picture.width) // 2, top + (_TILE[1] - picture.height) // 2))


def _fitted(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    """As much of the text as fits; letters the font lacks are left out of the width, not of the text."""
    text = text[:120]
    while text and draw.textlength(text, font) > width:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    return text
