"""The generate screen: a prompt, models, their inputs, a project. What is typed survives leaving it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.timer import Timer
from textual.widgets import Input, Static, TextArea

from mediatui.errors import MediatuiError
from mediatui.model import SavePolicy
from mediatui.providers.base import Capability
from mediatui.text import one_line, plural
from mediatui.tui.actions import bindings
from mediatui.tui.actor import Handler
from mediatui.tui.control.drafting import Drafting
from mediatui.tui.control.filling import Filling
from mediatui.tui.control.prompting import Prompting
from mediatui.tui.control.sending import NOT_SENT, Sending
from mediatui.tui.form_values import merge
from mediatui.tui.format import fit, short_model
from mediatui.tui.memory import Draft
from mediatui.tui.screens.base import STYLES, FormScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.form import Cycle, FieldLine, SchemaForm
from mediatui.tui.widgets.model_picker import ModelPicker
from mediatui.tui.widgets.prompt import PromptArea

if TYPE_CHECKING:
    from mediatui.providers.base import FormSchema

WIDTHS = [(0, "-narrow"), (72, "-medium"), (100, "-wide")]
"""From so many columns on, the class that the style sheet knows it by."""
SEARCH_SECONDS = 0.15
"""A pause in typing after which models are searched for."""
PRICE_SECONDS = 0.3
"""A pause in typing after which the price is asked for."""
KEEP_SECONDS = 1.0
"""How long typed text is known to this process only."""
PROJECT_LETTERS = 80
"""As many as the library keeps of a project's name; said here so that it need not be loaded to write a prompt."""
_POLICIES = {
    "": "as the project says",
    SavePolicy.AUTOMATIC.value: "automatically",
    SavePolicy.ON_DEMAND.value: "on demand",
    SavePolicy.URL_ONLY.value: "keep only the URL",
}


class GenerateScreen(FormScreen[None]):
    """One generation to be sent."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    CSS_PATH = STYLES / "forms.tcss"
    REMEMBERED = "generate"
    SCOPES: ClassVar[tuple[str, ...]] = ("generate", "form", "models", "choice", "app")
    BINDINGS = bindings("generate", "form")

    def __init__(self, draft: Draft, project: str, *, choose: bool = True) -> None:
        """`choose`: take the first model where the draft names none."""
        super().__init__()
        self.draft = draft
        self._choose = choose and not draft.models
        self._project = draft.project or project
        self._schemas: dict[str, FormSchema | None] = {}
        self._search: Timer | None = None
        self._pricing: Timer | None = None
        self._price: str | None = None
        """None: not known for what is typed now."""
        self._changes = 0
        self._keeping: Timer | None = None
        self._prompting = Prompting(self)
        self._filling = Filling(lambda: self.query_one(ModelPicker).chosen)
        self.sending = Sending(self, self._filling)

    def compose(self) -> ComposeResult:
        """Prompt and models at the left, inputs and project at the right."""
        with Horizontal(id="generate"):
            with Vertical(id="generate-left"):
                yield PaneTitle("Prompt", id="prompt-title")
                yield PromptArea(self.draft.prompt, self.press("submit"))
                yield PaneTitle("Models", id="models-title")
                yield ModelPicker()
            with VerticalScroll(id="generate-right", can_focus=False):
                yield PaneTitle("Inputs", id="inputs-title")
                yield SchemaForm(self.draft.values)
                yield PaneTitle("Project", id="project-title")
                with Horizontal(classes="field"):
                    yield Static("Project", classes="field-label")
                    field = Input(
                        self._project,
                        placeholder=self.main.settings.default_project,
                        id="project",
                        compact=True,
                        max_length=PROJECT_LETTERS,
                    )
                    field.cursor_blink = False
                    yield field
                    yield Static("", id="project-note", classes="field-note", markup=False)
                with Horizontal(classes="field"):
                    yield Static("Save", classes="field-label")
                    yield Cycle(list(_POLICIES), self.draft.policy, title="Save", labels=_POLICIES, id="policy")
        yield Bar(id="summary")
        yield Bar(id="status")
        yield KeyBar("generate")

    def on_mount(self) -> None:
        """Fill in what was typed last time and ask for models."""
        self.drafting = Drafting(self)
        self.query_one("#prompt-title", PaneTitle).tell(on=True)
        prompt = self.query_one(PromptArea)
        self.set_focus(prompt)  # at once: letters may be on their way
        prompt.move_cursor(prompt.document.end)
        self.query_one(ModelPicker).list.set_chosen(self.draft.models)
        if self.main.has_studio:
            self.studio_ready()

    def studio_ready(self) -> None:
        """Ask for models and project names."""
        self._look_for(self.query_one("#model-search", Input).value)
        self.main.run_fenced(self._load_projects(), group="names", exclusive=True, node=self)
        if self.query_one(ModelPicker).chosen:
            self._models_changed()

    def _look_for(self, words: str) -> None:
        if self.main.has_studio:
            self.main.run_fenced(self._load_models(words), group="models", exclusive=True, node=self)

    async def _load_models(self, words: str) -> None:
        picker = self.query_one(ModelPicker)
        try:
            infos = await self.main.ask(self.main.studio.models(words))
        except MediatuiError:
            picker.show_models(words, [])  # a model can be named all the same
            self._filling.listed()
            raise
        picker.show_models(words, infos)
        if self._choose and infos and not words:
            picker.list.set_chosen([infos[0].id])
        self._filling.listed()

    async def _load_projects(self) -> None:
        summaries = await self.main.ask(self.main.studio.projects())
        names = [summary.name for summary in summaries]
        self._names = {name.casefold() for name in names} | {summary.id for summary in summaries}
        self.query_one("#project", Input).suggester = SuggestFromList(names, case_sensitive=False)
        self._show_summary()

    _names: frozenset[str] | set[str] | None = None
    """What a project can be named by; None: not known yet."""

    # What is typed.

    @on(ModelPicker.Searched)
    def _search_soon(self, event: ModelPicker.Searched) -> None:
        if self._search is not None:
            self._search.stop()
        self._search = self.set_timer(SEARCH_SECONDS, lambda: self._look_for(event.words))

    @on(ModelPicker.Changed)
    def _models_changed(self) -> None:
        chosen = self.query_one(ModelPicker).chosen
        self.query_one("#models-title", PaneTitle).tell(f"{len(chosen)} chosen" if chosen else "choose one or more")
        self._choose = False
        self._show_summary()
        self.load_form()

    def load_form(self) -> None:
        """Ask for the form of the chosen models, and once more for those that could not be had."""
        self._filling.forming()
        if self.main.has_studio:
            models = list(self.query_one(ModelPicker).chosen)
            self.main.run_fenced(self._load_form(models), group="form", exclusive=True, node=self)

    async def _load_form(self, models: list[str]) -> None:
        wanted = [model for model in models if model not in self._schemas]
        if wanted:
            self._tell_inputs(f"asking for the form of {_names_of(wanted)}…")
        asked = (self.main.ask(self.main.studio.schema(model)) for model in wanted)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        found = dict(zip(wanted, answers, strict=True))
        self._schemas |= {m: answer for m, answer in found.items() if not isinstance(answer, BaseException)}
        uploads = await self._can_upload(models)
        schemas = {model: self._schemas.get(model) for model in models}
        form = self.query_one(SchemaForm)
        await form.show(merge(schemas), len(models), uploads=uploads)
        self.drafting.given()
        failed = {model: answer for model, answer in found.items() if isinstance(answer, Exception)}
        self._filling.formed(models, list(failed))
        self._estimate_soon()
        unknown = [model for model, schema in schemas.items() if schema is None]
        self._tell_inputs(f"no form for {_names_of(unknown)}: only the prompt is sent" if unknown else "")
        for error in {str(error): error for error in failed.values()}.values():
            self.main.tell_exception(error)

    def _tell_inputs(self, words: str) -> None:
        self.query_one("#inputs-title", PaneTitle).tell(words)

    async def _can_upload(self, models: list[str]) -> bool:
        infos = self.query_one(ModelPicker).list.infos
        names = {infos[m].provider if m in infos else self.main.studio.provider_of(m) for m in models}
        found = [await self.main.ask(self.main.studio.capabilities(name)) for name in names]
        return all(Capability.UPLOAD in each for each in found)

    @on(TextArea.Changed)
    @on(Input.Changed, "#project")
    def _show_summary(self) -> None:
        models = self.query_one(ModelPicker).chosen
        project = self.project_name
        self.query_one("#project-note", Static).update(
            Content("" if self._names is None or {project, project.casefold()} & self._names else "a new project")
        )
        names = _names_of(models) or "no model yet"
        price = "price…" if self._price is None else self._price
        said = "job" in price  # for how many
        count = f"{plural(len(models), 'job')} · " if models and not said else ""
        price = f"{price} · " if models else ""
        self.query_one("#summary", Bar).show(
            [(f" {count}", "text"), (price, "accent"), (names, "accent"), (" → ", "dim"), (project, "accent")],
            [(f"{self.press('submit')} ", "key"), ("generates ", "dim")],
        )

    @property
    def project_name(self) -> str:
        """Where it goes."""
        return one_line(self.query_one("#project", Input).value) or self.main.settings.default_project

    def collect(self) -> Draft:
        """Everything typed, as a draft."""
        return Draft(
            prompt=self.query_one(PromptArea).text,
            models=list(self.query_one(ModelPicker).chosen),
            values=self.query_one(SchemaForm).values(),
            project=self.query_one("#project", Input).value.strip(),
            policy=self.query_one("#policy", Cycle).value,
        )

    # Actions.

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            **super().handlers(),
            "back": self._back,
            "find-model": lambda: self._focus("#model-search"),
            "reset": self._reset,
            **self.sending.handlers(),
            **self._prompting.handlers(),
        }

    # What it costs.

    @on(ModelPicker.Changed)
    @on(TextArea.Changed)
    @on(Input.Changed, "#form Input")
    @on(Cycle.Changed)
    def _estimate_soon(self) -> None:
        self._changes += 1
        if self._pricing is not None:
            self._pricing.stop()
        if self.main.has_studio:
            self._pricing = self.set_timer(PRICE_SECONDS, self._estimate)

    @on(ModelPicker.Changed)
    @on(Input.Changed, "#form Input")
    @on(Cycle.Changed)
    def _price_unknown(self) -> None:
        """What costs something else is no longer told; few prices follow the words, and it would flicker with them."""
        self._tell_price(None)

    def _estimate(self) -> None:
        if self._filling.complete:  # else the form is on its way, and asks when it is there
            self.main.run_fenced(self._load_price(self._changes), group="price", exclusive=True, node=self)

    async def _load_price(self, change: int) -> None:
        from mediatui.studio.pricing import UNKNOWN

        if self.sending.faults:
            self._tell_price(f"{plural(self.sending.faults, 'field')} to correct")
            return
        words = UNKNOWN  # whatever is the matter is said when it is sent
        with suppress(MediatuiError):
            words = (await self.main.ask(self.main.studio.estimate(self.sending.request()))).text
        if change == self._changes:
            self._tell_price(words)

    def _tell_price(self, words: str | None) -> None:
        if words != self._price:
            self._price = words
            self._show_summary()

    # The field with the focus.

    @on(events.DescendantFocus)
    def show_status(self) -> None:
        """Below everything: the whole of what stands beside the field with the focus, mostly cut there."""
        status = self.query_one_optional("#status", Bar)
        if status is None or self.saying:
            return
        around = self.focused.ancestors_with_self if self.focused is not None else []
        line = next((node for node in around if isinstance(node, FieldLine)), None)
        status.show([(f" {fit(line.note, max(0, self.size.width - 2))}", "dim")] if line and line.note else [])

    def _focus(self, selector: str) -> None:
        self.query_one(selector).focus()

    # What was typed is kept.

    @on(ModelPicker.Changed)
    @on(TextArea.Changed)
    @on(Input.Changed, "#project, #form Input")
    @on(Cycle.Changed)
    def _keep_soon(self) -> None:
        if self._keeping is None:
            self._keeping = self.set_timer(KEEP_SECONDS, self._keep_now)

    def _keep_now(self) -> None:
        self._keeping = None
        if self.standing and not self.sending.sent:
            self.drafting.keep()
            self.main.remember()

    def leaving(self) -> None:
        """Keep the draft."""
        if self.is_mounted and not self.sending.sent:
            self.drafting.keep()

    def _back(self) -> None:
        if self.sending.busy and not self.sending.sent:
            self.main.call_later(self.main.tell, NOT_SENT)
        self.leaving()
        self.main.remember()
        self.dismiss()

    def close(self) -> None:
        """Leave, once nothing is in front."""
        if self.in_front:
            self.dismiss()

    def on_screen_resume(self) -> None:
        """It was sent while a dialog was in front."""
        if self.sending.sent:
            self.close()

    async def _reset(self) -> None:
        prompt = self.query_one(PromptArea)
        self.query_one("#policy", Cycle).value = ""
        await self.query_one(SchemaForm).empty()
        if prompt.text:
            prompt.clear()
            prompt.focus()
            self.say("Emptied. ^z brings the prompt back.")


def _names_of(models: Iterable[str]) -> str:
    return ", ".join(short_model(model) for model in models)
