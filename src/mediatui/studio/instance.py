"""Who is running: each process holds a kernel lock on a file of its own, freed by the kernel when it dies.

A job names the instance that follows it. Another instance takes the job over only when that lock is free,
so two windows on one data directory never follow or save the same job, and none stays without a follower.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from mediatui.errors import StorageError, storage_error
from mediatui.library.files import FileLock


class Instance:
    """This process's presence on a data directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.id = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock: FileLock | None = None

    def register(self) -> None:
        """Take our lock. Raises `StorageError` when the data directory takes no files."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise storage_error(exc, f"use the folder {self._folder}") from exc
        lock = FileLock(self._folder / f"{self.id}.lock")
        lock.try_acquire()
        self._lock = lock

    def is_alive(self, owner: str | None) -> bool:
        """The instance `owner` is running (possibly this one)."""
        if owner is None:
            return False
        if owner == self.id:
            return True
        path = self._folder / f"{owner}.lock"
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            if lock.try_acquire():
                with suppress(OSError):
                    path.unlink()
                return False
            return True
        except StorageError:
            return False
        finally:
            lock.close()

    def leave(self) -> None:
        """Let go of the lock and remove its file."""
        if self._lock is not None:
            with suppress(OSError):
                (self._folder / f"{self.id}.lock").unlink()
            self._lock.close()
            self._lock = None
