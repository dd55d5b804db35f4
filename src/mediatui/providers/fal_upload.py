"""Bring an input file to fal's storage: ask where to, PUT the bytes, in parts when there are many.

Asking and sending may be repeated: nothing here costs anything, and an upload nobody uses is removed by fal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import now
from mediatui.providers.base import InputFile, Uploaded
from mediatui.providers.exchange import Answer
from mediatui.providers.fal_hosts import FalHosts, may_take_files, origin
from mediatui.providers.fal_wire import FalWire, error_of
from mediatui.text import one_line

T = TypeVar("T")
Progress = Callable[[int], None]

WHOLE_BYTES = 90 << 20
"""A larger file goes in parts, as fal's JavaScript client does it."""
PART_BYTES = 10 << 20
PIECE_BYTES = 1 << 18
PAUSES = (0.5, 2.0, 5.0)
"""Seconds before each further attempt at a step that failed for a reason that may pass."""
GOOD_SECONDS = 86_400.0
"""An uploaded file is used again within a day; fal keeps it for seven at least."""
_DOING = "uploading the input"
_REFUSALS = frozenset({400, 401, 402, 403, 404, 410})


async def upload(wire: FalWire, hosts: FalHosts, file: InputFile, progress: Progress) -> Uploaded:
    """Upload a file; `progress` hears how many of its bytes are there. Raises `ProviderError`."""
    try:
        return await _upload(wire, hosts, file, progress)
    except _Refused:  # an address to upload to is good for a while only
        return await _upload(wire, hosts, file, progress)


class _Refused(ProviderError):
    """The address to upload to takes nothing, or no more."""


async def _upload(wire: FalWire, hosts: FalHosts, file: InputFile, progress: Progress) -> Uploaded:
    many = file.size > WHOLE_BYTES
    target, address = await _initiate(wire, hosts, file, many=many)
    began = now()
    if many:
        await _send_parts(wire, target, file, progress)
    else:
        await _patiently(lambda: _put(wire, target, file, 0, file.size, progress))
    return Uploaded(address, began + GOOD_SECONDS)


async def _initiate(wire: FalWire, hosts: FalHosts, file: InputFile, *, many: bool) -> tuple[str, str]:
    url = f"{hosts.upload}/storage/upload/{'initiate-multipart' if many else 'initiate'}"
    body = json.dumps({"file_name": one_line(file.name, 120), "content_type": file.content_type}).encode()
    params = {"storage_type": "fal-cdn-v3"}
    answer = await _patiently(lambda: wire.request("POST", url, _DOING, params=params, content=body))
    target, address = answer.document.get("upload_url"), answer.document.get("file_url")
    if not isinstance(target, str) or not isinstance(address, str) or not origin(address):
        raise ProviderError(ErrorKind.INTERNAL, "the provider gave no address to upload to")
    if not may_take_files(target, hosts.upload):
        raise ProviderError(ErrorKind.INTERNAL, "the provider's address to upload to is not an https address")
    return target, one_line(address, 4000)


async def _send_parts(wire: FalWire, target: str, file: InputFile, progress: Progress) -> None:
    parts: list[Mapping[str, Any]] = []
    for number, start in enumerate(range(0, file.size, PART_BYTES), start=1):
        count = min(PART_BYTES, file.size - start)
        place = _below(target, str(number))
        answer = await _patiently(partial(_put, wire, place, file, start, count, progress))
        parts.append({"partNumber": number, "etag": _tag(answer)})
    body = json.dumps({"parts": parts}).encode()
    await _patiently(lambda: _accepted(wire, "POST", _below(target, "complete"), content=body))


def _below(target: str, name: str) -> str:
    """A path below the upload address, with the same query: that is where its signature stands."""
    parts = urlsplit(target)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _tag(answer: Answer) -> str:
    said = answer.document.get("etag") or answer.headers.get("etag", "")
    if not isinstance(said, str) or not said:
        raise ProviderError(ErrorKind.INTERNAL, "the provider did not acknowledge a part of the upload")
    return said


async def _put(wire: FalWire, target: str, file: InputFile, start: int, count: int, progress: Progress) -> Answer:
    async def pieces() -> AsyncIterator[bytes]:
        at = start
        while at < start + count:
            piece = await asyncio.to_thread(file.read, at, min(PIECE_BYTES, start + count - at))
            yield piece
            at += len(piece)
            progress(at)

    return await _accepted(wire, "PUT", target, content=pieces(), kind=file.content_type, length=count)


async def _accepted(wire: FalWire, method: str, target: str, **what: Any) -> Answer:
    # The upload address is signed and may be on another host: no key goes with it.
    answer = await wire.send(method, target, _DOING, key=False, **what)
    if not answer.ok:
        error = error_of(answer, _DOING)
        if answer.status in _REFUSALS:  # no key was sent there: it refuses this one address
            raise _Refused(ErrorKind.INTERNAL, error.message, code=error.code, status=error.status)
        raise error
    return answer


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Do a step that may be repeated, again where that can help. Raises `ProviderError`."""
    for pause in PAUSES:
        try:
            return await step()
        except ProviderError as exc:
            if not exc.kind.retry_read:
                raise
            await asyncio.sleep(max(pause, min(exc.retry_after or 0.0, 30.0)))
    return await step()
