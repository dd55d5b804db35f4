"""Replicate's predictions over plain HTTP: create, poll, cancel, list, files, catalogue and schema.

Everything of a prediction, its files included, is removed one hour after it ended, so each output carries
the time at which its address dies.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job, Phase
from mediatui.providers.answers import (
    entries,
    epoch,
    find_media,
    identifier,
    log_lines,
    mapping,
    parse_result,
    percent_in,
    text,
)
from mediatui.providers.base import Capability, Delivery, FormSchema, MediaHosts, ModelInfo, Output, Progress, Submitted
from mediatui.providers.http import LOOK_FOR_IT, JsonClient, Upload, media_hosts, origin
from mediatui.providers.lost import lost_window, same_inputs, the_only
from mediatui.providers.plain import PublicOutputs, cancelled, not_done, with_uploads
from mediatui.providers.problems import Service, failure
from mediatui.providers.replicate_models import COLLECTIONS, VERSION, form_of, model_info, same_model
from mediatui.settings import ProviderSettings, Secret

API_URL = "https://api.replicate.com/v1"
MEDIA_HOSTS = ("replicate.delivery", "*.replicate.delivery")
SETTINGS = frozenset({"api_url", "wait_seconds"})
"""The options of ``[providers.replicate]`` besides the key and the media hosts."""
KEY_VARIABLES = ("REPLICATE_API_TOKEN",)

OUTPUT_LIFE_SECONDS = 3600.0
LONGEST_WAIT_SECONDS = 60
LARGEST_DATA_ADDRESS = 256 << 10
"""Inputs above this (bytes) are uploaded first; Replicate takes no longer data address."""
LIST_PAGES = 10

_PHASES: Mapping[str, Phase] = {
    "starting": Phase.QUEUED,
    "queued": Phase.QUEUED,
    "processing": Phase.RUNNING,
    "succeeded": Phase.SUCCEEDED,
    "successful": Phase.SUCCEEDED,
    "failed": Phase.FAILED,
    "canceled": Phase.CANCELLED,
    "cancelled": Phase.CANCELLED,
    "aborted": Phase.CANCELLED,
}
_SEED = re.compile(r"\bseed\b\D{0,4}(\d{1,18})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReplicateHosts:
    """Where the service is, and how to speak to it."""

    api: str = API_URL
    media: tuple[str, ...] = ()
    """Media hosts besides Replicate's own."""
    wait_seconds: int = 0
    """How long a submit may be held for its result (at most 60). 0: the handle comes, and is stored, at once."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> ReplicateHosts:
        """The configured values; raises `UsageError` for one that makes no sense."""
        wait = settings.options.get("wait_seconds", 0)
        if not isinstance(wait, int) or isinstance(wait, bool) or not 0 <= wait <= LONGEST_WAIT_SECONDS:
            raise UsageError(f"providers.{settings.name}.wait_seconds must be a number from 0 to 60")
        api = str(settings.options.get("api_url", API_URL)).rstrip("/")
        return cls(api=api, media=settings.media_hosts, wait_seconds=wait)


class ReplicateProvider(PublicOutputs):
    """One Replicate account."""

    title = "Replicate"
    largest_upload = 100 << 20

    def __init__(self, hosts: ReplicateHosts, key: Secret | None, *, name: str = "replicate") -> None:
        self._hosts = hosts
        self.name = name
        self._service = Service(name, self.title, KEY_VARIABLES[0] if name == "replicate" else "")
        self._wire = JsonClient(
            self._service, (hosts.api,), key, lambda k: {"Authorization": f"Bearer {k}"}, lost_hint=LOOK_FOR_IT
        )
        self._versions: dict[str, str] = {}

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> ReplicateProvider:
        """The configured account; runs its `key_command` if it has one (blocking)."""
        return cls(ReplicateHosts.from_settings(settings), settings.resolve_key(), name=settings.name)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What Replicate can do. It publishes no prices and prolongs no address."""
        return frozenset(
            {
                Capability.QUEUE,
                Capability.CANCEL,
                Capability.UPLOAD,
                Capability.CATALOGUE,
                Capability.SCHEMA,
                Capability.RECONCILE,
            }
        )

    @property
    def media_hosts(self) -> MediaHosts:
        """Replicate's delivery hosts and the configured ones."""
        return media_hosts(MEDIA_HOSTS, self._hosts.media, (self._hosts.api,))

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """Public models matching `query`; without one, those of the collections that make media."""
        if query.strip():
            found = await self._search(query, limit)
        else:
            # All of them are heard before one failure is told: none is left running behind.
            pages = await asyncio.gather(*map(self._collection, COLLECTIONS), return_exceptions=True)
            found = [model for page in pages for model in _unless_failed(page)]
        first: dict[str, ModelInfo] = {}
        for model in found:
            first.setdefault(model.id, model)
        return list(first.values())[:limit]

    async def _search(self, query: str, limit: int) -> list[ModelInfo]:
        doing, found = "searching the model catalogue", list[ModelInfo]()
        answer = await self._wire.send(
            "QUERY",
            f"{self._hosts.api}/models",
            doing,
            body=query.encode("utf-8", "replace"),
            headers={"Content-Type": "text/plain"},
        )
        document = self._wire.accepted(answer, doing)
        for entry in entries(document.get("results")):
            if (model := model_info(entry, self.name)) is not None and len(found) < limit:
                found.append(model)
        return found

    async def _collection(self, slug: str) -> list[ModelInfo]:
        """The models of one curated list; none when Replicate renamed it."""
        try:
            document = await self._wire.get(f"{self._hosts.api}/collections/{slug}", "reading the model catalogue")
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:
                return []
            raise
        found = (model_info(entry, self.name, COLLECTIONS[slug]) for entry in entries(document.get("models")))
        return [model for model in found if model is not None]

    async def schema(self, model: str) -> FormSchema | None:
        """The form from the OpenAPI document of the model's version."""
        try:
            return form_of(model, await self._version(model))
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:
                return None
            raise

    async def _version(self, model: str) -> Mapping[str, Any]:
        """The version that `model` names, as Replicate describes it: the latest one if it names none."""
        doing = "reading the model's inputs"
        named, _, version = model.strip("/").partition(":")
        if named.startswith("deployments/"):
            path = f"{self._hosts.api}/{_path(named)}"
            release = mapping((await self._wire.get(path, doing)).get("current_release"))
            named, version = text(release.get("model")), text(release.get("version"))
        base = f"{self._hosts.api}/models/{_path(named)}"
        if version:
            return await self._wire.get(f"{base}/versions/{quote(version, safe='')}", doing)
        document = await self._wire.get(base, doing)
        latest = mapping(document.get("latest_version"))
        self._remember(named, document.get("is_official"), text(latest.get("id"), 80))
        return latest

    def _remember(self, named: str, official: object, version: str) -> None:
        """How to name the model in a request: only an official one may do without its version."""
        self._versions[named] = named if official is True or not version else f"{named}:{version}"

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. What the request needs beforehand (a version, uploads) is free and may fail."""
        model = job.model.strip("/")
        inputs = await with_uploads(job.inputs, lambda text: len(text) > LARGEST_DATA_ADDRESS, self.upload)
        if model.startswith("deployments/"):
            url, body = f"{self._hosts.api}/{_path(model)}/predictions", {"input": inputs}
        else:
            url, body = f"{self._hosts.api}/predictions", {"version": await self._named(model), "input": inputs}
        headers = {"Prefer": f"wait={self._hosts.wait_seconds}"} if self._hosts.wait_seconds else None
        answer = await self._wire.submit(url, body, headers)
        self._wire.check_submit(answer)
        return self._submitted(answer.document, answer.body)

    async def _named(self, model: str) -> str:
        if ":" in model or VERSION.fullmatch(model):
            return model
        if model not in self._versions:
            await self._version(model)
        return self._versions[model]

    def _submitted(self, document: Mapping[str, Any], body: bytes) -> Submitted:
        remote_id = identifier(document.get("id"))
        if not remote_id:
            raise self._wire.ambiguous("an answer without an id")
        phase = _phase(document)
        if phase is Phase.SUCCEEDED and document.get("output") is not None:
            return Submitted(remote_id, _urls(document), phase, raw=body)
        # A job that ended already is asked for once more: the poll says why.
        return Submitted(remote_id, _urls(document), phase if phase is Phase.QUEUED else Phase.RUNNING)

    async def poll(self, job: Job) -> Progress:
        """The prediction's status; unknown words mean it is still going."""
        document = await self._wire.get(self._address(job, "get"), "asking for the status")
        phase, logs = _phase(document), log_lines(document.get("logs"))
        if phase in (Phase.FAILED, Phase.CANCELLED):
            error = self._why(document, phase)
            if not find_media({"output": document.get("output")}, job.inputs, job.type):
                return Progress(phase, logs=logs, error=error if phase is Phase.FAILED else None)
            error.message = f"only a part was made: {error.message}"
            return Progress(Phase.SUCCEEDED, fraction=1.0, logs=logs, error=error)
        if phase is Phase.SUCCEEDED:
            return Progress(phase, fraction=1.0, logs=logs)
        return Progress(phase, fraction=percent_in(logs) if phase is Phase.RUNNING else None, logs=logs)

    async def result(self, job: Job) -> bytes:
        """The whole prediction, while Replicate has it: for one hour."""
        doing = "fetching the result"
        answer = await self._wire.send("GET", self._address(job, "get"), doing)
        if answer.status == 404:
            raise _removed(404)
        document = self._wire.accepted(answer, doing)
        if document.get("output"):
            return answer.body
        if document.get("data_removed") is True:
            raise _removed(answer.status)
        phase = _phase(document)
        if phase in (Phase.FAILED, Phase.CANCELLED):
            raise self._why(document, phase)
        if phase is not Phase.SUCCEEDED:
            raise not_done(self.title)
        return answer.body

    def _why(self, document: Mapping[str, Any], phase: Phase) -> ProviderError:
        if phase is Phase.CANCELLED:
            return cancelled(self.title)
        return failure(self._service, document.get("error"))

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in the prediction's output, whatever its nesting; plain text among them is no file."""
        document = parse_result(raw)
        prediction = mapping(document)
        result = {"output": prediction["output"]} if "output" in prediction else document
        said = (epoch(prediction.get(name)) for name in ("completed_at", "started_at", "created_at"))
        ended = next(filter(None, (*said, job.submitted_at, job.created_at)), None)
        seed, phase = _seed(prediction.get("logs")), _phase(prediction)
        partial = phase in (Phase.FAILED, Phase.CANCELLED)
        meta = {"incomplete": f"only a part was made: {self._why(prediction, phase).message}"} if partial else {}
        return [
            replace(
                output,
                meta={**output.meta, **meta},
                expires_at=self._dies_at(output, ended),
                seed=output.seed if output.seed is not None else seed,
            )
            for output in find_media(result, job.inputs, job.type)
        ]

    def _dies_at(self, output: Output, ended: float | None) -> float | None:
        if output.delivery is not Delivery.URL or ended is None:
            return None
        netloc = origin(output.url or "").rpartition("/")[2]
        own = f".{netloc.rpartition(':')[0]}".endswith(".replicate.delivery") or netloc in self.media_hosts.loopback
        return ended + OUTPUT_LIFE_SECONDS if own else None

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it; False when it has ended or is not there."""
        doing = "cancelling"
        answer = await self._wire.send("POST", self._address(job, "cancel"), doing)
        if answer.status in (400, 404, 409, 410, 422):
            return False
        if not answer.ok:
            raise self._wire.error(answer, doing)
        return _phase(answer.document) not in (Phase.SUCCEEDED, Phase.FAILED)

    # -- finding a lost request

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """The one prediction in the account's list with the same model and input, made when it was sent.

        `known` are the ids that belong to other jobs. Raises `SeveralFound`.
        """
        doing = "looking for the request"
        since, until = lost_window(job, (await self._wire.send("GET", self._hosts.api, doing)).clock_ahead)
        matches: dict[str, Mapping[str, Any]] = {}
        url = f"{self._hosts.api}/predictions"
        for _ in range(LIST_PAGES):
            document = await self._wire.get(url, doing)
            page = entries(document.get("results"))
            for entry in page:
                made = epoch(entry.get("created_at")) or 0.0
                if since <= made <= until and await self._is_it(entry, job, known):
                    matches[text(entry.get("id"), 200)] = entry
            url = text(document.get("next"), 2000)
            oldest = epoch(page[-1].get("created_at")) if page else None
            if not self._wire.is_own(url) or oldest is None or oldest < since:
                break
        return the_only([_found(remote_id, entry) for remote_id, entry in matches.items()])

    async def _is_it(self, entry: Mapping[str, Any], job: Job, known: Collection[str]) -> bool:
        remote_id = text(entry.get("id"), 200)
        if not remote_id or remote_id in known or not same_model(entry, job.model):
            return False
        if not isinstance(entry.get("input"), Mapping):
            url = f"{self._hosts.api}/predictions/{quote(remote_id, safe='')}"
            entry = await self._wire.get(url, "looking for the request")
        return same_inputs(mapping(entry.get("input")), job.inputs)

    # -- files and addresses

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to Replicate, which keeps it for a day; returns the address to use as an input."""
        doing = "uploading the input"
        body = Upload({}, [("content", text(name, 120) or "input", content_type, data)])
        answer = await self._wire.send("POST", f"{self._hosts.api}/files", doing, body=body)
        address = text(mapping(self._wire.accepted(answer, doing).get("urls")).get("get"), 2000)
        if not address:
            raise ProviderError(ErrorKind.INTERNAL, "Replicate gave no address for the uploaded input")
        return address

    async def check(self) -> None:
        """Prove the key by asking whose it is, or a gateway that does not say for its predictions; costs nothing."""
        doing = "checking the key"
        try:
            document = await self._wire.get(f"{self._hosts.api}/account", doing)
        except ProviderError as exc:
            if exc.kind is not ErrorKind.NOT_FOUND:
                raise
            document = await self._wire.find(f"{self._hosts.api}/predictions", doing)
        self._wire.check_content(document)

    def _address(self, job: Job, name: str) -> str:
        """A stored address if it is Replicate's own, else rebuilt: the key goes nowhere else."""
        if job.remote_id is None:
            raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
        stored = job.urls.get(name, "")
        if stored and self._wire.is_own(stored):
            return stored
        base = f"{self._hosts.api}/predictions/{quote(job.remote_id, safe='')}"
        return base if name == "get" else f"{base}/{name}"


def _unless_failed(page: list[ModelInfo] | BaseException) -> list[ModelInfo]:
    if isinstance(page, BaseException):
        raise page
    return page


def _phase(document: Mapping[str, Any]) -> Phase:
    return _PHASES.get(text(document.get("status")).lower(), Phase.RUNNING)


def _found(remote_id: str, entry: Mapping[str, Any]) -> Submitted:
    phase = _phase(entry)
    return Submitted(remote_id, _urls(entry), phase if phase is Phase.QUEUED else Phase.RUNNING)


def _urls(document: Mapping[str, Any]) -> dict[str, str]:
    said = mapping(document.get("urls"))
    return {name: url for name in ("get", "cancel") if (url := text(said.get(name), 2000))}


def _path(named: str) -> str:
    """A model's name as part of an address."""
    return "/".join(quote(part, safe="") for part in named.split("/"))


def _removed(status: int) -> ProviderError:
    return ProviderError(
        ErrorKind.EXPIRED,
        "Replicate no longer has the result of this request",
        hint="Results are removed one hour after they were made.",
        status=status,
    )


def _seed(logs: object) -> int | None:
    """The seed a model chose by itself, from its log."""
    for line in log_lines(logs):
        if found := _SEED.search(line):
            return int(found[1])
    return None
