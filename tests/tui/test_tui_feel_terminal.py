"""What only a real terminal shows of the interface's manners: titles, the mouse, plain characters, few colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.terminal import Terminal

from .conftest import fill

COLOURS = re.compile(rb"\x1b\[[0-9;]*[34]8;[25];")


def drawn(terminal: Terminal) -> bytes:
    """What the interface wrote, without the questions before it."""
    return terminal.output.partition(b"\x1b[?1049h")[2]


def test_the_title_counts_and_is_given_back(environment: dict[str, str]) -> None:
    with Terminal([], environment) as terminal:
        terminal.until(lambda: b"\x1b[22;2t\x1b]2;mediatui\x07" in terminal.output, "the title")
        terminal.shows("SANDBOX")
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.output.rstrip().endswith(b"\x1b[23;2t")


@pytest.mark.parametrize("arguments", [["--no-mouse"], []])
def test_the_mouse_can_be_left_to_the_terminal(environment: dict[str, str], arguments: list[str]) -> None:
    with Terminal(arguments, environment) as terminal:
        terminal.shows("SANDBOX")
        assert (b"\x1b[?1000h" in terminal.output) is (not arguments)
        terminal.send("q")
        assert terminal.wait() == 0


def test_a_console_with_few_glyphs_and_colours_stays_readable(environment: dict[str, str]) -> None:
    fill(environment, 3)
    console = {**environment, "TERM": "linux"}
    del console["COLORTERM"]
    with Terminal([], console) as terminal:
        terminal.shows("3 items", "url-only", "prompt number 2")
        assert terminal.text.isascii()
        assert not COLOURS.search(drawn(terminal))
        terminal.send("q")
        assert terminal.wait() == 0


def test_screen_has_sixteen_colours_and_states_in_words(environment: dict[str, str]) -> None:
    fill(environment, 3)
    plain = {**environment, "TERM": "screen"}
    del plain["COLORTERM"]
    with Terminal([], plain) as terminal:
        terminal.shows("3 items", "url-only")
        assert not COLOURS.search(drawn(terminal))
        terminal.send("q")
        assert terminal.wait() == 0


def test_another_charset_gets_nothing_it_cannot_show(environment: dict[str, str]) -> None:
    latin = {**environment, "LC_ALL": "C"}
    with Terminal([], latin) as terminal:
        terminal.shows("SANDBOX", "Projects")
        assert terminal.text.isascii()
        terminal.send("q")
        assert terminal.wait() == 0


def test_own_keys_are_told_when_wrong_and_used_when_right(environment: dict[str, str], tmp_path: Path) -> None:
    config = tmp_path / "config" / "mediatui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[keys]\nlibrary.jobs = "^t"\nlibrary.export = "n"\n', "utf-8")
    with Terminal([], environment, size=(120, 36)) as terminal:
        terminal.shows("SANDBOX", "^t jobs", "n is library.new's")
        terminal.send("\x14")
        terminal.shows("Jobs")
        terminal.send("\x11")
        assert terminal.wait() == 0


def test_a_session_goes_on_after_the_line_was_cut(environment: dict[str, str]) -> None:
    import signal

    fill(environment, 30)
    with Terminal([], environment, size=(120, 36)) as terminal:
        terminal.shows("30 items")
        terminal.send("/")
        terminal.shows("words, or type:")
        terminal.send("number 1\r")
        terminal.shows("12 of 30 match")
        terminal.send("n")
        terminal.shows("Prompt")
        terminal.send("half a thought")
        terminal.shows("half a thought")
        terminal.kill(signal.SIGHUP)
        assert terminal.wait() == 128 + signal.SIGHUP
    with Terminal([], environment, size=(120, 36)) as terminal:
        terminal.shows("half a thought")
        terminal.send("\x1b")
        terminal.shows("12 of 30 match")
        terminal.send("\x11")
        assert terminal.wait() == 0
