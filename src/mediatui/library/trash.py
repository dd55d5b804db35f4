"""Removing items so that they can come back: their records and files move to the project's trash.

What is to happen to all of them is written down and committed once, then their files follow: each folder is made
durable once, however many there are. Killed in between, an item is in its place or can be restored, and
`finish_trash` ends what was begun.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mediatui.errors import StorageError, UsageError, storage_error
from mediatui.library.batch import move_all, name_all, sync_folders, write_all_atomic
from mediatui.library.files import (
    checked_id,
    finish_removing,
    is_id,
    remove_tree,
    sweep_temporaries,
    sync_copies,
    write_atomic,
)
from mediatui.library.index import encode_sidecar, item_from_document, item_to_document
from mediatui.library.project import ProjectFolder
from mediatui.library.record import Doc, Unreadable, parse
from mediatui.library.recovery import load_sidecar, sidecar_of
from mediatui.model import MediaItem, now
from mediatui.text import plural

RECORD = "record.json"


@dataclass(frozen=True, slots=True)
class TrashEntry:
    """Items removed together. `bytes` are those of their files; `name` says what it is in a list."""

    id: str
    project: str
    item_ids: tuple[str, ...]
    bytes: int
    time: float
    name: str


def trash_items(project: ProjectFolder, item_ids: Sequence[str]) -> TrashEntry:
    """Remove items; their files go to the trash with them.

    The records are written there first and then removed from the index in one commit, so a crash at any
    moment leaves each item in one place or the other. Raises `UsageError`, `StorageError`.
    """
    with project.transaction():
        items = [project.item(item_id) for item_id in dict.fromkeys(item_ids)]
        if not items:
            raise UsageError("there is nothing to remove")
        entry = _entry_of(f"{int(now() * 1000)}-{secrets.token_hex(3)}", project.id, items, now())
        try:
            write_atomic(_folder(project, entry.id) / RECORD, _record(entry, items))
        except StorageError as exc:
            if isinstance(exc.__cause__, OSError):
                raise storage_error(exc.__cause__, f"move {entry.name} to the trash") from exc
            raise
        project.commit(gone_items=[item.id for item in items])
        _move_in(project, entry.id, items)
    return entry


def restore_items(project: ProjectFolder, entry_id: str) -> tuple[MediaItem, ...]:
    """Bring an entry's items and files back; a name taken meanwhile gets a number.

    Where the file system has links, the trash keeps the files until the items are recorded.
    Raises `UsageError`, `StorageError`.
    """
    with project.transaction():
        entry = _read_entry(project, entry_id)
        if entry is None:
            raise UsageError(f"there is no entry {entry_id} in the trash of {project.record.name}")
        restored = _bring_out(project, entry_id, entry[1])
        project.commit(items=restored)
        _forget_doubles(project, entry_id, entry[1])
        _drop(project, entry_id)
    return tuple(restored)


def trash_entries(project: ProjectFolder) -> tuple[TrashEntry, ...]:
    """What can be brought back, the latest first. Raises `StorageError`."""
    entries = []
    for entry_id in _entry_ids(project):
        if read := _read_entry(project, entry_id):
            when, items = read
            if any(project.find_item(item.id) is None for item in items):
                entries.append(_entry_of(entry_id, project.id, items, when))
    return tuple(sorted(entries, key=lambda entry: entry.time, reverse=True))


def unreadable_entries(project: ProjectFolder) -> tuple[str, ...]:
    """Entries without a record that can be read; their files are still there. Raises `StorageError`."""
    return tuple(entry_id for entry_id in _entry_ids(project) if _is_unreadable(project, entry_id))


def _is_unreadable(project: ProjectFolder, entry_id: str) -> bool:
    try:
        return _read_entry(project, entry_id) is None and _has_files(_folder(project, entry_id))
    except StorageError:
        return True


def empty_trash(project: ProjectFolder, entries: Iterable[str]) -> int:
    """Remove entries for good, their records and files; returns the bytes that were freed.

    An item of an entry that lives again keeps its file. An entry leaves the list before its first file goes, so
    a crash never leaves half of one. Raises `UsageError` when there is no such entry, `StorageError`.
    """
    freed = 0
    sync_copies()
    with project.transaction():
        for entry_id in dict.fromkeys(entries):
            read = _read_entry(project, entry_id)
            if read is None:
                raise UsageError(f"there is no entry {entry_id} in the trash of {project.record.name}")
            _give_back(project, entry_id, read[1])
            freed += _remove_for_good(_folder(project, entry_id))
    return freed


def older_than(entries: Iterable[TrashEntry], days: float) -> tuple[TrashEntry, ...]:
    """The entries that were removed more than so many days ago."""
    return tuple(entry for entry in entries if entry.time < now() - days * 86_400)


def finish_trash(project: ProjectFolder) -> None:
    """Finish what a crash interrupted: removed items' files that still lie in their folders are moved.

    Raises `StorageError`.
    """
    with project.transaction():
        finish_removing(project.folder / "trash")
        for entry_id in _entry_ids(project):
            try:
                read = _read_entry(project, entry_id)
            except StorageError:  # perhaps next time
                continue
            if read is None:
                _drop_unborn(project, entry_id)
                continue
            _forget_doubles(project, entry_id, read[1])
            removed = [item for item in read[1] if project.find_item(item.id) is None]
            if removed:
                _move_in(project, entry_id, [item for item in removed if _lies_in_its_place(project, item)])
            elif not _has_files(_folder(project, entry_id)):
                _drop(project, entry_id)


def _entry_of(entry_id: str, project: str, items: Sequence[MediaItem], when: float) -> TrashEntry:
    name = items[0].name if len(items) == 1 else plural(len(items), "item")
    size = sum(item.file_size or 0 for item in items if item.path)
    return TrashEntry(entry_id, project, tuple(item.id for item in items), size, when, name)


def _folder(project: ProjectFolder, entry_id: str) -> Path:
    return project.path_of(f"trash/{checked_id(entry_id)}")


def _entry_ids(project: ProjectFolder) -> list[str]:
    try:
        with os.scandir(project.folder / "trash") as entries:
            return sorted(e.name for e in entries if is_id(e.name) and e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise storage_error(exc, f"list the trash of {project.id}") from exc


def _read_entry(project: ProjectFolder, entry_id: str) -> tuple[float, list[MediaItem]] | None:
    """An entry's time and items; None when it has no record that makes sense. Raises `StorageError`."""
    try:
        doc = parse((_folder(project, entry_id) / RECORD).read_bytes())
    except (FileNotFoundError, Unreadable):
        return None
    except OSError as exc:
        raise storage_error(exc, f"read the trash entry {entry_id}") from exc
    found: Any = doc.get("items")
    docs: list[Doc] = [d for d in found if isinstance(d, dict)] if isinstance(found, list) else []
    items = [item_from_document(d, project.id, d["id"]) for d in docs if isinstance(d.get("id"), str)]
    when = doc.get("time")
    return (float(when) if isinstance(when, (int, float)) else 0.0, items) if items else None


def _record(entry: TrashEntry, items: Iterable[MediaItem]) -> bytes:
    """What an entry holds, a line for each item."""
    docs = ",\n".join(json.dumps(item_to_document(item), ensure_ascii=False) for item in items)
    head = f'{{"id": {json.dumps(entry.id)}, "time": {json.dumps(entry.time)}, "items": ['
    return f"{head}\n{docs}\n]}}\n".encode("utf-8", "replace")


def _move_in(project: ProjectFolder, entry_id: str, items: Iterable[MediaItem]) -> None:
    """Move the items' files and records into the entry, unless a living item has the same file."""
    living, folder = {item.path for item in project.items()}, _folder(project, entry_id)
    pairs = []
    for path in dict.fromkeys(item.path for item in items if item.path not in living):
        if path is not None:
            source, target = project.path_of(path), folder / path
            pairs += [(source, target), (sidecar_of(source), sidecar_of(target))]
    move_all([(source, target) for source, target in pairs if not os.path.lexists(target)])


def _lies_in_its_place(project: ProjectFolder, item: MediaItem) -> bool:
    """Whether the file under the item's path is the item's, not one that took the free name since."""
    if item.path is None:
        return False
    try:
        path = project.path_of(item.path)
        beside = load_sidecar(path)
    except (OSError, UsageError):
        return False
    if beside is not None:
        return bool(beside[0]["id"] == item.id)
    try:
        return item.file_size in (None, path.stat().st_size)
    except OSError:
        return False


def _give_back(project: ProjectFolder, entry_id: str, items: Iterable[MediaItem]) -> None:
    """Items that live again without their file get it back from the entry."""
    living = [held for item in items if (held := project.find_item(item.id)) is not None]
    in_need = [item for item in living if item.path is not None and not _exists(project.path_of(item.path))]
    project.commit(items=_bring_out(project, entry_id, in_need))


def _bring_out(project: ProjectFolder, entry_id: str, items: Sequence[MediaItem]) -> list[MediaItem]:
    """Give the items' files and records their places again, durably; returns the items as they are now."""
    folder = _folder(project, entry_id)
    kept = {path: folder / path for path in dict.fromkeys(item.path for item in items) if path is not None}
    kept = {path: file for path, file in kept.items() if _exists(file)}
    named = name_all([(file, project.path_of(path)) for path, file in kept.items()])
    places = dict(zip(kept, named, strict=True))
    restored = [_placed(project, item, places) for item in items]
    records = {
        sidecar_of(places[was.path]): (sidecar_of(kept[was.path]), encode_sidecar(item))
        for was, item in zip(items, restored, strict=True)
        if was.path in places
    }
    fresh = [(path, data) for path, (file, data) in records.items() if not _moved_back(file, path, data)]
    if refused := write_all_atomic(fresh):
        raise StorageError(f"could not write {plural(len(refused), 'record')} beside files in {project.record.name}")
    sync_folders(named)
    return restored


def _placed(project: ProjectFolder, item: MediaItem, places: Mapping[str, Path]) -> MediaItem:
    place = places.get(item.path or "")
    if place is None:
        return item
    return replace(item, path=place.relative_to(project.folder).as_posix(), name=_renamed(item, place))


def _moved_back(kept: Path, path: Path, data: bytes) -> bool:
    """Whether the record in the trash is what is to be written, and took that place."""
    try:
        if kept.read_bytes() != data:
            return False
        os.replace(kept, path)
    except OSError:
        return False
    return True


def _forget_doubles(project: ProjectFolder, entry_id: str, items: Iterable[MediaItem]) -> None:
    """Take one of two names from files that a restore gave their places: the trash's once their item is recorded,
    else the other. What resists is left for the next time.
    """
    folder = _folder(project, entry_id)
    for item in items:
        if item.path is None:
            continue
        held, kept = project.find_item(item.id), folder / item.path
        with suppress(OSError, UsageError):
            place = project.path_of((held or item).path or item.path)
            if held is not None and _is_over(kept, place):
                kept.unlink(missing_ok=True)
                sidecar_of(kept).unlink(missing_ok=True)
            elif held is None and place.samefile(kept):
                place.unlink()


def _is_over(kept: Path, place: Path) -> bool:
    """Whether a file has its place, and the trash nothing else under its name. Raises `OSError`."""
    status = place.stat()
    try:
        return os.path.samestat(kept.stat(), status)
    except FileNotFoundError:
        return True


def _remove_for_good(folder: Path) -> int:
    try:
        return remove_tree(folder)
    except OSError as exc:
        raise storage_error(exc, f"empty the trash entry {folder.name}") from exc


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as exc:
        raise storage_error(exc, f"find {path.name}") from exc


def _renamed(item: MediaItem, placed: Path) -> str:
    return placed.name if item.path is not None and item.name == Path(item.path).name else item.name


def _has_files(folder: Path) -> bool:
    return any(name != RECORD for _, _, names in os.walk(folder) for name in names)


def _drop_unborn(project: ProjectFolder, entry_id: str) -> None:
    """Remove what a killed run leaves of an entry before its record was written, or after that was removed."""
    folder = _folder(project, entry_id)
    sweep_temporaries(folder)
    if not os.path.lexists(folder / RECORD) and not _has_files(folder):
        _drop(project, entry_id)


def _drop(project: ProjectFolder, entry_id: str) -> None:
    """Remove an entry whose items all live again: its record and its empty folders."""
    folder = _folder(project, entry_id)
    with suppress(OSError):
        (folder / RECORD).unlink(missing_ok=True)
        for path, _, _ in os.walk(folder, topdown=False):
            os.rmdir(path)
