"""The Provider protocol: what the studio needs of a service, and the values that pass between them.

A provider translates, nothing more. It never retries a submit, never touches the disk, never parses a
result before the studio has written it down. Failures are raised as `ProviderError` with a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, cast

from mediatui.errors import ProviderError
from mediatui.model import Job, MediaType, Phase


class Capability(StrEnum):
    """What a provider can do; the interface shows only that."""

    QUEUE = "queue"
    CANCEL = "cancel"
    STREAM = "stream"
    """How far a job is arrives as it happens, not only when it is asked for."""
    UPLOAD = "upload"
    CATALOGUE = "catalogue"
    SCHEMA = "schema"
    PRICE = "price"
    RECONCILE = "reconcile"
    REFRESH_URL = "refresh-url"
    OWN_FILES = "own-files"
    """A media input may name a file that lies at the provider already."""


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one unit of a model's work costs."""

    amount: float
    unit: str
    """``image``, ``second``, ``megapixel`` …, in the provider's word."""
    currency: str


def money(amount: float, currency: str) -> str:
    """An amount as people write it: ``$0.40``, ``€12``, ``0.0031 CHF``; never rounded to nothing."""
    digits = 2 if amount >= 0.1 or amount == 0 else 3 if amount >= 0.01 else 4
    whole, _, rest = f"{amount:,.{digits}f}".partition(".")
    number = f"{whole}.{rest.rstrip('0').ljust(2, '0')}" if amount == 0 or amount >= 0.0001 else f"{amount:.1g}"
    sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency)
    return f"{sign}{number}" if sign else f"{number} {currency}".strip()


def price_text(price: UnitPrice) -> str:
    """``$0.05 / second``, or ``free``."""
    if price.amount == 0:
        return "free"
    return (
        f"{money(price.amount, price.currency)} / {price.unit}" if price.unit else money(price.amount, price.currency)
    )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one request is expected to cost; a guess, not a bill."""

    amount: float
    currency: str


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
    unit_price: UnitPrice | None = None
    """The same price as numbers, where the provider gives them."""

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


_MEDIA_NAMES = tuple(
    f"{kind}_url{many}" for kind in ("image", "video", "audio", "mask", "media", "frame") for many in ("", "s")
)
_MEDIA_LISTS = frozenset({"images", "videos", "audios", "reference_images", "input_images"})


def names_media(name: str) -> bool:
    """An input of this name holds the address of a media file, or several: ``tail_image_url``, ``image_urls``."""
    return name.endswith(_MEDIA_NAMES)


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

    @property
    def takes_media(self) -> bool:
        """It is the address of a media file, or a list of them; a local file may stand for an address."""
        listed = names_media(self.name) or self.name in _MEDIA_LISTS
        return self.kind is FieldKind.MEDIA or (self.kind is FieldKind.LIST and listed)


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
    error: ProviderError | None = None
    """Why, when the phase is FAILED."""


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
    """Why it failed; of one that succeeded, what went wrong besides."""
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


@dataclass(frozen=True, slots=True)
class InputFile:
    """A local file to bring to a provider; read in pieces, so that a long video need not fit into memory."""

    name: str
    content_type: str
    size: int
    read: Callable[[int, int], bytes] = field(repr=False)
    """So many bytes from an offset (blocking). Raises `MediatuiError` when the file can no longer be read."""

    @classmethod
    def of(cls, name: str, content_type: str, data: bytes) -> InputFile:
        """Bytes that are in memory already."""
        return cls(name, content_type, len(data), lambda start, count: data[start : start + count])


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Where an uploaded input is."""

    url: str
    good_until: float | None = None
    """Until when another request may use it (seconds since the epoch); None: by this request alone."""


WHOLE_BYTES = 256 << 20
"""A file that a provider takes only in one piece goes through memory; no larger one does."""


class SimpleUploads(Protocol):
    """What a provider with UPLOAD has at least; with `largest_upload`, the most it takes (bytes), if that is known."""

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the provider's storage; returns the address to use as an input."""
        ...


class Uploads(Protocol):
    """What a provider with UPLOAD has that takes files of any size."""

    async def upload_file(self, file: InputFile, progress: Callable[[int], None]) -> Uploaded:
        """Bring a file to the provider's storage, telling how many bytes are there. Safe to repeat.

        Raises `ProviderError`.
        """
        ...


class Prices(Protocol):
    """What a provider with PRICE may have besides the prices in its catalogue."""

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What a request is expected to cost; None when nobody can say. Costs nothing and sends no request.

        `inputs` are complete: what is not given has its default. Raises `ProviderError`.
        """
        ...


class SignsUrls(Protocol):
    """What a provider has whose media hosts may ask for a signed address."""

    async def signed_url(self, url: str) -> str | None:
        """An address that opens a file which `url` does not; None when there is none. Never to be stored."""
        ...


async def estimate_of(provider: Provider, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
    """What a request is expected to cost, of any provider; None from one that cannot say. Raises `ProviderError`."""
    if Capability.PRICE not in provider.capabilities or not hasattr(provider, "estimate"):
        return None
    return await cast(Prices, provider).estimate(model, inputs)


async def signed_url_of(provider: Provider, url: str) -> str | None:
    """A signed address for a file that `url` does not open; None where the provider has none to give."""
    return await cast(SignsUrls, provider).signed_url(url) if hasattr(provider, "signed_url") else None


def uploads_of(provider: Provider) -> Uploads | None:
    """The provider as one that takes files of any size; None when it takes only bytes in memory."""
    return cast(Uploads, provider) if hasattr(provider, "upload_file") else None


def largest_upload_of(provider: Provider) -> int | None:
    """The most (bytes) that an input file may have; None where only the provider itself can tell."""
    if uploads_of(provider) is not None:
        return None
    said = getattr(provider, "largest_upload", WHOLE_BYTES)
    return min(said, WHOLE_BYTES) if isinstance(said, int) else WHOLE_BYTES


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

        `known` are the ids of requests that belong to other jobs. It may raise `lost.SeveralFound`: when as many
        requests match as lost jobs are alike, each gets one.
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
