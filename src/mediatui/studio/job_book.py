"""What happens to a job, written down first and told afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from mediatui.errors import ErrorKind, MediatuiError, ProviderError
from mediatui.library.project import ProjectFolder
from mediatui.model import PHASE_STEPS, Job, JobFault, MediaItem, Phase, move_job, now
from mediatui.providers.base import Provider
from mediatui.providers.lost import LostRequest
from mediatui.redact import hide_in_answer
from mediatui.studio.events import JobProgress, Notice
from mediatui.studio.outputs import Moments
from mediatui.studio.records import Records
from mediatui.text import one_line

T = TypeVar("T")

_WHEN_TAKEN = {
    ErrorKind.BILLING: "Top up the balance at the provider. This request was taken before; it is asked about again.",
    ErrorKind.RATE_LIMITED: "This request was taken before; it is asked about again, with longer pauses.",
}

TELL_AGAIN_SECONDS = 60.0
"""A refused key or an empty balance is told once for a batch within this time."""


class Surroundings(Protocol):
    """What following a job needs of the studio."""

    records: Records
    instance_id: str
    poll_seconds: float
    moments: Moments

    def provider(self, name: str) -> Provider | None:
        """The provider of that name when it is set up."""
        ...

    def emit(self, event: JobProgress | Notice) -> None:
        """Tell the faces."""
        ...

    async def blocking(self, function: Callable[[], T]) -> T:
        """Run a blocking function in the record threads."""
        ...

    async def working(self, function: Callable[[], T]) -> T:
        """Run a long function in the work threads."""
        ...

    def alone(self, work: str) -> AbstractAsyncContextManager[None]:
        """Keep every other instance from this work meanwhile."""
        ...

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        """Items of a finished job are recorded; save them if the policy says so."""
        ...


@dataclass(frozen=True, slots=True)
class JobBook:
    """Records the steps of jobs; every method returns the job as recorded. All raise `StorageError`."""

    around: Surroundings
    told: dict[tuple[str, ErrorKind], float] = field(default_factory=dict)
    """When it was said last of a batch that the provider refused the key or the balance (`time.monotonic`)."""

    async def edit(self, project: ProjectFolder, job_id: str, change: Callable[[Job], Job | None]) -> Job:
        """Change the freshest version of a job."""
        return await self.around.blocking(lambda: self.around.records.edit_job(project, job_id, change))

    async def step(self, project: ProjectFolder, job_id: str, phase: Phase, **changes: Any) -> Job:
        """Move a job to a phase; one that went elsewhere meanwhile stays as it is."""

        def change(job: Job) -> Job | None:
            allowed = phase is job.phase or phase in PHASE_STEPS[job.phase]
            return move_job(job, phase, **changes) if allowed else None

        return await self.edit(project, job_id, change)

    async def fail(self, project: ProjectFolder, job_id: str, exc: MediatuiError) -> Job:
        """The provider says it failed, or was cancelled."""
        cancelled = isinstance(exc, ProviderError) and exc.kind is ErrorKind.CANCELLED
        phase = Phase.CANCELLED if cancelled else Phase.FAILED
        job = await self.step(project, job_id, phase, finished_at=now(), error=fault_of(exc))
        self.around.emit(JobProgress(project.id, job_id, job.phase))
        if not (cancelled and job.cancel_requested):
            self.notice(job, "warning" if cancelled else "error", exc)
        return job

    async def unknown(self, project: ProjectFolder, job_id: str, exc: MediatuiError) -> Job:
        """Nobody knows whether it was accepted; its id is kept when at least that was seen."""
        seen = {"remote_id": exc.remote_id} if isinstance(exc, LostRequest) and exc.remote_id else {}
        job = await self.step(project, job_id, Phase.UNKNOWN, error=fault_of(exc), **seen)
        self.around.emit(JobProgress(project.id, job_id, job.phase))
        self.notice(job, "warning", exc)
        return job

    async def write_answer(self, project: ProjectFolder, name: str, raw: bytes) -> tuple[str, bytes]:
        """Write a provider's raw answer down before anybody parses it; returns its path and what is kept of it.

        That is all but our own keys, should it repeat one. Raises `StorageError`.
        """

        def write() -> tuple[str, bytes]:
            kept = hide_in_answer(raw)
            return self.around.records.write_result(project, name, kept), kept

        return await self.around.blocking(write)

    async def note(self, project: ProjectFolder, job_id: str, exc: MediatuiError | None) -> None:
        """Say on an unfinished job what is the matter with following it; told once. None: nothing any more."""
        if isinstance(exc, ProviderError):  # its words are those for a request that was refused; this one was taken
            exc.hint = _WHEN_TAKEN.get(exc.kind, exc.hint)
        fault, known = fault_of(exc) if exc else None, self.around.records.find_job(project, job_id)
        if known is None or known.phase.ended or known.error == fault:
            return
        job = await self.edit(project, job_id, lambda j: None if j.phase.ended else replace(j, error=fault))
        if exc is not None and job.error == fault:
            self.notice(job, "warning", exc)

    def aside(self, job: Job, exc: MediatuiError) -> None:
        """Tell the faces what the record of a job that succeeded does not say."""
        title = one_line(f"{job.model}: {exc.title}", 120)
        self.around.emit(Notice("warning", title, exc.message, exc.hint, project_id=job.project))

    def notice(self, job: Job, severity: str, exc: MediatuiError) -> None:
        """Tell the faces about a job."""
        about_all = isinstance(exc, ProviderError) and exc.kind.stops_batch
        if isinstance(exc, ProviderError) and about_all and self._is_told(job, exc.kind):
            return
        title = one_line(exc.title if about_all else f"{job.model}: {exc.title}", 120)
        self.around.emit(Notice(severity, title, exc.message, exc.hint, project_id=job.project, job_id=job.id))

    def _is_told(self, job: Job, kind: ErrorKind) -> bool:
        """It was said of another job of the batch a moment ago; else it counts as said now."""
        about, moment = (job.batch or job.id, kind), time.monotonic()
        if moment - self.told.get(about, -TELL_AGAIN_SECONDS) < TELL_AGAIN_SECONDS:
            return True
        self.told[about] = moment
        return False


def fault_of(exc: MediatuiError) -> JobFault:
    """An error as a job's record keeps it."""
    if isinstance(exc, ProviderError):
        return JobFault(exc.kind, exc.message, exc.hint, exc.code, exc.fields)
    return JobFault(ErrorKind.INTERNAL, exc.message, exc.hint)


def not_set_up(job: Job) -> ProviderError:
    """The provider of a job has no key here."""
    return ProviderError(
        ErrorKind.AUTH,
        f"the provider {job.provider!r} of this job is not set up here",
        hint="Configure its key; the job is kept and followed again then.",
    )
