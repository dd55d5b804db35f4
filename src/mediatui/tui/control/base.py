"""What the library's controllers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediatui.errors import UsageError

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

    def no_item(self, of_jobs: str) -> UsageError:
        """There is no item under the cursor; `of_jobs` is what to know where a job is there."""
        is_job = self.screen.media.key in self.screen.shelf.jobs
        return UsageError("there is no item under the cursor", hint=of_jobs if is_job else "")

    def press(self, id: str, scope: str = "library") -> str:
        """The key of an action, for a sentence that tells people to press it."""
        return self.app.keys.of(scope, id)
