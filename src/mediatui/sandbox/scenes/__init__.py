"""What the sandbox draws: the same picture for the same prompt, seed and size, in every process."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from PIL import Image

from mediatui.sandbox.scenes.flow import Flow
from mediatui.sandbox.scenes.neon import Neon
from mediatui.sandbox.scenes.palette import PALETTES, Palette, pick_palette, pick_scene, seeded
from mediatui.sandbox.scenes.ridges import Ridges
from mediatui.sandbox.scenes.stage import Stage


class Scene(Protocol):
    """Something that can be drawn frame by frame, in order from 0."""

    def frame(self, index: int) -> Image.Image:
        """The picture at a frame."""


_Maker = Callable[[Stage, random.Random, Palette], Scene]

_SCENES: dict[str, _Maker] = {"ridges": Ridges, "neon": Neon, "flow": Flow}


def make_scene(prompt: str, seed: int, scene: str, stage: Stage) -> tuple[Scene, str]:
    """The scene for a prompt, and its label; `scene` may be ``auto``."""
    rng = seeded(prompt, seed, "scene")
    palette = pick_palette(prompt, rng)
    chosen = pick_scene(prompt, rng)
    name = chosen if scene == "auto" else scene
    return _SCENES[name](stage, rng, PALETTES[palette]), f"{name} · {palette}"
