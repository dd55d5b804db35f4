"""Making again, varying, starting from an item; prompts sent before; templates."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mediatui.model import SaveState
from mediatui.tui.screens.dialogs import AskScreen
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.prompt import PromptArea

from .conftest import SMALL, Session, Start, until


@pytest.fixture
async def one(start: Start) -> AsyncIterator[Session]:
    """A picture made with a seed of its own."""
    async with start(size=(150, 45)) as session:
        await session.generate("a calm lake", params={**SMALL, "seed": 7})
        await until(lambda: all(item.save_state is SaveState.SAVED for item in session.items), "saved")
        yield session


async def generate_screen(session: Session, key: str) -> GenerateScreen:
    await session.press(key)
    screen: GenerateScreen = await session.screen(GenerateScreen)
    await until(lambda: screen.query("FieldLine"), "the form")
    return screen


def prompt(screen: GenerateScreen) -> str:
    return screen.query_one(PromptArea).text


async def test_again_keeps_the_seed_and_vary_drops_it(one: Session) -> None:
    screen = await generate_screen(one, "a")
    assert prompt(screen) == "a calm lake"
    await until(lambda: screen.collect().values.get("seed") == "7", "the seed")
    await one.press("escape")
    await one.screen(LibraryScreen)
    screen = await generate_screen(one, "V")
    assert prompt(screen) == "a calm lake"
    assert not screen.collect().values.get("seed")
    assert screen.collect().values["image_size"] == "square"


async def test_an_item_becomes_the_input_of_a_model_that_takes_it(one: Session) -> None:
    await one.press("I")
    picker = await one.screen(PickScreen)
    assert all(entry.note.startswith("image-to-") for entry in picker.list.entries.values())
    await one.press("enter")
    screen = await one.screen(GenerateScreen)
    await until(lambda: screen.query("FieldLine"), "the form")
    file = str(one.app.studio.file_of(one.items[0]))
    await until(lambda: file in screen.collect().values.values(), "the file")


async def test_a_prompt_sent_before_is_found_and_used(one: Session) -> None:
    screen = await generate_screen(one, "n")
    await one.press("ctrl+r")
    await one.screen(PickScreen)
    await one.type("lake")
    await one.press("enter")
    await until(lambda: prompt(screen) == "a calm lake", "the prompt")


async def test_a_prompt_is_kept_as_a_template_filled_in_and_removed(one: Session) -> None:
    screen = await generate_screen(one, "n")
    screen.query_one(PromptArea).text = "a portrait of {{who}}, {{light:soft light}}"
    await one.press("ctrl+t")
    await one.screen(PickScreen)
    await one.type("Portrait")
    await one.press("enter")
    await until(lambda: "Kept as template" in screen.query_one("#status", Bar).text, "kept")
    await one.press("ctrl+t")
    await one.screen(PickScreen)
    await one.press("enter")
    await one.screen(AskScreen)
    await one.type("a fox")
    await one.press("enter")
    await until(lambda: "light" in getattr(one.app.screen, "_title", ""), "the second gap")
    await one.press("enter")
    await until(lambda: prompt(screen) == "a portrait of a fox, soft light", "filled in")
    await one.press("ctrl+t")
    picker = await one.screen(PickScreen)
    await one.press("ctrl+x")
    await until(lambda: not picker.list.keys, "removed")
    assert await one.app.ask(one.app.studio.organise.templates()) == ()
