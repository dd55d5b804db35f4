"""Jobs and saves as progress lines, read from the studio."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from mediatui.cli.progress import Line, Progress
from mediatui.model import Phase, SaveState
from mediatui.studio.events import Event, Notice
from mediatui.text import human_bytes, human_duration, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Future

    from mediatui.cli.output import Output
    from mediatui.model import Job, MediaItem, StorageFault
    from mediatui.studio.studio import Studio

T = TypeVar("T")


class Follower:
    """Shows how jobs and saves go while the studio works on them."""

    def __init__(self, studio: Studio, output: Output) -> None:
        self._studio = studio
        self._progress = Progress(output)
        self._notices: deque[Notice] = deque()
        self._saved: dict[str, Line] = {}
        self._failed_before: dict[str, StorageFault | None] = {}
        self._unsubscribe = studio.subscribe(self._hear)

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self._unsubscribe()
        self._tell_notices()
        self._progress.keep()

    def until(self, future: Future[T], text: str) -> T:
        """The future's result; meanwhile one line says `text`."""
        started = time.monotonic()
        return self._progress.until(future, lambda: self._with_notices([_waiting(text, started)]))

    def jobs(self, future: Future[T], jobs: Iterable[Job]) -> T:
        """The future's result; meanwhile a line for each job and each file that was saved."""
        known = tuple(jobs)
        return self._progress.until(future, lambda: self._now(self._job_lines(known), future))

    def saves(self, future: Future[T], items: Iterable[MediaItem]) -> T:
        """The future's result; meanwhile a line for each item."""
        known = tuple(items)
        if begun := sum(item.save_state is not SaveState.SAVED for item in known):
            self._progress.begin(f"saving {plural(begun, 'item')}")
        self._failed_before = {item.id: item.storage_error for item in known}
        return self._progress.until(future, lambda: self._now(self._save_lines(known), future))

    def show(self, jobs: Iterable[Job]) -> None:
        """Draw a line for each job as it is now."""
        self._progress.draw(self._with_notices(self._job_lines(tuple(jobs))))

    def current(self, jobs: Iterable[Job]) -> list[Job]:
        """The same jobs as they are now, in the same order."""
        known = list(jobs)
        projects = {job.project for job in known}
        fresh = {job.id: job for project in projects for job in self._studio.jobs(project)}
        return [fresh.get(job.id, job) for job in known]

    def outputs(self, jobs: Sequence[Job]) -> list[MediaItem]:
        """What these jobs have made so far, in the order of the jobs."""
        order = {job.id: place for place, job in enumerate(jobs)}
        projects = {job.project for job in jobs}
        found = [item for project in projects for item in self._studio.items(project) if item.job in order]
        return sorted(found, key=lambda item: (order[item.job or ""], item.id))

    def _hear(self, event: Event) -> None:
        # What concerns one job or item is said by its own line.
        if isinstance(event, Notice) and event.severity != "information" and not (event.job_id or event.item_id):
            self._notices.append(event)

    def _with_notices(self, lines: list[Line]) -> list[Line]:
        self._tell_notices()
        return lines

    def _now(self, lines: list[Line], future: Future[T]) -> list[Line]:
        """The lines; nothing waits any more when all is over."""
        return self._with_notices([replace(line, waits=False) for line in lines] if future.done() else lines)

    def _tell_notices(self) -> None:
        while self._notices:
            notice = self._notices.popleft()
            self._progress.say(" ".join(filter(None, (f"{notice.title}: {notice.message}", notice.hint))))

    def _job_lines(self, jobs: Sequence[Job]) -> list[Line]:
        lines = []
        current = self.current(jobs)
        named = Counter(job.model for job in current)
        for job in current:
            # Of several jobs with one model each is told by its identifier.
            name = job.model if named[job.model] == 1 else f"{job.model} {job.id}"
            outputs = self.outputs([job])
            if job.phase is Phase.SUCCEEDED and outputs:
                lines += [self._save_line(item, name, job) for item in outputs]
            else:
                lines.append(self._job_line(job, name))
        return lines

    def _job_line(self, job: Job, name: str) -> Line:
        progress = self._studio.progress(job.id)
        live = human_duration(max(0.0, (job.finished_at or time.time()) - job.created_at))
        text = job.phase.value
        if job.error is not None:  # of a job that goes on: why nothing new is known of it
            text = f"{text}: {job.error.message}"
        elif progress is not None and job.phase is Phase.QUEUED and progress.position is not None:
            live = f"{progress.position} ahead  {live}" if progress.position else f"next  {live}"
        elif progress is not None and job.phase is Phase.DRAFT and progress.fraction is not None:
            text, live = progress.last_log, f"{progress.fraction:4.0%}  {live}"
        elif progress is not None and job.phase is Phase.RUNNING and progress.fraction is not None:
            live = f"{progress.fraction:4.0%}  {live}"
        return Line(job.id, f"{name}  {text}", live)

    def _save_lines(self, items: Sequence[MediaItem]) -> list[Line]:
        # What is saved stays so: looking at it anew at every draw would take longer than the downloads.
        found = (self._saved.get(item.id) or self._studio.find_item(item.id) or item for item in items)
        return [each if isinstance(each, Line) else self._save_line(each, _called(each)) for each in found]

    def _save_line(self, item: MediaItem, name: str, job: Job | None = None) -> Line:
        line = self._saved.get(item.id) or self._line_of(item, name, job)
        if item.save_state is SaveState.SAVED:
            self._saved[item.id] = line
        return line

    def _line_of(self, item: MediaItem, name: str, job: Job | None) -> Line:
        elapsed = ""
        if job is not None and job.finished_at:
            elapsed = human_duration(max(0.0, job.finished_at - job.created_at))
        text, live = self._save_state(item)
        return Line(item.id, f"{name}  {text}", live or elapsed, self._waits(item))

    def _waits(self, item: MediaItem) -> bool:
        """Its save has not ended: it is under way, or nothing became of it yet."""
        if item.save_state in (SaveState.SAVING, SaveState.SAVED):
            return item.save_state is SaveState.SAVING
        return item.storage_error == self._failed_before.get(item.id)

    def _save_state(self, item: MediaItem) -> tuple[str, str]:
        if item.save_state is SaveState.SAVED:
            return f"saved {self._studio.file_of(item)} ({human_bytes(item.file_size)})", ""
        if item.save_state is SaveState.SAVING:
            progress = self._studio.save_progress(item.id)
            if progress is None:
                return "saving", ""
            return "saving", f"{human_bytes(progress.received)} of {human_bytes(progress.total)}"
        why = f": {item.storage_error.message}" if item.storage_error else ""
        return one_line(f"{item.save_state.value}{why}"), ""


def _called(item: MediaItem) -> str:
    return f"{item.model or item.name} {item.id}"


def _waiting(text: str, started: float) -> Line:
    return Line("", text, human_duration(time.monotonic() - started))
