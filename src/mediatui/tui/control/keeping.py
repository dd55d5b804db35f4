"""Saving: one, the marked, everything unsaved; and the export."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.text import plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller

if TYPE_CHECKING:
    from mediatui.studio.requests import SaveReport


class Keeping(Controller):
    """Keys that bring bytes to disk."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {"save": self.save, "retry": self.retry, "retry-all": self.retry_all, "export": self.export}

    def _ids(self) -> list[str]:
        ids = [item.id for item in self.screen.targets()]
        if not ids:
            raise UsageError("there is no item here to save")
        return ids

    async def save(self) -> None:
        """Save the marked items or this one."""
        await self._tell(self.studio.save(self._ids()))

    async def retry(self) -> None:
        """Try again to save the marked items or this one."""
        job = self.screen.shelf.jobs.get(self.screen.media.key or "")
        if job is not None and not self.screen.media.marks:
            done = await self.app.ask(self.studio.recheck([job.id]))
            self.app.tell(f"Asked the provider again: {done[0].phase.value}." if done else "Asked the provider again.")
            return
        await self._tell(self.studio.retry(self._ids()))

    async def retry_all(self) -> None:
        """Try to save everything unsaved, in every project."""
        await self._tell(self.studio.retry_all())

    async def _tell(self, future: Future[SaveReport]) -> None:
        report = await self.app.ask(future)
        said = [
            f"{plural(len(ids), 'item')} {words}"
            for ids, words in (
                (report.saved, "saved"),
                (report.already, "already on disk"),
                (report.url_only, "kept by URL"),
                (report.elsewhere, "being saved by another window"),
            )
            if ids
        ]
        if report.failed:
            self.app.tell(
                f"{plural(len(report.failed), 'item')} could not be saved.",
                hint="The details say why; R tries again.",
                severity="warning",
            )
        if said or not report.failed:
            text = ", ".join(said) or "nothing was unsaved"
            self.app.tell(f"{text[0].upper()}{text[1:]}.")

    def export(self) -> None:
        """Plan an export of the project."""
        from mediatui.tui.screens.export import ExportScreen

        if self.screen.project_id is None:
            raise UsageError("no project is open", hint="p makes one.")
        marked = [item.id for item in self.screen.targets()] if self.screen.media.marks else None
        self.app.push_screen(ExportScreen(self.screen.project_id, marked))
