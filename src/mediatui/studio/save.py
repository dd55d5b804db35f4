"""One output → one verified file: part file, checks, name, sidecar, record. In that order, each step durable.

Saving acts on the second axis only. It never submits, and saving a saved item does nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from mediatui.checksum import CHUNK_BYTES, Checksums, checksums_of
from mediatui.errors import ProviderError, SaveError, SaveErrorKind, StorageError, UsageError
from mediatui.library.files import fsync_dir, part_path, placing, sweep_temporaries
from mediatui.library.project import ProjectFolder
from mediatui.media.facts import MediaFacts
from mediatui.media.magic import Kind
from mediatui.media.probe import probe, sniff
from mediatui.media.whole import CUT_WORDS, is_cut
from mediatui.model import DOUBT, SAVE_STEPS, MediaItem, MediaType, SaveState, StorageFault, move_item, now
from mediatui.providers.base import MediaHosts
from mediatui.steplog import StepName, Steps
from mediatui.studio.advice import TRY_AGAIN
from mediatui.studio.download import Downloader, GoneError, Limits, Progress
from mediatui.studio.part import BusyPart, PartFile, Validator, disk_refused
from mediatui.studio.placed import already_placed, folder_of, stem_of
from mediatui.studio.records import Records
from mediatui.studio.vectors import is_active
from mediatui.text import one_line


@dataclass(frozen=True, slots=True)
class Watch:
    """How whoever asked for a save takes part in it."""

    progress: Progress
    stopped: Callable[[], bool] = lambda: False


class Outcome(StrEnum):
    """What became of one save."""

    SAVED = "saved"
    ALREADY = "already"
    FAILED = "failed"
    URL_ONLY = "url-only"
    ELSEWHERE = "elsewhere"
    """Another window is saving it at this moment."""
    GONE = "gone"
    """The item was removed meanwhile."""


@dataclass(frozen=True, slots=True)
class Source:
    """How to get an item's bytes from its provider."""

    hosts: MediaHosts
    present_url: Callable[[str], str]
    """The address to use now for a stored one."""
    headers: Callable[[str], dict[str, str]]
    """What to send along; empty unless the address is the provider's own."""
    refresh: Callable[[MediaItem], MediaItem]
    """Ask the provider for the item's address once more (blocking). Raises `SaveError`, which says why not."""
    sign: Callable[[str], str | None] = lambda url: None
    """A signed address for a file that its own does not open (blocking); None when the provider has none."""
    unpack: Callable[[MediaItem], bytes | None] = lambda item: None
    """The bytes that came inline, from the stored answer (blocking); None when they are not to be had there."""


class Saver:
    """Saves items; blocking, for the save threads."""

    def __init__(self, records: Records, downloader: Downloader, max_bytes: int, steps: Steps) -> None:
        self._records, self._downloader, self._max_bytes = records, downloader, max_bytes
        self._steps = steps
        self._wishes: dict[str, float] = {}

    def wished_pause(self, item_id: str) -> float:
        """Seconds that the server of an item's file wanted to be left alone for, as far as they are not over."""
        return max(0.0, self._wishes.get(item_id, 0.0) - time.monotonic())

    def forget_wish(self, item_id: str) -> None:
        """Its server is to be asked again before the time that it wanted."""
        self._wishes.pop(item_id, None)

    def save(self, project: ProjectFolder, item_id: str, source: Source | None, watch: Watch) -> Outcome:
        """Bring one item to disk. Every failure is recorded on the item; none is raised but `Stopped`.

        Raises `StorageError` only when not even the failure can be recorded anywhere.
        """
        self.forget_wish(item_id)
        item = self._records.find_item(project, item_id)
        if item is None:
            return Outcome.GONE
        if item.save_state is SaveState.SAVED and _has_file(project, item):
            return Outcome.ALREADY
        try:
            with PartFile(part_path(project.folder, item.id)) as part:
                return self._save_into(part, project, item, source, watch)
        except BusyPart:
            return Outcome.ELSEWHERE
        except SaveError as exc:
            if exc.retry_after:
                self._wishes[item_id] = time.monotonic() + exc.retry_after
            return self._failed(project, item_id, exc)
        except StorageError as exc:
            return self._failed(project, item_id, SaveError(exc.kind, exc.message, hint=exc.hint))
        except (UsageError, ProviderError) as exc:
            if self._records.find_item(project, item_id) is None:
                return Outcome.GONE  # it was moved to the trash meanwhile
            return self._failed(project, item_id, SaveError(SaveErrorKind.INTERNAL, exc.message, hint=exc.hint))

    def _save_into(
        self, part: PartFile, project: ProjectFolder, item: MediaItem, source: Source | None, watch: Watch
    ) -> Outcome:
        # Only now are we the one who saves it: another window may have finished in between, or an earlier run
        # may have been stopped in the middle.
        interrupted = False

        def begin(current: MediaItem) -> MediaItem | None:
            nonlocal interrupted
            interrupted = current.save_state is SaveState.SAVING
            if current.save_state is SaveState.SAVED:
                return _vanished(project, current)
            return move_item(current, SaveState.SAVING)

        while (item := self._records.edit_item(project, item.id, begin)).save_state is SaveState.MISSING:
            pass  # that its file vanished is recorded; now it is begun
        if item.save_state is SaveState.SAVED:
            part.discard()
            return Outcome.ALREADY
        try:
            placed = None
            if interrupted or item.storage_error is not None or item.path is not None:
                placed = already_placed(project, item, self._records, part.placed, interrupted)
            if placed is not None:
                self._adopt(project, item, placed)
                part.discard()
            else:
                content_type = self._receive(part, project, item, source, watch)
                self._finish(part, project, item, content_type)
        except SaveError as exc:
            if exc.kind.storage_blocked and (item.spool is not None or not part.whole):
                part.discard()  # a full disk needs its room; what is whole only wants for its name
            raise
        return Outcome.SAVED

    def _receive(
        self, part: PartFile, project: ProjectFolder, item: MediaItem, source: Source | None, watch: Watch
    ) -> str | None:
        if item.spool is not None:
            _copy(_spool(project, item, item.spool, source), part)
            return item.content_type
        if item.url is None:
            raise SaveError(SaveErrorKind.EXPIRED, "there is no address to download this from")
        if source is None:
            raise SaveError(
                SaveErrorKind.INTERNAL,
                f"the provider {item.provider!r} is not set up here",
                hint=f"Configure it, then {TRY_AGAIN}.",
            )
        try:
            return self._fetch(item, item.url, part, source, watch)
        except GoneError as gone:
            try:
                fresh = source.refresh(item)
                url, expires = fresh.url or "", fresh.url_expires_at
                self._records.edit_item(project, item.id, lambda i: replace(i, url=url, url_expires_at=expires))
                return self._fetch(item, url, part, source, watch)
            except SaveError as exc:
                if exc.kind is SaveErrorKind.EXPIRED and _is_key_refused(item, gone):
                    raise _key_refused(gone.status) from None
                raise

    def _fetch(self, item: MediaItem, stored: str, part: PartFile, source: Source, watch: Watch) -> str | None:
        url = source.present_url(stored)
        limits = Limits(source.hosts, self._max_bytes)
        with self._steps.step(StepName.DOWNLOAD, item) as step:
            kind = self._downloader.fetch(
                url, part, limits, source.headers(url), watch.progress, watch.stopped, source.sign
            )
            step.bytes, step.detail = part.size, url
        return kind

    def _finish(self, part: PartFile, project: ProjectFolder, item: MediaItem, content_type: str | None) -> None:
        try:
            media, extension, mime = _kind_of(part)
        except SaveError as exc:
            if exc.kind is SaveErrorKind.BAD_CONTENT:
                part.discard()  # a page instead of media is of no use
            raise
        facts, cut = probe(part.path), part.is_cut()
        if facts is not None and facts.type is MediaType.AUDIO:
            media = MediaType.AUDIO  # sound alone in a container for video
        part.sync()
        part.note_whole()
        part.require_own()
        self._require_there(project, item)
        target = folder_of(project, media) / f"{stem_of(item, media)}.{extension}"
        try:
            with placing(part.path, target) as path:
                part.forget()  # before the record: who finds that takes the file as it is, and looks no further
                self._require_there(project, item)
                content = _Content(media, mime or content_type, part.checksums, facts, cut)
                changes = _changes(project, item, path, content)
                _write_beside(project, item, changes)
        except StorageError as exc:
            raise SaveError(exc.kind, exc.message, hint=exc.hint) from exc
        self._record_saved(project, item, changes)

    def _adopt(self, project: ProjectFolder, item: MediaItem, path: Path) -> None:
        """The file got its name, and then the record did not: take it as it is."""
        self._require_there(project, item)
        try:
            sums = checksums_of(path)
            with path.open("rb") as file:
                found = sniff(file.read(4096))
            media, mime = (found[0], found[2]) if found else (item.type, item.content_type)
            changes = _changes(project, item, path, _Content(media, mime, sums, probe(path), is_cut(path)))
            sweep_temporaries(path.parent)  # one of the record beside it, perhaps
            _write_beside(project, item, changes)
            fsync_dir(path.parent)
        except OSError as exc:
            raise disk_refused(exc, f"read {path.name}") from exc
        self._record_saved(project, item, changes)

    def _require_there(self, project: ProjectFolder, item: MediaItem) -> None:
        with suppress(StorageError):
            project.poll()  # another window may have removed it
        if self._records.find_item(project, item.id) is None:
            raise UsageError(f"{item.name} was removed while it was being saved")

    def _record_saved(self, project: ProjectFolder, item: MediaItem, changes: dict[str, Any]) -> None:
        self._records.edit_item(project, item.id, lambda now_: move_item(now_, SaveState.SAVED, **changes))
        if item.spool is not None:
            with suppress(OSError):
                project.path_of(item.spool).unlink()

    def _failed(self, project: ProjectFolder, item_id: str, error: SaveError) -> Outcome:
        def mark(item: MediaItem) -> MediaItem | None:
            if item.save_state is SaveState.SAVED:
                return None
            attempts = item.storage_error.attempts + 1 if item.storage_error else 1
            fault = StorageFault(error.kind, one_line(error.message, 500), now(), attempts, error.host)
            return move_item(item, _state_after(item, error.kind), storage_error=fault)

        self._records.edit_item(project, item_id, lambda item: _vanished(project, item))
        item = self._records.edit_item(project, item_id, mark)
        if item.save_state is SaveState.SAVED:
            return Outcome.ALREADY
        return Outcome.URL_ONLY if item.save_state is SaveState.URL_ONLY else Outcome.FAILED


class _Content(NamedTuple):
    """What a file's bytes are."""

    type: MediaType
    content_type: str | None
    sums: Checksums
    facts: MediaFacts | None
    cut: bool
    """The file says of itself that it goes on."""


def _changes(project: ProjectFolder, item: MediaItem, path: Path, content: _Content) -> dict[str, Any]:
    """What becomes known of an item with its file."""
    changes: dict[str, Any] = {
        "path": path.relative_to(project.folder).as_posix(),
        "name": item.name or path.name,
        "type": content.type,
        "content_type": content.content_type,
        "file_size": content.sums.size,
        "sha256": content.sums.sha256,
        "crc32": content.sums.crc32,
        "storage_error": None,
        "saved_at": now(),
        "extra": {name: value for name, value in item.extra.items() if name != DOUBT},
    }
    if content.cut:
        changes["extra"][DOUBT] = CUT_WORDS
    if content.facts is not None:
        known = {name: getattr(content.facts, name) for name in ("duration", "width", "height", "fps")}
        changes |= {name: value for name, value in known.items() if value is not None}
    return changes


def _write_beside(project: ProjectFolder, item: MediaItem, changes: dict[str, Any]) -> None:
    """The record beside the file, durable once the folder is synced.

    The file is whole and has its name: a disk that is full now makes it no failure.
    """
    with suppress(StorageError):
        project.write_sidecar(move_item(item, SaveState.SAVED, **changes), sync_name=False)


def _kind_of(part: PartFile) -> Kind:
    """What has arrived. Raises `SaveError`, of kind BAD_CONTENT when it is nothing to keep."""
    if part.size == 0:
        raise SaveError(SaveErrorKind.BAD_CONTENT, "the file is empty")
    found = sniff(part.head())
    if found is None:
        raise SaveError(SaveErrorKind.BAD_CONTENT, "what arrived is not a picture, a video or a sound")
    if found[1] == "svg" and _is_active_vector(part):
        raise SaveError(SaveErrorKind.BAD_CONTENT, "the picture (SVG) brings a script or a page with it")
    return found


def _is_active_vector(part: PartFile) -> bool:
    try:
        return is_active(part.path)
    except OSError as exc:
        raise disk_refused(exc, "read the picture") from exc


def _vanished(project: ProjectFolder, item: MediaItem) -> MediaItem | None:
    """A saved item whose file is not there any more, as missing; None for every other. A commit of its own."""
    gone = item.save_state is SaveState.SAVED and not _has_file(project, item)
    return move_item(item, SaveState.MISSING) if gone else None


def _has_file(project: ProjectFolder, item: MediaItem) -> bool:
    try:
        return item.path is not None and project.path_of(item.path).is_file()
    except (OSError, UsageError):
        return False


def _is_key_refused(item: MediaItem, gone: GoneError) -> bool:
    """A file behind the provider's key that nobody said is gone: it is the key that opens it no more."""
    kept = item.url_expires_at is None or now() < item.url_expires_at
    return gone.status in (401, 403) and item.url_auth == "provider" and kept


def _key_refused(status: int) -> SaveError:
    return SaveError(
        SaveErrorKind.SERVER,
        f"the provider refuses this file to the key or token in use ({status}); it may be there all the same",
        hint=f"See that the key may read it, then {TRY_AGAIN}.",
    )


def _state_after(item: MediaItem, kind: SaveErrorKind) -> SaveState:
    """Gone at the provider: expired. A disk that refuses: plays from its URL meanwhile. Else: unsaved."""
    if kind is SaveErrorKind.EXPIRED:
        return SaveState.EXPIRED
    wanted = SaveState.URL_ONLY if kind.storage_blocked and item.url is not None else SaveState.UNSAVED
    return wanted if wanted in SAVE_STEPS[item.save_state] else item.save_state


def _spool(project: ProjectFolder, item: MediaItem, relative: str, source: Source | None) -> Path:
    """The file with the bytes that came inline; one that is gone is unpacked from the answer once more."""
    spool = project.path_of(relative)
    if source is not None and not os.path.lexists(spool) and (data := source.unpack(item)) is not None:
        return project.path_of(project.write_spool(item.id, data))
    return spool


def _copy(spool: Path, part: PartFile) -> None:
    """Inline bytes that were written down at once become the part file."""
    part.begin(Validator(url=""))
    try:
        with spool.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                part.write(chunk)
    except OSError as exc:
        raise disk_refused(exc, "read the bytes that came with the result") from exc
