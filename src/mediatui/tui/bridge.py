"""Between the studio's threads and the interface's: starts and stops the one, wakes the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from textual.message import Message

from mediatui.tui.messages import StudioFailed, StudioReady, StudioSpoke

if TYPE_CHECKING:
    from mediatui.locations import Locations
    from mediatui.settings import Settings
    from mediatui.studio.events import Event
    from mediatui.studio.studio import Studio
    from mediatui.tui.batch import Batch

T = TypeVar("T")


class Bridge:
    """Owns the studio on behalf of the interface. `post` must be safe from any thread."""

    def __init__(self, settings: Settings, locations: Locations, post: Callable[[Message], object]) -> None:
        self._settings, self._locations, self._post = settings, locations, post
        self._lock = threading.Lock()
        self._waiting: Batch | None = None
        self._studio: Studio | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._start, name="studio-start", daemon=True)

    def start(self) -> None:
        """Start the studio in a thread; `StudioReady` or `StudioFailed` follows."""
        self._thread.start()

    def _start(self) -> None:
        try:
            # Imported here: the first frame does not wait for httpx and the library.
            from mediatui.studio.studio import Studio

            studio = Studio(self._settings, self._locations)
            studio.subscribe(self._listen)
            with self._lock:
                if self._stopped:
                    return
                self._studio = studio
                studio.start()
        except Exception as exc:  # the fence: whatever it is, this thread has nobody else to tell
            self._post(StudioFailed(exc))
            return
        self._post(StudioReady(studio))

    def stop(self) -> None:
        """Stop the studio; what is unfinished resumes next time."""
        with self._lock:
            self._stopped = True
            studio, self._studio = self._studio, None
        if studio is not None:
            studio.stop()

    def _listen(self, event: Event) -> None:
        """On the engine's thread: keep the event and wake the interface once."""
        from mediatui.tui.batch import Batch

        with self._lock:
            first = self._waiting is None
            if self._waiting is None:
                self._waiting = Batch()
            self._waiting.add(event)
        if first:
            self._post(StudioSpoke())

    def take(self) -> Batch | None:
        """Everything said since the last call."""
        with self._lock:
            batch, self._waiting = self._waiting, None
            return batch


def ask(future: Future[T]) -> Awaitable[T]:
    """Wait for the studio's answer. Giving up waiting, by leaving a screen or quitting, cancels nothing there."""
    return asyncio.shield(asyncio.wrap_future(future))
