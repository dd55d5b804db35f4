"""One line of a journal: a JSON object that carries the CRC-32 of the rest of itself.

    {"c":"eab0124b","n":7,"tables":{"items":{"put":{"<id>":{…}},"del":["<id>"]},"jobs":{"put":{…}}}}

One line is one commit, over one table or several. The checksum stands at a fixed place, so a line is plain
JSON for other tools and can be verified without parsing it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

Doc = dict[str, Any]
Tables = dict[str, dict[str, Doc]]
Changes = dict[str, dict[str, Doc | None] | None]
"""What a commit asks for: by table, by id, the new document or None for "gone"; a table of None is dropped."""
Effects = dict[str, dict[str, Doc | None]]
"""What commits did: by table, by id, the new document or None for "gone"."""

_PREFIX = b'{"c":"'
_BODY_AT = 16
_RECORD_START = re.compile(rb'(?={"c":"[0-9a-f]{8}","n":)')
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ASCII_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)


class Unreadable(ValueError):
    """A line that is no record; nothing of it can be used."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line of a file turned out to hold. `trouble` is empty when every byte is as it was written."""

    records: tuple[Doc, ...]
    verified: bool
    trouble: str = ""
    lost: bool = False
    """Part of the line could not be used."""


def encode(record: Mapping[str, Any]) -> bytes:
    """The record as a line with its checksum.

    Raises `TypeError` or `ValueError` for values that JSON does not have.
    """
    try:
        body = _ENCODER.encode(record)[1:].encode()
    except UnicodeEncodeError:  # a lone surrogate: escaped it is still JSON
        body = _ASCII_ENCODER.encode(record)[1:].encode()
    return b'{"c":"%08x",%s\n' % (crc32(body), body)


def changes_as_record(changes: Changes) -> Doc:
    """What a commit asks for, in the form a line has it under ``tables``."""
    record: Doc = {}
    for name, change in changes.items():
        if change is None:
            record[name] = None
            continue
        put = {key: doc for key, doc in change.items() if doc is not None}
        gone = [key for key, doc in change.items() if doc is None]
        record[name] = ({"put": put} if put else {}) | ({"del": gone} if gone else {})
    return record


def parse(text: bytes) -> Doc:
    """The JSON object in `text`; NaN and infinities are read as null. Raises `Unreadable`."""
    try:
        value = _DECODER.decode(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(value, dict):
        raise Unreadable("not a record")
    return value


def parse_many(texts: Sequence[bytes]) -> list[Doc] | None:
    """The records of many verified lines at once, which shares their keys; None when one of them is no commit."""
    try:
        values = _DECODER.decode((b"[" + b",".join(texts) + b"]").decode("utf-8", "surrogatepass"))
        return [_shaped(value) for value in values]
    except (AttributeError, ValueError, RecursionError):
        return None


def verify(text: bytes) -> bool:
    """Whether the line (without its newline) carries the right checksum."""
    return (
        text[:6] == _PREFIX
        and text[14:_BODY_AT] == b'",'
        and text[6:14] == b"%08x" % crc32(memoryview(text)[_BODY_AT:])
    )


def read_line(text: bytes, known: Collection[str]) -> Reading:
    """What a line (without its newline) holds.

    A line whose checksum is wrong but which still reads as a record was edited by hand or has a flipped bit
    inside a value: it is returned unverified, without its deletions. Where a newline was lost, the records on
    both sides are found again. `known` are the table names an unverified line may speak of. Raises `Unreadable`.
    """
    if verify(text):
        return Reading((_shaped(parse(text)),), verified=True)
    if whole := _verified_parts(text):
        used = sum(map(len, whole)) + len(whole)
        lost = used < len(text)
        return Reading(tuple(_shaped(parse(p)) for p in whole), True, "a line end was lost", lost)
    record = _shaped(parse(text))
    _plausible(record, known)
    return Reading((_harmless(record),), verified=False, trouble="the checksum does not match")


def _verified_parts(text: bytes) -> list[bytes]:
    """The records in a line that had a newline inside or at its end, with one foreign byte allowed after each."""
    parts = [part for part in _RECORD_START.split(text) if part]
    candidates = ((part, part[:-1]) for part in parts)
    return [found for pair in candidates if (found := next(filter(verify, pair), b""))]


def _shaped(record: Doc) -> Doc:
    tables = record.get("tables", {})
    if not isinstance(record.get("n", 0), int) or not isinstance(tables, dict):
        raise Unreadable("not a commit")
    for change in tables.values():
        if change is not None and not _is_change(change):
            raise Unreadable("not a commit")
    return record


def _is_change(change: object) -> bool:
    if not isinstance(change, dict):
        return False
    put, gone = change.get("put", {}), change.get("del", [])
    return (
        isinstance(put, dict)
        and isinstance(gone, list)
        and all(isinstance(doc, dict) for doc in put.values())
        and all(isinstance(key, str) for key in gone)
    )


def _plausible(record: Doc, known: Collection[str]) -> None:
    tables: Doc = record.get("tables") or {}
    sound = record.keys() <= {"c", "n", "tables", "torn"} and tables.keys() <= set(known)
    changes = [change or {} for change in tables.values()] if sound else []
    puts = [put for change in changes if (put := change.get("put"))]
    named = all(doc.get("id", key) == key for put in puts for key, doc in put.items())
    if not puts or not named or not all(change.keys() <= {"put", "del"} for change in changes):
        raise Unreadable("the checksum does not match")


def _harmless(record: Doc) -> Doc:
    """Evidence in doubt may add or change, never remove."""
    changes = record["tables"].items()
    return {"tables": {name: {"put": change["put"]} for name, change in changes if change and change.get("put")}}


def clone(value: Any) -> Any:
    """A deep copy of a JSON value, faster than `copy.deepcopy`."""
    kind = type(value)
    if kind is dict:
        return {key: clone(part) for key, part in value.items()}
    if kind is list:
        return [clone(part) for part in value]
    return value
