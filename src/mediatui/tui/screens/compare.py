"""Two items side by side, and what is different between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from mediatui.model import MediaItem
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.opening import open_item
from mediatui.tui.differences import Difference, changed_words, differences
from mediatui.tui.format import picture_card
from mediatui.tui.screens.base import STYLES, StudioScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.lines import Lines, Paragraph
from mediatui.tui.widgets.picture import Picture

PIXELS = 480


class CompareScreen(StudioScreen[None]):
    """The pictures above, the differences below: fields that differ first, the words that changed by themselves."""

    CSS_PATH = STYLES / "viewer.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("compare", "text", "app")
    BINDINGS = bindings("compare")

    def __init__(self, left: MediaItem, right: MediaItem) -> None:
        super().__init__()
        self._items = (left, right)
        self._all = False

    def compose(self) -> ComposeResult:
        """Title, pictures, differences, keys."""
        yield PaneTitle("Compare", id="compare-title")
        with Horizontal(id="pictures"):
            # Half blocks: two pictures at once are dear in pixels, and the words matter as much.
            yield Picture(id="left")
            yield Picture(id="right")
        yield Lines(id="differences")
        yield Bar(id="status")
        yield KeyBar("compare")

    def on_mount(self) -> None:
        """Show both."""
        self.query_one(Lines).focus()
        self._show()
        for item, side in zip(self._items, ("left", "right"), strict=True):
            if not self.main.draws_pictures:
                self.query_one(f"#{side}", Picture).show(None, picture_card(item))
                continue
            self.main.run_fenced(self._show_poster(item), group=f"poster-{side}", node=self)

    async def _show_poster(self, item: MediaItem) -> None:
        path = await self.main.ask(self.main.studio.poster(item.id, PIXELS))
        side = "left" if item.id == self._items[0].id else "right"  # as they stand by now
        words = "no picture until it is saved" if item.path is None else "no picture"
        self.query_one(f"#{side}", Picture).show(path, words)

    def _show(self) -> None:
        found = differences(*self._items)
        differing = [each for each in found if not each.same]
        same = len(found) - len(differing)
        words = f"{len(differing)} differ, {same} the same"
        self.query_one(PaneTitle).tell(words, name="Compare", on=True)
        shown = found if self._all else differing
        paragraphs: list[Paragraph] = []
        for each in shown:
            paragraphs += _paragraphs(each)
        if not shown:
            paragraphs = [("", "Nothing differs: the same request, the same result.", "text")]
        elif same and not self._all:
            paragraphs += [("", "", "text"), ("", f"{self.press('wider')} shows the {same} that are the same.", "dim")]
        self.query_one(Lines).show(paragraphs, top=True)

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "back": self._back,
            "wider": self._switch,
            "swap": self._swap,
            "open-left": lambda: open_item(self.main, self._items[0]),
            "open-right": lambda: open_item(self.main, self._items[1]),
        }

    def _switch(self) -> None:
        self._all = not self._all
        self._show()

    def _swap(self) -> None:
        left, right = self.query_one("#left", Picture), self.query_one("#right", Picture)
        (one, one_words), (other, other_words) = (left.path, left.words), (right.path, right.words)
        left.show(other, other_words)
        right.show(one, one_words)
        self._items = (self._items[1], self._items[0])
        self._show()


def _paragraphs(each: Difference) -> list[Paragraph]:
    """A field on two lines, left and right; of long texts only what changed, with a little around it."""
    if each.same:
        return [(each.name, each.left, "dim")]
    if each.name != "prompt":
        return [(each.name, f"◧ {each.left}", "accent"), (" ", f"◨ {each.right}", "text")]
    left, right = changed_words(each.left, each.right)
    return [(each.name, f"◧ {_marked(left)}", "accent"), (" ", f"◨ {_marked(right)}", "text")]


def _marked(pieces: list[tuple[str, bool]]) -> str:
    """A text with what the other lacks in guillemets: seen without colour, too."""
    return " ".join(f"«{text}»" if changed else text for text, changed in pieces)
