"""Progress on stderr: lines updated in place on a terminal, elsewhere a line for what came to pass."""

from __future__ import annotations

import shutil
from concurrent.futures import wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mediatui.cli.output import cut, write_message
from mediatui.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from mediatui.cli.output import Output

T = TypeVar("T")

TICK_SECONDS = 0.1
"""How often the state is looked at and the lines are drawn again."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing in progress: `text` is news when it changes; `live` is only shown where lines can be redrawn.

    So is all of one that `waits`: a log is no place for what has not happened yet.
    """

    key: str
    text: str
    live: str = ""
    waits: bool = False


class Progress:
    """Draws lines until a future is done."""

    def __init__(self, output: Output) -> None:
        self._terminal = output.stderr_is_terminal
        self._drawn = 0
        self._shown: list[str] = []
        self._width = 0
        self._last: dict[str, str] = {}

    def until(self, future: Future[T], lines: Callable[[], Sequence[Line]]) -> T:
        """The future's result; meanwhile and at the end `lines` is asked what to show."""
        while not wait([future], TICK_SECONDS).done:
            self.draw(lines())
        if future.exception() is None:
            self.draw(lines())
        return future.result()

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines in place of the last ones."""
        if self._terminal:
            self._redraw([one_line(f"{line.text}  {line.live}") for line in lines])
        else:
            self._append(lines)

    def begin(self, text: str) -> None:
        """Say what comes now, where no lines show it."""
        if not self._terminal:
            self.say(text)

    def say(self, text: str) -> None:
        """Print a message that stays above the lines."""
        self._redraw([])
        write_message(one_line(text) + "\n")

    def keep(self) -> None:
        """Leave the lines as they are, but whole: what is cut cannot be copied. What comes next starts below them."""
        if any(cut(text, self._width) != text for text in self._shown):
            self._write(self._shown, cut_to=None)
        self._drawn, self._shown = 0, []

    def _append(self, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.text and not line.waits and self._last.get(line.key) != line.text:
                self._last[line.key] = line.text
                write_message(one_line(line.text) + "\n")

    def _redraw(self, texts: list[str]) -> None:
        if not self._terminal:
            return
        size = shutil.get_terminal_size()
        # Lines scrolled off the top cannot be reached again, so only what fits is drawn.
        self._shown, self._width = texts[-max(1, size.lines - 1) :], size.columns - 1
        self._write(self._shown, cut_to=self._width)
        self._drawn = len(self._shown)

    def _write(self, texts: Sequence[str], *, cut_to: int | None) -> None:
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        body = "".join(f"{text if cut_to is None else cut(text, cut_to)}\x1b[K\n" for text in texts)
        write_message(f"{up}\r{body}\x1b[J")
