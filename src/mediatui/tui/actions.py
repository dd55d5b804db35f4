"""The one registry of actions: it feeds key bindings, the key bar, the help screen and the command palette.

A scope is where an action's keys work: ``app`` everywhere, a screen's name on that screen, a widget's name
while that widget has the focus. A key means one thing in a scope; an inner scope may give it another meaning.
"""

from __future__ import annotations

from functools import lru_cache

from textual.binding import BindingType
from textual.keys import key_to_character

from mediatui.tui.action import Action
from mediatui.tui.registry.everywhere import app_actions, lists_actions
from mediatui.tui.registry.forms import forms_actions
from mediatui.tui.registry.library import library_actions
from mediatui.tui.registry.tending import reports_actions, tending_actions
from mediatui.tui.registry.viewing import compare_actions, jobs_actions, viewer_actions

ACTIONS: tuple[Action, ...] = (
    *app_actions(),
    *lists_actions(),
    *library_actions(),
    *viewer_actions(),
    *compare_actions(),
    *jobs_actions(),
    *tending_actions(),
    *reports_actions(),
    *forms_actions(),
)
"""Every action there is."""


@lru_cache(maxsize=64)
def in_scope(scope: str) -> tuple[Action, ...]:
    """The actions of one scope, in the order of the registry."""
    return tuple(action for action in ACTIONS if action.scope == scope)


def bindings(*scopes: str) -> list[BindingType]:
    """The key bindings of some scopes, for a ``BINDINGS`` class variable."""
    return [action.binding() for scope in scopes for action in in_scope(scope)]


def action(scope: str, id: str) -> Action:
    """One action; `KeyError` when there is none."""
    found = next((a for a in in_scope(scope) if a.id == id), None)
    if found is None:
        raise KeyError(f"{scope}.{id}")
    return found


_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "asterisk": "*",
    "equals_sign": "=",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "dollar_sign": "$",
    "plus": "+",
    "minus": "-",
    "apostrophe": "'",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "delete": "del",
}
_ARROWS = {"up": "↑", "down": "↓", "left": "←", "right": "→", "enter": "⏎"}


def key_name(key: str, *, ascii: bool = False) -> str:
    """A key as people write it: ``ctrl+p`` → ``^p``, ``question_mark`` → ``?``; `ascii` writes arrows as words."""
    *modifiers, last = key.split("+")
    name = _SHOWN.get(last) or ("" if ascii else _ARROWS.get(last, "")) or key_to_character(last) or last
    if last[0] == "f" and last[1:].isdigit():
        name = last.upper()
    elif last in ("space", "tab", "enter") and name not in _ARROWS.values():
        name = last
    return "".join("^" if m == "ctrl" else f"{m}+" for m in modifiers) + name
