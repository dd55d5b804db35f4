"""What the library's controllers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediatui.studio.studio import Studio
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.screens.library import LibraryScreen


class Controller:
    """Answers some of the library's keys."""

    def __init__(self, screen: LibraryScreen) -> None:
        self.screen = screen

    @property
    def app(self) -> MediatuiApp:
        """The app."""
        return self.screen.main

    @property
    def studio(self) -> Studio:
        """The studio; raises `UsageError` until it runs."""
        return self.app.studio

    def press(self, id: str, scope: str = "library") -> str:
        """The key of an action, for a sentence that tells people to press it."""
        return self.app.keys.of(scope, id)
