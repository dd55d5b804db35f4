"""The media list: items and unfinished jobs of a project, with marks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.text import human_bytes
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.format import (
    PHASE_BADGES,
    SAVE_BADGES,
    TYPE_WORDS,
    Badge,
    ago,
    bar,
    dimensions,
    elapsed,
    fit,
    fit_right,
    job_seconds,
    shape,
    short_model,
)
from mediatui.tui.organise_words import row_words
from mediatui.tui.save_words import time_left
from mediatui.tui.shelf import Shelf
from mediatui.tui.widgets.line_list import Cell, LineList


@dataclass(frozen=True, slots=True)
class Going:
    """How far something is that happens now: a fraction if known, and a few words."""

    fraction: float | None = None
    words: str = ""


NOT_GOING = Going()
NARROW, WIDE, WIDER = 50, 84, 100
"""Widths in cells from which rows show the state's word, the model, and dimensions and size."""


class MediaList(LineList, inherit_bindings=True):
    """Rows of a `Shelf`. Marks are item ids and survive filtering and sorting."""

    BINDINGS = bindings("media")

    @dataclass
    class MarksChanged(Message):
        """Marks were set or taken away."""

        list: MediaList

    def __init__(self, shelf: Shelf, going: Callable[[str], Going], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self._going = going
        self.marks: set[str] = set()
        self._anchor: int | None = None
        self._before_range: frozenset[str] = frozenset()

    # Marks.

    @property
    def ranging(self) -> bool:
        """A range is being marked."""
        return self._anchor is not None

    def handlers(self) -> Mapping[str, Handler]:
        """Movement and marks."""
        return {
            **super().handlers(),
            "mark": self.mark,
            "range": self.toggle_range,
            "mark-down": lambda: self.mark_and_move(1),
            "mark-up": lambda: self.mark_and_move(-1),
            "mark-all": lambda: self.set_marks({*self.marks, *self._markable(self.keys)}),
            "invert": self.invert,
        }

    def _markable(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if key in self._shelf.items]

    def set_marks(self, marks: set[str]) -> None:
        """Mark exactly these items."""
        changed = marks ^ self.marks
        if changed:
            self.marks = marks
            self.touch(list(changed))
            self.post_message(self.MarksChanged(self))

    def mark(self) -> None:
        """Mark or unmark the row and move on."""
        if self.key is not None:
            self.set_marks(self.marks ^ set(self._markable([self.key])))
        self.move(1)

    def toggle_range(self) -> None:
        """Start marking from here, or end it and keep the marks."""
        if self._anchor is not None:
            self.end_range()
        elif self.keys:
            self._anchor, self._before_range = self.cursor, frozenset(self.marks)
            self._mark_range()

    def end_range(self) -> None:
        """Stop marking while moving."""
        self._anchor = None
        self.post_message(self.MarksChanged(self))

    def mark_and_move(self, step: int) -> None:
        """Mark the row, move, mark that one too."""
        started = self._anchor is None
        if started:
            self.toggle_range()
        self.move(step)
        if started:
            self.end_range()

    def _mark_range(self) -> None:
        if self._anchor is not None:
            low, high = sorted((self._anchor, self.cursor))
            self.set_marks({*self._before_range, *self._markable(self.keys[low : high + 1])})

    def invert(self) -> None:
        """Turn the marks of what is shown around."""
        self.set_marks(self.marks ^ set(self._markable(self.keys)))

    def moved(self, old: int, new: int) -> None:
        """Extend a range."""
        self._mark_range()

    def show(self, keys: Sequence[str], *, follow: Mapping[str, str] | None = None) -> None:
        """As `LineList.show`; a range ends when its rows move, and marks of gone items go."""
        if keys != self.keys:
            self._anchor = None
        self.set_marks(self.marks & self._shelf.items.keys())
        super().show(keys, follow=follow)

    def clicked(self, row: int, event: events.Click) -> None:
        """A plain click moves, ctrl marks one, shift marks up to here."""
        if event.shift:
            low, high = sorted((self.cursor, row))
            self.set_marks({*self.marks, *self._markable(self.keys[low : high + 1])})
        elif event.ctrl:
            self.set_marks(self.marks ^ set(self._markable([self.keys[row]])))
        super().clicked(row, event)

    # Rows.

    def edge(self, key: str) -> str:
        """A dot for a mark."""
        return "▌" if key in self.marks else " "

    def cells(self, key: str, width: int) -> Sequence[Cell]:
        """An item's or a job's row."""
        item = self._shelf.items.get(key)
        if item is not None:
            return self._item_cells(item, width)
        job = self._shelf.jobs.get(key)
        return self._job_cells(job, width) if job is not None else [(fit("", width), "text")]

    def _state(self, badge: Badge, width: int, word: str = "") -> tuple[str, int]:
        if width < NARROW:
            return f"{badge.glyph}{badge.letter} ", 3
        return f"{badge.glyph} {fit(word or badge.word, 9)} ", 12

    def _item_cells(self, item: MediaItem, width: int) -> list[Cell]:
        badge, going = SAVE_BADGES[item.save_state], NOT_GOING
        if item.save_state is SaveState.SAVING:
            going = self._going(item.id)
        word = f"save {going.fraction:4.0%}" if going.fraction is not None else ""
        state, used = self._state(badge, width, word)
        right = f" {fit_right(ago(item.created_at), 4)} "
        said = row_words(item, tags=width >= WIDE)
        left = time_left(item)
        urgent: Cell = (f" {left}" if left and width >= NARROW else "", "warn")
        if width >= NARROW:
            right = f"{self._home(item, width)} {fit(TYPE_WORDS[item.type], 5)} {fit_right(shape(item), 9)}{right}"
        if width >= WIDER:
            right = f" {fit_right(human_bytes(item.file_size), 8)} {right}"
            if width >= WIDER + 16 and dimensions(item):
                right = f" {fit_right(dimensions(item), 9)}{right}"
        if width >= WIDE:
            right = f" {fit(short_model(item.model), min(26, 14 + (width - WIDE) // 3))}{right}"
        return [
            (state, badge.tone),
            (fit(self._shelf.title(item.id), width - used - cell_len(said) - len(urgent[0]) - cell_len(right)), "text"),
            (said, "accent"),
            urgent,
            (right, "dim"),
        ]

    def _home(self, item: MediaItem, width: int) -> str:
        """The project's name, where rows of several stand together."""
        shelf = self._shelf
        if not shelf.projects:
            return ""
        return f" {fit(shelf.projects.get(item.project, item.project), min(shelf.project_cells, 9 + width // 20))}"

    def _job_cells(self, job: Job, width: int) -> list[Cell]:
        badge, going = PHASE_BADGES[job.phase], self._going(job.id)
        state, used = self._state(badge, width)
        if job.phase.ended or job.phase is Phase.UNKNOWN:
            words = going.words or (job.error.message if job.error else "")
            room = max(0, min(width // 2 - used, 48))
            right: list[Cell] = [
                (f" {fit(words, room)} ", badge.tone),
                (f"{fit_right(ago(job.created_at), 4)} ", "dim"),
            ]
        else:
            right = self._progress_cells(job, going, width)
        left = width - used - sum(cell_len(text) for text, _ in right)
        return [(state, badge.tone), (fit(self._shelf.title(job.id), left), "text"), *right]

    def _progress_cells(self, job: Job, going: Going, width: int) -> list[Cell]:
        clock: Cell = (f" {fit_right(elapsed(job_seconds(job)), 7)} ", "dim")
        if going.fraction is None:
            return [(f" {fit_right(going.words, 10)}" if width >= NARROW else "", "dim"), clock]
        room = max(4, min(24, width // 5))
        full, rest = bar(going.fraction, room)
        return [(f" {full}", "accent"), (rest, "dim"), (f" {going.fraction:4.0%}", "text"), clock]
