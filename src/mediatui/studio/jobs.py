"""A job after it was sent: ask how it goes, write the raw answer down, record its outputs.

Every step is on disk before the next begins, so a crash anywhere is resumed from what is there. Faults on
the way are waited out; a job is never failed for them.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from mediatui.errors import ErrorKind, MediatuiError, ProviderError, StorageError, UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, JobFault, Phase, now
from mediatui.providers.answers import left_out
from mediatui.providers.base import Capability, Progress, Provider
from mediatui.studio.events import JobProgress
from mediatui.studio.job_book import JobBook, not_set_up
from mediatui.studio.outputs import MOST_OUTPUTS, record_outputs
from mediatui.studio.sending import Sender

T = TypeVar("T")

POLL_FAST_SECONDS = 10.0
"""For so long the first interval holds; then it grows."""
POLL_GROWTH = 1.4
POLL_SLOWEST = 5.0
"""Times the first interval."""
FAULT_SLOWEST = 30.0
"""Times the first interval: the longest pause after a failed question."""
LONGEST_WAIT = 300.0
"""Seconds; a provider's wish for the next question beyond that is not followed."""
NOTE_AFTER = 4
"""Failed questions in a row before the job says so."""
LOST_AFTER = 4
"""Answers "not found" in a row before a job counts as gone."""


class _Left(Exception):
    """Following has to end here: the job ended, was taken over, or went away."""


@dataclass(frozen=True, slots=True)
class JobRunner:
    """Takes sent jobs to their recorded outputs; on the engine's loop. Raises `StorageError`."""

    book: JobBook
    sender: Sender

    async def follow(self, project: ProjectFolder, job: Job) -> None:
        """Ask until the job ended, then collect."""
        provider = self.book.around.provider(job.provider)
        if provider is None:
            await self.book.note(project, job.id, not_set_up(job))
            return
        if job.phase is Phase.UNKNOWN:
            found = await self.sender.look_for(project, job)
            if found is None:
                return
            job = found
        try:
            if job.result_path is not None:
                await self._collect(project, job, provider)
            else:
                await self._conclude(project, provider, await self._until_ended(project, job, provider), job.id)
        except _Left:
            return

    async def _conclude(self, project: ProjectFolder, provider: Provider, progress: Progress, job_id: str) -> None:
        job = self._current(project, job_id)
        if progress.phase is Phase.SUCCEEDED:
            if progress.error is not None:
                self.book.aside(job, progress.error)
            await self._fetch(project, job, provider)
        elif progress.error is not None and progress.phase is not Phase.CANCELLED:
            await self.book.fail(project, job.id, progress.error)
        elif progress.phase is Phase.CANCELLED or job.cancel_requested:
            await self.book.step(project, job.id, Phase.CANCELLED, finished_at=now(), error=None)
            self.book.around.emit(JobProgress(project.id, job.id, Phase.CANCELLED))
        else:
            await self.book.fail(project, job.id, ProviderError(ErrorKind.INTERNAL, "the job failed"))

    # -- asking

    async def _until_ended(self, project: ProjectFolder, job: Job, provider: Provider) -> Progress:
        """Poll until the provider says it ended. Raises `_Left`."""
        loop, base = asyncio.get_running_loop(), self.book.around.poll_seconds
        started, interval, lost = loop.time(), base, 0
        while True:
            job = self._current(project, job.id)
            try:
                progress = await self._ask(project, job, provider.poll)
            except ProviderError as exc:
                if exc.kind not in (ErrorKind.NOT_FOUND, ErrorKind.EXPIRED):
                    await self.book.note(project, job.id, exc)
                    raise _Left from None
                lost += 1
                if lost >= LOST_AFTER and (end := await self._end_of_lost(project, job, provider)) is not None:
                    return end
                progress = Progress(job.phase)
            else:
                lost = 0
                if progress.phase.ended:
                    return progress
                if job.error is not None:
                    await self.book.note(project, job.id, None)  # whoever noted it: it answers again
                await self._report(project, job, progress)
            await _pause(progress.retry_after or interval)
            if loop.time() - started > POLL_FAST_SECONDS:
                interval = min(base * POLL_SLOWEST, interval * POLL_GROWTH)

    async def _end_of_lost(self, project: ProjectFolder, job: Job, provider: Provider) -> Progress | None:
        """How a job ended that nobody knows any more; None while that cannot be asked.

        It may have finished, or failed in the provider's words. Raises `_Left` when its answer was kept.
        """
        try:
            raw = await provider.result(job)
        except ProviderError as exc:
            if exc.kind.retry_read:
                await self.book.note(project, job.id, exc)
                return None
            told = exc.kind not in (ErrorKind.NOT_FOUND, ErrorKind.EXPIRED) and not exc.kind.stops_batch
            return Progress(Phase.FAILED, error=exc) if told else _lost(job)
        await self._keep(project, job, provider, raw)
        raise _Left

    async def _report(self, project: ProjectFolder, job: Job, progress: Progress) -> None:
        if progress.phase is not job.phase and progress.phase.following:
            await self.book.step(project, job.id, progress.phase)
        last = progress.logs[-1] if progress.logs else ""
        self.book.around.emit(
            JobProgress(project.id, job.id, progress.phase, progress.position, progress.fraction, last)
        )

    async def _ask(self, project: ProjectFolder, job: Job, question: Callable[[Job], Awaitable[T]]) -> T:
        """The answer; passing faults are waited out, and the job says so when that takes long.

        Raises `ProviderError` for anything that asking again will not change, `_Left`.
        """
        faults, base = 0, self.book.around.poll_seconds
        while True:
            try:
                answer = await question(job)
            except ProviderError as exc:
                if not exc.kind.retry_read:
                    raise
                faults += 1
                if faults == NOTE_AFTER:
                    await self.book.note(project, job.id, exc)
                await _pause(exc.retry_after or base * min(FAULT_SLOWEST, 2.0 ** min(faults, 10)))
                self._current(project, job.id)
            else:
                if faults >= NOTE_AFTER:
                    await self.book.note(project, job.id, None)
                return answer

    def _current(self, project: ProjectFolder, job_id: str) -> Job:
        """The job as it is recorded now. Raises `_Left` when it is no longer ours to follow."""
        job = self.book.around.records.find_job(project, job_id)
        if job is None or job.phase.ended or job.owner != self.book.around.instance_id:
            raise _Left
        return job

    # -- collecting

    async def _fetch(self, project: ProjectFolder, job: Job, provider: Provider) -> None:
        """Get the raw answer, write it down, record what it holds."""
        if job.phase is Phase.QUEUED:
            job = await self.book.step(project, job.id, Phase.RUNNING)  # it waits for nobody any more
        try:
            raw = await self._ask(project, job, provider.result)
        except ProviderError as exc:
            if exc.kind.stops_batch:
                await self.book.note(project, job.id, exc)
            else:
                await self.book.fail(project, job.id, exc)
            return
        await self._keep(project, job, provider, raw)

    async def _keep(self, project: ProjectFolder, job: Job, provider: Provider, raw: bytes) -> None:
        path, raw = await self.book.write_answer(project, job.id, raw)
        job = await self.book.edit(project, job.id, lambda j: replace(j, result_path=path))
        await self._record(project, job, provider, raw)

    async def _collect(self, project: ProjectFolder, job: Job, provider: Provider) -> None:
        """Turn the stored raw answer into recorded items; one that cannot be read is fetched again."""
        around, path = self.book.around, job.result_path or ""
        try:
            raw = await around.blocking(lambda: around.records.read_result(project, path))
        except (StorageError, UsageError):
            await self._fetch(project, job, provider)
            return
        await self._record(project, job, provider, raw)

    async def _read_again(self, project: ProjectFolder, job: Job, provider: Provider) -> None:
        """Collect a job whose answer could not be used: as it was stored, else as the provider gives it now."""
        await self._collect(project, job, provider)
        job = self.book.around.records.find_job(project, job.id) or job
        if job.error is None or job.remote_id is None:
            return
        try:
            raw = await provider.result(job)
            outputs = await self.book.around.working(lambda: provider.outputs(job, raw))
        except ProviderError:
            return  # what is stored is all there is
        if not outputs:
            return
        path, raw = await self.book.write_answer(project, f"{job.id}-again", raw)
        job = await self.book.edit(project, job.id, lambda j: replace(j, result_path=path))
        await self._record(project, job, provider, raw)

    async def _record(self, project: ProjectFolder, job: Job, provider: Provider, raw: bytes) -> None:
        around = self.book.around
        try:
            outputs = await around.working(lambda: provider.outputs(job, raw))
        except ProviderError as exc:
            await self._finish_empty(project, job, exc)
            return
        if not outputs:
            empty = ProviderError(ErrorKind.UNSUPPORTED, "the result holds no picture, video or sound")
            await self._finish_empty(project, job, empty)
            return
        taken = outputs[:MOST_OUTPUTS]
        items = await around.blocking(lambda: record_outputs(around.records, project, job, taken, around.moments))
        if items and len(outputs) > MOST_OUTPUTS:
            self.book.aside(job, _too_many(job, len(outputs)))
        if items and (others := await around.working(lambda: left_out(raw, job.inputs))):
            self.book.aside(job, _besides(job, others))
        around.emit(JobProgress(project.id, job.id, Phase.SUCCEEDED, fraction=1.0))
        around.outputs_ready(project, items)

    async def _finish_empty(self, project: ProjectFolder, job: Job, exc: ProviderError) -> None:
        fault = JobFault(exc.kind, exc.message, f"The provider's whole answer is kept in {job.result_path}.")
        job = await self.book.step(project, job.id, Phase.SUCCEEDED, finished_at=now(), error=fault)
        self.book.around.emit(JobProgress(project.id, job.id, job.phase))
        self.book.notice(job, "warning", MediatuiError(fault.message, hint=fault.hint))

    # -- other verbs

    async def cancel(self, project: ProjectFolder, job: Job) -> bool:
        """Ask the provider to stop a job; it is followed to its end all the same, for it may finish first."""
        provider = self.book.around.provider(job.provider)
        if provider is None or Capability.CANCEL not in provider.capabilities or job.remote_id is None:
            return False
        await self._mark_cancelling(project, job, True)
        asked = await provider.cancel(job)
        if not asked and not job.cancel_requested:  # it goes on to its end, and what it comes to is no cancelling
            await self._mark_cancelling(project, job, False)
        return asked

    async def _mark_cancelling(self, project: ProjectFolder, job: Job, wanted: bool) -> None:
        await self.book.edit(project, job.id, lambda j: None if j.phase.ended else replace(j, cancel_requested=wanted))

    async def recheck(self, project: ProjectFolder, job: Job) -> Job:
        """Ask once more about a job that stands still; what comes of it is recorded. Never sends.

        One that may still be going comes back unended, to be followed.
        """
        around = self.book.around
        provider = around.provider(job.provider)
        if job.phase is Phase.UNKNOWN:
            return await self.sender.look_for(project, job) or job
        if provider is None or job.remote_id is None:
            return job
        if job.phase is Phase.FAILED:
            mine = around.instance_id
            return await self.book.step(project, job.id, Phase.RUNNING, owner=mine, finished_at=None, error=None)
        if job.phase is Phase.CANCELLED:
            await self._had_ended(project, job, provider)
        elif job.phase is Phase.SUCCEEDED and (job.error is not None or await self._lacks_answer(project, job)):
            with suppress(_Left):
                await self._read_again(project, job, provider)
        return around.records.find_job(project, job.id) or job

    async def _lacks_answer(self, project: ProjectFolder, job: Job) -> bool:
        around, path = self.book.around, job.result_path
        if path is None:
            return False
        try:
            await around.blocking(lambda: around.records.read_result(project, path))
        except (StorageError, UsageError):
            return True
        return False

    async def _had_ended(self, project: ProjectFolder, job: Job, provider: Provider) -> bool:
        """A job that was cancelled may have finished: what was paid for is kept."""
        try:
            raw = await provider.result(job)
        except ProviderError:
            return False
        await self._keep(project, job, provider, raw)
        return True


def _besides(job: Job, others: Sequence[str]) -> MediatuiError:
    """Nothing that was paid for goes by in silence, not even what is not kept here."""
    named = ", ".join(others[:5])
    told = MediatuiError(
        f"the result also holds {named}: no picture, video or sound, and not downloaded",
        hint=f"Its address stands in the provider's answer, which is kept in {job.result_path}.",
    )
    told.title = "Not all of it is media"
    return told


def _too_many(job: Job, count: int) -> MediatuiError:
    told = MediatuiError(
        f"the result holds {count} files, {count - MOST_OUTPUTS} more than become items of one job",
        hint=f"All of them stand in the provider's answer, which is kept in {job.result_path}.",
    )
    told.title = "Not all of it was taken"
    return told


def _lost(job: Job) -> Progress:
    if job.cancel_requested:
        return Progress(Phase.CANCELLED)
    message = "the provider no longer knows this request"
    hint = "Ask the provider once more; its request id is in the details."
    return Progress(Phase.FAILED, error=ProviderError(ErrorKind.EXPIRED, message, hint=hint))


async def _pause(seconds: float) -> None:
    await asyncio.sleep(min(LONGEST_WAIT, seconds) * random.uniform(0.8, 1.2))
