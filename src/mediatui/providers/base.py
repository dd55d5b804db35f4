"""The Provider protocol: what the studio needs of a service, and the values that pass between them.

A provider translates, nothing more. It never retries a submit, never touches the disk, never parses a
result before the studio has written it down. Failures are raised as `ProviderError` with a kind.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mediatui.errors import ProviderError
from mediatui.model import Job, MediaType, Phase


class Capability(StrEnum):
    """What a provider can do; the interface shows only that."""

    QUEUE = "queue"
    CANCEL = "cancel"
    STREAM = "stream"
    UPLOAD = "upload"
    CATALOGUE = "catalogue"
    SCHEMA = "schema"
    PRICE = "price"
    RECONCILE = "reconcile"
    REFRESH_URL = "refresh-url"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model as its catalogue describes it; all text cleaned."""

    id: str
    name: str
    category: str
    """``text-to-video``, ``image-to-video``, ``text-to-image``, ``text-to-audio`` …; empty when unknown."""
    provider: str
    description: str = ""
    price: str = ""
    """The provider's price as text, with its unit; empty when unknown."""
    retired: bool = False

    @property
    def makes(self) -> MediaType | None:
        """The type of media its category promises."""
        target = self.category.rpartition("to-")[2]
        names = {"speech": MediaType.AUDIO, "music": MediaType.AUDIO}
        return names.get(target) or next((t for t in MediaType if t.value == target), None)


class FieldKind(StrEnum):
    """How an input field is edited."""

    TEXT = "text"
    LONG_TEXT = "long-text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    MEDIA = "media"
    """The address of an image, video or audio file (or a local file, where the provider takes uploads)."""
    LIST = "list"
    OBJECT = "object"
    """Edited as JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a model, from its schema."""

    name: str
    title: str
    kind: FieldKind
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    """Allowed values in the schema's own types."""
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class FormSchema:
    """A model's inputs in the order to show them. `prompt_field` takes the prompt; None if there is none."""

    model: str
    fields: tuple[Field, ...]
    prompt_field: str | None = "prompt"

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider's answer to a submit: the handle to store before the first poll.

    A provider that answers at once gives `phase` SUCCEEDED and its whole answer in `raw`.
    """

    remote_id: str
    urls: Mapping[str, str] = field(default_factory=dict)
    phase: Phase = Phase.QUEUED
    position: int | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The provider's answer to a poll."""

    phase: Phase
    position: int | None = None
    """Requests before this one in the queue; 0 is next."""
    fraction: float | None = None
    """0…1 where the provider says so; None when only "running" is known."""
    logs: tuple[str, ...] = ()
    """All lines so far, cleaned, oldest first."""
    error: ProviderError | None = None
    retry_after: float | None = None
    """The provider's wish for the next poll, in seconds."""


class Delivery(StrEnum):
    """How an output's bytes come."""

    URL = "url"
    PROVIDER_URL = "provider-url"
    """At the provider's own origin; needs its key."""
    INLINE = "inline"


@dataclass(frozen=True, slots=True)
class Output:
    """One file found in a provider's result."""

    index: int
    path: str
    """Its place in the result: ``video``, ``images.0``."""
    role: str
    type: MediaType
    delivery: Delivery
    url: str | None = None
    data: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    file_name: str | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    expires_at: float | None = None
    seed: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaHosts:
    """From where media may be downloaded.

    `names` are exact host names, ``*.suffix`` patterns, or ``host/path-prefix``; `loopback` are
    ``host:port`` pairs on this machine that were configured, which also permits plain http to them.
    """

    names: tuple[str, ...] = ()
    loopback: tuple[str, ...] = ()
    any_public_https: bool = False
    """Accept public https hosts that are not listed."""


class Provider(Protocol):
    """One service. Methods are called on the engine's loop; all raise `ProviderError`."""

    @property
    def name(self) -> str:
        """The identifier in records and settings: ``fal``."""
        ...

    @property
    def title(self) -> str:
        """The name people read: ``fal.ai``."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do."""
        ...

    @property
    def media_hosts(self) -> MediaHosts:
        """From where its outputs may be downloaded."""
        ...

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """Models matching `query`, best first."""
        ...

    async def schema(self, model: str) -> FormSchema | None:
        """The model's inputs; None when the provider does not say."""
        ...

    async def submit(self, job: Job) -> Submitted:
        """Send `job.inputs` to `job.model`, once.

        Raises `ProviderError` of kind AMBIGUOUS_SUBMIT when the request may have been accepted, any
        other kind only when it surely was not.
        """
        ...

    async def poll(self, job: Job) -> Progress:
        """How it goes. A transient failure is raised; a failed job is a `Progress` with phase FAILED."""
        ...

    async def result(self, job: Job) -> bytes:
        """The raw answer of a job that succeeded, unparsed. Free to call again.

        Raises `ProviderError`: TRANSIENT or RATE_LIMITED when asking again may help, EXPIRED when the
        provider no longer has it, any other kind when the job itself failed.
        """
        ...

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in a raw answer, in order. Pure; raises `ProviderError` for what it cannot read."""
        ...

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it. True: asked; False: too late or not there. The job is polled to its end all the same."""
        ...

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Find a request whose submit had no answer; None unless the provider shows exactly one that matches.

        `known` are the ids of requests that belong to other jobs.
        """
        ...

    def media_url(self, url: str) -> str:
        """The address to download `url` from now; the same one unless the service moved."""
        ...

    def download_headers(self, url: str) -> Mapping[str, str]:
        """Headers for downloading an output delivered by PROVIDER_URL; empty for any other origin."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
