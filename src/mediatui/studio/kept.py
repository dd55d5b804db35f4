"""Connections that can serve once more: the answer to the last request was read to its end."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from mediatui.studio.wire import Wire

KEEP_SECONDS = 5.0
MOST_KEPT = 8
"""To one origin."""


class Origin(NamedTuple):
    """Where a connection leads."""

    secure: bool
    host: str
    port: int


class Kept:
    """The connections that wait for another request; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._waiting: dict[Origin, list[tuple[float, Wire]]] = {}

    def take(self, origin: Origin) -> Wire | None:
        """The one that served last, if its server has neither closed it nor sent what nobody asked for."""
        with self._lock:
            self._drop_old()
            waiting = self._waiting.get(origin, [])
            while waiting:
                _, wire = waiting.pop()
                if wire.quiet:
                    return wire
                wire.close()
        return None

    def put(self, origin: Origin, wire: Wire) -> None:
        """Keep one that waits for a request now."""
        with self._lock:
            self._drop_old()
            waiting = self._waiting.setdefault(origin, [])
            if len(waiting) < MOST_KEPT and not self._closed:
                waiting.append((time.monotonic(), wire))
            else:
                wire.close()

    def close(self) -> None:
        """Close them all, and those that come back later."""
        with self._lock:
            self._closed = True
            self._drop_old(float("inf"))

    def _drop_old(self, moment: float | None = None) -> None:
        oldest = (time.monotonic() if moment is None else moment) - KEEP_SECONDS
        for origin, waiting in tuple(self._waiting.items()):
            for since, wire in waiting:
                if since < oldest:
                    wire.close()
            self._waiting[origin] = [entry for entry in waiting if entry[0] >= oldest]
            if not self._waiting[origin]:
                del self._waiting[origin]
