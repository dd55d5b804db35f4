"""A clip as a handful of small frames on one sheet, so that a person can scrub through it without decoding."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL import Image

FRAMES = 24
TILE_PIXELS = 320
"""The longer side of one frame on the sheet."""
COLUMNS = 6
STRAIGHT_PIXELS = 400 * 1920 * 1080
"""A clip with no more pixels than this in all its frames is decoded straight through once: seeking costs more."""

_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Filmstrip:
    """A sheet of frames: a JPEG, and when each frame is shown."""

    sheet: Path
    tile: tuple[int, int]
    """Width and height of one frame in pixels."""
    columns: int
    times: tuple[float, ...]
    """Seconds from the clip's start, rising."""
    duration: float
    """Seconds; at least the last frame's time."""

    def nearest(self, seconds: float) -> int:
        """The index of the frame closest to a time."""
        return min(range(len(self.times)), key=lambda index: abs(self.times[index] - seconds))

    def box(self, index: int) -> tuple[int, int, int, int]:
        """Where a frame lies on the sheet: left, top, right, bottom in pixels."""
        row, column = divmod(index, self.columns)
        width, height = self.tile
        return column * width, row * height, (column + 1) * width, (row + 1) * height


def read_filmstrip(note: Path) -> Filmstrip | None:
    """What was written beside a sheet; None when it is not there or not whole."""
    try:
        return _parse(json.loads(note.read_text("utf-8")), note.with_suffix(".jpg"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _parse(values: Mapping[str, Any], sheet: Path) -> Filmstrip:
    width, height = (int(side) for side in values["tile"])
    times = tuple(float(moment) for moment in values["times"])
    columns, duration = int(values["columns"]), float(values["duration"])
    if not (times and columns > 0 and width > 0 and height > 0 and sheet.is_file()):
        raise ValueError("not a filmstrip")
    return Filmstrip(sheet, (width, height), columns, times, duration)


def make_filmstrip(source: Path, note: Path, *, frames: int = FRAMES, px: int = TILE_PIXELS, seconds: float) -> None:
    """Write the sheet and, last, its `note`. What is not decoded after `seconds` is left out.

    Raises `NoPosterError`, `OSError`, or whatever a decoder comes up with.
    """
    from mediatui.media.cache import write_whole
    from mediatui.media.demux import NoPosterError, open_video
    from mediatui.media.poster import frame_picture, pixel_shape

    container, stream = open_video(source)
    with container:
        until = time.monotonic() + seconds
        duration = length_of(container, stream)
        shape = pixel_shape(stream)
        tiles, times = [], []
        for frame in _chosen(container, stream, duration, frames, until):
            tiles.append(frame_picture(frame, shape, px))
            times.append(round(max(0.0, _moment(frame, stream)), 3))
    if not tiles:
        raise NoPosterError("no frame in it")
    size = tiles[0].size
    sheet = _sheet([tile if tile.size == size else tile.resize(size) for tile in tiles])
    write_whole(note.with_suffix(".jpg"), lambda path: sheet.save(path, "JPEG", quality=_QUALITY))
    text = json.dumps(
        {"tile": size, "columns": COLUMNS, "times": times, "duration": round(max(duration, times[-1]), 3)}
    )
    write_whole(note, lambda path: path.write_text(text, "utf-8"))


def length_of(container: InputContainer, stream: VideoStream) -> float:
    """A clip's length in seconds as its file claims it; 0 where it claims nothing sensible."""
    base = stream.time_base
    claims = (
        float(stream.duration * base) if stream.duration and base else 0.0,
        container.duration / 1e6 if container.duration else 0.0,
    )
    return next((claim for claim in claims if math.isfinite(claim) and 0 < claim < 1e6), 0.0)


def _moment(frame: VideoFrame, stream: VideoStream) -> float:
    start = float((stream.start_time or 0) * (stream.time_base or 0))
    return (frame.time or 0.0) - start


def _chosen(
    container: InputContainer, stream: VideoStream, duration: float, count: int, until: float
) -> Iterator[VideoFrame]:
    rate = float(stream.average_rate or 25)
    pixels = stream.codec_context.width * stream.codec_context.height
    if duration <= 0 or duration * rate * pixels <= STRAIGHT_PIXELS:
        return _straight(container, stream, duration, count, until)
    return _sought(container, stream, duration, count, until)


def _straight(
    container: InputContainer, stream: VideoStream, duration: float, count: int, until: float
) -> Iterator[VideoFrame]:
    """Every frame is decoded, some are kept: for an unknown length the first ones at four a second."""
    import av

    step = duration / count if duration > 0 else 0.25
    kept, due = 0, 0.0
    try:
        for frame in container.decode(stream):
            if time.monotonic() > until or kept >= count:
                return
            if _moment(frame, stream) >= due - 1e-3:
                kept += 1
                due = max(due + step, _moment(frame, stream) + 1e-3)
                yield frame
    except (av.FFmpegError, ValueError, AttributeError):
        # PyAV raises the last two for some broken files; frames already seen are still good.
        if not kept:
            raise


def _sought(
    container: InputContainer, stream: VideoStream, duration: float, count: int, until: float
) -> Iterator[VideoFrame]:
    """The keyframe at or before each moment; a moment whose keyframe was taken already is left out."""
    import av

    last = -1.0
    base = float(stream.time_base or 1)
    for index in range(count):
        if time.monotonic() > until:
            return
        try:
            target = int((stream.start_time or 0) + index / count * duration / base)
            container.seek(target, stream=stream)
            frame = next(container.decode(stream), None)
        except (av.FFmpegError, ValueError, AttributeError, StopIteration):
            if last < 0:
                raise
            continue
        if frame is not None and _moment(frame, stream) > last:
            last = _moment(frame, stream)
            yield frame


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    from PIL import Image

    width, height = tiles[0].size
    rows = -(-len(tiles) // COLUMNS)
    sheet = Image.new("RGB", (width * min(COLUMNS, max(1, len(tiles))), height * rows))
    for index, tile in enumerate(tiles):
        row, column = divmod(index, COLUMNS)
        sheet.paste(tile, (column * width, row * height))
    return sheet
