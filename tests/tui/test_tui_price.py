"""The generate screen says what it costs, asks above the limit, and checks input files before anything is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fal_server import PNG, Call, FalServer, Reply, fal_server
from tests.support.workshop import settings_for
from textual.widgets import Input, Static

from mediatui.settings import Settings
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.form import FieldLine, SchemaForm
from mediatui.tui.widgets.model_picker import ModelPicker

from .conftest import Session, Start, until

MODEL = "fal-ai/image-to-video"


@pytest.fixture
def fal() -> Iterator[FalServer]:
    """Two models; the one costs 3 dollars a second."""
    with fal_server() as server:
        entries = [
            {"endpoint_id": MODEL, "metadata": {"category": "image-to-video"}},
            {"endpoint_id": "fal-ai/old", "metadata": {"status": "deprecated"}},
        ]
        properties = {
            "prompt": {"type": "string"},
            "image_url": {"type": "string"},
            "duration": {"type": "integer", "default": 1},
        }
        schema = {"components": {"schemas": {"XInput": {"properties": properties, "required": ["prompt"]}}}}
        price = {"endpoint_id": MODEL, "unit_price": 3, "unit": "second", "currency": "USD"}

        def catalogue(call: Call) -> Reply:
            return Reply(body=schema if "openapi.json" in call.path else {"models": entries})

        server.on["catalogue"] = catalogue
        server.script("prices", Reply(body={"prices": [price]}))
        yield server


def settings(fal: FalServer, **changes: object) -> Settings:
    return settings_for(fal.url, **changes)


async def _opened(session: Session) -> GenerateScreen:
    await session.press("n")
    screen: GenerateScreen = await session.screen(GenerateScreen)
    await until(lambda: screen.query("FieldLine"), "the form")
    await session.type("go")
    return screen


def summary(screen: GenerateScreen) -> str:
    return screen.query_one("#summary", Bar).text


def title(screen: GenerateScreen, pane: str) -> str:
    return screen.query_one(f"#{pane}-title", Bar).text


def field(screen: GenerateScreen, name: str) -> FieldLine:
    return next(line for line in screen.query_one(SchemaForm).lines if line.row.field.name == name)


async def test_the_sandbox_is_free(start: Start) -> None:
    async with start() as session:
        screen = await _opened(session)
        await until(lambda: "free · " in summary(screen), "the price")


async def test_how_many_jobs_it_is_stands_there_once(start: Start) -> None:
    async with start() as session:
        screen = await _opened(session)
        screen.query_one(ModelPicker).list.set_chosen(["sandbox/text-to-image", "sandbox/of-tomorrow"])
        await until(lambda: "price unknown" in summary(screen), "the price")
        assert summary(screen).strip().startswith("1 of 2 jobs: price unknown · ")


async def test_the_price_follows_what_is_chosen(start: Start, fal: FalServer) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await _opened(session)
        await until(lambda: "≈ $3.00 for 1 job (estimate)" in summary(screen), "the price")
        editor = field(screen, "duration").editor
        assert isinstance(editor, Input)
        editor.value = "2"
        await until(lambda: "≈ $6.00 for 1 job (estimate)" in summary(screen), "the new price")
        models = screen.query_one(ModelPicker).list
        rows = {key: "".join(text for text, _ in models.cells(key, 100)) for key in models.infos}
        assert rows[MODEL].rstrip().endswith("$3.00 / second")
        assert "retired" in rows["fal-ai/old"]
        assert rows["fal-ai/old"].rstrip().endswith("price unknown")
        models.set_chosen([MODEL, "fal-ai/old"])
        await until(lambda: "price unknown for 1" in summary(screen), "the price of both")
        assert not fal.submits


async def test_an_expensive_request_is_asked_about(start: Start, fal: FalServer) -> None:
    async with start(settings=settings(fal, confirm_above=2.0)) as session:
        screen = await _opened(session)
        await session.press("ctrl+s")
        question = await session.screen(ConfirmScreen)
        assert any("≈ $3.00 for 1 job (estimate)" in line for line in question._lines)
        await session.press("escape")
        await session.screen(GenerateScreen)
        assert not fal.submits
        await until(lambda: not screen.sending.busy, "the end of it")
        await session.press("ctrl+s")
        await session.screen(ConfirmScreen)
        await session.press("y")
        await session.screen(LibraryScreen)
        await until(lambda: fal.submits, "the request")
        assert len(fal.submits) == 1


async def test_what_is_wrong_with_a_file_stands_beside_its_field(start: Start, fal: FalServer, tmp_path: Path) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await _opened(session)
        line = field(screen, "image_url")
        editor = line.editor
        assert isinstance(editor, Input)
        assert editor.placeholder == "https://… or the path of a file"
        editor.value = str(tmp_path / "gone.png")
        await session.press("ctrl+s")
        await until(lambda: line.has_class("-wrong"), "the fault")
        fault = line.query_one(".field-fault", Static)
        assert "there is no file" in str(fault.content)
        assert isinstance(session.app.screen, GenerateScreen)
        assert not fal.of("initiate")
        (tmp_path / "gone.png").write_bytes(PNG)
        await until(lambda: not screen.sending.busy, "the end of it")
        await session.press("ctrl+s")
        await session.screen(LibraryScreen)
        await until(lambda: fal.submits, "the request")
        assert fal.submits[0].json["image_url"] == f"{fal.url}/files/up/1-gone.png"


async def test_a_model_that_nobody_lists_can_be_named(start: Start, fal: FalServer) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await _opened(session)
        picker = screen.query_one(ModelPicker)
        await until(lambda: MODEL in picker.list.chosen, "the first model")
        search = picker.query_one(Input)
        search.focus()
        fal.script("catalogue", Reply(body={"models": []}))
        search.value = "fal-ai/brand-new"
        await until(lambda: not picker.list.keys, "no match")
        assert "enter takes what you typed" in picker.list.empty
        await session.press("enter")
        await until(lambda: picker.list.chosen == [MODEL, "fal-ai/brand-new"], "the typed model")
        await until(lambda: "2 chosen" in title(screen, "models"), "the word that both are chosen")
        await until(lambda: "no form for brand-new" in title(screen, "inputs"), "the word that it has no form")
        await until(lambda: "price unknown for 1" in summary(screen), "the price of both")
        assert not fal.submits


async def test_enter_before_the_search_answers_waits_for_what_matches(start: Start, fal: FalServer) -> None:
    answer = threading.Event()
    async with start(settings=settings(fal)) as session:
        screen = await _opened(session)
        picker = screen.query_one(ModelPicker)
        await until(lambda: MODEL in picker.list.chosen, "the first model")

        def catalogue(call: Call) -> Reply:
            answer.wait(20)
            return Reply(body={"models": []})

        fal.on["catalogue"] = catalogue
        picker.query_one(Input).focus()
        await session.type("fal-ai/brand-new")
        await session.press("enter")
        assert picker.list.chosen == [MODEL]
        answer.set()
        await until(lambda: picker.list.chosen == [MODEL, "fal-ai/brand-new"], "the typed model")
        await until(lambda: picker.list.has_focus, "the list")


async def test_a_model_can_be_named_while_the_list_cannot_be_had(start: Start, fal: FalServer) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await _opened(session)
        picker = screen.query_one(ModelPicker)
        await until(lambda: MODEL in picker.list.chosen, "the first model")
        fal.on["catalogue"] = lambda call: Reply(status=401, body={"detail": "no"})
        picker.query_one(Input).focus()
        await session.type("fal-ai/brand-new")
        await session.press("enter")
        await until(lambda: picker.list.chosen == [MODEL, "fal-ai/brand-new"], "the typed model")


async def test_sent_before_the_models_are_there_it_waits_for_them(start: Start) -> None:
    async with start(ready=False) as session:
        await session.press("n")
        await session.screen(GenerateScreen)
        await session.type("an owl")
        await session.press("ctrl+s")
        await until(lambda: [job.prompt for job in session.library.shelf.jobs.values()] == ["an owl"], "the job")


async def test_a_model_that_costs_is_not_sent_to_before_anybody_saw_its_name(start: Start, fal: FalServer) -> None:
    asked, answer = threading.Event(), threading.Event()
    at_once = fal.on["catalogue"]

    def catalogue(call: Call) -> Reply:
        asked.set()
        answer.wait(20)
        return at_once(call)

    fal.on["catalogue"] = catalogue
    async with start(settings=settings(fal, confirm_above=1000.0)) as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        await until(asked.is_set, "the question for models")
        await session.type("an owl")
        await session.press("ctrl+s")
        await until(lambda: "Waiting" in screen.query_one("#status", Bar).text, "the word")
        answer.set()
        await until(lambda: "is chosen" in screen.query_one("#status", Bar).text, "what was chosen")
        assert session.app.screen is screen
        assert not fal.submits
        await session.press("ctrl+s")
        await session.screen(LibraryScreen)
        await until(lambda: len(fal.submits) == 1, "the submit")
