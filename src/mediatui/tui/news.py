"""What the studio says, on its way to the screens: gathered, and not too often."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from mediatui.tui.screens.base import StudioScreen
from mediatui.tui.toasts import gathered

if TYPE_CHECKING:
    from mediatui.studio.events import OrganiseProgress
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.bridge import Bridge

DRAIN_SECONDS = 0.1
"""News reach the screens at most this often."""


class News:
    """Takes the studio's news from the bridge and hands them on."""

    def __init__(self, app: MediatuiApp, bridge: Bridge) -> None:
        self._app, self._bridge = app, bridge
        self._told_at = 0.0
        self._timer: Timer | None = None

    def hear(self) -> None:
        """There are some: tell them now, or as soon as the last ones are old enough."""
        if self._timer is not None:
            return
        wait = self._told_at + DRAIN_SECONDS - time.monotonic()
        if wait <= 0:
            self._tell()
        else:
            self._timer = self._app.set_timer(wait, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told_at = time.monotonic()
        batch, app = self._bridge.take(), self._app
        if batch is None:
            return
        for notice, more in gathered(batch.notices):
            app.tell(notice.message + more, hint=notice.hint, title=notice.title, severity=notice.severity)
        app.alerts.follow(batch)
        app.hosts.hear(batch.hosts)
        if batch.organising is not None:
            self._tell_progress(batch.organising)
        app.tell_screens(lambda screen: screen.follow(batch))

    def _tell_progress(self, how_far: OrganiseProgress) -> None:
        """On the status line of the screen in front, not among the messages."""
        screen = front_screen(self._app)
        if screen is not None:
            screen.say(f"{how_far.label}: {how_far.stage}, {how_far.done:,} of {how_far.total:,}")


def front_screen(app: MediatuiApp) -> StudioScreen[Any] | None:
    """The foremost screen over the studio; dialogs have no status line."""
    return next((screen for screen in reversed(app.screen_stack) if isinstance(screen, StudioScreen)), None)
