"""The media worker: one process that opens files nobody trusts, and is killed when it takes too long.

`MediaWorker` is the client; ``python -m mediatui.media.worker FOLDER SECONDS NICE`` is the process.
"""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Any

from mediatui.media import cache
from mediatui.media.filmstrip import FRAMES, TILE_PIXELS, Filmstrip, read_filmstrip
from mediatui.media.peaks import BUCKETS, Peaks, read_peaks
from mediatui.media.process import START_SECONDS, Broken, Died, Process

__all__ = ["DEADLINE", "START_SECONDS", "MediaWorker"]

log = logging.getLogger(__name__)

DEADLINE = 5.0
"""Seconds one poster may take."""

SLOW_DEADLINE = 20.0
"""Seconds one filmstrip or waveform may take."""

_TRIES = 2
"""Times a file may use up its deadline before it is left alone; a busy machine is slow once, not twice."""

_REMEMBERED = 2000


class MediaWorker:
    """Makes small files of media in one subprocess, started at the first request. For any thread."""

    def __init__(self, folder: Path, *, deadline: float = DEADLINE, nice: int = 5) -> None:
        """`folder` is where the results go; it is created when needed. `nice`: how much the process gives way."""
        self._folder = folder
        self._deadline = deadline
        self._nice = nice
        self._turn = threading.Lock()
        self._process: Process | None = None
        self._state = threading.Lock()
        self._closed = False
        self._failures: dict[Path, int] = {}

    def poster(self, source: Path, key: str, max_px: int = 480) -> Path | None:
        """A JPEG of `source`, at most `max_px` a side; None when there is no picture of it.

        Blocks for at most `deadline` seconds after its turn came. `key` names the content (see
        `cache.poster_key`); a file that could not be shown is not tried again under the same key.
        """
        target = cache.poster_path(self._folder, key, max_px)
        return target if self._have(target, {"op": "poster", "source": str(source), "max_px": max_px}) else None

    def filmstrip(self, source: Path, key: str, frames: int = FRAMES, px: int = TILE_PIXELS) -> Filmstrip | None:
        """A sheet of `frames` frames of a clip, `px` the longer side of each; None when there is none of it.

        Blocks as `poster` does. A long or slow clip yields the frames found within the deadline.
        """
        note = cache.entry_path(self._folder, key, f"-strip-{frames}x{px}.json")
        cache.mark_used(note.with_suffix(".jpg"))
        request = {"op": "filmstrip", "source": str(source), "frames": frames, "px": px}
        if read_filmstrip(note) is None:
            cache.remove(note)  # its sheet is gone
        return read_filmstrip(note) if self._have(note, request) else None

    def peaks(self, source: Path, key: str, count: int = BUCKETS) -> Peaks | None:
        """The loudness of a sound file in `count` steps; None when there is no sound in it. Blocks as `poster`."""
        note = cache.entry_path(self._folder, key, f"-peaks-{count}.json")
        request = {"op": "peaks", "source": str(source), "count": count}
        return read_peaks(note) if self._have(note, request) else None

    @property
    def pid(self) -> int | None:
        """The running process; None when there is none."""
        process = self._process
        return process.pid if process else None

    def close(self) -> None:
        """End the process at once; whoever waits gets None. May be called again."""
        with self._state:
            self._closed = True
            if self._process:
                self._process.kill()
        with self._turn:
            self._drop()

    def _have(self, target: Path, request: dict[str, Any]) -> bool:
        """The target is there, or could be made."""
        if cache.mark_used(target):
            return True
        with self._turn:
            if self._closed or self._failures.get(target, 0) >= _TRIES:
                return False
            if cache.mark_used(target):  # made while we waited
                return True
            return self._make(target, {**request, "target": str(target)})

    def _make(self, target: Path, request: dict[str, Any]) -> bool:
        try:
            answer = self._ask(request)
        except (OSError, Broken) as exc:
            self._drop()
            answer = {"error": str(exc), "passing": isinstance(exc, OSError)}
            failures = 1
        else:
            failures = _TRIES
        if "error" not in answer:
            return True
        if not self._closed:
            log.info("no %s of %s: %s", request["op"], request["source"], answer["error"])
        if not answer["passing"]:
            self._remember(target, failures)
        return False

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of the running process, or of a new one where that had died."""
        try:
            return self._running().ask(request, self._deadline)[0]
        except (Died, BrokenPipeError):
            self._drop()
            return self._running().ask(request, self._deadline)[0]

    def _remember(self, target: Path, failures: int) -> None:
        self._failures[target] = self._failures.get(target, 0) + failures
        if len(self._failures) > _REMEMBERED:
            self._failures.pop(next(iter(self._failures)))

    def _running(self) -> Process:
        if self._process and not self._process.alive:
            self._drop()
        if self._process is None:
            with self._state:
                if self._closed:
                    raise Broken("the media worker is closed")
                self._process = Process(self._folder, self._deadline, nice=self._nice)
            self._process.wait_ready()
        return self._process

    def _drop(self) -> None:
        if self._process:
            self._process.close()
            self._process = None


if __name__ == "__main__":
    from mediatui.media.child import serve

    serve(Path(sys.argv[1]) if sys.argv[1] else None, float(sys.argv[2]), int(sys.argv[3]))
