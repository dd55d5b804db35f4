"""JSON that holds whole pictures and videos: they are set aside while it is parsed, and so copied once, not thrice.

Only texts that need no unescaping are: base64, bare or as a data address.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LARGE = 4 << 20
"""Bytes; in less nothing is set aside."""

_LONG = re.compile(rb'(?<!\\)"((?:data:[\w.+-]+/[\w.+-]+;base64,)?[A-Za-z0-9+/=_-]{65536,}+)"(?!\s*:)')
"""No name of anything."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A body without its long texts, each of which stands in it as `mark` and its number."""

    body: bytes
    places: tuple[tuple[int, int], ...]
    mark: str
    whole: bytes

    def put_back(self, document: Any) -> Any:
        """The parsed body with its long texts."""
        return _replaced(document, self._text)

    def _text(self, text: str) -> str:
        number = text.removeprefix(self.mark)
        if number == text:
            return text
        start, end = self.places[int(number)]
        return str(memoryview(self.whole)[start:end], "ascii")


def set_aside(body: bytes) -> SetAside:
    """Take the long texts out of `body`."""
    mark, places = secrets.token_hex(16), list[tuple[int, int]]()

    def take(found: re.Match[bytes]) -> bytes:
        places.append(found.span(1))
        return f'"{mark}{len(places) - 1}"'.encode()

    return SetAside(_LONG.sub(take, body), tuple(places), mark, body)


def _replaced(document: Any, change: Callable[[str], str]) -> Any:
    """The document, each of its texts changed in place."""
    if isinstance(document, str):
        return change(document)
    left = [document]
    while left:
        value = left.pop()
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for place, member in list(pairs):
            if isinstance(member, str):
                value[place] = change(member)
            elif isinstance(member, (dict, list)):
                left.append(member)
    return document
