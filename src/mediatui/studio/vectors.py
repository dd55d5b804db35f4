"""SVG is a picture that may be a program: one that brings a script, or a page, is not what was paid for."""

from __future__ import annotations

import re
from pathlib import Path

MAX_BYTES = 64 << 20
"""A larger one is not read, and not trusted."""

_ACTIVE = re.compile(
    rb"<\s*(?:[a-z0-9]+:)?(?:script|foreignobject|iframe|html|body|embed|object|handler)\b"
    rb"|\bon[a-z]{3,30}\s*=\s*[\"']|"
    + rb"[\x01-\x20]*".join(b"%c" % letter for letter in b"javascript:")
    + rb"|<!entity|data:text/html",
    re.IGNORECASE,
)
_CODED = re.compile(rb"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?", re.IGNORECASE)


def is_active(path: Path) -> bool:
    """An SVG file holds something a browser would run or load as a page. Raises `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        return True
    data = path.read_bytes()
    if b"\0" in data:
        return True  # no text in ASCII or UTF-8: who knows what it says
    return _ACTIVE.search(data) is not None or _ACTIVE.search(_CODED.sub(_decoded, data)) is not None


def _decoded(found: re.Match[bytes]) -> bytes:
    code = int(found[1], 16) if found[1] else int(found[2])
    return bytes([code]) if 0 < code < 128 else b"?"
