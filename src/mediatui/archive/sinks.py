"""Where an export's entries go: one ZIP file or a folder. Each grows under another name and is whole or not there.

Nothing here waits for the disk, as `cp` and `zip` do not: an export is a copy, and its originals stay. What is
removed for good goes only after everything written before has reached the disk (`library.files.sync_copies`).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from mediatui.archive.zipwriter import ZipWriter, crc32
from mediatui.library.files import give_name, make_folder, write_all


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as it was written; `start` is the place of its bytes in a ZIP file."""

    name: str
    size: int
    crc32: int
    start: int = 0


class Sink(Protocol):
    """Takes entries. Methods raise `OSError`; use as a context manager, which removes what was not placed."""

    part: Path
    """What grows until it is placed."""

    def add(self, name: str, when: float, size: int, chunks: Iterable[memoryview]) -> Stored:
        """Write an entry of at most `size` bytes; whatever `chunks` raises passes, and the entry is gone."""
        ...

    def again(self, stored: Stored, buffer: memoryview) -> Iterator[memoryview]:
        """The bytes of an entry once more."""
        ...

    def finish(self) -> None:
        """All entries are there: complete what they are kept in."""
        ...

    def place(self, target: Path) -> Path:
        """Give it its name, another one when that is taken."""
        ...

    def close(self) -> None:
        """Let go; nothing stays that was not placed."""
        ...


class ZipSink:
    """One ZIP file, its entries stored as they are."""

    def __init__(self, target: Path) -> None:
        self.part, self._fd = _create_part(target)
        self._zip = ZipWriter(self._fd)

    def add(self, name: str, when: float, size: int, chunks: Iterable[memoryview]) -> Stored:
        """Write an entry."""
        member = self._zip.add(name, when, size, chunks)
        return Stored(name, member.size, member.crc32, member.start)

    def again(self, stored: Stored, buffer: memoryview) -> Iterator[memoryview]:
        """The bytes of an entry once more."""
        at, end = stored.start, stored.start + stored.size
        while at < end:
            got = os.preadv(self._fd, [buffer[: end - at]], at)
            yield buffer[:got]
            at += got

    def finish(self) -> None:
        """Write the directory and close: a network file system says only then that it has no room."""
        self._zip.finish()
        self._close_file()

    def place(self, target: Path) -> Path:
        """Give it its name."""
        return give_name(self.part, target)

    def close(self) -> None:
        """Close; the part is gone, placed or not."""
        with suppress(OSError):
            self._close_file()
        with suppress(OSError):
            self.part.unlink()

    def _close_file(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class FolderSink:
    """A folder of files."""

    def __init__(self, target: Path) -> None:
        self.part = _create_part_folder(target)

    def add(self, name: str, when: float, size: int, chunks: Iterable[memoryview]) -> Stored:
        """Write a file that has never been there."""
        path = self.part / name
        make_folder(path.parent)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        crc = written = 0
        try:
            for chunk in chunks:
                write_all(fd, chunk)
                crc, written = crc32(chunk, crc), written + len(chunk)
            if when > 0:
                os.utime(fd, (when, when))
        except BaseException:  # whatever it is, no half a file stays
            path.unlink()
            raise
        finally:
            os.close(fd)
        return Stored(name, written, crc)

    def again(self, stored: Stored, buffer: memoryview) -> Iterator[memoryview]:
        """The bytes of a file once more."""
        with (self.part / stored.name).open("rb", buffering=0) as file:
            while got := file.readinto(buffer):
                yield buffer[:got]

    def finish(self) -> None:
        """Nothing is left to do."""

    def place(self, target: Path) -> Path:
        """Give it its name; a folder that is there, even an empty one, is never replaced."""
        names = (target if n == 1 else target.with_name(f"{target.name}-{n}") for n in count(1))
        for name in names:
            if not os.path.lexists(name):
                os.rename(self.part, name)
                return name
        raise AssertionError("unreachable")

    def close(self) -> None:
        """The part is gone unless it was placed."""
        with suppress(OSError):
            if stat.S_ISDIR(self.part.lstat().st_mode):
                shutil.rmtree(self.part)


def _part_names(target: Path) -> Iterator[Path]:
    """``<target>.part``, or a numbered one where that is taken: by another export, or by who knows what."""
    return (target.with_name(f"{target.name}.part" if n == 1 else f"{target.name}.{n}.part") for n in count(1))


def _create_part(target: Path) -> tuple[Path, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    for part in _part_names(target):
        with suppress(FileExistsError):
            return part, os.open(part, flags, 0o666)
    raise AssertionError("unreachable")


def _create_part_folder(target: Path) -> Path:
    for part in _part_names(target):
        with suppress(FileExistsError):
            part.mkdir()
            return part
    raise AssertionError("unreachable")
