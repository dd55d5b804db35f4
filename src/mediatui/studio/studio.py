"""The facade both faces use: one method for each thing that can be asked.

Methods that may touch the disk or the network return a future and never block; reading methods answer from
memory. Failures arrive as `MediatuiError`. Events arrive on the engine's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mediatui.errors import MediatuiError, StorageError
from mediatui.library.files import free_bytes
from mediatui.library.library import ProjectSummary
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import Differences
from mediatui.library.trash import TrashEntry, restore_items, trash_items
from mediatui.locations import Locations
from mediatui.model import Job, MediaItem, Project, SavePolicy, SaveState
from mediatui.providers.base import Capability, FormSchema, ModelInfo
from mediatui.settings import Settings
from mediatui.studio.adopting import Adopted, adopt
from mediatui.studio.core import Core
from mediatui.studio.events import Event, JobProgress, Notice, SaveProgress
from mediatui.studio.exporting import Exporting
from mediatui.studio.guarding import Guarding, put_right
from mediatui.studio.history import Leaving, Undo
from mediatui.studio.hosts import AllowedHosts
from mediatui.studio.making import Making
from mediatui.studio.pictures import Pictures
from mediatui.studio.playable import Playable
from mediatui.studio.pricing import BatchCost
from mediatui.studio.requests import GenerateRequest, LibrarySnapshot, ProjectSnapshot, SaveReport, TrashedProject
from mediatui.studio.saving import Saving, lacks_file
from mediatui.studio.services import Services
from mediatui.studio.session import Session
from mediatui.studio.transport import Patience

if TYPE_CHECKING:
    from mediatui.archive.plan import ExportOptions, ExportPlan
    from mediatui.archive.write import ExportReport
    from mediatui.media.filmstrip import Filmstrip
    from mediatui.media.peaks import Peaks
    from mediatui.studio.importing import Importing
    from mediatui.studio.organising import Organising
    from mediatui.studio.searching import Search

T = TypeVar("T")

COMPLAIN_EVERY = 100
"""Polls between two complaints about the same trouble."""
POLL_SECONDS = 0.6
"""How often other instances' commits and projects, and files that came or went, are looked for."""
TAKE_OVER_EVERY = 6
"""Polls between two looks for jobs whose instance is gone."""


class Studio:
    """The core, started and stopped by one face."""

    def __init__(self, settings: Settings, locations: Locations, patience: Patience | None = None) -> None:
        self._core = Core(settings, locations, patience or Patience())
        self._services = Services(self._core)
        self._hosts = AllowedHosts(settings.allow_hosts)
        self._saving = Saving(self._core, self._services, self._hosts)
        self._making = Making(self._core, self._services, self._saving)
        self._pictures = Pictures(self._core)
        self._exporting = Exporting(self._core, self._saving.source_of, self._saving.downloader, self._pictures)
        self._guarding = Guarding(self._core)
        self._session = Session(self._core, self._saving.source_of)
        self._stopped = False

    # -- desks, which are loaded when somebody comes to them

    @cached_property
    def organise(self) -> Organising:
        """Tags, moves, trash with undo; duplicates, clean-up, usage, prompts."""
        from mediatui.studio.organising import Organising

        return Organising(self._core, self._release)

    @cached_property
    def search(self) -> Search:
        """Filtering, sorting and completion, from memory."""
        from mediatui.studio.searching import Search

        return Search(self._core)

    @cached_property
    def imports(self) -> Importing:
        """Plans and carries out imports."""
        from mediatui.studio.importing import Importing

        return Importing(self._core, self.organise)

    # -- life

    def start(self, *, follow: bool = True, seen: bool = True) -> None:
        """Start the engine. With `follow`, unfinished jobs and saves of earlier runs go on behind the scenes.

        Without `seen`, for who only looks, other processes do not learn of this one, and no folder is made for that.
        """
        self._core.engine.start(self._core.failed)
        self._core.engine.call(self._begin(follow, seen))

    def stop(self, timeout: float = 0.3) -> None:
        """Stop within about `timeout` seconds; whatever is unfinished is on disk and resumes next time."""
        if self._stopped:
            return
        self._stopped = True
        core, until = self._core, time.monotonic() + timeout
        self._saving.stop()
        self._session.stop()
        self._exporting.stop()
        for desk in ("imports", "organise"):
            if desk in vars(self):
                getattr(self, desk).stop()
        core.engine.stop(timeout, self._making.finish_sending, self._services.close)
        self._pictures.close()
        for pool in (core.save_pool, core.work_pool, core.record_pool):
            pool.close(max(0.0, until - time.monotonic()))
        self._saving.downloader.close()
        self._session.close()
        core.instance.leave()
        core.library.close()
        core.steps.close(max(0.1, until - time.monotonic()))

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Hear every event, on the engine's thread; call the returned function to stop."""
        return self._core.subscribe(listener)

    def provider_of(self, model: str) -> str:
        """The provider that a model's id names (``replicate:owner/name``), else the one new requests go to."""
        return self._services.address(model)[0]

    @property
    def provider_name(self) -> str:
        """The provider new requests go to: ``sandbox``, ``fal`` …"""
        return self._services.active

    async def _begin(self, follow: bool, seen: bool) -> None:
        core = self._core
        try:
            if seen:
                await core.blocking(core.instance.register)
        except StorageError as exc:
            core.emit(Notice("warning", exc.title, exc.message, exc.hint))
        core.registered.set()
        core.engine.spawn(self._watch(follow), "watch")

    async def _watch(self, follow: bool) -> None:
        """Resume, then keep an eye on other instances and on what a full disk refused."""
        turn = 0
        while True:
            try:
                await self._core.blocking(self._look_around)
                if follow and turn:
                    await self._core.blocking(self._guarding.look)
                if follow and turn % TAKE_OVER_EVERY == 0:
                    await self._resume(first=turn == 0)
            except Exception as exc:  # a fence: whatever one look stumbled over, the next is taken
                if turn % COMPLAIN_EVERY == 0:
                    self._core.failed(exc)
            turn += 1
            await asyncio.sleep(POLL_SECONDS)

    def _look_around(self) -> None:
        core = self._core
        with suppress(StorageError):
            core.library.poll()
        if core.records.pending:
            core.records.bring_home()

    async def _resume(self, *, first: bool) -> None:
        core = self._core
        for project_id in await core.blocking(core.library.project_ids):
            try:
                project = await core.blocking(partial(core.library.open, project_id))
                await self._making.resume(project)
                if first:
                    await self._saving.resume(project)
                else:
                    self._saving.take_over(project)
            except MediatuiError as exc:
                if first:
                    core.emit(Notice("error", exc.title, exc.message, exc.hint, project_id=project_id))

    # -- projects

    def projects(self) -> Future[tuple[ProjectSummary, ...]]:
        """All projects with their counts, by name."""
        return self._disk(self._core.library.summaries)

    def open_project(self, project_id: str) -> Future[ProjectSnapshot]:
        """Open a project and see it as it is now."""
        return self._disk(lambda: self._snapshot(self._core.library.open(project_id)))

    def open_all(self) -> Future[LibrarySnapshot]:
        """Open every project and see what is in them now; one that cannot be read hides no other."""

        def look() -> LibrarySnapshot:
            records, projects = self._core.records, self._core.library.open_readable()
            items = tuple(item for project in projects for item in records.items(project))
            jobs = tuple(job for project in projects for job in records.jobs(project))
            return LibrarySnapshot({project.id: project.record.name for project in projects}, items, jobs)

        return self._disk(look)

    def create_project(self, name: str) -> Future[Project]:
        """A new, empty project."""
        return self._disk(lambda: self._core.library.create(name).record)

    def rename_project(self, project_id: str, name: str) -> Future[Project]:
        """Give a project another name; its folder keeps its own."""
        return self._disk(lambda: self._core.library.rename(project_id, name))

    def set_save_policy(self, project_id: str, policy: SavePolicy | None) -> Future[Project]:
        """What happens to this project's finished outputs; None: as the settings say."""
        return self._disk(lambda: self._core.library.set_policy(project_id, policy))

    def delete_project(self, project_id: str) -> Future[TrashedProject]:
        """Move a project to the trash, from where it can be restored."""

        def delete() -> TrashedProject:
            project = self._core.library.open(project_id)
            name, items, size = project.record.name, len(project.items()), project.bytes_on_disk()
            path = self._core.library.delete(project_id)
            return TrashedProject(project_id, name, items, size, path)

        async def let_go() -> TrashedProject:
            await self._making.release(project_id)
            await self._saving.release([item.id for item in self.items(project_id)])
            return await self._core.blocking(delete)

        return self._core.engine.call(let_go())

    def restore_project(self, path: Path) -> Future[Project]:
        """Bring a project back from the trash."""
        return self._disk(lambda: self._core.library.restore(path).record)

    def refresh(self, project_id: str) -> Future[Differences]:
        """Compare files and index, record what is missing or back, adopt what names itself."""
        return self._disk(lambda: put_right(self._core, self._core.library.open(project_id)))

    def adopt(self, project_id: str, paths: Sequence[Path] | None = None) -> Future[Adopted]:
        """Make items of media files that no item names: all of a project, or these."""
        return self._core.work_pool.submit(lambda: adopt(self._core.library.open(project_id), paths))

    # -- reading, from memory

    def items(self, project_id: str) -> tuple[MediaItem, ...]:
        """An opened project's items, newest first; none when it is not open."""
        project = self._core.library.opened(project_id)
        return self._core.records.items(project) if project else ()

    def jobs(self, project_id: str | None = None) -> tuple[Job, ...]:
        """Jobs of one or all opened projects, newest first."""
        opened = [p for p in self._core.library.open_projects() if project_id in (None, p.id)]
        jobs = [job for project in opened for job in self._core.records.jobs(project)]
        return tuple(sorted(jobs, key=lambda job: job.created_at, reverse=True))

    def progress(self, job_id: str) -> JobProgress | None:
        """How a job went when last heard of."""
        return self._core.job_progress.get(job_id)

    def save_progress(self, item_id: str) -> SaveProgress | None:
        """How a running save went when last heard of."""
        return self._core.save_progress.get(item_id)

    def find_item(self, item_id: str) -> MediaItem | None:
        """The item, in whichever opened project it is."""
        project = self._core.find(item_id, item=True)
        return self._core.records.find_item(project, item_id) if project else None

    def find_job(self, job_id: str) -> Job | None:
        """The job, in whichever opened project it is."""
        return self._making.find(job_id)

    def file_of(self, item: MediaItem) -> Path | None:
        """The absolute path of the file recorded for an item."""
        project = self._core.library.opened(item.project)
        return project.path_of(item.path) if project and item.path else None

    def free_bytes(self) -> int:
        """Room left where the projects are, in bytes."""
        return free_bytes(self._core.locations.data)

    # -- making

    def models(self, query: str = "", provider: str | None = None) -> Future[tuple[ModelInfo, ...]]:
        """The models of all configured providers (or of one) that match, best first, the active provider's first."""
        return self._core.engine.call(self._services.models(query, provider))

    def spelled(self, provider: str, model: str) -> str:
        """How a request names a model: alone for the active provider, ``provider:model`` for another one in use."""
        return self._services.spelled(provider, model)

    def schema(self, model: str) -> Future[FormSchema | None]:
        """A model's inputs; None when the provider does not say."""
        return self._core.engine.call(self._services.schema(model))

    def generate(self, request: GenerateRequest) -> Future[tuple[Job, ...]]:
        """Record and send one job per model; done when each was answered. The only method that submits."""
        return self._core.engine.call(self._making.generate(request))

    def check(self, request: GenerateRequest) -> Future[BatchCost]:
        """The price of a request that could be sent; raises what `generate` would refuse it for. Sends nothing."""
        return self._core.engine.call(self._making.planner.check(request))

    def estimate(self, request: GenerateRequest) -> Future[BatchCost]:
        """What a request is expected to cost. Sends nothing."""
        return self._core.engine.call(self._making.planner.estimate(request))

    def cancel(self, job_id: str) -> Future[bool]:
        """Ask the provider to stop a job; False when it is too late."""
        return self._core.engine.call(self._making.cancel(job_id))

    def recheck(self, job_ids: Iterable[str]) -> Future[tuple[Job, ...]]:
        """Ask the provider again about these jobs. Never submits."""
        return self._core.engine.call(self._making.recheck(list(job_ids)))

    def wait(self, job_ids: Iterable[str]) -> Future[tuple[Job, ...]]:
        """Done when each job ended or stands still with its reason, and its outputs were tried."""
        return self._core.engine.call(self._making.wait(list(job_ids)))

    def follow(self, job_ids: Iterable[str]) -> Future[None]:
        """Take up unfinished jobs of opened projects that nobody follows."""

        async def take_up() -> None:
            for job_id in list(job_ids):
                if (project := self._core.find(job_id, item=False)) is not None:
                    await self._making.resume(project, now=True)

        return self._core.engine.call(take_up())

    def dismiss(self, job_ids: Iterable[str]) -> Future[int]:
        """Forget ended jobs whose outputs are all saved; returns how many went. Can be taken back."""
        return self._core.engine.call(self._making.dismiss(list(job_ids), self.organise))

    def forget_job(self, job_id: str) -> Future[Undo]:
        """Close a job of which nobody can say what became of it, and take it off the list; can be taken back.

        If the provider did accept it, its result is never collected. Raises `UsageError` for any other job.
        """
        return self._core.engine.call(self._making.forget(job_id, self.organise))

    def capabilities(self, provider: str) -> Future[frozenset[Capability]]:
        """What a provider can do; nothing when it is not set up here."""
        return self._core.engine.call(self._services.capabilities(provider))

    # -- saving

    def save(self, item_ids: Iterable[str]) -> Future[SaveReport]:
        """Save these items now. Never submits."""
        return self._core.engine.call(self._saving.save(list(item_ids)))

    retry = save
    """Saving again is saving: the same path, and what is saved already is left alone."""

    def save_items(self, items: Iterable[MediaItem]) -> Future[SaveReport]:
        """As `save`, each in the project that it names."""
        return self._core.engine.call(self._saving.save_items(list(items)))

    def retry_all(self, project_id: str | None = None) -> Future[SaveReport]:
        """Save everything unsaved of one or all projects. Never submits."""
        return self._core.engine.call(self._saving.save_all(project_id))

    def save_to_disk(self, project_id: str | None = None, *, url_only: bool = False) -> Future[SaveReport]:
        """Save whatever has no local file, also what was to stay a URL (or, with `url_only`, only that)."""

        def wanted(item: MediaItem) -> bool:
            return lacks_file(item) and (not url_only or item.save_state is SaveState.URL_ONLY)

        return self._core.engine.call(self._saving.save_all(project_id, wanted))

    def next_try(self, item_id: str) -> float | None:
        """When an unsaved item is tried again by itself (seconds since the epoch); None: it is not."""
        return self._saving.next_try(item_id)

    def not_kept(self, job_id: str) -> int:
        """How many outputs of a job could not be saved and went to the trash in this run (``keep_unsaved = false``)."""
        return self._saving.not_kept(job_id)

    def allow_host(self, host: str, item_ids: Iterable[str] = (), *, always: bool = False) -> Future[None]:
        """Let media come from a public host that is on no list: for these items, or `always`, in the configuration.

        Addresses inside somebody's network stay refused. Raises `MediatuiError` when it cannot be written down; then
        the host is allowed until the end of this run.
        """
        if not always:
            self._hosts.allow_once(host, item_ids)
            return self._disk(lambda: None)

        def write() -> None:
            from mediatui.config_text import add_allowed_host

            self._hosts.allow(host)
            add_allowed_host(self._core.locations.config_file, host)

        return self._disk(write)

    def trash(self, item_ids: Iterable[str]) -> Future[tuple[TrashEntry, ...]]:
        """Move items and their files to their projects' trash; one entry for each project."""
        ids = list(item_ids)

        def move(by_project: dict[ProjectFolder, list[str]]) -> tuple[TrashEntry, ...]:
            return tuple(trash_items(project, members) for project, members in by_project.items())

        async def let_go() -> tuple[TrashEntry, ...]:
            by_project: dict[ProjectFolder, list[str]] = {}
            for item_id in ids:
                by_project.setdefault(await self._core.locate(item_id, item=True), []).append(item_id)
            await self._saving.release(ids)
            return await self._core.blocking(lambda: move(by_project))

        return self._core.engine.call(let_go())

    def restore(self, project_id: str, entry_id: str) -> Future[tuple[MediaItem, ...]]:
        """Bring trashed items back."""
        return self._disk(lambda: restore_items(self._core.library.open(project_id), entry_id))

    # -- archive and pictures

    def plan_export(
        self,
        project_id: str,
        target: Path | None = None,
        item_ids: Sequence[str] | None = None,
        options: ExportOptions | None = None,
    ) -> Future[ExportPlan]:
        """What an export of a project (or some of its items, in their order) would hold."""
        return self._core.work_pool.submit(lambda: self._exporting.plan(project_id, target, item_ids, options))

    def preview_names(
        self, project_id: str, template: str, item_ids: Sequence[str] | None = None
    ) -> Future[tuple[str, ...]]:
        """The names that a template gives the first items of an export."""
        return self._core.work_pool.submit(lambda: self._exporting.preview_names(project_id, template, item_ids))

    def export(self, plan: ExportPlan) -> Future[ExportReport]:
        """Write the archive of a plan; tells `ExportProgress`."""
        return self._core.engine.call(self._exporting.run(plan))

    def cancel_export(self, plan_id: str) -> None:
        """Stop an export; nothing of it stays."""
        self._exporting.cancel(plan_id)

    def poster(self, item_id: str, max_px: int = 480) -> Future[Path | None]:
        """A small JPEG of an item's file, made once in the media worker; None when there is no picture."""
        return self._core.work_pool.submit(lambda: self._pictures.poster(item_id, max_px))

    def filmstrip(self, item_id: str) -> Future[Filmstrip | None]:
        """Frames all along an item's clip, made once in a media worker; None when there are none."""
        return self._pictures.filmstrip(item_id)

    def peaks(self, item_id: str) -> Future[Peaks | None]:
        """The loudness all along an item's sound, made once in a media worker; None when there is none."""
        return self._pictures.peaks(item_id)

    def playable(self, item_id: str, *, fetch: bool = True) -> Future[Playable]:
        """What there is to open of an item: its file, else its session copy, else its address.

        With `fetch` an address is downloaded to the session's folder, by the rules of any download.
        """
        return self._core.engine.call(self._session.playable(item_id, fetch=fetch))

    # -- helpers

    def _release(self, leaving: Leaving) -> None:
        async def let_go() -> None:
            for project_id in leaving.projects:
                await self._making.release(project_id)
            inside = (item.id for project_id in leaving.projects for item in self.items(project_id))
            await self._saving.release(leaving.items.union(inside))

        if self._core.engine.running:
            self._core.engine.call(let_go()).result()

    def _disk(self, function: Callable[[], T]) -> Future[T]:
        return self._core.record_pool.submit(function)

    def _snapshot(self, project: ProjectFolder) -> ProjectSnapshot:
        records = self._core.records
        return ProjectSnapshot(
            project.record,
            project.folder,
            records.items(project),
            records.jobs(project),
            project.writable,
            project.notice,
        )
