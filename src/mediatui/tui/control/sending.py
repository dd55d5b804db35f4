"""From the generate screen to the studio: what is looked at before a request is sent, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from mediatui.errors import NeedsConfirmation, UsageError
from mediatui.model import Phase, SavePolicy
from mediatui.text import plural
from mediatui.tui.actor import Handler
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


class Sending:
    """Sends what one generate screen holds, once."""

    def __init__(self, screen: GenerateScreen, filling: Filling) -> None:
        self._screen, self._filling = screen, filling
        self.busy = False
        """It is being looked at, or was sent."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"submit": self.submit}

    async def submit(self) -> None:
        """Send what was typed and close the screen. Raises `MediatuiError` for what cannot be sent as it is."""
        if self.busy:
            return
        screen = self._screen
        prompt = screen.query_one(PromptArea)
        if not prompt.text.strip():
            prompt.focus()
            raise UsageError("the prompt is empty", hint="Write what to make.")
        if not self._filling.complete and not await self._all_there():
            return
        draft = screen.collect()
        if not draft.models:
            screen.query_one("#model-search").focus()
            hint = f"{screen.press('toggle', 'models')} chooses one in the list."
            raise UsageError("no model is chosen", hint=hint)
        params = self._params()
        self.busy = True
        try:
            request = await self._checked(request_of(draft, params, screen.project_name))
        finally:
            self.busy = False
        if request is not None:
            self._send(draft, request)

    def _send(self, draft: Draft, request: GenerateRequest) -> None:
        screen, app = self._screen, self._screen.main
        screen.drafting.sent(draft)
        app.remember()
        self.busy = True
        app.library.projects.want(screen.project_name)
        app.run_fenced(send(app, draft, request), group="generate", node=app)
        screen.dismiss()

    async def _all_there(self) -> bool:
        """Wait for what is on its way; False when a model that costs something was chosen only meanwhile."""
        screen = self._screen
        picker = screen.query_one(ModelPicker)
        unseen = not picker.chosen and screen.main.has_studio and screen.main.studio.provider_name != "sandbox"
        self.busy = True
        try:
            screen.say("Waiting for the models and their form…")
            await self._filling.wait()
        finally:
            self.busy = False
        if unseen and picker.chosen:
            names = ", ".join(short_model(model) for model in picker.chosen)
            screen.say(f"{names} is chosen: {screen.press('submit')} generates with it.")
        return not (unseen and picker.chosen)

    def _params(self) -> Mapping[str, Mapping[str, object]]:
        """The form's values. Raises `UsageError`; what is wrong stands beside its field."""
        form = self._screen.query_one(SchemaForm)
        params, wrong = params_for(form.rows, form.texts())
        form.show_faults(wrong)
        if wrong:
            raise UsageError(f"{plural(len(wrong), 'field')} to correct", hint="The reason stands below each.")
        return params

    async def _checked(self, request: GenerateRequest) -> GenerateRequest | None:
        """The request when it can be sent: its files are there, and its price is wanted. None: thought better of.

        Raises `MediatuiError`; what is wrong with a file stands beside its field.
        """
        from mediatui.studio.inline import BadInput

        app = self._screen.main
        try:
            await app.ask(app.studio.check(request))
        except NeedsConfirmation as exc:
            lines = [exc.message, f"{plural(len(request.models), 'model')} → {request.project}"]
            agreed = await app.push_screen_wait(ConfirmScreen(exc.title, lines, "send it"))
            return replace(request, confirmed=True) if agreed else None
        except BadInput as exc:
            form, name = self._screen.query_one(SchemaForm), exc.field.partition(".")[0]
            form.show_faults({n: exc.why for n, row in enumerate(form.rows) if row.field.name == name})
            raise
        return request


def request_of(draft: Draft, params: Mapping[str, Mapping[str, object]], project: str) -> GenerateRequest:
    """What the studio is asked for."""
    from mediatui.studio.requests import GenerateRequest

    policy = SavePolicy(draft.policy) if draft.policy else None
    return GenerateRequest(draft.prompt, tuple(draft.models), project, {}, params, policy)


async def send(app: MediatuiApp, draft: Draft, request: GenerateRequest) -> None:
    """Hand the request to the studio and say what came of it; the draft comes back if nothing could be recorded."""
    try:
        jobs = await app.ask(app.studio.generate(request))
    except Exception:  # whatever went wrong, what was typed is kept; the worker's fence tells the error
        app.memory.take_draft(draft)
        app.remember()
        raise
    failed = [job for job in jobs if job.phase in (Phase.FAILED, Phase.CANCELLED)]
    unknown = [job for job in jobs if job.phase is Phase.UNKNOWN]
    for job in failed[:1]:
        more = f" ({plural(len(failed), 'job')} of {len(jobs)})" if len(jobs) > 1 else ""
        words = job.error.message if job.error else "the provider refused it"
        app.tell(f"{words}{more}", hint=job.error.hint if job.error else "", title="Not accepted", severity="error")
    if unknown:
        app.tell(
            f"{plural(len(unknown), 'job')} without an answer.",
            hint=f"{app.keys.of('library', 'jobs')} shows it; it is never sent twice.",
            severity="warning",
        )
    if len(failed) + len(unknown) < len(jobs):
        app.tell(f"Sent to {plural(len(jobs) - len(failed) - len(unknown), 'model')}.")
