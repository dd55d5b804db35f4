"""Choosing models: a search field over a list in which several can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from mediatui.text import one_line
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import fit
from mediatui.tui.widgets.line_list import Cell, LineList

if TYPE_CHECKING:
    from mediatui.providers.base import ModelInfo


class ModelList(LineList, inherit_bindings=True):
    """Models; a filled circle marks a chosen one."""

    BINDINGS = bindings("models")

    def __init__(self) -> None:
        super().__init__(id="models", empty="Asking for models…")
        self.infos: dict[str, ModelInfo] = {}
        self.chosen: list[str] = []

    def handlers(self) -> Mapping[str, Handler]:
        """Movement and choosing."""
        return {**super().handlers(), "toggle": self.toggle}

    def toggle(self) -> None:
        """Choose or drop the model under the cursor."""
        if self.key is not None:
            self.set_chosen(
                [m for m in self.chosen if m != self.key] if self.key in self.chosen else [*self.chosen, self.key]
            )

    def set_chosen(self, models: Sequence[str]) -> None:
        """Choose exactly these."""
        changed = set(self.chosen) ^ set(models)
        self.chosen = list(models)
        if changed:
            self.touch(list(changed))
            # Whoever chooses may be the picker around it, and a message ends at a parent that sent it.
            self.post_message(ModelPicker.Changed().set_sender(self))

    def open(self) -> None:
        """Enter chooses."""
        self.toggle()

    def clicked(self, row: int, event: events.Click) -> None:
        """A click chooses."""
        super().clicked(row, event)
        self.toggle()

    def edge(self, key: str) -> str:
        """Chosen or not."""
        return "●" if key in self.chosen else "○"

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """Name, what it makes, price, description."""
        info = self.infos.get(key)
        if info is None:
            return [(fit(f" {key}", width), "text")]
        name = f" {info.id} "
        price = f" {info.price or 'price unknown'} " if width > 60 else ""
        kind = f" {'retired' if info.retired else info.category or 'other'} " if width > 44 else ""
        room = max(0, width - len(name) - len(price) - len(kind))
        return [
            (fit(name, width - len(price) - len(kind) - room), "text"),
            (fit(info.description, room), "dim"),
            (kind, "warn" if info.retired else "accent"),
            (price, "dim"),
        ]


class ModelPicker(Vertical):
    """Search and list."""

    class Changed(Message):
        """Other models are chosen."""

    class Searched(Message):
        """The words to search for changed."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    def __init__(self) -> None:
        super().__init__()
        self._listed: str | None = None
        self._awaited = False

    def compose(self) -> ComposeResult:
        """Search field over the list."""
        field = Input(placeholder="search models", id="model-search", compact=True)
        field.cursor_blink = False
        yield field
        yield ModelList()

    @property
    def list(self) -> ModelList:
        """The list."""
        return self.query_one(ModelList)

    @property
    def chosen(self) -> Sequence[str]:
        """The chosen models, in the order they were chosen."""
        return self.list.chosen

    def show_models(self, words: str, infos: Sequence[ModelInfo]) -> None:
        """List what was found for these words, chosen models first where nothing is searched for."""
        models, typed = self.list, self.query_one(Input).value
        models.infos.update({info.id: info for info in infos})
        models.empty = "No models are listed: type a model's id and press enter."
        if typed:
            models.empty = "No model matches: enter takes what you typed as its id."
        ids = [info.id for info in infos]
        missing = [model for model in models.chosen if model not in ids] if not typed else []
        models.show([*missing, *ids])
        self._listed = words
        if self._awaited and words == typed:
            self._settle()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._awaited = False
        self.post_message(self.Searched(event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._awaited = True
        if self._listed == event.value:
            self._settle()  # otherwise once the answer for these words is there

    def _settle(self) -> None:
        """Go to the list; where nothing matches, what was typed is taken for a model's id."""
        self._awaited = False
        models, field = self.list, self.query_one(Input)
        typed = one_line(field.value, 200).strip("/ ")  # as the studio reads it
        if field.has_focus:
            models.focus()
        if not models.keys and typed and " " not in typed:
            models.set_chosen(list(dict.fromkeys((*models.chosen, typed))))
            field.value = ""
