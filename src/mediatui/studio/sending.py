"""A request goes out once: recorded before, its handle recorded after, and nothing in between is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mediatui.errors import ErrorKind, ProviderError, StorageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, MediaType, Phase, SavePolicy, move_job, new_id, now
from mediatui.providers.base import Capability, Provider, Submitted
from mediatui.providers.lost import LONGEST_SUBMIT_SECONDS, SeveralFound
from mediatui.studio.events import JobProgress, Notice
from mediatui.studio.job_book import JobBook, fault_of, not_set_up

SUBMIT_TRIES = 4
"""Times a request is offered while the provider says 429: nothing was enqueued."""
LONGEST_OFFER = 60.0
"""Seconds; a provider that asks for a longer pause is taken at its word, and the request is not sent."""
HANDLE_SECONDS = 1.0
"""Between two attempts to write down a handle that no disk takes."""

_ASK_AGAIN = (
    "It is not sent again by itself. “Ask again” in the jobs screen, or `mediatui jobs retry`, looks once more."
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Takes a recorded draft to the provider; on the engine's loop."""

    book: JobBook
    searches: dict[str, asyncio.Lock] = field(default_factory=dict)
    """One search at a time for each provider: of two lost requests that are alike, both would find the same one.

    These keep it so within this instance, `Surroundings.alone` among all of them.
    """

    async def send(self, project: ProjectFolder, job: Job) -> Job:
        """Send a recorded draft, once. The result is recorded: a handle, an error, or UNKNOWN."""
        around = self.book.around
        provider = around.provider(job.provider)
        if provider is None:
            return await self.book.fail(project, job.id, not_set_up(job))
        try:
            # Past the spill: no money is spent while the project's own disk takes no records.
            job = await around.blocking(lambda: project.edit_job(job.id, self._submitting))
        except StorageError as exc:
            return await self.book.fail(project, job.id, exc)
        if job.phase is not Phase.SUBMITTING:
            return job  # cancelled while it waited for its turn
        around.emit(JobProgress(project.id, job.id, Phase.SUBMITTING))
        try:
            submitted = await self._offer(provider, job)
        except ProviderError as exc:
            if exc.kind is ErrorKind.AMBIGUOUS_SUBMIT:
                return await self.book.unknown(project, job.id, exc)
            return await self.book.fail(project, job.id, exc)
        except Exception as exc:  # a fence: whatever a provider stumbled over, the request may be out
            return await self.book.unknown(project, job.id, _stumbled(exc))
        return await self.accept(project, job, submitted)

    def _submitting(self, job: Job) -> Job | None:
        if job.phase is not Phase.DRAFT:
            return None
        return move_job(job, Phase.SUBMITTING, submitted_at=now(), owner=self.book.around.instance_id)

    async def _offer(self, provider: Provider, job: Job) -> Submitted:
        for attempt in range(SUBMIT_TRIES):
            try:
                return await provider.submit(job)
            except ProviderError as exc:
                wait = exc.retry_after if exc.retry_after is not None else 2.0**attempt
                last = attempt == SUBMIT_TRIES - 1 or wait > LONGEST_OFFER
                if exc.kind is not ErrorKind.RATE_LIMITED or last:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    async def accept(self, project: ProjectFolder, job: Job, submitted: Submitted) -> Job:
        """Record the handle before anything else is asked; a whole answer goes to disk before its record.

        A handle that no disk takes is said aloud and tried again: it is worth what the request costs.
        """
        told = False
        while True:
            try:
                job = await self._record_handle(project, job, submitted)
                break
            except StorageError as exc:
                if not told:
                    self.book.around.emit(_unrecorded(job, submitted, exc))
                told = True
            await asyncio.sleep(HANDLE_SECONDS)
        if job.phase is Phase.FAILED and submitted.error is not None:
            self.book.notice(job, "error", submitted.error)
        return job

    async def _record_handle(self, project: ProjectFolder, job: Job, submitted: Submitted) -> Job:
        raw, path = submitted.raw, None
        if raw is not None:
            path, _ = await self.book.write_answer(project, job.id, raw)
        return await self.book.step(
            project,
            job.id,
            submitted.phase if raw is None else Phase.RUNNING,
            remote_id=submitted.remote_id,
            urls=dict(submitted.urls),
            result_path=path,
            finished_at=now() if raw is None and submitted.phase.ended else None,
            error=fault_of(submitted.error) if submitted.error else None,
        )

    async def look_for(self, project: ProjectFolder, job: Job) -> Job | None:
        """Find an UNKNOWN job's answer on disk, or its request at its provider; None without either. Never sends."""
        around = self.book.around
        provider = around.provider(job.provider)
        if provider is None:
            return None
        if job.remote_id is None:  # the answer itself may have been written down before the run was stopped
            path = await around.blocking(lambda: around.records.find_result(project, job.id))
            if path is not None:
                return await self.book.step(project, job.id, Phase.RUNNING, result_path=path, error=None)
        if Capability.RECONCILE not in provider.capabilities:
            return None
        turn = self.searches.setdefault(job.provider, asyncio.Lock())
        async with turn, around.alone(f"search-{job.provider}"):
            others = await around.blocking(lambda: around.records.neighbours(job))
            found = await _found(provider, job, others)
            if isinstance(found, Submitted):
                return await self.accept(project, job, found)
            await self.book.edit(project, job.id, lambda j: _not_found(j, found))
            return None


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
    owner: str,
    price: str = "",
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
        owner=owner,
        created_at=now(),
        price=price,
    )


async def _found(provider: Provider, job: Job, others: Sequence[Job]) -> Submitted | str:
    """The lost request; else why it is not known which one it is."""
    try:
        found = await provider.reconcile(job, {other.remote_id for other in others if other.remote_id})
    except SeveralFound as exc:
        # As many lost jobs are alike as requests: each is one of theirs, and no matter which.
        if len(exc.found) <= 1 + sum(_alike(job, other) for other in others):
            return exc.found[0]
        return f"{provider.title} shows {len(exc.found)} requests like it; which is its own cannot be told."
    except ProviderError as exc:
        return f"{provider.title} could not be asked for it: {exc.message}."
    return found or f"{provider.title} shows no such request so far."


def _not_found(job: Job, why: str) -> Job | None:
    """The job with what came of looking for it beside what it says already: that its submit had no answer."""
    hint = f"{why} {_ASK_AGAIN}"
    if job.phase is not Phase.UNKNOWN or job.error is None or job.error.hint == hint:
        return None
    return replace(job, error=replace(job.error, hint=hint))


def _alike(job: Job, other: Job) -> bool:
    """The other one was lost too, at that time, and asked for the same."""
    lost = other.phase is Phase.UNKNOWN and other.remote_id is None
    near = abs((other.submitted_at or 0.0) - (job.submitted_at or 0.0)) <= LONGEST_SUBMIT_SECONDS
    return lost and near and (other.model, other.inputs) == (job.model, job.inputs)


def _stumbled(exc: Exception) -> ProviderError:
    return ProviderError(
        ErrorKind.AMBIGUOUS_SUBMIT,
        f"something went wrong while this was being sent ({type(exc).__name__}); it may have been accepted and billed",
        hint="It is looked for at the provider and never sent again by itself.",
    )


def _unrecorded(job: Job, submitted: Submitted, exc: StorageError) -> Notice:
    return Notice(
        "error",
        "Keep mediatui open",
        f"request {submitted.remote_id} was accepted, but no disk takes its record: {exc.message}",
        "Free some space; it is written down as soon as that works.",
        project_id=job.project,
        job_id=job.id,
    )
