"""Jobs in the plural: make a batch, follow what is unfinished, take over what a dead instance left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from mediatui.errors import ErrorKind, UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, JobFault, MediaItem, MediaType, Phase, SavePolicy, move_job, new_id
from mediatui.providers.base import ModelInfo, Provider
from mediatui.studio.core import Core
from mediatui.studio.events import JobProgress, Notice
from mediatui.studio.jobs import JobRunner, draft_job
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.saving import Saving
from mediatui.studio.services import Services
from mediatui.text import clean_text, one_line

T = TypeVar("T")

SEARCH_DELAYS = (3.0, 15.0, 60.0, 300.0, 900.0)
"""Pauses (seconds) before each search for a request whose submit had no answer."""

STEP_SECONDS = 0.05
"""Between two looks at whether a job that somebody waits for has ended."""

_FAMILIES: Sequence[tuple[MediaType, tuple[str, ...]]] = (
    (MediaType.AUDIO, ("tts", "speech", "music", "sound", "audio", "kokoro", "lyria")),
    (MediaType.VIDEO, ("video", "veo", "kling", "sora", "seedance", "hailuo", "ltx", "wan", "animate")),
    (MediaType.IMAGE, ("image", "flux", "banana", "imagen", "recraft", "ideogram", "seedream", "upscale", "edit")),
)


class Making:
    """Takes requests in, and keeps every unfinished job followed by exactly one instance."""

    def __init__(self, core: Core, services: Services, saving: Saving) -> None:
        self._core, self._services, self._saving = core, services, saving
        self._runner = JobRunner(_Ground(core, services, saving))
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._searched: set[str] = set()

    # -- a new batch

    async def generate(self, request: GenerateRequest) -> tuple[Job, ...]:
        """Record one job per model, send each once, and follow those that were accepted.

        A refused key or an exhausted balance stops the rest of the batch. Raises `MediatuiError` when
        nothing could be recorded; then nothing was sent.
        """
        models = [model for model in dict.fromkeys(one_line(m, 200).strip("/ ") for m in request.models) if model]
        if not models:
            raise UsageError("no model was named", hint="Choose at least one model.")
        provider = request.provider or self._services.active
        await self._services.get(provider)
        project = await self._core.blocking(lambda: self._core.library.ensure(request.project))
        drafts = [await self._draft(request, model, provider, project) for model in models]
        await self._core.blocking(lambda: project.commit(jobs=drafts))
        return await self._send_all(project, drafts)

    async def _draft(self, request: GenerateRequest, model: str, provider: str, project: ProjectFolder) -> Job:
        schema = await self._services.schema_if_quick(model, provider)
        policy = request.save_policy or project.record.save_policy or self._core.settings.save_policy
        draft = draft_job(
            project.id,
            provider,
            model,
            clean_text(request.prompt),
            {**request.params, **request.params_by_model.get(model, {})},
            prompt_field=schema.prompt_field if schema else "prompt",
            makes=guess_type(model),
            policy=SavePolicy(policy),
            batch=new_id(),
        )
        return replace(draft, owner=self._core.instance.id)

    async def _send_all(self, project: ProjectFolder, drafts: Sequence[Job]) -> tuple[Job, ...]:
        gate = asyncio.Semaphore(self._core.settings.concurrent_submits)
        stopped: list[JobFault] = []

        async def send(draft: Job) -> Job:
            async with gate:
                if stopped:
                    return await self._not_sent(project, draft, stopped[0])
                job = await self._runner.send(project, draft)
            if job.error is not None and job.error.kind.stops_batch:
                stopped.append(job.error)
            if not job.phase.ended:
                self.follow(project, job)
            return job

        return tuple(await asyncio.gather(*(send(draft) for draft in drafts)))

    async def _not_sent(self, project: ProjectFolder, draft: Job, because: JobFault) -> Job:
        fault = replace(because, message=f"not sent: {because.message}")
        return await self._edit(project, draft.id, lambda j: move_job(j, Phase.CANCELLED, error=fault))

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

    async def _follow(self, project: ProjectFolder, job: Job) -> None:
        await self._services.try_get(job.provider)
        await self._runner.follow(project, job)
        self._searched.add(job.id)
        for delay in SEARCH_DELAYS:
            known = self._core.records.find_job(project, job.id)
            if known is None or known.phase is not Phase.UNKNOWN:
                return
            await asyncio.sleep(delay)
            await self._runner.follow(project, known)

    async def resume(self, project: ProjectFolder) -> None:
        """Follow the project's unfinished jobs that nobody follows: ours, and those of instances that are gone."""
        if not project.writable:
            return
        for job in self._core.records.jobs(project):
            if not job.phase.ended and job.id not in self._followers:
                claimed = await self._claim(project, job)
                if claimed is not None:
                    self.follow(project, claimed)

    async def _claim(self, project: ProjectFolder, job: Job) -> Job | None:
        """Make the job ours if its owner is gone; None when it is not ours or has ended."""
        core, taken = self._core, False

        def change(current: Job) -> Job | None:
            nonlocal taken
            other = current.owner != core.instance.id and core.instance.is_alive(current.owner)
            if current.phase.ended or other:
                return None
            taken = True
            return _resumed(replace(current, owner=core.instance.id))

        claimed = await self._edit(project, job.id, change)
        return claimed if taken and not claimed.phase.ended else None

    async def wait(self, job_ids: Iterable[str]) -> tuple[Job, ...]:
        """Until each job ended (or stands still, with its reason recorded) and its outputs were tried.

        Unfinished jobs that nobody follows are followed.
        """
        wanted = list(job_ids)
        for job_id in wanted:
            project = await self._core.locate(job_id, item=False)
            await self.resume(project)
            await self._wait_one(job_id)
        items = [i.id for job_id in wanted for i in self._items_of(job_id)]
        await self._saving.settled(items)
        return tuple(job for job in map(self.find, wanted) if job is not None)

    async def _wait_one(self, job_id: str) -> None:
        while True:
            job, task = self.find(job_id), self._followers.get(job_id)
            if job is None or job.phase.ended or (job.phase is Phase.UNKNOWN and job_id in self._searched):
                return
            if task is None and (job.owner == self._core.instance.id or not self._core.instance.is_alive(job.owner)):
                return  # following stopped: the job's record says why
            await asyncio.sleep(STEP_SECONDS)

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
            if job.remote_id is None and job.phase is not Phase.UNKNOWN:
                checked.append(job)  # it was never accepted: there is nothing to ask for
                continue
            await self._services.get(job.provider)
            job = await self._runner.recheck(project, job)
            if job.phase is Phase.SUCCEEDED:
                await self._saving.save([i.id for i in self._items_of(job.id)])
            elif not job.phase.ended and job.phase is not Phase.UNKNOWN:
                self.follow(project, job)
            checked.append(job)
        return tuple(checked)

    async def dismiss(self, job_ids: Iterable[str]) -> int:
        """Forget ended jobs; those whose outputs are not all saved stay. Returns how many went."""
        gone = 0
        for job_id in job_ids:
            project, job = await self._located(job_id)
            unsaved = any(i.save_state.wants_saving for i in self._items_of(job_id))
            if job.phase.ended and not unsaved:
                await self._core.blocking(lambda p=project, j=job_id: p.commit(gone_jobs=[j]))  # type: ignore[misc]
                gone += 1
        return gone

    async def _located(self, job_id: str) -> tuple[ProjectFolder, Job]:
        project = await self._core.locate(job_id, item=False)
        job = self._core.records.find_job(project, job_id)
        if job is None:
            raise UsageError(f"there is no job {job_id}", hint="`mediatui jobs` lists them.")
        return project, job

    async def _edit(self, project: ProjectFolder, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        return await self._core.blocking(lambda: self._core.records.edit_job(project, job_id, change))


class _Ground:
    """What a `JobRunner` stands on."""

    def __init__(self, core: Core, services: Services, saving: Saving) -> None:
        self._core, self._services, self._saving = core, services, saving
        self.records = core.records
        self.instance_id = core.instance.id
        self.poll_seconds = core.settings.poll_seconds

    def provider(self, name: str) -> Provider | None:
        return self._services.ready(name)

    def emit(self, event: JobProgress | Notice) -> None:
        self._core.emit(event)

    async def blocking(self, function: Callable[[], T]) -> T:
        return await self._core.blocking(function)

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        self._saving.outputs_ready(project, items)


def _resumed(job: Job) -> Job:
    """The job as a new owner finds it: a draft was never sent; a submit without an answer is unknown."""
    if job.phase is Phase.DRAFT:
        fault = JobFault(
            ErrorKind.CANCELLED,
            "mediatui stopped before this was sent; nothing was billed",
            "Press g to generate it again.",
        )
        return move_job(job, Phase.CANCELLED, error=fault)
    if job.phase is Phase.SUBMITTING:
        fault = JobFault(
            ErrorKind.AMBIGUOUS_SUBMIT,
            "mediatui stopped while this was being sent; it may have been accepted and billed",
            "It is looked for at the provider and never sent again by itself.",
        )
        return move_job(job, Phase.UNKNOWN, error=fault)
    return job


def guess_type(model: str) -> MediaType | None:
    """What a model makes, by its id; None when that says nothing."""
    parts = model.lower().split("/")
    for part in reversed(parts):
        if "to-" in part and (made := ModelInfo("", "", part, "").makes):
            return made
    for media, words in _FAMILIES:
        if any(word in part for part in parts[-3:] for word in words):
            return media
    return None
