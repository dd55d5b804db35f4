"""The generate screen under slow and failing servers, quick keys and hostile text: what is sent is what is shown."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.support.fal_server import Call, FalServer, Reply, fal_server
from tests.support.workshop import settings_for
from textual.events import Paste
from textual.widgets import Input, Static

from mediatui.library.library import MAX_NAME, Library
from mediatui.locations import Locations
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.tui.control.sending import send
from mediatui.tui.memory import Draft, load_memory
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.screens.generate import PROJECT_LETTERS, GenerateScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.widgets.bars import Bar
from mediatui.tui.widgets.form import Cycle, FieldLine, SchemaForm
from mediatui.tui.widgets.model_picker import ModelPicker
from mediatui.tui.widgets.prompt import PromptArea

from .conftest import Session, Start, until

ONE, OTHER = "fal-ai/one", "fal-ai/other"
FIELDS = {
    "prompt": {"type": "string"},
    "duration": {"type": "integer", "default": 1, "maximum": 5_000_000},
    "seed": {"type": "integer"},
    "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
}


class Slow:
    """Holds answers back, each until it is let go."""

    def __init__(self, server: FalServer) -> None:
        self._server = server
        self._gates: dict[str, threading.Event] = {}
        self.failing: set[str] = set()
        self.listed: tuple[str, ...] = (ONE, OTHER)
        server.on["catalogue"] = self._catalogue
        server.script("prices", Reply(body={"prices": [price(ONE), price(OTHER)]}))

    def hold(self, model: str) -> threading.Event:
        """Answer for a model's form only once this is set."""
        return self._gates.setdefault(model, threading.Event())

    def _catalogue(self, call: Call) -> Reply:
        model = call.params.get("endpoint_id", [""])[0]
        if "openapi.json" not in call.path:
            entries = [{"endpoint_id": each, "metadata": {"category": "text-to-image"}} for each in self.listed]
            return Reply(body={"models": entries})
        if model in self._gates:
            self._gates[model].wait(20)
        if model in self.failing:
            return Reply(status=401, body={"detail": "no form here"})
        return Reply(body={"components": {"schemas": {"XInput": {"properties": FIELDS, "required": ["prompt"]}}}})


def price(model: str) -> dict[str, object]:
    return {"endpoint_id": model, "unit_price": 3, "unit": "second", "currency": "USD"}


@pytest.fixture
def fal() -> Iterator[FalServer]:
    with fal_server() as server:
        yield server


@pytest.fixture
def slow(fal: FalServer) -> Slow:
    return Slow(fal)


def settings(fal: FalServer, **changes: object) -> Settings:
    return settings_for(fal.url, **{"confirm_above": 1000.0, **changes})


async def opened(session: Session, draft: Draft | None = None) -> GenerateScreen:
    session.app.memory.draft = draft or Draft("a pier", [ONE])
    await session.press("n")
    screen: GenerateScreen = await session.screen(GenerateScreen)
    return screen


async def formed(session: Session, draft: Draft | None = None) -> GenerateScreen:
    screen = await opened(session, draft)
    await until(lambda: lines(screen, "seed"), "the form")
    return screen


def lines(screen: GenerateScreen, name: str) -> list[FieldLine]:
    return [line for line in screen.query_one(SchemaForm).lines if line.row.field.name == name]


def editor(screen: GenerateScreen, name: str) -> Input:
    (line,) = lines(screen, name)
    assert isinstance(line.editor, Input)
    return line.editor


def choose(screen: GenerateScreen, *models: str) -> None:
    screen.query_one(ModelPicker).list.set_chosen(models)


def chosen(screen: GenerateScreen) -> list[str]:
    return list(screen.query_one(ModelPicker).chosen)


def status(screen: GenerateScreen) -> str:
    return screen.query_one("#status", Bar).text


def summary(screen: GenerateScreen) -> str:
    return screen.query_one("#summary", Bar).text


async def sent(fal: FalServer) -> dict[str, object]:
    await until(lambda: fal.submits, "the request")
    body: dict[str, object] = fal.submits[0].json
    return body


async def test_a_form_that_is_asked_for_twice_is_waited_for(start: Start, fal: FalServer, slow: Slow) -> None:
    gate = slow.hold(ONE)
    async with start(settings=settings(fal)) as session:
        screen = await opened(session, Draft("a pier", [ONE], {"seed": "7"}))
        await until(lambda: any("openapi" in call.path for call in fal.of("catalogue")), "the question")
        choose(screen, ONE, OTHER)
        await session.pilot.pause()
        choose(screen, ONE)
        await session.press("ctrl+s")
        await until(lambda: "Waiting" in status(screen), "the word")
        assert not fal.submits
        gate.set()
        assert (await sent(fal))["seed"] == 7


async def test_inputs_are_not_left_out_unasked_where_a_form_cannot_be_had(
    start: Start, fal: FalServer, slow: Slow
) -> None:
    slow.failing.add(ONE)
    async with start(settings=settings(fal)) as session:
        screen = await opened(session, Draft("a pier", [ONE], {"seed": "7"}))
        await until(lambda: "no form for one" in screen.query_one("#inputs-title", Bar).text, "the word")
        await session.press("ctrl+s")
        question = await session.screen(ConfirmScreen)
        assert any("seed" in line for line in question._lines)
        await session.press("escape")
        await until(lambda: "Not sent" in status(screen), "the word")
        slow.failing.clear()
        await session.press("ctrl+s")
        assert (await sent(fal))["seed"] == 7


async def test_one_model_without_a_form_leaves_the_others_theirs(start: Start, fal: FalServer, slow: Slow) -> None:
    slow.failing.add(ONE)
    async with start(settings=settings(fal)) as session:
        screen = await formed(session, Draft("a pier", [ONE, OTHER]))
        assert "no form for one" in screen.query_one("#inputs-title", Bar).text


async def test_what_is_typed_while_another_form_is_built_stays_under_the_cursor(
    start: Start, fal: FalServer, slow: Slow
) -> None:
    gate = slow.hold(OTHER)
    async with start(settings=settings(fal)) as session:
        screen = await formed(session)
        choose(screen, ONE, OTHER)
        editor(screen, "seed").focus()
        await session.type("12")
        gate.set()
        await until(lambda: lines(screen, "seed")[0].row.models == (ONE, OTHER), "the new form")
        assert editor(screen, "seed").has_focus
        await session.type("34")
        assert editor(screen, "seed").value == "1234"


async def test_starting_afresh_twice_doubles_no_field(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session, Draft("a pier", [ONE], {"seed": "7", "size": "large"}))
        await session.press("f8", "f8")
        await until(lambda: not editor(screen, "seed").value, "emptied")
        assert len(screen.query(FieldLine)) == len(FIELDS) - 1
        (size,) = lines(screen, "size")
        await until(lambda: size.text == "small", "the default")
        assert not screen.collect().values


async def test_a_choice_another_model_lacks_is_said_and_kept(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session, Draft("a pier", [ONE], {"size": "huge"}))
        (size,) = lines(screen, "size")
        assert isinstance(size.editor, Cycle)
        assert size.text == "small"
        assert "huge is not one of the choices" in str(size.query_one(".field-fault", Static).content)
        assert screen.collect().values == {"size": "huge"}
        size.editor.value = "large"
        assert screen.collect().values == {"size": "large"}


async def test_a_limit_is_said_without_an_exponent(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session)
        editor(screen, "duration").value = "5000001"
        await session.press("ctrl+s")
        (line,) = lines(screen, "duration")
        await until(lambda: line.has_class("-wrong"), "the fault")
        assert str(line.query_one(".field-fault", Static).content) == "at most 5,000,000"
        assert not fal.submits


# What it costs.


async def test_no_price_stands_there_that_is_not_of_what_is_typed(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session)
        await until(lambda: "≈ $3.00" in summary(screen), "the price")
        editor(screen, "duration").value = "2"
        await session.pilot.pause()
        assert "$" not in summary(screen)
        assert "price…" in summary(screen)
        await until(lambda: "≈ $6.00" in summary(screen), "the new price")


async def test_no_price_is_told_of_what_cannot_be_sent(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await priced(session)
        editor(screen, "duration").value = "many"
        await until(lambda: "1 field to correct" in summary(screen), "the word")
        assert "$" not in summary(screen)


async def test_a_price_waits_for_the_form(start: Start, fal: FalServer, slow: Slow) -> None:
    gate = slow.hold(ONE)
    async with start(settings=settings(fal)) as session:
        screen = await opened(session, Draft("a pier", [ONE], {"duration": "4"}))
        await until(lambda: any("openapi" in call.path for call in fal.of("catalogue")), "the question")
        screen._estimate()
        await session.pilot.pause()
        assert not [worker for worker in session.app.workers if worker.group == "price"]
        gate.set()
        await until(lambda: "≈ $12.00" in summary(screen), "the price")


# Sending.


class Held:
    """Estimates that come only once they are let go."""

    def __init__(self, server: FalServer) -> None:
        self._gate, self._asked = threading.Event(), threading.Event()
        server.on["estimate"] = self._answer

    def _answer(self, call: Call) -> Reply:
        self._asked.set()
        self._gate.wait(20)
        return Reply(status=404)

    async def asked(self) -> None:
        """Wait until somebody asks."""
        await until(self._asked.is_set, "the question for the price")

    def let_go(self) -> None:
        self._gate.set()


async def priced(session: Session, draft: Draft | None = None) -> GenerateScreen:
    screen = await formed(session, draft)
    await until(lambda: "≈ $" in summary(screen), "the price")
    return screen


async def sending(session: Session, fal: FalServer) -> tuple[GenerateScreen, Held]:
    """What was priced was sent off, and its price is being asked for once more."""
    screen, held = await priced(session), Held(fal)
    await session.press("ctrl+s")
    await held.asked()
    return screen, held


async def test_a_long_look_is_told_and_does_not_outlast_its_end(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal, confirm_above=1.0)) as session:
        screen, held = await sending(session, fal)
        await until(lambda: "Looking at" in status(screen), "the word")
        held.let_go()
        await session.screen(ConfirmScreen)
        await session.press("n")
        await until(lambda: "Not sent" in status(screen), "the word")
        assert not fal.submits


async def test_leaving_while_it_is_looked_at_sends_nothing_and_says_so(
    start: Start, fal: FalServer, slow: Slow
) -> None:
    async with start(settings=settings(fal)) as session:
        _, held = await sending(session, fal)
        await session.press("escape")
        await session.screen(LibraryScreen)
        held.let_go()
        await until(lambda: "Not sent" in session.status(), "the word")
        assert not fal.submits
        assert session.app.memory.draft.prompt == "a pier"


async def test_what_is_changed_while_it_is_looked_at_is_not_sent_as_it_was(
    start: Start, fal: FalServer, slow: Slow
) -> None:
    async with start(settings=settings(fal)) as session:
        screen, held = await sending(session, fal)
        await session.type(" at dusk")
        held.let_go()
        await until(lambda: "changed meanwhile" in status(screen), "the word")
        assert not fal.submits
        await session.press("ctrl+s")
        assert (await sent(fal))["prompt"] == "a pier at dusk"


async def test_a_dialog_in_front_is_not_closed_in_place_of_the_screen_that_was_sent(
    start: Start, fal: FalServer, slow: Slow
) -> None:
    async with start(settings=settings(fal)) as session:
        _, held = await sending(session, fal)
        await session.press("ctrl+r")
        picker = await session.screen(PickScreen)
        held.let_go()
        await sent(fal)
        assert session.app.screen is picker
        await session.press("escape")
        await session.screen(LibraryScreen)
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        assert screen.query_one(PromptArea).text == ""
        assert len(fal.submits) == 1


async def test_sent_twice_in_a_moment_it_is_one_request(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        await formed(session)
        await session.press("ctrl+s", "ctrl+s", "ctrl+s")
        await session.screen(LibraryScreen)
        await sent(fal)
        await until(lambda: session.library.shelf.items, "what was made")
        assert len(fal.submits) == len(session.app.studio.jobs()) == 1


async def test_an_exhausted_balance_is_one_message_for_the_batch(start: Start, fal: FalServer, slow: Slow) -> None:
    locked = {"detail": "User is locked. Reason: Exhausted balance."}
    fal.script("submit", Reply(status=403, body=locked))
    async with start(settings=settings(fal, concurrent_submits=2)) as session:
        await formed(session, Draft("a pier", [ONE, OTHER, "fal-ai/third"]))
        await session.press("ctrl+s")
        await session.screen(LibraryScreen)
        await until(lambda: "1 job not sent" in session.status(), "the word")
        await until(lambda: session.app._notifications, "the toast")
        (toast,) = session.app._notifications
        assert "Exhausted balance" in toast.message
        assert len(fal.submits) == 2


async def test_a_prompt_on_its_way_outlives_a_killed_interface(
    start: Start, fal: FalServer, slow: Slow, home: Locations
) -> None:
    async with start(settings=settings(fal)) as session:
        await formed(session)
        gate, asked = threading.Event(), fal.on_submit

        def submit(call: Call) -> Reply:
            gate.wait(20)
            return asked(call)

        fal.on["submit"] = submit
        await session.press("ctrl+s")
        await until(lambda: fal.submits, "the request")
        await until(lambda: load_memory(home.state).aside == ["a pier"], "kept until it is answered")
        gate.set()
        await until(lambda: load_memory(home.state).aside == [], "let go")


async def test_a_request_that_comes_back_takes_no_newer_prompt_with_it(
    start: Start, fal: FalServer, slow: Slow, home: Locations
) -> None:
    library = Library(home)
    library.create("Twin")
    library.create("Twin")
    library.close()
    async with start(settings=settings(fal)) as session:
        screen = await priced(session, Draft("an old one", [ONE], project="Twin"))
        held = Held(fal)
        work = send(session.app, screen.collect(), screen.sending.request())
        worker = session.app.run_fenced(work, group="generate", node=session.app)
        await held.asked()
        screen.query_one(PromptArea).text = "a new one"
        held.let_go()
        await worker.wait()
        await session.press("escape")
        await session.screen(LibraryScreen)
        assert session.app.memory.draft.prompt == "a new one"
        assert session.app.memory.aside == ["an old one"]


# Models.


async def test_words_typed_before_the_studio_runs_are_searched_for(start: Start) -> None:
    async with start(ready=False) as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        await session.press("f2")
        await session.type("audio")
        models = screen.query_one(ModelPicker).list
        await until(lambda: models.keys == ["sandbox/text-to-audio"], "what matches")
        assert not session.app._notifications
        await session.press("down")
        assert screen.focused is models


async def test_a_dropped_model_is_not_chosen_again_by_itself(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await opened(session, Draft("a pier"))
        await until(lambda: chosen(screen) == [ONE], "the first one")
        choose(screen)
        picker = screen.query_one(ModelPicker)
        search = picker.query_one(Input)
        search.value = "xyz"
        await until(lambda: picker._listed == "xyz", "the answer")
        search.value = ""
        await until(lambda: picker._listed == "", "all of them")
        assert chosen(screen) == []


async def test_a_typed_model_is_spelled_as_it_is_sent(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session, Draft("a pier", [ONE], {"seed": "7"}))
        choose(screen)
        slow.listed = ()
        await session.press("f2")
        await session.type("fal-ai/typed/")
        await session.press("enter")
        await until(lambda: chosen(screen) == ["fal-ai/typed"], "the model")
        await until(lambda: [line.row.models for line in lines(screen, "seed")] == [("fal-ai/typed",)], "its form")
        await session.press("ctrl+s")
        assert (await sent(fal))["seed"] == 7


async def test_a_job_is_made_again_at_its_own_provider(start: Start, fal: FalServer, slow: Slow) -> None:
    options = {"queue_url": fal.url, "run_url": f"{fal.url}/run", "api_url": f"{fal.url}/v1", "upload_url": fal.url}
    two = {name: ProviderSettings(name, Secret("key"), options=options, kind="fal") for name in ("home", "work")}
    async with start(settings=Settings(poll_seconds=0.05, providers=two, provider="home")) as session:
        await session.generate("a pier", models=("work:" + ONE,), params={}, project="My Films")
        await session.press("t")
        await session.screen(JobsScreen)
        await session.press("a")
        screen = await session.screen(GenerateScreen)
        assert chosen(screen) == ["work:" + ONE]
        assert screen.query_one("#project", Input).value == "My Films"


async def test_a_provider_that_is_gone_leaves_the_choice_open(
    start: Start, pictures: None, fal: FalServer, slow: Slow
) -> None:
    async with start(settings=settings(fal)) as session:
        await session.open_demo()
        await session.press("a")
        screen = await session.screen(GenerateScreen)
        await until(lambda: "sandbox is not in use here" in status(screen), "the word")
        await until(lambda: screen.query_one(ModelPicker).list.keys, "the models")
        assert chosen(screen) == []


# Projects.


def test_a_project_s_name_is_as_long_as_the_library_keeps_it() -> None:
    assert PROJECT_LETTERS == MAX_NAME


async def test_no_project_is_called_new_before_they_are_known(start: Start, pictures: None) -> None:
    async with start() as session:
        await session.open_demo()
        screen = await opened(session, Draft("a pier"))
        note = screen.query_one("#project-note", Static)
        assert "new" not in str(note.content)
        await until(lambda: screen._names, "the projects")
        assert "new" not in str(note.content)
        screen.query_one("#project", Input).value = "another"
        await until(lambda: "a new project" in str(note.content), "the word")


# Hostile text.


async def test_pasted_control_characters_reach_no_field(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        session.app.post_message(Paste("red \x1b[31mRED\x07 \u202eevil\u2069\r\nsecond\x9b"))
        prompt = screen.query_one(PromptArea)
        await until(lambda: prompt.text, "the prompt")
        assert prompt.text == "red [31mRED evil\nsecond"


async def test_keys_behind_enter_in_a_field_go_where_it_leads(start: Start, fal: FalServer, slow: Slow) -> None:
    async with start(settings=settings(fal)) as session:
        screen = await formed(session)
        picker = screen.query_one(ModelPicker)
        await session.press("f2")
        await session.type("fal-ai/one")
        await until(lambda: picker._listed == "fal-ai/one", "what matches")
        for key in ("enter", "j", "space"):
            session._send(key)
        await until(lambda: chosen(screen) == [ONE, OTHER], "the second one")
        assert picker.query_one(Input).value == "fal-ai/one"
