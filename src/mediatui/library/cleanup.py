"""What a clean-up would remove. Pure: looks, counts and changes nothing; the plan is shown first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediatui.errors import UsageError
from mediatui.library.deleted import deleted_parts
from mediatui.library.duplicates import find_duplicates
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare
from mediatui.library.recovery import MEDIA_FOLDERS
from mediatui.library.trash import trash_entries
from mediatui.library.usage import tree_size
from mediatui.model import Job, MediaItem, Phase, SaveState, now

DAY = 86_400.0


class Sort(StrEnum):
    """What can be cleaned up."""

    UNSAVED = "unsaved"
    FAILED_JOBS = "failed-jobs"
    MISSING = "missing"
    DUPLICATES = "duplicates"
    ORPHANS = "orphans"
    UNRATED = "unrated"
    PARTS = "parts"
    TRASH = "trash"
    PROJECT = "project"

    @property
    def final(self) -> bool:
        """Removed for good; everything else goes to the trash and can be taken back."""
        return self in (Sort.PARTS, Sort.TRASH)


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """What to look for, in which projects (None: all). Ages are in days."""

    sorts: frozenset[Sort]
    projects: tuple[str, ...] | None = None
    unsaved_days: float = 30.0
    trash_days: float = 30.0


@dataclass(frozen=True, slots=True)
class CleanLine:
    """One sort of thing in one project; `bytes` are on disk now."""

    sort: Sort
    project: str
    project_name: str
    count: int
    bytes: int
    items: tuple[MediaItem, ...] = ()
    jobs: tuple[Job, ...] = ()
    paths: tuple[Path, ...] = ()
    """Files or folders."""


@dataclass(frozen=True, slots=True)
class CleanPlan:
    """What would be removed. An item stands in one line only."""

    request: CleanRequest
    lines: tuple[CleanLine, ...]

    @property
    def count(self) -> int:
        """Things in all."""
        return sum(line.count for line in self.lines)

    @property
    def to_trash(self) -> int:
        """Bytes that move to the trash and are free once it is emptied."""
        return sum(line.bytes for line in self.lines if not line.sort.final)

    @property
    def freed(self) -> int:
        """Bytes free at once, for good."""
        return sum(line.bytes for line in self.lines if line.sort.final)


def plan_cleanup(
    request: CleanRequest,
    projects: Sequence[ProjectFolder],
    deleted: Sequence[Path] = (),
    at: float | None = None,
) -> CleanPlan:
    """Plan a clean-up of `projects`; `deleted` are the folders of deleted projects. Raises `StorageError`."""
    moment = now() if at is None else at
    lines: list[CleanLine] = []
    copies = _duplicates(projects) if Sort.DUPLICATES in request.sorts else {}
    for project in projects:
        lines += _project_lines(request, project, copies.get(project.id, ()), moment)
    if Sort.TRASH in request.sorts and request.projects is None:
        lines += _deleted_lines(deleted, moment - request.trash_days * DAY)
    return CleanPlan(request, tuple(lines))


def _project_lines(
    request: CleanRequest, project: ProjectFolder, copies: Sequence[MediaItem], moment: float
) -> list[CleanLine]:
    if Sort.PROJECT in request.sorts:
        whole = CleanLine(
            Sort.PROJECT, project.id, project.record.name, 1, tree_size(project.folder), project.items(), project.jobs()
        )
        return [whole]
    taken: set[str] = set()
    lines = []
    for sort in (Sort.UNSAVED, Sort.MISSING, Sort.DUPLICATES, Sort.UNRATED):
        if sort in request.sorts:
            found = copies if sort is Sort.DUPLICATES else _items(sort, request, project, moment)
            lines.append(_item_line(sort, project, [item for item in found if item.id not in taken]))
            taken.update(item.id for item in found)
    if Sort.FAILED_JOBS in request.sorts:
        jobs = tuple(_failed(project))
        lines.append(CleanLine(Sort.FAILED_JOBS, project.id, project.record.name, len(jobs), 0, jobs=jobs))
    lines += _file_lines(request, project, moment)
    return [line for line in lines if line.count]


def _items(sort: Sort, request: CleanRequest, project: ProjectFolder, moment: float) -> Iterable[MediaItem]:
    before = moment - request.unsaved_days * DAY
    tests: dict[Sort, Callable[[MediaItem], bool]] = {
        Sort.UNSAVED: lambda item: item.save_state in _WITHOUT_BYTES and item.created_at < before,
        Sort.MISSING: lambda item: item.save_state is SaveState.MISSING,
        Sort.UNRATED: lambda item: item.save_state is SaveState.SAVED and item.rating is None and not item.favourite,
    }
    return filter(tests[sort], project.items())


_WITHOUT_BYTES = frozenset({SaveState.UNSAVED, SaveState.URL_ONLY, SaveState.EXPIRED})


def _item_line(sort: Sort, project: ProjectFolder, items: Sequence[MediaItem]) -> CleanLine:
    size = sum(item.file_size or 0 for item in items if item.save_state is SaveState.SAVED)
    return CleanLine(sort, project.id, project.record.name, len(items), size, tuple(items))


def _failed(project: ProjectFolder) -> Iterable[Job]:
    """Jobs that ended without a result, unless something of theirs is here."""
    producing = {item.job for item in project.items()}
    ended = (Phase.FAILED, Phase.CANCELLED)
    return (job for job in project.jobs() if job.phase in ended and job.id not in producing)


def _file_lines(request: CleanRequest, project: ProjectFolder, moment: float) -> list[CleanLine]:
    lines = []
    name = project.record.name
    if request.sorts & {Sort.ORPHANS, Sort.PARTS}:
        found = compare(project)
        parts = tuple(path for path in found.parts if _is_leftover(project, path, moment))
        parts += tuple(path for path in _temporaries(project) if _is_old(path, moment))
        for sort, paths in ((Sort.ORPHANS, found.orphans), (Sort.PARTS, parts)):
            if sort in request.sorts:
                lines.append(CleanLine(sort, project.id, name, len(paths), sum(map(_size, paths)), paths=paths))
    if Sort.TRASH in request.sorts:
        before = moment - request.trash_days * DAY
        old = tuple(project.path_of(f"trash/{e.id}") for e in trash_entries(project) if e.time < before)
        lines.append(CleanLine(Sort.TRASH, project.id, name, len(old), sum(map(tree_size, old)), paths=old))
    return lines


def _is_leftover(project: ProjectFolder, part: Path, moment: float) -> bool:
    """A part is of use while its item still waits for its bytes; any other one, when nobody wrote it for a day."""
    item = project.find_item(part.stem)
    if item is not None and item.save_state is not SaveState.SAVED:
        return False
    return _is_old(part, moment)


def _is_old(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment - DAY
    except OSError:
        return False


def _temporaries(project: ProjectFolder) -> Iterator[Path]:
    """Records beside files that were being written when the power went."""
    for name in MEDIA_FOLDERS:
        yield from (project.folder / name).glob(".*.tmp")


def _deleted_lines(deleted: Sequence[Path], before: float) -> list[CleanLine]:
    """Deleted projects whose folder name says they went to the trash before that time."""
    lines = []
    for path in deleted:
        name, when = deleted_parts(path)
        if when and when < before:
            lines.append(CleanLine(Sort.TRASH, "", name, 1, tree_size(path), paths=(path,)))
    return lines


def _duplicates(projects: Sequence[ProjectFolder]) -> dict[str, list[MediaItem]]:
    found: dict[str, list[MediaItem]] = {}
    for group in find_duplicates(projects):
        for item in group.others:
            if not item.favourite:
                found.setdefault(item.project, []).append(item)
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def check_sorts(names: Iterable[str]) -> frozenset[Sort]:
    """Sorts by name. Raises `UsageError` for a name that is none."""
    try:
        return frozenset(Sort(name) for name in names)
    except ValueError as exc:
        raise UsageError(f"{exc}", hint=f"Choose of {', '.join(Sort)}.") from None
