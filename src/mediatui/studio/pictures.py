"""Posters of items, made off the interface in the media worker."""

from __future__ import annotations

from pathlib import Path

from mediatui.media.cache import poster_key
from mediatui.media.worker import MediaWorker
from mediatui.studio.core import Core


class Pictures:
    """Small pictures of media; blocking, for the work threads."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._worker = MediaWorker(core.locations.posters)

    def poster(self, item_id: str, max_px: int) -> Path | None:
        """A JPEG of the item's file; None when it has none or it cannot be shown."""
        project = self._core.find(item_id, item=True)
        item = self._core.records.find_item(project, item_id) if project else None
        if project is None or item is None or item.path is None:
            return None
        path = project.path_of(item.path)
        return self._worker.poster(path, poster_key(path, item.sha256), max_px)

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()
