"""Plain characters instead of typographic ones, for terminals and fonts that have few.

Everything on screen passes one filter, so that nothing that draws needs to know of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from mediatui.settings import GlyphSet

_FEW_GLYPHS = frozenset({"linux", "vt100", "vt220", "ansi", "cons25"})
"""Values of TERM whose fonts lack most of what the interface draws with."""

_PAIRS = {
    "●": "*", "○": "o", "✓": "+", "✗": "x", "×": "x", "↓": "v", "↑": "^", "←": "<", "→": ">", "↗": ">", "▸": ">",
    "⋯": "~", "…": "~", "·": ".", "•": "*", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "\u00a0": " ",
    "━": "=", "─": "-", "│": "|", "┃": "|", "▌": "|", "▐": "|", "▏": "|", "▎": "|", "▍": "|", "█": "#", "▀": '"',
    "▄": "_", "▁": "_", "▂": "_", "▃": "-", "▅": "=", "▆": "=", "▇": "#", "▉": "#", "▊": "#", "▋": "#",
    "░": ".", "▒": ":", "▓": "%", "⏸": "|", "▶": ">", "⏎": "<", "◀": "<", "☰": "=", "≤": "<", "≥": ">", "⭘": "o",
    "♥": "&", "★": "*", "☆": ".", "◐": "/", "‹": "<", "›": ">", "«": "<", "»": ">", "◧": "<", "◨": ">", "≈": "~",
}  # fmt: skip


class _Plain(dict[int, str]):
    """A table for `str.translate`: lines and blocks that are not listed become ``+``."""

    def __missing__(self, code: int) -> str:
        if 0x2500 <= code <= 0x259F:
            return "+"
        raise LookupError(code)


_TABLE = _Plain({ord(glyph): plain for glyph, plain in _PAIRS.items()})


def wants_ascii(choice: GlyphSet, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to draw with ASCII: as chosen, or where the locale or the terminal's font has nothing else."""
    if choice is not GlyphSet.AUTO:
        return choice is GlyphSet.ASCII
    # Python answers a C locale by speaking UTF-8; LC_ALL cannot be answered so, and then it is meant.
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    if environment.get("LC_ALL") in ("C", "POSIX"):
        return True
    charset = locale.partition(".")[2].partition("@")[0].lower().replace("-", "")
    return charset not in ("", "utf8") or environment.get("TERM", "") in _FEW_GLYPHS


def output_encoding() -> str:
    """What the terminal is written in."""
    return (sys.__stderr__.encoding if sys.__stderr__ is not None else "") or "utf-8"


@lru_cache(maxsize=4096)
def plain(text: str, encoding: str = "utf-8") -> str:
    """`text` in as many cells, with ASCII where the interface has a glyph of its own.

    What a person wrote stays as it is, unless `encoding` cannot say it.
    """
    text = text.translate(_TABLE)
    if text.isascii() or encoding.lower().replace("-", "") == "utf8":
        return text
    return "".join(character if _can_say(character, encoding) else "?" * cell_len(character) for character in text)


def _can_say(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class AsciiGlyphs(LineFilter):
    """Rewrites every line on its way to the terminal."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in plain characters."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [
            segment if segment.text.isascii() else Segment(plain(segment.text, self._encoding), *segment[1:])
            for segment in segments
        ]
