"""Text in PNG files: reading every text chunk, and where a new one goes (PNG specification, third edition, 11.3.3)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 8 << 20
"""Bytes of one text that are read, unpacked."""
MAX_CHUNKS = 4096
_TEXT = (b"tEXt", b"zTXt", b"iTXt")


def read_texts(file: BinaryIO) -> dict[str, str]:
    """Every text by its keyword; a keyword's first one counts. Never raises for what it finds."""
    found: dict[str, str] = {}
    if file.read(8) != SIGNATURE:
        return found
    for kind, length in _chunks(file):
        if kind in _TEXT and length <= MAX_TEXT:
            text = _text(kind, file.read(length))
            if text is not None:
                found.setdefault(*text)
    return found


def text_chunk(keyword: str, text: str) -> bytes:
    """An ``iTXt`` chunk: UTF-8, not compressed."""
    data = keyword.encode("latin-1")[:79] + b"\0\0\0\0\0" + text.encode("utf-8", "replace")
    return struct.pack(">I", len(data)) + b"iTXt" + data + struct.pack(">I", zlib.crc32(b"iTXt" + data))


def place_for_text(head: bytes) -> int | None:
    """Where a text chunk can be put: right behind the header; None when this is no PNG."""
    if head[:8] != SIGNATURE or head[8:16] != b"\0\0\0\rIHDR" or len(head) < 33:
        return None
    return 33


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Each chunk's type and length, with the file at its data."""
    at = 8
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:
            return
        length, kind = struct.unpack(">I4s", header)
        if kind == b"IEND":
            return
        yield kind, length
        at += 12 + length


def _text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    keyword, zero, rest = data.partition(b"\0")
    if not zero or not keyword:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return name, _decoded(rest)
    if kind == b"zTXt":
        unpacked = _unpacked(rest[1:])
        return None if unpacked is None else (name, _decoded(unpacked))
    if len(rest) < 2:
        return None
    packed = rest[0]
    body = rest[2:].split(b"\0", 2)
    if len(body) < 3:
        return None
    raw = _unpacked(body[2]) if packed else body[2]
    return None if raw is None else (name, raw.decode("utf-8", "replace"))


def _decoded(data: bytes) -> str:
    """Latin-1 by the letter of the specification; many programs write UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unpacked(data: bytes) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, MAX_TEXT)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else text
