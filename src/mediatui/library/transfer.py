"""Moving and copying items between projects. An item is in one project, in both for a moment, never in none.

Order: a second name for the file within one file system, else a checked copy in the target's `parts/` that
gets its final name; record beside it, one commit in the target; for a move then one commit in the source, and the file.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath

from mediatui.checksum import CHUNK_BYTES, RunningChecksums
from mediatui.errors import NotYet, SaveErrorKind, StorageError, UsageError, storage_error
from mediatui.library.batch import WRITERS, sync_folders
from mediatui.library.files import fsync_dir, give_name, make_folder, part_path, sync_file, write_all
from mediatui.library.progress import counted
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import is_there
from mediatui.library.recovery import sidecar_of
from mediatui.library.sidecars import remove_files, write_sidecars
from mediatui.locations import INDEX
from mediatui.model import MediaItem, SaveState, new_id
from mediatui.text import plural

MOVABLE = frozenset({SaveState.SAVED, SaveState.URL_ONLY, SaveState.EXPIRED})
"""Items in these states may change their project; bytes that are still to come belong to their job's project."""
COPIED_FROM = "copied_from"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an item is to be in the target: under this identifier, path and name."""

    id: str
    path: str | None
    name: str
    spool: str | None = None


def move_items(
    source: ProjectFolder, target: ProjectFolder, item_ids: Sequence[str], wanted: Mapping[str, Wanted] | None = None
) -> tuple[MediaItem, ...]:
    """Move items with their files; returns them as they are in the target.

    Nothing is overwritten: a taken name gets a number. Raises `UsageError`, `StorageError`; then every
    item is where it was, or (killed in between) in both projects.
    """
    items = _checked(source, target, item_ids)
    placed = _bring(source, target, items, wanted or {}, linked=True)
    with source.transaction():
        settled = [item for item in items if source.find_item(item.id) == item]
        if len(settled) < len(items):
            # Its newest state is in the source: what the target has is the older one.
            raise _changed_meanwhile(target, items, placed)
        remove_files([sidecar_of(source.path_of(item.path)) for item in items if item.path is not None])
        source.commit(gone_items=[item.id for item in items])
    living = {item.path for item in source.items()}
    gone = [item.path for item in items if item.path is not None and item.path not in living]
    remove_files([source.path_of(path) for path in gone])
    return placed


def copy_items(source: ProjectFolder, target: ProjectFolder, item_ids: Sequence[str]) -> tuple[MediaItem, ...]:
    """Copy items and their files; the copies have identifiers and bytes of their own.

    Copying within one project makes a second item of it. Raises `UsageError`, `StorageError`.
    """
    items = _checked(source, None, item_ids)
    wanted = {item.id: Wanted(new_id(), item.path, item.name) for item in items}
    return _bring(source, target, items, wanted, linked=False)


def free_path(project: ProjectFolder, relative: str, taken: Collection[str | None]) -> Path:
    """Where a file may go so that it becomes nobody else's: `taken` are the paths that items name, there or missing."""
    path = PurePosixPath(relative)
    names = (relative if n == 1 else path.with_stem(f"{path.stem}-{n}").as_posix() for n in count(1))
    return project.path_of(next(name for name in names if name not in taken))


def _checked(source: ProjectFolder, target: ProjectFolder | None, item_ids: Sequence[str]) -> list[MediaItem]:
    items = [source.item(item_id) for item_id in dict.fromkeys(item_ids)]
    if not items:
        raise UsageError("no items were named")
    if target is not None and target.id == source.id:
        raise UsageError(f"the items are in {target.record.name} already")
    unready = [
        item for item in items if item.save_state not in MOVABLE or not (item.path is None or is_there(source, item))
    ]
    if unready:
        raise NotYet(
            f"{plural(len(unready), 'item')} of {len(items)} cannot be moved or copied before the bytes are here: "
            f"{unready[0].name}",
            hint="Save them first (w, or `mediatui save`).",
        )
    return items


def _bring(
    source: ProjectFolder,
    target: ProjectFolder,
    items: Sequence[MediaItem],
    wanted: Mapping[str, Wanted],
    *,
    linked: bool,
) -> tuple[MediaItem, ...]:
    """Place, describe and record the items in the target; bytes that must be copied are there before it is locked."""
    placed: list[MediaItem] = []
    linked = linked and _share_a_disk(source.folder, target.folder)
    taken = {item.path for item in target.items()}
    with _staged(source, target, () if linked else items) as parts, target.transaction():
        try:
            for item in counted("placing files", items, len(items)):
                wish = wanted.get(item.id) or Wanted(item.id, item.path, item.name)
                if (held := target.find_item(wish.id)) is not None:
                    raise UsageError(f"{held.name} is in {target.record.name} already")
                file = parts.get(item.id) or (source.path_of(item.path) if item.path else None)
                placed.append(_place(target, item, wish, file, taken, item.id in parts))
            _sync_folders(target, placed)
            if refused := write_sidecars(target, [item for item in placed if item.path is not None]):
                raise StorageError(f"could not write {plural(refused, 'record')} beside files in {target.record.name}")
            target.commit(items=placed)
        except (UsageError, StorageError):
            _take_away(target, placed)
            raise
        return tuple(target.item(item.id) for item in placed)


def _place(
    target: ProjectFolder, item: MediaItem, wish: Wanted, file: Path | None, taken: set[str | None], is_part: bool
) -> MediaItem:
    copied = {COPIED_FROM: item.id} if wish.id != item.id else {}
    moved = replace(item, id=wish.id, project=target.id, spool=wish.spool, extra={**item.extra, **copied})
    if file is None or item.path is None:
        return replace(moved, path=wish.path, name=wish.name)
    asked = wish.path or item.path
    free = free_path(target, asked, taken)
    path = _name(file, free, item.name) if is_part else _link(file, free, item.name)
    relative = path.relative_to(target.folder).as_posix()
    taken.add(relative)
    return replace(moved, path=relative, name=path.name if wish.name == PurePosixPath(asked).name else wish.name)


def _name(part: Path, free: Path, name: str) -> Path:
    """Give a copy its name; its former one goes with the other parts."""
    try:
        make_folder(free.parent)
        return give_name(part, free)
    except OSError as exc:
        raise storage_error(exc, f"copy {name}") from exc


def _link(file: Path, free: Path, name: str) -> Path:
    """A second name for a complete file: the first that nobody has, or the one a killed move gave it before."""
    try:
        make_folder(free.parent)
        for path in (free if n == 1 else free.with_name(f"{free.stem}-{n}{free.suffix}") for n in count(1)):
            try:
                os.link(file, path, follow_symlinks=False)
            except FileExistsError:
                if not (path.is_file() and path.samefile(file)):
                    continue
            return path
    except OSError as exc:
        raise storage_error(exc, f"move {name}") from exc
    raise AssertionError("unreachable")


def _share_a_disk(source: Path, target: Path) -> bool:
    """Whether a file of the one can get a second name in the other."""
    probe = target / "parts" / f"link-{secrets.token_hex(6)}.part"
    try:
        make_folder(probe.parent)
        os.link(source / INDEX, probe, follow_symlinks=False)
        probe.unlink()
    except OSError:
        return False  # another disk, or one without links: the bytes are copied
    return True


def _sync_folders(target: ProjectFolder, placed: Sequence[MediaItem]) -> None:
    try:
        for folder in {target.path_of(item.path).parent for item in placed if item.path is not None}:
            if folder.is_dir():
                fsync_dir(folder)
    except OSError as exc:
        raise storage_error(exc, f"write into {target.record.name}") from exc


def _take_away(target: ProjectFolder, items: Sequence[MediaItem]) -> None:
    """Take back what was placed for a move or copy that failed; the source still has it all."""
    files = [target.path_of(item.path) for item in items if item.path is not None]
    for path in files:
        for each in (sidecar_of(path), path):
            with suppress(OSError):
                each.unlink(missing_ok=True)
    with suppress(StorageError):
        sync_folders(files)


def _changed_meanwhile(target: ProjectFolder, items: Sequence[MediaItem], placed: Sequence[MediaItem]) -> StorageError:
    target.commit(gone_items=[item.id for item in placed])
    _take_away(target, placed)
    return StorageError(
        f"{plural(len(items), 'item')} stayed: another window changed them at the same moment", hint="Move them again."
    )


@contextmanager
def _staged(source: ProjectFolder, target: ProjectFolder, items: Sequence[MediaItem]) -> Iterator[dict[str, Path]]:
    """Copies of the items' bytes in the target's folder for parts; what was not placed is gone afterwards."""
    with_files = [item for item in items if item.path is not None]
    parts = {item.id: part_path(target.folder, f"move-{secrets.token_hex(8)}") for item in with_files}

    def copy(item: MediaItem) -> None:
        try:
            _copy(source.path_of(item.path or ""), parts[item.id], item)
        except OSError as exc:
            raise storage_error(exc, f"copy {item.name}") from exc

    try:
        _make_parts(target)
        with ThreadPoolExecutor(WRITERS, "mediatui-copies") as pool:
            deque(counted("copying files", pool.map(copy, with_files), len(with_files)), maxlen=0)
        yield parts
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _make_parts(target: ProjectFolder) -> None:
    try:
        make_folder(target.folder / "parts")
    except OSError as exc:
        raise storage_error(exc, f"write into {target.record.name}") from exc


def _copy(path: Path, part: Path, item: MediaItem) -> None:
    """Copy and sync; the bytes must be those the index knows."""
    running = RunningChecksums()
    fd = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                running.add(chunk)
                write_all(fd, chunk)
            status = os.fstat(file.fileno())
        sync_file(fd)
    finally:
        os.close(fd)
    os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
    sums = running.result()
    if sums.size != status.st_size or item.sha256 not in (None, sums.sha256):
        raise StorageError(
            f"{item.name} is not what was saved: its bytes changed",
            hint="“Check the disk”, or `mediatui check`, compares files and index.",
            kind=SaveErrorKind.BAD_CONTENT,
        )
