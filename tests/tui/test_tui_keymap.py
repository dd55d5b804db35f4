"""Keys of one's own, and the page of all keys."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from tests.cli.home import Home
from textual.widgets import Static

from mediatui.settings import Settings
from mediatui.tui.actions import ACTIONS, action
from mediatui.tui.own_keys import normal_key, read_keymap, undelivered
from mediatui.tui.screens.dialogs import ConfirmScreen, MenuScreen
from mediatui.tui.screens.help import HelpList, HelpScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.widgets.bars import Bar, KeyBar
from mediatui.tui.widgets.line_list import LineList
from mediatui.tui.widgets.lines import Lines

from .conftest import Start, until

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("written", "key"),
    [("?", "question_mark"), ("^p", "ctrl+p"), ("C-p", "ctrl+p"), ("Ctrl-P", "ctrl+p"), ("pgdn", "pagedown"),
     ("G", "G"), ("+", "plus"), ("-", "minus"), (" ", "space"), ("Esc", "escape"), ("F5", "f5"),
     ("shift+tab", "shift+tab"), ("control+shift+x", "ctrl+shift+x")],
)  # fmt: skip
def test_keys_are_understood_as_people_write_them(written: str, key: str) -> None:
    assert normal_key(written) == key


@pytest.mark.parametrize(
    "key", ["ctrl+enter", "shift+enter", "ctrl+i", "ctrl+shift+a", "alt+x", "ctrl+1", "ctrl+space"]
)
def test_keys_that_tmux_keeps_are_known(key: str) -> None:
    assert undelivered(key)


@pytest.mark.parametrize("key", sorted({key for entry in ACTIONS for key in entry.keys}))
def test_every_default_key_is_delivered_and_written(key: str) -> None:
    assert not undelivered(key)
    assert normal_key(key) == key


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("library.sav", ("ctrl+t",), "did you mean library.save"),
        ("rubbish", ("ctrl+t",), "mediatui keys"),
        ("save", ("ctrl+t",), "several actions"),
        ("library.trash", ("x",), "x is library.export's; it keeps d del"),
        ("library.new", ("j",), "list.down"),
        ("library.jobs", ("f1",), "app.help"),
        ("library.filter", ("ctrl+enter",), "not delivered inside tmux"),
        ("library.jobs", ("ctrl+q",), "cannot be given away"),
        ("library.jobs", ("crtl+t",), "is no key, perhaps ctrl+t"),
        ("generate.back", ("x",), "typed into the text"),
    ],
)
def test_what_cannot_be_used_is_told_and_the_default_stays(name: str, keys: tuple[str, ...], words: str) -> None:
    keymap = read_keymap({name: keys})
    assert len(keymap.problems) == 1
    assert words in keymap.problems[0]
    assert not keymap.own


def test_keys_may_be_swapped_and_a_plain_one_may_stand_beside_a_rare_one() -> None:
    keymap = read_keymap({"library.undo": ("y",), "library.copy": ("u",), "library.sort": ("ctrl+enter", "ctrl+t")})
    assert not keymap.problems
    assert keymap.keys(action("library", "undo")) == ("y",)
    assert keymap.keys(action("library", "copy")) == ("u",)
    assert keymap.keys(action("library", "sort")) == ("ctrl+t",)


def test_of_two_that_want_one_key_the_first_gets_it() -> None:
    keymap = read_keymap({"library.undo": ("ctrl+t",), "library.copy": ("ctrl+t",)})
    assert list(keymap.own) == ["library.undo"]
    assert "library.copy: ^t is library.undo's" in keymap.problems[0]


async def test_help_says_all_of_the_row_under_the_cursor_where_rows_are_cut(start: Start) -> None:
    async with start(size=(60, 20)) as session:
        await session.press("question_mark")
        screen = await session.screen(HelpScreen)
        rows = screen.query_one(HelpList)
        assert all(cells[0][0].endswith(" ") for cells in (rows.cells(key, 58) for key in rows.keys))
        await session.type("no local file")
        await until(lambda: len(rows.keys) == 1, "found")
        words = action("library", "save-to-disk").help
        await until(lambda: words[:50] in screen.query_one("#status", Bar).text, "the sentence")


async def test_own_keys_work_and_show_in_bar_and_help(start: Start) -> None:
    settings = Settings(poll_seconds=0.05, keys={"library.jobs": ("ctrl+t",), "library.nothing": ("Y",)})
    async with start(settings=settings) as session:
        bar = session.library.query_one(KeyBar)
        assert "^t jobs" in bar.text
        assert " t jobs" not in bar.text
        await until(lambda: session.app.toasts.texts, "the problem")
        assert len(session.app.toasts.texts) == 1
        assert "library.nothing" in session.app.toasts.texts[0]
        await session.press("t")
        assert session.app.screen is session.library
        await session.press("ctrl+t")
        await session.screen(JobsScreen)
        await session.press("escape", "question_mark")
        screen = await session.screen(HelpScreen)
        await session.type("^t")
        await session.pilot.pause()
        assert "library.jobs" in screen.query_one(LineList).keys


def test_the_command_lists_actions_and_problems(tmp_path: Path) -> None:
    home = Home(tmp_path)
    config = tmp_path / "config" / "mediatui"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[keys]\nlibrary.trash = "ctrl+t"\n"library.sav" = "w"\n', "utf-8")
    done = home.run("keys", "--json")
    assert done.code == 2
    assert "library.save" in json.loads(done.out)["problems"][0]
    found = {entry["action"]: entry for entry in done.document["actions"]}
    assert found.keys() == {entry.binding_id for entry in ACTIONS}
    assert found["library.trash"]["keys"] == ["ctrl+t"]
    assert found["library.trash"]["default"] == ["d", "delete"]
    (config / "config.toml").write_text("[keys]\n", "utf-8")
    assert home.run("keys", "trash").code == 0


def test_the_page_of_keys_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("keys_page", ROOT / "docs" / "keys_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run: python docs/keys_page.py"


async def test_sentences_name_the_keys_that_are_in_force(start: Start) -> None:
    own = {
        "library.undo": ("ctrl+z",),
        "library.new": ("f4",),
        "library.retry": ("ctrl+y",),
        "confirm.yes": ("J",),
        "menu.back": ("f8",),
    }
    async with start(settings=Settings(poll_seconds=0.05, keys=own)) as session:
        assert not session.app.keys.problems
        assert "F4\twrites a prompt" in session.library.media.empty
        await session.generate(models=("sandbox/faults/always-broken-download",))
        await until(lambda: "^y tries" in session.library.query_one("#detail", Lines).text, "the detail pane")
        await session.press("d")
        dialog = await session.screen(ConfirmScreen)
        assert dialog.query_one("#keys", Bar).text.startswith("J move to trash")
        assert "^z brings" in dialog.query_one(".box-text", Static).content.plain
        await session.press("J")
        await until(lambda: "^z brings it back" in session.status(), "what was done")
        await session.press("P")
        menu = await session.screen(MenuScreen)
        assert "F8 cancel" in menu.query_one("#keys", Bar).text
