"""The files in the answers of OpenAI-compatible images and videos."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.providers.answers import (
    BROKE_OFF,
    MIN_BEGUN,
    epoch,
    find_media,
    is_address,
    mapping,
    number,
    parse_object,
    text,
    whole,
)
from mediatui.providers.base import Delivery, Output
from mediatui.providers.discovery import MAX_OUTPUTS, decode_data_address, media_by_bytes
from mediatui.providers.problems import problem_text
from mediatui.redact import hide_known

_ECHOES = frozenset({"input", "inputs", "input_reference", "image", "images", "prompt"})
"""What a service repeats of the request."""

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_WHOLE = re.compile(
    r'"(?P<data>(?:data:[\w.+-]+/[\w.+-]+;base64,)?[\w+/=-]{64,})(?:"|\Z)'
    r'|"url"\s*:\s*"(?P<url>https?://[^"\s]{4,2000})"',
    re.ASCII,
)
"""A picture or an address between its quotes, the picture also where the text ends first."""
_SMALLEST = 12
"""Bytes: less is no picture."""


def image_outputs(document: object, job: Job, base: str, is_own: Callable[[str], bool]) -> list[Output]:
    """The pictures in ``data``: inline, or at an address. One without either was filtered out by the service.

    Raises `ProviderError` when there is none at all.
    """
    answer = mapping(document)
    listed = answer.get("data")
    found: list[Output] = []
    for place, entry in enumerate(listed[:MAX_OUTPUTS] if isinstance(listed, list) else [listed]):
        output = _image(len(found), place, mapping(entry), answer, base)
        if output is not None:
            found.append(_delivered(output, is_own))
    found = found or _anywhere(document, job, is_own)
    if not found:
        raise _nothing(answer, filtered=isinstance(listed, list))
    return found


def _nothing(answer: Mapping[str, Any], *, filtered: bool) -> ProviderError:
    """A list that holds no picture is the filter's work; an answer without one is something else."""
    words = problem_text(answer.get("error")) or problem_text(answer)
    if not filtered:
        return ProviderError(ErrorKind.INTERNAL, words or "the answer holds no picture")
    return ProviderError(
        ErrorKind.POLICY,
        words or "the answer holds no picture; the provider's filter may have removed it",
        hint="Change the prompt and generate again.",
    )


def _anywhere(document: object, job: Job, is_own: Callable[[str], bool]) -> list[Output]:
    """The pictures of a gateway of another shape: whatever it holds of them, and whatever addresses it gave."""
    return [_delivered(output, is_own) for output in find_media(document, job.inputs, MediaType.IMAGE)]


def streamed(raw: bytes) -> object:
    """The document that a stream of events amounts to, for requests that asked for one; None for anything else.

    Partial pictures are left out: the whole one comes last. Where an error came instead, the last partial one is all
    there is, or else the error.
    """
    if not raw.lstrip()[:6].startswith((b"event:", b"data:", b": ")):
        return None
    lines = (line[5:].strip() for line in raw.splitlines() if line.startswith(b"data:"))
    events = [event for event in map(parse_object, lines) if event]
    whole = [event for event in events if "partial" not in text(event.get("type"))]
    error = next((event["error"] for event in whole if event.get("error")), None)
    if error is not None and not any(map(_has_picture, whole)):
        shown = [event for event in events if _has_picture(event)][-1:]
        return {"data": shown, "incomplete": BROKE_OFF} if shown else {"error": error}
    return {"data": whole} if whole else None


def _has_picture(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("b64_json") or entry.get("url"))


def rescued(raw: bytes) -> object:
    """What is in an answer that is no JSON, for it broke off: its pictures and addresses; None without any.

    The last picture may have a beginning only: it is better looked at than thrown away.
    """
    said = raw.decode("utf-8", "replace").replace("\\/", "/")
    entries = [
        {"url": found["url"]} if found["url"] else {"b64_json": found["data"]}
        for found in _WHOLE.finditer(said)
        if found["url"] or _is_worth_keeping(found)
    ]
    return {"data": entries, "incomplete": BROKE_OFF} if entries else None


def _is_worth_keeping(found: re.Match[str]) -> bool:
    enough = found[0].endswith('"') or len(found["data"]) >= MIN_BEGUN
    return enough and media_by_bytes(_inline(found["data"][:64])[0] or b"") is not None


def _image(index: int, place: int, entry: Mapping[str, Any], answer: Mapping[str, Any], base: str) -> Output | None:
    data, kind = _inline(entry.get("b64_json"))
    url = text(entry.get("url"), 1 << 30)
    if data is not None and len(data) < _SMALLEST and url:
        data = None
    if data is not None:
        url = ""
    elif url[:5].lower() == "data:":
        kind, data = decode_data_address(url) or (None, None)
        url = ""
    elif url:
        url = _joined(base, url)
    if data is None and not is_address(url):
        return None
    form = text(entry.get("output_format") or answer.get("output_format"), 20).lower()
    width, height = size_of(entry.get("size") or answer.get("size"))
    facts = (
        ("revised_prompt", hide_known(text(entry.get("revised_prompt"), 4000))),
        ("incomplete", text(answer.get("incomplete"))),
    )
    return Output(
        index=index,
        path=f"data.{place}",
        role="image",
        type=MediaType.IMAGE,
        delivery=Delivery.URL if data is None else Delivery.INLINE,
        url=url or None,
        data=data,
        content_type=kind or (f"image/{form}" if form else None),
        width=width,
        height=height,
        seed=whole(entry.get("seed")),
        meta={name: said for name, said in facts if said},
    )


def _joined(base: str, url: str) -> str:
    """The whole address of one that may be relative to the service; nothing for one that cannot be read."""
    try:
        return urljoin(f"{base}/", url)
    except ValueError:
        return ""


def _inline(value: object) -> tuple[bytes | None, str | None]:
    """(bytes, content type) of base64, bare or as a data address; damage to it never loses what can be read."""
    if not isinstance(value, str) or not value.strip():
        return None, None
    if value[:5].lower() == "data:":
        decoded = decode_data_address(value)
        return (decoded[1], decoded[0]) if decoded else (None, None)
    with suppress(ValueError):
        return base64.b64decode(value, validate=True), None
    letters = re.sub(r"[^A-Za-z0-9+/]", "", value.replace("-", "+").replace("_", "/"))
    letters = letters[: len(letters) - 1] if len(letters) % 4 == 1 else letters
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4)), None
    except (binascii.Error, ValueError):
        return None, None


def _delivered(output: Output, is_own: Callable[[str], bool]) -> Output:
    """The service's own addresses want its key."""
    if output.url is not None and is_own(output.url):
        return replace(output, delivery=Delivery.PROVIDER_URL)
    return output


def video_outputs(document: object, job: Job, content_url: str, is_own: Callable[[str], bool]) -> list[Output]:
    """The video: at the address the answer gives, else as the content of the service's own video."""
    answer = mapping(document)
    expires = epoch(answer.get("expires_at"))
    shown = {name: value for name, value in answer.items() if name not in _ECHOES}
    found = [_delivered(o, is_own) for o in find_media(shown, job.inputs, MediaType.VIDEO)]
    if not any(output.type is MediaType.VIDEO for output in found):
        found.insert(0, _content(answer, content_url))
    return [replace(o, index=n, expires_at=expires if o.url else None) for n, o in enumerate(found)]


def _content(answer: Mapping[str, Any], url: str) -> Output:
    width, height = size_of(answer.get("size"))
    return Output(
        index=0,
        path="content",
        role="clip",
        type=MediaType.VIDEO,
        delivery=Delivery.PROVIDER_URL,
        url=url,
        width=width,
        height=height,
        duration=number(answer.get("seconds")),
    )


def size_of(value: object) -> tuple[int | None, int | None]:
    """Width and height of ``1024x1024``."""
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return (int(found[1]), int(found[2])) if found else (None, None)


def attachments(inputs: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, str, str, bytes]]:
    """The files to send with the request, as (field, file name, content type, bytes).

    Raises `ProviderError` naming the field for anything but a file's own bytes: these services take no addresses.
    """
    found: list[tuple[str, str, str, bytes]] = []
    for name in names:
        value = inputs.get(name)
        values = value if isinstance(value, (list, tuple)) else [value] if value not in (None, "") else []
        for member in values:
            decoded = decode_data_address(member) if isinstance(member, str) and member.startswith("data:") else None
            if decoded is None:
                wrong = "give a local file; this provider takes no web address here"
                raise ProviderError(ErrorKind.INVALID_INPUT, f"{name}: {wrong}", fields={name: wrong})
            kind = decoded[0] or "image/png"
            extension = "jpg" if kind == "image/jpeg" else kind.rpartition("/")[2]
            field = f"{name}[]" if len(values) > 1 else name
            found.append((field, f"{name}-{len(found)}.{extension}", kind, decoded[1]))
    return found
