"""Looking a project over: its index, its files, the records beside them, and whether they agree. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediatui.checksum import checksums_of
from mediatui.errors import StorageError, UsageError
from mediatui.library.fields import is_recordable
from mediatui.library.index import item_to_document
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import Differences, compare
from mediatui.library.recovery import load_sidecar, sidecar_of
from mediatui.library.trash import unreadable_entries
from mediatui.model import MediaItem, SaveState, doubt_of
from mediatui.text import human_bytes

READERS = 4
"""Files read at once when their checksums are compared."""

Progress = Callable[[int, int], None]
"""Bytes read so far, and bytes to read."""


class Kind(StrEnum):
    """What sort of thing was found."""

    DAMAGE = "damage"
    MISSING = "missing"
    RETURNED = "returned"
    SIZE = "size"
    CONTENT = "content"
    UNREADABLE = "unreadable"
    ORPHAN = "orphan"
    SIDECAR = "sidecar"
    ANSWER = "answer"
    SPOOL = "spool"
    TRASH = "trash"
    PART = "part"
    CUT = "cut"

    @property
    def serious(self) -> bool:
        """Something is not as it was written; not: an unfinished download, a file that came cut or came back."""
        return self not in (Kind.PART, Kind.CUT, Kind.RETURNED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: what, where, and what to run next."""

    kind: Kind
    what: str
    """A path relative to the project folder, or an identifier."""
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a project looks like. `hashed` counts files whose content was compared, `unhashed` those that could not."""

    project: str
    name: str
    items: int
    jobs: int
    files: int
    bytes: int
    hashed: int
    unhashed: int
    notice: str
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Nothing serious was found."""
        return not any(finding.kind.serious for finding in self.findings)


def check(project: ProjectFolder, *, hash: bool = False, progress: Progress = lambda _done, _total: None) -> Report:
    """Compare index, files, sidecars and trash; with `hash` every file's content too. Raises `StorageError`."""
    project.poll()
    differences = compare(project)
    saved = [(item, path) for item in project.items() if (path := _file_of(project, item, differences)) is not None]
    findings = [
        *_index(project),
        *_records_and_files(project, differences),
        *_sizes(project, saved),
        *_doubts(saved),
        *(finding for item, path in saved if (finding := sidecar_finding(project, item, path))),
        *_kept_answers(project),
        *_trash(project),
    ]
    known = [(item, path) for item, path in saved if item.sha256]
    if hash:
        findings += _contents(project, known, progress)
    return Report(
        project=project.id,
        name=project.record.name,
        items=len(project.items()),
        jobs=len(project.jobs()),
        files=len(saved),
        bytes=sum(item.file_size or 0 for item, _ in saved),
        hashed=len(known) if hash else 0,
        unhashed=len(saved) - len(known) if hash else 0,
        notice=project.notice,
        findings=tuple(findings),
    )


def _doubts(saved: Sequence[tuple[MediaItem, Path]]) -> Iterator[Finding]:
    for item, _ in saved:
        if doubt := doubt_of(item):
            remedy = f"remove the file, then `mediatui retry {item.id}` downloads it again while its address lasts"
            yield Finding(Kind.CUT, item.path or "", doubt, remedy)


def sidecar_finding(project: ProjectFolder, item: MediaItem, path: Path) -> Finding | None:
    """What is wrong with the record beside an item's file, if anything."""
    remedy = f"`mediatui repair -p {project.id}` writes it again"
    name = _relative(project, sidecar_of(path))
    try:
        sidecar = load_sidecar(path)
    except OSError as exc:
        return Finding(Kind.SIDECAR, name, f"the record beside the file cannot be read: {exc.strerror}", remedy)
    if sidecar is None:
        there = os.path.lexists(sidecar_of(path))
        words = "the record beside the file makes no sense" if there else "the file has no record beside it"
        return Finding(Kind.SIDECAR, name, words, remedy)
    doc, verified = sidecar
    if not verified:
        return Finding(Kind.SIDECAR, name, "the record beside the file was changed: its checksum is wrong", remedy)
    ours = item_to_document(item)
    differing = sorted(k for k in ours.keys() | doc.keys() if k not in _PASSING and ours.get(k) != doc.get(k))
    if differing:
        return Finding(Kind.SIDECAR, name, f"the record beside the file differs in {', '.join(differing)}", remedy)
    return None


_PASSING = frozenset({"project", "save_state", "storage_error"})
"""What a sidecar may say otherwise: it was written for a moment, and its folder may have been copied."""


def _file_of(project: ProjectFolder, item: MediaItem, differences: Differences) -> Path | None:
    if item.save_state is not SaveState.SAVED or item.path is None or item.id in differences.missing:
        return None
    return project.path_of(item.path)


def _relative(project: ProjectFolder, path: Path) -> str:
    return path.relative_to(project.folder).as_posix()


def _index(project: ProjectFolder) -> Iterator[Finding]:
    remedy = f"look at the items; `mediatui repair -p {project.id} --accept` then keeps what is shown"
    for place in project.damage:
        where = f" at byte {place.offset:,}" if place.length else ""
        yield Finding(Kind.DAMAGE, _relative(project, place.path), f"damaged{where}: {place.reason}", remedy)


def _records_and_files(project: ProjectFolder, differences: Differences) -> Iterator[Finding]:
    for item_id in differences.missing:
        item = project.item(item_id)
        again = f"`mediatui retry {item_id}` downloads it again" if item.url else "put it back: it has no address"
        yield Finding(Kind.MISSING, item.path or "", "the file is gone", again)
    for item_id in differences.returned:
        name = project.item(item_id).path or ""
        yield Finding(Kind.RETURNED, name, "the file is there again", f"`mediatui repair -p {project.id}` notes it")
    for path in differences.orphans:
        remedy = f"`mediatui repair -p {project.id} --adopt` makes it an item"
        if not is_recordable(_relative(project, path)):
            remedy = "give it another name: this one cannot be written down"
        yield Finding(Kind.ORPHAN, _relative(project, path), "no item knows this file", remedy)
    for path in differences.parts:
        known = project.find_item(path.name.removesuffix(".part"))
        whose = f"of item {known.id}" if known else "of no known item"
        remedy = f"`mediatui retry {known.id}` goes on with it" if known else ""
        yield Finding(Kind.PART, _relative(project, path), f"an unfinished download {whose}", remedy)


def _sizes(project: ProjectFolder, saved: Sequence[tuple[MediaItem, Path]]) -> Iterator[Finding]:
    for item, path in saved:
        try:
            size = path.stat().st_size
        except OSError as exc:
            yield Finding(Kind.UNREADABLE, _relative(project, path), f"cannot be read: {exc.strerror}")
            continue
        if item.file_size not in (None, size):
            said = f"has {human_bytes(size)} ({size:,} bytes), was saved with {item.file_size:,} bytes"
            yield Finding(Kind.SIZE, _relative(project, path), said, _fetch_again(item))


def _fetch_again(item: MediaItem) -> str:
    return f"move the file elsewhere, then `mediatui retry {item.id}` downloads it again"


def _kept_answers(project: ProjectFolder) -> Iterator[Finding]:
    """Raw answers and inline bytes that records refer to."""
    for job in project.jobs():
        if job.result_path is not None and not _is_there(project, job.result_path):
            yield Finding(
                Kind.ANSWER,
                job.result_path,
                f"the provider's answer to job {job.id} is gone",
                f"`mediatui jobs retry {job.id}` asks for it again",
            )
    for item in project.items():
        if item.spool is not None and item.save_state is not SaveState.SAVED and not _is_there(project, item.spool):
            remedy = f"`mediatui retry {item.id}` looks for them in the stored answer"
            said = f"the bytes of item {item.id} that came with the answer are gone"
            yield Finding(Kind.SPOOL, item.spool, said, remedy)


def _is_there(project: ProjectFolder, relative: str) -> bool:
    try:
        return os.path.lexists(project.path_of(relative))
    except UsageError:
        return False


def _trash(project: ProjectFolder) -> Iterator[Finding]:
    for entry_id in unreadable_entries(project):
        words = "its record cannot be read; its files are in the folder"
        yield Finding(
            Kind.TRASH, f"trash/{entry_id}", words, "move the files you want back into videos, images or audio"
        )


def _contents(project: ProjectFolder, known: Sequence[tuple[MediaItem, Path]], progress: Progress) -> Iterator[Finding]:
    """Read every file, several at once."""
    total, done = sum(item.file_size or 0 for item, _ in known), 0
    with ThreadPoolExecutor(min(READERS, os.cpu_count() or 1)) as pool:
        results = pool.map(lambda pair: _content(project, *pair), known)
        for (item, _), finding in zip(known, results, strict=True):
            done += item.file_size or 0
            progress(done, total)
            if finding is not None:
                yield finding


def _content(project: ProjectFolder, item: MediaItem, path: Path) -> Finding | None:
    try:
        found = checksums_of(path)
    except OSError as exc:
        return Finding(Kind.UNREADABLE, _relative(project, path), f"cannot be read: {exc.strerror}", _fetch_again(item))
    if found.sha256 == item.sha256:
        return None
    words = "its content is not what was saved: the checksum differs"
    return Finding(Kind.CONTENT, _relative(project, path), words, _fetch_again(item))


def unopened(project_id: str, error: Exception) -> Report:
    """The report on a project that could not be opened."""
    words = error.message if isinstance(error, StorageError) else str(error)
    finding = Finding(Kind.UNREADABLE, project_id, words, "`mediatui doctor` tells more")
    return Report(project_id, project_id, 0, 0, 0, 0, 0, 0, "", (finding,))
