"""The inputs of a generation: typed values stay with their model, emptied ones stay empty, keys keep their order."""

from __future__ import annotations

import pytest

from mediatui.locations import Locations
from mediatui.tui import early_keys
from mediatui.tui.memory import Draft, load_memory
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.widgets.bars import Bar, KeyBar
from mediatui.tui.widgets.form import Cycle, FieldLine
from mediatui.tui.widgets.model_picker import ModelPicker
from mediatui.tui.widgets.prompt import PromptArea

from .conftest import Session, Start, until

VIDEO, FAST, PICTURE = "sandbox/text-to-video", "sandbox/text-to-video/fast", "sandbox/text-to-image"


async def opened(session: Session, *models: str, **values: str) -> GenerateScreen:
    session.app.memory.draft = Draft("a pier", list(models), values)
    await session.press("n")
    screen: GenerateScreen = await session.screen(GenerateScreen)
    await until(lambda: lines(screen, "duration") or lines(screen, "image_size"), "the form")
    return screen


def lines(screen: GenerateScreen, name: str) -> list[FieldLine]:
    return [line for line in screen.query(FieldLine) if line.row.field.name == name]


async def choose(screen: GenerateScreen, *models: str) -> None:
    screen.query_one(ModelPicker).list.set_chosen(list(models))
    await until(lambda: {m for line in screen.query(FieldLine) for m in line.row.models} == set(models), "the form")


async def test_models_that_disagree_about_a_field_keep_their_own_values(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        screen = await opened(session, VIDEO, FAST)
        one, other = lines(screen, "resolution")
        assert isinstance(one.editor, Cycle)
        one.editor.value = "1080p"
        await session.press("escape", "n")
        screen = await session.screen(GenerateScreen)
        await until(lambda: len(lines(screen, "resolution")) == 2, "the form")
        assert [line.text for line in lines(screen, "resolution")] == ["1080p", other.row.field.default]
        await choose(screen, VIDEO)
        await until(lambda: len(lines(screen, "resolution")) == 1, "one of them")
        assert [line.text for line in lines(screen, "resolution")] == ["1080p"]


async def test_what_a_field_cannot_be_falls_back_to_its_default(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        screen = await opened(session, FAST, resolution="1080p")
        (line,) = lines(screen, "resolution")
        assert line.text == line.row.field.default


async def test_an_emptied_field_stays_empty_when_the_models_change(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        screen = await opened(session, VIDEO, seed="7")
        (line,) = lines(screen, "seed")
        assert line.text == "7"
        line.editor.value = ""
        await choose(screen, VIDEO, PICTURE)
        assert {line.text for line in lines(screen, "seed")} == {""}


async def test_the_field_with_the_focus_explains_itself(start: Start) -> None:
    async with start(size=(60, 30)) as session:
        screen = await opened(session, VIDEO)
        lines(screen, "fps")[0].editor.focus()
        await until(lambda: "Frames per second" in screen.query_one("#status", Bar).text, "the note")
        screen.query_one(PromptArea).focus()
        await until(lambda: not screen.query_one("#status", Bar).text, "no note")


async def test_starting_afresh_by_mistake_loses_no_prompt(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        screen = await opened(session, VIDEO)
        await session.press("f8")
        await until(lambda: not screen.query_one(PromptArea).text, "emptied")
        await session.press("ctrl+z")
        await until(lambda: screen.query_one(PromptArea).text == "a pier", "the prompt")


async def typed_before(session: Session, words: str) -> None:
    await session.generate("a calm lake")
    await session.press("n")
    screen = await session.screen(GenerateScreen)
    await session.type(words)
    await session.press("escape")
    await until(lambda: screen not in session.app.screen_stack, "the library")


async def prompt_with(session: Session, key: str) -> PromptArea:
    await session.press(key)
    screen = await session.screen(GenerateScreen)
    await until(lambda: screen.query(FieldLine), "the form")
    area: PromptArea = screen.query_one(PromptArea)
    return area


async def test_looking_at_an_item_s_inputs_leaves_what_was_typed(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        await typed_before(session, "my own words")
        assert (await prompt_with(session, "a")).text == "a calm lake"
        await session.press("escape")
        await until(lambda: session.app.screen is session.library, "the library")
        assert (await prompt_with(session, "n")).text == "my own words"


async def test_typing_over_an_item_s_inputs_puts_what_was_typed_aside(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        await typed_before(session, "my own words")
        await prompt_with(session, "V")
        await session.type(" at dusk")
        await session.press("escape")
        await until(lambda: session.app.memory.aside == ["my own words"], "put aside")
        prompt = await prompt_with(session, "n")
        assert prompt.text == "a calm lake at dusk"
        await session.press("ctrl+r")
        await session.screen(PickScreen)
        await session.type("own words")
        await session.press("enter")
        await until(lambda: prompt.text == "my own words", "the prompt")


async def test_a_prompt_outlives_a_killed_interface(start: Start, home: Locations) -> None:
    async with start(size=(140, 40)) as session:
        await session.press("n")
        await session.screen(GenerateScreen)
        await session.type("not sent yet")
        await until(lambda: load_memory(home.state).draft.prompt == "not sent yet", "kept while it is typed")


async def test_a_key_that_was_answered_does_not_answer_for_later_ones(start: Start) -> None:
    async with start(size=(140, 40)) as session:
        screen = await opened(session, VIDEO)
        await session.press("f2", "tab", "tab")
        await until(lambda: lines(screen, "duration")[0].editor.has_focus, "the first field")
        left = [timer for timer in session.app._timers if timer._interval == early_keys.LONGEST_WAIT]
        assert not [timer for timer in left if timer._task is not None and not timer._task.done()]


async def test_a_form_survives_a_terminal_without_room_for_its_first_words(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        for columns in range(12, 0, -1):
            await session.pilot.resize_terminal(columns, 12)
            await session.pilot.pause()
        await session.pilot.resize_terminal(100, 30)
        await session.type("a fox")
        assert screen.query_one(PromptArea).text == "a fox"


@pytest.mark.parametrize(("columns", "words"), [(60, "^p commands"), (40, "? help"), (30, "")])
async def test_the_key_that_sends_is_named_however_narrow(start: Start, columns: int, words: str) -> None:
    async with start(size=(columns, 12)) as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        keys = screen.query_one(KeyBar)
        await until(lambda: "^s generate" in keys.text, "the key")
        assert "esc back" in keys.text
        assert words in keys.text
