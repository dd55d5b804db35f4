"""The records everything is about: projects, items, jobs, outputs. Immutable values, no behaviour beyond their rules.

Times are seconds since the epoch (UTC, float); sizes are bytes; lengths of media are seconds; paths in
records are relative to the project folder, with forward slashes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from mediatui.errors import ErrorKind, SaveErrorKind
from mediatui.text import one_line


class MediaType(StrEnum):
    """What a media file is to the person who made it."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"

    @property
    def folder(self) -> str:
        """The project's folder for files of this type."""
        return {"video": "videos", "image": "images", "audio": "audio"}[self.value]

    @property
    def file_prefix(self) -> str:
        """The start of a generated file's name: ``AI-Video``, ``AI-Image``, ``AI-Audio``."""
        return f"AI-{self.value.capitalize()}"


class Phase(StrEnum):
    """Where a job stands at its provider. UNKNOWN: it may have been accepted; it is never sent again by itself."""

    DRAFT = "draft"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """The provider will not change its mind."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)

    @property
    def following(self) -> bool:
        """The provider has the request and we ask it how it goes."""
        return self in (Phase.QUEUED, Phase.RUNNING)


class SaveState(StrEnum):
    """Where an output's bytes are. URL_ONLY: by choice or because storage is blocked; it plays from its URL."""

    UNSAVED = "unsaved"
    SAVING = "saving"
    SAVED = "saved"
    URL_ONLY = "url-only"
    MISSING = "missing"
    EXPIRED = "expired"

    @property
    def wants_saving(self) -> bool:
        """ "Retry all" acts on it."""
        return self in (SaveState.UNSAVED, SaveState.MISSING)


class SavePolicy(StrEnum):
    """What happens to a finished output without being asked."""

    AUTOMATIC = "automatic"
    ON_DEMAND = "on-demand"
    URL_ONLY = "url-only"


PHASE_STEPS: Mapping[Phase, frozenset[Phase]] = {
    Phase.DRAFT: frozenset({Phase.SUBMITTING, Phase.FAILED, Phase.CANCELLED}),
    Phase.SUBMITTING: frozenset(
        {Phase.UNKNOWN, Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}
    ),
    Phase.UNKNOWN: frozenset({Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED}),
    Phase.QUEUED: frozenset({Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN}),
    Phase.RUNNING: frozenset({Phase.QUEUED, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN}),
    # A failure may have been a failure to read: asking again is free and may find a result.
    Phase.FAILED: frozenset({Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.CANCELLED}),
    Phase.SUCCEEDED: frozenset(),
    # A cancelled job may have finished first; a result that was paid for is kept.
    Phase.CANCELLED: frozenset({Phase.SUCCEEDED}),
}
"""Which phase may follow which. No step leads back to SUBMITTING: a request is sent once."""

SAVE_STEPS: Mapping[SaveState, frozenset[SaveState]] = {
    SaveState.UNSAVED: frozenset({SaveState.SAVING, SaveState.URL_ONLY, SaveState.EXPIRED, SaveState.SAVED}),
    SaveState.SAVING: frozenset({SaveState.SAVED, SaveState.UNSAVED, SaveState.URL_ONLY, SaveState.EXPIRED}),
    SaveState.SAVED: frozenset({SaveState.MISSING}),
    SaveState.URL_ONLY: frozenset({SaveState.SAVING, SaveState.EXPIRED, SaveState.UNSAVED, SaveState.SAVED}),
    SaveState.MISSING: frozenset({SaveState.SAVING, SaveState.SAVED, SaveState.EXPIRED, SaveState.URL_ONLY}),
    SaveState.EXPIRED: frozenset({SaveState.SAVING, SaveState.SAVED, SaveState.UNSAVED}),
}
"""Which save state may follow which. SAVED is left only when the file vanished."""


@dataclass(frozen=True, slots=True)
class StorageFault:
    """Why an item's bytes are not on disk, the last time somebody tried."""

    kind: SaveErrorKind
    message: str
    time: float
    attempts: int = 1
    host: str = ""
    """The public host that is on no list: it is a person's to allow."""


@dataclass(frozen=True, slots=True)
class JobFault:
    """Why a job failed or is unknown, in the provider's words, cleaned."""

    kind: ErrorKind
    message: str
    hint: str = ""
    code: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """One project's own record."""

    id: str
    name: str
    created_at: float
    save_policy: SavePolicy | None = None
    """None: as the settings say."""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One output of one job, and what is known of its file. `params` are enough to generate it again."""

    id: str
    project: str
    name: str
    type: MediaType
    role: str = "clip"
    """What the provider called it: clip, image, thumbnail, speech … (the last part of `output_path`)."""
    output_path: str = ""
    """Where it stood in the provider's result: ``video``, ``images.0``."""
    provider: str = ""
    model: str = ""
    prompt: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Everything sent besides the prompt."""
    seed: int | None = None
    job: str | None = None
    path: str | None = None
    url: str | None = None
    """Where it can be downloaded; None for bytes that came inline (then `spool` has them)."""
    spool: str | None = None
    """Inline bytes written down before anything else, relative to the project folder."""
    url_auth: str = "none"
    """``none``, or ``provider``: the URL needs the provider's key and has its origin."""
    url_expires_at: float | None = None
    save_state: SaveState = SaveState.UNSAVED
    storage_error: StorageFault | None = None
    content_type: str | None = None
    file_size: int | None = None
    sha256: str | None = None
    crc32: str | None = None
    """Eight lower-case hexadecimal digits."""
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    created_at: float = 0.0
    saved_at: float | None = None
    tags: tuple[str, ...] = ()
    """Words a person filed it under: clean, sorted, each once whatever its letter case."""
    rating: int | None = None
    """1 (worst) to 5 (best); None when nobody rated it."""
    favourite: bool = False
    notes: str = ""
    """What a person wrote about it."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields written by another version or by the provider's metadata; carried through untouched."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to one model. On disk before it is sent; its handle on disk before the first poll."""

    id: str
    project: str
    provider: str
    model: str
    prompt: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """Everything sent besides the prompt."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The request body exactly as sent."""
    type: MediaType | None = None
    """What it is expected to make, where the model's category says so."""
    phase: Phase = Phase.DRAFT
    remote_id: str | None = None
    """The provider's request id; None while the outcome of the submit is unknown."""
    urls: Mapping[str, str] = field(default_factory=dict)
    """status_url, response_url, cancel_url … exactly as the provider returned them."""
    save_policy: SavePolicy = SavePolicy.AUTOMATIC
    batch: str | None = None
    """Jobs submitted together share it."""
    result_path: str | None = None
    """The provider's raw answer, relative to the project folder; written before it is parsed."""
    error: JobFault | None = None
    owner: str | None = None
    """The running instance that follows this job; another may take it over once that one is gone."""
    cancel_requested: bool = False
    created_at: float = 0.0
    submitted_at: float | None = None
    finished_at: float | None = None
    price: str = ""
    """The estimate shown before it was sent, as text; empty when unknown."""
    extra: Mapping[str, Any] = field(default_factory=dict)


def new_id() -> str:
    """A fresh identifier: 16 hexadecimal digits, random, unique within a project for all practical purposes."""
    return os.urandom(8).hex()


def needs_saving(item: MediaItem) -> bool:
    """'Retry all' acts on it: unsaved, missing, or kept as a URL only because the disk refused."""
    blocked = item.save_state is SaveState.URL_ONLY and item.storage_error is not None
    return item.save_state.wants_saving or blocked


def remarks(item: MediaItem) -> tuple[str, ...]:
    """What speaks against an output: it may be blacked out, is less than was asked for, or a part is missing."""
    flagged = item.extra.get("nsfw") is True
    words = ("the provider's filter flagged it; it may be blacked out" if flagged else "", _said(item, "incomplete"))
    return tuple(text for text in (*words, doubt_of(item)) if text)


DOUBT = "doubt"
"""Where `MediaItem.extra` has why a saved file is perhaps not whole."""


def doubt_of(item: MediaItem) -> str:
    """Why its file is perhaps not whole; empty when nothing says so."""
    return _said(item, DOUBT)


def _said(item: MediaItem, name: str) -> str:
    said = item.extra.get(name)
    return one_line(said, 400) if isinstance(said, str) else ""


def item_id(job_id: str, index: int) -> str:
    """The identifier of a job's output; the same each time, so collecting a result twice changes nothing."""
    return f"{job_id}-{index}"


def now() -> float:
    """The time, for records: seconds since the epoch with millisecond resolution."""
    return round(time.time(), 3)


def move_job(job: Job, phase: Phase, **changes: Any) -> Job:
    """The job in another phase.

    Raises `ValueError` for a step that `PHASE_STEPS` does not allow; staying in a phase is allowed.
    """
    if phase is not job.phase and phase not in PHASE_STEPS[job.phase]:
        raise ValueError(f"a job cannot go from {job.phase} to {phase}")
    return replace(job, phase=phase, **changes)


def move_item(item: MediaItem, state: SaveState, **changes: Any) -> MediaItem:
    """The item in another save state.

    Raises `ValueError` for a step that `SAVE_STEPS` does not allow; staying in a state is allowed.
    """
    if state is not item.save_state and state not in SAVE_STEPS[item.save_state]:
        raise ValueError(f"an item cannot go from {item.save_state} to {state}")
    return replace(item, save_state=state, **changes)
