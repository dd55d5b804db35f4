"""How fast and how large a clip may play, learned from how soon the terminal says it has drawn a frame."""

from __future__ import annotations

from collections import deque

WINDOW = 2
"""Frames the terminal may owe an answer for."""

FORGIVEN_SECONDS = 5.0
"""An answer that takes longer is not waited for."""

LOCAL_RATE, PLAIN_RATE = 30.0, 10.0
REMOTE_RATE, REMOTE_RATES = 12.0, (4.0, 20.0)
REMOTE_BOX, SMALLEST = (64, 18), (24, 7)
SLOW, QUICK = 0.15, 0.08
"""Seconds to an answer above which the picture shrinks, and below which it may grow."""

OWN_DELAY = 0.05
"""Seconds beyond the line's own delay that are our doing: a line that is merely long is no reason to shrink."""

CALM_DOWN, CALM_UP = 1.0, 3.0
"""Seconds between two changes for the worse, and for the better."""


class Pace:
    """Decides when the next frame may go out. Times are seconds of any one steady clock."""

    def __init__(self, *, remote: bool, plain: bool = False) -> None:
        """`remote`: over a network line. `plain`: cells cost too much to draw fast (few colours, or none)."""
        self.remote = remote
        self.rate = PLAIN_RATE if plain else REMOTE_RATE if remote else LOCAL_RATE
        """Frames a second at most."""
        self._highest = min(PLAIN_RATE if plain else REMOTE_RATES[1], REMOTE_RATES[1])
        self._box = [float(side) for side in REMOTE_BOX]
        self._owed: deque[tuple[float, bool]] = deque()
        self._best = float("inf")
        self._changed: float | None = None
        self.delay = 0.0
        """Seconds to an answer, smoothed; 0 until there was one."""

    def box(self, room: tuple[int, int]) -> tuple[int, int]:
        """Columns and rows a picture may take of the `room` there is."""
        if not self.remote:
            return room
        return min(room[0], round(self._box[0])), min(room[1], round(self._box[1]))

    def ready(self, now: float) -> bool:
        """Another frame may go out."""
        if self._owed and now - self._owed[-1][0] > FORGIVEN_SECONDS:
            self._owed.clear()
        return len(self._owed) < WINDOW

    def sent(self, now: float, *, whole: bool = False) -> None:
        """A frame and the question after it went out. `whole`: all of it, not only what changed."""
        if self._changed is None:
            self._changed = now
        self._owed.append((now, whole))

    def answered(self, now: float, room: tuple[int, int] = (1000, 1000)) -> bool:
        """An answer came; True when rate or box changed with it."""
        if not self._owed:
            return False
        sent, whole = self._owed.popleft()
        if whole:  # many times the bytes of any other: it says nothing of them
            return False
        delay = now - sent
        self._best = min(self._best * 1.001, delay)
        self.delay = delay if not self.delay else 0.7 * self.delay + 0.3 * delay
        if self.delay > SLOW and self.delay - self._best > 2 * OWN_DELAY:
            return self._shrink(now)
        if self.delay < max(QUICK, self._best + OWN_DELAY):
            return self._grow(now, room)
        return False

    def _shrink(self, now: float) -> bool:
        if self._lately(now, CALM_DOWN):
            return False
        self._changed = now
        self.rate = max(REMOTE_RATES[0], self.rate * 0.85)
        self._box = [max(least, side * 0.8) for side, least in zip(self._box, SMALLEST, strict=True)]
        return True

    def _grow(self, now: float, room: tuple[int, int]) -> bool:
        full = self.rate >= self._highest and all(side >= limit for side, limit in zip(self._box, room, strict=True))
        if full or self._lately(now, CALM_UP):
            return False
        self._changed = now
        self.rate = min(self._highest, self.rate * 1.2)
        limits = [max(limit, least) for limit, least in zip(room, SMALLEST, strict=True)]
        self._box = [min(limit, side * 1.15) for side, limit in zip(self._box, limits, strict=True)]
        return True

    def _lately(self, now: float, calm: float) -> bool:
        return self._changed is not None and now - self._changed < calm
