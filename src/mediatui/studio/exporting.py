"""Exports: a plan first, then the archive, with remote files fetched under the same rules as any save."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.library.project import ProjectFolder
from mediatui.model import MediaItem
from mediatui.studio.core import Core
from mediatui.studio.download import Downloader, Stopped
from mediatui.studio.events import ExportProgress
from mediatui.studio.part import PartFile
from mediatui.studio.pictures import Pictures
from mediatui.studio.remote import fetch_copy
from mediatui.studio.save import Source
from mediatui.studio.session import SourceOf

if TYPE_CHECKING:
    from mediatui.archive.plan import ExportEntry, ExportOptions, ExportPlan
    from mediatui.archive.write import ExportReport

POSTER_PX = 480
"""The longer side of a picture on a contact sheet."""


class Exporting:
    """Plans and writes archives, in the work threads."""

    def __init__(self, core: Core, source_of: SourceOf, downloader: Downloader, pictures: Pictures) -> None:
        self._core, self._source_of, self._downloader, self._pictures = core, source_of, downloader, pictures
        self._running: dict[str, threading.Event] = {}

    def stop(self) -> None:
        """Stop every export; nothing of them stays."""
        for event in list(self._running.values()):
            event.set()

    def cancel(self, plan_id: str) -> None:
        """Stop one export."""
        if plan_id in self._running:
            self._running[plan_id].set()

    def plan(
        self, project_id: str, target: Path | None, item_ids: Sequence[str] | None, options: ExportOptions | None = None
    ) -> ExportPlan:
        """What would be written, in the order of `item_ids` or the newest first (blocking)."""
        from mediatui.archive.plan import ExportOptions, plan_export

        project = self._core.library.open(project_id)
        items = self._chosen(project, item_ids)
        return plan_export(project.record, project.folder, items, target, options or ExportOptions())

    def preview_names(self, project_id: str, template: str, item_ids: Sequence[str] | None) -> tuple[str, ...]:
        """The names a template gives the first items (blocking). Raises `UsageError` for one that makes no sense."""
        from mediatui.archive.plan import preview_names

        project = self._core.library.open(project_id)
        return preview_names(template, self._chosen(project, item_ids), project.record)

    def _chosen(self, project: ProjectFolder, item_ids: Sequence[str] | None) -> tuple[MediaItem, ...]:
        items = self._core.records.items(project)
        if item_ids is None:
            return items
        by_id = {item.id: item for item in items}
        return tuple(by_id[item_id] for item_id in dict.fromkeys(item_ids) if item_id in by_id)

    async def run(self, plan: ExportPlan) -> ExportReport:
        """Write the archive."""
        from mediatui.archive.write import write_export

        loop = asyncio.get_running_loop()
        project = await self._core.blocking(lambda: self._core.library.open(plan.project.id))
        jobs = {job.id: job for job in self._core.records.jobs(project)}
        stop = self._running.setdefault(plan.id, threading.Event())

        def fetch(entry: ExportEntry, path: Path) -> None:
            asked = asyncio.run_coroutine_threadsafe(self._source_of(project, entry.item), loop)
            try:
                self._fetch(entry.item, asked.result(), path, stop.is_set)
            except (Stopped, CancelledError):
                raise SaveError(SaveErrorKind.NETWORK, "the export was stopped") from None

        def report(files: int, total_files: int, count: int, total: int, current: str) -> None:
            self._core.emit(ExportProgress(plan.id, files, total_files, count, total, current))

        try:
            return await self._core.working(
                lambda: write_export(
                    plan,
                    jobs,
                    fetch,
                    report,
                    stop.is_set,
                    lambda item: self._pictures.poster(item.id, POSTER_PX),
                )
            )
        finally:
            del self._running[plan.id]

    def _fetch(self, item: MediaItem, source: Source | None, path: Path, stopped: Callable[[], bool]) -> None:
        """Download an item to `path`, under the rules of its provider. Raises `SaveError`, `Stopped`."""
        if source is None:
            raise SaveError(SaveErrorKind.INTERNAL, f"the provider {item.provider!r} is not set up here")
        with PartFile(path) as part:
            fetch_copy(self._downloader, item, part, source, self._core.settings.max_file_bytes, stopped)
            part.forget()
