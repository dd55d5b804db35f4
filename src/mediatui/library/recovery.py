"""The ladder back to an index: earlier generations, then sidecars, then the media files alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mediatui.checksum import checksums_of
from mediatui.library.fields import is_recordable
from mediatui.library.files import is_empty
from mediatui.library.generations import GENERATIONS, generation
from mediatui.library.index import (
    PROJECT_KEY,
    SCHEMA,
    decode_sidecar,
    item_to_document,
    stored_project,
    type_of_file,
)
from mediatui.library.record import Doc, Tables, Unreadable
from mediatui.library.replay import replay_file
from mediatui.locations import INDEX
from mediatui.model import MediaItem, MediaType, Project, SaveState
from mediatui.text import plural

SIDECAR = ".json"
MEDIA_FOLDERS = tuple(kind.folder for kind in MediaType)


@dataclass(slots=True)
class Recovered:
    """Documents found again, and where; `gone` are identifiers somebody removed on purpose."""

    tables: Tables = field(default_factory=lambda: {name: {} for name in SCHEMA.tables})
    gone: dict[str, set[str]] = field(default_factory=dict)
    from_generations: int = 0
    from_sidecars: int = 0
    from_media: int = 0
    unread: set[str] = field(default_factory=set)
    """Files whose record the disk did not give out."""

    @property
    def total(self) -> int:
        """Documents found."""
        return sum(map(len, self.tables.values()))

    def add(self, table: str, key: str, doc: Doc) -> bool:
        """Take a document unless that one is known or was removed."""
        known = self.tables.setdefault(table, {})
        if key in known or key in self.gone.get(table, ()):
            return False
        known[key] = doc
        return True

    def __str__(self) -> str:
        sources = (
            (self.from_generations, "from an earlier index"),
            (self.from_sidecars, "from the records beside files"),
            (self.from_media, "from files alone"),
        )
        return (
            ", ".join(f"{plural(count, 'record')} {source}" for count, source in sources if count)
            or "nothing was found"
        )


def rebuild(folder: Path) -> Recovered:
    """What can be known of a project without its index. Raises `OSError` when the folder cannot be read."""
    found = Recovered()
    _from_generations(folder, found)
    _from_sidecars(folder, found)
    _from_media(folder, found)
    if not found.tables["project"]:
        record = Project(id=folder.name, name=folder.name, created_at=folder.stat().st_mtime)
        found.tables["project"][PROJECT_KEY] = stored_project(record)
    return found


def find_lost(folder: Path, tables: Tables, gone: dict[str, set[str]]) -> Recovered:
    """Documents that a damaged index no longer names, nor says were removed. Raises `OSError`."""
    found = Recovered(gone={name: {*gone.get(name, ()), *tables.get(name, ())} for name in {*gone, *tables}})
    _from_generations(folder, found)
    _from_sidecars(folder, found)
    return found


def media_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every media file: its path relative to the project folder, and its whole path. Raises `OSError`."""
    for name in MEDIA_FOLDERS:
        try:
            entries = list(os.scandir(folder / name))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            relative = f"{name}/{entry.name}"
            if not entry.name.startswith(".") and type_of_file(relative) and entry.is_file(follow_symlinks=False):
                yield relative, Path(entry.path)


def sidecar_of(path: Path) -> Path:
    """Where the record beside a media file lies."""
    return path.with_name(path.name + SIDECAR)


def read_sidecar(path: Path) -> tuple[Doc, bool] | None:
    """The record beside a media file and whether its checksum holds; None when there is none to be read."""
    try:
        return load_sidecar(path)
    except OSError:
        return None


def load_sidecar(path: Path) -> tuple[Doc, bool] | None:
    """The record beside a media file and whether its checksum holds; None when there is none that makes sense.

    Raises `OSError` when there may be one and the disk does not give it out.
    """
    try:
        return decode_sidecar(sidecar_of(path).read_bytes())
    except (FileNotFoundError, IsADirectoryError, Unreadable):
        return None


def saved_document(doc: Doc, relative: str, path: Path) -> Doc:
    """A sidecar's document, certain to say that its item is this file."""
    return {
        **doc,
        "path": relative,
        "save_state": SaveState.SAVED.value,
        "storage_error": None,
        "file_size": path.stat().st_size,
    }


def bare_item(project: str, relative: str, path: Path) -> MediaItem:
    """All that a file says about itself: name, size, checksums; its time is that of its last change."""
    changed, sums = round(path.stat().st_mtime, 3), checksums_of(path)
    return MediaItem(
        id=f"recovered-{sums.sha256[:16]}",
        project=project,
        name=path.name,
        type=type_of_file(relative) or MediaType.VIDEO,
        role="recovered",
        path=relative,
        save_state=SaveState.SAVED,
        file_size=sums.size,
        sha256=sums.sha256,
        crc32=sums.crc32,
        created_at=changed,
        saved_at=changed,
    )


def _from_generations(folder: Path, found: Recovered) -> None:
    for number in range(1, GENERATIONS + 1):
        try:
            state = replay_file(generation(folder / INDEX, number), SCHEMA)
        except FileNotFoundError:
            continue
        for name in SCHEMA.tables:
            for key, doc in state.tables.get(name, {}).items():
                found.from_generations += found.add(name, key, doc)
            found.gone.setdefault(name, set()).update(state.gone.get(name, ()))


def _from_sidecars(folder: Path, found: Recovered) -> None:
    for relative, path in media_files(folder):
        try:
            sidecar = load_sidecar(path)
        except OSError:  # the file is adopted with its record once the disk gives that out
            found.unread.add(relative)
            continue
        if sidecar and is_recordable(relative):
            doc = saved_document(sidecar[0], relative, path)
            known = found.tables["items"].get(doc["id"])
            if known is not None and known.get("save_state") != SaveState.SAVED.value:
                del found.tables["items"][doc["id"]]
            found.from_sidecars += found.add("items", doc["id"], doc)


def _from_media(folder: Path, found: Recovered) -> None:
    known = {doc.get("path") for doc in found.tables["items"].values()}
    for relative, path in media_files(folder):
        if relative not in known | found.unread and is_recordable(relative) and not is_empty(path):
            item = bare_item(folder.name, relative, path)
            key = item.id if item.id not in found.tables["items"] else f"{item.id}-{len(known)}"
            found.from_media += found.add("items", key, {**item_to_document(item), "id": key})
            known.add(relative)
