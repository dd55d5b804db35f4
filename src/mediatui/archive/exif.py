"""The little of EXIF that carries a text: reading comments from JPEG and WebP, and a block that holds one.

Layout: CIPA DC-008 (EXIF 3.0), TIFF 6.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAX_BLOCK = 16 << 20
_ASCII, _UNICODE, _UNDEFINED = b"ASCII\0\0\0", b"UNICODE\0", bytes(8)
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_TEXT_TAGS = {0x010E: "description", 0x010F: "make", 0x0110: "model", _USER_COMMENT: "comment"}
_MAX_ENTRIES = 512
JPEG_LIMIT = 65_533 - 8
"""Bytes of an EXIF block that one JPEG segment holds."""


def read_texts(file: BinaryIO) -> dict[str, str]:
    """The texts of a JPEG's or WebP's EXIF block: ``comment``, ``description``, ``make``, ``model``. Never raises."""
    head = file.read(12)
    file.seek(0)
    try:
        if head[:3] == b"\xff\xd8\xff":
            return _texts(_jpeg_block(file))
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return _texts(_webp_block(file))
    except (struct.error, OverflowError):
        return {}
    return {}


def comment_segment(text: str) -> bytes | None:
    """A JPEG segment whose EXIF block has `text` as its user comment; None when it is too long for one."""
    comment = _UNICODE + text.encode("utf-16-be", "replace")
    # Header, directory 0 with one entry, EXIF directory with one entry, the comment.
    first = struct.pack(">H HHII I", 1, _EXIF_IFD, 4, 1, 26, 0)
    second = struct.pack(">H HHII I", 1, _USER_COMMENT, 7, len(comment), 44, 0)
    block = b"MM\0*" + struct.pack(">I", 8) + first + second + comment
    if len(block) > JPEG_LIMIT:
        return None
    return b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block


def has_block(head: bytes) -> bool:
    """Whether a JPEG's beginning has an EXIF block already."""
    return b"Exif\0\0" in head


def _jpeg_block(file: BinaryIO) -> bytes:
    at = 2
    for _ in range(1024):
        file.seek(at)
        header = file.read(4)
        if len(header) < 4 or header[0] != 0xFF or header[1] in (0xDA, 0xD9):
            return b""
        length = struct.unpack(">H", header[2:])[0]
        if header[1] == 0xE1:
            data = file.read(length - 2) if length > 2 else b""
            if data[:6] == b"Exif\0\0":
                return data[6:]
        at += 2 + length
    return b""


def _webp_block(file: BinaryIO) -> bytes:
    at = 12
    for _ in range(1024):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return b""
        kind, length = struct.unpack("<4sI", header)
        if kind == b"EXIF":
            data = file.read(min(length, MAX_BLOCK))
            return data.removeprefix(b"Exif\0\0")
        at += 8 + length + length % 2
    return b""


def _texts(block: bytes) -> dict[str, str]:
    order = {b"MM": ">", b"II": "<"}.get(block[:2])
    if order is None:
        return {}
    found: dict[str, str] = {}
    directories, seen = [struct.unpack_from(f"{order}I", block, 4)[0]], set()
    while directories:
        start = directories.pop()
        if start in seen or start + 2 > len(block):
            continue
        seen.add(start)
        for tag, data in _entries(block, order, start):
            if tag == _EXIF_IFD and len(data) >= 4:
                directories.append(struct.unpack_from(f"{order}I", data)[0])
            elif tag in _TEXT_TAGS and (text := _comment(data, order, tag)):
                found.setdefault(_TEXT_TAGS[tag], text)
    return found


def _entries(block: bytes, order: str, start: int) -> Iterator[tuple[int, bytes]]:
    (count,) = struct.unpack_from(f"{order}H", block, start)
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
    for number in range(min(count, _MAX_ENTRIES)):
        at = start + 2 + 12 * number
        if at + 12 > len(block):
            return
        tag, kind, values = struct.unpack_from(f"{order}HHI", block, at)
        size = sizes.get(kind, 0) * values
        if size <= 4:
            yield tag, block[at + 8 : at + 8 + max(size, 0)]
        else:
            (place,) = struct.unpack_from(f"{order}I", block, at + 8)
            yield tag, block[place : place + size]


def _comment(data: bytes, order: str, tag: int) -> str:
    if tag != _USER_COMMENT:
        return data.rstrip(b"\0").decode("utf-8", "replace")
    code, text = data[:8], data[8:]
    if code == _UNICODE:
        # Written in either byte order, whatever the block says: zeros stand where Latin letters have none.
        big = text[0::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
    if code in (_ASCII, _UNDEFINED):
        return text.rstrip(b"\0").decode("utf-8", "replace")
    return data.rstrip(b"\0").decode("utf-8", "replace")
