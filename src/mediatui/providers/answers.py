"""Read values out of a service's JSON, whatever it holds: nothing here trusts a type, a range or a length."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import MediaType
from mediatui.providers.base import Output
from mediatui.providers.discovery import find_others, find_outputs
from mediatui.providers.long_texts import LARGE, set_aside
from mediatui.redact import hide_known
from mediatui.text import clean_text, one_line

MAX_LOG_LINES = 200
BROKE_OFF = "the answer broke off; there may have been more"
"""Said of what is left of an answer that did not come to its end."""
MIN_BEGUN = 1024
"""Letters of base64; less of a picture's beginning shows nothing."""
LATEST_SECONDS = 253_402_300_800.0
"""The year 10000: a later time is no time."""

_READ_TWICE = 1 << 20
"""Bytes; a longer answer holds its files itself."""
_WEB_ADDRESS = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_DATA_HEAD = re.compile(r"data:[\w.+-]+/[\w.+-]+[;,]", re.IGNORECASE)
_PERCENT = re.compile(r"(?<![\d.])(\d{1,3})(?:\.\d+)?\s?%")
_PLAIN_ROLES: Mapping[MediaType, str] = {MediaType.VIDEO: "clip", MediaType.IMAGE: "image", MediaType.AUDIO: "audio"}
_NO_ROLES = frozenset({"output", "url", "data", "result", "resource", "generation"})
"""Names of containers; they say nothing of what is in them."""


class TooDeep(ValueError):
    """JSON, but nested too deeply to be read."""


def read_json(body: bytes) -> Any:
    """The JSON in `body`, past bytes that are no text and numbers no machine holds. Raises `ValueError` for none."""
    if len(body) < LARGE:
        return _parsed(body)
    aside = set_aside(body)
    return aside.put_back(_parsed(aside.body))


def outline(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`, empty for anything else; something short stands in place of each long text."""
    return parse_object(body if len(body) < LARGE else set_aside(body).body)


def _parsed(body: bytes) -> Any:
    try:
        try:
            return json.loads(body)
        except ValueError:
            return json.loads(body.decode(json.detect_encoding(body), "replace"), parse_int=_integer)
    except RecursionError:
        raise TooDeep("nested too deeply") from None


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) < 400 else None


def parse_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`; an empty one for anything else."""
    try:
        document = read_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def parse_result(raw: bytes) -> Any:
    """The JSON in a stored result; raises `ProviderError` of kind INTERNAL when there is none."""
    try:
        return read_json(raw)
    except ValueError:
        raise ProviderError(ErrorKind.INTERNAL, "the provider's result is not JSON") from None


def mapping(value: object) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def entries(value: object) -> list[Mapping[str, Any]]:
    """The objects in `value` if it is a list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def text(value: object, limit: int = 500) -> str:
    """`value` on one clean line if it is text, else nothing."""
    return one_line(value, limit) if isinstance(value, str) else ""


def identifier(value: object, limit: int = 200) -> str:
    """An id on one clean line; some services write it as a number. Empty for what is none, or no part of an address."""
    found = text(str(value) if isinstance(value, int) and not isinstance(value, bool) else value, limit)
    return "" if found in (".", "..") else found


def number(value: object) -> float | None:
    """A finite number, also when it is written as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: object) -> int | None:
    """A number from zero up that a record can hold, without its fraction."""
    found = number(value)
    return int(found) if found is not None and 0 <= found < 2**63 else None


def percent(value: object) -> float | None:
    """0…1 of a number that counts to a hundred, or of ``45%``."""
    found = number(value.strip().removesuffix("%") if isinstance(value, str) else value)
    return None if found is None else min(1.0, max(0.0, found / 100))


def epoch(value: object) -> float | None:
    """Seconds since the epoch of an ISO time or a number of seconds; None for times that mean "not set"."""
    if isinstance(value, str) and (moment := _iso(value)) is not None:
        found: float | None = moment
    else:
        found = number(value)
    return found if found is not None and 0 < found < LATEST_SECONDS else None


def _iso(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def log_lines(value: object) -> tuple[str, ...]:
    """The last lines of a log that is one text, or a list of texts or of objects with a ``message``; no key of ours."""
    if isinstance(value, str):
        # Progress bars rewrite their line with a carriage return.
        parts: Sequence[object] = value[-100_000:].replace("\r", "\n").split("\n")
    else:
        parts = value if isinstance(value, list) else ()
    found = (mapping(part).get("message") if isinstance(part, Mapping) else part for part in parts[-MAX_LOG_LINES:])
    return tuple(line for line in (hide_known(text(entry, 400)) for entry in found) if line)


def percent_in(lines: Sequence[str]) -> float | None:
    """0…1 of the last percentage in a log: models print progress bars."""
    for line in reversed(lines[-20:]):
        if found := _PERCENT.findall(line):
            return min(100, int(found[-1])) / 100
    return None


def is_address(value: object) -> bool:
    """A whole web address, or a data address that names its type; not a text that begins like one."""
    if not isinstance(value, str):
        return False
    value = value.strip()
    if value[:5].lower() == "data:":
        return _DATA_HEAD.match(value[:200]) is not None
    return _WEB_ADDRESS.fullmatch(value) is not None and clean_text(value) == value


def left_out(raw: bytes, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The places of files in a raw answer that are no media, where it is short enough to be read once more."""
    try:
        return find_others(read_json(raw), inputs) if len(raw) <= _READ_TWICE else ()
    except ValueError:
        return ()


def find_media(result: object, inputs: Mapping[str, Any], expected: MediaType | None) -> tuple[Output, ...]:
    """The files in `result`: every address in it, under whatever name it stands, but not those in `inputs`.

    A file that says nothing of its type is taken for `expected`, else an image: it is better saved under
    the wrong name than lost, and saving looks into its bytes.
    """
    found = find_outputs(result, inputs, expected or MediaType.IMAGE, anywhere=is_address)
    return tuple(replace(o, role=_PLAIN_ROLES[o.type] if o.role in _NO_ROLES else o.role) for o in found)
