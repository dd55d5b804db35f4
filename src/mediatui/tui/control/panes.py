"""The three panes: which are on screen, and which has the focus."""

from __future__ import annotations

from collections.abc import Mapping

from textual.geometry import Size
from textual.widget import Widget

from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.widgets.bars import PaneTitle
from mediatui.tui.widgets.media_grid import MediaGrid

PANES = ("projects", "media", "detail")
THREE, TWO = 100, 72
"""Columns from which that many panes fit."""
ROOMY = 130
"""Columns from which a grid of pictures fits between two panes."""
PICTURE_ROWS = 18
"""Rows from which a picture leaves room for words."""


def visible(pane: str, width: int, *, pictures: bool = False) -> frozenset[str]:
    """The panes to show at a width while `pane` has the focus; `pictures` need the details' room where it is tight."""
    if pictures and THREE <= width < ROOMY and pane != "detail":
        return frozenset({"projects", "media"})
    if width >= THREE:
        return frozenset(PANES)
    if width >= TWO:
        return frozenset({"projects", "media"} if pane == "projects" else {"media", "detail"})
    return frozenset({pane})


class Panes(Controller):
    """Moves between panes. Styles are set on the panes alone: a class on the screen would restyle everything."""

    _arrangement: tuple[object, ...] = ()
    """What is set now: setting a style again would lay everything out again."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "next-pane": lambda: self.step(1),
            "previous-pane": lambda: self.step(-1),
            **{f"pane-{pane}": self._going_to(pane) for pane in PANES},
        }

    def _going_to(self, pane: str) -> Handler:
        return lambda: self.show(pane)

    @property
    def current(self) -> str:
        """The pane that has the focus."""
        focused = self.screen.focused.id if self.screen.focused is not None else None
        return focused if focused in PANES else "media"

    def step(self, step: int) -> None:
        """Go to the pane beside this one, around the ends."""
        self.show(PANES[(PANES.index(self.current) + step) % len(PANES)])

    def show(self, pane: str) -> None:
        """Go to a pane, and bring it on screen where not all fit."""
        self._arrange(pane, self.screen.size)
        self.screen.set_focus(self.screen.query_one(f"#{pane}"), scroll_visible=False)

    def arrange(self, size: Size | None = None) -> None:
        """Show the panes that fit; into a `size` that the screen is about to have."""
        self._arrange(self.current, size or self.screen.size)

    def _arrange(self, pane: str, size: Size) -> None:
        screen = self.screen
        for name in PANES:
            screen.query_one(f"#{name}-title", PaneTitle).tell(on=name == pane)
        boxes = {name: screen.query_one(f"#{name}-pane") for name in PANES}
        if self.lay_out(boxes, size, pane):
            screen.call_after_refresh(screen.details.show_poster)

    def lay_out(self, boxes: Mapping[str, Widget], size: Size, pane: str = "media") -> bool:
        """Set which panes are on screen and how wide; True when that is new."""
        width, height = size
        media = boxes["media"].query(MediaGrid)
        shown = visible(pane, width, pictures=bool(media) and media.first().gridded)
        arrangement = (shown, width >= THREE, width >= TWO, height < PICTURE_ROWS)
        if arrangement == self._arrangement:
            return False
        self._arrangement = arrangement
        for name, box in boxes.items():
            box.display = name in shown
        boxes["detail"].styles.width = "36%" if width >= THREE else "44%" if width >= TWO else "1fr"
        boxes["detail"].set_class(height < PICTURE_ROWS, "-short")
        boxes["projects"].styles.width = "16%" if width >= TWO else "1fr"
        return True
