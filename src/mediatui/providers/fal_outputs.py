"""What fal's answers hold: the files in a model's own answer, in an envelope, or the file itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.providers.answers import is_address, mapping, parse_result
from mediatui.providers.base import Delivery, Output
from mediatui.providers.discovery import MAX_OUTPUTS, find_outputs, media_by_bytes, media_type
from mediatui.providers.fal_errors import error_from_completed
from mediatui.providers.fal_hosts import FalHosts

_QUOTED = re.compile(r'"(https?:(?:[^"\\\s]|\\/){1,8000})"', re.IGNORECASE)
_HANDLE = ("status_url", "response_url", "cancel_url")
"""The request's own addresses, which some answers repeat."""


def find_files(raw: bytes, job: Job, hosts: FalHosts) -> Sequence[Output]:
    """The files in an answer, in order. Raises `ProviderError` for what is no JSON, or says only what went wrong."""
    if (media := media_by_bytes(raw[:64])) is not None:
        role = "clip" if media is MediaType.VIDEO else media.value
        return (Output(0, "answer", role, media, Delivery.INLINE, data=raw, size=len(raw)),)
    # What says nothing of its type is better saved under a wrong name than lost: saving looks into the bytes.
    expected = job.type or MediaType.IMAGE
    try:
        document = _opened(parse_result(raw), job, expected, hosts)
    except ProviderError:
        if found := _anywhere(_quoted(raw), job, expected, hosts):
            return found
        raise
    found = _anywhere(document, job, expected, hosts)
    if not found and (said := _refusal_in(document)):
        raise ProviderError(ErrorKind.UNSUPPORTED, f"the result holds no picture, video or sound, but says: {said}")
    return found


def _anywhere(document: object, job: Job, expected: MediaType, hosts: FalHosts) -> Sequence[Output]:
    """What is a file's address by its name, or by its look under whatever name it stands."""
    return find_outputs(document, job.inputs, expected, anywhere=lambda value: _is_media(value, hosts))


def _quoted(raw: bytes) -> list[str]:
    """The addresses in an answer that was cut off, or is nested too deeply to be read."""
    text = raw.decode("utf-8", "replace")
    return [found[1].replace("\\/", "/") for found in islice(_QUOTED.finditer(text), MAX_OUTPUTS)]


def _opened(document: Any, job: Job, expected: MediaType, hosts: FalHosts) -> Any:
    """The answer without its envelope. A model may call something of its own ``response``: then files lie beside it."""
    if not isinstance(document, Mapping):
        return document
    document = {name: value for name, value in document.items() if name not in _HANDLE}
    inner = document.get("response")
    if not isinstance(inner, (dict, list)):
        return document
    beside = {name: value for name, value in document.items() if name != "response"}
    return document if _anywhere(beside, job, expected, hosts) else inner


def _is_media(value: object, hosts: FalHosts) -> bool:
    """An address, under whatever name, that is a file by its ending or by its host."""
    if not isinstance(value, str) or not is_address(value):
        return False
    if value[:5].lower() == "data:":
        return True
    known = media_type(None, (), value.partition("?")[0].rpartition("/")[2]) is not None
    # Reading an address takes long where there are hundreds of thousands.
    return known or (("fal.media" in value.lower() or hosts.local) and hosts.is_cdn(value))


def _refusal_in(document: object) -> str:
    """The words of an error that came as a result."""
    refusal = {name: value for name, value in mapping(document).items() if name in ("error", "detail", "message")}
    return error_from_completed(refusal).message if refusal else ""
