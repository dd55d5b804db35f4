"""fal.ai's queue over plain HTTP: submit once, ask for status and result, cancel, find a lost request."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, Phase
from mediatui.providers.base import (
    Capability,
    Estimate,
    FormSchema,
    InputFile,
    MediaHosts,
    ModelInfo,
    Output,
    Progress,
    Submitted,
    Uploaded,
)
from mediatui.providers.exchange import Answer
from mediatui.providers.fal_catalogue import catalogue_of, find_models, find_schema, not_fal, with_price
from mediatui.providers.fal_errors import error_from_completed
from mediatui.providers.fal_history import find_requests
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_options import FalOptions
from mediatui.providers.fal_outputs import find_files
from mediatui.providers.fal_prices import FalPrices
from mediatui.providers.fal_result import FalResults
from mediatui.providers.fal_sign import sign
from mediatui.providers.fal_submit import FalSender, count
from mediatui.providers.fal_upload import upload
from mediatui.providers.fal_wire import FalWire, error_of, error_of_question
from mediatui.providers.lost import the_only
from mediatui.providers.problems import problem_text
from mediatui.settings import Secret
from mediatui.text import one_line

__all__ = ["FalHosts", "FalOptions", "FalProvider"]

MAX_LOG_LINES = 200

_PERCENT = re.compile(r"(?<!\d)(\d{1,3})(?:\.\d+)?\s?%")
_CAPABILITIES = frozenset(
    {
        Capability.QUEUE,
        Capability.CANCEL,
        Capability.CATALOGUE,
        Capability.SCHEMA,
        Capability.PRICE,
        Capability.UPLOAD,
        Capability.RECONCILE,
        Capability.REFRESH_URL,
    }
)


class FalProvider:
    """One fal account, or anything that speaks fal's queue protocol."""

    def __init__(
        self,
        hosts: FalHosts,
        key: Secret | None,
        *,
        name: str = "fal",
        title: str = "fal.ai",
        options: FalOptions | None = None,
    ) -> None:
        self._hosts = hosts
        self._wire = FalWire(hosts, key, title)
        self._prices = FalPrices(self._wire, hosts)
        self._results = FalResults(self._wire, hosts)
        self._sender = FalSender(self._wire, hosts, options or FalOptions(), title)
        self.name, self.title = name, title

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What fal can do."""
        return _CAPABILITIES

    @property
    def media_hosts(self) -> MediaHosts:
        """fal's CDN, the configured hosts, and the configured service itself when it is on this machine."""
        return self._hosts.media_hosts

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """Models from the platform's catalogue, with their prices where those can be had."""
        found = await find_models(self._wire, self._hosts, self.name, query, limit)
        try:
            prices = await self._prices.of([model.id for model in found if not model.retired])
        except ProviderError:
            prices = {}  # a catalogue without prices is of use too; an unknown price is shown as that
        return [with_price(model, prices.get(model.id)) for model in found]

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What a request is expected to cost, by fal's price list and its own reckoning."""
        return await self._prices.estimate(model.strip("/"), inputs)

    async def schema(self, model: str) -> FormSchema | None:
        """The form from the model's OpenAPI document."""
        return await find_schema(self._wire, self._hosts, model)

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. A second domain is tried only when no byte could have reached the first."""
        return await self._sender.send(job)

    async def poll(self, job: Job) -> Progress:
        """The queue's status; unknown words mean it is still going."""
        url = self._request_url(job, "status_url")
        answer = await self._wire.send("GET", url, _ASKING, params={"logs": "1"})
        if not answer.ok:
            raise error_of_question(answer, _ASKING)
        document = answer.document
        status = document.get("status")
        if not isinstance(status, str) or not status:
            raise ProviderError(ErrorKind.TRANSIENT, "the provider's answer names no status")
        return _progress(status.strip().upper(), document)

    async def result(self, job: Job) -> bytes:
        """The model's answer, as it came; from the account's history when the queue has it no more."""
        return await self._results.bring(job, self._request_url(job, "response_url"))

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in the answer, which may stand in an envelope named ``response``, or be the answer itself."""
        return find_files(raw, job, self._hosts)

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it. 202 asked, 400 too late, 404 not there."""
        answer = await self._wire.send("PUT", self._request_url(job, "cancel_url"), "cancelling")
        if answer.status in (400, 404):
            return False
        if not answer.ok:
            raise error_of(answer, "cancelling")
        return True

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Ask the queue where its id was seen, else the account's request history: by the id, or by input and time.

        `known` are the request ids that belong to other jobs. A direct request has no place in the queue: it is
        found when it has ended, with its whole answer. Raises `SeveralFound`.
        """
        direct = self._sender.is_direct(job.model)
        if job.remote_id is not None and not direct and await self._is_queued(job):
            return Submitted(job.remote_id, self._hosts.request_urls(job.model, job.remote_id))
        requests = await find_requests(self._wire, self._hosts, job, known)
        found = [each.answered() if direct else each.queued(self._hosts) for each in requests]
        ended = [each for each in found if each is not None]
        return the_only(ended) if len(ended) == len(found) else None

    async def _is_queued(self, job: Job) -> bool:
        """The queue knows the request; a running one need not be in the history yet."""
        try:
            await self.poll(job)
        except ProviderError:
            return False
        return True

    async def upload_file(self, file: InputFile, progress: Callable[[int], None]) -> Uploaded:
        """Bring an input file to fal's storage, in parts when it is large."""
        return await upload(self._wire, self._hosts, file, progress)

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """The same for bytes in memory; returns the address to use as an input."""
        return (await self.upload_file(InputFile.of(name, content_type, data), lambda count: None)).url

    # -- addresses

    def media_url(self, url: str) -> str:
        """The address itself; at the sandbox's present port when it moved."""
        return self._hosts.present(url)

    async def signed_url(self, url: str) -> str | None:
        """The address of a file on fal's own media hosts, signed for an hour; None for any other address."""
        return await sign(self._wire, self._hosts, url) if self._hosts.is_cdn(url) else None

    def download_headers(self, url: str) -> Mapping[str, str]:
        """None: fal's media are public, and a key must not go to a media host."""
        return {}

    def _request_url(self, job: Job, name: str) -> str:
        """A stored address if it is the provider's own, else rebuilt: the key goes nowhere else."""
        if job.remote_id is None:
            raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
        stored = self._hosts.present(job.urls.get(name, ""))
        return stored if self._hosts.is_own(stored) else self._hosts.request_urls(job.model, job.remote_id)[name]

    async def check(self) -> None:
        """Prove the key with two questions that cost nothing: the catalogue, and a request that nobody made."""
        unknown = self._hosts.request_urls("fal-ai/flux", "00000000-0000-4000-8000-000000000000")["status_url"]
        catalogue = await self._wire.send("GET", f"{self._hosts.api}/models", _CHECKING, params={"limit": "1"})
        queue = catalogue
        if catalogue.status not in _REFUSALS:
            queue = await self._wire.send("GET", unknown, _CHECKING)
        if queue.status in _REFUSALS or 300 <= queue.status < 400 or queue.status >= 500:
            raise error_of(queue, _CHECKING)
        if queue.ok and not queue.document.get("status"):
            raise _refused_behind_200(queue) or not_fal(unknown, "queue", "queue_url")
        is_page = "html" in queue.headers.get("content-type", "")
        if queue.status == 404 and (is_page or catalogue.status == 404):  # fal itself knows no such request
            raise not_fal(unknown, "queue", "queue_url")
        if 300 <= catalogue.status < 400:
            raise error_of(catalogue, _CHECKING)
        if catalogue.ok:
            catalogue_of(catalogue, self._hosts)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


_ASKING = "asking for the status"
_CHECKING = "checking the key"
_REFUSALS = frozenset({401, 402, 403})


def _refused_behind_200(answer: Answer) -> ProviderError | None:
    return error_from_completed(answer.document) if problem_text(answer.document.get("error")) else None


def _progress(status: str, document: Mapping[str, Any]) -> Progress:
    """What a status body says. Failure is COMPLETED with an error; FAILED and CANCELLED are read all the same."""
    logs = _log_lines(document.get("logs"))
    if status == "COMPLETED" and not (document.get("error") or document.get("error_type")):
        return Progress(Phase.SUCCEEDED, fraction=1.0, logs=logs)
    if status in ("COMPLETED", "FAILED", "ERROR"):
        error = error_from_completed(document)
        return Progress(Phase.CANCELLED if error.kind is ErrorKind.CANCELLED else Phase.FAILED, logs=logs, error=error)
    if status in ("CANCELLED", "CANCELED"):
        return Progress(Phase.CANCELLED, logs=logs)
    if status == "IN_QUEUE":
        return Progress(Phase.QUEUED, position=count(document.get("queue_position")), logs=logs)
    return Progress(Phase.RUNNING, fraction=_fraction(document, logs), logs=logs)


def _log_lines(logs: object) -> tuple[str, ...]:
    if not isinstance(logs, list):
        return ()
    lines = (entry.get("message") for entry in logs[-MAX_LOG_LINES:] if isinstance(entry, Mapping))
    return tuple(one_line(line, 400) for line in lines if isinstance(line, str) and line.strip())


def _fraction(document: Mapping[str, Any], logs: Sequence[str]) -> float | None:
    """What the service says itself, else the last percentage in its log (models print progress bars)."""
    said = document.get("progress")
    if (isinstance(said, float) and math.isfinite(said)) or (isinstance(said, int) and not isinstance(said, bool)):
        return float(min(1, max(0, said)))
    for line in reversed(logs[-20:]):
        if found := _PERCENT.findall(line):
            return min(100, int(found[-1])) / 100
    return None
