"""Google behind the Provider protocol: each model goes to the surface that serves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, Phase
from mediatui.providers.answers import identifier, outline, read_json
from mediatui.providers.base import Capability, FormSchema, MediaHosts, ModelInfo, Output, Progress, Submitted
from mediatui.providers.exchange import Answer
from mediatui.providers.google import generate, interactions, predict, veo
from mediatui.providers.google.anywhere import media_anywhere
from mediatui.providers.google.auth import Credentials
from mediatui.providers.google.errors import error_from_operation, refused_question
from mediatui.providers.google.models import Route, Surface, catalogue, form, live_models, matching, route_of
from mediatui.providers.google.places import Places
from mediatui.providers.google.wire import Wire, ambiguous
from mediatui.settings import ProviderSettings
from mediatui.text import one_line

SETTINGS = frozenset(
    {"auth", "token_command", "project", "location", "quota_project", "gemini_url", "vertex_url", "storage_url"}
)
"""Its own names in the configuration."""

KEY_VARIABLES = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Environment variables that hold the API key; Google's own programs prefer the first."""

_OPERATION = re.compile(r"(?:(?:projects|models|publishers)/[\w.:/-]{1,400}/)?operations/[\w.-]{1,200}", re.ASCII)
_LONGEST_ID = 400
_OF_A_JOB = frozenset({"name", "done", "response", "id", "status", "steps"})
"""What an operation or an interaction says of itself; a mere refusal has none of it."""
_LOCATION = re.compile(r"/locations/([a-z0-9-]+)/")
_DEFAULT_LOCATION = "us-central1"
_PAGES = 10
_NO_LIST = "A login page of this network, a proxy, or a wrong address in the settings may be in its place."


class GoogleProvider:
    """One Google account: the Gemini API by key or token, and Vertex when there is a project."""

    name = "google"
    title = "Google"

    def __init__(self, places: Places, credentials: Credentials) -> None:
        self._places, self._credentials = places, credentials
        self._wire = Wire(places, credentials)
        self._ended: dict[str, bytes] = {}

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> GoogleProvider:
        """As configured (blocking: may run a command). Raises `UsageError`."""
        return cls(Places.from_settings(settings), Credentials.from_settings(settings))

    @property
    def capabilities(self) -> frozenset[Capability]:
        """A queue for video and interactions; no list of requests, so no search for a lost one."""
        return frozenset(
            {Capability.QUEUE, Capability.CANCEL, Capability.CATALOGUE, Capability.SCHEMA, Capability.REFRESH_URL}
        )

    @property
    def media_hosts(self) -> MediaHosts:
        """Google's API and storage hosts, and those configured."""
        return self._places.hosts

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The known models and those that the Gemini API lists for this account; retired ones last."""
        live: list[ModelInfo] = []
        if self._credentials.has_key or not self._vertex_ready:
            live = await self._live()
        return matching(catalogue(live, self.name, vertex_ready=self._vertex_ready), query)[:limit]

    async def _live(self) -> list[ModelInfo]:
        found: list[ModelInfo] = []
        page = ""
        for _ in range(_PAGES):
            params = {"pageSize": "1000", **({"pageToken": page} if page else {})}
            url = f"{self._places.gemini}/models"
            document = _object(await self._wire.ask("GET", url, "reading the model list", params=params))
            found += live_models(document, self.name)
            page = str(document.get("nextPageToken") or "")
            if not page:
                break
        return found

    async def schema(self, model: str) -> FormSchema | None:
        """The form of the surface that serves the model."""
        return form(self._route(model), model)

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. A synchronous surface answers with the product itself, in `raw`."""
        route = self._route(job.model)
        self._check(route, job)
        if route.surface is Surface.INTERACTIONS:
            return await self._interact(route, job)
        if route.surface is Surface.LONG_RUNNING:
            return await self._start(route, job)
        request = (
            generate.body(job.inputs) if route.surface is Surface.GENERATE else predict.body(route.model, job.inputs)
        )
        answer = await self._wire.send_once(self._model_url(route), request, handle=False)
        # The answer is the only handle there is: it is kept whole, and named after the job.
        return self._product(answer, f"{route.surface}-{job.id}", job)

    def _product(self, answer: Answer, name: str, job: Job) -> Submitted:
        """What came in place of a handle: the product or what is left of it, unless it is an error or nothing."""
        if answer.says_nothing:
            raise ambiguous(answer.broken or "an answer that cannot be read")
        if (answer.broken or answer.error) and not media_anywhere(answer.body, job, self._places):
            raise ambiguous(answer.broken) if answer.broken else error_from_operation(answer.error)
        return Submitted(remote_id=name, phase=Phase.SUCCEEDED, raw=answer.body)

    async def _start(self, route: Route, job: Job) -> Submitted:
        raw = (await self._wire.send_once(self._model_url(route), veo.body(job.inputs), handle=True)).body
        document = outline(raw)
        name = identifier(document.get("name"), _LONGEST_ID).removeprefix("/")
        if _is_operation(name):
            return Submitted(remote_id=name, phase=Phase.RUNNING)
        return _without_handle(document, raw, veo.progress(document), job, name)

    async def _interact(self, route: Route, job: Job) -> Submitted:
        request = interactions.body(route.model, job.inputs, route.makes)
        handle = request.get("background") is True
        answer = await self._wire.send_once(f"{self._places.gemini}/interactions", request, handle=handle)
        if answer.broken:
            return self._product(answer, f"answer-{job.id}", job)
        raw = answer.body
        document = outline(raw)
        remote_id = identifier(document.get("id"), _LONGEST_ID).removeprefix("interactions/")
        going = interactions.progress(document)
        if not _is_interaction(remote_id):
            return _without_handle(document, raw, going, job, remote_id)
        if going.phase is Phase.SUCCEEDED:
            return Submitted(remote_id=remote_id, phase=Phase.SUCCEEDED, raw=raw)
        # One that failed at once is followed like any other: its first poll says so.
        queued = document.get("status") == "queued"
        return Submitted(remote_id=remote_id, phase=Phase.QUEUED if queued else Phase.RUNNING)

    async def poll(self, job: Job) -> Progress:
        """The operation or interaction now; a synchronous request has nothing to ask for."""
        surface = self._route(job.model).surface
        if surface in (Surface.GENERATE, Surface.PREDICT):
            return Progress(Phase.FAILED, error=_once_only())
        raw = await self._ask(job)
        document = outline(raw)
        if not document:
            raise ProviderError(ErrorKind.TRANSIENT, "Google's answer to the status question cannot be read")
        if not document.keys() & _OF_A_JOB and (error := refused_question(document.get("error"))) is not None:
            raise error
        read = veo.progress if surface is Surface.LONG_RUNNING else interactions.progress
        going = read(document)
        if going.phase is Phase.SUCCEEDED:
            self._ended = {job.id: raw}  # it holds the media already: `result` need not bring it again
        return going

    async def result(self, job: Job) -> bytes:
        """The finished operation or interaction, unparsed. What a synchronous request answered came once only."""
        if self._route(job.model).surface in (Surface.GENERATE, Surface.PREDICT):
            raise _once_only()
        if (raw := self._ended.pop(job.id, None)) is not None:
            return raw
        try:
            return await self._ask(job)
        except ProviderError as exc:
            if exc.kind is not ErrorKind.NOT_FOUND:
                raise
            raise ProviderError(
                ErrorKind.EXPIRED, "Google no longer has the result of this request", status=exc.status
            ) from None

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The media in the answer. Raises `ProviderError` of kind POLICY when a filter took them all."""
        try:
            document = _object(raw)
            return _READERS[self._route(job.model).surface](document, job, self._places)
        except ProviderError:
            if found := media_anywhere(raw, job, self._places):
                return found
            raise

    async def cancel(self, job: Job) -> bool:
        """Ask to stop an interaction; Google stops nothing else."""
        if self._route(job.model).surface is not Surface.INTERACTIONS:
            return False
        url = f"{self._interaction_url(job)}/cancel"
        try:
            await self._wire.ask("POST", url, "cancelling", body={})
        except ProviderError as exc:
            if exc.kind in (ErrorKind.NOT_FOUND, ErrorKind.INVALID_INPUT):
                return False
            raise
        return True

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Nothing to look in: Google lists neither operations of publisher models nor interactions."""
        return None

    def media_url(self, url: str) -> str:
        """The address itself."""
        return url

    def download_headers(self, url: str) -> Mapping[str, str]:
        """The key or the token, for Google's own addresses only. May run the token command (blocking)."""
        return self._wire.download_headers(url)

    async def check(self) -> None:
        """Prove the key and the token by asking for one model's name with each; costs nothing.

        A token is for a project on Vertex, where the Gemini API need not even be switched on.
        """
        token_for = self._places.project if self._credentials.has_token else None
        if self._credentials.has_key or token_for is None:
            await self._check_list(f"{self._places.gemini}/models")
        if token_for is not None:
            where = self._places.location or _DEFAULT_LOCATION
            await self._check_list(f"{self._places.vertex_base(where)}/projects/{token_for}/locations/{where}/models")

    async def _check_list(self, url: str) -> None:
        doing, params = "checking the key", {"pageSize": "1"}
        try:
            document = _object(await self._wire.ask("GET", url, doing, params=params))
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:  # every account has it: the address is wrong, or the project
                raise ProviderError(ErrorKind.TRANSIENT, f"no model list: {exc.message}", hint=_NO_LIST) from None
            if exc.kind is ErrorKind.INTERNAL:
                raise ProviderError(exc.kind, "what answers is not Google's model list", hint=_NO_LIST) from None
            raise
        if document.get("error"):
            raise refused_question(document["error"]) or error_from_operation(document["error"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    # -- addresses

    @property
    def _vertex_ready(self) -> bool:
        return self._places.project is not None and (self._credentials.has_token or self._credentials.has_key)

    def _route(self, model: str) -> Route:
        return route_of(model, vertex_ready=self._vertex_ready, has_key=self._credentials.has_key)

    def _check(self, route: Route, job: Job) -> None:
        """What would be paid for and could not be had is refused before anything is sent."""
        if route.vertex and self._places.project is None and not self._credentials.has_key:
            raise ProviderError(
                ErrorKind.AUTH, "Vertex needs a project", hint="Set providers.google.project, or GOOGLE_CLOUD_PROJECT."
            )
        bucket = next((n for n in ("storage_uri", "storageUri", "gcs_uri") if job.inputs.get(n)), None)
        if bucket and not self._credentials.has_token:
            raise ProviderError(
                ErrorKind.INVALID_INPUT,
                "the result could not be fetched from a bucket: that needs an access token",
                hint="Leave the bucket empty, or set providers.google.token_command.",
                fields={bucket: "needs an access token"},
            )

    def _model_url(self, route: Route) -> str:
        if not route.vertex:
            return f"{self._places.gemini}/models/{route.model}:{route.surface}"
        location = "global" if route.surface is Surface.GENERATE else _DEFAULT_LOCATION
        return f"{self._places.vertex_model(route.model, location)}:{route.surface}"

    async def _ask(self, job: Job) -> bytes:
        doing = "asking for the status"
        if self._route(job.model).surface is Surface.INTERACTIONS:
            return await self._wire.ask("GET", self._interaction_url(job), doing)
        name = job.remote_id or ""
        if not _is_operation(name):
            raise _no_handle(name)
        where = _LOCATION.search(name)
        if name.startswith("operations/") and self._route(job.model).vertex:
            base = self._places.vertex_base(self._places.location or _DEFAULT_LOCATION)
            return await self._wire.ask("GET", f"{base}/{name}", doing)
        if name.startswith(("models/", "operations/")):
            return await self._wire.ask("GET", f"{self._places.gemini}/{name}", doing)
        base = self._places.vertex_base(where[1] if where else self._places.location or "global")
        url = f"{base}/{name.rpartition('/operations/')[0]}:fetchPredictOperation"
        return await self._wire.ask("POST", url, doing, body={"operationName": name})

    def _interaction_url(self, job: Job) -> str:
        name = job.remote_id or ""
        if not _is_interaction(name):
            raise _no_handle(name)
        return f"{self._places.gemini}/interactions/{quote(name, safe='')}"


_READERS: Mapping[Surface, Callable[[Mapping[str, Any], Job, Places], Sequence[Output]]] = {
    Surface.GENERATE: generate.outputs,
    Surface.PREDICT: predict.outputs,
    Surface.LONG_RUNNING: veo.outputs,
    Surface.INTERACTIONS: interactions.outputs,
}


def _object(raw: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer. Raises `ProviderError` of kind INTERNAL for anything else."""
    try:
        document = read_json(raw)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ProviderError(ErrorKind.INTERNAL, "Google's answer is not a JSON object")
    return document


def _is_operation(name: str) -> bool:
    """It can be asked for, and stays below the addresses of operations."""
    return _OPERATION.fullmatch(name) is not None and not any(part in (".", "..") for part in name.split("/"))


def _is_interaction(name: str) -> bool:
    """It can be one part of an address, and was not cut off."""
    return bool(name) and name not in (".", "..") and len(name) < _LONGEST_ID


def _without_handle(document: Mapping[str, Any], raw: bytes, going: Progress, job: Job, seen: str) -> Submitted:
    """What an answer means that has no handle to ask with: the product itself, a failure, or nobody knows."""
    if going.phase is Phase.SUCCEEDED:
        return Submitted(remote_id=f"answer-{job.id}", phase=Phase.SUCCEEDED, raw=raw)
    if not seen and going.error is not None:
        raise going.error
    if not seen and document.get("error"):
        raise error_from_operation(document["error"], "Google answered with an error")
    raise ambiguous("an answer without a handle that can be asked for", seen)


def _no_handle(name: str) -> ProviderError:
    return ProviderError(ErrorKind.INTERNAL, f"{one_line(name, 80)!r} is not a handle that Google gives")


def _once_only() -> ProviderError:
    return ProviderError(
        ErrorKind.EXPIRED,
        "this model answers once, on the connection that asked; there is nothing to ask for again",
        hint="If the answer came, it is in the job's result file.",
    )
