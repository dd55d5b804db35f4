"""One run of the media worker's process, seen from the side that asks: two pipes, a deadline, a kill."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mediatui

START_SECONDS = 30.0
"""Seconds the process may take to start; importing the decoders is slow on a cold disk."""

MAX_PAYLOAD = 16 << 20
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


class Broken(Exception):
    """The process was too slow, died, or said nonsense."""


class Died(Broken):
    """The process is gone; a new one may do better."""


class Process:
    """One run of the process. Not for several threads at once, but for `kill`."""

    def __init__(self, folder: Path | None, deadline: float, *, nice: int = 5) -> None:
        """Start it. `folder`: the cache it keeps within limits, if any; `deadline`: seconds a request may take."""
        # -P: what lies in the current directory is not imported.
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "mediatui.media.worker", str(folder or ""), str(deadline), str(nice)],
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
        """Its number."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """It runs."""
        return self._popen.poll() is None

    def wait_ready(self) -> None:
        """Until it has loaded its decoders. Raises `Broken`."""
        if "ready" not in self._line(time.monotonic() + START_SECONDS):
            raise Broken("the media worker did not start")

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """The answer to one request and the bytes that came with it.

        Raises `Broken` or `OSError`; the process is of no more use then.
        """
        self._asked += 1
        stdin = self._popen.stdin
        assert stdin is not None
        until = time.monotonic() + seconds
        stdin.write(json.dumps({"id": self._asked, **request}).encode() + b"\n")
        answer = self._line(until)
        if answer.get("id") != self._asked:
            raise Broken("the media worker answered something else")
        count = answer.get("bytes", 0)
        if not isinstance(count, int) or not 0 <= count <= MAX_PAYLOAD:
            raise Broken("the media worker wrote nonsense")
        while len(self._rest) < count:
            self._rest += self._some(until)
        payload, self._rest = self._rest[:count], self._rest[count:]
        return answer, payload

    def _line(self, until: float) -> dict[str, Any]:
        while b"\n" not in self._rest:
            self._rest += self._some(until)
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer: dict[str, Any] = json.loads(line)
        except ValueError:
            raise Broken("the media worker wrote nonsense") from None
        return answer

    def _some(self, until: float) -> bytes:
        stdout = self._popen.stdout
        assert stdout is not None
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        left = until - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise Broken("no answer in time")
        data = stdout.read(1 << 20)
        if not data:
            raise Died("the media worker died")
        return data

    def kill(self) -> None:
        """End it at once; from any thread."""
        self._popen.kill()

    def close(self) -> None:
        """End it and leave nothing behind."""
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
