"""Small pictures of items, made off the interface in media workers."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

from mediatui.media.cache import poster_key
from mediatui.media.filmstrip import Filmstrip
from mediatui.media.peaks import Peaks
from mediatui.media.worker import SLOW_DEADLINE, MediaWorker
from mediatui.studio.core import Core
from mediatui.studio.engine import DaemonPool


class Pictures:
    """Small pictures of media. Posters block, for the work threads; the slow ones have a thread.

    Posters have a worker of their own: nobody waits for one until somebody else's filmstrip is done.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._worker = MediaWorker(core.locations.posters)
        self._slow_pool = DaemonPool("mediatui-strips", 1)
        self._slow = MediaWorker(core.locations.cache / "filmstrips", deadline=SLOW_DEADLINE, nice=10)

    def poster(self, item_id: str, max_px: int) -> Path | None:
        """A JPEG of the item's file; None when it has none or it cannot be shown."""
        found = self._file(item_id)
        return self._worker.poster(*found, max_px) if found else None

    def poster_of(self, path: Path, max_px: int) -> Path | None:
        """A JPEG of any file, as `poster`."""
        try:
            return self._worker.poster(path, poster_key(path), max_px)
        except OSError:
            return None

    def filmstrip(self, item_id: str) -> Future[Filmstrip | None]:
        """Frames of the item's clip; None when it has none."""
        return self._slow_pool.submit(lambda: self._make_filmstrip(item_id))

    def peaks(self, item_id: str) -> Future[Peaks | None]:
        """The loudness of the item's sound; None when it has none."""
        return self._slow_pool.submit(lambda: self._make_peaks(item_id))

    def _make_filmstrip(self, item_id: str) -> Filmstrip | None:
        found = self._file(item_id)
        return self._slow.filmstrip(*found) if found else None

    def _make_peaks(self, item_id: str) -> Peaks | None:
        found = self._file(item_id)
        return self._slow.peaks(*found) if found else None

    def close(self) -> None:
        """End the worker processes."""
        self._worker.close()
        self._slow.close()
        self._slow_pool.close()

    def _file(self, item_id: str) -> tuple[Path, str] | None:
        project = self._core.find(item_id, item=True)
        item = self._core.records.find_item(project, item_id) if project else None
        if project is None or item is None or item.path is None:
            return None
        path = project.path_of(item.path)
        try:
            return path, poster_key(path, item.sha256)
        except OSError:
            return None
