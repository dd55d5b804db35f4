"""Organising in the library: tags, stars, notes, names, projects, and the way back from each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from textual.widgets import Input, TextArea

from mediatui.model import MediaItem, SaveState
from mediatui.studio.events import OrganiseProgress
from mediatui.tui.screens.dialogs import AskScreen, ConfirmScreen, MenuScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.note import NoteScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.screens.tags import TagScreen
from mediatui.tui.widgets.lines import Lines

from .conftest import Session, Start, until


@pytest.fixture
async def two(start: Start, pictures: None) -> AsyncIterator[Session]:
    """A project with two pictures on disk; the cursor on the later one, "neon city"."""
    async with start(size=(150, 40)) as session:
        await session.open_demo()
        await session.press("g")
        yield session


def named(session: Session, prompt: str) -> MediaItem:
    return next(item for item in session.items if item.prompt == prompt)


def detail(session: Session) -> str:
    return session.library.query_one("#detail", Lines).text


def row(session: Session, prompt: str) -> str:
    media = session.library.media
    key = named(session, prompt).id
    return "".join(text for text, _ in media.cells(key, 100))


async def test_tags_are_added_and_removed_with_completion_and_taken_back(two: Session) -> None:
    await two.press("A", "T")
    screen = await two.screen(TagScreen)
    await two.type("sea view")
    await two.press("enter")
    await until(lambda: all(item.tags == ("sea view",) for item in two.items), "both tagged")
    assert screen.list.entries["sea view"].mark == "●"
    await two.press("escape", "escape")
    await two.press("T")
    screen = await two.screen(TagScreen)
    await two.type("se")
    assert list(screen.list.keys) == ["sea view", "se"]
    await two.press("enter")
    await until(lambda: named(two, "neon city").tags == (), "removed from one")
    assert named(two, "misty valley").tags == ("sea view",)
    await two.press("escape")
    await two.screen(LibraryScreen)
    assert "#sea view" in row(two, "misty valley")
    await two.press("u", "u")
    await until(lambda: not any(item.tags for item in two.items), "no tags")
    await two.press("U")
    await until(lambda: all(item.tags for item in two.items), "both again")
    await until(lambda: "Did again: tag 2 items sea view." in two.status(), "said so")


async def test_stars_by_steps_and_by_menu_and_favourites(two: Session) -> None:
    await two.press("plus", "plus")
    await until(lambda: named(two, "neon city").rating == 2, "two stars")
    await two.press("minus", "minus")
    await until(lambda: named(two, "neon city").rating is None, "unrated")
    await two.press("A", "z")
    await two.screen(MenuScreen)
    await two.press("4")
    await until(lambda: [item.rating for item in two.items] == [4, 4], "both rated")
    await until(lambda: "2 items rated ★★★★" in two.status(), "said so")
    await two.press("escape", "F")
    await until(lambda: named(two, "neon city").favourite, "a favourite")
    assert "♥ ★4" in row(two, "neon city")
    await until(lambda: "♥ ★★★★☆" in detail(two), "in the details")
    await two.press("u", "u")
    await until(lambda: not any(item.rating or item.favourite for item in two.items), "as before")


async def test_a_star_more_or_less_keeps_the_distance_between_marked_items(two: Session) -> None:
    await two.press("plus", "plus", "plus", "A", "plus")
    await until(lambda: named(two, "neon city").rating == 4, "one star more")
    assert named(two, "misty valley").rating == 1
    await until(lambda: "2 items rated one star higher" in two.status(), "said so")
    await two.press("minus", "minus")
    await until(lambda: named(two, "neon city").rating == 2, "two stars less")
    assert named(two, "misty valley").rating is None
    await two.press("u", "u", "u")
    await until(lambda: named(two, "neon city").rating == 3, "as before")
    assert named(two, "misty valley").rating is None


async def test_notes_are_written_changed_and_removed(two: Session) -> None:
    await two.press("N")
    screen = await two.screen(NoteScreen)
    await two.type("keep")
    await two.press("enter")
    await two.type("for the [/intro]")
    await two.press("ctrl+s")
    await until(lambda: named(two, "neon city").notes == "keep\nfor the [/intro]", "the note")
    await until(lambda: "for the [/intro]" in detail(two), "in the details")
    await two.press("N")
    screen = await two.screen(NoteScreen)
    screen.query_one(TextArea).text = ""
    await two.press("ctrl+s")
    await until(lambda: named(two, "neon city").notes == "", "no note")
    await two.press("u")
    await until(lambda: named(two, "neon city").notes, "the note again")


async def test_an_item_is_renamed_and_gets_its_name_back(two: Session) -> None:
    before = named(two, "neon city").name
    await two.press("e")
    screen = await two.screen(AskScreen)
    screen.query_one(Input).value = "Hero shot"
    await two.press("enter")
    await until(lambda: named(two, "neon city").name == "Hero shot", "the new name")
    await two.press("u")
    await until(lambda: named(two, "neon city").name == before, "the old name")
    await until(lambda: f"Took back: rename {before}" in two.status(), "said so")


async def test_marked_items_move_to_a_new_project_and_come_back(two: Session) -> None:
    files = {two.app.studio.file_of(item) for item in two.items}
    await two.press("A", "m")
    screen = await two.screen(PickScreen)
    assert "2 items" in screen._title
    await two.type("Best of")
    await two.press("enter")
    await until(lambda: not two.items, "moved away")
    await until(lambda: "Best of" in {s.name for s in two.library.summaries.values()}, "the project")
    await until(lambda: "2 items moved to “Best of”" in two.status(), "said so")
    moved = next(s for s in two.library.summaries.values() if s.name == "Best of")
    assert moved.items == 2
    await two.press("u")
    await until(lambda: len(two.items) == 2, "back")
    assert {two.app.studio.file_of(item) for item in two.items} == files
    await until(lambda: "Best of" not in {s.name for s in two.library.summaries.values()}, "no such project")


async def test_copies_go_to_a_project_that_is_there(two: Session) -> None:
    await two.app.ask(two.app.studio.create_project("Shelf"))
    await until(lambda: len(two.library.summaries) == 2, "the project")
    await two.press("M")
    await two.screen(PickScreen)
    await two.type("she")
    await two.press("enter")
    shelf = next(s.id for s in two.library.summaries.values() if s.name == "Shelf")
    await until(lambda: two.library.summaries[shelf].items == 1, "the copy")
    assert len(two.items) == 2


async def test_redo_and_undo_say_when_there_is_nothing(two: Session) -> None:
    await two.press("U")
    await until(lambda: any("nothing to redo" in n.message for n in two.app._notifications), "said so")
    await two.press("d")
    await until(lambda: len(two.items) == 1, "in the trash")
    await two.press("u")
    await until(lambda: len(two.items) == 2, "back")
    await two.press("ctrl+r")
    await until(lambda: len(two.items) == 1, "in the trash again")


async def test_a_deleted_project_comes_back_open(two: Session) -> None:
    await two.press("D")
    await two.screen(ConfirmScreen)
    await two.press("y")
    await until(lambda: not two.library.summaries, "gone")
    await two.press("u")
    await until(lambda: len(two.items) == 2, "open again")


async def test_a_verb_that_takes_long_says_how_far_it_is(two: Session) -> None:
    two.app.studio._core.emit(OrganiseProgress("move 3,000 items to Film", "writing records", 1200, 3000))
    await until(lambda: "move 3,000 items to Film: writing records, 1,200 of 3,000" in two.status(), "said so")
    await two.press("d")
    await until(lambda: "moved to the trash" in two.status(), "what came of it takes its place")


async def test_a_file_that_vanishes_is_told_of_once_and_its_row_says_so(two: Session) -> None:
    item = named(two, "neon city")
    two.path_of(item).unlink()
    await until(lambda: named(two, "neon city").save_state is SaveState.MISSING, "marked")
    await until(lambda: any("1 file of “demo” is gone" in n.message for n in two.app._notifications), "told")
    assert "missing" in row(two, "neon city")
    await two.press("f5")
    await until(lambda: "agrees with the index" in two.status(), "nothing new")
    assert sum("is gone" in note.message for note in two.app._notifications) == 1


async def test_a_new_name_is_not_taken_for_the_number_beside_another(two: Session) -> None:
    ids = [item.id for item in two.items]
    await two.app.ask(two.app.studio.organise.tag(ids[:1], ["hero"]))
    await until(lambda: any(item.tags for item in two.items), "tagged")
    await two.press("A", "T")
    await two.screen(TagScreen)
    await two.type("item")
    await two.press("enter")
    await until(lambda: all("item" in item.tags for item in two.items), "the new tag")
    assert sum("hero" in item.tags for item in two.items) == 1
    await two.press("escape")
    await two.app.ask(two.app.studio.create_project("Other"))
    await until(lambda: len(two.library.summaries) == 2, "another project")
    await two.press("m")
    picker: PickScreen = await two.screen(PickScreen)
    await two.type("0")
    assert list(picker.list.keys) == ["0"], "a new project, not the one with 0 items"


async def test_no_two_projects_get_the_same_name_by_mistake(two: Session) -> None:
    await two.press("p")
    await two.screen(AskScreen)
    await two.type("Other")
    await two.press("enter")
    await until(lambda: two.library.project_id == "other", "made")
    await two.press("p")
    await two.screen(AskScreen)
    await two.type("DEMO")
    await two.press("enter")
    await until(lambda: two.library.project_id == "demo", "the one that is there is opened")
    assert "is there already" in two.status()
    await two.press("E")
    field = (await two.screen(AskScreen)).query_one(Input)
    field.value = "other"
    await two.press("enter")
    await until(lambda: any("“Other” already" in text for text in two.app.toasts.texts), "refused")
    assert sorted(summary.name for summary in two.library.summaries.values()) == ["Other", "demo"]


async def test_undo_does_not_claim_what_it_did_not_do(two: Session) -> None:
    item = two.items[0]
    await two.app.ask(two.app.studio.organise.rate([item.id], 2))
    demo = two.app.studio._core.library.open("demo")
    await two.app.ask(
        two.app.studio._core.record_pool.submit(lambda: demo.edit_item(item.id, lambda held: replace(held, rating=4)))
    )
    await two.press("u")
    await until(lambda: "Left as it is" in two.status(), "said")
    assert any("somebody else" in text for text in two.app.toasts.texts)
