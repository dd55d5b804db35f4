"""PiAPI's unified task API over plain HTTP: create, poll, cancel, history, ephemeral uploads.

Every answer is an envelope ``{code, message, data}``; HTTP 200 says nothing of the task, ``data.status`` does,
in any case. Where the files stand in ``data.output`` differs with the model.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job, Phase
from mediatui.providers.answers import (
    find_media,
    identifier,
    is_address,
    log_lines,
    mapping,
    number,
    parse_result,
    percent,
    text,
    whole,
)
from mediatui.providers.base import Capability, Estimate, FormSchema, MediaHosts, ModelInfo, Output, Progress, Submitted
from mediatui.providers.exchange import Answer
from mediatui.providers.http import LOOK_FOR_IT, JsonClient, media_hosts
from mediatui.providers.lost import lost_window, same_inputs, the_only
from mediatui.providers.piapi_models import MODELS, find
from mediatui.providers.piapi_outputs import tidy
from mediatui.providers.plain import PublicOutputs, cancelled, not_done, with_uploads
from mediatui.providers.problems import Problem, Service, failure, hint_for, kind_of_status, problem_text
from mediatui.providers.units import reckon
from mediatui.settings import ProviderSettings, Secret

API_URL = "https://api.piapi.ai"
UPLOAD_URL = "https://upload.theapi.app"
MEDIA_HOSTS = ("img.theapi.app", "storage.theapi.app", "storage.piapi.ai")
SETTINGS = frozenset({"api_url", "upload_url", "service_mode"})
"""The options of ``[providers.piapi]`` besides the key and the media hosts."""
KEY_VARIABLES = ("PIAPI_KEY", "PIAPI_API_KEY")

SERVICE_MODES = ("", "public", "private")
HISTORY_PAGES = 5
LARGEST_UPLOAD = 10 << 20
"""Bytes of an input file that PiAPI takes."""

_PHASES: Mapping[str, Phase] = {
    "pending": Phase.QUEUED,
    "staged": Phase.QUEUED,
    "processing": Phase.RUNNING,
    "completed": Phase.SUCCEEDED,
    "success": Phase.SUCCEEDED,
    "succeeded": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "cancelled": Phase.CANCELLED,
    "canceled": Phase.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class PiAPIHosts:
    """Where the service is, and on whose account tasks run."""

    api: str = API_URL
    upload: str = UPLOAD_URL
    media: tuple[str, ...] = ()
    """Media hosts besides PiAPI's own."""
    service_mode: str = ""
    """``public`` (pay as you go), ``private`` (your own accounts there), or as the workspace says."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> PiAPIHosts:
        """The configured values; raises `UsageError` for one that makes no sense."""
        mode = settings.options.get("service_mode", "")
        if mode not in SERVICE_MODES:
            raise UsageError(f"providers.{settings.name}.service_mode must be public or private")
        return cls(
            api=str(settings.options.get("api_url", API_URL)).rstrip("/"),
            upload=str(settings.options.get("upload_url", UPLOAD_URL)).rstrip("/"),
            media=settings.media_hosts,
            service_mode=mode,
        )


class PiAPIProvider(PublicOutputs):
    """One PiAPI workspace."""

    title = "PiAPI"
    largest_upload = LARGEST_UPLOAD

    def __init__(self, hosts: PiAPIHosts, key: Secret | None, *, name: str = "piapi") -> None:
        self._hosts = hosts
        self.name = name
        self._service = Service(name, self.title, KEY_VARIABLES[0] if name == "piapi" else "")
        self._wire = JsonClient(
            self._service, (hosts.api, hosts.upload), key, lambda k: {"X-API-Key": k}, lost_hint=LOOK_FOR_IT
        )

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> PiAPIProvider:
        """The configured workspace; runs its `key_command` if it has one (blocking)."""
        return cls(PiAPIHosts.from_settings(settings), settings.resolve_key(), name=settings.name)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What PiAPI can do. It prolongs no address."""
        return frozenset(
            {
                Capability.QUEUE,
                Capability.CANCEL,
                Capability.UPLOAD,
                Capability.CATALOGUE,
                Capability.SCHEMA,
                Capability.PRICE,
                Capability.RECONCILE,
            }
        )

    @property
    def media_hosts(self) -> MediaHosts:
        """PiAPI's media hosts and the configured ones."""
        return media_hosts(MEDIA_HOSTS, self._hosts.media, (self._hosts.api, self._hosts.upload))

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The listed models whose id, name or category holds every word of `query`."""
        words = query.lower().split()
        found = [m for m in MODELS if all(w in f"{m.id} {m.name} {m.category}".lower() for w in words)]
        return [listed.info(self.name) for listed in found[:limit]]

    async def schema(self, model: str) -> FormSchema | None:
        """The form of a listed model."""
        listed = find(model.strip("/"))
        return listed.form() if listed else None

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What a request costs at the listed price; the most, where that depends on more than its units."""
        listed = find(model.strip("/"))
        return reckon(listed.price, inputs) if listed is not None and listed.price is not None else None

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. Local files are uploaded before, for PiAPI takes addresses only."""
        model, slash, task = job.model.strip("/").rpartition("/")
        if not slash:
            raise ProviderError(
                ErrorKind.INVALID_INPUT,
                f"{job.model!r} names no task",
                hint="A PiAPI model is named model/task, such as kling/video_generation.",
            )
        body: dict[str, Any] = {
            "model": model,
            "task_type": task,
            "input": await with_uploads(job.inputs, is_address, self.upload),
        }
        if self._hosts.service_mode:
            body["config"] = {"service_mode": self._hosts.service_mode}
        answer = await self._wire.submit(f"{self._hosts.api}/api/v1/task", body)
        return self._submitted(answer)

    def _submitted(self, answer: Answer) -> Submitted:
        """The task's id, which even a refusal may carry: then the task exists, and says itself what became of it."""
        document = answer.document
        data = mapping(document.get("data"))
        if remote_id := identifier(data.get("task_id")):
            phase = _phase(data)
            if phase is Phase.FAILED:
                return Submitted(remote_id, phase=phase, error=self._why(data))
            return Submitted(remote_id, phase=phase if phase is Phase.QUEUED else Phase.RUNNING)
        self._wire.check_submit(answer)
        if (error := self._refusal(document)) is not None:
            if error.kind is ErrorKind.TRANSIENT:
                raise self._wire.ambiguous(f"code {error.code}: {error.message}")
            raise error
        raise self._wire.ambiguous("an answer without a task id")

    def _refusal(self, document: Mapping[str, Any]) -> ProviderError | None:
        """The error in an envelope whose own code is not 200, whatever HTTP said."""
        said = number(document.get("code"))
        if said is None or (code := int(said)) in (200, 0):
            return None
        data = mapping(document.get("data"))
        message = problem_text(mapping(data.get("error"))) or problem_text(document) or f"PiAPI answered {code}"
        kind = kind_of_status(code if 100 <= code < 600 else 400, Problem(message))
        return ProviderError(kind, message, hint=hint_for(self._service, kind), code=str(code))

    async def poll(self, job: Job) -> Progress:
        """The task's status; unknown words mean it is still going."""
        data = await self._asked(job.remote_id, "asking for the status")
        phase, logs = _phase(data), log_lines(data.get("logs"))
        if phase is Phase.FAILED:
            error = self._why(data)
            if job.cancel_requested and "cancel" in error.message.lower():
                return Progress(Phase.CANCELLED, logs=logs)  # PiAPI has no word of its own for that
            if not _has_part(data, job):
                return Progress(phase, logs=logs, error=error)
            error.message = _partly(error)
            return Progress(Phase.SUCCEEDED, fraction=1.0, logs=logs, error=error)
        if phase is Phase.SUCCEEDED:
            return Progress(phase, fraction=1.0, logs=logs)
        output = mapping(data.get("output"))
        said = percent(output.get("progress", output.get("percent")))
        return Progress(phase, fraction=said if phase is Phase.RUNNING else None, logs=logs)

    async def result(self, job: Job) -> bytes:
        """The whole task."""
        doing = "fetching the result"
        answer = await self._wire.send("GET", self._address(job.remote_id), doing)
        try:
            task = self._task_in(answer, doing)
        except ProviderError as exc:
            if exc.kind is not ErrorKind.NOT_FOUND:
                raise
            raise ProviderError(
                ErrorKind.EXPIRED, "PiAPI no longer has the result of this request", status=answer.status
            ) from None
        phase = _phase(task)
        if phase is Phase.FAILED:
            if _has_part(task, job):
                return answer.body
            raise self._why(task)
        if phase is Phase.CANCELLED:
            raise cancelled(self.title)
        if phase is not Phase.SUCCEEDED:
            raise not_done(self.title)
        return answer.body

    def _why(self, task: Mapping[str, Any]) -> ProviderError:
        """Why a task failed: its error, else what stands beside it."""
        error, logs = task.get("error"), log_lines(task.get("logs"))
        said = problem_text(error) or problem_text(task.get("detail")) or (logs[-1] if logs else "")
        return failure(self._service, said, identifier(mapping(error).get("code")).removeprefix("0"))

    async def _asked(self, task_id: str | None, doing: str) -> Mapping[str, Any]:
        return self._task_in(await self._wire.send("GET", self._address(task_id), doing), doing)

    def _task_in(self, answer: Answer, doing: str) -> Mapping[str, Any]:
        """The task in an answer; one that failed may come with an error's HTTP status."""
        data = mapping(answer.document.get("data"))
        if identifier(data.get("task_id")) and text(data.get("status")):
            return data
        return self._task(self._wire.accepted(answer, doing))

    def _task(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The task in an envelope, or in the form that webhooks have. Raises what the envelope says instead."""
        data = document.get("data")
        if isinstance(data, Mapping) and data.get("status"):
            return data
        if (error := self._refusal(document)) is not None:
            raise error
        raise ProviderError(ErrorKind.TRANSIENT, "PiAPI gave no status for this request")

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in ``data.output``, each once, without the watermark where there is a choice."""
        document = parse_result(raw)
        envelope = mapping(document)
        task = mapping(envelope.get("data")) or envelope
        found = _files(task, job) if "output" in task else find_media(tidy(document), job.inputs, job.type)
        if _phase(task) is not Phase.FAILED:
            return found
        return [replace(output, meta={**output.meta, "incomplete": _partly(self._why(task))}) for output in found]

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it: PiAPI does that only while it waits."""
        doing = "cancelling"
        answer = await self._wire.send("DELETE", self._address(job.remote_id), doing)
        if answer.status in (400, 404, 405, 409, 410, 422):
            return False
        if not answer.ok:
            raise self._wire.error(answer, doing)
        return self._refusal(answer.document) is None

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """The one task of the account's history with the same model and input, made when it was sent.

        `known` are the ids that belong to other jobs. Raises `SeveralFound`.
        """
        doing = "looking for the request"
        since, until = lost_window(job, (await self._wire.send("GET", self._hosts.api, doing)).clock_ahead)
        params = {"page_size": "100", "start_time": str(int(since)), "end_time": str(int(until) + 1)}
        matches: list[str] = []
        seen: set[str] = set()
        for page in range(1, HISTORY_PAGES + 1):
            url = f"{self._hosts.api}/api/open/tasks/histories"
            document = await self._wire.get(url, doing, {**params, "page": str(page)})
            if (error := self._refusal(document)) is not None:
                raise error
            fresh = [task for task in dict.fromkeys(_task_ids(document, 0)) if task not in seen]
            seen.update(fresh)
            matches += [task for task in fresh if task not in known and await self._is_it(task, job)]
            total = whole(mapping(document.get("data")).get("total"))
            if not fresh or (total is not None and len(seen) >= total):
                break  # a page may be shorter than was asked for, and the last one be shown again
        return the_only([Submitted(found, phase=Phase.RUNNING) for found in matches])

    async def _is_it(self, task_id: str, job: Job) -> bool:
        """The task itself says what it was asked; the history's own fields are not documented."""
        try:
            task = await self._asked(task_id, "looking for the request")
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:
                return False
            raise
        named = f"{text(task.get('model'))}/{text(task.get('task_type'))}"
        return named == job.model.strip("/") and same_inputs(task.get("input"), job.inputs, defaults=True)

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to PiAPI's short-lived storage; returns the address to use as an input."""
        doing = "uploading the input"
        if len(data) > LARGEST_UPLOAD:
            raise ProviderError(
                ErrorKind.INVALID_INPUT,
                "the input file is too large for PiAPI",
                hint="It takes 10 MB at most; give a web address instead.",
            )
        extension = {"jpeg": "jpg", "mpeg": "mp3"}.get(kind := content_type.rpartition("/")[2], kind)
        body = {"file_name": f"{text(name, 80) or 'input'}.{extension}", "file_data": base64.b64encode(data).decode()}
        answer = await self._wire.send("POST", f"{self._hosts.upload}/api/ephemeral_resource", doing, body=body)
        document = self._wire.accepted(answer, doing)
        address = text(mapping(document.get("data")).get("url"), 2000)
        if not address:
            raise self._refusal(document) or ProviderError(
                ErrorKind.INTERNAL, "PiAPI gave no address for the uploaded input"
            )
        return address

    async def check(self) -> None:
        """Prove the key by asking for a task that nobody has; costs nothing. Any answer but a refusal will do."""
        doing = "checking the key"
        answer = await self._wire.send("GET", self._address("00000000-0000-4000-8000-000000000000"), doing)
        if answer.status == 404 and "html" in answer.headers.get("content-type", ""):
            raise self._wire.not_there(404)
        if not answer.document:
            self._wire.accepted(answer, doing)  # raises: a task or a refusal is an object
        refusal = self._refusal(answer.document)
        if answer.ok and refusal is None:
            self._wire.check_content(answer.document)
        for error in (None if answer.ok else self._wire.error(answer, doing), refusal):
            if error is not None and error.kind.stops_batch:
                raise error

    def _address(self, task_id: str | None) -> str:
        if task_id is None:
            raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
        return f"{self._hosts.api}/api/v1/task/{quote(task_id, safe='')}"


def _phase(task: Mapping[str, Any]) -> Phase:
    return _PHASES.get(text(task.get("status")).lower(), Phase.RUNNING)


def _files(task: Mapping[str, Any], job: Job) -> Sequence[Output]:
    return find_media(tidy(task.get("output")), job.inputs, job.type)


def _has_part(task: Mapping[str, Any], job: Job) -> bool:
    """A task that failed made something of what was asked for; a picture in a video's stead is a copy of its input."""
    return any(job.type in (None, output.type) for output in _files(task, job))


def _partly(error: ProviderError) -> str:
    """What a task that failed, and shows files all the same, has against them."""
    return f"only a part was made: {error.message}"


def _task_ids(value: object, depth: int) -> Iterator[str]:
    """Every task id in a history, wherever it stands."""
    if isinstance(value, Mapping):
        if task_id := text(value.get("task_id"), 200):
            yield task_id
        value = list(value.values())
    if isinstance(value, list) and depth < 6:
        for child in value:
            yield from _task_ids(child, depth + 1)
