"""From the generate screen to the studio: what is looked at before a request is sent, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.errors import NeedsConfirmation, UsageError
from mediatui.model import Phase, SavePolicy
from mediatui.text import one_line, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.drafting import kept_words
from mediatui.tui.control.filling import Filling
from mediatui.tui.form_values import params_for
from mediatui.tui.format import short_model
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.widgets.form import SchemaForm
from mediatui.tui.widgets.model_picker import ModelPicker
from mediatui.tui.widgets.prompt import PromptArea

if TYPE_CHECKING:
    from mediatui.studio.requests import GenerateRequest
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.memory import Draft
    from mediatui.tui.screens.generate import GenerateScreen

TELL_SECONDS = 0.4
"""Whoever waits longer than this is told for what."""
NOT_SENT = "Not sent. What you typed is kept."


class Sending:
    """Sends what one generate screen holds, once."""

    def __init__(self, screen: GenerateScreen, filling: Filling) -> None:
        self._screen, self._filling = screen, filling
        self.busy = False
        """It is being looked at, or was sent."""
        self.sent = False

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"submit": self.submit}

    async def submit(self) -> None:
        """Send what was typed and close the screen. Raises `MediatuiError` for what cannot be sent as it is."""
        if self.busy:
            return
        self.busy = True
        try:
            await self._submit()
        finally:
            self.busy = self.sent

    async def _submit(self) -> None:
        screen = self._screen
        prompt = screen.query_one(PromptArea)
        if not prompt.text.strip():
            prompt.focus()
            raise UsageError("the prompt is empty", hint="Write what to make.")
        if not await self._all_there():
            return
        if not screen.collect().models:
            screen.query_one("#model-search").focus()
            hint = f"{screen.press('toggle', 'models')} chooses one in the list."
            raise UsageError("no model is chosen", hint=hint)
        self._judge()
        asked = self.request()
        request = await self._checked(asked)
        if request is None or not screen.standing:
            screen.say(NOT_SENT)
        elif self.request() != asked:
            screen.say(f"Not sent: it was changed meanwhile. {screen.press('submit')} sends it as it is now.")
        else:
            self._send(request)

    def request(self) -> GenerateRequest:
        """What the screen asks for now; fields that hold something wrong are left out."""
        from mediatui.studio.requests import GenerateRequest

        screen, form = self._screen, self._screen.query_one(SchemaForm)
        draft, (params, _) = screen.collect(), params_for(form.rows, form.texts())
        policy = SavePolicy(draft.policy) if draft.policy else None
        return GenerateRequest(draft.prompt, tuple(draft.models), screen.project_name, {}, params, policy)

    @property
    def faults(self) -> int:
        """Fields in which something wrong was typed."""
        form = self._screen.query_one(SchemaForm)
        texts = form.texts()
        return sum(bool(texts[number]) for number in params_for(form.rows, texts)[1])

    def _send(self, request: GenerateRequest) -> None:
        screen, app = self._screen, self._screen.main
        draft = screen.collect()
        screen.drafting.sent(draft)
        app.remember()
        self.sent = True
        app.library.projects.want(screen.project_name)
        app.run_fenced(send(app, draft, request), group="generate", node=app)
        screen.close()

    async def _all_there(self) -> bool:
        """Wait for what is on its way. False when what would be sent is not what a person has seen."""
        screen = self._screen
        picker = screen.query_one(ModelPicker)
        unseen = not picker.chosen and screen.main.has_studio and screen.main.studio.provider_name != "sandbox"
        if self._filling.complete and self._filling.formless:
            screen.load_form()
        if not self._filling.complete:
            screen.say("Waiting for the models and their form…")
            await self._filling.wait()
        if unseen and picker.chosen:
            names = ", ".join(short_model(model) for model in picker.chosen)
            screen.say(f"{names} is chosen: {screen.press('submit')} generates with it.")
            return False
        return await self._agrees_to_the_prompt_alone(picker.chosen)

    async def _agrees_to_the_prompt_alone(self, models: Sequence[str]) -> bool:
        """Ask, where inputs were given to a model whose form did not come; else there is nothing to ask."""
        formless = self._filling.formless if self._filling.complete else models
        left = ", ".join(sorted(self._screen.query_one(SchemaForm).values()))
        if not formless or not left:
            return True
        names = ", ".join(short_model(model) for model in formless)
        lines = [
            f"The form of {names} could not be had.",
            f"Not sent with it: {one_line(left, 200)}.",
        ]
        question = ConfirmScreen("Send the prompt alone?", lines, "send it")
        agreed = await self._screen.main.push_screen_wait(question)
        if not agreed:
            self._screen.say(NOT_SENT)
        return agreed

    def _judge(self) -> None:
        """Look at the form's values. Raises `UsageError`; what is wrong stands beside its field."""
        form = self._screen.query_one(SchemaForm)
        _, wrong = params_for(form.rows, form.texts())
        form.show_faults(wrong)
        if wrong:
            raise UsageError(f"{plural(len(wrong), 'field')} to correct", hint="The reason stands below each.")

    async def _checked(self, request: GenerateRequest) -> GenerateRequest | None:
        """The request when it can be sent: its files are there, and its price is wanted. None: thought better of.

        Raises `MediatuiError`; what is wrong with a file stands beside its field.
        """
        from mediatui.studio.inline import BadInput

        app = self._screen.main
        try:
            await self._look(request)
        except NeedsConfirmation as exc:
            lines = [exc.message, f"{plural(len(request.models), 'model')} → {request.project}"]
            agreed = await app.push_screen_wait(ConfirmScreen(exc.title, lines, "send it"))
            return replace(request, confirmed=True) if agreed else None
        except BadInput as exc:
            form, name = self._screen.query_one(SchemaForm), exc.field.partition(".")[0]
            form.show_faults({n: exc.why for n, row in enumerate(form.rows) if row.field.name == name})
            raise
        return request

    async def _look(self, request: GenerateRequest) -> None:
        """Have the studio look at a request, and say so where that takes long. Raises `MediatuiError`."""
        app, words = self._screen.main, "Looking at files and price…"
        waiting = self._screen.set_timer(TELL_SECONDS, lambda: self._screen.say(words))
        try:
            await app.ask(app.studio.check(request))
        finally:
            waiting.stop()


async def send(app: MediatuiApp, draft: Draft, request: GenerateRequest) -> None:
    """Hand the request to the studio and say what it took; the draft comes back if nothing could be recorded."""
    try:
        jobs = await app.ask(app.studio.generate(request))
    except Exception:  # whatever went wrong, what was typed is kept; the worker's fence tells the error
        newer = app.memory.take_draft(draft)
        app.memory.bring_back(draft.prompt)
        if newer:
            app.tell(kept_words(app))
        app.remember()
        raise
    app.memory.bring_back(draft.prompt)
    app.remember()
    # Why one failed, or has no answer, is a notice of the studio's.
    stopped = sum(job.phase is Phase.CANCELLED for job in jobs)
    refused = sum(job.phase in (Phase.FAILED, Phase.UNKNOWN) for job in jobs)
    taken = len(jobs) - stopped - refused
    words = (
        f"Sent to {plural(taken, 'model')}." if taken else "",
        f"{plural(stopped, 'job')} not sent." if stopped else "",
    )
    if any(words):
        app.tell(" ".join(filter(None, words)))
