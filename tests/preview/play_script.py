"""Run in a pseudo terminal: shows made-up frames, a toast over some of them, and tells what should be on screen."""

from __future__ import annotations

import json
import sys
from array import array
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import Static

from mediatui.tui.terminal.answers import Answering
from mediatui.tui.widgets.player import Player, _Shown

COLUMNS, ROWS = 60, 20


def frame(number: int) -> list[array[int]]:
    """A disc that wanders over stripes."""
    rows = []
    for y in range(2 * ROWS):
        row = array("I")
        for x in range(COLUMNS):
            inside = (x - 4 * number) % COLUMNS < 12 and 8 < y < 30
            row.append(0xFF000000 | (0x2040E0 if inside else (x // 6 * 24 & 255) << 8 | y * 6 & 0xF8))
        rows.append(row)
    return rows


class Show(Answering, App[None]):
    """Keys: f the next frame, t a toast, c clears it, d tells the picture and ends."""

    CSS = "Player { height: 20; width: 60; } Screen { layout: vertical; } Toast { width: 100%; max-width: 100%; }"

    def compose(self) -> ComposeResult:
        """A line, the picture, a line."""
        yield Static("above", id="above")
        with Vertical():
            yield Player(remote=True)
        yield Static("below")

    def on_mount(self) -> None:
        """Show the first frame."""
        self.number = 0
        self.call_after_refresh(self._frame)

    def on_key(self, event: Key) -> None:
        """Do what the test says."""
        if event.key == "f":
            self._frame()
        elif event.key == "t":
            self.notify("something happened\n" * 3, timeout=600)
        elif event.key == "c":
            self.clear_notifications()
        elif event.key == "d":
            player = self.query_one(Player)
            assert player._shown is not None
            offset = player.region.offset
            facts = {"rows": [list(r) for r in player._shown.rows], "x": offset.x, "y": offset.y}
            facts["whole"] = player._canvas.whole_rows if player._canvas else -1
            Path(sys.argv[1]).write_text(json.dumps(facts))
            self.query_one("#above", Static).update("told")

    def _frame(self) -> None:
        player = self.query_one(Player)
        self.number += 1
        player._waiting = _Shown(self.number / 10, COLUMNS, frame(self.number))
        player._take()
        self.call_after_refresh(lambda: self.query_one("#above", Static).update(f"frame {self.number}"))


if __name__ == "__main__":
    Show().run()
