"""The one place that makes outside text harmless.

Prompts, model names, file names, provider errors and log lines may hold terminal control sequences,
bidirectional overrides or path parts. They are cleaned here once, where they enter; widgets then show
the result literally (`Content`, `rich.text.Text` or ``markup=False``), never as markup.
"""

from __future__ import annotations

import json
import re
import unicodedata

MAX_TEXT = 20_000
"""Characters kept of any shown text (a prompt may be longer; it is stored whole and shown cut)."""

FIRST_TIME, LAST_TIME = -62_135_510_400, 253_402_214_400
"""Seconds since the epoch: the second day of the year 1, and the last of the year 9999."""

_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029\ufeff\ufff9-\ufffb"  # line and paragraph separators, BOM, interlinear marks
    "\ud800-\udfff]"  # lone surrogates
)
_SPACE = re.compile(r"\s+")
_UNSAFE_NAME = re.compile(r'[<>:"/\\|?*\s]+')
_WINDOWS_DEVICES = frozenset(
    {
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³"),
    }
)


def clean_text(text: object, limit: int | None = None) -> str:
    """Text with every control, bidirectional override and lone surrogate removed; tabs and newlines stay.

    CR LF and CR become a newline. With `limit`, longer text is cut and ends in an ellipsis.
    """
    value = str(text).replace("\r\n", "\n").replace("\r", "\n")
    value = _CONTROLS.sub("", value)
    if limit is not None and len(value) > limit:
        value = value[: limit - 1] + "…"
    return value


def one_line(text: object, limit: int = MAX_TEXT) -> str:
    """Clean text on one line: every run of white space becomes one space."""
    return clean_text(_SPACE.sub(" ", clean_text(text)).strip(), limit)


def safe_json(document: object, *, indent: int | None = None, ascii: bool = False) -> str:
    """JSON that a terminal can be given: what `clean_text` would remove is escaped, so nothing is lost.

    With `ascii`, so is everything else that is not ASCII. Raises `ValueError` for numbers that JSON lacks.
    """
    text = json.dumps(document, ensure_ascii=ascii, indent=indent, allow_nan=False, default=str)
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def file_stem(text: object, limit: int = 60, fallback: str = "untitled") -> str:
    """A file name stem made of `text`, safe on every system: no separators, reserved names or dots at the ends.

    `limit` is in UTF-8 bytes, so that the whole name stays below the 255 of common file systems.
    """
    value = unicodedata.normalize("NFC", one_line(text))
    value = _UNSAFE_NAME.sub("-", value).strip(" .-_")
    value = value.encode()[:limit].decode(errors="ignore").strip(" .-_")
    if not value or value.split(".")[0].lower() in _WINDOWS_DEVICES:
        value = f"{fallback}-{value}" if value else fallback
    return value


def slug(text: object, limit: int = 40, fallback: str = "untitled") -> str:
    """A lower-case ASCII identifier made of `text`: letters, digits and single hyphens."""
    folded = unicodedata.normalize("NFKD", one_line(text)).encode("ascii", "ignore").decode().lower()
    value = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:limit].strip("-")
    return f"{fallback}-{value}" if value in _WINDOWS_DEVICES else value or fallback


def is_time(seconds: float) -> bool:
    """A moment that a calendar has, in any zone: years 1 to 9999."""
    return FIRST_TIME <= seconds <= LAST_TIME


def human_bytes(count: int | None) -> str:
    """A size as people write it, in binary steps: ``812 B``, ``4.2 MB``; an em dash when unknown."""
    if count is None:
        return "—"
    size = float(count)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("unreachable")


def human_duration(seconds: float | None) -> str:
    """A length of time: ``4.0 s``, ``2:05``, ``1:02:03``; an em dash when unknown."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plural(count: int, singular: str, many: str = "") -> str:
    """``1 item``, ``3 items``."""
    return f"{count:,} {singular if count == 1 else many or singular + 's'}"
