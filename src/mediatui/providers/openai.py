"""OpenAI's images and videos, and whatever speaks like them: LocalAI, gateways, a server in the next room.

Images answer at once and in the answer itself, so the answer is the paid product. Videos are a queue whose
content is fetched from the service with its key.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.answers import entries, identifier, mapping, number, parse_result, percent, text
from mediatui.providers.base import Capability, Estimate, FormSchema, MediaHosts, ModelInfo, Output, Progress, Submitted
from mediatui.providers.exchange import LONGEST_ERROR, Answer
from mediatui.providers.http import JsonClient, Upload, encode, media_hosts
from mediatui.providers.openai_models import MODELS, estimate_of, form_of, info_of, is_gpt_image, makes
from mediatui.providers.openai_outputs import attachments, image_outputs, rescued, streamed, video_outputs
from mediatui.providers.plain import cancelled, not_done
from mediatui.providers.problems import Service, failure, problem_text
from mediatui.redact import hide_known
from mediatui.settings import ProviderSettings, Secret, is_loopback

BASE_URL = "https://api.openai.com/v1"
MEDIA_HOSTS = ("oaidalleapiprodscus.blob.core.windows.net",)
SETTINGS = frozenset(
    {
        "base_url",
        "extra",
        "models",
        "video_models",
        "response_format",
        "organization",
        "project",
        "timeout_seconds",
    }
)
"""The options of ``[providers.openai]`` besides the key and the media hosts."""
KEY_VARIABLES = ("OPENAI_API_KEY",)

RESPONSE_FORMATS = ("", "b64_json", "url")
TIMEOUT_SECONDS = 600.0
"""How long a picture may take: nothing is heard until it is done."""

_EDIT_FIELDS = ("image", "mask")
_VIDEO_FILES = ("input_reference",)
_PHASES: Mapping[str, Phase] = {
    "queued": Phase.QUEUED,
    "pending": Phase.QUEUED,
    "submitted": Phase.QUEUED,
    "in_progress": Phase.RUNNING,
    "processing": Phase.RUNNING,
    "completed": Phase.SUCCEEDED,
    "succeeded": Phase.SUCCEEDED,
    "success": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "failure": Phase.FAILED,
    "error": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
    "canceled": Phase.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class OpenAIHosts:
    """Where the service is, and how it differs from OpenAI's own."""

    base: str = BASE_URL
    media: tuple[str, ...] = ()
    """Media hosts besides the service itself."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Sent with every request unless the inputs say otherwise."""
    models: tuple[str, ...] = ()
    """Model ids to offer; else the service is asked for its list."""
    video_models: tuple[str, ...] = ()
    """Models to be sent to the videos address, where their names do not say so."""
    response_format: str = ""
    """``b64_json`` or ``url`` for services that want to be told; never sent to GPT image models."""
    organization: str = ""
    project: str = ""
    timeout_seconds: float = TIMEOUT_SECONDS

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> OpenAIHosts:
        """The configured values; raises `UsageError` for one that makes no sense."""
        options, place = settings.options, f"providers.{settings.name}"
        extra, form = options.get("extra", {}), options.get("response_format", "")
        if not isinstance(extra, Mapping):
            raise UsageError(f"{place}.extra must be a table")
        try:
            encode(dict(extra))
        except ProviderError:
            raise UsageError(f"{place}.extra holds a date, or a number that is none: it is sent as JSON") from None
        if form not in RESPONSE_FORMATS:
            raise UsageError(f"{place}.response_format must be b64_json or url")
        timeout = number(options.get("timeout_seconds", TIMEOUT_SECONDS))
        if timeout is None or timeout <= 0:
            raise UsageError(f"{place}.timeout_seconds must be a number above zero")
        return cls(
            base=str(options.get("base_url", BASE_URL)).rstrip("/"),
            media=settings.media_hosts,
            extra=dict(extra),
            models=_names(options.get("models", []), f"{place}.models"),
            video_models=_names(options.get("video_models", []), f"{place}.video_models"),
            response_format=form,
            organization=text(options.get("organization", ""), 200),
            project=text(options.get("project", ""), 200),
            timeout_seconds=timeout,
        )


class OpenAIProvider:
    """One OpenAI account, or one compatible server."""

    def __init__(
        self, hosts: OpenAIHosts, key: Secret | None, *, name: str = "openai", title: str | None = None
    ) -> None:
        self._hosts = hosts
        self._host = (urlsplit(hosts.base).hostname or "").lower()
        self.name = name
        self._is_openai = hosts.base == BASE_URL
        self.title = title or ("OpenAI" if self._is_openai else text(self._host, 80))
        self._service = Service(name, self.title, KEY_VARIABLES[0] if name == "openai" else "")
        self._wire = JsonClient(self._service, (hosts.base,), key, self._auth, submit_seconds=hosts.timeout_seconds)

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> OpenAIProvider:
        """The configured service; runs its `key_command` if it has one (blocking)."""
        return cls(OpenAIHosts.from_settings(settings), settings.resolve_key(), name=settings.name)

    def _auth(self, key: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {key}"}
        if self._hosts.organization:
            headers["OpenAI-Organization"] = self._hosts.organization
        if self._hosts.project:
            headers["OpenAI-Project"] = self._hosts.project
        return headers

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What can be done. Nothing stops a picture that is being made; deleting a video would lose it."""
        offered = {Capability.QUEUE, Capability.CATALOGUE, Capability.SCHEMA}
        return frozenset(offered | {Capability.PRICE} if self._is_openai else offered)

    @property
    def media_hosts(self) -> MediaHosts:
        """The service itself, where OpenAI keeps pictures, and the configured hosts."""
        own = () if is_loopback(self._host) else (self._host,)
        return media_hosts((*own, *MEDIA_HOSTS), self._hosts.media, (self._hosts.base,))

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The configured models, else OpenAI's known ones, else what the server lists."""
        names: Sequence[str] = (*self._hosts.models, *self._hosts.video_models)
        if not names:
            names = [m.id for m in MODELS] if self._is_openai else await self._served()
        words = query.lower().split()
        found = [name for name in dict.fromkeys(names) if all(word in name.lower() for word in words)]
        videos = self._hosts.video_models
        video = dict.fromkeys(videos, True)
        return [info_of(n, self.name, video=video.get(n), priced=self._is_openai) for n in found[:limit]]

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What OpenAI's own pictures cost; nobody says what those of another server do."""
        return estimate_of(model, {**self._hosts.extra, **inputs}) if self._is_openai else None

    async def _served(self) -> list[str]:
        """The ids a server lists, those that make media first; none when it keeps no list."""
        try:
            document = await self._wire.get(f"{self._hosts.base}/models", "reading the model catalogue")
        except ProviderError as exc:
            if exc.kind in (ErrorKind.NOT_FOUND, ErrorKind.UNSUPPORTED):
                return []
            raise
        names = [name for entry in entries(document.get("data")) if (name := identifier(entry.get("id")))]
        return sorted(names, key=lambda name: makes(name) is None)

    async def schema(self, model: str) -> FormSchema | None:
        """The form of a known model, else a plain one for pictures or videos."""
        video, name = self._route(model)
        return form_of(model, name, video=video)

    def _route(self, model: str) -> tuple[bool, str]:
        """(sent to the videos address, the model's id there). ``images/`` or ``videos/`` before it decides."""
        kind, slash, name = model.strip("/").partition("/")
        if slash and kind in ("images", "videos"):
            return kind == "videos", name
        name = model.strip("/")
        return name in self._hosts.video_models or makes(name) is MediaType.VIDEO, name

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. A picture comes with the answer, which is then the whole result."""
        video, name = self._route(job.model)
        body = {**self._hosts.extra, **job.inputs, "model": name}
        return await (self._submit_video(body) if video else self._submit_image(job, body))

    async def _submit_image(self, job: Job, body: dict[str, Any]) -> Submitted:
        if self._hosts.response_format and not is_gpt_image(str(body["model"])):
            body.setdefault("response_format", self._hosts.response_format)
        files = attachments(body, _EDIT_FIELDS)
        url = f"{self._hosts.base}/images/{'edits' if files else 'generations'}"
        answer = await self._wire.submit(url, _with_files(body, files, _EDIT_FIELDS), product=True)
        self._wire.check_submit(answer, answers_at_once=True)
        self._check_content(answer)
        remote_id = hide_known(text(answer.headers.get("x-request-id"), 200)) or f"image-{job.id}"
        return Submitted(remote_id, phase=Phase.SUCCEEDED, raw=answer.body)

    def _check_content(self, answer: Answer) -> None:
        """An answer of 200 may be an error, or a gateway's page; whatever else it is is kept, for it is paid.

        One that broke off is kept where a picture had at least begun.
        """
        if answer.broken:
            if not streamed(answer.body) and not rescued(answer.body):
                raise self._wire.ambiguous(answer.broken)
            return
        if answer.says_nothing:
            raise self._wire.ambiguous("an answer that cannot be read")
        error = answer.error or mapping(streamed(answer.body[:LONGEST_ERROR])).get("error")
        if error and not answer.document.get("data"):
            raise failure(self._service, error)

    async def _submit_video(self, body: dict[str, Any]) -> Submitted:
        files = attachments(body, _VIDEO_FILES)
        answer = await self._wire.submit(f"{self._hosts.base}/videos", _with_files(body, files, _VIDEO_FILES))
        self._wire.check_submit(answer)
        document, video = answer.document, _video(answer.document)
        remote_id = _id(video) or _id(mapping(document.get("data")))
        if not remote_id:
            if document.get("error"):
                raise failure(self._service, document["error"])
            raise self._wire.ambiguous("an answer without an id")
        phase = _phase(video)
        return Submitted(remote_id, phase=phase if phase is Phase.QUEUED else Phase.RUNNING)

    async def poll(self, job: Job) -> Progress:
        """The video's status; unknown words mean it is still going."""
        doing = "asking for the status"
        answer = await self._wire.send("GET", self._video_url(job), doing)
        document = self._wire.accepted(answer, doing)
        video = _video(document)
        if not text(video.get("status")):  # a refusal behind 200, or another shape
            words = problem_text(document.get("error")) or problem_text(document)
            raise ProviderError(ErrorKind.TRANSIENT, words or f"{self.title} gave no status for this request")
        phase, pause = _phase(video), number(answer.headers.get("openai-poll-after-ms"))
        if phase is Phase.FAILED:
            return Progress(phase, error=self._why(video))
        if phase is Phase.SUCCEEDED:
            return Progress(phase, fraction=1.0)
        fraction = percent(video.get("progress")) if phase is Phase.RUNNING else None
        wait = min(max(pause / 1000, 0.1), 600.0) if pause is not None else None
        return Progress(phase, fraction=fraction, retry_after=wait)

    async def result(self, job: Job) -> bytes:
        """The video's record, which says where its content is."""
        doing = "fetching the result"
        answer = await self._wire.send("GET", self._video_url(job), doing)
        if answer.status in (404, 410):
            raise ProviderError(
                ErrorKind.EXPIRED, f"{self.title} no longer has the result of this request", status=answer.status
            )
        video = _video(self._wire.accepted(answer, doing))
        phase = _phase(video)
        if phase is Phase.FAILED:
            raise self._why(video)
        if phase is Phase.CANCELLED:
            raise cancelled(self.title)
        if phase is not Phase.SUCCEEDED:
            raise not_done(self.title)
        return answer.body

    def _why(self, video: Mapping[str, Any]) -> ProviderError:
        return failure(self._service, video.get("error") or video.get("fail_reason"))

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The pictures in the answer, or the video it tells of."""
        document = streamed(raw) or self._document(raw)
        if self._is_video(job):
            content = f"{self._video_url(job)}/content"
            return video_outputs(_video(mapping(document)), job, content, self._wire.is_own)
        return image_outputs(document, job, self._hosts.base, self._wire.is_own)

    def _document(self, raw: bytes) -> object:
        try:
            return parse_result(raw)
        except ProviderError:
            if (document := rescued(raw)) is None:
                raise
            return document

    async def cancel(self, job: Job) -> bool:
        """Never: a picture is billed all the same, and deleting a video would throw a finished one away."""
        return False

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Never found: a picture exists only in its answer."""
        return None

    def media_url(self, url: str) -> str:
        """The address itself."""
        return url

    def download_headers(self, url: str) -> Mapping[str, str]:
        """The key, for the service's own addresses only."""
        return self._wire.auth_headers(url)

    async def check(self) -> None:
        """Prove the key by asking for the list of models; costs nothing. Raises NOT_FOUND where there is no list."""
        self._wire.check_content(await self._wire.get(f"{self._hosts.base}/models", "checking the key"))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    def _is_video(self, job: Job) -> bool:
        return self._route(job.model)[0]

    def _video_url(self, job: Job) -> str:
        if job.remote_id is None:
            raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
        if not self._is_video(job):
            raise ProviderError(
                ErrorKind.EXPIRED,
                "this picture came with the provider's answer only, and that is not here",
                hint="It cannot be asked for again; generating it anew is billed again.",
            )
        return f"{self._hosts.base}/videos/{quote(job.remote_id, safe='')}"


def _video(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The video's record in an answer; gateways put it under ``data`` of an envelope that names no video."""
    if _id(document) and text(document.get("status")):
        return document
    inner = mapping(document.get("data"))
    return inner if text(inner.get("status")) else document


def _id(video: Mapping[str, Any]) -> str:
    return identifier(video.get("id") or video.get("task_id"))


def _phase(document: Mapping[str, Any]) -> Phase:
    return _PHASES.get(text(document.get("status")).lower(), Phase.RUNNING)


def _with_files(body: Mapping[str, Any], files: Sequence[tuple[str, str, str, bytes]], names: Sequence[str]) -> object:
    """The body as JSON, or as a form when files go with it."""
    plain = {name: value for name, value in body.items() if name not in names}
    if not files:
        return plain
    return Upload({name: _written(value) for name, value in plain.items() if value is not None}, files)


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _names(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise UsageError(f"{place} must be a list of model names")
    return tuple(value)
