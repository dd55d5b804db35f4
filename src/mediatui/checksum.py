"""Checksums of bytes and files: CRC-32 at memory speed where the processor has a wheel for it, SHA-256 beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

try:
    from isal.isal_zlib import crc32
except ImportError:  # no wheel for this processor
    from zlib import crc32

__all__ = ["CHUNK_BYTES", "Checksums", "RunningChecksums", "checksums_of", "crc32"]

CHUNK_BYTES = 1 << 20


class Checksums(NamedTuple):
    """Of a whole file."""

    size: int
    sha256: str
    crc32: str
    """Eight lower-case hexadecimal digits."""


class RunningChecksums:
    """Checksums of bytes as they pass."""

    def __init__(self) -> None:
        self._size = 0
        self._crc = 0
        self._sha = hashlib.sha256()

    @property
    def size(self) -> int:
        """Bytes counted so far."""
        return self._size

    def add(self, data: bytes | memoryview) -> None:
        """Count more bytes."""
        self._sha.update(data)
        self._crc = crc32(data, self._crc)
        self._size += len(data)

    def result(self) -> Checksums:
        """Of everything so far."""
        return Checksums(self._size, self._sha.hexdigest(), f"{self._crc:08x}")


def checksums_of(path: Path) -> Checksums:
    """Of a file, read in pieces. Raises `OSError`."""
    running = RunningChecksums()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            running.add(chunk)
    return running.result()
