"""Hostile texts in every record, on every screen of the real program in a real terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.app_killing import Desk
from tests.support.fal_server import FalServer
from tests.support.hostile import ALL, HostileService, fill, nothing_outside, nothing_raw
from tests.support.terminal import Terminal

from mediatui.tui.actions import ACTIONS

KEYS = {
    "escape": "\x1b",
    "enter": "\r",
    "tab": "\t",
    "space": " ",
    "equals_sign": "=",
    "slash": "/",
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "asterisk": "*",
    "f1": "\x1bOP",
    "f3": "\x1bOR",
    "f5": "\x1b[15~",
    "f9": "\x1b[20~",
    "f10": "\x1b[21~",
}
"""What a terminal sends for keys that are no character of their own."""
UNUSED = {"quit", "quit-now", "interrupt", "open-outside", "open-left", "open-right"}
"""They leave the program, here or there."""


def keys_of(scope: str) -> list[tuple[str, str]]:
    """The actions of a scope and what to send for each."""
    found = []
    for action in ACTIONS:
        key = action.keys[0]
        sent = chr(ord(key[-1]) - 96) if key.startswith("ctrl+") and len(key) == 6 else KEYS.get(key, key)
        if action.scope == scope and action.id not in UNUSED and (len(sent) == 1 or key in KEYS):
            found.append((action.id, sent))
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def press(terminal: Terminal, keys: str, where: str) -> None:
    terminal.send(keys)
    terminal.quiet()
    assert "should not have happened" not in terminal.text, (where, terminal.text)


def ends_well(terminal: Terminal, desk: Desk) -> None:
    """Back to the library, and out."""
    for _ in range(4):
        press(terminal, "\x1b", "escape")
    assert not terminal.ended, terminal.text
    terminal.send("\x11")
    terminal.until(lambda: terminal.ended or "esc cancel" in terminal.text or "esc no" in terminal.text, "the end")
    if not terminal.ended:
        terminal.send("y")
    assert terminal.wait() == 0
    assert terminal.restored
    nothing_raw(terminal.output)
    nothing_outside(desk.root / "data")
    assert not list(desk.locations.state.glob("crash-*"))


@contextmanager
def opened(desk: Desk, size: tuple[int, int]) -> Iterator[Terminal]:
    """The interface on a library of hostile records; in the end it is left in good order."""
    fill(desk.locations)
    with Terminal([], desk.environment, size=size) as terminal:
        terminal.shows("44 it")
        yield terminal
        ends_well(terminal, desk)


@pytest.mark.parametrize("part", range(3))
def test_every_screen_of_the_library_shows_hostile_records_literally(desk: Desk, part: int) -> None:
    with opened(desk, (160, 50)) as terminal:
        terminal.shows("Details")
        for name, key in keys_of("library")[part::3]:
            press(terminal, f"2{key}", name)
            nothing_raw(terminal.output, name)
            press(terminal, "\x1b", name)
            press(terminal, "\x1b", name)
        terminal.shows("Details")


def test_markup_is_shown_as_it_is_written(desk: Desk) -> None:
    with opened(desk, (160, 50)) as terminal:
        terminal.shows("Details")
        for text in ("[@click=app.quit]x[/]", "[link=http://hostile.example]x[/link]", "\\[red]x\\", "[bold]x[/bold]["):
            number = ALL.index(text)
            terminal.send("/")
            terminal.quiet()
            terminal.send(f"item{number}x\r")
            terminal.shows("1 of")
            terminal.send("i")
            terminal.shows(text)
            press(terminal, "\x1b", text)
            press(terminal, "\x1b", text)


def test_items_on_the_details_the_viewer_and_the_log(desk: Desk) -> None:
    with opened(desk, (110, 34)) as terminal:
        press(terminal, "G", "the oldest")
        for place in range(5):
            for keys in ("i", "\t", "\x1b", "k") if place % 3 else ("f", "\x1b", "L", "\x1b", "y", "\x1b", "k"):
                press(terminal, keys, f"item {place}")


def test_the_jobs_screen(desk: Desk) -> None:
    with opened(desk, (160, 50)) as terminal:
        press(terminal, "t", "jobs")
        for name, key in keys_of("jobs"):
            if name != "back":
                press(terminal, key, name)
                press(terminal, "\x1b", name)
                if "n new" not in terminal.text or "Projects" in terminal.text:
                    press(terminal, "t", name)


@pytest.fixture
def service() -> Iterator[HostileService]:
    server = FalServer()
    yield HostileService(server)
    server.close()


def to_the_form(terminal: Terminal) -> None:
    """From the library to the form; an escape before it must have been answered: with the next key it is another."""
    terminal.shows("Projects", "n new")
    terminal.send("n")
    terminal.shows("1 chosen", "generates")


def test_a_hostile_service_on_the_form_and_in_the_results(desk: Desk, service: HostileService) -> None:
    service.config(desk.locations.config_file)
    environment = {**desk.environment, "MEDIATUI_CONFIG": str(desk.locations.config_file)}
    with Terminal([], environment, size=(160, 50)) as terminal:
        for turn in (2, 3, 17):
            service.turn = turn
            to_the_form(terminal)
            for keys in ("\t\t", "\t\t", "\t"):
                press(terminal, keys, "fields")
            terminal.send("\x1b")
            to_the_form(terminal)
            before = len(service.server.submits)
            press(terminal, f"a fox [/] {turn}\x13", "sending")
            service.server.wait_for("submit", before + 1)
            terminal.shows("Projects")
            press(terminal, "t", "jobs")
            terminal.shows("Jobs")
            terminal.send("\x1b")
        assert service.server.submits
        ends_well(terminal, desk)
