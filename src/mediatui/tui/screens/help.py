"""Every key of the screen in front, searchable by what it does and by the key itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from mediatui.tui.action import Action
from mediatui.tui.actions import ACTIONS, bindings
from mediatui.tui.actor import Handler, keys_of
from mediatui.tui.format import fit
from mediatui.tui.keymap import Keymap
from mediatui.tui.own_keys import normal_key
from mediatui.tui.screens.base import STYLES, FormScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.line_list import Cell, LineList

_PLACES = {
    "app": "everywhere",
    "library": "library",
    "media": "media list",
    "grid": "grid",
    "viewer": "view",
    "compare": "compare",
    "list": "lists",
    "text": "texts",
    "jobs": "jobs",
    "generate": "generate",
    "models": "models",
    "choice": "choices",
    "form": "forms",
    "filter": "filter",
    "item": "details",
    "help": "help",
    "export": "export",
    "confirm": "questions",
    "ask": "text fields",
    "menu": "menus",
    "pick": "pickers",
    "trash": "trash",
    "clean": "clean-up",
    "usage": "disk usage",
    "import": "import",
}


WIDE = 90
"""Cells from which a row also says where its key works."""


def place_of(scope: str) -> str:
    """Where the keys of a scope work, in words."""
    return _PLACES.get(scope, scope)


class HelpList(LineList):
    """Actions with their keys."""

    def __init__(self) -> None:
        super().__init__(id="help-list")
        self.actions = {action.binding_id: action for action in ACTIONS}

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Keys, what they do, where."""
        action = self.actions[key]
        place = f" {place_of(action.scope)} "
        title = f"{action.title.rstrip('…')}  "
        names = keys_of(self).names(action)
        if width < WIDE:
            return [(f" {fit(names, 9)} ", "accent"), (fit(title, 21), "text"), (fit(action.help, width - 32), "dim")]
        room = width - 40 - len(place)
        return [
            (f" {fit(names, 14)} ", "accent"),
            (fit(title, 24), "text"),
            (fit(action.help, room), "dim"),
            (place, "dim"),
        ]


class HelpScreen(FormScreen[None]):
    """The keys."""

    CSS_PATH = STYLES / "reading.tcss"
    SCOPES: ClassVar[tuple[str, ...]] = ("help", "form", "list", "app")
    BINDINGS = bindings("help", "form")

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__()
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """Search field over the list."""
        yield PaneTitle("Keys", id="help-title")
        field = Input(placeholder="search by words or by key", id="help-search", compact=True)
        field.cursor_blink = False
        yield field
        yield HelpList()
        yield Bar(id="status")
        yield KeyBar("help")

    def on_mount(self) -> None:
        """Everything of this screen first."""
        self.query_one(HelpList).empty = f"No key does that. {self.press('back')} goes back."
        self.query_one(PaneTitle).tell(f"type to search · {self.press('next-field', 'form')} to the list", on=True)
        self._search("")
        self.query_one(Input).focus()

    def handlers(self) -> Mapping[str, Handler]:
        """Close, and to the list."""
        return {**super().handlers(), "back": self._back}

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._search(event.value)

    @on(LineList.Highlighted)
    def show_status(self) -> None:
        """The whole sentence of the row under the cursor, which narrow terminals cut."""
        status, found = self.query_one_optional("#status", Bar), self.query_one_optional(HelpList)
        if status is not None and found is not None and not self.saying:
            words = self._about(found.actions[found.key]) if found.key in found.actions else ""
            status.show([(f" {fit(words, max(0, self.size.width - 2))}", "dim")])

    def _about(self, action: Action) -> str:
        """What an action does; where, if its keys are of another place."""
        here = action.scope in (*self._scopes, "app")
        return action.help if here else f"{place_of(action.scope).capitalize()}: {action.help}"

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self.query_one(HelpList).focus()

    def _search(self, words: str) -> None:
        found = self.query_one(HelpList)
        here = [scope for scope in self._scopes if scope != "app"]
        rank = {scope: number for number, scope in enumerate((*here, "app"))}
        actions = [action for action in found.actions.values() if matches(action, words, keys_of(self))]
        actions.sort(key=lambda action: rank.get(action.scope, len(rank)))
        if not words:
            actions = [action for action in actions if action.scope in rank]
        found.show([action.binding_id for action in actions])


def matches(action: Action, words: str, keymap: Keymap | None = None) -> bool:
    """An action holds all the words; a single key name finds exactly its actions."""
    keymap = keymap or Keymap()
    text = f"{action.title} {action.help} {action.group} {place_of(action.scope)}".casefold()
    names = keymap.names(action).split()
    return all(
        word in names or normal_key(word) in keymap.keys(action) or (len(word) > 1 and word.casefold() in text)
        for word in words.split()
    )
