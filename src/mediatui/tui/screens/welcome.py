"""Five keys to begin with: shown in the empty list of a first start, and again from the help."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.keymap import Keymap
from mediatui.tui.screens.base import Dialog
from mediatui.tui.widgets.bars import Bar

LESSONS = (
    ("library", "new", "writes a prompt and generates"),
    ("library", "jobs", "shows what is being made"),
    ("library", "retry-all", "saves whatever is not on disk"),
    ("library", "filter", "finds things again"),
    ("app", "help", "shows every key"),
)

PROMISE = "What you paid for is written down before it is asked for, and stays visible until it is on your disk."


def lessons(keymap: Keymap) -> list[tuple[str, str]]:
    """Key and words of each of the five."""
    return [(keymap.of(scope, id), words) for scope, id, words in LESSONS]


def first_words(keymap: Keymap, *, sandbox: bool) -> str:
    """What the list of a library without any project says; a tab stands between a key and what it does."""
    costs = "The sandbox is on: all is free." if sandbox else ""
    lines = ["Welcome. Five keys to begin with:", "", *("\t".join(lesson) for lesson in lessons(keymap)), "", costs]
    return "\n".join(lines).rstrip()


class WelcomeScreen(Dialog[None]):
    """The same lines over any screen."""

    SCOPES = ("menu",)
    BINDINGS = bindings("menu")

    def compose(self) -> ComposeResult:
        """Title, lines, key."""
        table = [part for key, words in lessons(self.main.keys) for part in ((f"{key:<7}", "$accent"), f"{words}\n")]
        text = Content.assemble(*table, "\n", PROMISE)
        with Vertical(classes="box"):
            yield Static(Content("First steps"), classes="box-title", markup=False)
            yield Static(text, classes="box-text", markup=False)
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Show the key that closes it."""
        self.query_one(Bar).show(self.key_cells(("back", "close")))

    def handlers(self) -> Mapping[str, Handler]:
        """Close."""
        return {"back": self._back}
