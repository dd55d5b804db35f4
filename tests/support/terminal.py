"""A program in a real pseudo terminal, with an emulator behind it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import pyte

PATIENCE = 40.0
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[\??[0-9;]*\$p|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_].*?\x1b\\", re.S
)


class Terminal:
    """Runs ``python -m mediatui`` (or another program) until the block ends."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        size: tuple[int, int] = (100, 30),
        program: Sequence[str] = (sys.executable, "-m", "mediatui"),
    ) -> None:
        self.screen = pyte.Screen(*size)
        self.stream = pyte.ByteStream(self.screen)
        self.output = b""
        self.code: int | None = None
        self._command = [*program, *arguments]
        self._environment = {**environment, "COLUMNS": "", "LINES": "", "PYTHONUTF8": "1"}
        self._environment = {k: v for k, v in self._environment.items() if v}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Run the program."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # The parent sets the size before the program looks at it: the byte below says so.
            os.read(0, 1)
            os.execvpe(self._command[0], self._command, self._environment)
        self.resize(self.screen.columns, self.screen.lines, tell=False)
        os.write(self._fd, b"\n")

    def end(self) -> None:
        """Kill it if it still runs, and take the terminal away; once more does nothing."""
        if not self.ended:
            os.kill(self.pid, signal.SIGKILL)
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def resize(self, columns: int, lines: int, *, tell: bool = True) -> None:
        """Give the terminal another size."""
        if tell:
            self.screen.resize(lines, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def send(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def kill(self, number: int) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    @property
    def text(self) -> str:
        """What is on the screen."""
        # Not `display`: that trips over a cell which begins with a combining character.
        rows = (self.screen.buffer[y] for y in range(self.screen.lines))
        return "\n".join("".join(row[x].data for x in range(self.screen.columns)) for row in rows)

    def read(self, timeout: float) -> bool:
        """Take in what comes within so many seconds; whether something did."""
        if not select.select([self._fd], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.take(data)
        return bool(data)

    def take(self, data: bytes) -> None:
        """Draw what the program sent."""
        self.output += data
        self.stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))

    def until(self, ready: Callable[[], object], what: str) -> float:
        """Read until a condition holds; the seconds that took."""
        start = time.monotonic()
        while not ready():
            over = self.ended
            self.read(0.05)
            late = time.monotonic() > start + PATIENCE
            assert not (over or late) or ready(), f"never came: {what}\n{self.text}"
        return time.monotonic() - start

    def shows(self, *words: str) -> float:
        """Read until the screen shows all the words; the seconds that took."""
        return self.until(lambda: all(word in self.text for word in words), " ".join(words))

    def quiet(self, seconds: float = 0.12) -> None:
        """Read until it has had nothing to say for a while."""
        while self.read(seconds):
            pass

    def wait(self) -> int:
        """Read until the program has ended; its exit code, negative for a signal."""
        end = time.monotonic() + PATIENCE
        while not self.ended:
            self.read(0.05)
            assert time.monotonic() < end, f"did not end\n{self.text}"
        while self.read(0.1):
            pass
        assert self.code is not None
        return self.code

    @property
    def ended(self) -> bool:
        """The program is no more; `code` says how it went."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    @property
    def restored(self) -> bool:
        """The alternate screen, mouse reporting and bracketed paste are off again."""
        modes = {}
        for number, state in re.findall(rb"\x1b\[\?([0-9]+)([hl])", self.output):
            modes[number] = state
        off = (b"1049", b"1000", b"1003", b"2004")
        return all(modes.get(number, b"l") == b"l" for number in off) and modes.get(b"25", b"h") == b"h"
