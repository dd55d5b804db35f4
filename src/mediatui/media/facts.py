"""What a media file says of itself, and the bounded reader its header is read with."""

from __future__ import annotations

import math
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mediatui.model import MediaType

MAX_READS = 10_000
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """Facts from a file's header; None where the header does not say.

    `width` and `height` are pixels as stored (before any rotation), `duration` is in seconds, `container`
    is the usual file extension without a dot, codecs are named as FFmpeg names them.
    """

    type: MediaType | None
    container: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None


class Malformed(ValueError):
    """The bytes are not what their format promises, or reading them would cost too much."""


class Source:
    """A regular file read at chosen places, with a limit on how often and how much."""

    def __init__(self, path: Path) -> None:
        """Open `path`; raises `OSError`, and `Malformed` for anything but a regular file."""
        # O_NONBLOCK: opening a FIFO must not wait for a writer.
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        info = os.fstat(self._fd)
        if not stat.S_ISREG(info.st_mode):
            self.close()
            raise Malformed("not a regular file")
        self.size = info.st_size
        self._reads = MAX_READS
        self._bytes = MAX_BYTES

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def some(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes at `offset`; fewer at the file's end. `Malformed` past the limits."""
        if offset < 0 or count < 0:
            raise Malformed("a length runs backwards")
        if offset >= self.size:
            return b""
        count = min(count, self.size - offset)
        self._reads -= 1
        self._bytes -= count
        if self._reads < 0 or self._bytes < 0:
            raise Malformed("the header is too long")
        return os.pread(self._fd, count, offset)

    def read(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes at `offset`. Raises `Malformed` when the file ends before."""
        data = self.some(offset, count)
        if len(data) < count:
            raise Malformed("the file ends too early")
        return data


def seconds(value: float | None) -> float | None:
    """A length of time if it is one (finite, above zero, below four months), to the microsecond."""
    if value is None or not math.isfinite(value) or not 0 < value < 1e7:
        return None
    return round(value, 6) or None


def rate(value: float | None) -> float | None:
    """Frames per second if they are plausible (above zero, at most 1000), to three digits."""
    if value is None or not math.isfinite(value) or not 0 < value <= 1000:
        return None
    return round(value, 3) or None


def pixels(value: int | None) -> int | None:
    """A width or height if it is one."""
    return value if value and 0 < value < 1 << 24 else None
