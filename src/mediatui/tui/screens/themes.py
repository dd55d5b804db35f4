"""Choosing the colours: every theme is shown as the cursor reaches it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.screens.base import ENTER, Dialog
from mediatui.tui.theme import PLAIN_DARK, PLAIN_LIGHT, THEMES
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.line_list import Cell, LineList

_OURS = tuple(theme.name for theme in THEMES)
_PLAIN = (PLAIN_DARK, PLAIN_LIGHT)


class ThemeList(LineList):
    """Themes by name: ours, the terminal's own colours, then Textual's."""

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """A name, and what kind of theme it is."""
        theme = self.app.available_themes[key]
        kind = "the terminal's own colours" if theme.ansi else "dark" if theme.dark else "light"
        return [(fit(key, min(24, width)), "text"), (fit(kind, max(0, width - 24)), "dim")]


class ThemeScreen(Dialog[None]):
    """Enter keeps what is shown, escape brings back what was."""

    SCOPES = ("menu", "list")
    BINDINGS = bindings("menu")

    def compose(self) -> ComposeResult:
        """The list over its keys."""
        with Vertical(classes="box"):
            yield Static(Content("Theme"), classes="box-title", markup=False)
            yield ThemeList(id="themes")
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """The cursor on the theme that is on."""
        self._before = self.app.theme
        known = self.app.available_themes
        rest = sorted(name for name in known if name not in (*_OURS, *_PLAIN) and name != "textual-ansi")
        themes = self.query_one(ThemeList)
        names = [*_OURS, *(name for name in _PLAIN if name in known), *rest]
        themes.styles.height = min(len(names), self.app.size.height * 3 // 5)
        themes.show(names)
        themes.go_to(self._before)
        themes.focus()
        self.query_one(Bar).show(self.key_cells((ENTER, "keep"), ("back", "as before")))

    @on(LineList.Highlighted)
    def _preview(self, event: LineList.Highlighted) -> None:
        if event.key is not None and event.key != self.app.theme:
            self.app.theme = event.key

    @on(LineList.Opened)
    def _keep(self, event: LineList.Opened) -> None:
        app = self.main
        app.theme = event.key
        app.memory.choose("theme", event.key, app.settings.theme)
        app.remember()
        self.dismiss()

    def handlers(self) -> Mapping[str, Handler]:
        """Back to what was."""
        return {"back": self._back}

    def _back(self) -> None:
        self.app.theme = self._before
        self.dismiss()
