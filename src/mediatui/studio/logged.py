"""A provider whose answers about jobs are told to the step log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, Phase
from mediatui.providers.base import Progress, Provider, Submitted
from mediatui.steplog import FAILED, OK, Running, StepName, Steps
from mediatui.text import one_line


def logged(provider: Provider, steps: Steps) -> Provider:
    """The same provider; what it is asked about jobs is logged."""
    return cast(Provider, _Logged(provider, steps))


class _Logged:
    """Passes everything on; the questions that matter are timed and noted."""

    def __init__(self, provider: Provider, steps: Steps) -> None:
        self._provider, self._steps = provider, steps
        self._polls: dict[str, tuple[int, str]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def submit(self, job: Job) -> Submitted:
        with self._steps.step(StepName.SUBMIT, job) as step:
            try:
                submitted = await self._provider.submit(job)
            except ProviderError as exc:
                _explain(step, exc)
                raise
            step.detail = f"request {one_line(submitted.remote_id, 80)}, {submitted.phase}"
            return submitted

    async def poll(self, job: Job) -> Progress:
        """Only what differs from the answer before is noted: a long job is asked about very often."""
        count = self._polls.get(job.id, (0, ""))[0] + 1
        try:
            progress = await self._provider.poll(job)
        except ProviderError as exc:
            self._note_poll(job, count, FAILED, f"{exc.kind}: {exc.message}")
            raise
        error = progress.error
        self._note_poll(job, count, progress.phase, f"{error.kind}: {error.message}" if error else "")
        if progress.phase.ended:
            self._polls.pop(job.id, None)
        return progress

    def _note_poll(self, job: Job, count: int, outcome: str, detail: str) -> None:
        before = self._polls.get(job.id, (0, ""))[1]
        self._polls[job.id] = (count, f"{outcome} {detail}")
        if before != f"{outcome} {detail}":
            self._steps.note(StepName.POLL, job, outcome=outcome, attempt=count, detail=detail)

    async def result(self, job: Job) -> bytes:
        with self._steps.step(StepName.RESULT, job) as step:
            raw = await self._provider.result(job)
            step.bytes = len(raw)
            return raw

    async def cancel(self, job: Job) -> bool:
        with self._steps.step(StepName.CANCEL, job) as step:
            asked = await self._provider.cancel(job)
            step.outcome = OK if asked else "too-late"
            return asked

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        with self._steps.step(StepName.RECONCILE, job) as step:
            found = await self._provider.reconcile(job, known)
            step.outcome = OK if found else "not-found"
            step.detail = f"request {one_line(found.remote_id, 80)}" if found else ""
            return found


def _explain(step: Running, exc: ProviderError) -> None:
    status = f" (HTTP {exc.status})" if exc.status else ""
    step.detail = f"{exc.kind}{status}: {exc.message}"
    if exc.kind is ErrorKind.AMBIGUOUS_SUBMIT:
        step.failed_as = Phase.UNKNOWN
