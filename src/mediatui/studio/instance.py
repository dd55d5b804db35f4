"""Who is running: each process holds a kernel lock on a file of its own, freed by the kernel when it dies.

A job names the instance that follows it. Another instance takes the job over only when that lock is free,
so two windows on one data directory never follow or save the same job, and none stays without a follower.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from mediatui.errors import storage_error
from mediatui.library.lock import hold
from mediatui.text import slug


def any_alive(folder: Path) -> bool:
    """Any process runs on this data directory. For those that did not register themselves."""
    here = Instance(folder)
    try:
        return any(here.is_alive(entry.stem) for entry in folder.iterdir() if entry.suffix == ".lock")
    except OSError:
        return False


class Instance:
    """This process's presence on a data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.id = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._fd = -1

    def register(self) -> None:
        """Take our lock. Raises `StorageError` when the data directory takes no files."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while not self._take():
                time.sleep(0.001)  # somebody looked at the file before it was locked, and took us for dead
        except OSError as exc:
            raise storage_error(exc, f"use the folder {self._folder}") from exc

    def _take(self) -> bool:
        """Lock our file; False when another instance holds or has removed it in this moment."""
        path = self._path(self.id)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if hold(fd) and os.path.samestat(os.fstat(fd), path.stat()):
                self._fd, fd = fd, -1
        except FileNotFoundError:
            pass
        finally:
            if fd >= 0:
                os.close(fd)
        return self._fd >= 0

    def is_alive(self, owner: str | None) -> bool:
        """The instance `owner` is running (possibly this one)."""
        if owner is None or owner == self.id:
            return owner is not None
        try:
            fd = os.open(self._path(owner), os.O_RDWR | os.O_CLOEXEC)
        except (OSError, ValueError):
            return False
        try:
            if not hold(fd):
                return True
            with suppress(OSError):
                self._path(owner).unlink()
            return False
        finally:
            os.close(fd)

    def is_other(self, owner: str | None) -> bool:
        """Another instance, which is running, has that name."""
        return owner != self.id and self.is_alive(owner)

    def leave(self) -> None:
        """Let go of the lock and remove its file."""
        if self._fd >= 0:
            with suppress(OSError):
                self._path(self.id).unlink()
            os.close(self._fd)
            self._fd = -1

    def _path(self, instance: str) -> Path:
        return self._folder / f"{slug(instance, 60)}.lock"
