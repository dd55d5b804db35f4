"""Pasted text arrives as one piece, whatever is in it.

Textual's parser looks for escape sequences inside a paste as well and hands on as keys what it does not know: a
control character behind an escape would press its key, ``ctrl+s`` for one. Most terminals filter what they paste; tmux
does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import events
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.message import Message

START, END = "\x1b[200~", "\x1b[201~"


class PasteParser(XTermParser):
    """Textual's parser, which sees nothing of a paste but its two ends."""

    def __init__(self, debug: bool = False) -> None:
        self._tail = ""
        """The last characters of what came: a mark may begin in them."""
        self._pasted: list[str] | None = None
        """What came of a paste that has not ended."""
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """Keys, pastes and answers in what the terminal sent; the empty string says that it is gone."""
        if not data:
            yield from super().feed(data)
        while data:
            pasting = self._pasted
            here, data, ended = self._up_to(END if pasting is not None else START, data)
            if pasting is None:
                yield from super().feed(here)
                self._pasted = [] if ended else None
                continue
            pasting.append(here)
            if ended:
                yield events.Paste("".join(pasting)[: -len(END)].replace("\x00", ""))
                self._pasted = None
                for _ in super().feed(END):
                    pass  # an empty paste: that is all the parser saw of it

    def _up_to(self, mark: str, data: str) -> tuple[str, str, bool]:
        """What came up to the end of a mark, what comes after it, and whether it came."""
        known = self._tail + data
        at = known.find(mark)
        if at < 0:
            self._tail = known[1 - len(mark) :]
            return data, "", False
        end = at + len(mark) - len(self._tail)
        self._tail = ""
        return data[:end], data[end:], True


def read_pastes_whole(driver: type[Driver]) -> None:
    """Have this driver read the terminal by our parser; Textual's drivers name theirs in their modules."""
    setattr(sys.modules[driver.__module__], XTermParser.__name__, PasteParser)
