"""Animated pictures (GIF, WebP, APNG): whether a file moves, and its frames for the player."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from PIL import Image

from mediatui.media.demux import NoPosterError, check_size
from mediatui.media.facts import Malformed, Source
from mediatui.media.frames import MAX_SIDE, Scaled

FORMATS = {"gif": "GIF", "webp": "WEBP", "png": "PNG"}
"""Pillow's names of the formats that can move, by extension as `sniff` says it."""

MAX_FRAMES = 3000
SHORTEST, USUAL = 0.02, 0.1
"""Seconds: a frame that wants to be shorter than the first is shown for the second, as browsers do."""


def is_moving(path: Path) -> bool:
    """Whether a picture has more than one frame, by its header (blocking). Never raises for what it finds in it."""
    try:
        with Source(path) as source:
            head = source.some(0, 32)
            if head[:6] in (b"GIF87a", b"GIF89a"):
                return _gif_moves(source)
            if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
                return bool(head[20] & 0x02)
            if head[:8] == b"\x89PNG\r\n\x1a\n":
                return any(name == b"acTL" for name in _png_chunks(source))
    except (OSError, Malformed, IndexError):
        pass
    return False


def _png_chunks(source: Source) -> Iterator[bytes]:
    """The names of the chunks before the picture's data."""
    offset = 8
    while (head := source.some(offset, 8)) and head[4:] not in (b"IDAT", b"IEND", b""):
        yield head[4:]
        offset += 12 + int.from_bytes(head[:4], "big")


def _gif_moves(source: Source) -> bool:
    """Whether a second picture follows the first."""
    flags = source.read(10, 1)[0]
    offset = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    pictures = 0
    while (sort := source.some(offset, 1)) in (b"!", b","):
        if sort == b",":
            pictures += 1
            if pictures > 1:
                return True
            local = source.read(offset + 9, 1)[0]
            offset += 11 + (3 << (local & 7) + 1 if local & 0x80 else 0)
        else:
            offset += 2
        while length := source.read(offset, 1)[0]:
            offset += 1 + length
        offset += 1
    return False


class Animation:
    """An animated picture under decoding; asked as `frames.Frames` is."""

    def __init__(self, source: Path, name: str) -> None:
        """Open it; `name` is what its bytes say. Raises `NoPosterError`, or whatever Pillow comes up with."""
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            self._image = Image.open(source, formats=(FORMATS[name],))
        check_size(*self._image.size)
        count = getattr(self._image, "n_frames", 1)
        if count < 2:
            raise NoPosterError("a picture that does not move")
        lengths = [self._length(index) for index in range(min(count, MAX_FRAMES))]
        self._starts = [0.0, *accumulate(lengths)][:-1]
        self.duration = sum(lengths)
        """Seconds of one round."""
        self.rate = len(lengths) / self.duration
        """Frames a second, on average."""
        self.width, self.height = self._image.size

    def _length(self, index: int) -> float:
        self._image.seek(index)
        if self._image.format == "WEBP":  # only a decoded frame says how long it stays
            self._image.load()
        told = float(self._image.info.get("duration") or 0) / 1000
        return told if told >= SHORTEST else USUAL

    def close(self) -> None:
        """Let go of the file."""
        self._image.close()

    def at(self, seconds: float, size: tuple[int, int]) -> Scaled:
        """The frame that is on screen at a moment, in exactly `size` pixels."""
        index = max(0, bisect_right(self._starts, seconds + 1e-3) - 1)
        self._image.seek(index)
        width, height = (max(2, min(MAX_SIDE, side)) for side in size)
        frame = self._image.convert("RGBA")
        ground = Image.new("RGBA", frame.size, "black")
        ground.alpha_composite(frame)
        data = ground.resize((width, height), Image.Resampling.BOX).tobytes()
        return Scaled(round(self._starts[index], 4), width, height, data, index == len(self._starts) - 1)
