"""The frames of one clip at asked-for moments, scaled by the decoder; runs in the media worker."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.media.demux import check_size, open_video
from mediatui.media.filmstrip import length_of
from mediatui.media.poster import pixel_shape

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

AHEAD_SECONDS = 2.0
"""A moment further ahead than this is sought, a nearer one is decoded up to."""

MAX_SIDE = 1200
"""Pixels a side of a scaled frame; no terminal has more cells."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """One frame: four bytes a pixel, red, green, blue and one that means nothing, rows without gaps."""

    time: float
    """Seconds from the clip's start."""
    width: int
    height: int
    data: bytes
    last: bool
    """No frame follows."""


class Frames:
    """A clip under decoding. Moments that rise are cheap; going back, or far ahead, seeks."""

    def __init__(self, source: Path) -> None:
        """Open a clip. Raises `NoPosterError`, `OSError`, or what a decoder comes up with."""
        self._container, self._stream = open_video(source)
        self.duration = length_of(self._container, self._stream)
        """Seconds; 0: the file does not say."""
        self.rate = float(self._stream.average_rate or self._stream.guessed_rate or 25)
        """Frames a second."""
        context = self._stream.codec_context
        self._shape = pixel_shape(self._stream)
        size = max(1, round(context.width * self._shape)), context.height
        self._start = float((self._stream.start_time or 0) * (self._stream.time_base or 0))
        self._frames: Iterator[VideoFrame] = iter(())
        self._current: VideoFrame | None = None
        self._next: VideoFrame | None = None
        first = self._begin()
        turned = first is not None and first.rotation % 180
        self.width, self.height = (size[1], size[0]) if turned else size

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def at(self, seconds: float, size: tuple[int, int]) -> Scaled | None:
        """The frame that is on screen at a moment, in exactly `size` pixels; None when there is none at all."""
        if self._must_seek(seconds):
            self._seek(seconds)
        while self._next is not None and self._moment(self._next) <= seconds + 1e-3:
            self._step()
        return None if self._current is None else self._scaled(self._current, size)

    def _must_seek(self, seconds: float) -> bool:
        if self._current is None or seconds < self._moment(self._current):
            return True
        return self._next is not None and seconds > self._moment(self._next) + AHEAD_SECONDS

    def _scaled(self, frame: VideoFrame, size: tuple[int, int]) -> Scaled:
        from av.video.reformatter import Interpolation

        check_size(frame.width, frame.height)
        width, height = (max(2, min(MAX_SIDE, side)) for side in size)
        turned = frame.rotation % 360
        across, down = (height, width) if turned % 180 else (width, height)
        # Shrinking far by area keeps fine detail from flickering.
        how = Interpolation.AREA if across * 4 < frame.width else Interpolation.BILINEAR
        plane = frame.reformat(width=across, height=down, format="rgba", interpolation=how).planes[0]
        data = _packed(memoryview(plane), across * 4, plane.line_size, down)
        if turned:
            data = _turned(data, (across, down), turned)
        return Scaled(round(self._moment(frame), 4), width, height, data, self._next is None)

    def _moment(self, frame: VideoFrame) -> float:
        return max(0.0, (frame.time or 0.0) - self._start)

    def _begin(self) -> VideoFrame | None:
        self._frames = self._container.decode(self._stream)
        self._current = self._pull()
        self._next = self._pull() if self._current is not None else None
        return self._current

    def _step(self) -> None:
        self._current, self._next = self._next, self._pull()

    def _pull(self) -> VideoFrame | None:
        import av

        # A file cut short ends where it ends; PyAV raises the last three for some broken ones.
        with contextlib.suppress(av.FFmpegError, ValueError, AttributeError, StopIteration):
            return next(self._frames, None)
        return None

    def _seek(self, seconds: float) -> None:
        import av

        base = float(self._stream.time_base or 1)
        target = max(0.0, seconds) + self._start
        with contextlib.suppress(av.FFmpegError, ValueError):
            self._container.seek(int(target / base), stream=self._stream, backward=True)
        self._begin()


def _packed(raw: memoryview, row: int, stride: int, rows: int) -> bytes:
    """A plane's rows without the gaps between them."""
    if row == stride:
        return bytes(raw[: row * rows])
    return b"".join(bytes(raw[y * stride : y * stride + row]) for y in range(rows))


def _turned(data: bytes, size: tuple[int, int], degrees: int) -> bytes:
    from PIL import Image

    return Image.frombytes("RGBA", size, data).rotate(degrees, expand=True).tobytes()
