"""Files that are only at an address, fetched to look at: under the rules of any download, and never kept for good."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediatui.errors import MediatuiError, UsageError, storage_error
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import is_there
from mediatui.model import MediaItem
from mediatui.studio.core import Core
from mediatui.studio.download import Downloader, Stopped
from mediatui.studio.part import BusyPart, PartFile
from mediatui.studio.playable import Origin, Playable
from mediatui.studio.remote import fetch_copy
from mediatui.studio.save import Source

MAX_FILE_BYTES = 1 << 30
MAX_BYTES = 2 << 30
"""All files together; the ones unused for longest go first."""

MAX_AGE = 24 * 3600.0
"""Seconds after which a file that was not looked at goes."""

SourceOf = Callable[[ProjectFolder, MediaItem], Coroutine[Any, Any, Source | None]]


class Session:
    """The folder of fetched files; on the engine's loop."""

    def __init__(self, core: Core, source_of: SourceOf) -> None:
        self._core, self._source_of = core, source_of
        self.folder = core.locations.cache / "session"
        self._downloader = Downloader()
        self._running: dict[str, asyncio.Task[Path]] = {}

    def stop(self) -> None:
        """Let running downloads end at their next buffer."""
        self._downloader.stop()

    def close(self) -> None:
        """Close the connections, once no download runs any more."""
        self._downloader.close()

    async def playable(self, item_id: str, *, fetch: bool = True) -> Playable:
        """The item's file; else its session copy; else (without `fetch`) its address, or the copy made now.

        Raises `MediatuiError` when there is nothing to open, or it could not be fetched.
        """
        project = await self._core.locate(item_id, item=True)
        item = self._core.records.find_item(project, item_id)
        if item is None:
            raise UsageError(f"there is no item {item_id}")
        found = await self._core.working(lambda: self._on_disk(project, item))
        if found is not None:
            return found
        if item.url is None:
            raise UsageError(
                "it is not on disk, and there is no address to fetch it from", hint="Saving it asks for it again."
            )
        if not fetch:
            if item.url_auth != "none" or not item.url.startswith("https://"):
                raise UsageError("its address opens only with the provider's key", hint="It plays here.")
            return Playable(Origin.REMOTE, url=item.url)
        return Playable(Origin.SESSION, await self._fetched(project, item))

    def _on_disk(self, project: ProjectFolder, item: MediaItem) -> Playable | None:
        if item.path is not None and is_there(project, item):
            return Playable(Origin.FILE, project.path_of(item.path))
        copy = self._copy_of(item)
        if copy is None:
            return None
        with suppress(OSError):
            os.utime(copy)
        return Playable(Origin.SESSION, copy)

    def _copy_of(self, item: MediaItem) -> Path | None:
        stem = _stem(item)
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries if entry.name.startswith(f"{stem}.")]
        except OSError:
            return None
        return next((self.folder / name for name in names if not name.endswith((".part", ".json"))), None)

    async def _fetched(self, project: ProjectFolder, item: MediaItem) -> Path:
        """One download at a time for each item."""
        task = self._running.get(item.id)
        if task is None:
            # Not the engine's own: a fetch that fails is told to whoever asked, and is no fault of the program.
            task = asyncio.get_running_loop().create_task(self._fetch(project, item), name=f"session-{item.id}")
            self._running[item.id] = task
            task.add_done_callback(lambda done: self._done(item.id, done))
        return await asyncio.shield(task)

    def _done(self, item_id: str, task: asyncio.Task[Path]) -> None:
        self._running.pop(item_id, None)
        if not task.cancelled():
            task.exception()  # heard: whoever asked may have gone

    async def _fetch(self, project: ProjectFolder, item: MediaItem) -> Path:
        source = await self._source_of(project, item)
        if source is None:
            raise UsageError(
                f"the provider {item.provider!r} is not set up here",
                hint="Its address is fetched only by the rules of its provider; set its key.",
            )
        try:
            return await asyncio.wrap_future(self._core.save_pool.submit(lambda: self._download(item, source)))
        except Stopped:
            raise MediatuiError("stopped before it was fetched") from None

    def _download(self, item: MediaItem, source: Source) -> Path:
        limit = min(MAX_FILE_BYTES, self._core.settings.max_file_bytes)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            prune(self.folder)
            with PartFile(self.folder / f"{_stem(item)}.part") as part:
                extension = fetch_copy(self._downloader, item, part, source, limit)
                target = self.folder / f"{_stem(item)}.{extension}"
                os.replace(part.path, target)
                part.forget()
        except BusyPart:
            raise MediatuiError("another window is fetching it now", hint="A moment, please.") from None
        except OSError as exc:
            raise storage_error(exc, "keep a copy to look at") from exc
        return target


def _stem(item: MediaItem) -> str:
    return hashlib.sha256(f"{item.project}\0{item.id}\0{item.url}".encode()).hexdigest()[:40]


def prune(folder: Path, max_bytes: int = MAX_BYTES, max_age: float = MAX_AGE) -> int:
    """Remove copies too old or too many, the ones unused for longest first; returns how many went."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.path, entry.stat()) for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError:
        return 0
    found.sort(key=lambda pair: pair[1].st_mtime, reverse=True)
    gone, total = 0, 0
    for path, status in found:
        total += status.st_size
        if total > max_bytes or time.time() - status.st_mtime > max_age:
            with suppress(OSError):
                os.unlink(path)
                gone += 1
    return gone
