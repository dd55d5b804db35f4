"""One-line bars: a pane's title, the status line, the banner, the key bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from mediatui.tui.action import Action
from mediatui.tui.actions import action, in_scope
from mediatui.tui.actor import keys_of, tone
from mediatui.tui.format import fit
from mediatui.tui.widgets.line_list import Cell

PART = " · "
"""Between the parts of what stands at a title's right; the first says most."""
LEAST_NAME = 10
"""Cells of a title's name for which the last of these parts go."""
BACK = "back"
"""The identifier of the action that leaves a screen."""


class Bar(Widget):
    """A line of cells on the left and some on the right; repainted only when they change."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: Sequence[Cell] = ()
        self._right: Sequence[Cell] = ()

    def show(self, left: Sequence[Cell], right: Sequence[Cell] = ()) -> None:
        """Show these cells."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def text(self) -> str:
        """What it says, for tests."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:
        """The line; the right side goes first when there is no room."""
        width = self.size.width
        left, right = list(self._left), list(self._right)
        gap = width - _cells(left) - _cells(right)
        if gap < 1:
            right = []
            gap = max(0, width - _cells(left))
        segments = [Segment(text, tone(self, name)) for text, name in (*left, (self.fill(gap), self.fill_tone), *right)]
        return Strip(Segment.simplify(segments)).adjust_cell_length(width, tone(self, self.fill_tone))

    fill_tone = "text"

    def fill(self, width: int) -> str:
        """What stands between left and right."""
        return " " * width


def _cells(cells: Sequence[Cell]) -> int:
    return sum(cell_len(text) for text, _ in cells)


class Banner(Bar):
    """A line that stands out from the others over its whole width."""

    fill_tone = "banner"


class PaneTitle(Bar):
    """A pane's name on a rule; bright while the pane has the focus."""

    fill_tone = "rule"

    def __init__(self, heading: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._heading = heading
        self._info = ""
        self._on = False

    def tell(self, info: str | None = None, *, name: str | None = None, on: bool | None = None) -> None:
        """Change the name, what stands at the right, or whether the pane has the focus."""
        self._info = self._info if info is None else info
        self._heading = self._heading if name is None else name
        self._on = self._on if on is None else on
        self.fill_tone = "rule-on" if self._on else "rule"
        self.show(*self._cut(self.size.width))

    def _cut(self, width: int) -> tuple[list[Cell], list[Cell]]:
        """The name, as much of it as there is room for, and what stands at the right."""
        info = self._fitting(width)
        room = max(0, width - cell_len(info) - 6)
        name = self._heading if cell_len(self._heading) <= room else fit(self._heading, room)
        left = [("━ " if self._on else "─ ", self.fill_tone), (f"{name} ", "accent" if self._on else "text")]
        return left, [(f" {info} ", "dim")] if info else []

    def _fitting(self, width: int) -> str:
        """What stands at the right, less its last parts where they would leave no room for the name."""
        parts = self._info.split(PART)
        wanted = min(cell_len(self._heading), LEAST_NAME) + 6
        while width and len(parts) > 1 and cell_len(PART.join(parts)) + wanted > width:
            parts.pop()
        return PART.join(parts)

    def render_line(self, y: int) -> Strip:
        """The line, cut for the width it has now."""
        self._left, self._right = self._cut(self.size.width)
        return super().render_line(y)

    def fill(self, width: int) -> str:
        """The rule."""
        return ("━" if self._on else "─") * width


class KeyBar(Bar):
    """The keys of the screen in front, from the registry; a click presses one."""

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self._scopes = scopes
        self._hidden: frozenset[str] = frozenset()
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Fill it."""
        self.show_keys()

    def show_scopes(self, *scopes: str) -> None:
        """Show the keys of other places: what has the focus takes keys for itself."""
        if scopes != self._scopes:
            self._scopes = scopes
            self.show_keys()

    def hide(self, ids: frozenset[str]) -> None:
        """Leave out these actions: they make no sense now."""
        if ids != self._hidden:
            self._hidden = ids
            self.show_keys()

    def show_keys(self) -> None:
        """Lay out as many keys as fit: the first of them, the way back, help and commands before any other."""
        keys = keys_of(self)
        shown = [
            found for scope in self._scopes for found in in_scope(scope) if found.short and found.id not in self._hidden
        ]
        help, palette = keys.name(action("app", "help")), keys.name(action("app", "palette"))
        tail: list[Cell] = [(f"{help} ", "key"), ("help  ", "dim"), (f"{palette} ", "key"), ("commands ", "dim")]
        labels: dict[str, list[Cell]] = {
            found.id: [(f"{keys.name(found)} ", "key"), (f"{found.short}  ", "dim")] for found in shown
        }
        widths = {id: _cells(cells) for id, cells in labels.items()}
        while not (fitting := _fitting(shown, widths, self.size.width - _cells(tail) - 2))[1:] and shown[1:] and tail:
            del tail[-2:]
        left: list[Cell] = [(" ", "text")]
        self._spans = []
        for found in fitting:
            start = _cells(left)
            left += labels[found.id]
            self._spans.append((start, _cells(left), keys.keys(found)[0]))
        self.show(left, tail)

    def on_resize(self, event: events.Resize) -> None:
        """As many keys as fit now."""
        self.show_keys()

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)


def _fitting(actions: Sequence[Action], widths: Mapping[str, int], room: int) -> list[Action]:
    """The actions whose labels fit, from the first on; the way back keeps its room."""
    room -= sum(widths[found.id] for found in actions if found.id == BACK)
    fitting: list[Action] = []
    full = False
    for found in actions:
        if found.id == BACK:
            fitting.append(found)
            continue
        full = full or widths[found.id] > room
        if not full:
            room -= widths[found.id]
            fitting.append(found)
    return fitting
