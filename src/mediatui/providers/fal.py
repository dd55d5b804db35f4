"""fal.ai's queue over plain HTTP: submit once, ask for status and result, cancel, find a lost request."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, Phase
from mediatui.providers.base import Capability, FormSchema, MediaHosts, ModelInfo, Output, Progress, Submitted
from mediatui.providers.discovery import find_outputs
from mediatui.providers.fal_catalogue import find_models, find_schema
from mediatui.providers.fal_errors import error_from_completed
from mediatui.providers.fal_hosts import FalHosts, is_model_id
from mediatui.providers.fal_wire import NEVER_SENT, Answer, FalWire
from mediatui.settings import Secret
from mediatui.text import clean_text, one_line

__all__ = ["FalHosts", "FalProvider"]

MAX_LOG_LINES = 200

_PERCENT = re.compile(r"(?<!\d)(\d{1,3})(?:\.\d+)?\s?%")
_AMBIGUOUS_STATUSES = frozenset({408, 499})
"""Besides 5xx: answers to a submit after which it may be in the queue all the same."""
_CLOCK_SKEW = 60.0
_LONGEST_SUBMIT = 900.0
"""Seconds after a submit began within which the service must have counted it as sent."""
_CAPABILITIES = frozenset(
    {
        Capability.QUEUE,
        Capability.CANCEL,
        Capability.CATALOGUE,
        Capability.SCHEMA,
        Capability.UPLOAD,
        Capability.RECONCILE,
        Capability.REFRESH_URL,
    }
)


class FalProvider:
    """One fal account, or anything that speaks fal's queue protocol."""

    def __init__(self, hosts: FalHosts, key: Secret | None, *, name: str = "fal", title: str = "fal.ai") -> None:
        self._hosts = hosts
        self._wire = FalWire(hosts, key, title)
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
        """Models from the platform's catalogue."""
        return await find_models(self._wire, self._hosts, self.name, query, limit)

    async def schema(self, model: str) -> FormSchema | None:
        """The form from the model's OpenAPI document."""
        return await find_schema(self._wire, self._hosts, model)

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. A second domain is tried only when no byte could have reached the first."""
        path = job.model.strip("/")
        if not is_model_id(path):
            raise ProviderError(ErrorKind.NOT_FOUND, f"{job.model!r} is no model id; nothing was sent", hint=_WHICH)
        body = json.dumps(dict(job.inputs), ensure_ascii=False).encode("utf-8", "replace")
        answer = await self._offer(path, body)
        if answer.status >= 500 or answer.status in _AMBIGUOUS_STATUSES:
            raise self._ambiguous(f"HTTP {answer.status}")
        if not answer.ok:
            error = answer.error("sending the request")
            if error.kind is ErrorKind.NOT_FOUND:
                raise ProviderError(error.kind, error.message, hint=_WHICH, code=error.code, status=error.status)
            raise error
        return self._submitted(answer, path)

    async def _offer(self, path: str, body: bytes) -> Answer:
        bases = [base for base in (self._hosts.queue, self._hosts.backup) if base]
        failure: Exception | None = None
        for base in bases:
            try:
                return await self._wire.post_once(f"{base}/{path}", body)
            except NEVER_SENT as exc:
                failure = exc
            except httpx.HTTPError as exc:
                raise self._ambiguous(type(exc).__name__) from None
        raise ProviderError(
            ErrorKind.TRANSIENT,
            f"{self.title} could not be reached ({type(failure).__name__}); nothing was sent",
            hint="Check the network, then generate again.",
        )

    def _submitted(self, answer: Answer, path: str) -> Submitted:
        document = answer.document
        remote_id = document.get("request_id") or answer.headers.get("x-fal-request-id")
        if not isinstance(remote_id, str) or not (remote_id := one_line(remote_id, 200)):
            raise self._ambiguous("an answer without a request id")
        names = ("status_url", "response_url", "cancel_url")
        urls = {n: clean_text(document[n]) for n in names if isinstance(document.get(n), str) and document[n]}
        return Submitted(
            remote_id=remote_id,
            urls={**self._hosts.request_urls(path, remote_id), **urls},
            position=_count(document.get("queue_position")),
        )

    def _ambiguous(self, why: str) -> ProviderError:
        return ProviderError(
            ErrorKind.AMBIGUOUS_SUBMIT,
            f"{self.title} gave no clear answer to the request ({why}); it may have been accepted and billed",
            hint="It is looked for at the provider and never sent again by itself; r looks once more.",
        )

    async def poll(self, job: Job) -> Progress:
        """The queue's status; unknown words mean it is still going."""
        url = self._request_url(job, "status_url")
        document = (await self._wire.request("GET", url, "asking for the status", params={"logs": "1"})).document
        status = document.get("status")
        if not isinstance(status, str) or not status:
            raise ProviderError(ErrorKind.TRANSIENT, "the provider's answer names no status")
        return _progress(status.upper(), document)

    async def result(self, job: Job) -> bytes:
        """The model's answer, unparsed. "Still in progress", and what is no JSON, are transient."""
        doing = "fetching the result"
        answer = await self._wire.send("GET", self._request_url(job, "response_url"), doing)
        if answer.ok and _looks_like_json(answer.body):
            return answer.body
        if answer.ok:
            raise ProviderError(ErrorKind.TRANSIENT, "the provider answered something else than a result")
        error = answer.error(doing)
        if answer.status == 400 and "in progress" in error.message.lower():
            raise ProviderError(ErrorKind.TRANSIENT, error.message, status=400)
        if error.kind in (ErrorKind.NOT_FOUND, ErrorKind.EXPIRED):
            raise ProviderError(
                ErrorKind.EXPIRED,
                "the provider no longer has the result of this request",
                hint="Results are kept for minutes to days; the request id is in the job's details.",
                code=error.code,
                status=error.status,
            )
        raise error

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in the answer, which may stand in an envelope named ``response``."""
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            raise ProviderError(ErrorKind.INTERNAL, "the provider's result is not JSON") from None
        if isinstance(document, dict) and isinstance(document.get("response"), (dict, list)):
            document = document["response"]
        return find_outputs(document, job.inputs, job.type)

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it. 202 asked, 400 too late, 404 not there."""
        answer = await self._wire.send("PUT", self._request_url(job, "cancel_url"), "cancelling")
        if answer.status in (400, 404):
            return False
        if not answer.ok:
            raise answer.error("cancelling")
        return True

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Look in the account's request history for the one with the same input, sent at that time.

        `known` are the request ids that belong to other jobs. None when there is none, or more than one.
        """
        began = job.submitted_at or job.created_at
        params = {
            "endpoint_id": job.model.strip("/"),
            "start": datetime.fromtimestamp(began - _CLOCK_SKEW, UTC).isoformat().replace("+00:00", "Z"),
            "expand": "payloads",
            "limit": "100",
        }
        address = f"{self._hosts.api}/models/requests/by-endpoint"
        document = (await self._wire.request("GET", address, "looking for the request", params=params)).document
        items = document.get("items")
        matches = {
            one_line(entry["request_id"], 200)
            for entry in (items if isinstance(items, list) else ())
            if isinstance(entry, Mapping)
            and isinstance(entry.get("request_id"), str)
            and entry.get("json_input") == dict(job.inputs)
            and began - _CLOCK_SKEW <= _sent_at(entry) <= began + _LONGEST_SUBMIT
        }
        left = matches - set(known)
        if len(left) != 1:
            return None
        remote_id = left.pop()
        return Submitted(remote_id=remote_id, urls=self._hosts.request_urls(job.model, remote_id))

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the provider's storage; returns the address to use as an input."""
        doing = "uploading the input"
        url = f"{self._hosts.upload}/storage/upload/initiate?storage_type=fal-cdn-v3"
        body = json.dumps({"file_name": one_line(name, 120), "content_type": content_type}).encode()
        document = (await self._wire.request("POST", url, doing, content=body)).document
        target, address = document.get("upload_url"), document.get("file_url")
        if not isinstance(target, str) or not isinstance(address, str):
            raise ProviderError(ErrorKind.INTERNAL, "the provider gave no address to upload to")
        # The upload address is signed and may be on another host: no key goes with it.
        put = await self._wire.send("PUT", target, doing, content=data, key=False, kind=content_type)
        if not put.ok:
            raise put.error(doing)
        return address

    # -- addresses

    def media_url(self, url: str) -> str:
        """The address itself; at the sandbox's present port when it moved."""
        return self._hosts.present(url)

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
        if queue.status in _REFUSALS or queue.status >= 500:
            raise queue.error(_CHECKING)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


_CHECKING = "checking the key"
_REFUSALS = frozenset({401, 403})
_WHICH = "Check the model's id; `mediatui models` lists what there is."


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
        return Progress(Phase.QUEUED, position=_count(document.get("queue_position")), logs=logs)
    return Progress(Phase.RUNNING, fraction=_fraction(document, logs), logs=logs)


def _looks_like_json(body: bytes) -> bool:
    """Whole enough to be written down as the answer; parsing comes later."""
    text = body.strip()
    return bool(text) and text[:1] in b'{["' and text[-1:] in b'}]"'


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None


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


def _sent_at(entry: Mapping[str, Any]) -> float:
    for name in ("sent_at", "started_at", "ended_at"):
        value = entry.get(name)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()
            except (ValueError, OverflowError):
                continue
    return 0.0
