"""Media in an answer of an unknown shape: whatever is base64 of a picture, a video or a sound, or names a bucket.

Looked for only when the known places hold nothing: what was paid for is found wherever a service put it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mediatui.model import Job
from mediatui.providers.answers import BROKE_OFF, MIN_BEGUN, read_json
from mediatui.providers.base import Output
from mediatui.providers.discovery import MAX_OUTPUTS, media_by_bytes
from mediatui.providers.google.parts import address_output, decoded, inline_output
from mediatui.providers.google.places import Places
from mediatui.text import one_line

_KINDS = ("mimeType", "mime_type", "encoding", "contentType")
_HEAD = 44
"""Letters of base64 that are enough to know a file by."""
_BROKEN: Mapping[str, Any] = {"incomplete": BROKE_OFF}
_DATA = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,([\w+/=-]+)", re.ASCII)
_QUOTED = re.compile(r'"((?:[\w+/=-]|\\/){64,})(?:"|\Z)', re.ASCII)


def media_anywhere(raw: bytes, job: Job, places: Places) -> Sequence[Output]:
    """The media in an answer, in order: not what the request sent, and not a model's drafts."""
    sent = frozenset(_letters(text) for text in _strings(job.inputs))
    found: list[Output] = []
    for path, text, beside in _texts(raw):
        if len(found) >= MAX_OUTPUTS:
            break
        output = _output(len(found), path, text, beside, job, places)
        if output is not None and _letters(text) not in sent:
            found.append(replace(output, meta=beside) if beside is _BROKEN else output)
    return tuple(found)


def _texts(raw: bytes) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every text with its place and what stands beside it; of an answer that is no JSON, the long quoted ones.

    One that broke off may end in the middle of a picture: its beginning is better looked at than thrown away.
    """
    try:
        document = read_json(raw)
    except ValueError:
        for number, quoted in enumerate(_QUOTED.finditer(raw.decode("utf-8", "replace"))):
            if quoted[0].endswith('"') or len(quoted[1]) >= MIN_BEGUN:
                yield f"text.{number}", quoted[1].replace("\\/", "/"), _BROKEN
        return
    left: list[tuple[object, str, Mapping[str, Any]]] = [(document, "", {})]
    while left:
        value, path, beside = left.pop()
        if isinstance(value, str):
            yield one_line(path, 200) or "text", value, beside
        elif isinstance(value, Mapping) and not _is_no_product(value):
            left += [(v, f"{path}.{n}".lstrip("."), value) for n, v in reversed(list(value.items()))]
        elif isinstance(value, list):
            left += [(v, f"{path}.{n}".lstrip("."), beside) for n, v in reversed(list(enumerate(value)))]


def _is_no_product(entry: Mapping[str, Any]) -> bool:
    return entry.get("thought") is True or entry.get("type") == "user_input" or entry.get("role") == "user"


def _output(index: int, path: str, text: str, beside: Mapping[str, Any], job: Job, places: Places) -> Output | None:
    kind = next((beside[name] for name in _KINDS if isinstance(beside.get(name), str)), None)
    if text.startswith("gs://"):
        return address_output(index, path, text, kind, None, job, places)
    if (address := _DATA.search(text)) is not None:
        kind, text = address[1], address[2]
    media = media_by_bytes(decoded(text[:_HEAD]))
    return inline_output(index, path, text, kind, media) if media is not None else None


def _letters(text: str) -> str:
    return text.rpartition(",")[2] if text.startswith("data:") else text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for child in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(child)
