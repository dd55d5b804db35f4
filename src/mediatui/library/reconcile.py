"""The index against the disk, in both directions."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mediatui.checksum import checksums_of
from mediatui.errors import UsageError, storage_error
from mediatui.library.fields import is_recordable
from mediatui.library.files import finish_placing, is_empty, sweep_temporaries
from mediatui.library.index import item_from_document
from mediatui.library.project import ProjectFolder
from mediatui.library.record import Doc
from mediatui.library.recovery import MEDIA_FOLDERS, load_sidecar, media_files, saved_document
from mediatui.library.trash import finish_trash
from mediatui.model import MediaItem, SaveState, now


@dataclass(frozen=True, slots=True)
class Differences:
    """Where index and disk disagree."""

    missing: tuple[str, ...] = ()
    """Items marked saved whose file vanished."""
    returned: tuple[str, ...] = ()
    """Items marked missing whose file is there again."""
    orphans: tuple[Path, ...] = ()
    """Media files that no item names; empty ones are names that a killed run reserved."""
    parts: tuple[Path, ...] = ()
    """Unfinished downloads."""
    adopted: tuple[str, ...] = ()
    """Items that got their file, or their place in the index, back from the record beside it."""


def compare(project: ProjectFolder) -> Differences:
    """How index and disk differ; changes nothing. Raises `StorageError`."""
    items = project.items()
    files = _files(project)
    named = {item.path for item in items if item.path is not None and item.save_state in _HAS_FILE}
    return Differences(
        missing=tuple(i.id for i in items if i.save_state is SaveState.SAVED and not _there(project, i, files)),
        returned=tuple(i.id for i in items if i.save_state is SaveState.MISSING and _there(project, i, files)),
        orphans=tuple(path for relative, path in files.items() if relative not in named and _has_bytes(path)),
        parts=_parts(project),
    )


def reconcile(project: ProjectFolder) -> Differences:
    """Bring the index up to what the disk shows: one commit for what is missing, returned or adopted.

    Nothing is dropped: a vanished file leaves its item as missing, a file nobody knows stays where it is.
    Where the project cannot be written it only compares. Raises `StorageError`.
    """
    if not project.writable:
        return compare(project)
    finish_trash(project)
    for name in (*MEDIA_FOLDERS, "results", "parts"):
        sweep_temporaries(project.folder / name)
    with project.transaction():
        _finish_placing(project)
        found = compare(project)
        adopted = adoptable(project, found.orphans)
        taken = {item.id for item, _ in adopted}
        changed = [replace(project.item(i), save_state=SaveState.MISSING) for i in found.missing if i not in taken]
        changed += [_saved(project.item(i)) for i in found.returned if i not in taken]
        project.commit(items=[*changed, *(item for item, _ in adopted)])
        _finish_saving(project)
    kept = {path for _, path in adopted}
    return replace(
        found,
        missing=tuple(i for i in found.missing if i not in taken),
        returned=tuple(i for i in found.returned if i not in taken),
        orphans=tuple(path for path in found.orphans if path not in kept),
        adopted=tuple(item.id for item, _ in adopted),
    )


def _finish_placing(project: ProjectFolder) -> None:
    try:
        finish_placing(project.folder / "parts", [project.folder / name for name in MEDIA_FOLDERS])
    except OSError as exc:
        raise storage_error(exc, f"list the unfinished downloads of {project.id}") from exc


def _finish_saving(project: ProjectFolder) -> None:
    """Remove the bytes that came inline of items that have their file: who saved them was stopped before that."""
    with suppress(OSError), os.scandir(project.folder / "parts") as entries:  # what stays is in nobody's way
        spools = {f"parts/{entry.name}": entry.path for entry in entries if entry.name.endswith(".spool")}
        for item in project.items() if spools else ():
            if item.save_state is SaveState.SAVED and item.spool in spools:
                os.unlink(spools[item.spool])


_HAS_FILE = frozenset({SaveState.SAVED, SaveState.MISSING})


def _saved(item: MediaItem) -> MediaItem:
    return replace(item, save_state=SaveState.SAVED, storage_error=None, saved_at=item.saved_at or now())


def _files(project: ProjectFolder) -> dict[str, Path]:
    try:
        return dict(media_files(project.folder))
    except OSError as exc:
        raise storage_error(exc, f"list the files of {project.id}") from exc


def _has_bytes(path: Path) -> bool:
    try:
        return not is_empty(path)
    except OSError:  # it is there, and that is all that is known
        return True


def _there(project: ProjectFolder, item: MediaItem, files: dict[str, Path]) -> bool:
    if item.path is None or item.path in files:
        return item.path is not None
    return is_there(project, item)


def _parts(project: ProjectFolder) -> tuple[Path, ...]:
    try:
        with os.scandir(project.folder / "parts") as entries:
            return tuple(Path(entry.path) for entry in entries if entry.name.endswith(".part"))
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise storage_error(exc, f"list the unfinished downloads of {project.id}") from exc


def adoptable(project: ProjectFolder, orphans: tuple[Path, ...]) -> list[tuple[MediaItem, Path]]:
    """Items whose own record lies beside a whole file that the index does not connect with them."""
    found: dict[str, tuple[MediaItem, Path]] = {}
    for path in orphans:
        try:
            sidecar = load_sidecar(path)
        except OSError:  # perhaps next time
            continue
        relative = path.relative_to(project.folder).as_posix()
        if sidecar is None or not is_recordable(relative):
            continue
        doc, key = sidecar[0], sidecar[0]["id"]
        held = project.find_item(key)
        ours = held is not None or doc.get("project") == project.id
        settled = held is not None and held.save_state is SaveState.SAVED and is_there(project, held)
        if key not in found and ours and not settled and _is_whole(path, doc):
            with suppress(OSError):
                item = item_from_document(saved_document(doc, relative, path), project.id, key)
                found[key] = (_saved(item), path)
    return list(found.values())


def is_there(project: ProjectFolder, item: MediaItem) -> bool:
    """Whether the item has its file, whatever its record says. Raises `StorageError` when the disk does not say."""
    try:
        return item.path is not None and project.path_of(item.path).is_file()
    except UsageError:
        return False
    except OSError as exc:
        raise storage_error(exc, f"find {item.name}") from exc


def _is_whole(path: Path, doc: Doc) -> bool:
    """Whether the file is the one its record describes."""
    try:
        if doc.get("file_size") not in (None, path.stat().st_size):
            return False
        return doc.get("sha256") in (None, checksums_of(path).sha256)
    except OSError:
        return False
