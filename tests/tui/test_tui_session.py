"""A session that goes on where it was left; work of others that shows by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import MediaItem, SaveState
from mediatui.tui.memory import MAX_PLACES, Keeper, Memory, Place, load_memory, save_memory
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.shelf import Shelf
from mediatui.tui.widgets.prompt import PromptArea

from .conftest import Session, Start, until


async def leave(session: Session) -> None:
    """Quit as a person does, memory included."""
    session.app.exit(0)
    session.app.keep_session()


async def test_project_row_filter_order_and_pane_come_back(start: Start) -> None:
    async with start() as session:
        await session.generate("an owl", project="other")
        for prompt in ("a cat", "a dog", "a cat again"):
            await session.generate(prompt)
        await session.press("slash", "c", "a", "t", "enter", "S", "G")
        library = session.library
        key, order, usual = library.media.key, library.shelf.order, Shelf().order
        assert (library.shelf.words, library.media.cursor) == ("cat", 1)
        assert order != usual
        await session.press("3")
        await leave(session)
    async with start() as session:
        library = session.library
        await until(lambda: library.media.key == key, "the row")
        await until(lambda: len(library.summaries) == 2, "the projects")
        assert library.summaries[library.project_id or ""].name == "demo"
        assert library.shelf.words == "cat"
        assert library.shelf.order == order
        await until(lambda: library.panes.current == "detail", "the pane")
        other = next(s.id for s in library.summaries.values() if s.name == "other")
        await library.projects.open(other)
        assert library.shelf.words == ""
        assert library.shelf.order == usual


async def test_a_vanished_project_is_no_obstacle(start: Start, home: Locations) -> None:
    save_memory(home.state, Memory(project="gone", screen="nothing of ours"))
    async with start() as session:
        await session.generate()
        assert session.library.project_id == "demo"


async def test_the_screen_in_front_and_a_half_typed_prompt_come_back(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        await until(lambda: screen.is_mounted and screen.focused is not None, "the form")
        screen.query_one(PromptArea).text = "half a thought"
        await leave(session)
    async with start() as session:
        screen = await session.screen(GenerateScreen)
        await until(lambda: screen.query(PromptArea) and screen.query_one(PromptArea).text == "half a thought", "it")
        await until(lambda: screen.focused is not None, "the form")
        await session.press("escape", "t")
        await session.screen(JobsScreen)
        await leave(session)
    async with start() as session:
        await session.screen(JobsScreen)


async def test_a_dialog_may_be_answered_before_it_is_drawn(start: Start) -> None:
    async with start() as session:
        answers: list[bool | None] = []
        dialog = ConfirmScreen("?", [], "go")
        session.app.push_screen(dialog, answers.append)
        dialog.dismiss(True)
        await until(lambda: answers == [True], "the answer")


def test_two_windows_keep_each_others_filters(tmp_path: Path) -> None:
    save_memory(tmp_path, Memory(project="one", filters={"old": "tag:old", "hero": "tag:hero"}))
    first, second = load_memory(tmp_path), load_memory(tmp_path)
    first.keep_filter("night", "tag:night")
    first.drop_filter("old")
    save_memory(tmp_path, first)
    second.keep_filter("hero", "rating:5")
    save_memory(tmp_path, second)
    save_memory(tmp_path, first)
    assert load_memory(tmp_path).filters == {"night": "tag:night", "hero": "rating:5"}
    first.learn_filters(load_memory(tmp_path))
    assert first.filters == {"night": "tag:night", "hero": "rating:5"}


def test_two_windows_keep_each_others_places(tmp_path: Path) -> None:
    one, two = Keeper(tmp_path), Keeper(tmp_path)
    first, second = load_memory(tmp_path), load_memory(tmp_path)
    first.leave("a", Place("one"))
    second.leave("b", Place("two"))
    second.leave("a", Place("later"))
    one.now(first)
    two.now(second)
    one.now(first)
    found = load_memory(tmp_path)
    assert found.place("a") == Place("one")
    assert found.place("b") == Place("two")
    for number in range(MAX_PLACES + 5):
        found.leave(str(number), Place())
    one.now(found)
    assert len(load_memory(tmp_path).places) == MAX_PLACES
    assert [path.name for path in tmp_path.iterdir()] == ["interface.json"]


def test_the_latest_of_many_states_is_what_stays(tmp_path: Path) -> None:
    keeper, memory = Keeper(tmp_path), Memory()
    for number in range(200):
        memory.project = str(number)
        keeper.later(memory)
    keeper.now(memory)
    assert load_memory(tmp_path).project == "199"


# Work of others.


async def test_deleted_and_returned_files_show_by_themselves(start: Start) -> None:
    async with start() as session:
        await session.generate()
        item = await saved(session)
        path = session.app.studio.file_of(item)
        assert path is not None
        aside = path.with_name(f".{path.name}")
        path.rename(aside)
        await until(lambda: state(session, item) is SaveState.MISSING, "missing")
        aside.rename(path)
        await until(lambda: state(session, item) is SaveState.SAVED, "back")


async def saved(session: Session) -> MediaItem:
    """The one item, on disk."""
    await until(lambda: [i.save_state for i in session.items] == [SaveState.SAVED], "the file")
    return session.items[0]


def state(session: Session, item: MediaItem) -> SaveState:
    """An item's state as the list has it."""
    return session.library.shelf.items[item.id].save_state


async def test_a_project_of_another_instance_shows_by_itself(start: Start, home: Locations) -> None:
    async with start() as session:
        await session.generate()
        other = Library(home)
        try:
            await asyncio.to_thread(other.create, "From elsewhere")
            names = {"demo", "From elsewhere"}
            await until(lambda: {s.name for s in session.library.summaries.values()} == names, "the project")
        finally:
            other.close()
