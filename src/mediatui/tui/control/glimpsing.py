"""The first frame: what the lists showed when the library was left."""

from __future__ import annotations

from mediatui.tui.control.base import Controller
from mediatui.tui.glimpse import Glimpse, load_glimpse
from mediatui.tui.widgets.bars import PaneTitle
from mediatui.tui.widgets.media_grid import MediaGrid


class Glimpsing(Controller):
    """Takes the look of the lists with it, and gives it back until they are filled."""

    def show(self) -> None:
        """Draw what was shown when the library was left, if that is still true."""
        app, screen = self.app, self.screen
        glimpse = load_glimpse(app.locations, app.memory.project, (app.size.width, app.size.height))
        if glimpse is None:
            return
        for part in (screen.project_list, screen.media):
            part.still = glimpse.lines.get(str(part.id), ())
        screen.query_one("#media-title", PaneTitle).tell("opening…", name=glimpse.name)

    def take(self) -> Glimpse | None:
        """What the lists show now; None where that is no use to the next start."""
        screen = self.screen
        summary = screen.summaries.get(screen.project_id or "")
        media = screen.query_one("#media", MediaGrid)
        if summary is None or media.gridded or not media.keys:
            return None
        lines = {str(part.id): part.in_view() for part in (screen.project_list, media)}
        return Glimpse(summary.id, summary.name, (self.app.size.width, self.app.size.height), lines)
