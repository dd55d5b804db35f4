"""From a finished job to recorded items: one commit for its outputs and its end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from mediatui.library.project import ProjectFolder
from mediatui.model import Job, MediaItem, Phase, SavePolicy, SaveState, item_id, move_job, now
from mediatui.providers.base import Delivery, Output
from mediatui.studio.records import Records
from mediatui.text import one_line

MOST_OUTPUTS = 500
"""Of one answer become items; of those beyond, a person is told."""
SET_BACK_MS = 60_000
"""A clock that is behind the last time given by more than this was set right, and is believed."""


class Moments:
    """Times for new items, a millisecond apart and never given twice while the clock runs on: they name files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def take(self, count: int) -> float:
        """The first of `count` milliseconds that are now ours, as seconds since the epoch."""
        with self._lock:
            clock = round(now() * 1000)
            first = clock if self._next - clock > SET_BACK_MS else max(self._next, clock)
            self._next = first + count
            return first / 1000


def record_outputs(
    records: Records, project: ProjectFolder, job: Job, outputs: Sequence[Output], moments: Moments
) -> list[MediaItem]:
    """Record what is new of a job's outputs, and that it succeeded; inline bytes are on disk first (blocking).

    Doing it twice changes nothing. Raises `StorageError`.
    """
    new = [o for o in outputs if records.find_item(project, item_id(job.id, o.index)) is None]
    first = moments.take(len(new))
    items = []
    for place, output in enumerate(new):
        item = item_of(project, job, output, round(first + place / 1000, 3))
        if output.data is not None:
            item = replace(item, spool=project.write_spool(item.id, output.data))
        items.append(item)
    records.put(project, items=items, jobs=[move_job(job, Phase.SUCCEEDED, finished_at=now(), error=None)])
    return items


def item_of(project: ProjectFolder, job: Job, output: Output, created_at: float) -> MediaItem:
    """The record of one output before its bytes are here."""
    by_choice = job.save_policy is SavePolicy.URL_ONLY and output.url is not None
    sent = job.inputs.get("seed")
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
        seed=output.seed if output.seed is not None else (sent if isinstance(sent, int) else None),
        job=job.id,
        url=output.url,
        url_auth="provider" if output.delivery is Delivery.PROVIDER_URL else "none",
        url_expires_at=output.expires_at,
        save_state=SaveState.URL_ONLY if by_choice else SaveState.UNSAVED,
        content_type=output.content_type,
        file_size=output.size,
        duration=output.duration,
        width=output.width,
        height=output.height,
        fps=output.fps,
        created_at=created_at,
        extra=dict(output.meta),
    )
