"""Media files that no item names, taken in as items: with what the file says of itself, and its checksums."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mediatui.checksum import checksums_of
from mediatui.errors import StorageError, UsageError, storage_error
from mediatui.library.fields import is_recordable
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare
from mediatui.media.probe import probe, sniff
from mediatui.media.whole import CUT_WORDS, is_cut
from mediatui.model import DOUBT, MediaItem, SaveState, new_id
from mediatui.studio.advice import LOOK_AGAIN
from mediatui.text import one_line

HEAD_BYTES = 4096
NAME_REFUSED = "its name has characters that cannot be written down; give it another name"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of each file."""

    items: tuple[MediaItem, ...] = ()
    refused: tuple[tuple[Path, str], ...] = ()
    """Files that stay as they are, and why."""


def adopt(project: ProjectFolder, paths: Sequence[Path] | None = None) -> Adopted:
    """Make items of a project's orphan files (all, or these), in one commit; the files stay where they are.

    Blocking. Raises `StorageError`, and `UsageError` for a file that is no orphan of this project.
    """
    orphans = {path.resolve(): path for path in compare(project).orphans}
    chosen = list(orphans.values()) if paths is None else [_orphan(orphans, path) for path in paths]
    items: list[MediaItem] = []
    refused: list[tuple[Path, str]] = []
    for path in dict.fromkeys(chosen):
        if not is_recordable(path.relative_to(project.folder).as_posix()):
            refused.append((path, NAME_REFUSED))
            continue
        try:
            item = _item_of(project, path)
        except OSError as exc:
            refused.append((path, storage_error(exc, f"read {path.name}").message))
            continue
        if item is None:
            refused.append((path, "it is not a picture, a video or a sound"))
        else:
            items.append(item)
    taken = _commit(project, items)
    return Adopted(tuple(taken), tuple(refused))


def _orphan(orphans: dict[Path, Path], path: Path) -> Path:
    found = orphans.get(path.resolve())
    if found is None:
        raise UsageError(
            f"{path.name} is not a file of this project that nobody knows", hint=f"{LOOK_AGAIN} looks again."
        )
    return found


def _commit(project: ProjectFolder, items: Sequence[MediaItem]) -> list[MediaItem]:
    """Record what nobody else took in meanwhile."""
    with project.transaction():
        named = {item.path for item in project.items()}
        fresh = [item for item in items if item.path not in named]
        if fresh:
            project.commit(items=fresh)
    for item in fresh:
        with suppress(StorageError):  # the index has it; the record beside the file is for when it is lost
            project.write_sidecar(item)
    return fresh


def _item_of(project: ProjectFolder, path: Path) -> MediaItem | None:
    """A file as a saved item; None when it is no media. Raises `OSError`."""
    from mediatui.archive.metadata import read_making

    with path.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
        written = os.fstat(file.fileno()).st_mtime
    if found is None:
        return None
    sums, facts, making = checksums_of(path), probe(path), read_making(path)
    return MediaItem(
        id=new_id(),
        project=project.id,
        name=one_line(path.name, 200),
        type=(facts.type if facts else None) or found[0],
        provider=making.provider if making else "",
        model=making.model if making else "",
        prompt=making.prompt if making else "",
        params=making.params if making else {},
        seed=making.seed if making else None,
        path=path.relative_to(project.folder).as_posix(),
        save_state=SaveState.SAVED,
        content_type=found[2],
        file_size=sums.size,
        sha256=sums.sha256,
        crc32=sums.crc32,
        duration=facts.duration if facts else None,
        width=facts.width if facts else None,
        height=facts.height if facts else None,
        fps=facts.fps if facts else None,
        created_at=round(written, 3),
        saved_at=round(written, 3),
        extra={DOUBT: CUT_WORDS} if is_cut(path) else {},
    )
