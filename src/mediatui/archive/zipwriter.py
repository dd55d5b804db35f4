"""A writer of ZIP files whose entries are stored as they are (PKWARE APPNOTE 6.3.10), with Zip64 where needed.

Written for media: the sizes and the checksum go into each local header once the bytes are there, so there
are no data descriptors, an entry whose source failed is cut off again, and the checksum is computed at
memory speed where `isal` is installed (`zipfile` offers no way to do any of this).
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass


def _find_crc() -> Callable[[bytes | memoryview, int], int]:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.crc32
    found: Callable[[bytes | memoryview, int], int] = isal_zlib.crc32
    return found


crc32 = _find_crc()

ZIP64_FROM = 0xFFFFFFFF
"""Sizes and offsets from here on are written in 64 bits."""

_MAX_ENTRIES = 0xFFFF
_UTF8_NAMES = 0x0800
_UNIX_FILE = 0o100644 << 16
_PLAIN, _WIDE = 20, 45
"""The version of the format that a reader must know."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry as it was written. `start` is the place of its bytes in the archive."""

    name: str
    size: int
    crc32: int
    offset: int
    start: int
    stamp: int
    wide: bool


class ZipWriter:
    """Writes entries to a file descriptor from its beginning. Failed writes raise `OSError`."""

    def __init__(self, fd: int, *, zip64_from: int = ZIP64_FROM) -> None:
        """`fd` is open for writing and empty; `zip64_from` is lower only in tests."""
        self._fd = fd
        self._zip64_from = zip64_from
        self._end = 0
        self._members: list[Member] = []

    def add(self, name: str, when: float, size: int, chunks: Iterable[memoryview]) -> Member:
        """Append an entry of at most `size` bytes, last changed at `when`.

        Whatever `chunks` raises is passed on, after the half written entry is gone again.
        """
        offset, stamp, wide = self._end, _dos_time(when), size >= self._zip64_from
        header = _local_header(name, 0, 0, stamp, wide)
        start = end = offset + len(header)
        crc = 0
        try:
            for chunk in chunks:
                _write_at(self._fd, chunk, end)
                crc = crc32(chunk, crc)
                end += len(chunk)
            _write_at(self._fd, _local_header(name, end - start, crc, stamp, wide), offset)
        except BaseException:  # whatever it is, no half an entry stays
            os.ftruncate(self._fd, offset)
            raise
        self._end = end
        member = Member(name, end - start, crc, offset, start, stamp, wide)
        self._members.append(member)
        return member

    def finish(self) -> None:
        """Write the directory; the archive is complete then."""
        directory = b"".join(map(self._directory_entry, self._members))
        _write_at(self._fd, directory + self._end_records(len(directory)), self._end)

    def _directory_entry(self, member: Member) -> bytes:
        far = member.offset >= self._zip64_from
        wide = member.wide
        sizes = (ZIP64_FROM,) * 2 if wide else (member.size,) * 2
        values = (member.size,) * 2 * wide + (member.offset,) * far
        extra = _zip64_extra(*values)
        name = member.name.encode()
        return (
            struct.pack(
                "<4sHHHHIIIIHHHHHII",
                b"PK\1\2",
                3 << 8 | _WIDE,
                _WIDE if values else _PLAIN,
                _UTF8_NAMES,
                0,
                member.stamp,
                member.crc32,
                *sizes,
                len(name),
                len(extra),
                0,
                0,
                0,
                _UNIX_FILE,
                ZIP64_FROM if far else member.offset,
            )
            + name
            + extra
        )

    def _end_records(self, length: int) -> bytes:
        count, at = len(self._members), self._end
        wide = b""
        if count >= _MAX_ENTRIES or max(at, length) >= self._zip64_from:
            wide = struct.pack(
                "<4sQHHIIQQQQ", b"PK\6\6", 44, 3 << 8 | _WIDE, _WIDE, 0, 0, count, count, length, at
            ) + struct.pack("<4sIQI", b"PK\6\7", 0, at + length, 1)
        narrow = (min(count, _MAX_ENTRIES),) * 2 if not wide else (_MAX_ENTRIES,) * 2
        places = (length, at) if not wide else (ZIP64_FROM, ZIP64_FROM)
        return wide + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *narrow, *places, 0)


def _local_header(name: str, size: int, crc: int, stamp: int, wide: bool) -> bytes:
    encoded = name.encode()
    extra = _zip64_extra(size, size) if wide else b""
    shown = ZIP64_FROM if wide else size
    return (
        struct.pack(
            "<4sHHHIIIIHH",
            b"PK\3\4",
            _WIDE if wide else _PLAIN,
            _UTF8_NAMES,
            0,
            stamp,
            crc,
            shown,
            shown,
            len(encoded),
            len(extra),
        )
        + encoded
        + extra
    )


def _zip64_extra(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""


def _dos_time(when: float) -> int:
    """Date and time in two-second steps, local, from 1980 to 2107."""
    try:
        moment = time.localtime(when)
    except (OverflowError, ValueError, OSError):
        moment = time.localtime(0)
    if not 1980 <= moment.tm_year <= 2107:
        return 1 << 21 | 1 << 16
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return date << 16 | moment.tm_hour << 11 | moment.tm_min << 5 | min(moment.tm_sec, 59) // 2


def _write_at(fd: int, data: bytes | memoryview, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written
