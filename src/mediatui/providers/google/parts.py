"""Media on the way in and out: data addresses as Google's inline parts, base64 and addresses as outputs."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.providers.base import Delivery, Output
from mediatui.providers.discovery import decode_data_address, is_something_else, media_by_bytes, media_type
from mediatui.providers.google.places import Places
from mediatui.text import clean_text, one_line

FILE_LIFE_SECONDS = 47 * 3600.0
"""Google keeps generated files for about two days; counted from the submit, to be on the safe side."""

_NO_LETTER = re.compile(r"[^A-Za-z0-9+/]")
_RATE = re.compile(r"rate\s*=\s*(\d{4,6})")
_CHANNELS = re.compile(r"channels\s*=\s*([1-8])\b")


def media_input(value: object, name: str) -> tuple[str | None, str, str]:
    """(base64, uri, content type) of a media input; base64 for a data address, a URI for any other address.

    Raises `ProviderError` of kind INVALID_INPUT for what is neither.
    """
    text = value if isinstance(value, str) else ""
    if text.startswith("data:"):
        decoded = decode_data_address(text)
        if decoded is not None:
            kind = decoded[0] or "application/octet-stream"
            return base64.b64encode(decoded[1]).decode(), "", kind
    elif text.startswith(("https://", "gs://")):
        return None, text, _kind_by_name(text)
    raise ProviderError(
        ErrorKind.INVALID_INPUT,
        f"{name} must be a local file, an https address or a gs:// address",
        fields={name: "not a media address"},
    )


def media_inputs(inputs: Mapping[str, Any], single: str, many: str) -> list[tuple[str, object]]:
    """The media given under a singular and a plural name, with the name for messages."""
    found: list[tuple[str, object]] = []
    if inputs.get(single):
        found.append((single, inputs[single]))
    listed = inputs.get(many)
    found += [(many, value) for value in (listed if isinstance(listed, list) else [listed] if listed else [])]
    return found


def _kind_by_name(uri: str) -> str:
    suffix = uri.partition("?")[0].rpartition(".")[2].lower()
    kinds = {
        "png": "image/png",
        "webp": "image/webp",
        "mp4": "video/mp4",
        "mov": "video/quicktime",
        "mp3": "audio/mpeg",
    }
    return kinds.get(suffix, "image/jpeg")


def inline_output(index: int, path: str, data: object, kind: object, expected: MediaType | None) -> Output | None:
    """An output whose bytes came as base64; None for what is no text or no media.

    Damaged base64 is an output too, with what can be read of it: it was made, and its save says what is wrong.
    Raw PCM (``audio/l16``) gets the header that makes it a WAV file: without it no player knows it.
    """
    content_type = one_line(kind, 100) if isinstance(kind, str) else ""
    media = media_type(content_type or None, (), None) or expected
    if not isinstance(data, str) or media is None:
        return None
    raw = decoded(data)
    if is_something_else(content_type, None) and media_by_bytes(raw) is None:
        return None
    if content_type.lower().startswith(("audio/l16", "audio/pcm")):
        raw, content_type = _as_wav(raw, content_type.lower()), "audio/wav"
    return Output(
        index=index,
        path=path,
        role=_role(media),
        type=media,
        delivery=Delivery.INLINE,
        data=raw,
        content_type=content_type.partition(";")[0].strip() or None,
        size=len(raw) or None,
    )


def address_output(
    index: int, path: str, uri: object, kind: object, expected: MediaType | None, job: Job, places: Places
) -> Output | None:
    """An output that is to be downloaded: with our credentials where Google keeps it, plainly anywhere else."""
    uri = clean_text(uri) if isinstance(uri, str) else ""
    url = places.download_address(uri)
    content_type = one_line(kind, 100) if isinstance(kind, str) else None
    media = media_type(content_type, (), uri.partition("?")[0]) or expected
    if url is None or media is None:
        return None
    own = places.gets_token(url)
    keeps = own and not places.is_storage(url) and job.submitted_at is not None
    return Output(
        index=index,
        path=path,
        role=_role(media),
        type=media,
        delivery=Delivery.PROVIDER_URL if own else Delivery.URL,
        url=url,
        content_type=content_type,
        expires_at=(job.submitted_at or 0.0) + FILE_LIFE_SECONDS if keeps else None,
    )


def filtered_words(made: int, gone: int, reasons: Sequence[str]) -> str:
    """That Google's filter took away some of what was made, and why."""
    named = ", ".join(dict.fromkeys(one_line(reason, 120) for reason in reasons))
    return f"Google's filter took {gone} of {made + gone} away{f' ({named})' if named else ''}"


def without_filtered(found: Sequence[Output], gone: int, reasons: Sequence[str]) -> tuple[Output, ...]:
    """The outputs, each with a word on those that Google's filter took away, if it did."""
    if not gone:
        return tuple(found)
    words = filtered_words(len(found), gone, reasons)
    return tuple(replace(output, meta={**output.meta, "incomplete": words}) for output in found)


def unreadable(uris: Sequence[object]) -> ProviderError:
    """The answer names media that cannot be downloaded from where they are."""
    named = ", ".join(one_line(u, 200) for u in uris if u)
    return ProviderError(
        ErrorKind.UNSUPPORTED,
        f"Google's answer names media that cannot be downloaded: {named}",
        hint="Fetch it with `gcloud storage cp`; the whole answer is kept.",
    )


def text_of(values: Sequence[object], limit: int = 400) -> str:
    """What the model said besides its media, on one line."""
    return one_line(" ".join(v for v in values if isinstance(v, str)), limit)


def decoded(data: str) -> bytes:
    """The bytes of base64 in either alphabet, bare or in a data address; as many as damage to it leaves."""
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        letters = _NO_LETTER.sub("", data.replace("-", "+").replace("_", "/"))
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(letters + "=" * (-len(letters) % 4))


def _as_wav(pcm: bytes, content_type: str) -> bytes:
    rate = int(found[1]) if (found := _RATE.search(content_type)) else 24_000
    channels = int(found[1]) if (found := _CHANNELS.search(content_type)) else 1
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    size = min(len(pcm), 2**32 - 37)
    return (
        b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", size) + pcm
    )


def _role(media: MediaType) -> str:
    return "clip" if media is MediaType.VIDEO else media.value
