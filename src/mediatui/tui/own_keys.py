"""Keys of one's own: what ``[keys]`` asks for, checked against the registry before anything is bound.

Textual drops a colliding action without a word; here the action keeps its default and the person is told why.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from textual.keys import Keys, _character_to_key

from mediatui.tui.action import WIDGET, Action
from mediatui.tui.actions import ACTIONS, key_name
from mediatui.tui.keymap import Keymap

RESERVED = {
    "ctrl+q": "it always quits",
    "ctrl+c": "it says how to leave, and copies in text fields",
}
"""Keys that no other action can have."""

TYPING_SCOPES = frozenset({"generate", "filter", "help", "export", "ask", "pick", "import"})
"""Screens with text fields: a plain character there is text."""

INSIDE: Mapping[str, tuple[str, ...]] = {
    "library": ("media", "grid", "list", "text"),
    "jobs": ("list", "text"),
    "item": ("text",),
    "export": ("text",),
    "menu": ("list",),
    "help": ("list",),
    "generate": ("models", "list"),
    "viewer": (),
    "compare": ("text",),
    "confirm": (),
    "ask": (),
    "pick": (),
    "trash": ("list",),
    "clean": ("list",),
    "usage": ("list",),
    "import": ("text",),
    "filter": (),
}
"""The widgets whose keys come before their screen's."""
_ANY_WIDGETS = ("list", "text")

_SPELLINGS = {
    "esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgdn": "pagedown", "pgup": "pageup",
    "page_down": "pagedown", "page_up": "pageup", "bs": "backspace", "spc": "space", " ": "space",
}  # fmt: skip
_KNOWN_KEYS = frozenset(key.value for key in Keys) | {"space", "enter", "tab", "escape", "backspace", "minus", "plus"}
_SAME_BYTES = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+j": "enter", "ctrl+h": "backspace", "ctrl+@": "ctrl+space"}
"""Keys that reach a program as another one."""
_LOST_MODIFIERS = frozenset({"super", "hyper", "meta", "alt"})


def read_keymap(wanted: Mapping[str, Sequence[str]], *, ascii: bool = False) -> Keymap:
    """Check what a person asked for; whatever cannot be used keeps its default and becomes a problem."""
    problems: list[str] = []
    own: dict[str, tuple[str, ...]] = {}
    for name, given in wanted.items():
        action = _find(name)
        if isinstance(action, str):
            problems.append(f"[keys] {action}")
            continue
        keys, fault = _usable(action, given)
        if fault:
            problems.append(f"[keys] {action.binding_id}: {fault}; it keeps {_names(action.keys)}.")
        if keys:
            own[action.binding_id] = keys
    problems += _drop_collisions(own)
    return Keymap(own, tuple(problems), ascii)


def _find(name: str) -> Action | str:
    """The action of that name, with or without its scope; otherwise a sentence."""
    found = [action for action in ACTIONS if name in (action.binding_id, action.id)]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(action.binding_id for action in found)
        return f"{name} is the name of several actions: say which of {several}."
    known = [action.binding_id for action in ACTIONS]
    near = difflib.get_close_matches(name, known, 1) or [
        each.binding_id for each in ACTIONS for near in difflib.get_close_matches(name, [each.id], 1) if near
    ]
    hint = f"did you mean {near[0]}?" if near else "`mediatui keys` lists them."
    return f"there is no action {name!r}; {hint}"


def _usable(action: Action, given: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """The keys that can be used, and what is wrong when there are none."""
    keys, faults = [], []
    for text in given:
        key = normal_key(text)
        fault = _fault(action, text, key)
        if fault:
            faults.append(fault)
        elif key not in keys:
            keys.append(key)
    # A key that some terminals lack may stand beside one that all have.
    return tuple(keys), "" if keys else faults[0]


def normal_key(text: str) -> str:
    """A key as Textual names it, from the ways people write it: ``?``, ``^p``, ``C-p``, ``Ctrl-P``, ``pgdn``."""
    text = re.sub(r"^\^(?=.)", "ctrl+", text)
    *modifiers, last = re.split(r"[+-](?=.)", text) if len(text) > 1 else [text]
    long = {"c": "ctrl", "control": "ctrl", "s": "shift", "m": "alt", "a": "alt", "option": "alt", "cmd": "super"}
    named = sorted((long.get(m.lower(), m.lower()) for m in modifiers), key=("ctrl", "alt", "shift").__contains__)
    if len(last) > 1:
        last = _SPELLINGS.get(last.lower(), last.lower())
    elif last == " ":
        last = "space"
    elif named and last.isalpha():
        last = last.lower()
    elif not last.isalnum():
        last = _character_to_key(last)
    return "+".join((*dict.fromkeys(named), last))


def _fault(action: Action, text: str, key: str) -> str:
    *modifiers, last = key.split("+")
    if not _exists(modifiers, last):
        near = difflib.get_close_matches(key, sorted(_KNOWN_KEYS), 1)
        return f"{text!r} is no key" + (f", perhaps {near[0]}" if near else "")
    if key in RESERVED and key not in action.keys:
        return f"{key} cannot be given away: {RESERVED[key]}"
    if lost := undelivered(key):
        return f"{key} {lost}"
    if action.scope in TYPING_SCOPES and not modifiers and (len(last) == 1 or last == "space" or _is_symbol(last)):
        return f"{key} is typed into the text there"
    return ""


def _exists(modifiers: list[str], last: str) -> bool:
    if any(modifier not in ("ctrl", "shift", *_LOST_MODIFIERS) for modifier in modifiers):
        return False
    return len(last) == 1 or last in _KNOWN_KEYS or _is_symbol(last) or bool(re.fullmatch(r"f([1-9]|1\d|2[0-4])", last))


def _is_symbol(name: str) -> bool:
    return name in _SYMBOLS


_SYMBOLS = frozenset(_character_to_key(chr(code)) for code in range(33, 127) if not chr(code).isalnum())


def undelivered(key: str) -> str:
    """Why a terminal inside tmux, or an old one, does not pass a key on; empty when it does."""
    *modifiers, last = key.split("+")
    if key in _SAME_BYTES:
        return f"reaches a program as {_SAME_BYTES[key]}"
    if _LOST_MODIFIERS & set(modifiers):
        return "is not delivered by every terminal"
    if modifiers and last in ("enter", "space", "backspace", "escape"):
        return "is not delivered inside tmux"
    if "ctrl" in modifiers and (last == "tab" or "shift" in modifiers or not (last.isalpha() or last in _CURSOR)):
        return "is not delivered inside tmux"
    if modifiers == ["shift"] and len(last) == 1:
        return f"is written {last.upper()!r}"
    return ""


_CURSOR = frozenset({"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete"})


# -- collisions

Clash = tuple[str, str, str]
"""Two binding identifiers and the key they share."""


def _drop_collisions(own: dict[str, tuple[str, ...]]) -> list[str]:
    """Take out of `own` what would take a key from another action; says what was dropped."""
    before, problems = _clashes({}), []
    while clash := next((c for c in _clashes(own) if c not in before), None):
        first, second, key = clash
        # Whichever was asked for later gives way; a default never does.
        loser = next(name for name in reversed(own) if name in (first, second))
        del own[loser]
        action = next(a for a in ACTIONS if a.binding_id == loser)
        winner = second if loser == first else first
        problems.append(f"[keys] {loser}: {key_name(key)} is {winner}'s; it keeps {_names(action.keys)}.")
    return problems


def _clashes(own: Mapping[str, tuple[str, ...]]) -> list[Clash]:
    found: dict[Clash, None] = {}
    for group in _groups():
        holders: dict[str, list[str]] = defaultdict(list)
        for action in ACTIONS:
            if action.scope in group:
                for key in own.get(action.binding_id, action.keys):
                    holders[key].append(action.binding_id)
        for key, names in holders.items():
            for first, second in combinations(names, 2):
                found[first, second, key] = None
    return list(found)


def _groups() -> list[frozenset[str]]:
    """Scopes that are on screen together."""
    scopes = dict.fromkeys(action.scope for action in ACTIONS)
    widgets = {action.scope for action in ACTIONS if action.target is WIDGET}
    screens = [scope for scope in scopes if scope not in widgets and scope != "app"]
    return [frozenset({screen, "app", *INSIDE.get(screen, _ANY_WIDGETS)}) for screen in screens] + [
        frozenset({widget}) for widget in widgets
    ]


def _names(keys: Iterable[str]) -> str:
    return " ".join(key_name(key) for key in keys)
