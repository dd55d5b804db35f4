"""Many files at once: all of them are named first, then each folder is made durable once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from mediatui.errors import StorageError, storage_error
from mediatui.library.files import fsync_dir, give_name, make_folder, replace_file
from mediatui.library.progress import counted

WRITERS = 16
"""Threads that write files at the same time: the file system makes them durable together."""

Pairs = Sequence[tuple[Path, Path]]
"""Files and the names they are to have."""


def move_all(pairs: Pairs) -> None:
    """Move files within one file system to names that are free; those that are not there are passed over.

    Killed in between, each is under one name or the other. Raises `StorageError`.
    """
    moved: list[tuple[Path, Path]] = []
    for folder in {target.parent for _, target in pairs}:
        _make(folder)
    for source, target in counted("moving files", pairs, len(pairs)):
        try:
            os.rename(source, target)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as exc:
            sync_folders(target for _, target in moved)
            raise storage_error(exc, f"move {source.name}") from exc
        moved.append((source, target))
    sync_folders(target for _, target in moved)
    sync_folders(source for source, _ in moved)


def name_all(pairs: Pairs) -> list[Path]:
    """Give complete and synced files new names, numbered where a name is taken, and return those, not yet synced.

    Where the file system has links each keeps its former name too, for the caller to remove once the new ones are
    recorded. Doing it again after a crash finds the names given before. Raises `StorageError`.
    """
    named: list[Path] = []
    before: dict[Path, Mapping[tuple[int, int], Path]] = {}
    for source, target in counted("placing files", pairs, len(pairs)):
        try:
            make_folder(target.parent)
            status = source.stat()
            if status.st_nlink > 1 and target.parent not in before:
                before[target.parent] = _linked(target.parent)
            held = before.get(target.parent, {}).get((status.st_dev, status.st_ino))
            named.append(held or give_name(source, target))
        except OSError as exc:
            raise storage_error(exc, f"name {target.name}") from exc
    return named


def write_all_atomic(files: Sequence[tuple[Path, bytes]]) -> list[Path]:
    """Write files of our own, each the old or the new one whatever happens; returns those the disk refused."""

    def write(file: tuple[Path, bytes]) -> bool:
        try:
            replace_file(*file)
        except StorageError:
            return False
        return True

    if len(files) < 2:
        done = [write(file) for file in files]
    else:
        with ThreadPoolExecutor(WRITERS, "mediatui-batch") as pool:
            done = list(counted("writing records", pool.map(write, files), len(files)))
    written = [path for (path, _), well in zip(files, done, strict=True) if well]
    refused = {path for (path, _), well in zip(files, done, strict=True) if not well}
    for folder, paths in _by_folder(written).items():
        try:
            fsync_dir(folder)
        except OSError:
            refused.update(paths)
    return [path for path, _ in files if path in refused]


def sync_folders(paths: Iterable[Path]) -> None:
    """Make the names of files durable. Raises `StorageError`."""
    for folder in dict.fromkeys(path.parent for path in paths):
        try:
            fsync_dir(folder)
        except FileNotFoundError:
            continue
        except OSError as exc:
            raise storage_error(exc, f"sync {folder.name}") from exc


def _make(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as exc:
        raise storage_error(exc, f"make {folder.name}") from exc


def _by_folder(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    found: dict[Path, list[Path]] = {}
    for path in paths:
        found.setdefault(path.parent, []).append(path)
    return found


def _linked(folder: Path) -> dict[tuple[int, int], Path]:
    """The files in a folder that have another name as well, by device and inode."""
    found: dict[tuple[int, int], Path] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                status = os.lstat(entry.path)
                if status.st_nlink > 1:
                    found[status.st_dev, status.st_ino] = Path(entry.path)
    return found
