"""Writing the step log: any number of processes append to one file, each from a thread of its own.

Nothing waits for the log or breaks with it: no save, no submit, no poll.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mediatui.errors import MediatuiError
from mediatui.model import Job, MediaItem
from mediatui.steplog.clean import to_line
from mediatui.steplog.step import FAILED, KEPT, OK, STOPPED, Step, StepName, aside, is_at
from mediatui.text import plural

if os.name == "posix":
    import fcntl

MAX_BYTES = 8 << 20
"""A log file that has grown beyond this is put aside."""
MAX_WAITING = 10_000
"""Steps not yet written; further ones are dropped, and counted in the log."""

GATHER_SECONDS = 0.05
"""Steps that come so soon after one are written with it: a write for each would keep the saves themselves waiting."""


@dataclass(slots=True)
class Running:
    """A step under way: what is set here is logged when it ends."""

    outcome: str = OK
    detail: str = ""
    bytes: int | None = None
    attempt: int | None = None
    failed_as: str = FAILED
    """The outcome when it ends with an exception."""


class Steps:
    """Writes the log. Every method may be called from any thread, never blocks and never raises for the log's sake."""

    def __init__(self, path: Path) -> None:
        self._file = _LogFile(path)
        self._waiting: queue.SimpleQueue[tuple[Step, str] | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @contextmanager
    def step(self, name: StepName, about: Job | MediaItem | None = None) -> Iterator[Running]:
        """Log what happens inside when it ended: how long it took, and how it failed if it did."""
        running, began = Running(), time.monotonic()
        try:
            yield running
        except BaseException as exc:  # an interruption is a way to end, too
            running.outcome = running.failed_as if isinstance(exc, Exception) else STOPPED
            running.detail = running.detail or _said(exc)
            raise
        finally:
            self.note(
                name,
                about,
                outcome=running.outcome,
                detail=running.detail,
                bytes=running.bytes,
                attempt=running.attempt,
                milliseconds=round((time.monotonic() - began) * 1000),
            )

    def note(
        self,
        name: StepName,
        about: Job | MediaItem | None = None,
        *,
        outcome: str = OK,
        detail: str = "",
        project: str = "",
        milliseconds: int | None = None,
        bytes: int | None = None,
        attempt: int | None = None,
    ) -> None:
        """Log a step that is over."""
        step = Step(
            time=round(time.time(), 3),
            step=name,
            outcome=outcome,
            milliseconds=milliseconds,
            bytes=bytes,
            attempt=attempt,
            detail=detail,
            **{"project": project, **_names(about)},
        )
        self._put(step, about.prompt if about is not None else "")

    def close(self, timeout: float = 1.0) -> None:
        """Write what is waiting, for at most so many seconds; later steps are lost."""
        with self._lock:
            self._closed.set()
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout)

    def _put(self, step: Step, prompt: str) -> None:
        if self._waiting.qsize() >= MAX_WAITING:
            self._drop(1)
            return
        with self._lock:
            if self._closed.is_set():
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mediatui-steps", daemon=True)
                self._thread.start()
            self._waiting.put((step, prompt))

    def _run(self) -> None:
        more = True
        while more:
            batch = [self._waiting.get()]
            self._closed.wait(GATHER_SECONDS)
            while len(batch) < 500 and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            more = None not in batch
            entries = [entry for entry in batch if entry is not None]
            try:
                self._write(entries)
            except Exception:  # the fence: whatever keeps the log from being written stops nothing else
                self._drop(len(entries))

    def _drop(self, count: int) -> None:
        """Steps that are not in the log; it says how many once it can be written again."""
        with self._lock:
            self._dropped += count

    def _write(self, batch: Sequence[tuple[Step, str]]) -> None:
        lines, dropped = [to_line(*entry) for entry in batch], self._dropped
        if dropped:
            lines.append(to_line(Step(time.time(), "log", FAILED, detail=f"{plural(dropped, 'step')} dropped"), ""))
        self._file.append("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
        self._drop(-dropped)


class _LogFile:
    """The open file: appended to in single writes, put aside when it is large."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._torn = False

    def append(self, data: bytes) -> None:
        """Add whole lines. Raises `OSError`."""
        if not data:
            return
        self._open()
        if self._torn:
            data = b"\n" + data
        written = os.write(self._fd, data)
        self._torn = written < len(data)
        if os.fstat(self._fd).st_size > MAX_BYTES:
            self._put_aside()

    def _open(self) -> None:
        """Open the file, or open it anew when another process put it aside."""
        if self._fd >= 0 and not is_at(self._fd, self._path):
            os.close(self._fd)
            self._fd = -1
        if self._fd < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            size = os.fstat(self._fd).st_size
            self._torn = size > 0 and os.pread(self._fd, 1, size - 1) != b"\n"

    def _put_aside(self) -> None:
        # The lock lies on the file itself: whoever waited for it sees that its name leads elsewhere now.
        if os.name == "posix":
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            if is_at(self._fd, self._path):
                for number in range(KEPT, 0, -1):
                    older = aside(self._path, number - 1)
                    if older.exists():
                        older.replace(aside(self._path, number))
        finally:
            os.close(self._fd)
            self._fd = -1


def _names(about: Job | MediaItem | None) -> dict[str, str]:
    if about is None:
        return {}
    known = {"project": about.project, "provider": about.provider, "model": about.model}
    if isinstance(about, Job):
        return known | {"job": about.id}
    return known | {"item": about.id, "job": about.job or ""}


def _said(exc: BaseException) -> str:
    if isinstance(exc, MediatuiError):
        kind = getattr(exc, "kind", None)
        return f"{kind}: {exc.message}" if kind else exc.message
    return type(exc).__name__
