"""A lock between processes that the kernel frees when its holder dies."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path
from types import TracebackType

from mediatui.errors import storage_error

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int, *, wait: bool) -> bool:
        while True:
            try:
                os.lseek(fd, 0, os.SEEK_SET)
                msvcrt.locking(fd, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
            except OSError as exc:
                if exc.errno not in (errno.EACCES, errno.EDEADLK):
                    raise
                if not wait:
                    return False
            else:
                return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(fd: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


MOUNTS = Path("/proc/self/mountinfo")
"""Where Linux lists its mounts."""


def hold(fd: int) -> bool:
    """Lock an open file for as long as it stays open, if nobody else does now. Raises `OSError`."""
    return _lock(fd, wait=False)


_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileLock:
    """An exclusive lock on a file that is never removed; reentrant for the thread that holds it.

    Waiting happens in the kernel: fair, without polling, and nothing goes stale after a kill. Where the
    file cannot even be opened (a read-only folder) the lock is held among this process's threads only and
    `real` is False: reading may go on, writing must not.
    """

    def __init__(self, path: Path) -> None:
        self._fd = -1
        self.path = path
        self.threads = threading.RLock()
        """The part of the lock between this process's threads."""
        self.depth = 0
        """How often its holder has taken it."""
        self._owner = 0

    @property
    def mine(self) -> bool:
        """Whether the calling thread holds it."""
        return self._owner == threading.get_ident()

    @property
    def real(self) -> bool:
        """Whether the kernel keeps other processes out, too, while it is held."""
        return self._fd >= 0

    def acquire(self) -> None:
        """Wait for it and take it. Raises `StorageError`."""
        self.threads.acquire()
        self._enter(wait=True)

    def try_acquire(self) -> bool:
        """Take it when it is free at this moment. Raises `StorageError`."""
        return self.threads.acquire(blocking=False) and self._enter(wait=False)

    def release(self) -> None:
        """Give it back; as often as it was taken."""
        self.depth -= 1
        try:
            if self.depth == 0:
                self._owner = 0
                self._give_back()
        finally:
            self.threads.release()

    def close(self) -> None:
        """Close the file, which gives the kernel's lock back, whichever thread holds it. Taking it opens it anew."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _give_back(self) -> None:
        if self._fd < 0:
            return
        try:
            _unlock(self._fd)
        except OSError:
            self.close()  # which gives it back as well

    def _enter(self, *, wait: bool) -> bool:
        """With the threads' lock held: take the kernel's, or give the former back."""
        taken = False
        try:
            taken = self.depth > 0 or self._take(wait=wait)
        except OSError as exc:
            raise storage_error(exc, f"lock {self.path}") from exc
        finally:
            if not taken:
                self.threads.release()
        if taken:
            self.depth += 1
            self._owner = threading.get_ident()
        return taken

    def _take(self, *, wait: bool) -> bool:
        while True:
            if self._fd < 0:
                self._fd = self._open()
            if self._fd < 0:
                return True
            try:
                if not _lock(self._fd, wait=wait):
                    return False
                if self._is_current():
                    return True
            except OSError:
                self.close()
                raise
            self.close()

    def _open(self) -> int:
        flags = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | flags, 0o666)
        except OSError as exc:
            if exc.errno not in _REFUSED:
                raise
        try:
            return os.open(self.path, os.O_RDONLY | flags)  # flock needs no permission to write
        except OSError:
            return -1

    def _is_current(self) -> bool:
        """Whether the locked file still is the one the path names; the folder may have been replaced."""
        if sys.platform == "win32":
            return True
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(self.path))
        except FileNotFoundError:
            return False


def locks_hold(folder: Path) -> bool:
    """Whether locks in the folder can be relied on: False on network mounts known to ignore them."""
    mount = mount_of(folder)
    if mount is None:
        return True
    kind, options = mount
    if kind in ("nfs", "nfs4"):
        return "nolock" not in options and not any(
            o.startswith("local_lock=") and o != "local_lock=none" for o in options
        )
    return kind not in ("fuse.sshfs", "cifs", "smb3", "smbfs", "9p")


def mount_of(folder: Path) -> tuple[str, list[str]] | None:
    """File system type and options of the mount that holds the folder; None where the system does not tell."""
    try:
        device = os.stat(folder).st_dev
        lines = MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in reversed(lines):
        left, _, right = line.partition(" - ")
        if left.split(" ")[2] == wanted and right:
            kind, _source, *options = right.split(" ")
            return kind, ",".join(options).split(",")
    return None
