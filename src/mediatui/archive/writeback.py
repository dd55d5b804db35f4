"""Syncing while writing: what a final sync would otherwise wait for is on its way to the disk already."""

from __future__ import annotations

import threading
from types import TracebackType

from mediatui.library.files import sync_file

STEP_BYTES = 16 << 20


class Writeback:
    """Syncs a growing file in a thread of its own, each time another step of it was written.

    Leave the context before the descriptor is closed: the thread uses it. An error of any sync is raised
    by `finish`, for the kernel reports it only once.
    """

    def __init__(self, fd: int, step: int = STEP_BYTES) -> None:
        self._fd, self._step = fd, step
        self._next = step
        self._grown = threading.Semaphore(0)
        self._stopped = False
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Writeback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def grown_to(self, size: int) -> None:
        """The file has `size` bytes now."""
        if size < self._next:
            return
        self._next = size + self._step
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="export-writeback", daemon=True)
            self._thread.start()
        self._grown.release()

    def finish(self) -> None:
        """Sync what is left. Raises `OSError`, also for a sync in between that failed."""
        self._stop()
        if self._error:
            raise self._error
        sync_file(self._fd)

    def _stop(self) -> None:
        if self._thread:
            self._stopped = True
            self._grown.release()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            self._grown.acquire()
            while self._grown.acquire(blocking=False):
                pass
            if self._stopped or self._error:
                return
            try:
                sync_file(self._fd)
            except OSError as exc:
                self._error = exc
