"""Jobs in the plural: make a batch, follow what is unfinished, take over what a dead instance left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from mediatui.errors import ErrorKind, MediatuiError, StorageError, UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, JobFault, MediaItem, Phase, SavePolicy, SaveState, new_id
from mediatui.providers.base import Provider
from mediatui.steplog import StepName
from mediatui.studio.actual import left_job
from mediatui.studio.advice import ONCE_IT_TAKES
from mediatui.studio.alone import alone
from mediatui.studio.core import Core
from mediatui.studio.events import JobProgress, Notice
from mediatui.studio.history import Undo
from mediatui.studio.inputs import InputDesk
from mediatui.studio.job_book import JobBook
from mediatui.studio.jobs import JobRunner
from mediatui.studio.outputs import Moments
from mediatui.studio.planning import Order, Planner
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.saving import Saving
from mediatui.studio.sending import Sender
from mediatui.studio.services import Services

if TYPE_CHECKING:
    from mediatui.studio.organising import Organising

T = TypeVar("T")

SEARCH_DELAYS = (3.0, 15.0, 60.0, 300.0, 900.0)
"""Pauses (seconds) before each search for a request whose submit had no answer."""
REST_SECONDS = 30.0
"""Before a job whose following had to stop is taken up again by itself."""
LET_GO_SECONDS = 2.0
"""Before a job that was let go of is taken up again, where its project is still there or is back."""


class Making:
    """Takes requests in, and keeps every unfinished job followed by exactly one instance."""

    def __init__(self, core: Core, services: Services, saving: Saving) -> None:
        self._core, self._services, self._saving = core, services, saving
        self._book = JobBook(_Ground(core, services, saving))
        self._sender = Sender(self._book)
        self._runner = JobRunner(self._book, self._sender)
        self._inputs = InputDesk(core, self._book)
        self.planner = Planner(core, services, self._inputs)
        """What a request is before it is recorded: its files and its price."""
        self._gates: dict[str, asyncio.Semaphore] = {}
        self._sending: dict[str, asyncio.Task[Job] | None] = {}
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._rest: dict[str, float] = {}
        self._searched: set[str] = set()
        self._closing = False

    async def finish_sending(self) -> None:
        """Send nothing more; done when what is on its way has its answer written down."""
        self._closing = True
        tasks = [task for task in self._sending.values() if task is not None]
        if tasks:
            await asyncio.wait(tasks)

    # -- a new batch

    async def generate(self, request: GenerateRequest) -> tuple[Job, ...]:
        """Record one job per model, send each once, and follow those that were accepted.

        A refused key or an exhausted balance stops the rest of the batch. Raises `MediatuiError` when a local
        input file cannot be used, the price wants to be confirmed, or nothing could be recorded; then nothing
        was sent.
        """
        plans = await self.planner.agreed(request)
        await self._core.registered.wait()
        project = await self._core.blocking(lambda: self._core.library.ensure(request.project))
        batch = new_id()
        orders = [Order(plan, self.planner.draft(request, project, plan, batch)) for plan in plans]
        drafts = [order.draft for order in orders]
        self._sending |= dict.fromkeys(draft.id for draft in drafts)
        try:
            await self._core.blocking(lambda: project.commit(jobs=drafts))
            for draft in drafts:
                self._core.steps.note(StepName.GENERATE, draft, detail=draft.prompt)
            return await self._send_all(project, orders)
        finally:
            for draft in drafts:
                self._sending.pop(draft.id, None)

    async def _send_all(self, project: ProjectFolder, orders: Sequence[Order]) -> tuple[Job, ...]:
        stopped: dict[str, JobFault] = {}
        outcomes = await asyncio.gather(
            *(self._send(project, order, stopped) for order in orders), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Job))

    def _gate(self, provider: str) -> asyncio.Semaphore:
        """Holds back what one provider is not to be sent at once."""
        return self._gates.setdefault(provider, asyncio.Semaphore(self._core.settings.submits_at_once(provider)))

    async def _send(self, project: ProjectFolder, order: Order, stopped: dict[str, JobFault]) -> Job:
        """`stopped` says which providers refused the key or the balance: they get nothing more of this batch."""
        draft = order.draft
        async with self._gate(draft.provider):
            if self._closing:
                return draft  # its record says that it was never sent
            if (refused := stopped.get(draft.provider)) is not None:
                fault = replace(refused, message=f"not sent: {refused.message}")
                return await self._book.step(project, draft.id, Phase.CANCELLED, error=fault)
            # A task of its own: whoever asked may go away, the answer is still written down.
            task = self._core.engine.spawn(self._bring_and_send(project, order), f"send-{draft.id}")
            self._sending[draft.id] = task
            job: Job = await asyncio.shield(task)
        if job.error is not None and job.error.kind.stops_batch:
            stopped.setdefault(job.provider, job.error)
        if not job.phase.ended:
            self.follow(project, job)
        return job

    async def _bring_and_send(self, project: ProjectFolder, order: Order) -> Job:
        """Upload the input files, then send. What fails before the submit is a failure that cost nothing."""
        draft, plan = order.draft, order.plan
        try:
            provider = await self._services.get(plan.provider)
            draft = await self._inputs.bring(project, draft, plan.inputs, provider, plan.schema)
        except StorageError:
            raise
        except MediatuiError as exc:
            return await self._book.fail(project, draft.id, exc)
        if self._closing or draft.phase is not Phase.DRAFT:
            return draft
        sent = await self._sender.send(project, draft)
        await self._inputs.doubt(sent)
        return sent

    # -- following

    def follow(self, project: ProjectFolder, job: Job) -> asyncio.Task[None]:
        """Follow a job unless that is being done already."""
        task = self._followers.get(job.id)
        if task is None or task.done():
            task = self._core.engine.spawn(self._follow(project, job), f"follow-{job.id}")
            self._followers[job.id] = task
            task.add_done_callback(lambda done: self._forget(job.id, done))
        return task

    def _forget(self, job_id: str, task: asyncio.Task[None]) -> None:
        if self._followers.get(job_id) is task:
            del self._followers[job_id]
        job = self.find(job_id)
        if job is not None and not job.phase.ended:
            self._rest[job_id] = task.get_loop().time() + REST_SECONDS

    async def _follow(self, project: ProjectFolder, job: Job) -> None:
        await self._services.try_get(job.provider)
        try:
            await self._runner.follow(project, job)
            if (ended := self._core.records.find_job(project, job.id)) is not None:
                await self._inputs.doubt(ended)
            self._searched.add(job.id)
            for delay in SEARCH_DELAYS:
                known = self._core.records.find_job(project, job.id)
                if known is None or known.phase is not Phase.UNKNOWN:
                    return
                await asyncio.sleep(delay)
                await self._runner.follow(project, known)
        except StorageError as exc:  # what is on disk already is enough to go on from, later
            await self._say(project, job, exc)

    async def _say(self, project: ProjectFolder, job: Job, exc: StorageError) -> None:
        """On the job itself why it stands still, where that can be recorded."""
        why = StorageError(exc.message, hint=ONCE_IT_TAKES, kind=exc.kind)
        try:
            await self._book.note(project, job.id, why)
        except (StorageError, UsageError):
            self._book.notice(job, "error", exc)

    async def resume(self, project: ProjectFolder, *, now: bool = False) -> None:
        """Follow the project's unfinished jobs that nobody follows: ours, and those of instances that are gone.

        One whose following had to stop rests for a while, unless it is wanted `now`.
        """
        if not project.writable:
            return
        await self._core.registered.wait()
        time = asyncio.get_running_loop().time()
        for job in self._core.records.jobs(project):
            if job.phase.ended or job.id in self._followers or job.id in self._sending:
                continue
            if not now and self._rest.get(job.id, 0.0) > time:
                continue
            if not self._core.instance.is_other(job.owner) and (claimed := await self._claim(project, job)):
                self.follow(project, claimed)

    async def _claim(self, project: ProjectFolder, job: Job) -> Job | None:
        """Make the job ours if its owner is gone; None when it is not ours or has ended."""
        instance = self._core.instance

        def change(current: Job) -> Job | None:
            if current.phase.ended or instance.is_other(current.owner):
                return None
            return left_job(replace(current, owner=instance.id))

        try:
            claimed = await self._book.edit(project, job.id, change)
        except MediatuiError as exc:
            self._book.notice(job, "error", exc)
            self._rest[job.id] = asyncio.get_running_loop().time() + REST_SECONDS
            return None
        if claimed.owner != instance.id:
            return None
        if job.owner != instance.id:
            self._core.steps.note(StepName.RECOVER, claimed, outcome=claimed.phase, detail="left by another run")
        return None if claimed.phase.ended else claimed

    async def release(self, project_id: str) -> None:
        """Let go of a project's jobs: its folder is about to be moved away."""
        for job_id, task in list(self._followers.items()):
            if (job := self.find(job_id)) is not None and job.project == project_id:
                await self._drop(task)
                self._rest[job_id] = asyncio.get_running_loop().time() + LET_GO_SECONDS

    async def _drop(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def wait(self, job_ids: Iterable[str]) -> tuple[Job, ...]:
        """Until each ended (or stands still, with its reason recorded) and its outputs were tried.

        Unfinished jobs that nobody follows are followed, unsaved outputs that nobody saves are saved.
        """
        wanted = list(job_ids)
        for job_id in wanted:
            project = await self._core.locate(job_id, item=False)
            await self.resume(project, now=True)
            await self._wait_one(project, job_id)
            self._saving.take_over(project)
            await self._saving.settled(project, [item.id for item in self._items_of(job_id)])
        return tuple(job for job in map(self.find, wanted) if job is not None)

    async def _wait_one(self, project: ProjectFolder, job_id: str) -> None:
        while (job := self.find(job_id)) is not None and not job.phase.ended:
            elsewhere = self._core.instance.is_other(job.owner)
            if job.phase is Phase.UNKNOWN and (elsewhere or job_id in self._searched):
                return
            if not elsewhere and job_id not in self._followers and job_id not in self._sending:
                if job_id in self._rest:
                    return  # following had to stop: the job's record says why
                await self.resume(project)
                if job_id not in self._followers:
                    return
            await self._core.soon()

    def _items_of(self, job_id: str) -> list[MediaItem]:
        project = self._core.find(job_id, item=False)
        return [i for i in self._core.records.items(project) if i.job == job_id] if project else []

    # -- one job

    def find(self, job_id: str) -> Job | None:
        """The job in an opened project."""
        project = self._core.find(job_id, item=False)
        return self._core.records.find_job(project, job_id) if project else None

    async def cancel(self, job_id: str) -> bool:
        """Ask the provider to stop it; False when it is too late or cannot be."""
        project, job = await self._located(job_id)
        if job.phase.ended:
            return False
        if job.phase is Phase.DRAFT:
            fault = JobFault(ErrorKind.CANCELLED, "cancelled before it was sent; nothing was billed")
            job = await self._book.step(project, job_id, Phase.CANCELLED, error=fault)
            return job.phase is Phase.CANCELLED
        await self._services.get(job.provider)
        asked = await self._runner.cancel(project, job)
        if asked:
            self.follow(project, job)
        return asked

    async def recheck(self, job_ids: Iterable[str]) -> tuple[Job, ...]:
        """Ask the provider again about each job, and save what of its outputs is not saved. Never submits."""
        checked: list[Job] = []
        for job_id in job_ids:
            project, job = await self._located(job_id)
            if job.id in self._followers and job.phase is not Phase.UNKNOWN:
                checked.append(job)  # it is being asked about at this moment
                continue
            if job.remote_id is None and job.phase is not Phase.UNKNOWN:
                checked.append(job)  # it was never accepted: there is nothing to ask for
                continue
            await self._services.get(job.provider)
            await self._drop(self._followers.get(job.id))  # it would sleep until its next search
            job = await self._runner.recheck(project, job)
            if job.phase is Phase.SUCCEEDED:
                await self._saving.save([i.id for i in self._items_of(job.id) if _wanted(job, i)])
            elif not job.phase.ended and (claimed := await self._claim(project, job)) is not None:
                self.follow(project, claimed)
            checked.append(job)
        return tuple(checked)

    async def dismiss(self, job_ids: Iterable[str], desk: Organising) -> int:
        """Forget ended jobs; those whose outputs are not all saved stay. Returns how many went."""
        going: dict[str, list[str]] = {}
        for job_id in dict.fromkeys(job_ids):
            project, job = await self._located(job_id)
            unsaved = any(i.save_state is not SaveState.SAVED for i in self._items_of(job_id))
            if job.phase.ended and not unsaved:
                going.setdefault(project.id, []).append(job_id)
        return (await asyncio.wrap_future(desk.drop_jobs(going))).count

    async def forget(self, job_id: str, desk: Organising) -> Undo:
        """Close a job whose submit had no answer, and take it off the list; see `Studio.forget_job`."""
        project, job = await self._located(job_id)
        if job.phase is not Phase.UNKNOWN:
            raise UsageError(
                f"this job is {job.phase.value}, not unknown",
                hint="Ended jobs go with “Dismiss” (`mediatui jobs dismiss`).",
            )
        await self._drop(self._followers.get(job.id))
        fault = JobFault(
            ErrorKind.AMBIGUOUS_SUBMIT,
            "given up: it may have been accepted and billed, and its result was not collected",
        )
        closed = await self._book.step(project, job_id, Phase.CANCELLED, error=fault)
        self._core.steps.note(StepName.CANCEL, closed, outcome="forgotten", detail="by hand; it was never found")
        return await asyncio.wrap_future(desk.drop_jobs({project.id: (job_id,)}))

    async def _located(self, job_id: str) -> tuple[ProjectFolder, Job]:
        project = await self._core.locate(job_id, item=False)
        job = self._core.records.find_job(project, job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id}", hint="`mediatui jobs` lists them.")
        return project, job


class _Ground:
    """What a `JobRunner` stands on."""

    def __init__(self, core: Core, services: Services, saving: Saving) -> None:
        self._core, self._services, self._saving = core, services, saving
        self.records = core.records
        self.instance_id = core.instance.id
        self.poll_seconds = core.settings.poll_seconds
        self.moments = Moments()

    def provider(self, name: str) -> Provider | None:
        return self._services.ready(name)

    def emit(self, event: JobProgress | Notice) -> None:
        self._core.emit(event)

    async def blocking(self, function: Callable[[], T]) -> T:
        return await self._core.blocking(function)

    async def working(self, function: Callable[[], T]) -> T:
        return await self._core.working(function)

    def alone(self, work: str) -> AbstractAsyncContextManager[None]:
        return alone(self._core.locations.instances, work)

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        self._saving.outputs_ready(project, items)


def _wanted(job: Job, item: MediaItem) -> bool:
    """Rechecking a job saves its outputs, unless they were to stay where they are."""
    return item.save_state is not SaveState.URL_ONLY or job.save_policy is SavePolicy.AUTOMATIC
