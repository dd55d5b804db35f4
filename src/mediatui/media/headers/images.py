"""PNG, JPEG and GIF: the size of the picture."""

from __future__ import annotations

import struct

from mediatui.media.facts import Malformed, MediaFacts, Source, pixels
from mediatui.model import MediaType

_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})


def picture(container: str, width: int, height: int, codec: str | None = None) -> MediaFacts:
    """The facts of a still picture."""
    return MediaFacts(MediaType.IMAGE, container, pixels(width), pixels(height), video_codec=codec or container)


def read_png(source: Source) -> MediaFacts:
    """The IHDR chunk, which is always first."""
    head = source.read(8, 16)
    if head[4:8] != b"IHDR":
        raise Malformed("no IHDR")
    return picture("png", *struct.unpack(">II", head[8:16]))


def read_gif(source: Source) -> MediaFacts:
    """The logical screen."""
    return picture("gif", *struct.unpack("<HH", source.read(6, 4)))


def read_jpeg(source: Source) -> MediaFacts:
    """The first frame header (SOFn), past the application segments."""
    offset = 2
    while True:
        marker = source.read(offset, 2)
        if marker[0] != 0xFF:
            raise Malformed("no marker")
        if marker[1] == 0xFF:  # fill byte
            offset += 1
        elif marker[1] in _BARE_MARKERS:
            offset += 2
        elif marker[1] in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", source.read(offset + 5, 4))
            return picture("jpg", width, height, "mjpeg")
        elif marker[1] in (0xD9, 0xDA):
            raise Malformed("no frame header")
        else:
            (length,) = struct.unpack(">H", source.read(offset + 2, 2))
            offset += 2 + max(2, length)
