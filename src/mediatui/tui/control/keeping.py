"""Saving: one, the marked, everything unsaved; and the export."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from mediatui.errors import UsageError
from mediatui.text import one_line, plural
from mediatui.tui.actor import Handler
from mediatui.tui.control.base import Controller
from mediatui.tui.screens.dialogs import ConfirmScreen

if TYPE_CHECKING:
    from mediatui.studio.requests import SaveReport
    from mediatui.tui.app import MediatuiApp


class Keeping(Controller):
    """Keys that bring bytes to disk."""

    def handlers(self) -> Mapping[str, Handler]:
        """Its actions."""
        return {
            "save": self.save,
            "retry": self.retry,
            "retry-all": self.retry_all,
            "save-to-disk": self.save_to_disk,
            "regenerate": self.regenerate,
            "log": self.log,
            "export": self.export,
        }

    def _ids(self) -> list[str]:
        ids = [item.id for item in self.screen.targets()]
        if not ids:
            raise UsageError(
                "there is no item here to save",
                hint=f"What a job makes is listed once it is done; {self.press('jobs')} shows the jobs.",
            )
        faults = (item.storage_error for item in self.screen.targets())
        self.app.hosts.forget(fault.host for fault in faults if fault is not None and fault.host)
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

    async def save_to_disk(self) -> None:
        """Save everything of this project that has no local file."""
        self._project()
        count = self.screen.shelf.without_file
        if not count:
            self.app.tell(f"Every item of {'all projects' if self.screen.everywhere else 'this project'} is on disk.")
            return
        self.app.tell(f"Saving {plural(count, 'item')} to disk.")
        self.screen.telling.drop_offer()
        await self._tell(self.studio.save_to_disk(self.screen.one_project))

    def _project(self) -> str:
        if self.screen.project_id is None:
            raise UsageError("no project is open", hint=f"{self.press('new-project')} makes one.")
        return self.screen.project_id

    async def regenerate(self) -> None:
        """Make this item again as it was asked for: says what it costs, and asks."""
        from mediatui.studio.again import generate_again

        item = self.screen.item
        if item is None:
            raise UsageError("there is no item here to make anew")
        request = generate_again(item)
        cost = await self.app.ask(self.studio.estimate(request))
        lines = [
            f"“{one_line(item.prompt, 200)}”",
            f"{item.provider} · {item.model}",
            f"Price: {cost.text}.",
            f"This is a new request and a new payment; {self.press('retry')} only fetches what was paid for.",
        ]
        if await self.app.push_screen_wait(ConfirmScreen("Make this item anew?", lines, "send and pay")):
            jobs = await self.app.ask(self.studio.generate(request))
            self.app.tell(f"Sent: {jobs[0].phase.value}." if jobs else "Nothing was sent.")

    def log(self) -> None:
        """The steps of the row under the cursor; of everything when there is none."""
        from mediatui.tui.screens.log import LogScreen, Subject

        shelf, key = self.screen.shelf, self.screen.media.key or ""
        self.app.push_screen(LogScreen(Subject.of(shelf.items.get(key) or shelf.jobs.get(key))))

    async def _tell(self, future: Future[SaveReport]) -> None:
        tell_saved(self.app, await self.app.ask(future))

    def export(self) -> None:
        """Plan an export of the project."""
        from mediatui.tui.screens.export import ExportScreen

        project_id = self._project()
        items = self.screen.targets() if self.screen.media.marks else []
        if self.screen.everywhere:
            of = {item.project for item in items}
            if len(of) != 1:
                raise UsageError("an export is of one project", hint="Open it, or mark items of one project only.")
            project_id = of.pop()
        shelf = self.screen.shelf
        filtered = [key for key in shelf.rows if key in shelf.items] if shelf.words.strip() else None
        if self.screen.everywhere:
            filtered = None
        self.app.push_screen(ExportScreen(project_id, [item.id for item in items] or None, filtered))


def tell_saved(app: MediatuiApp, report: SaveReport) -> None:
    """Say what came of saving; an item that stays at its URL because the disk refused it has not been saved."""
    refused = [
        item.storage_error.message
        for id in report.url_only
        if (item := app.studio.find_item(id)) is not None and item.storage_error is not None
    ]
    kept = report.url_only[len(refused) :]
    said = [
        f"{plural(len(ids), 'item')} {words}"
        for ids, words in (
            (report.saved, "saved"),
            (report.already, "already on disk"),
            (kept, "kept by URL"),
            (report.elsewhere, "being saved by another window"),
        )
        if ids
    ]
    if report.failed:
        app.tell(
            f"{plural(len(report.failed), 'item')} could not be saved.",
            hint=f"The details say why; {app.keys.of('library', 'retry-all')} tries again.",
            severity="warning",
        )
    if refused:
        app.tell(
            f"{plural(len(refused), 'item')} could not be saved: {refused[0]}.",
            hint=f"Kept by URL for now; {app.keys.of('library', 'save-to-disk')} tries again.",
            severity="warning",
        )
    if said or not (report.failed or refused):
        text = ", ".join(said) or "nothing was unsaved"
        app.tell(f"{text[0].upper()}{text[1:]}.")
