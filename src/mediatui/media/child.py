"""What runs in the media worker's process: one request a line on stdin, one answer a line on stdout, both JSON.

    {"id": 1, "source": "/…/clip.mp4", "target": "/…/key-480.jpg", "max_px": 480}
    {"id": 1}                                               done
    {"id": 1, "error": "why not", "passing": false}         `passing`: worth asking again

It limits itself before it reads anything: address space, size of written files, priority, and an alarm
that ends it when a request takes too long, so that it dies even if nobody is left to kill it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO, Any

from mediatui.media import cache
from mediatui.text import one_line

ADDRESS_SPACE = 1536 << 20
FILE_BYTES = 64 << 20
NICE = 5
PRUNE_EVERY = 500
"""Posters made between two looks at the size of their folder."""


def serve(folder: Path, deadline: float) -> None:
    """Answer requests until stdin ends."""
    answers = _take_stdout()
    _limit()
    _load_decoders()
    cache.prune(folder)
    _say(answers, {"ready": os.getpid()})
    for count, line in enumerate(sys.stdin, 1):
        # The parent kills at the deadline; this is for the case that it is gone.
        signal.setitimer(signal.ITIMER_REAL, deadline + 1)
        answer = _answer(json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say(answers, answer)
        if count % PRUNE_EVERY == 0:
            cache.prune(folder)


def _take_stdout() -> IO[str]:
    """Keep the answers' pipe to ourselves: a library that prints must not garble it."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
    return answers


def _limit() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limits = {resource.RLIMIT_AS: ADDRESS_SPACE, resource.RLIMIT_FSIZE: FILE_BYTES, resource.RLIMIT_CORE: 0}
    for which, value in limits.items():
        # macOS refuses RLIMIT_AS; the deadline still holds there.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(which, (value, value))
    with contextlib.suppress(OSError):
        os.nice(NICE)


def _load_decoders() -> None:
    """Import what requests need, so that the first one is as fast as the others."""
    with contextlib.suppress(ImportError):
        pass
    with contextlib.suppress(ImportError):
        import av  # noqa: F401


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from mediatui.media.poster import make_poster

    answer: dict[str, Any] = {"id": request["id"]}
    try:
        make_poster(Path(request["source"]), Path(request["target"]), int(request["max_px"]))
    except Exception as exc:  # the fence: decoders raise anything for a broken file
        # The file system's own errors; decoders raise theirs as kinds of OSError too.
        passing = isinstance(exc, OSError) and exc.errno is not None and type(exc).__module__ == "builtins"
        answer.update(error=one_line(f"{type(exc).__name__}: {exc}", 200), passing=passing)
    return answer


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
