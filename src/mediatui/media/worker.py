"""The media worker: one process that opens files nobody trusts, and is killed when it takes too long.

`MediaWorker` is the client; ``python -m mediatui.media.worker FOLDER SECONDS`` is the process.
"""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import mediatui
from mediatui.media import cache

log = logging.getLogger(__name__)

DEADLINE = 5.0
"""Seconds one poster may take."""

START_SECONDS = 30.0
"""Seconds the process may take to start; importing the decoders is slow on a cold disk."""

_TRIES = 2
"""Times a file may use up its deadline before it is left alone; a busy machine is slow once, not twice."""

_REMEMBERED = 2000
_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONHOME",
    "PYTHONPATH",
)


class MediaWorker:
    """Makes posters in one subprocess, started at the first request. Every method may be called from any thread."""

    def __init__(self, posters: Path, *, deadline: float = DEADLINE) -> None:
        """`posters` is the folder for the results (`Locations.posters`); it is created when needed."""
        self._folder = posters
        self._deadline = deadline
        self._turn = threading.Lock()
        self._process: _Process | None = None
        self._state = threading.Lock()
        self._closed = False
        self._failures: dict[Path, int] = {}

    def poster(self, source: Path, key: str, max_px: int = 480) -> Path | None:
        """A JPEG of `source`, at most `max_px` a side; None when there is no picture of it.

        Blocks for at most `deadline` seconds after its turn came. `key` names the content (see
        `cache.poster_key`); a file that could not be shown is not tried again under the same key.
        """
        target = cache.poster_path(self._folder, key, max_px)
        if cache.mark_used(target):
            return target
        with self._turn:
            if self._closed or self._failures.get(target, 0) >= _TRIES:
                return None
            if cache.mark_used(target):  # made while we waited
                return target
            return target if self._make(source, target, max_px) else None

    @property
    def pid(self) -> int | None:
        """The running process; None when there is none."""
        process = self._process
        return process.pid if process else None

    def close(self) -> None:
        """End the process at once; whoever waits for a poster gets None. May be called again."""
        with self._state:
            self._closed = True
            if self._process:
                self._process.kill()
        with self._turn:
            self._drop()

    def _make(self, source: Path, target: Path, max_px: int) -> bool:
        request = {"source": str(source), "target": str(target), "max_px": max_px}
        try:
            answer = self._ask(request)
        except (OSError, _Broken) as exc:
            self._drop()
            answer = {"error": str(exc), "passing": isinstance(exc, OSError)}
            failures = 1
        else:
            failures = _TRIES
        if "error" not in answer:
            return True
        if not self._closed:
            log.info("no poster of %s: %s", source, answer["error"])
        if not answer["passing"]:
            self._remember(target, failures)
        return False

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of the running process, or of a new one where that had died."""
        try:
            return self._running().ask(request, self._deadline)
        except (_Died, BrokenPipeError):
            self._drop()
            return self._running().ask(request, self._deadline)

    def _remember(self, target: Path, failures: int) -> None:
        self._failures[target] = self._failures.get(target, 0) + failures
        if len(self._failures) > _REMEMBERED:
            self._failures.pop(next(iter(self._failures)))

    def _running(self) -> _Process:
        if self._process and not self._process.alive:
            self._drop()
        if self._process is None:
            with self._state:
                if self._closed:
                    raise _Broken("the media worker is closed")
                self._process = _Process(self._folder, self._deadline)
            self._process.wait_ready()
        return self._process

    def _drop(self) -> None:
        if self._process:
            self._process.close()
            self._process = None


class _Broken(Exception):
    """The process was too slow, died, or said nonsense."""


class _Died(_Broken):
    """The process is gone; a new one may do better."""


class _Process:
    """One run of the process and its two pipes."""

    def __init__(self, folder: Path, deadline: float) -> None:
        # -P: what lies in the current directory is not imported.
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "mediatui.media.worker", str(folder), str(deadline)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
            start_new_session=True,
        )
        self._asked = 0
        self._rest = b""

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def alive(self) -> bool:
        return self._popen.poll() is None

    def wait_ready(self) -> None:
        if "ready" not in self._line(START_SECONDS):
            raise _Broken("the media worker did not start")

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to one request. Raises `_Broken` or `OSError`; the process is of no more use then."""
        self._asked += 1
        stdin = self._popen.stdin
        assert stdin is not None
        stdin.write(json.dumps({"id": self._asked, **request}).encode() + b"\n")
        answer = self._line(seconds)
        if answer.get("id") != self._asked:
            raise _Broken("the media worker answered something else")
        return answer

    def _line(self, seconds: float) -> dict[str, Any]:
        stdout = self._popen.stdout
        assert stdout is not None
        until = time.monotonic() + seconds
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise _Broken(f"no answer within {seconds:g} s")
            if not (data := stdout.read(65_536)):
                raise _Died("the media worker died")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise _Broken("the media worker wrote nonsense") from None
        return answer

    def kill(self) -> None:
        self._popen.kill()

    def close(self) -> None:
        self._popen.kill()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe:
                pipe.close()
        self._popen.wait()


def _environment() -> dict[str, str]:
    """What Python and the decoders need; keys and tokens stay out of a process that reads hostile files."""
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    package = str(Path(mediatui.__file__).parent.parent)
    paths = [package, *filter(None, [environment.get("PYTHONPATH")])]
    # glibc reserves 64 MiB of address space for each thread's arena, which the limit would count.
    return environment | {"PYTHONPATH": os.pathsep.join(paths), "MALLOC_ARENA_MAX": "2"}


if __name__ == "__main__":
    from mediatui.media.child import serve

    serve(Path(sys.argv[1]), float(sys.argv[2]))
