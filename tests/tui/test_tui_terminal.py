"""What only a real terminal shows: bytes, signals, sizes, restoration."""

from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import pytest
from tests.support.terminal import Terminal

from .conftest import fill

KEYS = ("new", "help")


def test_first_frame_and_quit_restore_the_terminal(environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.shows("Projects", "Media", "Details", "n new", "? help")
        terminal.shows("SANDBOX", "No project yet")
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_cleanly(environment: dict[str, str], number: signal.Signals) -> None:
    with Terminal([], environment) as terminal:
        terminal.shows("SANDBOX")
        terminal.kill(number)
        assert terminal.wait() == 128 + number
        assert terminal.restored


def differs(terminal: Terminal, line: int, column: int, background: str) -> bool:
    return bool(terminal.screen.buffer[line][column].bg != background)


def test_a_cursor_key_sends_little(environment: dict[str, str]) -> None:
    fill(environment, 200)
    with Terminal([], environment, size=(160, 45)) as terminal:
        terminal.shows("200 items", "prompt number 199", "made")
        sizes = []
        for row in range(1, 9):
            before = len(terminal.output)
            terminal.send("j")
            title = f"prompt number {199 - row}"
            line = next(y for y, text in enumerate(terminal.screen.display) if title in text)
            at = terminal.screen.display[line].index(title)
            background = terminal.screen.buffer[line][at].bg
            terminal.until(partial(differs, terminal, line, at, background), "the cursor")
            sizes.append(len(terminal.output) - before)
        # The first presses may be counted together with what the details of the row before still had to say.
        assert sorted(sizes)[len(sizes) // 2] <= 600


def test_a_resize_storm_and_a_small_terminal(environment: dict[str, str]) -> None:
    fill(environment, 30)
    with Terminal([], environment) as terminal:
        terminal.shows("30 items")
        for columns, lines in [(300, 80), (1, 1), (20, 5), (7, 3), (160, 45), (6, 24), (60, 20)] * 3:
            terminal.resize(columns, lines)
        terminal.shows("30 items", "prompt number 29", "n new")
        assert "Projects" not in terminal.text
        terminal.send("1")
        terminal.shows("Projects", "Demo")
        terminal.send("\t\t")
        terminal.shows("Details", "url-only")
        terminal.send("q")
        assert terminal.wait() == 0


def test_letters_that_come_with_the_slash_are_typed_and_do_nothing_else(environment: dict[str, str]) -> None:
    fill(environment, 30)
    with Terminal([], environment) as terminal:
        terminal.shows("30 items", "prompt number 29")
        terminal.send("/dnumber 7")
        terminal.shows("dnumber 7", "0 of 30")
        terminal.send("\x1b")
        terminal.until(lambda: "0 of 30" not in terminal.text, "everything again")
        terminal.shows("30 items", "prompt number 29")
        terminal.send("q")
        assert terminal.wait() == 0


def test_letters_that_come_with_a_key_are_typed_into_the_form_it_opens(environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.shows("SANDBOX", "n new")
        for prompt in ("na red fox", "q", " in the snow"):
            terminal.send(prompt)
        terminal.shows("a red foxq in the snow", "1 chosen")
        terminal.send("\x1b")
        terminal.shows("Media")
        terminal.send("n?\x10")
        terminal.shows("What to do")
        terminal.send("\x1b")
        terminal.shows("a red foxq in the snow?")
        terminal.send("\x11")
        assert terminal.wait() == 0


def test_a_key_does_not_overtake_the_letters_before_it(environment: dict[str, str]) -> None:
    fill(environment, 30)
    with Terminal([], environment) as terminal:
        terminal.shows("30 items", "prompt number 29")
        terminal.send("sleng\r")
        terminal.shows("30 items · length")
        terminal.send("Tharbour\r")
        terminal.shows("1 item tagged harbour")
        terminal.send("\x1b")
        terminal.quiet()
        terminal.send("n")
        terminal.shows("1 chosen")
        terminal.send("a red fox in the snow\x13")
        terminal.until(lambda: "Sent to" in terminal.text or "running" in terminal.text, "the request")
        terminal.shows("a red fox in the")
        terminal.send("\x11")
        terminal.until(lambda: terminal.ended or "esc cancel" in terminal.text, "the end")
        if not terminal.ended:
            terminal.send("y")
        assert terminal.wait() == 0


def test_no_color_means_no_colour(environment: dict[str, str]) -> None:
    with Terminal([], {**environment, "NO_COLOR": "1"}) as terminal:
        terminal.shows("SANDBOX", "No project yet")
        terminal.send("?")
        terminal.shows("New generation")
        assert b"[38;" not in terminal.output
        assert b";38;2;" not in terminal.output
        assert b"48;2;" not in terminal.output


def test_without_a_terminal_it_says_so(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mediatui"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
    )
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_dumb_terminal_is_refused(environment: dict[str, str]) -> None:
    with Terminal([], {**environment, "TERM": "dumb"}) as terminal:
        assert terminal.wait() == 2
        assert b"TERM" in terminal.output
        assert b"\x1b[?1049h" not in terminal.output
