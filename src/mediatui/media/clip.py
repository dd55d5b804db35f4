"""A clip to be played: frames on demand from a process of its own, which a broken file cannot take the app with."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediatui.errors import MediatuiError
from mediatui.media.process import Broken, Process
from mediatui.text import one_line

FRAME_SECONDS = 8.0
"""Seconds one frame may take: the longest way from a keyframe in a large clip, on a busy machine."""


class ClipError(MediatuiError):
    """The clip cannot be played here."""

    title = "Cannot be played here"


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded frame: four bytes a pixel (red, green, blue, one to ignore), rows without gaps."""

    time: float
    """Seconds from the clip's start."""
    width: int
    height: int
    data: bytes
    last: bool
    """No frame follows."""


class Clip:
    """An opened clip. `close` may come from any thread, the rest from one."""

    def __init__(self, source: Path, *, seconds: float = FRAME_SECONDS) -> None:
        """Open `source` (blocking). Raises `ClipError`."""
        self._seconds = seconds
        self._guard = threading.Lock()
        self._closed = False
        self._process = Process(None, seconds, nice=0)
        try:
            self._process.wait_ready()
            answer = self._ask({"op": "clip_open", "source": str(source)})[0]
        except ClipError:
            self.close()
            raise
        except (Broken, OSError) as exc:
            self.close()
            raise ClipError(f"the decoder did not start: {one_line(exc, 120)}") from exc
        self.duration = float(answer["duration"])
        """Seconds; 0: the file does not say."""
        self.rate = max(1.0, min(240.0, float(answer["rate"])))
        """Frames a second."""
        self.size = int(answer["width"]), int(answer["height"])
        """Width and height in square pixels, the right way up."""

    @property
    def pid(self) -> int:
        """The decoder's process."""
        return self._process.pid

    def at(self, seconds: float, size: tuple[int, int]) -> Picture:
        """The frame on screen at a moment, in exactly `size` pixels (blocking). Raises `ClipError`."""
        answer, data = self._ask({"op": "frame", "at": seconds, "size": size})
        width, height = int(answer["width"]), int(answer["height"])
        if len(data) != width * height * 4:
            raise ClipError("the decoder wrote nonsense")
        return Picture(float(answer["time"]), width, height, data, bool(answer["last"]))

    def _ask(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        try:
            answer, data = self._process.ask(request, self._seconds)
        except (Broken, OSError, ValueError) as exc:
            self.close()
            raise ClipError("the decoder gave up on this file", hint="A player of your own may open it.") from exc
        if "error" in answer:
            raise ClipError(f"this file cannot be decoded: {answer['error']}", hint="A player of your own may open it.")
        return answer, data

    def close(self) -> None:
        """End the decoder. May be called again."""
        with self._guard:
            if not self._closed:
                self._closed = True
                self._process.close()

    def interrupt(self) -> None:
        """Make a call that waits in another thread fail soon."""
        self._process.kill()
