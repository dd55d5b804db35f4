"""Saves in the plural: each item once at a time, again by itself where that can help, and on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mediatui.errors import MediatuiError, ProviderError
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.model import Job, MediaItem, SavePolicy, SaveState
from mediatui.providers.base import Provider
from mediatui.studio.core import Core
from mediatui.studio.download import Downloader, Stopped
from mediatui.studio.events import Notice
from mediatui.studio.requests import SaveReport
from mediatui.studio.save import Outcome, Saver, Source
from mediatui.studio.services import Services
from mediatui.text import plural

AGAIN_SECONDS = (20.0, 60.0, 300.0, 1800.0)
"""Pauses before a save that failed for a passing reason is tried again by itself."""


class Saving:
    """Brings outputs to disk; on the engine's loop, the work itself in the save threads."""

    def __init__(self, core: Core, services: Services) -> None:
        self._core, self._services = core, services
        self._downloader = Downloader()
        self._saver = Saver(core.records, self._downloader, core.settings.max_file_bytes)
        self._running: dict[str, asyncio.Task[Outcome]] = {}

    def stop(self) -> None:
        """Let running downloads end at their next buffer; what arrived stays and is resumed."""
        self._downloader.stop()

    # -- by itself

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        """Save a finished job's outputs if its policy says so."""
        for item in items:
            if item.save_state is SaveState.UNSAVED and self._is_automatic(project, item):
                self._core.engine.spawn(self._save_by_itself(project, item.id), f"save-{item.id}")

    async def resume(self, project: ProjectFolder) -> None:
        """Check files against the index, then save what is unsaved and was to be saved by itself."""
        if not project.writable:
            return
        await self._core.blocking(lambda: reconcile(project))
        for item in self._core.records.items(project):
            waiting = item.save_state in (SaveState.UNSAVED, SaveState.SAVING)
            if waiting and item.id not in self._running and self._is_automatic(project, item):
                self._core.engine.spawn(self._save_by_itself(project, item.id), f"save-{item.id}")

    def _is_automatic(self, project: ProjectFolder, item: MediaItem) -> bool:
        job = self._job_of(project, item)
        policy = job.save_policy if job else project.record.save_policy or self._core.settings.save_policy
        return policy is SavePolicy.AUTOMATIC

    async def _save_by_itself(self, project: ProjectFolder, item_id: str) -> None:
        for pause in (*AGAIN_SECONDS, None):
            outcome = await self._save_one(project, item_id)
            item = self._core.records.find_item(project, item_id)
            fault = item.storage_error if item else None
            if outcome is not Outcome.FAILED or fault is None:
                return
            if pause is None or not fault.kind.transient:
                self._tell_unsaved(project, item_id, fault.message)
                return
            await asyncio.sleep(pause)

    def _tell_unsaved(self, project: ProjectFolder, item_id: str, message: str) -> None:
        self._core.emit(
            Notice(
                "warning",
                "Not saved",
                message,
                "The item is kept; press r to try again, R for all unsaved.",
                project_id=project.id,
                item_id=item_id,
            )
        )

    # -- on demand

    async def save(self, item_ids: Iterable[str]) -> SaveReport:
        """Save these items now; those already saved are left alone and named. Never submits."""
        wanted = list(dict.fromkeys(item_ids))
        outcomes = await asyncio.gather(*(self._save_located(item_id) for item_id in wanted))
        by = {o: tuple(i for i, found in zip(wanted, outcomes, strict=True) if found is o) for o in Outcome}
        return SaveReport(
            saved=by[Outcome.SAVED],
            already=by[Outcome.ALREADY],
            url_only=by[Outcome.URL_ONLY],
            failed=by[Outcome.FAILED],
            elsewhere=by[Outcome.ELSEWHERE],
        )

    async def save_all(self, project_id: str | None) -> SaveReport:
        """Save everything unsaved, missing, or kept as a URL because the disk refused."""
        core = self._core
        ids = [project_id] if project_id else await core.blocking(core.library.project_ids)
        projects = [await core.blocking(lambda i=i: core.library.open(i)) for i in ids]  # type: ignore[misc]
        return await self.save(i.id for p in projects for i in core.records.items(p) if needs_saving(i))

    async def settled(self, item_ids: Iterable[str]) -> None:
        """Until each of these items has been tried once if it was to be."""
        for item_id in item_ids:
            await asyncio.sleep(0)  # a save that was just asked for starts in the next turn of the loop
            if (task := self._running.get(item_id)) is not None:
                await asyncio.wait([task])

    async def _save_located(self, item_id: str) -> Outcome:
        project = await self._core.locate(item_id, item=True)
        return await self._save_one(project, item_id)

    async def _save_one(self, project: ProjectFolder, item_id: str) -> Outcome:
        """One save at a time for each item; whoever asks meanwhile gets the same outcome."""
        task = self._running.get(item_id)
        if task is None:
            task = self._core.engine.spawn(self._run(project, item_id), f"saving-{item_id}")
            self._running[item_id] = task
            task.add_done_callback(lambda _: self._running.pop(item_id, None))
        return await asyncio.shield(task)

    async def _run(self, project: ProjectFolder, item_id: str) -> Outcome:
        core = self._core
        item = core.records.find_item(project, item_id)
        source = await self._source(project, item) if item else None
        loop = asyncio.get_running_loop()

        def report(received: int, total: int | None) -> None:
            core.report_save(project.id, item_id, received, total)

        def fresh_address(current: MediaItem) -> MediaItem | None:
            return asyncio.run_coroutine_threadsafe(self._refresh(project, current), loop).result()

        if source is not None:
            source = replace(source, refresh=fresh_address)
        try:
            work = core.save_pool.submit(lambda: self._saver.save(project, item_id, source, report))
            return await asyncio.wrap_future(work)
        except Stopped:
            return Outcome.FAILED
        finally:
            core.forget_progress(item_id)

    async def _source(self, project: ProjectFolder, item: MediaItem) -> Source | None:
        provider = await self._services.try_get(item.provider)
        if provider is None:
            return None
        keyed = item.url_auth == "provider"
        return Source(
            hosts=provider.media_hosts,
            present_url=provider.media_url,
            headers=lambda url: dict(provider.download_headers(url)) if keyed else {},
            refresh=lambda _: None,
        )

    async def _refresh(self, project: ProjectFolder, item: MediaItem) -> MediaItem | None:
        """The item's address from the provider's result, read once more and written down first."""
        job = self._job_of(project, item)
        provider = self._services.ready(item.provider)
        if job is None or provider is None or job.remote_id is None:
            return None
        try:
            return await self._reread(project, item, job, provider)
        except (ProviderError, MediatuiError):
            return None  # no fresh address to be had: the download's own error stands

    async def _reread(self, project: ProjectFolder, item: MediaItem, job: Job, provider: Provider) -> MediaItem | None:
        raw = await provider.result(job)
        await self._core.blocking(lambda: self._core.records.write_result(project, f"{job.id}-again", raw))
        for output in provider.outputs(job, raw):
            if output.path == item.output_path and output.url:
                return replace(item, url=output.url, url_expires_at=output.expires_at)
        return None

    def _job_of(self, project: ProjectFolder, item: MediaItem) -> Job | None:
        return self._core.records.find_job(project, item.job) if item.job else None


def needs_saving(item: MediaItem) -> bool:
    """'Retry all' acts on it: unsaved, missing, or kept as a URL only because the disk refused."""
    blocked = item.save_state is SaveState.URL_ONLY and item.storage_error is not None
    return item.save_state.wants_saving or blocked


def describe(report: SaveReport) -> str:
    """A report in one sentence."""
    parts = [
        f"{plural(len(report.saved), 'item')} saved" if report.saved else "",
        f"{len(report.already)} already saved" if report.already else "",
        f"{len(report.url_only)} kept as URL" if report.url_only else "",
        f"{len(report.failed)} not saved" if report.failed else "",
        f"{len(report.elsewhere)} being saved in another window" if report.elsewhere else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing to save"
