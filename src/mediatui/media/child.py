"""What runs in the media worker's process: one request a line on stdin, one answer a line on stdout, both JSON.

    {"id": 1, "op": "poster", "source": "/…/clip.mp4", "target": "/…/key-480.jpg", "max_px": 480}
    {"id": 1}                                               done
    {"id": 1, "error": "why not", "passing": false}         `passing`: worth asking again
    {"id": 2, "op": "frame", "at": 1.5, "size": [80, 44]}
    {"id": 2, "time": 1.48, "last": false, "bytes": 14080}  and that many bytes after the line

It limits itself before it reads anything: address space, size of written files, priority, and an alarm
that ends it when a request takes too long, so that it dies even if nobody is left to kill it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mediatui.media import cache
from mediatui.text import one_line

if TYPE_CHECKING:
    from mediatui.media.animation import Animation
    from mediatui.media.frames import Frames

ADDRESS_SPACE = 1536 << 20
FILE_BYTES = 64 << 20
PRUNE_EVERY = 500
"""Posters made between two looks at the size of their folder."""


def serve(folder: Path | None, deadline: float, nice: int) -> None:
    """Answer requests until stdin ends."""
    answers = _take_stdout()
    _limit(nice)
    _load_decoders()
    if folder is not None:
        cache.prune(folder)
    _say(answers, {"ready": os.getpid()})
    desk = Desk(deadline)
    for count, line in enumerate(sys.stdin, 1):
        # The parent kills at the deadline; this is for the case that it is gone.
        signal.setitimer(signal.ITIMER_REAL, deadline + 1)
        answer, payload = desk.answer(json.loads(line))
        _say(answers, answer, payload)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if folder is not None and count % PRUNE_EVERY == 0:
            cache.prune(folder)


def _take_stdout() -> IO[bytes]:
    """Keep the answers' pipe to ourselves: a library that prints must not garble it."""
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return answers


def _limit(nice: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits = {resource.RLIMIT_AS: ADDRESS_SPACE, resource.RLIMIT_FSIZE: FILE_BYTES, resource.RLIMIT_CORE: 0}
    for which, value in limits.items():
        # macOS refuses RLIMIT_AS; the deadline still holds there.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (value, value))
    with contextlib.suppress(OSError):
        os.nice(nice)


def _load_decoders() -> None:
    """Import what requests need, so that the first one is as fast as the others."""
    for name in ("PIL.Image", "PIL.JpegImagePlugin", "av"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class Desk:
    """Answers one request after the other; keeps the clip that is being played."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._clip: Frames | Animation | None = None

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer and the bytes that follow it."""
        answer: dict[str, Any] = {"id": request["id"]}
        payload = b""
        try:
            facts, payload = getattr(self, f"_{request['op']}")(request)
            answer.update(facts)
        except Exception as exc:  # the fence: decoders raise anything for a broken file
            # The file system's own errors; decoders raise theirs as kinds of OSError too.
            passing = isinstance(exc, OSError) and exc.errno is not None and type(exc).__module__ == "builtins"
            answer.update(error=one_line(f"{type(exc).__name__}: {exc}", 200), passing=passing)
        if payload:
            answer["bytes"] = len(payload)
        return answer, payload

    def _poster(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mediatui.media.poster import make_poster

        make_poster(Path(request["source"]), Path(request["target"]), int(request["max_px"]))
        return {}, b""

    def _filmstrip(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mediatui.media.filmstrip import make_filmstrip

        source, note = Path(request["source"]), Path(request["target"])
        make_filmstrip(source, note, frames=int(request["frames"]), px=int(request["px"]), seconds=self._deadline * 0.6)
        return {}, b""

    def _peaks(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        from mediatui.media.peaks import make_peaks

        make_peaks(Path(request["source"]), Path(request["target"]), int(request["count"]))
        return {}, b""

    def _clip_open(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if self._clip is not None:
            self._clip.close()
            self._clip = None
        clip = self._clip = _open_clip(Path(request["source"]))
        return {"duration": clip.duration, "rate": clip.rate, "width": clip.width, "height": clip.height}, b""

    def _frame(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        if self._clip is None:
            raise ValueError("no clip is open")
        width, height = request["size"]
        found = self._clip.at(float(request["at"]), (int(width), int(height)))
        if found is None:
            raise ValueError("no frame in it")
        facts = {"time": found.time, "width": found.width, "height": found.height, "last": found.last}
        return facts, found.data


def _open_clip(source: Path) -> Frames | Animation:
    from mediatui.media.animation import FORMATS, Animation
    from mediatui.media.demux import kind_of
    from mediatui.media.frames import Frames

    name = kind_of(source)[1]
    return Animation(source, name) if name in FORMATS else Frames(source)


def _say(answers: IO[bytes], answer: dict[str, Any], payload: bytes = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n" + payload)
    answers.flush()
