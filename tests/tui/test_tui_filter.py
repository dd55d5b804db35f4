"""The filter line: completion, problems, filters with a name; orders."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mediatui.model import SaveState
from mediatui.tui.screens.dialogs import AskScreen
from mediatui.tui.screens.help import HelpList, HelpScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.log import LogScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.widgets.bars import Bar, KeyBar
from mediatui.tui.widgets.filter_input import FilterHint, FilterInput

from .conftest import Session, Start, until


@pytest.fixture
async def three(start: Start, pictures: None) -> AsyncIterator[Session]:
    """Three pictures, one of them tagged and rated."""
    async with start(size=(150, 40)) as session:
        await session.open_demo()
        await session.generate("neon forest")
        await until(lambda: all(item.save_state is SaveState.SAVED for item in session.items), "saved")
        chosen = next(item for item in session.items if item.prompt == "neon city")
        await session.app.ask(session.app.studio.organise.tag([chosen.id], ["night"]))
        await session.app.ask(session.app.studio.organise.rate([chosen.id], 5))
        await until(lambda: any(item.rating for item in session.items), "rated")
        yield session


def prompts(session: Session) -> list[str]:
    return [session.library.shelf.title(key) for key in session.library.media.keys]


def hint(session: Session) -> str:
    return session.library.query_one(FilterHint).text


async def test_fields_and_their_values_are_offered_and_typed_by_tab(three: Session) -> None:
    await three.press("slash")
    await three.type("ta")
    await until(lambda: "tag:" in hint(three), "the field")
    await three.press("tab")
    field = three.library.query_one(FilterInput)
    assert field.value == "tag:"
    await until(lambda: "night" in hint(three), "its value")
    await three.press("tab")
    assert field.value == "tag:night "
    await until(lambda: prompts(three) == ["neon city"], "filtered")
    await until(lambda: "1 of 3 items" in hint(three), "counted")
    await three.press("enter")
    assert not three.library.query_one(FilterHint).display
    assert three.library.panes.current == "media"
    await three.press("escape")
    assert len(prompts(three)) == 3


async def test_what_no_item_matches_is_said_as_it_is_typed_and_not_twice(three: Session) -> None:
    await three.press("slash")
    await three.type("made:today size:>9gb")
    media = three.library.media
    await until(lambda: not media.keys and "made:today size:>9gb" in media.render_line(3).text, "the filter, whole")
    assert "Nothing here" not in "".join(text for _, text, _ in three.library.details.paragraphs(media.key))
    await three.type(" nofield:1 ")
    await until(lambda: "“nofield:” is no field" in hint(three), "what is wrong")


async def test_shift_tab_chooses_another_offer(three: Session) -> None:
    await three.press("slash")
    await three.type("state:s")
    field = three.library.query_one(FilterInput)
    labels = [candidate.label for candidate in field.candidates]
    assert len(labels) > 1
    await three.press("shift+tab", "tab")
    assert field.value.strip() == f"state:{labels[1]}"


async def test_what_is_wrong_is_said_with_its_place_and_filters_nothing(three: Session) -> None:
    await three.press("slash")
    await three.type("neon size:huge city")
    await until(lambda: "at 6: size:" in hint(three), "the problem")
    assert prompts(three) == ["neon city"]


async def test_a_filter_is_kept_under_a_name_found_again_and_removed(three: Session) -> None:
    await three.press("slash")
    await three.type("rating:>3")
    await three.press("ctrl+s")
    await three.screen(AskScreen)
    await three.type("Best")
    await three.press("enter")
    await three.screen(LibraryScreen)
    await until(lambda: three.app.memory.filters == {"Best": "rating:>3"}, "kept")
    await three.press("escape")
    assert len(prompts(three)) == 3
    await three.press("apostrophe")
    await three.screen(PickScreen)
    await three.press("enter")
    await until(lambda: prompts(three) == ["neon city"], "filtered")
    assert three.app.memory.place(three.library.project_id or "").words == "rating:>3"
    await three.press("apostrophe")
    screen = await three.screen(PickScreen)
    await three.press("ctrl+x")
    assert not screen.list.keys
    assert not three.app.memory.filters


async def test_rows_are_sorted_by_a_column_and_turned_around(three: Session) -> None:
    await three.press("s")
    await three.screen(PickScreen)
    await three.type("rat")
    await three.press("enter")
    await until(lambda: prompts(three)[0] == "neon city", "best first")
    assert "rating" in three.title()
    await three.press("s")
    await three.screen(PickScreen)
    await three.type("prompt")
    await three.press("enter")
    await until(lambda: prompts(three) == ["misty valley", "neon city", "neon forest"], "A to Z")
    await three.press("S")
    assert prompts(three) == ["neon forest", "neon city", "misty valley"]
    place = three.app.memory.place(three.library.project_id or "")
    assert (place.sort_by, place.reverse) == ("prompt", True)


async def test_the_key_bar_shows_the_keys_of_the_line_that_is_typed_in(start: Start, pictures: None) -> None:
    async with start(size=(80, 24)) as session:
        await session.open_demo()
        keys = session.library.query_one(KeyBar)
        assert "n new" in keys.text
        await session.press("slash")
        await until(lambda: "tab complete" in keys.text, "the line's keys")
        assert "n new" not in keys.text
        await session.press("enter")
        await until(lambda: "n new" in keys.text, "the list's keys")
        await session.press("L")
        log: LogScreen = await session.screen(LogScreen)
        await session.press("slash")
        keys = log.query_one(KeyBar)
        await until(lambda: "esc drop" in keys.text, "the keys of the log's line")
        assert "complete" not in keys.text
        await session.press("escape")
        await until(lambda: "esc back" in keys.text, "the log's keys")


async def test_a_filter_that_hides_every_step_says_so(start: Start, pictures: None) -> None:
    async with start(size=(80, 24)) as session:
        await session.open_demo()
        await session.app.ask(session.app.studio.organise.rate([session.items[0].id], 3))
        await session.press("g", "L")
        log: LogScreen = await session.screen(LogScreen)
        await session.press("e")
        await until(lambda: log.list.keys, "steps")
        await session.press("slash")
        await session.type("zebra")
        await until(lambda: not log.list.keys, "filtered")
        assert "/ changes the filter" in log.list.empty
        assert "logged" not in log.list.empty


async def test_a_long_problem_is_read_on_a_narrow_screen(start: Start, pictures: None) -> None:
    async with start(size=(60, 20)) as session:
        await session.open_demo()
        await session.press("slash")
        await session.type("type:foo ")
        await until(lambda: "video, image, audio is expected" in hint(session), "said")


async def test_the_help_says_where_a_key_of_another_screen_works(start: Start, pictures: None) -> None:
    async with start(size=(80, 24)) as session:
        await session.press("question_mark")
        screen: HelpScreen = await session.screen(HelpScreen)
        await session.type("undo")
        found = screen.query_one(HelpList)
        await until(lambda: len(found.keys) == 4, "found")
        await session.press("enter", "down")
        status = screen.query_one("#status", Bar)
        await until(lambda: status.text.strip().startswith(("Jobs: ", "Trash: ", "Clean-up: ")), "the place")
