"""Carrying an import out: part, checksum, final name, record beside it, commit, one file after the other.

Killed at any moment, what is in the project is whole, and importing again goes on where it stopped: an item
that is there already with the same bytes is skipped, and no file is ever overwritten.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from mediatui.archive.import_plan import ImportEntry, ImportPlan, stored_path
from mediatui.archive.metadata import Making, read_making
from mediatui.archive.read import BadEntry, Refused, Source, open_source, reading
from mediatui.checksum import CHUNK_BYTES, Checksums, RunningChecksums, checksums_of
from mediatui.errors import ExitCode, MediatuiError, SaveErrorKind, StorageBlocked, UsageError, storage_error
from mediatui.library.annotate import clean_tags
from mediatui.library.fields import json_clean
from mediatui.library.files import make_folder, part_path, place, sync_file, write_all
from mediatui.library.index import item_from_document, job_from_document
from mediatui.library.project import ProjectFolder
from mediatui.library.transfer import free_path
from mediatui.model import Job, MediaItem, SaveState, new_id, now
from mediatui.text import clean_text, human_bytes, one_line

PROGRESS_SECONDS = 0.1
ROLE = "imported"


class ImportStopped(MediatuiError):
    """A person stopped the import; what is imported already stays."""

    title = "Import stopped"
    exit_code = ExitCode.INTERRUPTED


class Facts(Protocol):
    """What a file's header says."""

    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def duration(self) -> float | None: ...


Probe = Callable[[Path], Facts | None]
Progress = Callable[[int, int, int, int, str], None]
"""Told: files done, files in all, bytes done, bytes in all, the name in work."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    plan_id: str
    project: str
    imported: tuple[str, ...]
    """Items that are new here."""
    skipped: tuple[str, ...]
    """Items that were here already, with the same bytes."""
    renumbered: Mapping[str, str]
    """Identifiers that other items had, and the new ones."""
    jobs: int
    refused: tuple[Refused, ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an import needs of the rest: facts of files, and whether another project has an item or job."""

    probe: Probe
    has_item: Callable[[str], bool] = lambda _: False
    has_job: Callable[[str], bool] = lambda _: False
    max_file: int = 8 << 30


def write_import(
    plan: ImportPlan,
    project: ProjectFolder,
    around: Surroundings,
    progress: Progress = lambda *_: None,
    stop: Callable[[], bool] = lambda: False,
    imported: list[str] | None = None,
) -> ImportReport:
    """Carry out `plan` into a project. Blocking; for a worker thread.

    Raises `ImportStopped` once `stop` says so, `StorageError` when the disk takes no bytes; what was
    imported until then stays, is named in `imported`, and is skipped next time.
    """
    if plan.bytes > plan.free:
        raise StorageBlocked(
            f"the import needs {human_bytes(plan.bytes)}, but only {human_bytes(plan.free)} are free",
            hint="Free some space, then import again.",
            kind=SaveErrorKind.FULL,
        )
    with open_source(plan.source, around.max_file) as source:
        run = _Import(plan, project, around, source, progress, stop, imported if imported is not None else [])
        run.jobs()
        run.files()
        run.records()
    refused = (*plan.refused, *run.refused)
    return ImportReport(
        plan.id, project.id, tuple(run.imported), tuple(run.skipped), run.renumbered, run.job_count, refused
    )


@dataclass(slots=True)
class _Import:
    plan: ImportPlan
    project: ProjectFolder
    around: Surroundings
    source: Source
    progress: Progress
    stop: Callable[[], bool]
    imported: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    renumbered: dict[str, str] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    job_count: int = 0
    done_files: int = 0
    done_bytes: int = 0
    next_told: float = 0.0
    taken: set[str | None] = field(default_factory=set)
    """Paths that items of the project name."""

    def jobs(self) -> None:
        """The jobs, unless they are known: here, or unfinished in another project that follows them."""
        new: list[Job] = []
        for document in self.plan.jobs:
            if not isinstance(key := document.get("id"), str) or self.project.find_job(key) is not None:
                continue
            job = self._with_its_answer(job_from_document(document, self.project.id, key))
            if job.phase.ended or not self.around.has_job(key):
                new.append(job)
        self.project.commit(jobs=new)
        self.job_count = len(new)

    def _with_its_answer(self, job: Job) -> Job:
        # An export holds no raw answers: a record must not name one that is not here.
        path = job.result_path
        return job if path is None or self.project.path_of(path).is_file() else replace(job, result_path=None)

    def files(self) -> None:
        """Every file of the plan."""
        self.taken = {item.path for item in self.project.items()}
        for each in self.plan.entries:
            self._tell(each.entry.name)
            before = self.done_bytes
            try:
                self._bring(each)
            except BadEntry as exc:
                self.refused.append(Refused(one_line(each.entry.name, 200), str(exc)))
            self.done_files += 1
            self.done_bytes = before + each.entry.size
        self._tell("", at_once=True)

    def records(self) -> None:
        """Items that came without bytes, in one commit."""
        new: list[MediaItem] = []
        for document in self.plan.records:
            if not isinstance(key := document.get("id"), str):
                continue
            known = [name for name in (key, self._other_id(key, None)) if self.project.find_item(name) is not None]
            if known:
                self.skipped.append(known[0])
                continue
            item = item_from_document(document, self.project.id, self._free_id(key, None))
            if item.save_state in (SaveState.SAVED, SaveState.SAVING):
                state = SaveState.MISSING if item.path else SaveState.UNSAVED
                item = replace(item, save_state=state)
            new.append(replace(item, spool=None))
        self.project.commit(items=new)
        self.imported += [item.id for item in new]

    def _bring(self, each: ImportEntry) -> None:
        key = each.record.get("id") if each.record else None
        if isinstance(key, str) and self._skips(key, each.sha256):
            return
        part = part_path(self.project.folder, f"import-{secrets.token_hex(8)}")
        try:
            sums = self._copy(each, part)
            if each.sha256 not in (None, sums.sha256):
                raise BadEntry("its bytes are not those that were exported")
            key = key if isinstance(key, str) else f"import-{sums.sha256[:16]}"
            if self._skips(key, sums.sha256):
                return
            self._keep(each, key, part, sums)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _skips(self, key: str, sha256: str | None) -> bool:
        """These bytes are here already, under the item's own identifier or the one it got before."""
        here = [name for name in (key, self._other_id(key, sha256)) if self._is_here(name, sha256)]
        self.skipped += here[:1]
        return bool(here)

    def _is_here(self, key: str, sha256: str | None) -> bool:
        held = self.project.find_item(key)
        if held is None or held.sha256 is None or held.sha256 != sha256 or held.path is None:
            return False
        try:
            return self.project.path_of(held.path).is_file()
        except UsageError:
            return False

    def _copy(self, each: ImportEntry, part: Path) -> Checksums:
        running = RunningChecksums()
        try:
            make_folder(part.parent)
            fd = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
        except OSError as exc:
            raise storage_error(exc, f"import {each.entry.name}") from exc
        try:
            with self.source.open(each.entry.name) as file:
                while chunk := _read(file, each.entry.name):
                    self._check_stop()
                    running.add(chunk)
                    if running.size > max(each.entry.size, self.around.max_file):
                        raise BadEntry("it is larger than it said")
                    _write(fd, chunk, each.entry.name)
                    self.done_bytes += len(chunk)
                    self._tell(each.entry.name)
            _sync(fd, each.entry.name)
        finally:
            os.close(fd)
        return running.result()

    def _keep(self, each: ImportEntry, key: str, part: Path, sums: Checksums) -> None:
        """The file gets its name, then its record, then its place in the index."""
        item = self._item(each, self._free_id(key, sums.sha256), part, sums)
        asked = stored_path(each.record or {}, each.entry, each.kind)
        if each.entry.changed > 0:
            with suppress(OSError):
                os.utime(part, (each.entry.changed,) * 2)
        wanted = free_path(self.project, asked, self.taken)
        path = wanted if _is_same(wanted, sums) else place(part, wanted)
        name = path.name if item.name in ("", PurePosixPath(asked).name) else item.name
        item = replace(item, path=path.relative_to(self.project.folder).as_posix(), name=name)
        self.project.write_sidecar(item)
        self.project.commit(items=[item])
        self.taken.add(item.path)
        self.imported.append(item.id)

    def _item(self, each: ImportEntry, key: str, part: Path, sums: Checksums) -> MediaItem:
        if each.record is None:
            return self._new_item(each, key, part, sums)
        item = item_from_document(each.record, self.project.id, key)
        if item.save_state is SaveState.SAVED and each.exact and item.sha256 in (None, sums.sha256):
            return item
        return replace(
            item,
            save_state=SaveState.SAVED,
            storage_error=None,
            spool=None,
            file_size=sums.size,
            sha256=sums.sha256,
            crc32=sums.crc32,
            saved_at=item.saved_at or now(),
        )

    def _new_item(self, each: ImportEntry, key: str, part: Path, sums: Checksums) -> MediaItem:
        """An item made of what its file says."""
        making = read_making(part) or Making("")
        facts = self.around.probe(part)
        created = making.extra.get("created_at") or each.entry.changed or now()
        item = MediaItem(
            id=key,
            project=self.project.id,
            name=_own_name(each),
            type=each.kind[0],
            role=ROLE,
            provider=making.provider,
            model=making.model,
            prompt=making.prompt,
            params=json_clean(making.params),
            seed=making.seed,
            save_state=SaveState.SAVED,
            content_type=each.kind[2],
            file_size=sums.size,
            sha256=sums.sha256,
            crc32=sums.crc32,
            width=facts.width if facts else None,
            height=facts.height if facts else None,
            fps=facts.fps if facts else None,
            duration=facts.duration if facts else None,
            created_at=created,
            saved_at=now(),
            extra={"imported_from": making.program} if making.program else {},
        )
        return _annotated(item, making.extra)

    def _free_id(self, key: str, sha256: str | None) -> str:
        """The identifier, or another one where another item has it."""
        if self.project.find_item(key) is None and not self.around.has_item(key):
            return key
        other = self._other_id(key, sha256)
        taken = self.project.find_item(other) is not None or self.around.has_item(other)
        self.renumbered[key] = new_id() if taken else other
        return self.renumbered[key]

    def _other_id(self, key: str, sha256: str | None) -> str:
        """The identifier of an item whose own is taken: the same each time, so that importing again can go on."""
        return hashlib.sha256(f"{self.project.id}\n{key}\n{sha256}".encode("utf-8", "replace")).hexdigest()[:16]

    def _check_stop(self) -> None:
        if self.stop():
            raise ImportStopped("the import was stopped; what is here already stays", hint="Import again to go on.")

    def _tell(self, name: str, *, at_once: bool = False) -> None:
        self._check_stop()
        moment = time.monotonic()
        if at_once or moment >= self.next_told:
            self.next_told = moment + PROGRESS_SECONDS
            self.progress(self.done_files, self.plan.files, self.done_bytes, self.plan.bytes, name)


def _is_same(path: Path, sums: Checksums) -> bool:
    """Whether an import that was killed has placed these very bytes already, without their record."""
    try:
        return path.stat().st_size == sums.size and checksums_of(path).sha256 == sums.sha256
    except OSError:
        return False


def _own_name(each: ImportEntry) -> str:
    """The file's own name; what cannot be part of a name is gone from it already."""
    return PurePosixPath(stored_path({}, each.entry, each.kind)).name


def _annotated(item: MediaItem, extra: Mapping[str, Any]) -> MediaItem:
    """The item with the tags, rating, mark and notes that one of our own copies carries."""
    tags, rating, notes = extra.get("tags"), extra.get("rating"), extra.get("notes")
    words: Sequence[str] = [tag for tag in tags if isinstance(tag, str)][:64] if isinstance(tags, list) else []
    good = isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= 5
    return replace(
        item,
        tags=clean_tags(words),
        rating=rating if good else None,
        favourite=extra.get("favourite") is True,
        notes=clean_text(notes, 20_000) if isinstance(notes, str) else "",
    )


def _read(file: Any, name: str) -> bytes:
    with reading(name):
        data: bytes = file.read(CHUNK_BYTES)
        return data


def _write(fd: int, data: bytes, name: str) -> None:
    try:
        write_all(fd, data)
    except OSError as exc:
        raise storage_error(exc, f"import {name}") from exc


def _sync(fd: int, name: str) -> None:
    try:
        sync_file(fd)
    except OSError as exc:
        raise storage_error(exc, f"import {name}") from exc
