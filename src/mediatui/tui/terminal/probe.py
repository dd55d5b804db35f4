"""One question to the terminal before the interface starts: what can you draw?

Everything is asked in one write, waited for with one deadline, and answered by a sentinel that every terminal
knows. Whatever comes late is thrown away; whatever fails means "draws nothing but text".
"""

from __future__ import annotations

import os
import re
import select
import time
from dataclasses import dataclass, replace
from typing import Any

DEADLINE = 0.35
"""Seconds from the question to the last answer that counts."""

_KITTY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
_TRUECOLOR = b"\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"
_VERSION = b"\x1b[>0q"
_CELL = b"\x1b[16t"
_SENTINEL = b"\x1b[c"
_IS_SENTINEL = re.compile(rb"\x1b\[\?[\d;]*c")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the terminal said."""

    asked: bool = False
    answered: bool = False
    """The sentinel came: nothing more is on its way."""
    kitty: bool = False
    """It knows kitty's graphics protocol; whether it knows placeholders, only its version tells."""
    truecolor: bool = False
    """It kept a 24 bit colour as it was."""
    name: str = ""
    """Its name and version, as ``kitty(0.41.1)``."""
    cell: tuple[int, int] | None = None
    """A cell's width and height in pixels."""


def read_answers(data: bytes) -> Answers:
    """Make sense of everything the terminal sent."""
    name = re.search(rb"\x1bP>\|([\x20-\x7e]*)\x1b\\", data)
    cell = re.search(rb"\x1b\[6;(\d{1,4});(\d{1,4})t", data)
    return Answers(
        asked=True,
        answered=bool(_IS_SENTINEL.search(data)),
        kitty=bool(re.search(rb"\x1b_Gi=31[^\x1b]*;OK\x1b\\", data)),
        truecolor=bool(re.search(rb"\x1bP1\$r[^\x1b]*48[:;]2[:;]+1[:;]2[:;]3(?!\d)", data)),
        name=name[1].decode("ascii") if name else "",
        cell=(int(cell[2]), int(cell[1])) if cell and int(cell[1]) and int(cell[2]) else None,
    )


class Probe:
    """The question, under way from the moment this is made; `finish` waits for the answers.

    Between the two there is time for imports: over a slow line they cost nothing then.
    """

    def __init__(self, deadline: float = DEADLINE, device: str = "/dev/tty") -> None:
        self._until = time.monotonic() + deadline
        self._fd = -1
        self._before: list[Any] | None = None
        self._cell: tuple[int, int] | None = None
        try:
            self._ask(device)
        except (OSError, ImportError, ValueError):
            self._close()

    def _ask(self, device: str) -> None:
        import termios
        import tty

        self._fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._cell = cell_size(self._fd)
            before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd, termios.TCSANOW)
            self._before = before
            question = _KITTY + _TRUECOLOR + _VERSION + (b"" if self._cell else _CELL) + _SENTINEL
            os.write(self._fd, question)
        except termios.error as exc:
            raise OSError(str(exc)) from exc

    def finish(self) -> Answers:
        """The answers, at the latest when the deadline is over; the terminal is as it was before."""
        if self._before is None:
            self._close()
            return Answers()
        data = b""
        try:
            while not _IS_SENTINEL.search(data):
                if not select.select([self._fd], [], [], max(0.0, self._until - time.monotonic()))[0]:
                    break
                piece = os.read(self._fd, 4096)
                if not piece:
                    break
                data += piece
        except OSError:
            pass
        finally:
            self._close()
        found = read_answers(data)
        return found if self._cell is None else replace(found, cell=self._cell)

    def _close(self) -> None:
        if self._fd < 0:
            return
        if self._before is not None:
            import termios

            try:
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)
            except (termios.error, OSError):
                pass
        os.close(self._fd)
        self._fd, self._before = -1, None


def drop_input(device: str = "/dev/tty") -> None:
    """Throw away what lies unread on the terminal: answers that came too late to be answers."""
    try:
        import termios

        fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            termios.tcflush(fd, termios.TCIFLUSH)
        except termios.error:
            pass
        finally:
            os.close(fd)
    except (OSError, ImportError):
        pass


def cell_size(fd: int) -> tuple[int, int] | None:
    """A cell's width and height in pixels, where the kernel knows them."""
    import fcntl
    import struct
    import termios

    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    if not (rows and columns) or width < columns or height < rows:
        return None
    return width // columns, height // rows
