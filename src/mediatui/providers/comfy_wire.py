"""A ComfyUI server over HTTP: its queue, its history, its files, and the headers of a proxy before it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.exchange import Answer
from mediatui.providers.http import LOOK_FOR_IT, JsonClient, Upload, origin
from mediatui.providers.problems import Service
from mediatui.settings import Secret

SERVICE = Service("comfyui", "ComfyUI", "COMFYUI_API_KEY")

_KINDS = {"jpeg": "jpg", "mpeg": "mp3", "quicktime": "mov", "x-wav": "wav", "wave": "wav", "x-matroska": "mkv"}


class ComfyWire:
    """The connection to one server."""

    def __init__(self, base: str, key: Secret | None, key_header: str, headers: Mapping[str, str]) -> None:
        self.base, self._extra = base.rstrip("/"), dict(headers)
        prefix = "Bearer " if key_header.lower() == "authorization" else ""
        self.http = JsonClient(
            SERVICE, (self.base,), key, lambda k: {key_header: f"{prefix}{k}"}, lost_hint=LOOK_FOR_IT
        )

    async def submit(self, body: object) -> Answer:
        """Send a filled graph, once."""
        return await self.http.submit(f"{self.base}/prompt", body, self._extra)

    async def send(self, method: str, path: str, doing: str, body: object = None) -> Answer:
        """Whatever the server answers at a path of it."""
        return await self.http.send(method, f"{self.base}/{path}", doing, body=body, headers=self._extra)

    async def history(self, name: str) -> Mapping[str, Any] | None:
        """The entry of a job that has ended; None when there is none."""
        document = await self.read(f"history/{segment(name)}", "asking for the status")
        entry = document.get(name)
        return entry if isinstance(entry, Mapping) else None

    async def place(self, name: str) -> int | None:
        """0 when it runs, else its place in the queue from 1; None when it is not there."""
        document = await self.read("queue", "asking for the queue")
        if any(_entry_id(entry) == name for entry in _listed(document.get("queue_running"))):
            return 0
        waiting = sorted(_listed(document.get("queue_pending")), key=_number)
        return next((n for n, entry in enumerate(waiting, 1) if _entry_id(entry) == name), None)

    async def read(self, path: str, doing: str) -> Mapping[str, Any]:
        """The object at a path of the server. Raises `ProviderError`."""
        return (await self.answer(path, doing)).document

    async def answer(self, path: str, doing: str) -> Answer:
        """The good answer at a path of the server. Raises `ProviderError`."""
        answer = await self.send("GET", path, doing)
        if not answer.ok:
            raise self.http.error(answer, doing)
        if not answer.document and answer.body.strip() != b"{}":
            raise ProviderError(ErrorKind.TRANSIENT, f"ComfyUI gave no readable answer while {doing}")
        return answer

    async def upload(self, name: str, content_type: str, data: bytes) -> str:
        """Bring an input file to the server; the same bytes twice are one file there. Returns its name there."""
        kind = content_type.partition(";")[0].rpartition("/")[2].strip().lower()
        suffix = re.sub(r"[^a-z0-9]", "", _KINDS.get(kind, kind))[:8] or "bin"
        stored = f"mediatui-{hashlib.sha256(data).hexdigest()[:20]}.{suffix}"
        body = Upload({"type": "input", "overwrite": "true"}, [("image", stored, content_type, data)])
        doing = "uploading the input"
        document = self.http.accepted(await self.send("POST", "upload/image", doing, body), doing)
        given, folder = document.get("name"), document.get("subfolder")
        if not isinstance(given, str) or not given:
            raise ProviderError(ErrorKind.INTERNAL, "ComfyUI gave no name to the uploaded file")
        return f"{folder}/{given}" if isinstance(folder, str) and folder else given

    def headers(self, url: str) -> dict[str, str]:
        """The proxy's headers and the key, for the server's own addresses only."""
        own = origin(url) == origin(self.base)
        return {**self._extra, **self.http.auth_headers(url)} if own else {}

    def view_address(self, name: str, folder: str, kind: str) -> str:
        """Where a file of the server is downloaded."""
        return f"{self.base}/view?{urlencode({'filename': name, 'subfolder': folder, 'type': kind})}"

    def socket_address(self, client: str) -> str:
        """Where the progress of a client's jobs is told."""
        return f"ws{self.base.removeprefix('http')}/ws?{urlencode({'clientId': client})}"


def segment(text: str) -> str:
    """A text as one part of an address."""
    return quote(text, safe="")


def _listed(value: object) -> list[list[Any]]:
    return [entry for entry in value if isinstance(entry, list)] if isinstance(value, list) else []


def _entry_id(entry: list[Any]) -> object:
    return entry[1] if len(entry) > 1 else None


def _number(entry: list[Any]) -> float:
    first = entry[0] if entry else 0
    return float(first) if isinstance(first, (int, float)) and abs(first) < 2**62 else 0.0
