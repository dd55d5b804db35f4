"""The generate screen: a prompt, models, their inputs, a project. What is typed survives leaving it."""

from __future__ import annotations

from collections.abc import Mapping
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
from mediatui.tui.control.sending import Sending, request_of
from mediatui.tui.form_values import merge, params_for
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

    def __init__(self, draft: Draft, project: str) -> None:
        super().__init__()
        self.draft = draft
        self._project = draft.project or project
        self._schemas: dict[str, FormSchema | None] = {}
        self._search: Timer | None = None
        self._pricing: Timer | None = None
        self._price = ""
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
                yield SchemaForm()
                yield PaneTitle("Project", id="project-title")
                with Horizontal(classes="field"):
                    yield Static("Project", classes="field-label")
                    field = Input(
                        self._project, placeholder=self.main.settings.default_project, id="project", compact=True
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
        self.main.run_fenced(self._load_models(""), group="models", exclusive=True, node=self)
        self.main.run_fenced(self._load_projects(), group="names", exclusive=True, node=self)
        if self.query_one(ModelPicker).chosen:
            self._models_changed()

    async def _load_models(self, words: str) -> None:
        picker = self.query_one(ModelPicker)
        try:
            infos = await self.main.ask(self.main.studio.models(words))
            picker.show_models(words, infos)
            if not picker.chosen and not words and not self.draft.models and infos:
                picker.list.set_chosen([infos[0].id])
        except MediatuiError:
            picker.show_models(words, [])  # a model can be named all the same
            raise
        finally:
            self._filling.listed()

    async def _load_projects(self) -> None:
        names = [summary.name for summary in await self.main.ask(self.main.studio.projects())]
        self._names = {name.casefold() for name in names}
        self.query_one("#project", Input).suggester = SuggestFromList(names, case_sensitive=False)
        self._show_summary()

    _names: frozenset[str] | set[str] = frozenset()

    # What is typed.

    @on(ModelPicker.Searched)
    def _search_soon(self, event: ModelPicker.Searched) -> None:
        if self._search is not None:
            self._search.stop()
        words = event.words

        def search() -> None:
            self.main.run_fenced(self._load_models(words), group="models", exclusive=True, node=self)

        self._search = self.set_timer(SEARCH_SECONDS, search)

    @on(ModelPicker.Changed)
    def _models_changed(self) -> None:
        chosen = self.query_one(ModelPicker).chosen
        self.query_one("#models-title", PaneTitle).tell(f"{len(chosen)} chosen" if chosen else "choose one or more")
        self._show_summary()
        if self.main.has_studio:
            self.main.run_fenced(self._load_form(list(chosen)), group="form", exclusive=True, node=self)

    async def _load_form(self, models: list[str]) -> None:
        try:
            await self._show_form(models)
        finally:
            self._filling.formed(models)

    async def _show_form(self, models: list[str]) -> None:
        form = self.query_one(SchemaForm)
        for model in models:
            if model not in self._schemas:
                self._schemas[model] = await self.main.ask(self.main.studio.schema(model))
        uploads = await self._can_upload(models)
        rows = merge({model: self._schemas[model] for model in models})
        self.draft.values = form.over(self.draft.values)
        await form.show(rows, self.draft.values, len(models), uploads=uploads)
        self.drafting.given()
        self._estimate_soon()
        unknown = [short_model(model) for model in models if self._schemas[model] is None]
        words = f"no form for {', '.join(unknown)}: only the prompt is sent" if unknown else ""
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
            Content("" if project.casefold() in self._names else "a new project")
        )
        names = ", ".join(short_model(model) for model in models) or "no model yet"
        said = self._price.startswith("≈")  # then it says for how many
        count = f"{plural(len(models), 'job')} · " if models and not said else ""
        price = f"{self._price} · " if models and self._price else ""
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
        values = self.query_one(SchemaForm).values() if self.query_one(SchemaForm).rows else dict(self.draft.values)
        return Draft(
            prompt=self.query_one(PromptArea).text,
            models=list(self.query_one(ModelPicker).chosen),
            values=values,
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
        if self._pricing is not None:
            self._pricing.stop()
        if self.main.has_studio:
            self._pricing = self.set_timer(PRICE_SECONDS, self._estimate)

    def _estimate(self) -> None:
        self.main.run_fenced(self._load_price(), group="price", exclusive=True, node=self)

    async def _load_price(self) -> None:
        from mediatui.studio.pricing import UNKNOWN

        form, draft = self.query_one(SchemaForm), self.collect()
        words = ""
        if draft.models:
            params, _ = params_for(form.rows, form.texts())
            try:
                cost = await self.main.ask(self.main.studio.estimate(request_of(draft, params, self.project_name)))
                words = cost.text
            except MediatuiError:
                words = UNKNOWN  # whatever is the matter is said when it is sent
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
        if not self.sending.busy and self.standing:
            self.drafting.keep()
            self.main.remember()

    def leaving(self) -> None:
        """Keep the draft."""
        if self.is_mounted:
            self.drafting.keep()

    def _back(self) -> None:
        self.drafting.keep()
        self.main.remember()
        self.dismiss()

    async def _reset(self) -> None:
        self.draft, prompt = Draft(), self.query_one(PromptArea)
        self.query_one("#policy", Cycle).value = ""
        form = self.query_one(SchemaForm)
        await form.show(form.rows, {}, len(self.query_one(ModelPicker).chosen))
        if prompt.text:
            prompt.clear()
            prompt.focus()
            self.say("Emptied. ^z brings the prompt back.")
