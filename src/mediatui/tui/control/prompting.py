"""Prompts that were used before, and templates with gaps to fill in, for the generate screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.text import one_line, plural
from mediatui.tui.actor import Handler
from mediatui.tui.format import ago, short_model
from mediatui.tui.screens.dialogs import AskScreen
from mediatui.tui.screens.pick import Entry, PickScreen
from mediatui.tui.widgets.model_picker import ModelPicker
from mediatui.tui.widgets.prompt import PromptArea

if TYPE_CHECKING:
    from mediatui.studio.templates import Template
    from mediatui.tui.app import MediatuiApp
    from mediatui.tui.screens.generate import GenerateScreen

SHOWN = 300
"""Characters of a prompt in a list."""


class Prompting:
    """Fills the prompt of a generate screen."""

    def __init__(self, screen: GenerateScreen) -> None:
        self._screen = screen

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"history": self.history, "templates": self.templates}

    @property
    def _app(self) -> MediatuiApp:
        return self._screen.main

    def _use(self, prompt: str, model: str = "") -> None:
        area = self._screen.query_one(PromptArea)
        # As an edit, so that ctrl+z in the field brings back what stood there.
        area.replace(prompt, (0, 0), area.document.end)
        area.move_cursor(area.document.end)
        area.focus()
        if model:
            self._screen.query_one(ModelPicker).list.set_chosen([model])

    async def history(self) -> None:
        """Choose a prompt that was sent before, or typed and put aside."""
        used = await self._app.ask(self._app.studio.organise.prompts())
        sent = {entry.prompt for entry in used}
        aside = [prompt for prompt in self._app.memory.aside if prompt not in sent]
        rows = [Entry(prompt, one_line(prompt, SHOWN), "not sent") for prompt in aside]
        for entry in used:
            times = f"{entry.times}× · " if entry.times > 1 else ""
            model = short_model(entry.models[0]) if entry.models else ""
            rows.append(Entry(entry.prompt, one_line(entry.prompt, SHOWN), f"{times}{model} {ago(entry.last_used)}"))
        picker = PickScreen("Prompts before", rows, verb="use it", empty="No prompt was sent yet.")
        chosen = await self._app.push_screen_wait(picker)
        if chosen is not None:
            self._use(chosen)

    async def templates(self) -> None:
        """Choose a template and fill it in, or keep the prompt as one under the name that was typed."""
        organise, prompt = self._app.studio.organise, self._screen.query_one(PromptArea).text.strip()
        held = {template.name: template for template in await self._app.ask(organise.templates())}

        def drop(name: str) -> None:
            self._app.run_fenced(self._drop(name, held, picker), group="template", node=picker)

        picker = PickScreen(
            "Templates",
            _rows(held),
            fresh=(lambda name: Entry(name, f"keep the prompt as “{name}”", "new")) if prompt else None,
            placeholder="a template, or a name to keep the prompt under" if prompt else "type to search",
            verb="use it",
            empty="No template yet: write a prompt with {{gaps}}, then name it here.",
            drop=drop,
        )
        chosen = await self._app.push_screen_wait(picker)
        if chosen is None:
            return
        if chosen not in held:
            kept = await self._app.ask(organise.save_template(chosen, prompt))
            self._app.tell(f"Kept as template “{kept.name}”.")
            return
        await self._fill(held[chosen])

    async def _drop(self, name: str, held: dict[str, Template], picker: PickScreen) -> None:
        if name in held:
            await self._app.ask(self._app.studio.organise.delete_template(name))
            del held[name]
            picker.set_entries(_rows(held))

    async def _fill(self, template: Template) -> None:
        gaps, values = template.placeholders, dict[str, str]()
        for number, gap in enumerate(gaps, 1):
            title = f"{template.name}: {gap.name} ({number} of {len(gaps)})"
            text = await self._app.push_screen_wait(AskScreen(title, gap.default or "", placeholder=gap.name))
            if text is None:
                raise UsageError("the template was not filled in: the prompt is as it was")
            values[gap.name] = text
        prompt = await self._app.ask(self._app.studio.organise.fill_template(template.name, values))
        self._use(prompt, template.model)


def _rows(held: Mapping[str, Template]) -> list[Entry]:
    return [Entry(template.name, template.name, _gaps(template)) for template in held.values()]


def _gaps(template: Template) -> str:
    gaps = len(template.placeholders)
    return f"{plural(gaps, 'gap') if gaps else 'no gaps'} · {one_line(template.text, 60)}"
