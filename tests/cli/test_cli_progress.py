"""Progress lines on a terminal and elsewhere."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from concurrent.futures import Future

import pyte
import pytest

from mediatui.cli.output import Output
from mediatui.cli.progress import Line, Progress


class Screen(io.StringIO):
    """A terminal of 40x6 that remembers what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.screen = pyte.Screen(40, 6)
        self._stream = pyte.Stream(self.screen)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return super().write(text)

    @property
    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display if line.strip()]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "6")
    return Screen()


@pytest.fixture
def progress(terminal: Screen, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Progress]:
    """Makes a progress that draws there; called in the test, where pytest has put its own stderr."""

    def make() -> Progress:
        monkeypatch.setattr(sys, "stderr", terminal)
        return Progress(Output())

    return make


def test_lines_are_updated_in_place(terminal: Screen, progress: Callable[[], Progress]) -> None:
    bar = progress()
    bar.draw([Line("a", "one queued", "1.0 s"), Line("b", "two queued", "1.0 s")])
    bar.draw([Line("a", "one running", "2.0 s"), Line("b", "two queued", "2.0 s")])
    bar.draw([Line("a", "one saved")])
    assert terminal.shown == ["one saved"]


def test_messages_stay_above_the_lines(terminal: Screen, progress: Callable[[], Progress]) -> None:
    bar = progress()
    bar.draw([Line("a", "running")])
    bar.say("the disk is full")
    bar.draw([Line("a", "saved")])
    assert terminal.shown == ["the disk is full", "saved"]


def test_long_lines_do_not_wrap_and_many_do_not_scroll_away(terminal: Screen, progress: Callable[[], Progress]) -> None:
    bar = progress()
    lines = [Line(str(n), f"job {n} " + "夜" * 40) for n in range(20)]
    bar.draw(lines)
    bar.draw(lines)
    assert len(terminal.shown) == 5
    assert terminal.shown[0].startswith("job 15")


def test_elsewhere_a_line_is_printed_when_it_says_something_new(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(Output())
    for live in ("1.0 s", "2.0 s"):
        progress.draw([Line("a", "queued", live)])
    progress.draw([Line("a", "running", "3.0 s")])
    assert capsys.readouterr().err == "queued\nrunning\n"


def test_a_dumb_terminal_gets_plain_lines(
    terminal: Screen, progress: Callable[[], Progress], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    progress().draw([Line("a", "queued")])
    assert terminal.getvalue() == "queued\n"


def test_until_returns_the_result_and_raises_the_failure(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Output())
    good: Future[int] = Future()
    good.set_result(7)
    assert progress.until(good, lambda: [Line("a", "done")]) == 7
    bad: Future[int] = Future()
    bad.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        progress.until(bad, lambda: [Line("a", "never shown")])
    assert capsys.readouterr().err == "done\n"


def test_what_was_cut_is_left_whole_at_the_end(terminal: Screen, progress: Callable[[], Progress]) -> None:
    bar, path = progress(), "/a/folder/whose/name/is/long/enough/to/be/cut.mp4"
    bar.draw([Line("a", "one queued"), Line("b", f"two saved {path}")])
    assert path not in "".join(terminal.shown)
    bar.keep()
    assert "".join(terminal.screen.display[1:3]).rstrip() == f"two saved {path}"
    assert terminal.shown[0] == "one queued"


def test_elsewhere_what_still_waits_is_no_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(Output())
    progress.draw([Line("a", "one unsaved", waits=True), Line("b", "two saved")])
    progress.draw([Line("a", "one saving", waits=True), Line("b", "two saved")])
    progress.draw([Line("a", "one saved"), Line("b", "two saved")])
    assert capsys.readouterr().err == "two saved\none saved\n"


def test_on_a_terminal_what_waits_is_shown(terminal: Screen, progress: Callable[[], Progress]) -> None:
    progress().draw([Line("a", "one unsaved", waits=True)])
    assert terminal.shown == ["one unsaved"]
