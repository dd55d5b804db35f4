"""The way to what tends the whole library: trash, clean-up, disk usage, import."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller

DAY = 86_400.0


class Tending(Controller):
    """Keys that open a screen of their own."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "trash-bin": self.open_trash,
            "clean-old": self.open_clean,
            "usage": self.open_usage,
            "import": self.open_import,
        }

    def open_trash(self) -> None:
        """What was removed."""
        from mediatui.tui.screens.trash import TrashScreen

        self.app.push_screen(TrashScreen())

    def open_clean(self) -> None:
        """What could go; what has been unsaved for long is chosen already."""
        from mediatui.library.cleanup import Sort
        from mediatui.tui.screens.cleanup import DAYS, CleanScreen

        days = self.app.settings.clean_unsaved_after_days or DAYS
        old = self.screen.shelf.unsaved_since(time.time() - days * DAY)
        self.app.push_screen(CleanScreen(self.screen.one_project, frozenset({Sort.UNSAVED} if old else ())))

    def open_usage(self) -> None:
        """Where the bytes are."""
        from mediatui.tui.screens.usage import UsageScreen

        self.app.push_screen(UsageScreen())

    def open_import(self) -> None:
        """Bring a project or a folder in."""
        from mediatui.tui.screens.import_ import ImportScreen

        self.app.push_screen(ImportScreen())
