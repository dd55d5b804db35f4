"""What the full-screen view shows of one item, fetched in the background: picture, frames, loudness, file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui.media.filmstrip import Filmstrip
from mediatui.media.peaks import Peaks
from mediatui.model import MediaItem, MediaType
from mediatui.studio.playable import Playable

if TYPE_CHECKING:
    from mediatui.tui.screens.viewer import ViewerScreen

PIXELS, FIRST_PIXELS = 1600, 480
"""A side of a picture that is looked into, and of a clip's first frame; a terminal shows no more."""

REST_SECONDS = 0.12
"""How long an item must stay before its frames are asked for: keys may be repeating."""


@dataclass(frozen=True, slots=True)
class Material:
    """What has come in so far; None or False: not yet, or there is none."""

    poster: Path | None = None
    strip: Filmstrip | None = None
    peaks: Peaks | None = None
    playable: Playable | None = None
    moving: bool = False
    """A picture with more than one frame."""

    @property
    def duration(self) -> float:
        """Seconds, as far as frames or loudness tell."""
        known = (self.strip.duration if self.strip else 0.0, self.peaks.duration if self.peaks else 0.0)
        return next((length for length in known if length), 0.0)


class Loading:
    """The picture at once, what takes longer when the item stays; tells the screen what has arrived."""

    def __init__(self, screen: ViewerScreen) -> None:
        self._screen = screen
        self.found = Material()

    def begin(self, item: MediaItem) -> None:
        """Fetch all that there is to show of an item."""
        self._screen.main.run_fenced(self._load(item), group="load", exclusive=True, node=self._screen)

    async def _load(self, item: MediaItem) -> None:
        draws = self._screen.main.draws_pictures
        if item.type is not MediaType.AUDIO and draws:
            await self._poster(item)
        if item.type is MediaType.IMAGE:
            await self._motion(item)
        elif item.type is MediaType.AUDIO or draws:
            self._screen.set_timer(REST_SECONDS, lambda: self._rested(item))

    def _rested(self, item: MediaItem) -> None:
        if self._screen.is_showing(item):
            work = self._strip(item) if item.type is MediaType.VIDEO else self._peaks(item)
            self._screen.main.run_fenced(work, group="strip", node=self._screen)

    async def _poster(self, item: MediaItem) -> None:
        pixels = PIXELS if item.type is MediaType.IMAGE else FIRST_PIXELS
        path = await self._screen.main.ask(self._screen.main.studio.poster(item.id, pixels))
        self._keep(item, poster=path)

    async def _motion(self, item: MediaItem) -> None:
        file = self._screen.main.studio.file_of(item)
        if file is not None:
            from mediatui.media.animation import is_moving

            self._keep(item, moving=await asyncio.to_thread(is_moving, file))

    async def _strip(self, item: MediaItem) -> None:
        self._keep(item, strip=await self._screen.main.ask(self._screen.main.studio.filmstrip(item.id)))

    async def _peaks(self, item: MediaItem) -> None:
        self._keep(item, peaks=await self._screen.main.ask(self._screen.main.studio.peaks(item.id)))

    async def file(self, item: MediaItem) -> Playable:
        """A file to play, fetched where it is not on disk. Raises `MediatuiError`."""
        if item.path is None:
            self._screen.say("Fetching a copy to look at…")
        found = await self._screen.main.ask(self._screen.main.studio.playable(item.id))
        self._keep(item, playable=found)
        return found

    def _keep(self, item: MediaItem, **news: Any) -> None:
        """Add what came, unless another item is shown by now."""
        if self._screen.is_showing(item):
            self.found = replace(self.found, **news)
            for name in news:
                self._screen.arrived(name)
