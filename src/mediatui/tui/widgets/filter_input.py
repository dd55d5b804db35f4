"""The filter line under the media list, with what may be typed next below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.widgets import Input

from mediatui.text import plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import keys_of
from mediatui.tui.format import fit
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.line_list import Cell

if TYPE_CHECKING:
    from mediatui.library.query.complete import Candidate
    from mediatui.library.query.query import Problem

Complete = Callable[[str, int], "Sequence[Candidate]"]


def _nothing(line: str, cursor: int) -> Sequence[Candidate]:
    return ()


class FilterInput(Input):
    """Filters while one types; offers fields, and the values there are."""

    BINDINGS = bindings("filter")

    def __init__(self, apply: Callable[[str], None], complete: Complete | None = None) -> None:
        super().__init__(
            placeholder="words to look for",
            id="filter",
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False
        self._apply, self._complete = apply, complete or _nothing
        self.candidates: Sequence[Candidate] = ()
        self._chosen = 0

    def on_mount(self) -> None:
        """Say what may be typed."""
        if self._complete is not _nothing:
            key = keys_of(self).of("filter", "filter-accept")
            self.placeholder = f"words, or type: model: tag: size:>10MB … {key} completes"

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply what is typed."""
        event.stop()
        self._apply(event.value)
        self.look_up()

    def look_up(self) -> None:
        """Find what may be typed at the cursor."""
        self.candidates = self._complete(self.value, self.cursor_position)
        self._chosen = 0

    def accept(self) -> None:
        """Type the chosen candidate."""
        if self.candidates:
            candidate = self.candidates[self._chosen]
            line, cursor = candidate.apply(self.value)
            if not candidate.text.endswith(":") and cursor == len(line):
                line, cursor = f"{line} ", cursor + 1
            self.value = line
            self.cursor_position = cursor

    def choose_next(self) -> None:
        """Choose the next candidate."""
        if self.candidates:
            self._chosen = (self._chosen + 1) % len(self.candidates)

    def offer(self, width: int) -> list[Cell]:
        """The candidates from the chosen one on, as many as fit, and what the chosen one means."""
        cells: list[Cell] = []
        room = width
        for number in range(len(self.candidates)):
            candidate = self.candidates[(self._chosen + number) % len(self.candidates)]
            text = f" {fit(candidate.label, min(cell_len(candidate.label), 24))} "
            if cell_len(text) > room:
                break
            cells.append((text, "text" if number else "badge"))
            room -= cell_len(text)
        if self.candidates and self.candidates[self._chosen].help and len(cells) > 1:
            help = f"  {self.candidates[self._chosen].help}"
            while len(cells) > 1 and room < cell_len(help):
                room += cell_len(cells.pop()[0])
            cells.append((fit(help, room), "dim"))
        return cells


class FilterHint(Bar):
    """Below the filter line: what is wrong in it and where, else what may be typed next; hits at the right."""

    def tell(self, field: FilterInput, problems: Sequence[Problem], hits: int, of: int) -> None:
        """Say it."""
        right: list[Cell] = [(f" {hits:,} of {plural(of, 'item')} ", "dim")]
        room = max(0, self.size.width - cell_len(right[0][0]) - 1)
        offered = field.offer(room)
        cursor = field.cursor_position
        # A term that is being typed is not wrong yet: it is what the candidates are for.
        wrong = [p for p in problems if not (offered and p.start < cursor <= p.end)]
        if wrong:
            words = f" at {wrong[0].start + 1}: {wrong[0].message}"
            fits = cell_len(words) <= room
            self.show([(words if fits else fit(words, self.size.width), "warn")], right if fits else ())
        else:
            self.show(offered, right)
