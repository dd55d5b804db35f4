"""Making: to the generate screen and the jobs screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem, MediaType
from mediatui.text import one_line
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.memory import Draft

if TYPE_CHECKING:
    from mediatui.tui.app import MediatuiApp

_A = {MediaType.IMAGE: "an image", MediaType.VIDEO: "a video", MediaType.AUDIO: "a sound"}


class Making(Controller):
    """Keys that lead to new media."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "new": self.new,
            "again": lambda: self._again(keep_seed=True),
            "vary": lambda: self._again(keep_seed=False),
            "as-input": self.as_input,
            "jobs": self.jobs,
        }

    def new(self) -> None:
        """Open the generate screen with what was typed last."""
        from mediatui.tui.screens.generate import GenerateScreen

        draft = self.app.memory.draft
        if not draft.prompt:
            draft.project = ""
        self.app.push_screen(GenerateScreen(draft, self._project_name()))

    def _again(self, *, keep_seed: bool) -> None:
        """Open the generate screen with this row's inputs, its seed too or not."""
        generate_again(self.app, self._row(), keep_seed=keep_seed)

    def _row(self) -> MediaItem | Job:
        shelf, key = self.screen.shelf, self.screen.media.key or ""
        record = shelf.items.get(key) or shelf.jobs.get(key)
        if record is None:
            raise UsageError("there is nothing under the cursor", hint=f"{self.press('new')} writes a prompt.")
        return record

    async def as_input(self) -> None:
        """Choose a model that takes this item, and open the generate screen with it filled in."""
        from mediatui.studio.again import input_field
        from mediatui.tui.screens.generate import GenerateScreen

        item = self.screen.item
        if item is None:
            raise UsageError("there is no item under the cursor", hint="Go to one that is made already.")
        infos = await self.app.ask(self.studio.models())
        taking = [info for info in infos if info.category.startswith(f"{item.type.value}-to-")]
        from mediatui.tui.screens.pick import Entry, PickScreen

        rows = [Entry(info.id, info.id, info.category) for info in taking]
        empty = f"No model here says that it takes {_A[item.type]}."
        picker = PickScreen(f"Start from {one_line(item.name, 40)} with", rows, verb="choose", empty=empty)
        model = await self.app.push_screen_wait(picker)
        if model is None:
            return
        schema = await self.app.ask(self.studio.schema(model))
        name = input_field(schema, item.type) if schema is not None else None
        if name is None:
            raise UsageError(f"{model} has no field for {_A[item.type]}", hint="Choose another model.")
        file = self.studio.file_of(item)
        value = str(file) if file is not None else await self.app.ask(self.studio.organise.as_input(item.id))
        draft = Draft(item.prompt, [model], {name: value})
        self.app.push_screen(GenerateScreen(draft, project_words(self.app, item.project)))

    def _project_name(self) -> str:
        project_id = self.screen.project_id or ""
        return project_words(self.app, project_id) if project_id in self.screen.summaries else ""

    def jobs(self) -> None:
        """Open the jobs screen."""
        from mediatui.tui.screens.jobs import JobsScreen

        self.app.push_screen(JobsScreen())


def generate_again(app: MediatuiApp, record: MediaItem | Job, *, keep_seed: bool = True) -> None:
    """Open the generate screen with what an item or a job was made from, at the provider that made it.

    Where that provider is not set up any more, no model is chosen: another one's model of that name is another model.
    """
    from mediatui.tui.screens.generate import GenerateScreen

    studio = app.studio
    request = studio.organise.again(record.id, keep_seed=keep_seed)
    provider, model = request.provider or "", studio.spelled(request.provider or "", request.models[0])
    gone = studio.provider_of(model) != provider
    draft = Draft(request.prompt, [] if gone else [model], texts_of(request.params))
    app.push_screen(GenerateScreen(draft, project_words(app, record.project), choose=not gone))
    if gone:
        app.call_later(app.tell, f"{provider} is not in use here: choose another model than {one_line(model, 60)}.")


def project_words(app: MediatuiApp, project_id: str) -> str:
    """What a request names a project by: its name, or its identifier where another one has that name too."""
    summaries = app.library.summaries
    summary = summaries.get(project_id)
    if summary is None:
        return project_id
    name = summary.name.casefold()
    return summary.name if sum(each.name.casefold() == name for each in summaries.values()) == 1 else summary.id


def texts_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as they are typed."""
    from mediatui.tui.form_values import shown

    return {name: shown(value) for name, value in params.items()}
