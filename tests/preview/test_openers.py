"""Which program opens what, where there is a display and where there is none; and lending it the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.terminal import Terminal

from mediatui.errors import UsageError
from mediatui.tui.terminal.openers import (
    DEFAULTS,
    Opener,
    has_display,
    read_openers,
    scp_line,
    usable,
)

DESK = {"DISPLAY": ":0"}
AWAY = {"SSH_CONNECTION": "10.0.0.2 50000 10.0.0.1 2222", "USER": "mia"}


def names(found: list[Opener]) -> list[str]:
    return [opener.program for opener in found]


def everything(name: str) -> str:
    """Where a machine that has every program has this one."""
    return f"/usr/bin/{name}"


def only(*programs: str) -> Callable[[str], str | None]:
    return lambda name: name if name in programs else None


@pytest.mark.skipif(sys.platform == "darwin", reason="another table")
def test_the_first_that_is_there_wins() -> None:
    assert usable(DEFAULTS, "video/mp4", DESK, found=everything)[0].program == "mpv"
    assert names(usable(DEFAULTS, "video/mp4", DESK, found=only("vlc", "ffplay"))) == ["ffplay", "vlc"]
    assert names(usable(DEFAULTS, "video/mp4", DESK, found=only("xdg-open"))) == ["xdg-open"]
    assert usable(DEFAULTS, "image/png", DESK, found=everything)[0].program == "xdg-open"
    assert usable(DEFAULTS, "video/mp4", DESK, found=only()) == []


def test_without_a_display_only_what_runs_in_the_terminal() -> None:
    found = usable(DEFAULTS, "video/mp4", {}, found=everything)
    assert found
    assert all(opener.needs == "tty" and not opener.detach for opener in found)
    assert usable(DEFAULTS, "video/mp4", {}, found=everything, can_suspend=False) == []


def test_over_ssh_windows_open_on_nobodys_screen() -> None:
    assert not has_display({**AWAY, **DESK})
    assert has_display(DESK, "linux")
    assert has_display({}, "darwin")
    assert not has_display(AWAY, "darwin")
    forwarded = usable(DEFAULTS, "video/mp4", {**AWAY, "DISPLAY": "localhost:10.0"}, found=everything)
    assert forwarded[0].needs == "tty"
    assert forwarded[-1].needs == "gui"


def test_a_persons_own_lines_come_first() -> None:
    table = read_openers([{"run": "mine --fast", "mime": "video/*"}, {"run": "cat {} -", "needs": "tty"}])
    assert names(usable(table, "video/webm", DESK, found=everything))[:2] == ["mine", "cat"]
    assert names(usable(table, "audio/wav", DESK, found=everything))[0] == "cat"
    named = usable(table, "video/webm", {**DESK, "MEDIATUI_PLAYER": "vlc --play"}, found=everything)
    assert named[0].command("a b.mp4") == ["vlc", "--play", "a b.mp4"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"run": ""}, "needs a command"),
        ({"run": "mpv 'x"}, "cannot be read"),
        ({"run": "mpv", "needs": "x11"}, "must be one of"),
        ({"run": "mpv", "detach": "yes"}, "must be true or false"),
        ({"run": "mpv", "mimes": "x"}, "unknown setting mimes"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(line: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_openers([{"run": "fine"}, line])
    assert "[2]" in caught.value.message


def test_a_name_is_never_an_option_or_a_shell() -> None:
    for opener in DEFAULTS:
        command = opener.command("/tmp/-rf; echo $(id)")
        assert command.count("/tmp/-rf; echo $(id)") == 1
    assert Opener("x --y={}").command("f") == ["x", "--y={}", "f"]


def test_an_address_is_given_only_to_what_can_open_one() -> None:
    assert all(opener.remote for opener in usable(DEFAULTS, "image/png", DESK, is_address=True, found=everything))


def test_the_scp_line_fetches_the_file() -> None:
    assert scp_line("/data/a b.mp4", AWAY) == "scp -P 2222 'mia@10.0.0.1:/data/a b.mp4' ."
    assert scp_line("/a.mp4", {"SSH_CONNECTION": "::1 1 fe80::1 22"}, user="u") == "scp 'u@[fe80::1]:/a.mp4' ."
    assert scp_line("/a.mp4", {}, user="u", host="box") == "scp u@box:/a.mp4 ."


PROGRAM = """
import sys
from pathlib import Path
from textual.app import App
from textual.widgets import Static
from mediatui.errors import UsageError
from mediatui.tui.terminal.openers import Opener
from mediatui.tui.terminal.outside import run_here

class Lender(App):
    ticks = lent_at = 0
    def compose(self):
        yield Static("waiting", id="said")
    def on_mount(self):
        self.set_interval(0.01, self.tick)
    def tick(self):
        self.ticks += 1
        if self.lent_at and self.ticks > self.lent_at + 100:
            Path(__file__).with_name("enough").touch()
        self.query_one("#said", Static).update(f"ticks {self.ticks}")
    def on_key(self, event):
        if event.key == "o":
            self.run_worker(self.lend(sys.argv[1:]))
        elif event.key == "q":
            self.exit()
    async def lend(self, words):
        self.lent_at = self.ticks
        try:
            code = await run_here(self, Opener(" ".join(words), needs="tty"), "x")
        except UsageError as exc:
            code = exc.message
        self.notify(f"back with {code} ")
Lender().run()
"""


def lender(tmp_path: Path, *command: str) -> Terminal:
    script = tmp_path / "lender.py"
    script.write_text(PROGRAM)
    root = Path(__file__).parent.parent.parent
    environment = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], "PYTHONPATH": str(root / "src")}
    return Terminal(command, environment, size=(80, 24), program=(sys.executable, str(script)))


def test_a_program_gets_the_terminal_while_the_app_goes_on(tmp_path: Path) -> None:
    """Far more updates than Textual's queue holds come meanwhile; ^C is the program's."""
    script = tmp_path / "player.sh"
    script.write_text("trap 'echo; echo ended by ^C; exit 7' INT\necho PLAYING $1\nwhile :; do sleep 0.1; done\n")
    with lender(tmp_path, "sh", str(script)) as terminal:
        terminal.shows("ticks")
        terminal.send("o")
        terminal.shows("PLAYING x")
        seen = len(terminal.output)
        terminal.until((tmp_path / "enough").exists, "a hundred updates")
        assert b"ticks" not in terminal.output[seen:]
        terminal.send("\x03")
        terminal.shows("back with 7")
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.restored


def test_a_program_that_is_not_there_leaves_the_app_running(tmp_path: Path) -> None:
    with lender(tmp_path, "no-such-program-here") as terminal:
        terminal.shows("ticks")
        terminal.send("o")
        terminal.shows("could not start")
        terminal.send("q")
        assert terminal.wait() == 0
        assert terminal.restored
