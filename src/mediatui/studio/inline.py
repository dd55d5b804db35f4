"""Local files as model inputs: which inputs name one, whether it is media, and what is known of it.

Blocking, for the record threads. Nothing is sent here.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mediatui.errors import UsageError
from mediatui.media.probe import sniff
from mediatui.providers.base import FormSchema, InputFile, names_media
from mediatui.text import human_bytes, one_line

MAX_INLINE_BYTES = 4 << 20
"""A larger file does not travel inside a request: it is kept in the job's record."""

HEAD_BYTES = 4096
MAX_DEPTH = 20
_HASH_BYTES = 1 << 20
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class BadInput(UsageError):
    """A local file cannot be an input; `field` names the input it was given for."""

    title = "That file cannot be sent"

    def __init__(self, field: str, why: str, *, hint: str = "") -> None:
        super().__init__(f"{field}: {why}", hint=hint)
        self.field, self.why = field, why


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A media file that is to be an input."""

    field: str
    """The input it is for: ``image_url``, ``image_urls.1``."""
    path: Path
    """Absolute."""
    size: int
    content_type: str
    changed: int
    """Its time of change in nanoseconds: what is uploaded is what was checked."""

    def sha256(self) -> str:
        """Of its content. Raises `UsageError`."""
        digest = hashlib.sha256()
        for start in range(0, self.size, _HASH_BYTES):
            digest.update(self.read(start, _HASH_BYTES))
        return digest.hexdigest()

    def read(self, start: int, count: int) -> bytes:
        """Bytes from an offset. Raises `UsageError` when the file is not what it was."""
        try:
            with self.path.open("rb") as file:
                found = os.fstat(file.fileno())
                if (found.st_size, found.st_mtime_ns) != (self.size, self.changed):
                    raise BadInput(self.field, f"{self.path.name} changed while it was being read")
                file.seek(start)
                return file.read(min(count, self.size - start))
        except OSError as exc:
            raise _unreadable(self.field, self.path, exc) from None

    def as_upload(self) -> InputFile:
        """As a provider takes it."""
        return InputFile(self.path.name, self.content_type, self.size, self.read)

    def as_data_uri(self) -> str:
        """Its bytes as a ``data:`` URI. Raises `UsageError` when it is too large for that."""
        if self.size > MAX_INLINE_BYTES:
            raise BadInput(
                self.field,
                f"{self.path.name} has {human_bytes(self.size)}, and this provider takes no uploads",
                hint=f"Make it smaller than {MAX_INLINE_BYTES >> 20} MB, or give its address on the web.",
            )
        return f"data:{self.content_type};base64,{base64.b64encode(self.read(0, self.size)).decode()}"


def is_address(text: str) -> bool:
    """It names something that is no local file: ``https://…``, ``gs://…``, ``data:…``."""
    return text.startswith("data:") or _ADDRESS.match(text) is not None


def path_of(text: str) -> Path:
    """The absolute path that a text means: ``~``, ``file://`` and the current folder are resolved."""
    if text.lower().startswith("file://"):
        text = unquote(urlsplit(text).path)
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, ValueError):
        return Path(text)


def local_places(inputs: Mapping[str, Any], schema: FormSchema | None) -> list[tuple[str, str]]:
    """Every input that names a local file: its place, ``image_urls.1``, and the text given.

    Those are the media inputs of the model's form, and at any depth what is named like one.
    """
    found: list[tuple[str, str]] = []

    def note(place: str, text: str) -> str:
        found.append((place, text))
        return text

    with_addresses(inputs, schema, note)
    return found


def with_addresses(
    inputs: Mapping[str, Any], schema: FormSchema | None, replace: Callable[[str, str], str]
) -> dict[str, Any]:
    """The inputs with another text in each place that names a local file."""

    def walk(value: Any, place: str, media: bool, depth: int) -> Any:
        if isinstance(value, str):
            return replace(place, value) if media and value.strip() and not is_address(value) else value
        if depth > MAX_DEPTH:
            return value
        if isinstance(value, Mapping):
            return {n: walk(v, f"{place}.{n}", names_media(str(n)), depth + 1) for n, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [walk(v, f"{place}.{n}", media, depth + 1) for n, v in enumerate(value)]
        return value

    def takes_media(name: str) -> bool:
        known = schema.field(name) if schema is not None else None
        return known.takes_media if known is not None else names_media(name)

    return {name: walk(value, name, takes_media(name), 0) for name, value in inputs.items()}


def check_file(field: str, text: str) -> LocalFile:
    """The media file that an input names.

    Raises `UsageError` naming the field and the file: not there, not readable, empty, or no media.
    """
    path = path_of(text)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(field, f"{path} is not a file")  # also: opening a pipe would wait for ever
        with path.open("rb") as file:
            found, head = os.fstat(file.fileno()), file.read(HEAD_BYTES)
    except (OSError, ValueError) as exc:
        raise _unreadable(field, path, exc) from None
    if not head:
        raise BadInput(field, f"{path} is empty")
    kind = sniff(head)
    if kind is None:
        raise BadInput(
            field,
            f"{path} is no picture, video or sound that this program knows",
            hint="Its first bytes decide, not its name.",
        )
    return LocalFile(field, path, found.st_size, kind[2], found.st_mtime_ns)


def _unreadable(field: str, path: Path, exc: Exception) -> UsageError:
    number = exc.errno if isinstance(exc, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR) or isinstance(exc, ValueError):
        return BadInput(
            field,
            f"there is no file {one_line(path, 300)}",
            hint="Give a web address, or the path of a file: absolute, from ~, or from the current folder.",
        )
    return BadInput(field, f"cannot read {path}: {os.strerror(number) if number else type(exc).__name__}")
