"""Find the files in a provider's result by walking it, whatever its shape.

A file is a mapping whose ``url`` is an http(s) or data address, or such an address under a key that is
``url`` or ends in ``_url`` or ``urls`` (protocols of fal, PiAPI and others agree on no shape). Echoes of the
inputs are skipped; the place in the result and the order are kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from mediatui.model import MediaType
from mediatui.providers.base import Delivery, Output
from mediatui.text import clean_text, one_line

MAX_OUTPUTS = 10_000
"""No more are looked for in one answer: nobody makes so many, and each takes memory."""
_BARE_HEAD = "data:;base64,"

_HEX_FILE = re.compile(r"(?:494433|fff[2-9a-f]|52494646|664c6143|4f676753)(?:[0-9a-f]{2}){32,}", re.IGNORECASE)
"""A sound written as hexadecimal digits, by its first bytes: MP3, AAC, WAV, FLAC, Ogg."""
_LETTERS = re.compile(r"[\w+/\s-]+={0,2}\s*", re.ASCII)
_BARE_NAMES = ("b64_json", "base64")
"""Under such names any base64 is a file."""
_SHORTEST_BARE = 60
_ADDRESS_ALPHABET = str.maketrans("-_", "+/")

_EXTENSIONS: Mapping[str, MediaType] = {
    **dict.fromkeys(("mp4", "mov", "webm", "mkv", "m4v", "avi", "gifv"), MediaType.VIDEO),
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "avif", "svg", "bmp", "tif", "tiff"), MediaType.IMAGE),
    **dict.fromkeys(("wav", "mp3", "flac", "ogg", "opus", "m4a", "aac"), MediaType.AUDIO),
}
_OTHER_KINDS = (
    "text/",
    "model/",
    "font/",
    "application/json",
    "application/zip",
    "application/pdf",
    "application/gzip",
)
_OTHER = frozenset(
    {
        "json",
        "txt",
        "srt",
        "vtt",
        "zip",
        "tar",
        "gz",
        "glb",
        "gltf",
        "obj",
        "ply",
        "usdz",
        "fbx",
        "stl",
        "mtl",
        "pdf",
        "csv",
        "safetensors",
        "ckpt",
        "yaml",
    }
)
_WORDS: Sequence[tuple[str, MediaType]] = (
    ("audio", MediaType.AUDIO),
    ("speech", MediaType.AUDIO),
    ("music", MediaType.AUDIO),
    ("thumbnail", MediaType.IMAGE),
    ("spritesheet", MediaType.IMAGE),
    ("image", MediaType.IMAGE),
    ("mask", MediaType.IMAGE),
    ("frame", MediaType.IMAGE),
    ("video", MediaType.VIDEO),
    ("clip", MediaType.VIDEO),
)
_ROLES: Mapping[str, str] = {
    "video": "clip",
    "videos": "clip",
    "image": "image",
    "images": "image",
    "audio": "audio",
    "audio_file": "audio",
    "url": "clip",
}


@dataclass(frozen=True, slots=True)
class _Found:
    path: tuple[str, ...]
    url: str
    facts: Mapping[str, Any]


def find_outputs(
    result: object,
    inputs: Mapping[str, Any],
    expected: MediaType | None = None,
    *,
    anywhere: Callable[[object], bool] | None = None,
) -> tuple[Output, ...]:
    """The outputs in a parsed result, in the order they stand there; data addresses are decoded.

    `expected` is the type for a file that says nothing of itself. Addresses that are neither http(s) nor data, and
    those given as inputs, are not outputs. With `anywhere` a text under any other name is one too, if that says it
    is a file's address, and so is a file written as base64.
    """
    echoes = {text.strip() for text in _strings(inputs)}
    top = result if isinstance(result, Mapping) else {}
    seed, flags = _integer(top.get("seed")), top.get("has_nsfw_concepts")
    outputs: list[Output] = []
    seen: set[str] = set()
    for found in _walk(result, anywhere):
        place = _without_fragment(found.url)
        if (
            found.url in echoes
            or found.url.removeprefix(_BARE_HEAD) in echoes
            or place in seen
            or len(outputs) >= MAX_OUTPUTS
        ):
            continue
        seen.add(place)
        output = _output(len(outputs), found, expected)
        if output is not None:
            meta = {"nsfw": True} if _is_flagged(found.path, flags) else {}
            outputs.append(replace(output, seed=_integer(found.facts.get("seed"), seed), meta=meta))
    return tuple(outputs)


def find_others(result: object, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The places of files in a result that say they are no picture, video or sound: a mesh, an archive, a text."""
    echoes = {text.strip() for text in _strings(inputs)}
    files = (found for found in _walk(result, None) if found.url not in echoes and found.url[:5].lower() != "data:")
    others = (found for found in files if is_something_else(_text(found.facts.get("content_type")), _file_name(found)))
    return tuple(dict.fromkeys(one_line(".".join(found.path), 200) for found in others))


def _is_flagged(path: Sequence[str], flags: object) -> bool:
    """fal lists beside ``images`` which of them its filter may have blacked out."""
    if len(path) != 2 or path[0] != "images" or not isinstance(flags, list) or not path[1].isdecimal():
        return False
    return int(path[1]) < len(flags) and flags[int(path[1])] is True


def _walk(result: object, anywhere: Callable[[object], bool] | None) -> Iterator[_Found]:
    """The files in a result in their order, however deeply it is nested."""
    # What is still to be looked at, the next one last: a value, its place, and the name it or its list has.
    left: list[tuple[object, tuple[str, ...], str]] = [(result, (), "")]
    while left:
        value, path, name = left.pop()
        if isinstance(value, str):
            if (_is_named(name) and _is_address(value)) or (anywhere is not None and anywhere(value)):
                yield _Found(path or ("url",), value.strip(), {})
            elif _HEX_FILE.fullmatch(value):  # how MiniMax's speech comes unless it is asked for an address
                yield _Found(path or ("audio",), f"{_BARE_HEAD}{base64.b64encode(bytes.fromhex(value)).decode()}", {})
            elif anywhere is not None and _is_bare(value, name):
                yield _Found(path or ("data",), f"{_BARE_HEAD}{value}", {})
        elif isinstance(value, Mapping):
            url = value.get("url")
            own = _is_address(url)
            if isinstance(url, str) and own:
                yield _Found(path or ("url",), url.strip(), value)
            members = [(child, str(key)) for key, child in value.items() if not (own and _is_shown(child, str(key)))]
            left += [(child, (*path, key), key) for child, key in reversed(members)]
        elif isinstance(value, list):
            left += [(value[at], (*path, str(at)), name) for at in range(len(value) - 1, -1, -1)]


def _is_shown(value: object, name: str) -> bool:
    """What a file's ``url`` shows already: itself, and the same bytes written out beside it."""
    return name == "url" or (isinstance(value, str) and _is_bare(value, name))


def _is_bare(value: str, name: str) -> bool:
    """A file without address or head, only its bytes as base64."""
    if len(value) < _SHORTEST_BARE:
        return False
    if name.lower().endswith(_BARE_NAMES):
        return True
    try:
        known = media_by_bytes(_base64(value[:_SHORTEST_BARE])) is not None
    except ValueError:
        return False
    return known and _LETTERS.fullmatch(value) is not None


def _is_named(name: str) -> bool:
    """What stands under such a name is a file's address, if it is one at all."""
    return name.lower().endswith(("url", "urls"))


def _without_fragment(url: str) -> str:
    """The address of the same file: what follows the ``#`` is never sent."""
    return url if url[:5].lower() == "data:" else url.partition("#")[0]


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value[:40].strip()[:8].lower().startswith(("https://", "http://", "data:"))


def _output(index: int, found: _Found, expected: MediaType | None) -> Output | None:
    facts = found.facts
    content_type = _text(facts.get("content_type"))
    data: bytes | None = None
    url: str | None = found.url
    if found.url[:5].lower() == "data:":
        decoded = decode_data_address(found.url)
        if decoded is None:
            return None
        content_type, data = decoded[0] or content_type, decoded[1]
        url = None
    name = _file_name(found)
    if url:
        url = clean_text(url).replace("\t", "").replace("\n", "")  # as any client of the web reads it
    media = media_type(content_type, found.path, name)
    if data is not None and content_type is None:
        media = media_by_bytes(data[:64]) or media
    if media is None and not is_something_else(content_type, name):
        media = expected
    if media is None:
        return None
    return Output(
        index=index,
        path=one_line(".".join(found.path), 200),
        role=_role(found.path, media),
        type=media,
        delivery=Delivery.INLINE if data is not None else Delivery.URL,
        url=url,
        data=data,
        content_type=content_type,
        file_name=name,
        size=_whole(facts.get("file_size")),
        width=_whole(facts.get("width")),
        height=_whole(facts.get("height")),
        fps=_measure(facts.get("fps")),
        duration=_measure(facts.get("duration")),
    )


def _file_name(found: _Found) -> str | None:
    """What the result calls the file, or its address does where that says more."""
    said = _text(found.facts.get("file_name"))
    if found.url[:5].lower() == "data:" or PurePosixPath(said or "").suffix:
        return said
    return _name_in(found.url) or said


def is_something_else(content_type: str | None, name: str | None) -> bool:
    """A file that says what it is, and it is no picture, video or sound: JSON, text, an archive, a mesh."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    suffix = PurePosixPath(name or "").suffix.lower().lstrip(".")
    return kind.startswith(_OTHER_KINDS) or suffix in _OTHER


def media_type(content_type: str | None, path: Sequence[str], name: str | None) -> MediaType | None:
    """The type a file claims: by content type, else by extension, else by the words of its place in the result."""
    if content_type:
        major = content_type.partition("/")[0].strip().lower()
        for media in MediaType:
            if media.value == major:
                return media
    suffix = PurePosixPath(name or "").suffix.lower().lstrip(".")
    if suffix in _EXTENSIONS:
        return _EXTENSIONS[suffix]
    if is_something_else(content_type, name):
        return None
    for part in reversed(path):
        for word, media in _WORDS:
            if word in part.lower():
                return media
    return None


def media_by_bytes(head: bytes) -> MediaType | None:
    """The type of a file that begins like this; None for one that is not known by its beginning."""
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8")) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return MediaType.IMAGE
    if head[4:8] == b"ftyp":
        return MediaType.IMAGE if head[8:12] in (b"avif", b"heic") else MediaType.VIDEO
    if head.startswith(b"\x1aE\xdf\xa3"):
        return MediaType.VIDEO
    if head.startswith((b"ID3", b"OggS", b"fLaC")) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return MediaType.AUDIO
    return None


def decode_data_address(address: str) -> tuple[str | None, bytes] | None:
    """(content type, bytes) of a ``data:`` address; None when it cannot be decoded."""
    head, comma, body = address[5:].partition(",")
    if not comma:
        return None
    content_type = head.split(";")[0].strip().lower() or None
    try:
        if head.lower().rstrip().endswith(";base64"):
            return content_type, _base64(body)
        return content_type, unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        return None


def _base64(text: str) -> bytes:
    """The bytes, also of the alphabet for addresses, without its padding, or broken into lines."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        plain = "".join(unquote(text).split()).translate(_ADDRESS_ALPHABET).rstrip("=")
        if len(plain) % 4 == 1 and len(plain) > 4:  # one letter too many, or the rest is missing: what there is counts
            plain = plain[:-1]
        return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _role(path: Sequence[str], media: MediaType) -> str:
    named = [part for part in path if not part.isdigit()]
    last = named[-1] if named else media.value
    role = _ROLES.get(last) or last.removesuffix("_urls").removesuffix("_url").removesuffix("_file")
    if role == "clip" and media is not MediaType.VIDEO:
        role = media.value
    return one_line(role, 40) or media.value


def _name_in(url: str) -> str | None:
    try:
        return _text(PurePosixPath(unquote(urlsplit(url).path)).name)
    except ValueError:
        return None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from _strings(child)
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _strings(child)


def _text(value: object) -> str | None:
    return (one_line(value, 255) or None) if isinstance(value, str) else None


def _integer(value: object, default: int | None = None) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    # Compared before anything is converted: JSON may hold whole numbers that no float can.
    return int(value) if -(2**63) < value < 2**63 else default


def _measure(value: object) -> float | None:
    """A number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < 2**63 else None


def _whole(value: object) -> int | None:
    found = _measure(value)
    return int(found) if found is not None and found >= 1 else None
