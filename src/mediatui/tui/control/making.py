"""Making: to the generate screen and the jobs screen."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.memory import Draft


class Making(Controller):
    """Keys that lead to new media."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"new": self.new, "again": self.again, "jobs": self.jobs}

    def new(self) -> None:
        """Open the generate screen with what was typed last."""
        from mediatui.tui.screens.generate import GenerateScreen

        draft = self.app.memory.draft
        if not draft.prompt:
            draft.project = ""
        self.app.push_screen(GenerateScreen(draft, self._project_name()))

    def again(self) -> None:
        """Open the generate screen with this row's inputs."""
        from mediatui.tui.screens.generate import GenerateScreen

        shelf, key = self.screen.shelf, self.screen.media.key or ""
        record = shelf.items.get(key) or shelf.jobs.get(key)
        if record is None:
            raise UsageError("there is nothing under the cursor")
        draft = draft_of(record)
        draft.models = [self.studio.spelled(record.provider, record.model)]
        self.app.push_screen(GenerateScreen(draft, self._project_name()))

    def _project_name(self) -> str:
        summary = self.screen.summaries.get(self.screen.project_id or "")
        return summary.name if summary else ""

    def jobs(self) -> None:
        """Open the jobs screen."""
        from mediatui.tui.screens.jobs import JobsScreen

        self.app.push_screen(JobsScreen())


def draft_of(record: MediaItem | Job) -> Draft:
    """A draft with a record's inputs, to generate it again."""
    values = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in record.params.items()
    }
    return Draft(prompt=record.prompt, models=[record.model], values=values)
