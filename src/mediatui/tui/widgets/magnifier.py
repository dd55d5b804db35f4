"""Looking closer at a picture: how much it is enlarged, and which part of it is seen."""

from __future__ import annotations

from pathlib import Path

from mediatui.tui.widgets.picture import Box

ZOOMS = (1, 2, 4)


class Magnifier:
    """A part of a picture, by its middle and by how often it fits in."""

    def __init__(self) -> None:
        self.zoom = 1
        self._centre = (0.5, 0.5)

    def reset(self) -> None:
        """The whole picture."""
        self.zoom, self._centre = 1, (0.5, 0.5)

    def turn(self) -> None:
        """Closer, and from the closest back to the whole; from the middle."""
        self.zoom, self._centre = ZOOMS[(ZOOMS.index(self.zoom) + 1) % len(ZOOMS)], (0.5, 0.5)

    def pan(self, across: int, down: int) -> None:
        """Half of what is seen further, inside the picture."""
        reach = 0.5 / self.zoom
        x, y = (
            max(reach, min(1 - reach, at + step * reach / 2))
            for at, step in zip(self._centre, (across, down), strict=True)
        )
        self._centre = (x, y)

    def part(self, picture: Path) -> Box | None:
        """The part of a picture file that is seen; None: all of it, or it cannot be read."""
        if self.zoom == 1:
            return None
        from PIL import Image

        try:
            with Image.open(picture) as image:
                width, height = image.size
        except (OSError, ValueError):
            return None
        sides = zip((width, height), self._centre, strict=True)
        left, top = (round(side * (at - 0.5 / self.zoom)) for side, at in sides)
        return left, top, left + width // self.zoom, top + height // self.zoom
