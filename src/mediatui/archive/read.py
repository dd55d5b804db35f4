"""Reading what is to be imported: a ZIP file or a folder, as entries that are safe to use and entries refused by name.

Refused: absolute paths and paths that lead out (zip-slip), links, devices, encrypted entries, bombs (a ratio
or a size no media has), names that are there twice, names no file system could hold.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from mediatui.errors import MediatuiError, UsageError, storage_error
from mediatui.locations import expanded
from mediatui.text import one_line

MAX_ENTRIES = 200_000
MAX_RATIO = 200
"""Unpacked to packed; media does not pack. Small entries may be anything."""
RATIO_FROM = 1 << 20
MAX_NAME_BYTES = 1024
_SYSTEM_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


class BadArchive(MediatuiError):
    """What was given cannot be imported at all."""

    title = "Cannot be imported"


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that is not imported, and why, in words."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that may be read. `name` has forward slashes and is relative; `changed` is seconds since the epoch."""

    name: str
    size: int
    changed: float


@dataclass(slots=True)
class Contents:
    """What there is: entries by name, and what was refused."""

    entries: dict[str, Entry] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, name: str, reason: str) -> None:
        """Leave an entry out."""
        self.refused.append(Refused(one_line(_spelled(name), 200), reason))


class Source(Protocol):
    """An opened ZIP file or folder."""

    path: Path
    contents: Contents

    def open(self, name: str) -> IO[bytes]:
        """An entry's bytes. Raises `BadEntry`."""
        ...


class BadEntry(Exception):
    """An entry's bytes cannot be had; the text says why."""


@contextmanager
def open_source(path: Path, max_file: int) -> Iterator[Source]:
    """Open a ZIP file or folder; single files above `max_file` bytes are refused.

    Raises `UsageError` when there is nothing of the kind, `BadArchive` for a damaged file.
    """
    path = expanded(path)
    if os.path.isdir(path):  # unlike Path.is_dir it takes a name that no file can have for one that is not there
        yield _Folder(path, max_file)
        return
    if not os.path.isfile(path):
        raise UsageError(f"there is no file or folder {path}")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, zlib.error) as exc:
        raise BadArchive(
            f"{path.name} is no ZIP file, or it is cut off: {exc}", hint="Download or copy it again."
        ) from None
    except OSError as exc:
        raise storage_error(exc, f"read {path.name}") from exc
    with archive:
        yield _Archive(path, archive, max_file)


def read_small(source: Source, name: str, limit: int) -> bytes:
    """A whole entry of at most `limit` bytes. Raises `BadEntry`."""
    with reading(name), source.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise BadEntry("it is larger than anything of its kind")
    return data


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever reading damaged bytes raises into `BadEntry`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as exc:
        raise BadEntry(f"its bytes are damaged: {exc}") from exc
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else str(exc)
        raise BadEntry(f"it could not be read: {reason}") from exc


def _spelled(name: str) -> str:
    """A name with what cannot be printed spelled out, so that the file can be found."""
    return "".join(char if char.isprintable() else _escaped(char) for char in name)


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def unsafe_name(name: str) -> str:
    """Why a name from outside is refused; empty for one that is fine."""
    parts = name.split("/")
    if not name or "\0" in name or not name.isprintable():
        return "its name has characters no name may have"
    if name.startswith(("/", "\\")) or name[1:2] == ":":
        return "its path is absolute"
    if "\\" in name:
        return "its path has backslashes"
    if ".." in parts:
        return "its path leads out of the folder"
    if "." in parts or "" in parts[:-1]:
        return "its path is not a plain one"
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES or any(
        len(p.encode("utf-8", "replace")) > 255 for p in parts
    ):
        return "its name is too long"
    return ""


class _Archive:
    def __init__(self, path: Path, archive: zipfile.ZipFile, max_file: int) -> None:
        self.path, self._zip = path, archive
        self.contents = Contents()
        self._infos: dict[str, zipfile.ZipInfo] = {}
        infos = archive.infolist()
        if len(infos) > MAX_ENTRIES:
            raise BadArchive(f"{path.name} has {len(infos):,} entries; at most {MAX_ENTRIES:,} are read")
        twice = _twice(info.filename for info in infos)
        room = path.stat().st_size
        for info in infos:
            # The name as it is in the file: the module cuts it at a zero and turns backslashes on some systems.
            name = info.orig_filename
            if info.is_dir() and not unsafe_name(name):
                continue
            reason = unsafe_name(name) or _why_refused(info, max_file, room)
            if not reason and name.casefold() in twice:
                reason = "its name is there more than once"
            if reason:
                self.contents.refuse(name, reason)
            elif not _is_system_file(name):
                self._infos[name] = info
                self.contents.entries[name] = Entry(name, info.file_size, _zip_time(info))

    def open(self, name: str) -> IO[bytes]:
        """An entry's bytes; reading checks the CRC at the end."""
        with reading(name):
            return self._zip.open(self._infos[name])


class _Folder:
    def __init__(self, path: Path, max_file: int) -> None:
        self.path = path
        self.contents = Contents()
        self._max_file = max_file
        try:
            self._scan(os.fspath(path), "")
        except OSError as exc:
            raise storage_error(exc, f"read {path}") from exc

    def open(self, name: str) -> IO[bytes]:
        """An entry's bytes."""
        with reading(name):
            fd = os.open(self.path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise OSError("it is not a regular file")
            return io.BufferedReader(io.FileIO(fd, closefd=True))

    def _scan(self, folder: str, prefix: str) -> None:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            name = prefix + entry.name
            if len(self.contents.entries) > MAX_ENTRIES:
                raise BadArchive(f"{self.path} has more than {MAX_ENTRIES:,} files")
            if entry.is_symlink():
                self.contents.refuse(name, "it is a link")
            elif entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    self._scan(entry.path, f"{name}/")
            elif not _is_system_file(name):
                self._take(entry, name)

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        status = entry.stat(follow_symlinks=False)
        reason = unsafe_name(name)
        if not stat.S_ISREG(status.st_mode):
            reason = "it is a device or a pipe"
        elif status.st_size > self._max_file:
            reason = "it is larger than the settings allow"
        if reason:
            self.contents.refuse(name, reason)
        else:
            self.contents.entries[name] = Entry(name, status.st_size, round(status.st_mtime, 3))


def _why_refused(info: zipfile.ZipInfo, max_file: int, archive_size: int) -> str:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return "it is a link"
    if kind not in (0, stat.S_IFREG):
        return "it is a device or a pipe"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.compress_size > archive_size:
        return "it claims more bytes than the archive has"
    if info.file_size > max_file:
        return "it is larger than the settings allow"
    if info.file_size > RATIO_FROM and info.file_size > MAX_RATIO * max(info.compress_size, 1):
        return f"it unpacks to more than {MAX_RATIO} times its size"
    return ""


def _twice(names: Iterator[str]) -> set[str]:
    """Names (in any letter case) that several entries have."""
    seen: set[str] = set()
    twice: set[str] = set()
    for name in names:
        key = name.casefold()
        (twice if key in seen else seen).add(key)
    return twice


def _is_system_file(name: str) -> bool:
    return name.startswith(_SYSTEM_FILES[0]) or name.rsplit("/", 1)[-1] in _SYSTEM_FILES or "/." in f"/{name}"


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
