"""An open journal file, and how far it has been taken."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mediatui.library.files import sync_file, write_all

_NOWHERE = (-1, -1)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_FLAGS = os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Handle:
    """The descriptor, the position behind the last line taken, and what the file looked like then.

    Its methods raise `OSError`.
    """

    def __init__(self) -> None:
        self.fd = -1
        self.read_only = False
        self.position = 0
        """Bytes taken."""
        self.torn = 0
        """Bytes after them that are a torn line."""
        self.line_ended = True
        self.rest = b""
        """What followed the last whole line when lines were read."""
        self._identity = _NOWHERE
        self._mtime = 0

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self.fd >= 0

    @property
    def end(self) -> int:
        """The size the file has when nobody else wrote to it."""
        return self.position + self.torn

    def attach(self, path: Path) -> None:
        """Open the file the path names now, for writing where that is permitted, at its beginning."""
        if not stat.S_ISREG(mode := os.stat(path).st_mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fspath(path))  # a pipe would be waited for
        try:
            fd, read_only = os.open(path, os.O_RDWR | _FLAGS), False
        except OSError as exc:
            if exc.errno not in _REFUSED:
                raise
            fd, read_only = os.open(path, os.O_RDONLY | _FLAGS), True
        self.close()
        self.fd, self.read_only = fd, read_only
        status = os.fstat(fd)
        self._identity = (status.st_dev, status.st_ino)
        self.position, self.torn, self.line_ended, self._mtime = 0, 0, True, 0

    def reopen_for_writing(self, path: Path) -> None:
        """Exchange a read-only descriptor for one that writes to the same file, at the same position."""
        fd = os.open(path, os.O_RDWR | _FLAGS)
        if not os.path.samestat(os.fstat(fd), os.fstat(self.fd)):
            self.distrust()
        os.close(self.fd)
        self.fd, self.read_only = fd, False

    def close(self) -> None:
        """Close the file."""
        fd, self.fd, self._identity = self.fd, -1, _NOWHERE
        if fd >= 0:
            os.close(fd)

    def distrust(self) -> None:
        """Have the file read from its beginning before it is used again."""
        self._identity = _NOWHERE

    def is_same(self, status: os.stat_result) -> bool:
        """Whether the path still names the file that is open."""
        return (status.st_dev, status.st_ino) == self._identity

    def is_unchanged(self, status: os.stat_result) -> bool:
        """Whether nobody wrote since."""
        return self.is_same(status) and status.st_size == self.end and status.st_mtime_ns == self._mtime

    def has_grown(self, status: os.stat_result) -> bool:
        """Whether somebody appended, as opposed to changed what was taken already."""
        return self.is_same(status) and status.st_size > self.end

    def lines(self) -> Iterator[bytes]:
        """The whole lines from our position on; afterwards `rest` is what followed them."""
        self.rest, self.torn, self.line_ended = b"", 0, True
        ahead = os.fstat(self.fd).st_size - self.position
        with open(self.fd, "rb", buffering=min(max(ahead + 1, 1 << 12), 1 << 20), closefd=False) as stream:
            stream.seek(self.position)
            for line in stream:
                if not line.endswith(b"\n"):
                    self.rest = line
                    break
                yield line
            self._mtime = os.fstat(self.fd).st_mtime_ns

    def append(self, lines: bytes) -> None:
        """Write lines behind everything else, durably.

        A failed write is taken back. After a failed sync the kernel may have dropped the bytes and called them
        clean: then, or when taking back failed, `SyncFailed` says that this file is not to be used again.
        """
        try:
            write_all(self.fd, lines)
        except OSError as exc:
            if not self._take_back():
                raise SyncFailed(exc.errno, exc.strerror) from exc
            raise
        try:
            sync_file(self.fd)
        except OSError as exc:
            self._take_back()
            raise SyncFailed(exc.errno, exc.strerror) from exc
        self.position += self.torn + len(lines)
        self.torn, self.line_ended = 0, True
        status = os.fstat(self.fd)
        self._mtime = status.st_mtime_ns
        if status.st_size != self.position:  # somebody wrote in spite of the lock
            self.distrust()

    def skip_to_end(self) -> None:
        """Everything in the file is ours and known."""
        status = os.fstat(self.fd)
        self.position, self.torn, self.line_ended, self._mtime = status.st_size, 0, True, status.st_mtime_ns

    def _take_back(self) -> bool:
        try:
            os.ftruncate(self.fd, self.end)
            self._mtime = os.fstat(self.fd).st_mtime_ns
        except OSError:
            return False
        return True


class SyncFailed(OSError):
    """What the file holds is not known any more."""
