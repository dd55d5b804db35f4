"""What the terminal can do: every answer, and no answer, leads to something that can be drawn."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from tests.preview import fake_terminal as fake
from tests.preview.fake_terminal import FakeTerminal
from tests.support.waiting import spin_until

from mediatui.errors import UsageError
from mediatui.tui.terminal.capabilities import (
    Capabilities,
    Graphics,
    chosen_graphics,
    find_capabilities,
    forget_late_answers,
)
from mediatui.tui.terminal.probe import Probe, drop_input, read_answers
from mediatui.tui.terminal.tmux import TmuxFacts, ask_tmux, read_facts, wrapped

XTERM = {"TERM": "xterm-256color"}


def find(terminal: FakeTerminal, environment: dict[str, str], choice: Graphics | None = None) -> Capabilities:
    return find_capabilities(choice, environment, is_terminal=lambda: True, device=terminal.device)


@pytest.mark.parametrize(
    ("answers", "term", "graphics", "truecolor"),
    [
        (fake.KITTY, "xterm-kitty", Graphics.KITTY, True),
        (fake.KITTY, "xterm-256color", Graphics.KITTY, True),
        (fake.GHOSTTY, "xterm-ghostty", Graphics.KITTY, True),
        (fake.OLD_KITTY, "xterm-kitty", Graphics.HALF, True),
        (fake.KONSOLE, "xterm-256color", Graphics.HALF, True),
        (fake.XTERM, "xterm-256color", Graphics.HALF, True),
        (fake.FEW_COLOURS, "xterm-256color", Graphics.HALF, False),
        (fake.TMUX, "tmux-256color", Graphics.HALF, False),
        (fake.MUTE, "xterm-256color", Graphics.HALF, False),
    ],
)
def test_answers_decide(answers: dict[bytes, bytes], term: str, graphics: Graphics, truecolor: bool) -> None:
    environment = {"TERM": term}
    with FakeTerminal(answers) as terminal:
        found = find(terminal, environment)
        assert (found.graphics, found.truecolor) == (graphics, truecolor)
        assert terminal.restored
        assert not terminal.unread
    assert environment.get("TEXTUAL_COLOR_SYSTEM") == ("truecolor" if truecolor else None)
    assert found.unanswered == (not answers)


def test_one_write_asks_everything_and_the_sentinel_comes_last() -> None:
    with FakeTerminal(fake.XTERM) as terminal:
        find(terminal, dict(XTERM))
        assert terminal.heard.endswith(fake.SENTINEL)
        assert all(terminal.heard.count(query) == 1 for query in fake.XTERM)


def test_a_cells_size_comes_from_the_kernel_or_the_terminal_or_is_guessed() -> None:
    with FakeTerminal(fake.XTERM, size=(24, 80, 800, 480)) as terminal:
        assert find(terminal, dict(XTERM)).cell == (10, 20)
        assert fake.CELL_QUERY not in terminal.heard
    with FakeTerminal(fake.XTERM) as terminal:
        assert find(terminal, dict(XTERM)).cell == (8, 16)
    with FakeTerminal({**fake.XTERM, fake.CELL_QUERY: b"\x1b[6;0;9999t"}, size=(0, 0, 0, 0)) as terminal:
        assert find(terminal, dict(XTERM)).cell == Capabilities().cell


@pytest.mark.parametrize(
    "environment",
    [
        {**XTERM, "NO_COLOR": "1"},
        {"TERM": "dumb"},
        {"TERM": "linux"},
        {},
        {**XTERM, "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"},
        {"TERM": "alacritty"},
        {**XTERM, "COLORTERM": "truecolor", "TERM_PROGRAM": "WezTerm"},
        {**XTERM, "COLORTERM": "truecolor", "VTE_VERSION": "7600"},
    ],
)
def test_nobody_is_asked_where_the_answer_could_change_nothing(environment: dict[str, str]) -> None:
    with FakeTerminal(fake.KITTY) as terminal:
        assert find(terminal, environment).graphics is Graphics.HALF
        assert terminal.heard == b""


def test_without_a_terminal_nothing_is_opened(tmp_path: Path) -> None:
    found = find_capabilities(None, dict(XTERM), is_terminal=lambda: False, device=str(tmp_path / "no such device"))
    assert found.graphics is Graphics.HALF
    assert not found.unanswered


def test_a_pipe_or_nothing_at_the_device_is_no_terminal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for device in (tmp_path / "fifo", tmp_path / "missing", tmp_path):
        assert not Probe(device=str(device)).finish().asked
        drop_input(str(tmp_path / "missing"))


def test_a_choice_beats_the_terminal() -> None:
    with FakeTerminal(fake.XTERM) as terminal:
        assert find(terminal, dict(XTERM), Graphics.KITTY).graphics is Graphics.KITTY
        assert find(terminal, dict(XTERM), Graphics.OFF).graphics is Graphics.OFF


def test_late_answers_are_not_typed_into_the_interface() -> None:
    with FakeTerminal(fake.MUTE) as terminal:
        found = find(terminal, dict(XTERM))
        terminal.say(b"\x1b[?62;c\n")
        before = terminal.unread
        drop_input(terminal.device)
        assert (bool(before), bool(terminal.unread)) == (True, False)
        assert found.unanswered
        forget_late_answers(Capabilities())


def test_the_imports_meanwhile_happen_between_question_and_answer() -> None:
    with FakeTerminal(fake.KITTY) as terminal:
        seen = []

        def meanwhile() -> None:
            spin_until(lambda: terminal.heard.endswith(fake.SENTINEL), "the last question")
            seen.append(True)

        environment = {"TERM": "xterm-kitty"}
        found = find_capabilities(
            None, environment, meanwhile=meanwhile, is_terminal=lambda: True, device=terminal.device
        )
        assert seen
        assert found.graphics is Graphics.KITTY


@pytest.mark.parametrize("noise", [b"", b"\x1b", b"hello", b"\x1b_Gi=31;OK", b"\x1b[6;;t", b"\xff" * 100])
def test_noise_means_nothing(noise: bytes) -> None:
    found = read_answers(noise)
    assert (found.answered, found.kitty, found.truecolor, found.name, found.cell) == (False, False, False, "", None)


def test_colour_is_proven_only_by_the_colour_asked_for() -> None:
    assert not read_answers(b"\x1bP1$r48;2;1;2;30m\x1b\\").truecolor
    assert read_answers(b"\x1bP1$r0;48;2;1;2;3m\x1b\\").truecolor


def test_flag_environment_and_setting_in_that_order() -> None:
    assert chosen_graphics("kitty", {"MEDIATUI_GRAPHICS": "off"}, "half") is Graphics.KITTY
    assert chosen_graphics(None, {"MEDIATUI_GRAPHICS": "off"}, "half") is Graphics.OFF
    assert chosen_graphics(None, {}, "half") is Graphics.HALF
    assert chosen_graphics("auto", {}, "half") is None
    with pytest.raises(UsageError, match="sixels"):
        chosen_graphics("sixels", {})


# tmux


def test_tmuxs_words_are_read() -> None:
    found = read_facts("256,RGB,clipboard|xterm-kitty|kitty(0.41.1)|on\nSSH_CONNECTION=1.2.3.4 5 6.7.8.9 22\n")
    assert found == TmuxFacts(frozenset({"256", "RGB", "clipboard"}), "xterm-kitty", "kitty(0.41.1)", True, True)
    assert read_facts("|||\n-SSH_CONNECTION\n").remote is False
    assert read_facts("") == TmuxFacts()
    assert read_facts("a|b|c|0\nunknown variable").passthrough is False


def _fake_tmux(folder: Path, output: str) -> dict[str, str]:
    script = folder / "tmux"
    script.write_text(f"#!/bin/sh\nprintf '%b' '{output}'\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:/usr/bin:/bin", "TMUX": "/tmp/x,1,0", "TERM": "tmux-256color"}


@pytest.mark.parametrize(
    ("line", "graphics", "truecolor"),
    [
        ("RGB|xterm-kitty|kitty(0.41.1)|on", Graphics.KITTY, True),
        ("RGB|xterm-kitty|kitty(0.41.1)|off", Graphics.HALF, True),
        ("256|xterm-kitty|kitty(0.41.1)|on", Graphics.HALF, False),
        ("RGB,sixel|xterm-kitty|kitty(0.26.5)|on", Graphics.HALF, True),
        ("RGB,sixel|xterm-256color|XTerm(398)|on", Graphics.HALF, True),
        ("RGB|xterm-ghostty|ghostty 1.1.3|all", Graphics.KITTY, True),
    ],
)
def test_inside_tmux_only_tmux_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, graphics: Graphics, truecolor: bool
) -> None:
    environment = _fake_tmux(tmp_path, f"{line}\\n-SSH_CONNECTION\\n") | {"SSH_CONNECTION": "stale"}
    monkeypatch.setenv("PATH", environment["PATH"])
    with FakeTerminal(fake.KITTY) as terminal:
        found = find(terminal, environment)
        assert terminal.heard == b""
    assert (found.graphics, found.truecolor, found.tmux, found.remote) == (graphics, truecolor, True, False)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_real_tmux_answers(tmp_path: Path) -> None:
    socket = str(tmp_path / "socket")
    base = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(tmp_path)}
    run = ["tmux", "-f", "/dev/null", "-S", socket]
    subprocess.run([*run, "new-session", "-d", "cat"], env=base, check=True)
    try:
        found = ask_tmux({**base, "TMUX": f"{socket},1,0"})
        assert not found.passthrough
        assert found.remote is not True
        subprocess.run([*run, "set-environment", "SSH_CONNECTION", "1 2 3 4"], env=base, check=True)
        assert ask_tmux({**base, "TMUX": f"{socket},1,0"}).remote is True
    finally:
        subprocess.run([*run, "kill-server"], env=base, check=False)
    assert ask_tmux({**base, "TMUX": f"{socket},1,0"}) == TmuxFacts()


def test_a_tmux_that_is_not_there_or_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_tmux({"TMUX": "x"}) == TmuxFacts()


def test_sequences_are_wrapped_for_tmux() -> None:
    assert wrapped("\x1b_Gx\x1b\\") == "\x1bPtmux;\x1b\x1b_Gx\x1b\x1b\\\x1b\\"
