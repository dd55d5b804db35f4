"""How large, how long and how fast a scene is to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

_USUAL_FPS = 24


@dataclass(frozen=True, slots=True)
class Stage:
    """The frame a scene is drawn into; motion looks equally fast whatever the frame rate."""

    size: tuple[int, int]
    """Width and height in pixels."""
    frames: int
    fps: int = _USUAL_FPS

    @property
    def pace(self) -> float:
        """What one frame moves, compared with the usual frame rate."""
        return _USUAL_FPS / self.fps

    def seconds(self, index: int) -> float:
        """When a frame is shown."""
        return index / self.fps

    def speed(self, pixels: float) -> int:
        """Whole pixels to move each frame: parts of pixels would make edges tremble."""
        return max(1, round(pixels * self.pace))
