"""Files of a project: their names, how they come to be whole or not at all, and room on the disk."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mediatui.errors import UsageError, storage_error
from mediatui.library.free_names import NO_LINKS, give_name, is_empty
from mediatui.library.lock import FileLock, hold
from mediatui.model import MediaType
from mediatui.text import file_stem

__all__ = [
    "NO_LINKS",
    "FileLock",
    "checked_id",
    "finish_placing",
    "finish_removing",
    "free_bytes",
    "fsync_dir",
    "give_name",
    "is_empty",
    "is_id",
    "make_folder",
    "media_name",
    "part_path",
    "place",
    "placing",
    "remove_tree",
    "replace_file",
    "sweep_temporaries",
    "sync_file",
    "tree_size",
    "write_all",
    "write_atomic",
    "write_new",
]

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_TEMPORARY = re.compile(r"\..*\.[0-9a-f]{8}\.tmp", re.DOTALL)
_REMOVED = ".removed-"


def media_name(type: MediaType, model: str, when_ms: int, extension: str) -> str:
    """The name of a generated file: ``AI-Video-{model}-{epoch-ms}.mp4``. `extension` comes without its dot."""
    ending = re.sub(r"[^a-z0-9]", "", extension.lower())[:10] or "bin"
    return f"{type.file_prefix}-{file_stem(model, limit=120, fallback='model')}-{when_ms}.{ending}"


def is_id(name: str) -> bool:
    """Whether an identifier may be part of a file name."""
    return _ID.fullmatch(name) is not None


def checked_id(identifier: str) -> str:
    """The identifier, when it may be part of a file name. Raises `UsageError`."""
    if not is_id(identifier):
        raise UsageError(f"“{identifier}” cannot name a file", hint="Identifiers are letters, digits, - and _.")
    return identifier


def part_path(folder: Path, item_id: str) -> Path:
    """Where an item's download grows: in the project folder, hence on its target's file system."""
    return folder / "parts" / f"{checked_id(item_id)}.part"


def place(part: Path, target: Path) -> Path:
    """Give a complete and synced file its final name and return that.

    Never overwrites: a taken name gets ``-2``, ``-3`` … before the extension. Calling it again after a crash
    in the middle finds the name given before. Raises `StorageError`.
    """
    with placing(part, target) as placed:
        return placed


@contextmanager
def placing(part: Path, target: Path) -> Iterator[Path]:
    """As `place`; durable when the block ends, together with the names that were given beside the file in it."""
    with _own_folder(target.parent) as folder:
        try:
            placed = _placed_before(part, target.parent) or give_name(part, target)
        except OSError as exc:
            raise storage_error(exc, f"name {target.name}") from exc
        try:
            yield placed
        finally:
            try:
                _sync_open_dir(folder)  # before the former name goes: in a power cut the file keeps one of them
                part.unlink(missing_ok=True)
            except OSError as exc:
                raise storage_error(exc, f"name {target.name}") from exc


@contextmanager
def _own_folder(path: Path) -> Iterator[int]:
    """A media folder, made if need be, opened before anything is named in it: what cannot be synced is not begun.

    Its project is not made: one that was moved away or deleted must not come back with a single file.
    Raises `StorageError`.
    """
    try:
        if not path.is_dir():
            with suppress(FileExistsError):  # another process made it, or it is no folder: opening it tells
                path.mkdir()
            fsync_dir(path.parent)
        fd = _open_dir(path)
    except OSError as exc:
        raise storage_error(exc, f"use the folder {path.name}") from exc
    try:
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


def finish_placing(parts: Path, folders: Iterable[Path]) -> None:
    """Take the former name from parts that got their final one in a run that died right then. Raises `OSError`.

    Only a name goes: the file stays under the other.
    """
    try:
        with os.scandir(parts) as entries:
            doubled = [Path(e.path) for e in entries if e.name.endswith(".part") and e.stat().st_nlink > 1]
    except FileNotFoundError:
        return
    for part in doubled:
        if any(folder.is_dir() and _placed_before(part, folder) for folder in folders):
            part.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file of our own: afterwards it is the old one or the new one, whatever happens. Raises `StorageError`."""
    replace_file(path, data)
    try:
        fsync_dir(path.parent)
    except OSError as exc:
        raise storage_error(exc, f"write {path.name}") from exc


def replace_file(path: Path, data: bytes) -> None:
    """As `write_atomic`, its name still to be made durable with its folder. Raises `StorageError`."""
    try:
        with _temporary(path, data) as temporary:
            os.replace(temporary, path)
    except OSError as exc:
        raise storage_error(exc, f"write {path.name}") from exc


def write_new(path: Path, data: bytes) -> Path:
    """Write a file under a name nobody has yet, and return that name. Raises `StorageError`."""
    try:
        with _temporary(path, data) as temporary:
            placed = give_name(temporary, path)
        fsync_dir(path.parent)
    except OSError as exc:
        raise storage_error(exc, f"write {path.name}") from exc
    return placed


def sweep_temporaries(folder: Path) -> None:
    """Remove what killed runs were writing in a folder; what is being written now is locked, and stays.

    What cannot be removed is left for the next time.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for path in [entry.path for entry in entries if _TEMPORARY.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_unlocked(path)


def _remove_unlocked(path: str) -> None:
    fd = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
    try:
        if hold(fd):
            os.unlink(path)
    finally:
        os.close(fd)


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, durably. Raises `OSError`."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    fsync_dir(path.parent)


def tree_size(folder: str) -> int:
    """Bytes in the files below a folder. Raises `OSError`."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    total += tree_size(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_size
            except FileNotFoundError:
                continue
    return total


def sync_copies() -> None:
    """Wait until what was written anywhere is on its disk; before originals go for good, whose copies may not be."""
    if hasattr(os, "sync"):
        os.sync()


def remove_tree(folder: Path) -> int:
    """Remove a folder for good and return the bytes it held: first its name, in one step, then what is in it.

    What a crash leaves of the second part lies under a hidden name, for `finish_removing`. Raises `OSError`.
    """
    size = tree_size(os.fspath(folder))
    hidden = folder.with_name(f"{_REMOVED}{folder.name}")
    if hidden.exists():  # left by a crash, and another one of that name came since
        shutil.rmtree(hidden)
    os.rename(folder, hidden)
    fsync_dir(folder.parent)
    shutil.rmtree(hidden)
    return size


def finish_removing(parent: Path) -> None:
    """Finish what a crash interrupted in `remove_tree`; what resists stays hidden for the next time."""
    with suppress(OSError):
        for hidden in parent.glob(f"{_REMOVED}*"):
            shutil.rmtree(hidden, ignore_errors=True)


def free_bytes(path: Path) -> int:
    """Bytes this user may still write on the file system of `path` or its nearest existing parent.

    Raises `StorageError`.
    """
    try:
        return next((shutil.disk_usage(place).free for place in (path, *path.parents) if place.exists()), 0)
    except OSError as exc:
        raise storage_error(exc, f"measure the free space of {path}") from exc


def fsync_dir(path: Path) -> None:
    """Make the names in a folder durable. Raises `OSError`; does nothing where folders cannot be synced."""
    fd = _open_dir(path)
    try:
        _sync_open_dir(fd)
    finally:
        if fd >= 0:
            os.close(fd)


def _open_dir(path: Path) -> int:
    """A descriptor to sync a folder by; -1 where folders cannot be opened."""
    return -1 if sys.platform == "win32" else os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _sync_open_dir(fd: int) -> None:
    try:
        if fd >= 0:
            os.fsync(fd)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def sync_file(fd: int) -> None:
    """Make a file's bytes durable; on macOS down to the medium. Raises `OSError`."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        except OSError as exc:
            if exc.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOTTY):
                raise
            os.fsync(fd)
    elif sys.platform == "win32":
        os.fsync(fd)
    else:
        os.fdatasync(fd)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write every byte. Raises `OSError`, possibly after some of them."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _placed_before(part: Path, folder: Path) -> Path | None:
    """The other name of a part that was linked into place by a run that died before it could unlink the part."""
    status = part.stat()
    if status.st_nlink < 2:
        return None
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.inode() == status.st_ino and os.path.samestat(entry.stat(follow_symlinks=False), status):
                return Path(entry.path)
    return None


@contextmanager
def _temporary(path: Path, data: bytes) -> Iterator[Path]:
    """A synced file beside `path` for as long as the block runs; locked, so that no sweep takes it."""
    make_folder(path.parent)
    temporary, fd = _own_file(path)
    try:
        write_all(fd, data)
        sync_file(fd)
        if sys.platform == "win32":  # an open file cannot be renamed there
            os.close(fd)
            fd = -1
        yield temporary
    finally:
        if fd >= 0:
            os.close(fd)
        _discard(temporary)


def _own_file(path: Path) -> tuple[Path, int]:
    while True:
        temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
        fd = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            if hold(fd) and os.fstat(fd).st_nlink:
                return temporary, fd
        except OSError:
            os.close(fd)
            _discard(temporary)
            raise
        os.close(fd)  # a sweep took it before it was locked


def _discard(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink()
