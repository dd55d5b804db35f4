"""A job's way: record, send once, record the handle, follow, record the raw answer, collect its outputs.

Every step is on disk before the next begins, so a crash anywhere is resumed from what is there. A request
whose answer never came is UNKNOWN and looked for at the provider; it is never sent again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from mediatui.errors import ErrorKind, MediatuiError, ProviderError, StorageError
from mediatui.library.project import ProjectFolder
from mediatui.model import (
    Job,
    JobFault,
    MediaItem,
    MediaType,
    Phase,
    SavePolicy,
    SaveState,
    item_id,
    move_job,
    new_id,
    now,
)
from mediatui.providers.base import Capability, Output, Progress, Provider, Submitted
from mediatui.studio.events import JobProgress, Notice
from mediatui.studio.records import Records
from mediatui.text import one_line

T = TypeVar("T")

POLL_FAST_SECONDS = 10.0
"""For so long the first interval holds; then it grows."""
POLL_GROWTH = 1.4
POLL_SLOWEST = 5.0
"""Times the first interval."""
READ_DELAY_LONGEST = 30.0
SUBMIT_TRIES = 4
"""Times a request is offered while the provider says 429: nothing was enqueued."""
LOST_AFTER = 4
"""Answers "not found" in a row before a job counts as gone."""


class Surroundings(Protocol):
    """What the runner needs of the studio."""

    records: Records
    instance_id: str
    poll_seconds: float

    def provider(self, name: str) -> Provider | None:
        """The provider of that name when it is set up."""
        ...

    def emit(self, event: JobProgress | Notice) -> None:
        """Tell the faces."""
        ...

    async def blocking(self, function: Callable[[], T]) -> T:
        """Run a blocking function in the record threads."""
        ...

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        """Items of a finished job are recorded; save them if the policy says so."""
        ...


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Takes jobs from their record to their recorded outputs; on the engine's loop."""

    around: Surroundings

    # -- sending

    async def send(self, project: ProjectFolder, job: Job) -> Job:
        """Send a recorded draft, once. The result is recorded: a handle, an error, or UNKNOWN."""
        provider = self.around.provider(job.provider)
        if provider is None:
            return await self._fail(project, job.id, _not_set_up(job))
        job = await self._edit(
            project, job.id, lambda j: move_job(j, Phase.SUBMITTING, submitted_at=now(), owner=self.around.instance_id)
        )
        self._tell(job, JobProgress(project.id, job.id, Phase.SUBMITTING))
        try:
            submitted = await self._submit(provider, job)
        except ProviderError as exc:
            if exc.kind is ErrorKind.AMBIGUOUS_SUBMIT:
                return await self._unknown(project, job.id, exc)
            return await self._fail(project, job.id, exc)
        return await self._accept(project, job, submitted)

    async def _submit(self, provider: Provider, job: Job) -> Submitted:
        for attempt in range(SUBMIT_TRIES):
            try:
                return await provider.submit(job)
            except ProviderError as exc:
                if exc.kind is not ErrorKind.RATE_LIMITED or attempt == SUBMIT_TRIES - 1:
                    raise
                await asyncio.sleep(exc.retry_after or 2.0**attempt)
        raise AssertionError("unreachable")

    async def _accept(self, project: ProjectFolder, job: Job, submitted: Submitted) -> Job:
        """Record the handle before anything else is asked; a whole answer goes to disk before its record."""
        result_path: str | None = None
        if submitted.raw is not None:
            raw = submitted.raw
            result_path = await self.around.blocking(lambda: self.around.records.write_result(project, job.id, raw))
        phase = submitted.phase if submitted.raw is None else Phase.RUNNING
        return await self._edit(
            project,
            job.id,
            lambda j: move_job(
                j, phase, remote_id=submitted.remote_id, urls=dict(submitted.urls), result_path=result_path, error=None
            ),
        )

    # -- following

    async def follow(self, project: ProjectFolder, job: Job) -> None:
        """Ask until the job ended, then collect. Faults on the way are waited out; the job is never failed for them."""
        provider = self.around.provider(job.provider)
        if provider is None:
            await self._note(project, job.id, _not_set_up(job))
            return
        if job.phase is Phase.UNKNOWN:
            found = await self.look_for(project, job)
            if found is None:
                return
            job = found
        if job.result_path is not None:
            await self.collect(project, job, provider)
            return
        progress = await self._until_ended(project, job, provider)
        if progress is None:
            return
        job = await self.around.blocking(lambda: _known(self.around.records.find_job(project, job.id)))
        if progress.phase is Phase.SUCCEEDED:
            await self._fetch(project, job, provider)
        elif progress.phase is Phase.CANCELLED or (job.cancel_requested and progress.error is None):
            await self._edit(project, job.id, lambda j: move_job(j, Phase.CANCELLED, finished_at=now(), error=None))
        else:
            error = progress.error or ProviderError(ErrorKind.INTERNAL, "the job failed")
            await self._fail(project, job.id, error)

    async def _until_ended(self, project: ProjectFolder, job: Job, provider: Provider) -> Progress | None:
        """Poll; None when following had to stop before the end (the job's record says why)."""
        loop = asyncio.get_running_loop()
        started, faults, lost = loop.time(), 0, 0
        interval, phase = self.around.poll_seconds, job.phase
        while True:
            wait = interval
            try:
                progress = await provider.poll(job)
            except ProviderError as exc:
                if exc.kind is ErrorKind.NOT_FOUND:
                    lost += 1
                    if lost >= LOST_AFTER:
                        return self._lost(job)
                elif not exc.kind.retry_read:
                    await self._note(project, job.id, exc)
                    return None
                faults += 1
                wait = exc.retry_after or min(READ_DELAY_LONGEST, interval * 2**faults)
            else:
                faults = lost = 0
                if progress.phase.ended:
                    return progress
                if progress.phase is not phase and progress.phase.following:
                    phase = progress.phase
                    await self._edit(project, job.id, partial(_in_phase, phase=phase))
                self._report(project, job, progress)
                wait = progress.retry_after or interval
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            if loop.time() - started > POLL_FAST_SECONDS:
                interval = min(self.around.poll_seconds * POLL_SLOWEST, interval * POLL_GROWTH)

    def _report(self, project: ProjectFolder, job: Job, progress: Progress) -> None:
        self.around.emit(
            JobProgress(
                project.id,
                job.id,
                progress.phase,
                progress.position,
                progress.fraction,
                progress.logs[-1] if progress.logs else "",
            )
        )

    def _lost(self, job: Job) -> Progress:
        if job.cancel_requested:
            return Progress(Phase.CANCELLED)
        message = "the provider no longer knows this request"
        hint = "Press r to ask once more; its request id is in the details."
        return Progress(Phase.FAILED, error=ProviderError(ErrorKind.EXPIRED, message, hint=hint))

    # -- collecting

    async def _fetch(self, project: ProjectFolder, job: Job, provider: Provider) -> None:
        faults = 0
        while True:
            try:
                raw = await provider.result(job)
                break
            except ProviderError as exc:
                if exc.kind.stops_batch:
                    await self._note(project, job.id, exc)
                    return
                if not exc.kind.retry_read:
                    await self._fail(project, job.id, exc)
                    return
                faults += 1
                wait = exc.retry_after or min(READ_DELAY_LONGEST, self.around.poll_seconds * 2**faults)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
        path = await self.around.blocking(lambda: self.around.records.write_result(project, job.id, raw))
        job = await self._edit(project, job.id, lambda j: replace(j, result_path=path))
        await self.collect(project, job, provider)

    async def collect(self, project: ProjectFolder, job: Job, provider: Provider) -> None:
        """Turn the stored raw answer into recorded items; doing it twice changes nothing."""
        records = self.around.records
        try:
            raw = await self.around.blocking(lambda: records.read_result(project, job.result_path or ""))
            outputs = provider.outputs(job, raw)
        except (ProviderError, StorageError) as exc:
            await self._finish_empty(project, job, exc)
            return
        if not outputs:
            await self._finish_empty(project, job, MediatuiError("the result holds no picture, video or sound"))
            return
        items = await self.around.blocking(lambda: self._record_outputs(project, job, outputs))
        self._tell(job, JobProgress(project.id, job.id, Phase.SUCCEEDED, fraction=1.0))
        self.around.outputs_ready(project, items)

    def _record_outputs(self, project: ProjectFolder, job: Job, outputs: Sequence[Output]) -> list[MediaItem]:
        """Items and the job's end in one commit; inline bytes are on disk first."""
        records, finished = self.around.records, now()
        fresh = [
            _item(project, job, output, finished)
            for output in outputs
            if records.find_item(project, item_id(job.id, output.index)) is None
        ]
        by_id = {item_id(job.id, o.index): o.data for o in outputs if o.data is not None}
        items = [
            replace(item, spool=project.write_spool(item.id, by_id[item.id])) if item.id in by_id else item
            for item in fresh
        ]
        ended = move_job(job, Phase.SUCCEEDED, finished_at=finished, error=None)
        records.put(project, items=items, jobs=[ended])
        return items

    async def _finish_empty(self, project: ProjectFolder, job: Job, exc: MediatuiError) -> None:
        kind = exc.kind if isinstance(exc, ProviderError) else ErrorKind.UNSUPPORTED
        fault = JobFault(kind, exc.message, f"The provider's whole answer is kept in {job.result_path}.")
        await self._edit(project, job.id, lambda j: move_job(j, Phase.SUCCEEDED, finished_at=now(), error=fault))

    # -- other verbs

    async def cancel(self, project: ProjectFolder, job: Job) -> bool:
        """Ask the provider to stop a job; it is followed to its end all the same, for it may finish first."""
        provider = self.around.provider(job.provider)
        if provider is None or Capability.CANCEL not in provider.capabilities or job.remote_id is None:
            return False
        await self._edit(project, job.id, lambda j: replace(j, cancel_requested=True))
        return await provider.cancel(job)

    async def look_for(self, project: ProjectFolder, job: Job) -> Job | None:
        """Find the request of an UNKNOWN job at its provider; None when it shows none. Never sends."""
        provider = self.around.provider(job.provider)
        if provider is None or Capability.RECONCILE not in provider.capabilities:
            return None
        try:
            found = await provider.reconcile(job)
        except ProviderError:
            return None  # what the job says already, that its submit had no answer, stays true
        taken = {j.remote_id for j in self.around.records.jobs(project) if j.id != job.id}
        if found is None or found.remote_id in taken:
            return None
        return await self._accept(project, job, found)

    async def recheck(self, project: ProjectFolder, job: Job) -> Job:
        """Make an ended or unknown job one to be followed again, if asking again can help. Never sends."""
        if job.phase is Phase.UNKNOWN or job.remote_id is None:
            return await self.look_for(project, job) or job
        if job.phase is Phase.FAILED:
            return await self._edit(
                project, job.id, lambda j: move_job(j, Phase.RUNNING, owner=self.around.instance_id, finished_at=None)
            )
        return job

    # -- records

    async def _edit(self, project: ProjectFolder, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        return await self.around.blocking(lambda: self.around.records.edit_job(project, job_id, change))

    async def _fail(self, project: ProjectFolder, job_id: str, exc: ProviderError) -> Job:
        phase = Phase.CANCELLED if exc.kind is ErrorKind.CANCELLED else Phase.FAILED
        job = await self._edit(project, job_id, lambda j: move_job(j, phase, finished_at=now(), error=_fault(exc)))
        self._tell(job, JobProgress(project.id, job.id, phase))
        self._notice(job, "error", exc)
        return job

    async def _unknown(self, project: ProjectFolder, job_id: str, exc: ProviderError) -> Job:
        job = await self._edit(project, job_id, lambda j: move_job(j, Phase.UNKNOWN, error=_fault(exc)))
        self._notice(job, "warning", exc)
        return job

    async def _note(self, project: ProjectFolder, job_id: str, exc: MediatuiError) -> None:
        """Say on the job why it is not followed now; its phase stays what it was."""
        job = await self._edit(project, job_id, lambda j: replace(j, error=_fault(exc)))
        self._notice(job, "warning", exc)

    def _notice(self, job: Job, severity: str, exc: MediatuiError) -> None:
        title = f"{job.model}: {exc.title}"
        self.around.emit(
            Notice(severity, one_line(title, 120), exc.message, exc.hint, project_id=job.project, job_id=job.id)
        )

    def _tell(self, job: Job, event: JobProgress) -> None:
        self.around.emit(event)


def draft_job(
    project: str,
    provider: str,
    model: str,
    prompt: str,
    params: Mapping[str, Any],
    *,
    prompt_field: str | None,
    makes: MediaType | None,
    policy: SavePolicy,
    batch: str,
) -> Job:
    """A job as it is recorded before anything is sent."""
    inputs = {**params, prompt_field: prompt} if prompt_field and prompt else dict(params)
    return Job(
        id=new_id(),
        project=project,
        provider=provider,
        model=model,
        prompt=prompt,
        params=dict(params),
        inputs=inputs,
        type=makes,
        save_policy=policy,
        batch=batch,
        created_at=now(),
    )


def _item(project: ProjectFolder, job: Job, output: Output, finished: float) -> MediaItem:
    """The record of one output. Its time differs from its siblings', so that each has a file name of its own."""
    by_choice = job.save_policy is SavePolicy.URL_ONLY and output.url is not None
    seed = job.inputs.get("seed")
    return MediaItem(
        id=item_id(job.id, output.index),
        project=project.id,
        name=one_line(job.prompt, 80) or one_line(output.file_name or job.model, 80),
        type=output.type,
        role=output.role,
        output_path=output.path,
        provider=job.provider,
        model=job.model,
        prompt=job.prompt,
        params=job.params,
        seed=output.seed if output.seed is not None else (seed if isinstance(seed, int) else None),
        job=job.id,
        url=output.url,
        url_auth="provider" if output.delivery == "provider-url" else "none",
        url_expires_at=output.expires_at,
        save_state=SaveState.URL_ONLY if by_choice else SaveState.UNSAVED,
        content_type=output.content_type,
        file_size=output.size,
        duration=output.duration,
        width=output.width,
        height=output.height,
        fps=output.fps,
        created_at=round(finished + output.index / 1000, 3),
        extra=dict(output.meta),
    )


def _in_phase(job: Job, *, phase: Phase) -> Job:
    return move_job(job, phase, error=None)


def _fault(exc: MediatuiError) -> JobFault:
    if isinstance(exc, ProviderError):
        return JobFault(exc.kind, exc.message, exc.hint, exc.code, exc.fields)
    return JobFault(ErrorKind.INTERNAL, exc.message, exc.hint)


def _not_set_up(job: Job) -> ProviderError:
    return ProviderError(
        ErrorKind.AUTH,
        f"the provider {job.provider!r} of this job is not set up here",
        hint="Configure its key; the job is kept and followed again then.",
    )


def _known(job: Job | None) -> Job:
    if job is None:
        raise MediatuiError("the job is no longer in its project")
    return job
