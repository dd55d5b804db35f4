"""A ComfyUI server: the user's graphs as models, our own prompt id, progress by websocket or polling, `/view` files."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job, Phase
from mediatui.providers.answers import identifier, mapping, parse_object
from mediatui.providers.base import (
    Capability,
    FieldKind,
    FormSchema,
    MediaHosts,
    ModelInfo,
    Output,
    Progress,
    Submitted,
)
from mediatui.providers.comfy_answers import find_files, progress_of, refusal, was_cached
from mediatui.providers.comfy_graph import Template, fill, seed_for, values_for
from mediatui.providers.comfy_socket import ProgressSockets
from mediatui.providers.comfy_wire import ComfyWire, segment
from mediatui.providers.comfy_workflows import Workflows
from mediatui.providers.discovery import decode_data_address
from mediatui.providers.exchange import Answer
from mediatui.providers.http import media_hosts
from mediatui.providers.plain import cancelled
from mediatui.settings import ProviderSettings, Secret

BASE_URL = "http://127.0.0.1:8188"
SETTINGS = frozenset({"base_url", "workflows", "headers", "key_header"})
"""Its own names in the configuration."""

KEY_VARIABLES = ("COMFYUI_API_KEY",)
"""For a proxy before the server; ComfyUI itself knows no key."""

_PROMPTS = uuid.UUID("6e0f52b4-7c1b-4a60-9a52-93c1b3f3a1d7")
"""Name space of our prompt ids."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")


def prompt_id(job: Job) -> str:
    """The id a job is sent with: the same each time, so that a submit without an answer can be looked for."""
    return str(uuid.uuid5(_PROMPTS, job.id))


class ComfyProvider:
    """One ComfyUI server and one folder of graphs."""

    name = "comfyui"
    title = "ComfyUI"

    def __init__(
        self,
        base: str,
        workflows: Path | None,
        key: Secret | None = None,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        media: tuple[str, ...] = (),
    ) -> None:
        self._media = media
        self._wire = wire = ComfyWire(base, key, key_header, headers or {})
        self._http = wire.http
        self._workflows = Workflows(workflows, wire)
        self._sockets = ProgressSockets(wire.socket_address, lambda: wire.headers(wire.base))
        self._partial: dict[str, str] = {}

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> ComfyProvider:
        """As configured: ``base_url``, ``workflows`` (a folder), ``key_header`` and ``headers`` for a proxy.

        Raises `UsageError` for settings that are not understood.
        """
        options, place = settings.options, f"providers.{settings.name}"
        folder = options.get("workflows")
        if folder is not None and (not isinstance(folder, str) or not Path(folder).expanduser().is_absolute()):
            raise UsageError(f"{place}.workflows must be the whole path of a folder, or begin with ~")
        headers = options.get("headers", {})
        if not isinstance(headers, Mapping) or not all(_is_header(n, v) for n, v in headers.items()):
            raise UsageError(f"{place}.headers must be a table of header names and values")
        key_header = options.get("key_header", "Authorization")
        if not isinstance(key_header, str) or not _HEADER_NAME.fullmatch(key_header):
            raise UsageError(f"{place}.key_header must be the name of a header")
        return cls(
            str(options.get("base_url", BASE_URL)),
            Path(folder).expanduser() if folder else None,
            settings.resolve_key(),
            key_header=key_header,
            headers=headers,
            media=settings.media_hosts,
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All but a price."""
        return frozenset(
            {
                Capability.QUEUE,
                Capability.CANCEL,
                Capability.STREAM,
                Capability.UPLOAD,
                Capability.OWN_FILES,
                Capability.CATALOGUE,
                Capability.SCHEMA,
                Capability.RECONCILE,
                Capability.REFRESH_URL,
            }
        )

    @property
    def media_hosts(self) -> MediaHosts:
        """The configured server, wherever it stands, and the configured hosts."""
        parts = urlsplit(self._wire.base)
        found = media_hosts([parts.hostname or ""], self._media, (self._wire.base,))
        port = parts.port or (443 if parts.scheme == "https" else 80)
        # Naming the server in the configuration is what permits its private address.
        own = (f"{(parts.hostname or '').lower()}:{port}",)
        return replace(found, loopback=tuple(dict.fromkeys((*found.loopback, *own))))

    # -- catalogue

    async def models(self, query: str = "", limit: int = 200) -> Sequence[ModelInfo]:
        """The graphs in the folder; one that cannot be used is listed with the reason."""
        return await self._workflows.models(query, limit)

    async def schema(self, model: str) -> FormSchema | None:
        """The graph's placeholders; the values of a choice without values come from the server."""
        return await self._workflows.schema(model)

    # -- one request

    async def submit(self, job: Job) -> Submitted:
        """Bring the media inputs to the server, then send the filled graph, once, under our own prompt id."""
        template = await self._workflows.template(job.model)
        values = values_for(template, job.inputs, seed_for(job.id))
        for place in template.placeholders:
            if place.kind is FieldKind.MEDIA:
                values[place.name] = await self._brought(place.name, str(values[place.name]))
        own = prompt_id(job)
        body = {"prompt": fill(template, values), "prompt_id": own, "client_id": own}
        answer = await self._wire.submit(body)
        return self._submitted(answer, template)

    def _submitted(self, answer: Answer, template: Template) -> Submitted:
        if answer.status == 400 and ("node_errors" in answer.document or "error" in answer.document):
            raise refusal(answer.document, template)
        self._http.check_submit(answer)
        found = identifier(answer.document.get("prompt_id"))
        if not found or found != str(answer.document["prompt_id"]):
            raise self._http.ambiguous("an answer without a prompt id that can be asked for")
        if mapping(answer.document.get("node_errors")):
            self._partial[found] = f"only a part of the workflow runs: {refusal(answer.document, template).message}"
        return Submitted(remote_id=found)

    async def _brought(self, name: str, value: str) -> str:
        """The server's name of an input file; what is no address is one already."""
        if value.startswith(("http://", "https://")):
            raise ProviderError(
                ErrorKind.INVALID_INPUT,
                f"{name}: ComfyUI takes files, not web addresses",
                hint="Download it and give the local file.",
                fields={name: "download it first"},
            )
        if not value.startswith("data:"):
            return value
        decoded = decode_data_address(value)
        if decoded is None or not decoded[1]:
            raise ProviderError(ErrorKind.INVALID_INPUT, f"{name} cannot be read", fields={name: "unreadable"})
        return await self.upload(name, decoded[0] or "application/octet-stream", decoded[1])

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the server. Returns its name there."""
        return await self._wire.upload(name, content_type, data)

    async def poll(self, job: Job) -> Progress:
        """The history, else the place in the queue. NOT_FOUND when it is in neither, twice looked."""
        name = _known(job)
        entry = await self._wire.history(name)
        if entry is None:
            place = await self._wire.place(name)
            if place is not None:
                return self._waiting(job, name, place)
            entry = await self._wire.history(name)  # it may have ended between the two questions
        await self._sockets.stop(prompt_id(job))
        if entry is None:
            raise ProviderError(ErrorKind.NOT_FOUND, "ComfyUI has this job neither in its queue nor in its history")
        partial = self._partial.get(name)
        return replace(progress_of(entry), logs=(partial,) if partial else ())

    def _waiting(self, job: Job, name: str, place: int) -> Progress:
        logs = [self._partial[name]] if name in self._partial else []
        if place > 0:
            return Progress(Phase.QUEUED, position=place - 1, logs=tuple(logs))
        seen = self._sockets.watch(prompt_id(job), name)
        logs += [f"running node {seen.node}"] if seen.node else []
        return Progress(Phase.RUNNING, fraction=seen.fraction, logs=tuple(logs))

    async def result(self, job: Job) -> bytes:
        """The history entry, unparsed. EXPIRED when the server forgot it (it does when it restarts)."""
        name = _known(job)
        answer = await self._wire.answer(f"history/{segment(name)}", "fetching the result")
        entry = answer.document.get(name)
        if not isinstance(entry, Mapping):
            raise ProviderError(
                ErrorKind.EXPIRED,
                "ComfyUI no longer has this job in its history",
                hint="Its files may still be in the server's output folder.",
            )
        ended = progress_of(entry)
        if ended.phase is not Phase.SUCCEEDED:
            raise ended.error or cancelled(self.title)
        return answer.body

    def outputs(self, job: Job, raw: bytes) -> Sequence[Output]:
        """The files in a history entry; previews only when nothing else came."""
        document = parse_object(raw)
        held = (document.get(job.remote_id or ""), *document.values())
        entry = next((e for e in held if isinstance(e, Mapping) and "outputs" in e), None)
        if entry is None:
            raise ProviderError(ErrorKind.INTERNAL, "ComfyUI's answer holds no history entry")
        files = find_files(entry, self._wire.view_address)
        if not files and was_cached(entry):
            message = "ComfyUI had made exactly this before, ran nothing and names no file; give another seed"
            raise ProviderError(ErrorKind.UNSUPPORTED, message)
        return files

    async def cancel(self, job: Job) -> bool:
        """Ask to stop it: by its own address, and on servers that have none, out of the queue or by interrupting."""
        name = _known(job)
        path = f"api/jobs/{segment(name)}/cancel"
        answer = await self._wire.send("POST", path, "cancelling", {})
        if answer.ok:
            return answer.document.get("cancelled") is not False
        if answer.status not in (404, 405):
            raise self._http.error(answer, "cancelling")
        place = await self._wire.place(name)
        if place is None:
            return False
        # Older servers interrupt whatever runs: only when that is ours.
        path, body = ("interrupt", {"prompt_id": name}) if place == 0 else ("queue", {"delete": [name]})
        answer = await self._wire.send("POST", path, "cancelling", body)
        if not answer.ok:
            raise self._http.error(answer, "cancelling")
        return True

    async def reconcile(self, job: Job, known: Collection[str] = ()) -> Submitted | None:
        """Look for our prompt id in the queue and the history."""
        name = prompt_id(job)
        place = await self._wire.place(name)
        if place is not None:
            return Submitted(remote_id=name, phase=Phase.RUNNING if place == 0 else Phase.QUEUED)
        return Submitted(remote_id=name, phase=Phase.RUNNING) if await self._wire.history(name) is not None else None

    def media_url(self, url: str) -> str:
        """The address itself."""
        return url

    def download_headers(self, url: str) -> Mapping[str, str]:
        """The proxy's headers, for the server's own files only."""
        return self._wire.headers(url)

    async def check(self) -> None:
        """See that the server is there and lets us in."""
        doing = "checking the server"
        answer = await self._wire.send("GET", "system_stats", doing)
        if answer.status == 404:  # a proxy may let through only what jobs need
            answer = await self._wire.send("GET", "queue", doing)
        if answer.status == 404:
            raise self._http.not_there(404)
        self._http.check_content(self._http.accepted(answer, doing))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sockets.aclose()
        await self._http.aclose()


def _known(job: Job) -> str:
    if job.remote_id is None:
        raise ProviderError(ErrorKind.AMBIGUOUS_SUBMIT, "this request has no id to ask for")
    return job.remote_id


def _is_header(name: object, value: object) -> bool:
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return plain and isinstance(name, str) and _HEADER_NAME.fullmatch(name) is not None
