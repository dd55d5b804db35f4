"""Toasts that never flood: few at once, equal ones counted, the rest waits its turn or is summed up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.notifications import Notification

if TYPE_CHECKING:
    from mediatui.studio.events import Notice
    from mediatui.tui.app import MediatuiApp

AT_ONCE = 3
"""Toasts on screen."""
WAITING = 6
"""Toasts that wait for their turn; what comes on top is only counted."""
ALIKE = 2
"""So many notices of one kind that come together are told one by one; more become one."""


@dataclass(slots=True)
class _Toast:
    message: str
    title: str
    severity: str
    seconds: float
    count: int = 1
    notification: Notification | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.severity, self.title, self.message

    @property
    def over(self) -> bool:
        return self.notification is None or self.notification.has_expired

    def announce(self) -> Notification:
        said, line, hint = self.message.partition("\n")
        text = f"{said} (×{self.count}){line}{hint}" if self.count > 1 else self.message
        severity: Any = self.severity
        self.notification = Notification(text, self.title, severity, self.seconds, markup=False)
        return self.notification


class Toasts:
    """What is on screen of them, and what waits."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self._shown: list[_Toast] = []
        self._waiting: list[_Toast] = []
        self._uncounted = 0
        self._armed = False

    @property
    def texts(self) -> list[str]:
        """What is on screen, for tests."""
        return [toast.notification.message for toast in self._shown if toast.notification and not toast.over]

    def show(self, message: str, title: str, severity: str, seconds: float) -> None:
        """Show it now, later, or as one more of the same."""
        self._reap()
        toast = _Toast(message, title, severity, seconds)
        same = next((each for each in (*self._shown, *self._waiting) if each.key == toast.key), None)
        if same is not None:
            same.count += 1
            if same in self._shown:
                self._put(same)
        elif len(self._shown) < AT_ONCE:
            self._shown.append(toast)
            self._put(toast)
        elif len(self._waiting) < WAITING:
            self._waiting.append(toast)
        else:
            self._uncounted += 1
        self._arm()

    def _put(self, toast: _Toast) -> None:
        if toast.notification is not None:
            self._app._unnotify(toast.notification, refresh=False)
        # At once: a posted notification could not be taken back before it arrives.
        self._app._notifications.add(toast.announce())
        self._app._refresh_notifications()

    def _reap(self) -> None:
        self._shown = [toast for toast in self._shown if not toast.over]

    def _arm(self) -> None:
        """Come back when there is room."""
        if self._armed or not (self._waiting or self._uncounted):
            return
        left = min((t.notification.time_left for t in self._shown if t.notification), default=0.0)
        self._armed = True
        self._app.set_timer(max(0.05, left), self._next)

    def _next(self) -> None:
        self._armed = False
        self._reap()
        while self._waiting and len(self._shown) < AT_ONCE:
            toast = self._waiting.pop(0)
            self._shown.append(toast)
            self._put(toast)
        if self._uncounted and not self._waiting and len(self._shown) < AT_ONCE:
            toast = _Toast(f"{self._uncounted} more messages; `mediatui logs` has what happened.", "", "warning", 8.0)
            self._uncounted = 0
            self._shown.append(toast)
            self._put(toast)
        self._arm()


def gathered(notices: Sequence[Notice]) -> Iterable[tuple[Notice, str]]:
    """Notices that came together, with more words where one stands for many of its kind."""
    kinds: dict[tuple[str, str], list[Notice]] = defaultdict(list)
    for notice in notices:
        kinds[notice.severity, notice.title].append(notice)
    for alike in kinds.values():
        if len(alike) <= ALIKE:
            yield from ((notice, "") for notice in alike)
        else:
            yield alike[0], f" … and {len(alike) - 1} more like this."
