"""Playing: what reaches the terminal is the picture, whatever lies over it meanwhile; and nothing hurts the app."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tests.support.terminal import Terminal
from tests.tui.conftest import until
from textual.app import App, ComposeResult
from textual.events import CursorPosition

from mediatui.media.clip import Clip, ClipError
from mediatui.tui.terminal.answers import Answering
from mediatui.tui.widgets.pacing import FORGIVEN_SECONDS, REMOTE_BOX, SMALLEST, WINDOW, Pace
from mediatui.tui.widgets.player import SPEEDS, Player, Transport
from mediatui.tui.widgets.rawstrip import CHANGE

SCRIPT = Path(__file__).with_name("play_script.py")


class ScriptTerminal(Terminal):
    """The script in a pseudo terminal."""

    def __init__(self, told: Path) -> None:
        root = Path(__file__).parent.parent.parent
        environment = {
            "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none",
            "PATH": os.environ["PATH"], "PYTHONPATH": f"{root}:{root / 'src'}",
        }  # fmt: skip
        super().__init__([str(told)], environment, size=(70, 26), program=(sys.executable, str(SCRIPT)))
        self.frames = 1

    def frame(self) -> None:
        """Let it show another frame."""
        self.frames += 1
        self.send("f")
        self.shows(f"frame {self.frames} ")


def distance(cell_colour: str, pixel: int) -> int:
    shown = [int(cell_colour[at : at + 2], 16) for at in (0, 2, 4)]
    return max(abs(a - b) for a, b in zip(shown, (pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255), strict=True))


def compare(terminal: Terminal, told: Path) -> int:
    """The screen against the frame the script says it shows; returns how many rows were written whole."""
    terminal.send("d")
    terminal.shows("told")
    facts = json.loads(told.read_text())
    rows = facts["rows"]
    for y in range(len(rows) // 2):
        for x in range(len(rows[0])):
            cell = terminal.screen.buffer[facts["y"] + y][facts["x"] + x]
            assert cell.data == "▀", (x, y, cell)
            assert distance(cell.fg, rows[2 * y][x]) <= CHANGE, (x, y)
            assert distance(cell.bg, rows[2 * y + 1][x]) <= CHANGE, (x, y)
    return int(facts["whole"])


def test_the_screen_shows_the_frame_after_toasts_came_and_went(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    with ScriptTerminal(told) as terminal:
        terminal.shows("frame 1 ")
        for _ in range(4):
            terminal.frame()
        assert compare(terminal, told) <= 40
        terminal.send("t")
        terminal.shows("something happened")
        for _ in range(3):
            terminal.frame()
        terminal.send("c")
        terminal.until(lambda: "something" not in terminal.text, "the toast gone")
        compare(terminal, told)
        for _ in range(3):
            terminal.frame()
        compare(terminal, told)
        terminal.resize(64, 24)
        terminal.frame()
        terminal.resize(70, 26)
        terminal.frame()
        compare(terminal, told)


class Cinema(Answering, App[None]):
    """An app with nothing but a player."""

    def __init__(self, *, remote: bool = False, loop: bool = True) -> None:
        super().__init__()
        self.remote, self.loop = remote, loop
        self.errors: list[ClipError] = []

    def compose(self) -> ComposeResult:
        """The player."""
        yield Player(remote=self.remote, loop=self.loop)

    def on_player_failed(self, message: Player.Failed) -> None:
        """Remember why."""
        self.errors.append(message.error)


async def test_pause_seek_and_speed(clip: Path) -> None:
    app = Cinema()
    async with app.run_test(size=(80, 24)):
        player = app.query_one(Player)
        player.play(clip)
        await until(lambda: player.frames_shown > 3, "frames")
        assert player.cells[0] <= 80
        assert player.cells[1] <= 24
        assert player.transport.duration == pytest.approx(2, abs=0.1)
        player.pause(True)
        await until(lambda: player._waiting is None, "the last frame drawn")
        player.seek(1.5, relative=False)
        await until(lambda: player.seconds == pytest.approx(1.5, abs=0.06), "the moment sought")
        player.seek(-1.0)
        await until(lambda: player.seconds == pytest.approx(0.5, abs=0.06), "a second back")
        player.faster(-1)
        assert player.transport.speed == 0.5
        for _ in SPEEDS:
            player.faster(1)
        assert player.transport.speed == SPEEDS[-1]
        before = player.frames_shown
        player.pause(False)
        await until(lambda: player.frames_shown > before + 3, "more frames")


async def test_a_clip_begins_anew_or_stands_on_its_last_frame(clip: Path) -> None:
    app = Cinema(loop=False)
    async with app.run_test(size=(40, 12)):
        player = app.query_one(Player)
        player.play(clip, at=1.8)
        await until(lambda: player.transport.paused, "the end")
        await until(lambda: player.seconds > 1.9, "the last frame")
    app = Cinema()
    async with app.run_test(size=(40, 12)):
        player = app.query_one(Player)
        player.play(clip, at=1.8)
        await until(lambda: player.frames_shown and player.seconds < 1.0, "the start again")


async def test_what_cannot_be_decoded_is_told(tmp_path: Path, clip: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:200])
    app = Cinema()
    async with app.run_test(size=(40, 12)):
        player = app.query_one(Player)
        player.play(broken)
        await until(lambda: app.errors, "the error")
        assert "cannot be decoded" in app.errors[0].message
        player.play(clip)
        await until(lambda: player.frames_shown, "frames of a good one")


async def test_a_decoder_that_dies_ends_the_film_and_no_more(clip: Path) -> None:
    app = Cinema()
    async with app.run_test(size=(40, 12)):
        player = app.query_one(Player)
        player.play(clip)
        await until(lambda: player.frames_shown, "frames")
        assert player._clip is not None
        os.kill(player._clip.pid, signal.SIGKILL)
        await until(lambda: app.errors, "the error")
        assert app.errors[0].hint


async def test_leaving_ends_the_decoder(clip: Path) -> None:
    app = Cinema()
    async with app.run_test(size=(40, 12)):
        player = app.query_one(Player)
        player.play(clip)
        await until(lambda: player.frames_shown, "frames")
        assert player._clip is not None
        pid, thread = player._clip.pid, player._thread
        assert thread is not None
    thread.join(30)
    assert not thread.is_alive()
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1]


async def test_over_a_line_that_answers_nothing_frames_wait(clip: Path) -> None:
    app = Cinema(remote=True)
    async with app.run_test(size=(80, 24)):
        player = app.query_one(Player)
        player.play(clip)
        await until(lambda: player.frames_shown == WINDOW, "as many frames as may be owed")
        assert not player.pace.ready(time.monotonic())
        app.on_cursor_position(CursorPosition(1, 1))
        await until(lambda: player.frames_shown == WINDOW + 1, "one more for one answer")
        assert player.cells[0] <= REMOTE_BOX[0]


def test_frames_come_exactly_and_in_the_size_asked_for(clip: Path) -> None:
    film = Clip(clip)
    try:
        assert film.size == (192, 108)
        assert film.rate == 24
        for at in (0.0, 0.5, 1.9, 0.2, 5.0, 0.0):
            frame = film.at(at, (64, 36))
            assert (frame.width, frame.height, len(frame.data)) == (64, 36, 64 * 36 * 4)
            assert frame.time == pytest.approx(min(at, 47 / 24), abs=1 / 24)
            assert frame.last == (at == 5.0)
    finally:
        film.close()
    with pytest.raises(ClipError):
        film.at(0.0, (64, 36))


# The clock and the pace are pure: they are tested with made-up times.


class Clock:
    """A clock that stands still unless told."""

    now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_the_transport_keeps_its_place() -> None:
    clock = Clock()
    transport = Transport(clock)
    transport.duration = 10.0
    clock.now += 2
    assert transport.seconds == 2
    transport.set_speed(2.0)
    clock.now += 1
    assert transport.seconds == 4
    transport.set_paused(True)
    clock.now += 5
    assert transport.seconds == 4
    transport.move_to(99)
    assert 9.9 < transport.seconds < 10
    transport.move_to(-1)
    transport.set_paused(False)
    clock.now += 1
    assert transport.seconds == 2


def played(pace: Pace, delay: float, frames: int, now: float = 0.0) -> float:
    """Play frames that are each answered after `delay`; the time then."""
    for _ in range(frames):
        assert pace.ready(now)
        pace.sent(now)
        now += delay
        pace.answered(now, (200, 60))
        now += 0.2
    return now


def test_a_congested_line_makes_the_picture_smaller_and_a_free_one_larger() -> None:
    pace = Pace(remote=True)
    assert pace.box((200, 60)) == REMOTE_BOX
    pace.sent(0.0)
    pace.answered(0.02)
    now = played(pace, 0.4, 100, 1.0)
    small = pace.box((200, 60))
    assert small == SMALLEST
    played(pace, 0.02, 400, now)
    assert pace.box((200, 60)) == (200, 60)
    assert pace.rate > 12


def test_a_long_line_is_no_congested_line() -> None:
    pace = Pace(remote=True)
    played(pace, 0.3, 200)
    assert pace.box((64, 18)) == REMOTE_BOX


def test_an_answer_that_never_comes_is_forgiven() -> None:
    pace = Pace(remote=True)
    for now in (0.0, 0.1):
        assert pace.ready(now)
        pace.sent(now)
    assert not pace.ready(1.0)
    assert pace.ready(FORGIVEN_SECONDS + 1)
    assert not pace.answered(FORGIVEN_SECONDS + 1.1)


def test_locally_the_picture_takes_the_room_there_is() -> None:
    assert Pace(remote=False).box((300, 90)) == (300, 90)
    assert Pace(remote=False, plain=True).rate == 10
