"""A pseudo terminal that answers questions like one terminal or another, or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import threading
from collections.abc import Mapping
from types import TracebackType

KITTY_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
COLOUR_QUERY = b"\x1bP$qm\x1b\\"
VERSION_QUERY = b"\x1b[>0q"
CELL_QUERY = b"\x1b[16t"
SENTINEL = b"\x1b[c"

KITTY = {
    KITTY_QUERY: b"\x1b_Gi=31;OK\x1b\\",
    COLOUR_QUERY: b"\x1bP1$r48:2:1:2:3m\x1b\\",
    VERSION_QUERY: b"\x1bP>|kitty(0.41.1)\x1b\\",
    CELL_QUERY: b"\x1b[6;20;10t",
    SENTINEL: b"\x1b[?62;52;c",
}
OLD_KITTY = {**KITTY, VERSION_QUERY: b"\x1bP>|kitty(0.26.5)\x1b\\"}
GHOSTTY = {**KITTY, VERSION_QUERY: b"\x1bP>|ghostty 1.1.3\x1b\\"}
KONSOLE = {**KITTY, VERSION_QUERY: b"\x1bP>|Konsole 24.12\x1b\\"}
XTERM = {
    COLOUR_QUERY: b"\x1bP1$r0;48:2::1:2:3m\x1b\\",
    VERSION_QUERY: b"\x1bP>|XTerm(398)\x1b\\",
    CELL_QUERY: b"\x1b[6;16;8t",
    SENTINEL: b"\x1b[?64;1;2;4;6;9;15;18;21;22c",
}
FEW_COLOURS = {**XTERM, COLOUR_QUERY: b"\x1bP1$r0;48;5;16m\x1b\\"}
TMUX = {COLOUR_QUERY: b"\x1bP0$r\x1b\\", VERSION_QUERY: b"\x1bP>|tmux 3.5a\x1b\\", SENTINEL: b"\x1b[?1;2;4c"}
MUTE: dict[bytes, bytes] = {}


class FakeTerminal:
    """Answers in a thread until the block ends; `heard` is everything the program wrote."""

    def __init__(self, answers: Mapping[bytes, bytes], *, size: tuple[int, int, int, int] = (24, 80, 0, 0)) -> None:
        """`size`: rows, columns, width and height in pixels."""
        self._answers = answers
        self.heard = b""
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size))
        self.device = os.ttyname(self.slave)
        self.before = termios.tcgetattr(self.slave)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> FakeTerminal:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.write(self._waker, b"x")
        self._thread.join()
        for fd in (self.master, self.slave, self._wake, self._waker):
            os.close(fd)

    def _run(self) -> None:
        pending = b""
        queries = re.compile(b"|".join(re.escape(query) for query in self._answers) or b"(?!)")
        while True:
            ready = select.select([self.master, self._wake], [], [])[0]
            if self._wake in ready:
                return
            data = os.read(self.master, 4096)
            self.heard += data
            pending += data
            while found := queries.search(pending):
                pending = pending[found.end() :]
                os.write(self.master, self._answers[found[0]])

    def say(self, data: bytes) -> None:
        """Send what nobody asked for, or what comes late."""
        os.write(self.master, data)

    @property
    def unread(self) -> bool:
        """Something the terminal said lies unread."""
        return bool(select.select([self.slave], [], [], 0)[0])

    @property
    def restored(self) -> bool:
        """The terminal's modes are as they were."""
        return termios.tcgetattr(self.slave) == self.before
