"""A comment in MP4 and MOV files, without touching the media: ``moov/udta/meta/ilst/©cmt`` as iTunes writes it.

Layout: ISO/IEC 14496-12 (boxes, chunk offsets), QuickTime File Format (metadata item list).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_MOOV = 256 << 20
_COMMENT, _TITLE = b"\xa9cmt", b"\xa9nam"
_PARENTS = (b"trak", b"mdia", b"minf", b"stbl")
_MAX_BOXES = 10_000
Box = tuple[bytes, int, int, int]
"""Type, start, start of its contents, end."""


def read_comment(file: BinaryIO) -> str | None:
    """The comment; None when there is none. Never raises for what it finds."""
    try:
        moov = next((box for box in _top_boxes(file) if box[0] == b"moov"), None)
        if moov is None or moov[3] - moov[2] > MAX_MOOV:
            return None
        file.seek(moov[2])
        return _comment_in(file.read(moov[3] - moov[2]))
    except (struct.error, OverflowError, _Odd):
        return None


def with_comment(file: BinaryIO, comment: str, title: str) -> tuple[int, int, bytes] | None:
    """What to replace so that the file has a comment: ``start``, ``end`` and the new bytes of its ``moov`` box.

    Chunk offsets behind it are moved along. None for a file that cannot be changed safely: fragmented,
    damaged, with tags of its own, or too large for its offsets.
    """
    try:
        boxes = list(_top_boxes(file))
        moov = next((box for box in boxes if box[0] == b"moov"), None)
        if moov is None or moov[3] - moov[1] > MAX_MOOV or any(box[0] == b"moof" for box in boxes):
            return None
        file.seek(moov[2])
        body = bytearray(file.read(moov[3] - moov[2]))
        return _replacement(moov, body, _user_data(comment, title))
    except (struct.error, OverflowError, _Odd):
        return None


class _Odd(ValueError):
    """The file is not laid out as expected."""


def _replacement(moov: Box, body: bytearray, extra: bytes) -> tuple[int, int, bytes] | None:
    inner = list(_boxes(body, 0, len(body)))
    if any(box[0] in (b"udta", b"mvex") for box in inner):
        held = next((box for box in inner if box[0] == b"udta"), None)
        if held is None or any(kind == b"mvex" for kind, *_ in inner):
            return None
        if any(kind == b"meta" for kind, *_ in _boxes(body, held[2], held[3])):
            return _replace_meta(moov, body, held, extra)
        return None
    _shift(body, 0, len(body), moov[3], len(extra))
    return _moov(moov, bytes(body) + extra)


def _replace_meta(moov: Box, body: bytearray, held: Box, extra: bytes) -> tuple[int, int, bytes] | None:
    """Encoders leave a `udta` that only names themselves: it is exchanged for ours, which keeps nothing else."""
    if _comment_in(bytes(body)) is not None or held[3] - held[1] > 4096:
        return None
    rest = bytes(body[: held[1]]) + bytes(body[held[3] :])
    changed = bytearray(rest)
    _shift(changed, 0, len(changed), moov[3], len(extra) - (held[3] - held[1]))
    return _moov(moov, bytes(changed) + extra)


def _moov(moov: Box, body: bytes) -> tuple[int, int, bytes]:
    return moov[1], moov[3], struct.pack(">I4s", len(body) + 8, b"moov") + body


def _shift(body: bytearray, start: int, end: int, behind: int, by: int) -> None:
    """Move every chunk offset that lies behind the ``moov`` box."""
    for kind, _, inside, stop in _boxes(body, start, end):
        if kind in _PARENTS:
            _shift(body, inside, stop, behind, by)
        elif kind in (b"stco", b"co64"):
            _shift_table(body, inside, ">I" if kind == b"stco" else ">Q", behind, by)


def _shift_table(body: bytearray, at: int, form: str, behind: int, by: int) -> None:
    (count,) = struct.unpack_from(">I", body, at + 4)
    size = struct.calcsize(form)
    for place in range(at + 8, at + 8 + count * size, size):
        (offset,) = struct.unpack_from(form, body, place)
        if offset >= behind:
            struct.pack_into(form, body, place, offset + by)


def _user_data(comment: str, title: str) -> bytes:
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    items = b"".join(
        _box(kind, _box(b"data", struct.pack(">II", 1, 0) + text.encode("utf-8", "replace")))
        for kind, text in ((_TITLE, title), (_COMMENT, comment))
        if text
    )
    return _box(b"udta", _box(b"meta", bytes(4) + handler + _box(b"ilst", items)))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data) + 8, kind) + data


def _comment_in(body: bytes) -> str | None:
    at, end = 0, len(body)
    for name in (b"udta", b"meta", b"ilst", _COMMENT, b"data"):
        found = next((box for box in _boxes(body, at, end) if box[0] == name), None)
        if found is None:
            return None
        at, end = found[2], found[3]
        if name == b"meta" and body[at : at + 4] == bytes(4):
            at += 4  # a version and flags, which QuickTime's own files lack
    return body[at + 8 : end].decode("utf-8", "replace")


def _boxes(body: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    at = start
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", body, at)
        inside = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", body, inside)
            inside += 8
        if size == 0:
            size = end - at
        if size < inside - at or at + size > end:
            raise _Odd
        yield bytes(kind), at, inside, at + size
        at += size


def _top_boxes(file: BinaryIO) -> Iterator[Box]:
    end, at = file.seek(0, 2), 0
    for _ in range(_MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return
        size, kind = struct.unpack_from(">I4s", header)
        inside = at + 8
        if size == 1 and len(header) == 16:
            (size,) = struct.unpack_from(">Q", header, 8)
            inside += 8
        if size == 0:
            size = end - at
        if size < inside - at or at + size > end:
            return
        yield kind, at, inside, at + size
        at += size
