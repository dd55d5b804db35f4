"""Settings that only the interface understands: how pictures are drawn, and with what they are opened."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mediatui.config_file import load_settings
from mediatui.config_text import template, toml_value
from mediatui.errors import UsageError
from mediatui.settings import GRAPHICS, Settings
from mediatui.tui.terminal.capabilities import CHOICES
from mediatui.tui.terminal.openers import read_openers

OPENERS = """
[ui]
graphics = "half"
[[open]]
run = "mpv --loop -- {}"
mime = "video/*"
[[open]]
run = "less {}"
needs = "tty"
title = "pager"
"""


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return load_settings(path)


def test_the_words_for_graphics_are_those_the_interface_knows() -> None:
    assert tuple(map(str, CHOICES)) == GRAPHICS


def test_openers_are_read_in_their_order(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OPENERS)
    assert settings.graphics == "half"
    first, second, *_ = read_openers(settings.openers)
    assert (first.run, first.mime, first.detach) == ("mpv --loop -- {}", "video/*", True)
    assert (second.words, second.needs, second.detach) == ("pager", "tty", False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ui]\ngraphics = "sixel"', "ui.graphics must be one of auto, kitty, half, off"),
        ("[ui]\ngraphics = 3", "ui.graphics must be a text, not a whole number"),
        ('open = ["mpv"]', "open must be a list of tables"),
        ('open = "mpv"', "open must be a list"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        settings_of(tmp_path, text)


def test_the_template_shows_them_and_means_the_defaults(tmp_path: Path) -> None:
    lines = template().splitlines()
    shown = [line.removeprefix("# ") if line.startswith(("# open =", "# graphics =")) else line for line in lines]
    assert len([line for line, before in zip(shown, lines, strict=True) if line != before]) == 2
    settings = settings_of(tmp_path, "\n".join(shown))
    assert (settings.openers, settings.graphics) == ((), "auto")


def test_openers_can_be_shown_as_they_are_written(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, OPENERS)
    assert tomllib.loads(f"open = {toml_value(settings.openers)}")["open"] == list(settings.openers)
