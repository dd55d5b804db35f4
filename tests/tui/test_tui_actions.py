"""The registry of actions: every key has an action, every action has an answer."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import Counter
from typing import Any

import pytest
from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widgets import Input, OptionList, TextArea

import mediatui.tui
from mediatui.library.reconcile import Differences
from mediatui.tui.action import Target
from mediatui.tui.actions import ACTIONS, action, in_scope, key_name
from mediatui.tui.actor import Actor
from mediatui.tui.app import MediatuiApp
from mediatui.tui.keymap import Keymap
from mediatui.tui.memory import Draft
from mediatui.tui.screens.cleanup import CleanScreen
from mediatui.tui.screens.compare import CompareScreen
from mediatui.tui.screens.dialogs import AskScreen, Choice, ConfirmScreen, MenuScreen
from mediatui.tui.screens.disk import DiskScreen
from mediatui.tui.screens.export import ExportScreen
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.help import HelpScreen, matches
from mediatui.tui.screens.import_ import ImportScreen
from mediatui.tui.screens.item import ItemScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.log import LogScreen, Subject
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.screens.trash import TrashScreen
from mediatui.tui.screens.usage import UsageScreen
from mediatui.tui.screens.viewer import ViewerScreen
from mediatui.tui.shelf import Shelf
from mediatui.tui.widgets.form import Cycle, FieldLine
from mediatui.tui.widgets.line_list import LineList
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.media_grid import MediaGrid
from mediatui.tui.widgets.media_list import NOT_GOING, MediaList
from mediatui.tui.widgets.model_picker import ModelList

from .conftest import Start, until


def our_classes() -> set[type[DOMNode]]:
    """Every screen and widget of the interface, and the app."""
    found: set[type[DOMNode]] = set()
    for info in pkgutil.walk_packages(mediatui.tui.__path__, "mediatui.tui."):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, DOMNode) and value.__module__ == info.name:
                found.add(value)
    return found


def test_a_key_means_one_thing_in_a_scope() -> None:
    twice = [pair for pair, count in Counter((a.scope, key) for a in ACTIONS for key in a.keys).items() if count > 1]
    assert not twice


def test_no_widget_takes_a_key_away_from_its_screen() -> None:
    inside = {"library": ("list", "media", "text"), "jobs": ("list", "text"), "item": ("text",), "export": ("text",)}
    for screen, widgets in inside.items():
        taken = {key for scope in widgets for a in in_scope(scope) for key in a.keys}
        lost = [a.id for a in in_scope(screen) if taken & set(a.keys) and not a.priority]
        assert not lost, screen


def test_identifiers_are_unique_and_everything_is_explained() -> None:
    assert len({a.binding_id for a in ACTIONS}) == len(ACTIONS)
    assert all(a.keys and a.title and a.help.endswith(".") and a.group for a in ACTIONS)


def test_bindings_of_our_classes_come_from_the_registry() -> None:
    known = {a.binding_id for a in ACTIONS}
    for kind in our_classes():
        own = kind.__dict__.get("BINDINGS", [])
        assert all(isinstance(b, Binding) and b.id in known for b in own), kind
        if not issubclass(kind, Input | TextArea) and issubclass(kind, Actor):
            merged = kind._merge_bindings()
            assert all(b.id in known for found in merged.key_to_bindings.values() for b in found), kind


def _grid() -> MediaGrid:
    async def poster_of(key: str) -> None:
        return None

    grid = MediaGrid(Shelf(), lambda key: NOT_GOING, poster_of)
    grid.gridded = True
    return grid


async def test_every_action_is_answered_where_it_applies(start: Start) -> None:
    async with start() as session:
        app = session.app
        screens: dict[str, Any] = {
            "library": session.library,
            "filter": session.library,
            "app": app,
            "jobs": JobsScreen(),
            "generate": GenerateScreen(Draft(), ""),
            "form": GenerateScreen(Draft(), ""),
            "help": HelpScreen(("library",)),
            "export": ExportScreen("demo", None),
            "confirm": ConfirmScreen("?", [], "go"),
            "ask": AskScreen("?"),
            "pick": PickScreen("?", []),
            "trash": TrashScreen(),
            "clean": CleanScreen(None),
            "usage": UsageScreen(),
            "import": ImportScreen(),
            "log": LogScreen(Subject()),
            "disk": DiskScreen("demo", Differences()),
            "menu": MenuScreen("?", [Choice("a", "A", "a")]),
            "item": ItemScreen.__new__(ItemScreen),
            "list": LineList(),
            "viewer": ViewerScreen(["a"], "a"),
            "compare": CompareScreen.__new__(CompareScreen),
            "grid": _grid(),
            "text": Lines(),
            "media": MediaList(Shelf(), lambda key: NOT_GOING),
            "models": ModelList(),
            "choice": Cycle(["a"], "a"),
        }
        for entry in ACTIONS:
            node = screens[entry.scope]
            assert entry.id in node.handlers(), entry.binding_id
            assert entry.target is not Target.APP or isinstance(node, MediatuiApp)


async def test_active_keys_of_the_library_are_all_known(start: Start) -> None:
    known = {a.binding_id for a in ACTIONS}
    async with start() as session:
        assert isinstance(session.app.screen, LibraryScreen)
        active = session.app.screen.active_bindings.values()
        assert len(active) > 40
        assert {entry.binding.id for entry in active} <= known


async def test_palette_offers_what_can_be_done_and_does_it(start: Start) -> None:
    from mediatui.tui.screens.palette import offered

    async with start() as session:
        ids = {entry.id for entry, _ in offered(session.app)}
        wanted = {a.id for scope in ("library", "media", "app") for a in in_scope(scope) if a.palette}
        assert ids == wanted
        await session.press("ctrl+p")
        await session.type("new generation")
        hits = session.app.screen.query_one(OptionList)
        await until(lambda: hits.option_count == 1 and hits.highlighted == 0, "the hit")
        await session.press("enter")
        screen = await session.screen(GenerateScreen)
        await until(lambda: screen.query(FieldLine), "the form")


async def test_a_click_on_a_place_that_is_gone_is_none(start: Start) -> None:
    async with start() as session:
        await session.press("ctrl+p")
        palette = session.app.screen
        await session.pilot.resize_terminal(60, 8)
        palette.post_message(events.Click(palette, 91, 9, 0, 0, 1, False, False, False, 91, 9))
        await session.pilot.pause()
        await session.press("escape")
        await session.screen(LibraryScreen)


async def test_a_palette_that_lost_its_room_has_no_pages(start: Start) -> None:
    async with start() as session:
        await session.press("ctrl+p")
        hits = session.app.screen.query_one(OptionList)
        await until(lambda: hits.highlighted == 0, "the commands")
        await session.pilot.resize_terminal(1, 1)
        await until(lambda: not hits.scrollable_content_region, "no room")
        await session.press("pageup", "pagedown", "escape")
        await session.screen(LibraryScreen)


@pytest.mark.parametrize(
    ("words", "found"),
    [("R", "retry-all"), ("trash", "trash"), ("f5", "refresh"), ("?", "help"), ("unsaved save", "retry-all")],
)
def test_help_finds_by_key_and_by_words(words: str, found: str) -> None:
    assert any(matches(a, words) and a.id == found for a in ACTIONS)


def test_help_by_a_single_key_finds_only_that_key() -> None:
    assert {a.id for a in ACTIONS if matches(a, "R")} == {"retry-all", "recheck-all"}


async def test_help_shows_keys_of_the_screen_and_searches(start: Start) -> None:
    async with start() as session:
        await session.press("question_mark")
        screen = await session.screen(HelpScreen)
        found = screen.query_one(LineList)
        assert found.keys[0].startswith("library.")
        await session.type("expor")
        await session.pilot.pause()
        assert "library.export" in found.keys
        assert "library.sort" not in found.keys
        await session.press("tab")
        assert screen.focused is found
        await session.press("shift+tab", "down")
        assert screen.focused is found
        await session.press("shift+tab", "escape")
        await session.screen(LibraryScreen)


def test_keys_are_written_as_people_write_them() -> None:
    assert key_name("ctrl+p") == "^p"
    assert key_name("f5") == "F5"
    assert Keymap().names(action("library", "trash")) == "d del"
    assert key_name("shift+down") == "shift+↓"
