"""Appending to a file past the page cache, where the system and the file system allow that.

A download is written once and not read again soon. Straight from our buffer to the disk its bytes cost a small
part of the processor time, leave nothing for the last sync to wait for, and drive no other file out of memory.
"""

from __future__ import annotations

import errno
import os
import sys

BLOCK_BYTES = 4096
"""What suits every file system that can do it, for addresses in memory, lengths and places in the file."""

if sys.platform == "linux":
    import fcntl

    def _set_direct(fd: int, wanted: bool) -> bool:
        """Pass the page cache by from now on, or use it; says which it is now."""
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_DIRECT
        try:
            fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if wanted else flags)
        except OSError as exc:
            if not wanted or exc.errno != errno.EINVAL:
                raise
            return False  # not on this file system
        return wanted

else:

    def _set_direct(fd: int, wanted: bool) -> bool:
        return False


class Appender:
    """Writes on from where an open file is. Bytes and errors are the same by either way.

    What is not a whole block, or not where a block begins in memory, goes through the page cache, and so does
    everything after it.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._direct = False

    def begin(self) -> None:
        """The file is empty now. Raises `OSError`."""
        self._direct = _set_direct(self._fd, True)

    def settle(self) -> None:
        """The file may be read through this descriptor again. Raises `OSError`."""
        if self._direct:
            self._direct = _set_direct(self._fd, False)

    def write(self, data: bytes | memoryview) -> None:
        """Write every byte. Raises `OSError`, possibly after some of them."""
        view = memoryview(data)
        if self._direct:
            view = view[self._write_blocks(view) :]
        if view:
            self.settle()
        while view:
            view = view[os.write(self._fd, view) :]

    def _write_blocks(self, view: memoryview) -> int:
        """Write the whole blocks that `view` begins with; returns how many bytes were taken."""
        whole, done = len(view) - len(view) % BLOCK_BYTES, 0
        try:
            while done < whole:
                done += os.write(self._fd, view[done:whole])
        except OSError as exc:
            if exc.errno != errno.EINVAL:
                raise
        return done
