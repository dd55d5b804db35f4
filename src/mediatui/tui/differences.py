"""How two items differ: what was asked for first, what came of it after. No terminal in here."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from mediatui.model import MediaItem
from mediatui.text import clean_text, human_bytes, human_duration, one_line
from mediatui.tui.format import dimensions, when


@dataclass(frozen=True, slots=True)
class Difference:
    """One field with its value on either side; an em dash where there is none."""

    name: str
    left: str
    right: str

    @property
    def same(self) -> bool:
        """Both sides say the same."""
        return self.left == self.right


def differences(left: MediaItem, right: MediaItem) -> list[Difference]:
    """Every field of either, those that differ first, each in its usual order."""
    both = [Difference(name, one, other) for name, one, other in _fields(left, right)]
    return sorted(both, key=lambda each: each.same)


def _fields(left: MediaItem, right: MediaItem) -> Iterator[tuple[str, str, str]]:
    yield "prompt", clean_text(left.prompt) or "—", clean_text(right.prompt) or "—"
    yield "model", left.model or "—", right.model or "—"
    yield "seed", _value(left.seed), _value(right.seed)
    for name in sorted({*left.params, *right.params} - {"seed"}):
        yield one_line(name, 40), _value(left.params.get(name)), _value(right.params.get(name))
    yield "type", left.type.value, right.type.value
    yield "size", dimensions(left) or "—", dimensions(right) or "—"
    yield "length", human_duration(left.duration), human_duration(right.duration)
    yield "rate", _rate(left.fps), _rate(right.fps)
    yield "file", human_bytes(left.file_size), human_bytes(right.file_size)
    yield "made", when(left.created_at), when(right.created_at)


def _value(value: object) -> str:
    if value is None:
        return "—"
    return clean_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 400)


def _rate(fps: float | None) -> str:
    return f"{fps:.4g} fps" if fps else "—"


def changed_words(left: str, right: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both texts in pieces, each with whether the other text lacks it."""
    one, other = left.split(), right.split()
    match = difflib.SequenceMatcher(None, one, other, autojunk=False)
    pieces: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for tag, a, b, c, d in match.get_opcodes():
        for side, words in zip(pieces, (one[a:b], other[c:d]), strict=True):
            if words:
                side.append((" ".join(words), tag != "equal"))
    return pieces
