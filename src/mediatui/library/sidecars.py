"""Records beside files that say something else than the index: remembered, so that undoing brings them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mediatui.errors import UsageError, storage_error
from mediatui.library.batch import write_all_atomic
from mediatui.library.files import fsync_dir, write_atomic
from mediatui.library.index import encode_sidecar
from mediatui.library.progress import counted
from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import sidecar_of
from mediatui.model import MediaItem


def read_raw(project: ProjectFolder, item: MediaItem) -> bytes | None:
    """The bytes of the record beside an item's file; None when there is none. Raises `StorageError`."""
    if item.path is None:
        return None
    try:
        return sidecar_of(project.path_of(item.path)).read_bytes()
    except (FileNotFoundError, NotADirectoryError, UsageError):
        return None
    except OSError as exc:
        raise storage_error(exc, f"read the record beside {item.name}") from exc


def odd_sidecars(project: ProjectFolder, items: Sequence[MediaItem]) -> dict[str, bytes | None]:
    """For each item whose record is not exactly what would be written now: its bytes, or None for no record.

    Raises `StorageError`.
    """
    found: dict[str, bytes | None] = {}
    for item in counted("reading records", items, len(items)):
        if item.path is not None:
            raw = read_raw(project, item)
            if raw != encode_sidecar(item):
                found[item.id] = raw
    return found


def put_sidecars(project: ProjectFolder, items: Iterable[MediaItem], odd: Mapping[str, bytes | None]) -> None:
    """Bring the records of `items` back to what `odd` says, where it says something. Raises `StorageError`."""
    for item in items:
        if item.id not in odd or item.path is None:
            continue
        path, raw = sidecar_of(project.path_of(item.path)), odd[item.id]
        if raw is not None:
            write_atomic(path, raw)
        else:
            remove_file(path)


def write_sidecars(project: ProjectFolder, items: Sequence[MediaItem]) -> int:
    """Write the records beside the files of many items; returns how many the disk refused.

    Several at a time: the file system then makes them durable together.
    """
    own = [replace(item, project=project.id) for item in items]
    files = [(sidecar_of(project.path_of(item.path)), encode_sidecar(item)) for item in own if item.path is not None]
    return len(write_all_atomic(files))


def remove_file(path: Path) -> None:
    """Remove a file that may be gone already, durably. Raises `StorageError`."""
    remove_files([path])


def remove_files(paths: Sequence[Path]) -> None:
    """Remove files that may be gone already; durable once all are. Raises `StorageError`."""
    folders: dict[Path, None] = {}
    for path in counted("removing files", paths, len(paths)):
        try:
            path.unlink()
            folders[path.parent] = None
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as exc:
            raise storage_error(exc, f"remove {path.name}") from exc
    for folder in folders:
        try:
            fsync_dir(folder)
        except OSError as exc:
            raise storage_error(exc, f"sync {folder.name}") from exc
