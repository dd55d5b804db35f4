"""Hostile texts on the screens that organise, show and compare: each opened, walked through, and every key pressed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hostile.test_hostile_terminal import keys_of, opened, press
from tests.support.app_killing import Desk
from tests.support.fal_server import png
from tests.support.hostile import ALL, CONTROLS, MARKUP, nothing_outside, nothing_raw
from tests.support.terminal import Terminal

PLAIN = MARKUP[4]
"""Shown as it is written, where it is shown in full."""


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("home"))


@pytest.fixture
def terminal(desk: Desk) -> Iterator[Terminal]:
    """The library of hostile records, and a good end of it."""
    with opened(desk, (160, 50)) as terminal:
        terminal.shows("Details")
        press(terminal, "2", "the media list")
        yield terminal


def walk(terminal: Terminal, scope: str, again: str, *, without: tuple[str, ...] = ()) -> None:
    """Press every key of a screen, coming back to it by the keys that open it."""
    for name, key in keys_of(scope):
        if name not in ("back", *without):
            for keys in (key, "\x1b", "\x1b", "\x1b", again):
                press(terminal, keys, f"{scope}.{name}")
            nothing_raw(terminal.output, f"{scope}.{name}")


def test_the_trash(terminal: Terminal) -> None:
    for _ in range(8):
        press(terminal, "G" + "k" * 20 + "d", "one of them")
        terminal.shows("esc cancel")
        press(terminal, "y", "to the trash")
    press(terminal, "Z", "the trash")
    terminal.shows("8 entries", PLAIN)
    for keys in ("j" * 20, "k", "r", "u", "D", "\x1b", "E", "\x1b", "G", "r"):
        press(terminal, keys, "the trash")
    walk(terminal, "trash", "Z")


def test_cleaning_up(terminal: Terminal) -> None:
    press(terminal, "C", "clean up")
    terminal.shows("Failed jobs")
    for keys in ("j ", "j ", "jjj ", "\x13", "\x1b", "\t", "\x13", "\x1b"):
        press(terminal, keys, "the plan")
    terminal.shows("Clean up", "thing")
    press(terminal, "\x13", "the question")
    terminal.shows("esc cancel", "[/]")
    press(terminal, "y", "the deed")
    press(terminal, "u", "back again")
    walk(terminal, "clean", "C")


def test_disk_usage(terminal: Terminal) -> None:
    press(terminal, "B", "usage")
    terminal.shows("in all", "Demo [/]")
    for _ in range(4):
        press(terminal, "\t", "another table")
        press(terminal, "jjG", "to its end")
    walk(terminal, "usage", "B")


def test_an_import(terminal: Terminal, desk: Desk) -> None:
    folder = desk.root / "from elsewhere"
    folder.mkdir()
    for number, text in enumerate(ALL):
        name = text.replace("/", "_").replace("\x00", "_")[:40].encode("utf-8", "replace").decode()
        (folder / f"{number} {name}.png").write_bytes(png(3, 4))
        (folder / f"{number} {name}.txt").write_text("no media")
    press(terminal, "X", "import")
    terminal.shows("Nothing is written before")
    press(terminal, "~/from elsewhere\t" + "into [/] " + CONTROLS[0].replace("\x1b", "") + "\x13", "the plan")
    terminal.shows("a folder of media", "left out", "0 \\x1b[7777;7771mHOSTILE.png")
    press(terminal, "\t" + "j" * 30, "to its end")
    terminal.send("\x13")
    terminal.shows("imported")
    press(terminal, "\x1b", "the library")
    terminal.shows("into [/]")
    for keys in ("jjj", "i", "\x1b", "f", "n", "n", "\x1b", "u"):
        press(terminal, keys, "what was imported")
    nothing_outside(desk.root / "data")


def test_the_whole_screen_and_two_side_by_side(terminal: Terminal) -> None:
    press(terminal, "G", "the oldest")
    press(terminal, "f", "the view")
    terminal.shows("of 44")
    for keys in "pp]z+swyOn0$ ":
        press(terminal, keys, f"the view, {keys}")
        press(terminal, "\x1bf" if "esc back" not in terminal.text else "", "the view again")
    for _ in range(3):
        press(terminal, "\x1b", "back")
    press(terminal, "Gkk  =", "compare")
    terminal.shows("Compare", "differ")
    for keys in ("\t", "j" * 12, "x", "\t"):
        press(terminal, keys, "compare")
    press(terminal, "b", "list again")


def test_tags_notes_names_and_pickers(terminal: Terminal) -> None:
    number = ALL.index(PLAIN)
    press(terminal, "/", "filter")
    press(terminal, f"item{number}x\r", "one item")
    terminal.shows("1 of")
    press(terminal, "T", "tags")
    terminal.shows("Tags of [bold]x[/bold][", "1 item")
    press(terminal, "[/red] $error\r", "a tag of one's own")
    terminal.shows("[/red]")
    press(terminal, "\x1b", "tags")
    for keys in ("N", "more [/]\x13", "e", " [/]\r", "z", "4", "m", "\x1b", "M", "[/] new\r", "y", "\x1b", "O", "\x1b"):
        press(terminal, keys, "organising")
    for keys in ("'", "\x1b", "s", "\x1b", "D", "\x1b", "P", "\x1b", "p", "[/] \\[x\r"):
        press(terminal, keys, "projects")


def test_prompts_templates_and_the_log(terminal: Terminal) -> None:
    press(terminal, "L", "the log")
    for keys in ("e", "/", "[/]\r", "f", "f", "y", "\x1b"):
        press(terminal, keys, "the log")
    press(terminal, "n", "the form")
    terminal.shows("1 chosen")
    press(terminal, "\x12", "prompts sent before")
    terminal.shows("type to search")
    press(terminal, "bold\r", "a prompt of before")
    terminal.shows(PLAIN)
    press(terminal, " {{gap [/]}} {{two=[red]}}", "gaps")
    press(terminal, "\x14", "templates")
    terminal.shows("Templates")
    press(terminal, "t [/]\r", "kept")
    press(terminal, "\x14", "templates")
    terminal.shows("t [/]")
    press(terminal, "\r", "filled in")
    for _ in range(3):
        press(terminal, "[/]\r", "a gap")
    press(terminal, "\x1b", "the library")
