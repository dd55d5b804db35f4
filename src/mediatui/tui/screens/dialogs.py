"""Small questions: yes or no, a line of text, one of a few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.screens.base import ARROWS, ENTER, Dialog
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.line_list import Cell, LineList


class ConfirmScreen(Dialog[bool]):
    """Says what will happen and asks; only ``y`` does it, so that a key too many does nothing."""

    SCOPES = ("confirm",)
    BINDINGS = bindings("confirm")

    def __init__(self, title: str, lines: Sequence[str], verb: str) -> None:
        super().__init__()
        self._title, self._lines, self._verb = title, lines, verb

    def compose(self) -> ComposeResult:
        """Title, lines, keys."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="box-title", markup=False)
            yield Static(Content("\n".join(self._lines)), classes="box-text", markup=False)
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self.query_one(Bar).show(self.key_cells(("yes", self._verb), ("back", "cancel")))

    def handlers(self) -> Mapping[str, Handler]:
        """Yes and no."""
        return {"yes": lambda: self._answer(True), "back": lambda: self._answer(False)}

    def _answer(self, answer: bool) -> None:
        self.dismiss(answer)


class AskScreen(Dialog[str | None]):
    """Asks for a line of text; None when cancelled."""

    SCOPES = ("ask",)
    BINDINGS = bindings("ask")
    AUTO_FOCUS = "Input"

    def __init__(self, title: str, value: str = "", *, placeholder: str = "", verb: str = "done") -> None:
        super().__init__()
        self._title, self._value, self._placeholder, self._verb = title, value, placeholder, verb

    def compose(self) -> ComposeResult:
        """Title, field, keys."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="box-title", markup=False)
            field = Input(self._value, placeholder=self._placeholder, select_on_focus=False)
            field.cursor_blink = False
            yield field
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Show the keys."""
        self.query_one(Bar).show(self.key_cells((ENTER, self._verb), ("back", "cancel")))

    def handlers(self) -> Mapping[str, Handler]:
        """Done and cancel."""
        return {"yes": self._done, "back": self._cancel}

    @on(Input.Submitted)
    def _done(self) -> None:
        text = self.query_one(Input).value.strip()
        if text:
            self.dismiss(text)

    def _cancel(self) -> None:
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu: a key to press, what it says, what it answers."""

    key: str
    text: str
    value: str
    note: str = ""


class _MenuList(LineList):
    def __init__(self, choices: Sequence[Choice], *, under_text: bool) -> None:
        super().__init__(classes="under-text" if under_text else None)
        self.choices = {choice.value: choice for choice in choices}
        self._column = max((cell_len(choice.text) for choice in choices if choice.note), default=0)

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        choice = self.choices[key]
        text = choice.text + " " * (self._column - cell_len(choice.text))
        note = fit(choice.note, max(0, width - cell_len(text) - 5))
        return [(f"{choice.key or ' '}  ", "accent"), (text, "text"), (f"  {note}", "dim")]


class MenuScreen(Dialog[str | None]):
    """One of a few; a letter or enter chooses, None when cancelled."""

    SCOPES = ("menu",)
    BINDINGS = bindings("menu")

    def __init__(
        self, title: str, choices: Sequence[Choice], current: str | None = None, lines: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._title, self._choices, self._current, self._lines = title, choices, current, lines

    def compose(self) -> ComposeResult:
        """Title, what is to be known first, and choices."""
        with Vertical(classes="box"):
            yield Static(Content(self._title), classes="box-title", markup=False)
            if self._lines:
                yield Static(Content("\n".join(self._lines)), classes="box-text", markup=False)
            yield _MenuList(self._choices, under_text=bool(self._lines))
            yield Bar(id="keys")

    def on_mount(self) -> None:
        """Fill the list."""
        menu = self.query_one(_MenuList)
        menu.styles.height = len(self._choices)
        menu.show([choice.value for choice in self._choices])
        if self._current is not None:
            menu.go_to(self._current)
        self.query_one(Bar).show(self.key_cells((ENTER, "choose"), (ARROWS, "move"), ("back", "cancel")))
        menu.focus()

    def on_key(self, event: events.Key) -> None:
        """A choice's own key."""
        for choice in self._choices:
            if event.character == choice.key:
                event.stop()
                event.prevent_default()
                self.answer(choice.value)
                return

    @on(LineList.Opened)
    def _chosen(self, event: LineList.Opened) -> None:
        self.answer(event.key)

    def handlers(self) -> Mapping[str, Handler]:
        """Cancel."""
        return {"back": lambda: self.answer(None)}

    def answer(self, value: str | None) -> None:
        """Close with an answer."""
        self.dismiss(value)
