"""fal.ai's queue over plain HTTP: submit, status, result, cancel, catalogue, schema, reconcile."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.base import (
    Capability,
    FormSchema,
    MediaHosts,
    ModelInfo,
    Output,
    Progress,
    Submitted,
)
from mediatui.providers.discovery import find_outputs
from mediatui.providers.fal_errors import error_from_completed, error_from_response
from mediatui.providers.openapi import form_from_openapi
from mediatui.settings import ProviderSettings, Secret, is_loopback
from mediatui.text import clean_text, one_line

QUEUE_URL = "https://queue.fal.run"
RUN_URL = "https://fal.run"
API_URL = "https://api.fal.ai/v1"
UPLOAD_URL = "https://rest.fal.ai"
SITE_URL = "https://fal.ai"
BACKUPS: Mapping[str, str] = {QUEUE_URL: "https://queue.falrun.com", RUN_URL: "https://falrun.com"}
"""fal's own second domain; used only when nothing could be sent to the first."""

MEDIA_HOSTS = (
    "fal.media",
    "v2.fal.media",
    "v3.fal.media",
    "v3b.fal.media",
    "storage.googleapis.com/falserverless",
)
NAMESPACES = frozenset({"workflows", "comfy"})
"""First parts of model ids that stand before owner and app."""

TIMEOUT = httpx.Timeout(120.0, connect=10.0)
MAX_BODY = 256 << 20
"""A status or result longer than this (bytes) is refused; results may hold data addresses."""

_PERCENT = re.compile(r"(?<!\d)(\d{1,3})(?:\.\d+)?\s?%")
_CLOCK_SKEW = 60.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class FalHosts:
    """fal's base addresses, without a trailing slash."""

    queue: str = QUEUE_URL
    run: str = RUN_URL
    api: str = API_URL
    upload: str = UPLOAD_URL
    media: tuple[str, ...] = ()
    """Media hosts besides fal's own."""
    moved: bool = False
    """Stored addresses name an earlier port of the same loopback service: use today's (the sandbox)."""

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> FalHosts:
        """The configured addresses, fal's own where nothing is said."""

        def base(name: str, default: str) -> str:
            return str(settings.options.get(name, default)).rstrip("/")

        return cls(
            queue=base("queue_url", QUEUE_URL),
            run=base("run_url", RUN_URL),
            api=base("api_url", API_URL),
            upload=base("upload_url", UPLOAD_URL),
            media=settings.media_hosts,
        )


class FalProvider:
    """One fal account, or anything that speaks fal's queue protocol."""

    def __init__(self, hosts: FalHosts, key: Secret | None, *, name: str = "fal", title: str = "fal.ai") -> None:
        self._hosts, self._key = hosts, key
        self.name, self.title = name, title
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=not hosts.moved)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What fal can do."""
        return frozenset(
            {
                Capability.QUEUE,
                Capability.CANCEL,
                Capability.CATALOGUE,
                Capability.SCHEMA,
                Capability.UPLOAD,
                Capability.RECONCILE,
            }
        )

    @property
    def media_hosts(self) -> MediaHosts:
        """fal's CDN, the configured hosts, and the configured service itself when it is on this machine."""
        loopback = [h for h in self._hosts.media if _loopback_pair(h)]
        for base in (self._hosts.queue, self._hosts.run, self._hosts.upload):
            if is_loopback(urlsplit(base).hostname or ""):
                loopback.append(urlsplit(base).netloc.lower())
        names = (*MEDIA_HOSTS, *(h for h in self._hosts.media if not _loopback_pair(h)))
        return MediaHosts(names=names, loopback=tuple(dict.fromkeys(loopback)))

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """Models from the platform's catalogue, active ones first."""
        found: list[ModelInfo] = []
        cursor: str | None = None
        while len(found) < limit:
            params = {"limit": str(min(100, limit - len(found)))}
            if query:
                params["q"] = query
            if cursor:
                params["cursor"] = cursor
            document = await self._get_json(f"{self._hosts.api}/models", params, "reading the model catalogue")
            entries = document.get("models")
            page = [m for m in map(self._model_info, entries if isinstance(entries, list) else []) if m]
            found += page
            cursor = document.get("next_cursor") if document.get("has_more") else None
            if not cursor or not page:
                break
        return found[:limit]

    def _model_info(self, entry: object) -> ModelInfo | None:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("endpoint_id"), str):
            return None
        meta = entry.get("metadata")
        meta = meta if isinstance(meta, Mapping) else {}
        model = one_line(entry["endpoint_id"], 200)
        return ModelInfo(
            id=model,
            name=one_line(meta.get("display_name") or model, 120),
            category=one_line(meta.get("category") or "", 60),
            provider=self.name,
            description=clean_text(meta.get("description") or "", 2000),
            retired=meta.get("status") == "deprecated",
        )

    async def schema(self, model: str) -> FormSchema | None:
        """The form from the model's OpenAPI: by the catalogue, else by the site's own address for it."""
        try:
            params = {"endpoint_id": model, "expand": "openapi-3.0"}
            document = await self._get_json(f"{self._hosts.api}/models", params, "reading the model's inputs")
            entries = document.get("models")
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, Mapping) and (form := form_from_openapi(model, entry.get("openapi"))):
                    return form
        except ProviderError as exc:
            if exc.kind.stops_batch:
                raise
        site = SITE_URL if self._hosts.api == API_URL else _origin(self._hosts.api)
        address = f"{site}/api/openapi/queue/openapi.json"
        try:
            document = await self._get_json(address, {"endpoint_id": model}, "reading the model's inputs", key=False)
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:
                return None
            raise
        return form_from_openapi(model, document)

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Send it once. A second domain is tried only when no byte could have reached the first."""
        path = job.model.strip("/")
        try:
            return await self._submit_to(self._hosts.queue, path, job)
        except _NEVER_SENT as exc:
            backup = BACKUPS.get(self._hosts.queue)
            if backup is None:
                raise _unreachable(self.title, exc) from None
        try:
            return await self._submit_to(backup, path, job)
        except _NEVER_SENT as exc:
            raise _unreachable(self.title, exc) from None

    async def _submit_to(self, base: str, path: str, job: Job) -> Submitted:
        url = f"{base}/{path}"
        body = json.dumps(dict(job.inputs), ensure_ascii=False).encode("utf-8", "replace")
        headers = {**self._auth(url), "Content-Type": "application/json"}
        try:
            response = await self._client.post(url, content=body, headers=headers)
        except _NEVER_SENT:
            raise
        except httpx.HTTPError as exc:
            raise _ambiguous(self.title, type(exc).__name__) from None
        if response.status_code >= 500:
            raise _ambiguous(self.title, f"HTTP {response.status_code}")
        if not response.is_success:
            raise error_from_response(
                response.status_code, response.headers, response.content, doing="sending the request"
            )
        return self._submitted(response, path)

    def _submitted(self, response: httpx.Response, path: str) -> Submitted:
        document = _object(response.content)
        remote_id = document.get("request_id") or response.headers.get("x-fal-request-id")
        if not isinstance(remote_id, str) or not remote_id.strip():
            raise _ambiguous(self.title, "an answer without a request id")
        remote_id = one_line(remote_id, 200)
        names = ("status_url", "response_url", "cancel_url")
        urls = {n: clean_text(document[n]) for n in names if isinstance(document.get(n), str) and document[n]}
        return Submitted(
            remote_id=remote_id,
            urls={**self._rebuilt(path, remote_id), **urls},
            position=_count(document.get("queue_position")),
        )

    async def poll(self, job: Job) -> Progress:
        """The queue's status; unknown words mean it is still going."""
        url = self._request_url(job, "status_url")
        response = await self._request("GET", url, "asking for the status", params={"logs": "1"})
        document = _object(response.content)
        status = str(document.get("status") or "").upper()
        logs = _log_lines(document.get("logs"))
        if status == "COMPLETED":
            if document.get("error") or document.get("error_type"):
                error = error_from_completed(document)
                phase = Phase.CANCELLED if error.kind is ErrorKind.CANCELLED else Phase.FAILED
                return Progress(phase, logs=logs, error=error)
            return Progress(Phase.SUCCEEDED, fraction=1.0, logs=logs)
        if status in ("FAILED", "ERROR"):
            return Progress(Phase.FAILED, logs=logs, error=error_from_completed(document))
        if status in ("CANCELLED", "CANCELED"):
            return Progress(Phase.CANCELLED, logs=logs)
        if status == "IN_QUEUE":
            return Progress(Phase.QUEUED, position=_count(document.get("queue_position")), logs=logs)
        return Progress(Phase.RUNNING, fraction=_fraction(document, logs), logs=logs)

    async def result(self, job: Job) -> bytes:
        """The model's answer, unparsed. 400 "still in progress" is transient."""
        url = self._request_url(job, "response_url")
        response = await self._send("GET", url, "fetching the result")
        if response.is_success:
            return response.content
        error = error_from_response(
            response.status_code, response.headers, response.content, doing="fetching the result"
        )
        if response.status_code == 400 and "in progress" in error.message.lower():
            raise ProviderError(ErrorKind.TRANSIENT, error.message, status=400)
        if error.kind is ErrorKind.NOT_FOUND:
            raise ProviderError(
                ErrorKind.EXPIRED,
                "the provider no longer has the result of this request",
                hint="Results are kept for minutes to days; the request id is in the job's details.",
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
        response = await self._send("PUT", self._request_url(job, "cancel_url"), "cancelling")
        if response.status_code in (400, 404):
            return False
        if not response.is_success:
            raise error_from_response(response.status_code, response.headers, response.content, doing="cancelling")
        return True

    async def reconcile(self, job: Job) -> Submitted | None:
        """Look in the account's request history for one with the same input, sent at that time."""
        since = (job.submitted_at or job.created_at) - _CLOCK_SKEW
        params = {
            "endpoint_id": job.model,
            "start": datetime.fromtimestamp(since, UTC).isoformat().replace("+00:00", "Z"),
            "expand": "payloads",
            "limit": "100",
        }
        address = f"{self._hosts.api}/models/requests/by-endpoint"
        document = await self._get_json(address, params, "looking for the request")
        items = document.get("items")
        matches = [
            entry["request_id"]
            for entry in (items if isinstance(items, list) else [])
            if isinstance(entry, Mapping)
            and isinstance(entry.get("request_id"), str)
            and entry.get("json_input") == dict(job.inputs)
            and _sent_at(entry) >= since
        ]
        if len(matches) != 1:
            return None
        remote_id = one_line(matches[0], 200)
        return Submitted(remote_id=remote_id, urls=self._rebuilt(job.model.strip("/"), remote_id))

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the provider's storage; returns the address to use as an input."""
        url = f"{self._hosts.upload}/storage/upload/initiate?storage_type=fal-cdn-v3"
        body = json.dumps({"file_name": one_line(name, 120), "content_type": content_type}).encode()
        response = await self._request("POST", url, "uploading the input", content=body)
        document = _object(response.content)
        target, address = document.get("upload_url"), document.get("file_url")
        if not isinstance(target, str) or not isinstance(address, str):
            raise ProviderError(ErrorKind.INTERNAL, "the provider gave no address to upload to")
        # The upload address is signed and may be on another host: no key goes with it.
        put = await self._send("PUT", target, "uploading the input", content=data, key=False, kind=content_type)
        if not put.is_success:
            raise error_from_response(put.status_code, put.headers, put.content, doing="uploading the input")
        return address

    def media_url(self, url: str) -> str:
        """The address itself; at the sandbox's present port when it moved."""
        return self._present(url)

    def download_headers(self, url: str) -> Mapping[str, str]:
        """None: fal's media are public, and a key must not go to a media host."""
        return {}

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    # -- addresses

    def _rebuilt(self, model: str, remote_id: str) -> dict[str, str]:
        """The request's addresses from its id: owner and app only, with a namespace before them."""
        parts = model.split("/")
        keep = 3 if parts[0] in NAMESPACES else 2
        base = f"{self._hosts.queue}/{'/'.join(parts[:keep])}/requests/{remote_id}"
        return {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}

    def _request_url(self, job: Job, name: str) -> str:
        """A stored address if it is the provider's own, else rebuilt: the key goes nowhere else."""
        if job.remote_id is None:
            raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
        stored = self._present(job.urls.get(name, ""))
        if stored and self._is_own(stored):
            return stored
        return self._rebuilt(job.model.strip("/"), job.remote_id)[name]

    def _is_own(self, url: str) -> bool:
        own = {self._hosts.queue, self._hosts.run, self._hosts.api, self._hosts.upload}
        own |= {backup for base, backup in BACKUPS.items() if base in own}
        return _origin(url) in {_origin(base) for base in own}

    def _present(self, url: str) -> str:
        if not self._hosts.moved or not url:
            return url
        parts = urlsplit(url)
        if not is_loopback(parts.hostname or ""):
            return url
        now = urlsplit(self._hosts.queue)
        return urlunsplit((now.scheme, now.netloc, parts.path, parts.query, parts.fragment))

    def _auth(self, url: str) -> dict[str, str]:
        if self._key and self._is_own(url):
            return {"Authorization": f"Key {self._key.reveal()}"}
        return {}

    # -- wire

    async def _get_json(
        self, url: str, params: Mapping[str, str], doing: str, *, key: bool = True
    ) -> Mapping[str, Any]:
        response = await self._request("GET", url, doing, params=params, key=key)
        return _object(response.content)

    async def _request(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        key: bool = True,
    ) -> httpx.Response:
        response = await self._send(method, url, doing, params=params, content=content, key=key)
        if not response.is_success:
            raise error_from_response(response.status_code, response.headers, response.content, doing=doing)
        return response

    async def _send(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        key: bool = True,
        kind: str = "application/json",
    ) -> httpx.Response:
        headers = self._auth(url) if key else {}
        if content is not None:
            headers["Content-Type"] = kind
        try:
            # `params` replaces an address's own query in httpx; merge instead.
            target = httpx.URL(url).copy_merge_params(dict(params)) if params else httpx.URL(url)
            response = await self._client.request(method, target, headers=headers, content=content)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as exc:
            raise ProviderError(
                ErrorKind.TRANSIENT, f"{self.title} could not be reached while {doing} ({type(exc).__name__})"
            ) from None
        if len(response.content) > MAX_BODY:
            raise ProviderError(ErrorKind.INTERNAL, f"the answer while {doing} is too large")
        return response


def expected_type(category: str) -> MediaType | None:
    """The type of media a model category such as ``text-to-video`` makes."""
    return ModelInfo(id="", name="", category=category, provider="").makes


def _ambiguous(title: str, why: str) -> ProviderError:
    return ProviderError(
        ErrorKind.AMBIGUOUS_SUBMIT,
        f"{title} gave no clear answer to the request ({why}); it may have been accepted and billed",
        hint="It is not sent again by itself. Press r in the jobs screen (or `mediatui jobs retry`) to look for it.",
    )


def _unreachable(title: str, exc: Exception) -> ProviderError:
    return ProviderError(
        ErrorKind.TRANSIENT,
        f"{title} could not be reached ({type(exc).__name__}); nothing was sent",
        hint="Check the network, then generate again.",
    )


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    default = {"https": 443, "http": 80}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port or default}"


def _loopback_pair(host: str) -> bool:
    return is_loopback(urlsplit(f"//{host}").hostname or "")


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _log_lines(logs: object) -> tuple[str, ...]:
    if not isinstance(logs, list):
        return ()
    lines = (entry.get("message") for entry in logs[-200:] if isinstance(entry, Mapping))
    return tuple(one_line(line, 400) for line in lines if isinstance(line, str) and line.strip())


def _fraction(document: Mapping[str, Any], logs: Sequence[str]) -> float | None:
    """What the service says itself, else the last percentage in its log (models print progress bars)."""
    said = document.get("progress")
    if isinstance(said, (int, float)) and not isinstance(said, bool) and math.isfinite(said):
        return min(1.0, max(0.0, float(said)))
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
