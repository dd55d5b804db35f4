"""SVG is a picture that may be a program: one that brings a script, or a page, is not what was paid for."""

from __future__ import annotations

import re
from pathlib import Path

from mediatui.media.magic import UTF16_MARKS

MAX_BYTES = 64 << 20
"""A larger one is not read, and not trusted."""

_ACTIVE = re.compile(
    rb"<\s*(?:[a-z0-9]+:)?(?:script|foreignobject|iframe|html|body|embed|object|handler)\b"
    rb"|" + rb"[\x01-\x20]*".join(b"%c" % letter for letter in b"javascript:") + rb"|<!entity|<!attlist|data:text/html",
    re.IGNORECASE,
)
_HANDLER = re.compile(rb"\bon[a-z]{3,30}\s*=\s*[\"']", re.IGNORECASE)
_HANDLER_NAME = re.compile(r"(?:.*:)?on[a-z]{3,30}", re.IGNORECASE | re.DOTALL)
_CODED = re.compile(rb"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));?", re.IGNORECASE)


def is_active(path: Path) -> bool:
    """An SVG file holds something a browser would run or load as a page. Raises `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        return True
    data, coding = path.read_bytes(), None
    if data.startswith(UTF16_MARKS):
        try:
            data, coding = data.decode("utf-16").encode(), "utf-8"
        except UnicodeError:
            return True
    if b"\0" in data:
        return True  # no text in ASCII, UTF-8 or marked UTF-16: who knows what it says
    spelled = (data, _CODED.sub(_decoded, data))
    if any(_ACTIVE.search(each) for each in spelled):
        return True
    return any(_HANDLER.search(each) for each in spelled) and _may_have_handler(data, coding)


def _may_have_handler(data: bytes, coding: str | None) -> bool:
    """What looks like a handler is an attribute (or in an address), and no words.

    Of what is not well-formed nobody can say.
    """
    from xml.parsers.expat import ExpatError, ParserCreate

    found: list[str] = []

    def look(_: str, attributes: dict[str, str]) -> None:
        found.extend(name for name, value in attributes.items() if _HANDLER_NAME.fullmatch(name) or _brings_one(value))

    parser = ParserCreate(coding)
    parser.StartElementHandler = look
    try:
        parser.Parse(data, True)
    except (ExpatError, ValueError, LookupError):
        return True
    return bool(found)


def _brings_one(value: str) -> bool:
    return "data:" in value.lower() and _HANDLER.search(value.encode()) is not None


def _decoded(found: re.Match[bytes]) -> bytes:
    code = int(found[1], 16) if found[1] else int(found[2])
    return bytes([code]) if 0 < code < 128 else b"?"
