"""What every screen over the studio has in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.dom import DOMNode
from textual.reactive import Reactive
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widget import Widget

from mediatui.tui.actor import Actor, Handler, app_of
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.line_list import Cell

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.batch import Batch

T = TypeVar("T")

STYLES = Path(__file__).parent.parent / "styles"
"""Style sheets; a screen's own is read when the screen is first opened."""

ENTER, ARROWS = "⏎", "↑↓"
"""Keys that fields and lists have by themselves."""

SAID_SECONDS = 6.0
"""How long a word on the status line stays."""


class AppAccess(Actor):
    """A node that knows which app it lives in."""

    SCOPES: ClassVar[tuple[str, ...]] = ()
    """The scopes of the registry that hold here, for help and palette."""

    @property
    def main(self) -> MediatuiApp:
        """The app."""
        return app_of(cast(DOMNode, self))

    def press(self, id: str, scope: str = "") -> str:
        """The key of an action, by default one of this screen's own, for a sentence that tells people to press it."""
        return self.main.keys.of(scope or self.SCOPES[0], id)

    def _back(self) -> None:
        """What ``back`` does, unless a screen has something to put away first."""
        cast(Screen[Any], self).dismiss()


class StudioScreen(AppAccess, Screen[T], inherit_bindings=False):
    """A screen that hears the studio's news and has a status line named ``#status``."""

    AUTO_FOCUS = ""

    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As Textual's, but without repainting the whole screen each time the focus moves."""

    REMEMBERED: ClassVar[str] = ""
    """Its name in the memory, for a screen that the next start opens again."""

    _said: Timer | None = None
    _saying = ""
    _said_times = 0

    @property
    def in_front(self) -> bool:
        """Nothing covers it; Textual's `is_current` also holds behind a dialog."""
        return self.app.screen is self

    @property
    def standing(self) -> bool:
        """It is not going away: a timer may still come when its parts are gone already."""
        return not self.main.leaving and self in self.main.screen_stack

    def leaving(self) -> None:
        """The interface ends while this screen is open: keep what was typed."""

    def studio_ready(self) -> None:
        """The studio runs now."""

    def studio_failed(self, error: Exception) -> None:
        """The studio could not start."""

    def follow(self, batch: Batch) -> None:
        """The studio said something."""

    def say(self, text: str, severity: str = "information") -> None:
        """Show a word on the status line for a while."""
        status = self.query_one_optional("#status", Bar)
        if status is None:
            return
        self._said_times = self._said_times + 1 if text == self._saying and self.saying else 1
        self._saying = text
        if self._said_times > 1:
            text = f"{text} (×{self._said_times})"
        tone = {"warning": "warn", "error": "bad"}.get(severity, "text")
        status.show([(f" {text} ", tone)])
        if self._said is not None:
            self._said.stop()
        self._said = self.set_timer(SAID_SECONDS, self._said_enough)

    def on_screen_resume(self) -> None:
        """What was said behind a dialog is to be read now."""
        if self._said is not None:
            self._said.reset()

    @property
    def saying(self) -> bool:
        """A word is on the status line."""
        return self._said is not None

    def _said_enough(self) -> None:
        if self._said is not None and not self.in_front:
            self._said = self.set_timer(SAID_SECONDS, self._said_enough)
            return
        self._said = None
        self.show_status()

    def show_status(self) -> None:
        """Show the usual status line."""
        status = self.query_one_optional("#status", Bar)
        if status is not None and not self.saying:
            status.show([])


class FormScreen(StudioScreen[T]):
    """A screen of fields that keys walk through."""

    def handlers(self) -> Mapping[str, Handler]:
        """From field to field."""
        return {"next-field": self._next_field, "previous-field": self._previous_field}

    def _next_field(self) -> None:
        self.focus_next()

    def _previous_field(self) -> None:
        self.focus_previous()


class Dialog(AppAccess, ModalScreen[T], inherit_bindings=False):
    """A small screen in front of another, dismissed with an answer."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close with an answer; a key that was faster than the dialog's first frame waits for it."""
        if not self.is_mounted:
            self.call_later(self._dismiss_now, result)
            return AwaitComplete()
        return super().dismiss(result)

    def key_cells(self, *words: tuple[str, str]) -> list[Cell]:
        """What the last line says: pairs of an action, or a key in so many words, and what that does here."""
        cells: list[Cell] = []
        for id, word in words:
            plain = {ENTER: "enter", ARROWS: "up/down"}.get(id) if self.main.keys.ascii else None
            name = plain or (id if id in (ENTER, ARROWS) else self.press(id))
            cells += [(f"{name} ", "key"), (f"{word}   ", "dim" if cells else "text")]
        return cells

    def _dismiss_now(self, result: T | None) -> None:
        super().dismiss(result)

    CSS_PATH = STYLES / "dialogs.tcss"
