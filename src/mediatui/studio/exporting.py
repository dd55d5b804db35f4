"""Exports: a plan first, then the archive, with remote files fetched under the same rules as any save."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.library.project import ProjectFolder
from mediatui.media.probe import sniff
from mediatui.model import MediaItem
from mediatui.providers.base import Provider
from mediatui.studio.core import Core
from mediatui.studio.download import Downloader, Limits, Stopped
from mediatui.studio.events import ExportProgress
from mediatui.studio.hosts import AllowedHosts
from mediatui.studio.part import PartFile
from mediatui.studio.pictures import Pictures
from mediatui.studio.services import Services

if TYPE_CHECKING:
    from mediatui.archive.plan import ExportEntry, ExportOptions, ExportPlan
    from mediatui.archive.write import ExportReport

POSTER_PX = 480
"""The longer side of a picture on a contact sheet."""


class Exporting:
    """Plans and writes archives, in the work threads."""

    def __init__(
        self, core: Core, services: Services, downloader: Downloader, pictures: Pictures, hosts: AllowedHosts
    ) -> None:
        self._core, self._services, self._downloader = core, services, downloader
        self._pictures, self._hosts = pictures, hosts
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

        providers = await self._providers(plan)
        project = await self._core.blocking(lambda: self._core.library.open(plan.project.id))
        jobs = {job.id: job for job in self._core.records.jobs(project)}
        stop = self._running.setdefault(plan.id, threading.Event())

        def report(files: int, total_files: int, count: int, total: int, current: str) -> None:
            self._core.emit(ExportProgress(plan.id, files, total_files, count, total, current))

        try:
            return await self._core.working(
                lambda: write_export(
                    plan,
                    jobs,
                    lambda entry, path: self._fetch(providers, entry, path, stop.is_set),
                    report,
                    stop.is_set,
                    lambda item: self._pictures.poster(item.id, POSTER_PX),
                )
            )
        finally:
            del self._running[plan.id]

    async def _providers(self, plan: ExportPlan) -> dict[str, Provider]:
        names = {entry.item.provider for entry in plan.entries if entry.source is None}
        found = {name: await self._services.try_get(name) for name in names}
        return {name: provider for name, provider in found.items() if provider is not None}

    def _fetch(
        self, providers: dict[str, Provider], entry: ExportEntry, path: Path, stopped: Callable[[], bool]
    ) -> None:
        """Download a remote entry to `path`; under the rules of its provider. Raises `SaveError`."""
        provider = providers.get(entry.item.provider)
        if provider is None or entry.url is None:
            raise SaveError(SaveErrorKind.INTERNAL, f"the provider {entry.item.provider!r} is not set up here")
        url = provider.media_url(entry.url)
        headers = dict(provider.download_headers(url)) if entry.item.url_auth == "provider" else {}
        hosts = self._hosts.beside(provider.media_hosts, entry.item.id)
        limits = Limits(hosts, self._core.settings.max_file_bytes)
        with PartFile(path) as part:
            try:
                self._downloader.fetch(url, part, limits, headers, lambda received, total: None, stopped)
            except Stopped:
                raise SaveError(SaveErrorKind.NETWORK, "the export was stopped") from None
            if sniff(part.head()) is None:
                raise SaveError(SaveErrorKind.BAD_CONTENT, "what arrived is not a picture, a video or a sound")
            part.forget()
