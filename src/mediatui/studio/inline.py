"""Local files as model inputs, inside the request itself."""

from __future__ import annotations

import base64
from pathlib import Path

from mediatui.errors import UsageError
from mediatui.media.probe import sniff

MAX_INLINE_BYTES = 4 << 20
"""A larger file does not travel inside a request: it is kept in the job's record."""

HEAD_BYTES = 4096


def input_address(text: str) -> str:
    """The address of a media input: a URL as it is, a local file as a ``data:`` URI.

    Raises `UsageError` for a file that cannot be read, is no media, or is larger than `MAX_INLINE_BYTES`.
    """
    if text.startswith(("http://", "https://", "data:")):
        return text
    data = _read(text)
    kind = sniff(data[:HEAD_BYTES])
    if kind is None:
        raise UsageError(f"{text} is not a picture or another media file this program knows")
    return f"data:{kind[2]};base64,{base64.b64encode(data).decode()}"


def _read(text: str) -> bytes:
    path = Path(text).expanduser()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_INLINE_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {text}: {error.strerror}") from None
    if len(data) > MAX_INLINE_BYTES:
        raise UsageError(
            f"{text} is too large to send with the request",
            hint=f"Make it smaller than {MAX_INLINE_BYTES >> 20} MB, or give its address on the web.",
        )
    return data
