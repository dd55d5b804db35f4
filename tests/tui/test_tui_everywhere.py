"""All projects in one list: filtered, organised, moved between; it follows what comes and goes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from rich.cells import cell_len

from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import MediaItem, SaveState
from mediatui.tui.format import ago
from mediatui.tui.screens.dialogs import AskScreen, ConfirmScreen, MenuScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.shelf import EVERYWHERE
from mediatui.tui.widgets.lines import Lines

from .conftest import Session, Start, until


@pytest.fixture
async def all_of(start: Start) -> AsyncIterator[Session]:
    """Two projects with a picture each; all of them shown, the cursor on the later one, "neon city" of Film."""
    async with start(size=(170, 40)) as session:
        await session.generate("misty valley", project="demo")
        await session.generate("neon city", project="Film")
        await until(lambda: len(session.library.project_list.keys) == 3, "the row of all")
        await session.press("1", "g", "enter")
        await until(lambda: session.library.everywhere, "all projects")
        await until(lambda: {i.save_state for i in session.items} == {SaveState.SAVED}, "saved")
        await until(lambda: prompts(session) == ["neon city", "misty valley"], "both")
        await session.press("g")
        yield session


def prompts(session: Session) -> list[str]:
    shelf = session.library.shelf
    return [shelf.items[key].prompt for key in shelf.rows if key in shelf.items]


def named(session: Session, prompt: str) -> MediaItem:
    return next(item for item in session.items if item.prompt == prompt)


def row(session: Session, prompt: str) -> str:
    return "".join(text for text, _ in session.library.media.cells(named(session, prompt).id, 100))


@pytest.mark.parametrize("width", [40, 62, 100, 170])
async def test_rows_end_where_they_should_in_scripts_with_wide_letters(all_of: Session, width: int) -> None:
    media = all_of.library.media
    film = named(all_of, "neon city")
    await all_of.app.ask(all_of.app.studio.rename_project(film.project, "映画の企画"))
    await until(lambda: all_of.library.shelf.projects.get(film.project) == "映画の企画", "renamed")
    cells = media.cells(film.id, width)
    assert cell_len("".join(text for text, _ in cells)) == width
    assert cells[-1][0].rstrip().endswith(ago(film.created_at))


async def test_the_row_of_all_projects_is_not_cut_beside_a_large_number(start: Start) -> None:
    async with start(size=(120, 30)) as session:
        projects = session.library.project_list
        await session.app.ask(session.app.studio.create_project("One"))
        await session.app.ask(session.app.studio.create_project("Two"))
        await until(lambda: len(projects.keys) == 3, "the row of all")
        many = replace(projects.summaries[EVERYWHERE], items=10_110)
        projects.summaries[EVERYWHERE] = many
        projects.touch([EVERYWHERE])
        assert projects.render_line(0).text.split() == ["All", "10,110"]


@pytest.mark.parametrize("project", ["demo", "*"])
async def test_what_happens_while_a_project_is_being_read_is_not_lost(
    start: Start, pictures: None, project: str
) -> None:
    async with start() as session:
        await session.app.ask(session.app.studio.create_project("Other"))
        await session.library.projects.refresh()
        await session.library.projects.open("other")
        opening = asyncio.ensure_future(session.library.projects.open(project))
        await asyncio.sleep(0)  # it has asked by now
        pool = session.app.studio._core.record_pool
        done = threading.Barrier(pool._size + 1)
        for _ in range(pool._size):
            pool.submit(done.wait)
        done.wait(30)  # and was answered; the answer is on its way
        demo = session.app.studio._core.library.open("demo")
        item = demo.edit_item(demo.items()[0].id, lambda held: replace(held, rating=5))
        batch = session.app._bridge.take()
        assert batch is not None
        session.library.follow(batch)
        await opening
        assert session.library.shelf.items[item.id].rating == 5


async def test_rows_name_their_project_and_the_filter_knows_it(all_of: Session) -> None:
    listed = all_of.library.project_list
    assert listed.summaries[EVERYWHERE].name == "All projects"
    await until(lambda: listed.summaries[EVERYWHERE].items == 2, "counted")
    assert "Film" in row(all_of, "neon city")
    assert "demo" in row(all_of, "misty valley")
    detail = all_of.library.query_one("#detail", Lines)
    await until(lambda: "neon city" in detail.text and detail.text.startswith("project Film"), "the details say it")
    await all_of.press("slash")
    await all_of.type("project:de")
    await until(lambda: prompts(all_of) == ["misty valley"], "filtered by project")
    await all_of.press("enter", "escape")
    await until(lambda: len(prompts(all_of)) == 2, "all again")
    await all_of.press("s")
    await all_of.screen(PickScreen)
    await all_of.type("project")
    await all_of.press("enter")
    await until(lambda: prompts(all_of) == ["misty valley", "neon city"], "by project's name")


async def test_verbs_reach_items_of_several_projects_and_are_taken_back(all_of: Session) -> None:
    await all_of.press("A", "z")
    await all_of.screen(MenuScreen)
    await all_of.press("4")
    await until(lambda: [item.rating for item in all_of.items] == [4, 4], "both rated")
    await all_of.press("u")
    await until(lambda: [item.rating for item in all_of.items] == [None, None], "taken back")
    await all_of.press("d")
    await all_of.screen(ConfirmScreen)
    await all_of.press("y")
    await until(lambda: not all_of.items, "both in the trash of their project")
    await all_of.press("u")
    await until(lambda: {i.prompt: i.project for i in all_of.items} == HOMES, "each is back where it was")


HOMES = {"misty valley": "demo", "neon city": "film"}


async def test_an_item_that_moves_to_another_project_stays_in_sight(all_of: Session) -> None:
    await all_of.press("m")
    await all_of.screen(PickScreen)
    await all_of.type("demo")
    await all_of.press("enter")
    await until(lambda: {item.project for item in all_of.items} == {"demo"}, "both in one")
    await until(lambda: "demo" in row(all_of, "neon city"), "the row says so")
    await all_of.press("u")
    await until(lambda: {i.prompt: i.project for i in all_of.items} == HOMES, "back")


async def test_projects_that_come_go_and_change_their_name_are_followed(all_of: Session, home: Locations) -> None:
    other = Library(home)
    project = other.create("Elsewhere")
    project.commit(items=[MediaItem("item-9", project.id, "x.png", named(all_of, "neon city").type, prompt="a fox")])
    other.close()
    await until(lambda: "a fox" in prompts(all_of), "a project of another window")
    await all_of.press("1", "G", "e")
    await all_of.screen(AskScreen)
    await all_of.press("ctrl+u")
    await all_of.type("Cinema")
    await all_of.press("enter")
    await until(lambda: "Cinema" in row(all_of, "neon city"), "renamed")
    await all_of.press("D")
    await all_of.screen(ConfirmScreen)
    await all_of.press("y")
    await until(lambda: sorted(prompts(all_of)) == ["a fox", "misty valley"], "its items went with it")
    await all_of.press("u")
    await until(lambda: len(prompts(all_of)) == 3, "and came back")
    assert all_of.library.everywhere


async def test_what_needs_one_project_says_so(all_of: Session) -> None:
    def told(words: str) -> bool:
        return any(words in note.message for note in all_of.app._notifications)

    await all_of.press("x")
    await until(lambda: told("an export is of one project"), "asks for one")
    await all_of.press("1", "g", "D")
    await until(lambda: told("these are all projects"), "asks for one")
    await all_of.press("f5")
    await until(lambda: "agrees with the index of every project" in all_of.status(), "compared")
    assert isinstance(all_of.app.screen, LibraryScreen)


async def test_all_projects_are_shown_again_at_the_next_start(all_of: Session, start: Start) -> None:
    all_of.app.memory.filters["keep"] = "x"
    all_of.app.remember()
    await all_of.press("q")
    await until(lambda: not all_of.app.is_running, "ended")
    all_of.app.stop_studio()
    async with start(size=(170, 40)) as again:
        await until(lambda: again.library.everywhere and len(again.items) == 2, "all of them")
        assert "Film" in row(again, "neon city")
