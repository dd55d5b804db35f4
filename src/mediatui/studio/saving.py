"""Saves in the plural: each item once at a time, the most urgent first, by itself and on demand."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from mediatui.errors import MediatuiError, ProviderError, SaveError, SaveErrorKind, StorageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, MediaItem, SaveState, StorageFault, doubt_of, move_item, needs_saving, now
from mediatui.providers.base import Capability, Provider, signed_url_of
from mediatui.steplog import Running, StepName
from mediatui.studio.advice import TRY_AGAIN
from mediatui.studio.core import PROGRESS_SECONDS, Core
from mediatui.studio.download import Downloader, Stopped
from mediatui.studio.events import HostAsked, Notice
from mediatui.studio.guarding import put_right
from mediatui.studio.hosts import AllowedHosts
from mediatui.studio.requests import SaveReport
from mediatui.studio.save import Outcome, Saver, Source, Watch
from mediatui.studio.services import Services
from mediatui.studio.turns import NEVER, Turns, soonest_first, urgency
from mediatui.studio.unattended import Unattended

_AS_IT_IS = f"All that came is kept. Without its file, {TRY_AGAIN} fetches it anew while its address lasts."

Wanted = Callable[[MediaItem], bool]


def wants_saving(item: MediaItem) -> bool:
    """What "retry all" acts on: unsaved, missing, interrupted, or kept as a URL because the disk refused."""
    return needs_saving(item) or item.save_state is SaveState.SAVING


def lacks_file(item: MediaItem) -> bool:
    """What "save all to disk" acts on: everything without a local file that has somewhere to come from."""
    return item.save_state is not SaveState.SAVED and (item.url is not None or item.spool is not None)


@dataclass(slots=True)
class _Running:
    """A save in progress."""

    task: asyncio.Task[Outcome]
    stop: threading.Event = field(default_factory=threading.Event)


class Saving:
    """Brings outputs to disk; on the engine's loop, the work itself in the save threads."""

    def __init__(self, core: Core, services: Services, hosts: AllowedHosts) -> None:
        self._core, self._services, self._hosts = core, services, hosts
        self._downloader = Downloader(core.patience)
        self._saver = Saver(core.records, self._downloader, core.settings.max_file_bytes, core.steps)
        self._turns = Turns(core.settings.concurrent_saves)
        self._running: dict[tuple[str, str], _Running] = {}
        self._resting: dict[str, float] = {}
        self._unattended = Unattended(core, hosts, self._save_one, self._saver.wished_pause)

    @property
    def downloader(self) -> Downloader:
        """The connections to media hosts; one set of them for everything."""
        return self._downloader

    def stop(self) -> None:
        """Let running downloads end at their next buffer; what arrived stays and is resumed."""
        self._downloader.stop()

    # -- by itself

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        """Save a finished job's outputs if its policy says so."""
        self._unattended.outputs_ready(project, items)

    async def resume(self, project: ProjectFolder) -> None:
        """Check files against the index, then save what was to be saved by itself and is not."""
        if not project.writable:
            return
        await self._core.blocking(lambda: put_right(self._core, project))
        self.take_over(project)

    def take_over(self, project: ProjectFolder) -> None:
        """Save what nobody saves: what was to be saved when its window, or the whole machine, went down."""
        if project.writable:
            self._unattended.take_over(project)

    def next_try(self, item_id: str) -> float | None:
        """When an item is tried again by itself (seconds since the epoch); None: it is not. From any thread."""
        return self._resting.get(item_id) or self._unattended.next_try(item_id)

    def not_kept(self, job_id: str) -> int:
        """How many outputs of a job went to the trash in this run (``keep_unsaved = false``). From any thread."""
        return self._unattended.not_kept(job_id)

    # -- on demand

    async def save(self, item_ids: Iterable[str]) -> SaveReport:
        """Save these items now; those already saved are left alone and named. Never submits.

        Raises `UsageError` when there is no such item.
        """
        wanted = list(dict.fromkeys(item_ids))
        return await self._save_there([(await self._core.locate(item_id, item=True), item_id) for item_id in wanted])

    async def save_items(self, items: Sequence[MediaItem]) -> SaveReport:
        """As `save`, each in its own project: in a copied folder there are others of the same identifiers."""
        opened: dict[str, ProjectFolder] = {}
        for project_id in dict.fromkeys(item.project for item in items):
            opened[project_id] = await self._core.blocking(partial(self._core.library.open, project_id))
        return await self._save_there([(opened[item.project], item.id) for item in items])

    async def _save_there(self, places: Sequence[tuple[ProjectFolder, str]]) -> SaveReport:
        wanted = [item_id for _, item_id in places]
        for item_id in wanted:
            self._saver.forget_wish(item_id)  # who asks for it now wants it now
        outcomes = await asyncio.gather(*(self._save_one(project, item_id) for project, item_id in places))
        self._unattended.rest(i for i, o in zip(wanted, outcomes, strict=True) if o in (Outcome.SAVED, Outcome.ALREADY))
        by = {o: tuple(i for i, found in zip(wanted, outcomes, strict=True) if found is o) for o in Outcome}
        return SaveReport(
            saved=by[Outcome.SAVED],
            already=by[Outcome.ALREADY],
            url_only=by[Outcome.URL_ONLY],
            failed=(*by[Outcome.FAILED], *by[Outcome.GONE]),
            elsewhere=by[Outcome.ELSEWHERE],
        )

    async def save_all(self, project_id: str | None, wanted: Wanted = wants_saving) -> SaveReport:
        """Save everything of one or all projects that is wanted: unsaved, missing, or refused by the disk."""
        core = self._core
        ids = [project_id] if project_id else await core.blocking(core.library.project_ids)
        found: list[MediaItem] = []
        for each in ids:
            try:
                project = await core.blocking(partial(core.library.open, each))
            except MediatuiError as exc:
                if project_id:
                    raise
                core.emit(Notice("warning", exc.title, exc.message, exc.hint, project_id=each))
                continue
            found += [item for item in core.records.items(project) if wanted(item)]
        return await self.save_items(soonest_first(found))

    async def settled(self, project: ProjectFolder, item_ids: Collection[str]) -> None:
        """Until each of these items was tried once, if it was to be: here, or in the window that follows its job.

        What went to the trash by itself was told then.
        """
        for item_id in item_ids:
            while self._is_awaited(project, item_id):
                running = self._running.get((project.id, item_id))
                await asyncio.wait([running.task] if running else [self._core.soon()])
        while self._unattended.owes(project):
            await asyncio.wait([self._core.soon()])

    def _is_awaited(self, project: ProjectFolder, item_id: str) -> bool:
        if (project.id, item_id) in self._running:
            return True
        item = self._core.records.find_item(project, item_id)
        if item is None:
            return False
        if item.storage_error is not None:
            return self._unattended.goes_away(item)
        if item.save_state not in (SaveState.SAVING, SaveState.UNSAVED) or not self._unattended.is_automatic(
            project, item
        ):
            return False
        job = self._job_of(project, item)
        elsewhere = job is not None and self._core.instance.is_other(job.owner)
        return elsewhere or self._unattended.minds(item_id)

    async def release(self, item_ids: Collection[str]) -> None:
        """Stop saving these items, and wait until that is so: they are about to be moved away."""
        self._unattended.rest(item_ids)
        saves = [running for (_, item_id), running in self._running.items() if item_id in item_ids]
        for running in saves:
            running.stop.set()
        if saves:
            await asyncio.wait([running.task for running in saves], timeout=self._core.patience.read)

    # -- one

    async def _save_one(self, project: ProjectFolder, item_id: str) -> Outcome:
        """One save at a time for each item; whoever asks meanwhile gets the same outcome."""
        place = (project.id, item_id)
        running = self._running.get(place)
        if running is None:
            stop = threading.Event()
            task = self._core.engine.spawn(self._run(project, item_id, stop), f"saving-{item_id}")
            running = self._running[place] = _Running(task, stop)
            task.add_done_callback(lambda _: self._running.pop(place, None))
        return await asyncio.shield(running.task)

    async def _run(self, project: ProjectFolder, item_id: str, stop: threading.Event) -> Outcome:
        core = self._core
        item = core.records.find_item(project, item_id)
        source = await self.source_of(project, item) if item else None
        watch = Watch(_Throttled(core, project.id, item_id), stop.is_set)
        try:
            with core.steps.step(StepName.SAVE, item) as step:
                outcome = await self._tried(
                    item_id, item, lambda: self._saver.save(project, item_id, source, watch), stop
                )
                self._explain(step, project, item_id, outcome)
                return outcome
        except Stopped:
            if stop.is_set():  # it was told to let go of the item: nobody saves it now
                await core.blocking(lambda: self._let_go(project, item_id))
            return Outcome.FAILED
        except StorageError as exc:
            core.emit(Notice("error", exc.title, exc.message, exc.hint, project_id=project.id, item_id=item_id))
            return Outcome.FAILED
        except Exception as exc:  # a fence: whatever we stumbled over is told by the engine; nobody saves the item now
            fault = StorageFault(SaveErrorKind.INTERNAL, f"saving it failed inside ({type(exc).__name__})", now())
            await core.blocking(lambda: self._let_go(project, item_id, fault))
            raise
        finally:
            core.forget_progress(item_id)

    async def _tried(
        self, item_id: str, item: MediaItem | None, work: Callable[[], Outcome], stop: threading.Event
    ) -> Outcome:
        """Save; while a server wants to be left alone for a moment, others have their turn."""
        patience = self._core.patience
        for left in reversed(range(patience.attempts)):
            async with self._turns.turn(urgency(item) if item else NEVER):
                outcome = await asyncio.wrap_future(self._core.save_pool.submit(work))
            wish = self._saver.wished_pause(item_id)
            if outcome is not Outcome.FAILED or not left or not 0 < wish <= patience.longest_wish:
                break
            self._resting[item_id] = time.time() + wish
            try:
                while not stop.is_set() and (rest := self._saver.wished_pause(item_id)):
                    await asyncio.sleep(min(rest, 0.25))
            finally:
                del self._resting[item_id]
            if stop.is_set():
                break
        return outcome

    def _let_go(self, project: ProjectFolder, item_id: str, fault: StorageFault | None = None) -> None:
        def change(item: MediaItem) -> MediaItem | None:
            if item.save_state is not SaveState.SAVING:
                return None
            return move_item(item, SaveState.UNSAVED, storage_error=fault or item.storage_error)

        with suppress(MediatuiError):  # it is gone, or its disk refuses: an interrupted save resumes as well
            self._core.records.edit_item(project, item_id, change)

    def _explain(self, step: Running, project: ProjectFolder, item_id: str, outcome: Outcome) -> None:
        step.outcome, item = outcome.value, self._core.records.find_item(project, item_id)
        if item is not None and (fault := item.storage_error) is not None:
            step.detail, step.attempt = f"{fault.kind}: {fault.message}", fault.attempts
            if fault.host and outcome is Outcome.FAILED:
                self._core.emit(HostAsked(project.id, item_id, fault.host))
        elif item is not None and outcome is Outcome.SAVED:
            step.detail, step.bytes = item.path or "", item.file_size
            if doubt := doubt_of(item):
                step.detail = f"{step.detail}: {doubt}"
                self._core.emit(
                    Notice(
                        "warning",
                        "Saved, but perhaps not whole",
                        f"{item.name}: {doubt}",
                        _AS_IT_IS,
                        project_id=project.id,
                        item_id=item_id,
                    )
                )

    async def source_of(self, project: ProjectFolder, item: MediaItem) -> Source | None:
        """How to get an item's bytes from its provider; None when that is not set up here."""
        provider = await self._services.try_get(item.provider)
        if provider is None:
            return None
        keyed, loop = item.url_auth == "provider", asyncio.get_running_loop()

        def refresh(current: MediaItem) -> MediaItem:
            asked = asyncio.run_coroutine_threadsafe(self._refresh(project, current, provider), loop)
            try:
                return asked.result()
            except CancelledError:
                raise Stopped from None

        def sign(url: str) -> str | None:
            asked = asyncio.run_coroutine_threadsafe(signed_url_of(provider, url), loop)
            try:
                return asked.result()
            except CancelledError:
                raise Stopped from None

        return Source(
            hosts=self._hosts.beside(provider.media_hosts, item.id),
            present_url=provider.media_url,
            headers=lambda url: dict(provider.download_headers(url)) if keyed else {},
            refresh=refresh,
            sign=sign,
            unpack=lambda current: self._unpacked(project, current, provider),
        )

    def _unpacked(self, project: ProjectFolder, item: MediaItem, provider: Provider) -> bytes | None:
        job = self._job_of(project, item)
        if job is None or job.result_path is None:
            return None
        try:
            raw = self._core.records.read_result(project, job.result_path)
            found = [output.data for output in provider.outputs(job, raw) if output.path == item.output_path]
        except MediatuiError:
            return None  # what is missing is told by who asks for it
        return found[0] if found else None

    async def _refresh(self, project: ProjectFolder, item: MediaItem, provider: Provider) -> MediaItem:
        """The item's address from the provider's result, read once more and written down first.

        Raises `SaveError`: of kind EXPIRED when there is no other address to be had, saying why.
        """
        job, records = self._job_of(project, item), self._core.records
        if Capability.REFRESH_URL not in provider.capabilities:
            raise _gone(f"{provider.title} gives no other one")
        if job is None or job.remote_id is None:
            raise _gone("the request that it came from is not known here")
        try:
            raw = await provider.result(job)
            await self._core.blocking(lambda: records.write_result(project, f"{job.id}-again", raw))
            outputs = await self._core.working(lambda: provider.outputs(job, raw))
        except StorageError as exc:
            raise SaveError(exc.kind, exc.message, hint=exc.hint) from None
        except ProviderError as exc:
            if exc.kind.retry_read:
                words = f"its address no longer opens, and another one could not be asked for: {exc.message}"
                raise SaveError(SaveErrorKind.SERVER, words, retry_after=exc.retry_after) from None
            raise _gone(exc.message) from None
        for output in outputs:
            if output.path == item.output_path and output.url:
                return replace(item, url=output.url, url_expires_at=output.expires_at)
        raise _gone("the provider's answer names it no longer")

    def _job_of(self, project: ProjectFolder, item: MediaItem) -> Job | None:
        return self._core.records.find_job(project, item.job) if item.job else None


def _gone(why: str) -> SaveError:
    return SaveError(
        SaveErrorKind.EXPIRED,
        f"its address no longer opens, and {why}",
        hint="It can be generated again from its stored inputs, which is a new payment.",
    )


class _Throttled:
    """Tells a save's progress at most ten times a second, from its thread."""

    def __init__(self, core: Core, project_id: str, item_id: str) -> None:
        self._report: Callable[[int, int | None], None] = lambda r, t: core.report_save(project_id, item_id, r, t)
        self._last = 0.0

    def __call__(self, received: int, total: int | None) -> None:
        moment = time.monotonic()
        if moment - self._last >= PROGRESS_SECONDS or received == total:
            self._last = moment
            self._report(received, total)
