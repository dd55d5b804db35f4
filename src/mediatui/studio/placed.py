"""Where an item's file goes, and the one that an earlier attempt put there and came no further."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mediatui.errors import SaveError, SaveErrorKind, UsageError
from mediatui.library.files import media_name
from mediatui.library.project import ProjectFolder
from mediatui.library.recovery import read_sidecar
from mediatui.model import MediaItem, MediaType
from mediatui.studio.advice import TRY_AGAIN
from mediatui.studio.part import disk_refused
from mediatui.studio.records import Records


def stem_of(item: MediaItem, media: MediaType) -> str:
    """The file's name without its extension; the same at every attempt to save this item."""
    return media_name(media, item.model, round(item.created_at * 1000), "x").removesuffix(".x")


def folder_of(project: ProjectFolder, media: MediaType) -> Path:
    """Where media of this type lie. Raises `SaveError` when that is somewhere else."""
    try:
        return project.path_of(media.folder)
    except UsageError as exc:
        hint = f"Put a folder in place of the link, then {TRY_AGAIN}."
        raise SaveError(SaveErrorKind.IO, exc.message, hint=hint) from None


def already_placed(
    project: ProjectFolder, item: MediaItem, records: Records, part: os.stat_result | None, interrupted: bool
) -> Path | None:
    """The item's file, when an earlier attempt named it and came no further; `part` is what it named, if known.

    Raises `SaveError` when the disk does not say.
    """
    try:
        return _placed(project, item, records, part, interrupted)
    except OSError as exc:
        raise disk_refused(exc, "look for its file") from exc


def _placed(
    project: ProjectFolder, item: MediaItem, records: Records, part: os.stat_result | None, interrupted: bool
) -> Path | None:
    taken = {other.path for other in records.items(project) if other.id != item.id and other.path}
    for media in MediaType:
        stem = stem_of(item, media)
        name = re.compile(rf"{re.escape(stem)}(-\d+)?\.[a-z0-9]+")
        for path in _starting(folder_of(project, media), stem):
            free = path.relative_to(project.folder).as_posix() not in taken
            own = name.fullmatch(path.name) and path.is_file() and not path.is_symlink()
            if own and free and _is_ours(path, item, part, interrupted):
                return path
    return None


def _starting(folder: Path, stem: str) -> list[Path]:
    """The files in a folder whose names start so; `Path.glob` would hide that it may not be listed."""
    try:
        return sorted(folder / name for name in os.listdir(folder) if name.startswith(stem))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_ours(path: Path, item: MediaItem, part: os.stat_result | None, interrupted: bool) -> bool:
    """It is the very file that was named, or the record beside it is this item's.

    One that was stopped in between may have left none.
    """
    if part is not None and os.path.samestat(path.stat(), part):
        return True
    sidecar = read_sidecar(path)
    return interrupted if sidecar is None else sidecar[0].get("id") == item.id
