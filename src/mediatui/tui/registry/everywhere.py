"""What works everywhere, and how lists are moved in."""

from __future__ import annotations

from collections.abc import Iterable

from mediatui.tui.action import APP, FORM, GO, MARK, MOVE, WIDGET, Action


def app_actions() -> Iterable[Action]:
    """What works on every screen."""
    yield Action("palette", "Commands", "Find any command by its name.", ("ctrl+p",), GO, "app", APP, palette=False)
    yield Action(
        "help", "Help", "Every key of this screen, to search.", ("question_mark", "f1"), GO, "app", APP, "help"
    )
    yield Action("quit-now", "Quit", "Leave; asks only while jobs run.", ("ctrl+q",), GO, "app", APP, priority=True)
    yield Action("interrupt", "How to quit", "Says how to leave.", ("ctrl+c",), GO, "app", APP, palette=False)
    yield Action("theme", "Change theme…", "Choose the colours; each is shown at once.", ("f9",), GO, "app", APP)
    yield Action("compact", "Compact or roomy", "Leave out the key bar and margins.", ("f10",), GO, "app", APP)
    yield Action("welcome", "First steps", "Five keys to begin with.", ("f3",), GO, "app", APP)


def lists_actions() -> Iterable[Action]:
    """Moving in lists, texts and the grid; marking."""
    moves = (
        ("down", "Down", "Next row.", ("j", "down")),
        ("up", "Up", "Previous row.", ("k", "up")),
        ("page-down", "Page down", "One page on.", ("pagedown", "ctrl+f")),
        ("page-up", "Page up", "One page back.", ("pageup", "ctrl+b")),
        ("half-down", "Half a page down", "Half a page on.", ("ctrl+d",)),
        ("half-up", "Half a page up", "Half a page back.", ("ctrl+u",)),
        ("first", "First", "The first row.", ("g", "home")),
        ("last", "Last", "The last row.", ("G", "end")),
    )
    for id, title, help, keys in moves:
        yield Action(id, title, help, keys, MOVE, "list", WIDGET, palette=False)
    yield Action("open", "Open", "Open the row under the cursor.", ("enter",), MOVE, "list", WIDGET, palette=False)
    for id, title, help, keys in moves:
        yield Action(id, title, help.replace("row", "line"), keys, MOVE, "text", WIDGET, palette=False)
    yield Action("grid-left", "Left", "The picture left of it.", ("left", "h"), MOVE, "grid", WIDGET, palette=False)
    yield Action("grid-right", "Right", "The picture right.", ("right", "l"), MOVE, "grid", WIDGET, palette=False)
    yield Action("mark", "Mark", "Mark or unmark this row.", ("space",), MARK, "media", WIDGET, palette=False)
    yield Action("range", "Mark a range", "Start or end marking rows while moving.", ("v",), MARK, "media", WIDGET)
    yield Action(
        "mark-down", "Mark downwards", "Mark and move down.", ("shift+down",), MARK, "media", WIDGET, palette=False
    )
    yield Action("mark-up", "Mark upwards", "Mark and move up.", ("shift+up",), MARK, "media", WIDGET, palette=False)
    yield Action("mark-all", "Mark all", "Mark every row that is shown.", ("A",), MARK, "media", WIDGET)
    yield Action(
        "invert", "Invert marks", "Mark what is not marked, of what is shown.", ("asterisk",), MARK, "media", WIDGET
    )
    yield Action(
        "toggle", "Choose", "Choose or drop this model.", ("space", "enter"), FORM, "models", WIDGET, palette=False
    )
