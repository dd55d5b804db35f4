"""A still picture brought to life: a slow camera move, drifting motes of light, a passing gleam."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageOps, ImageStat

from mediatui.sandbox.scenes.paint import BLACK, WHITE, Rgb, add_light, glow, mix, vignette
from mediatui.sandbox.scenes.stage import Stage

_MOTES = 46


class StillLife:
    """The moving picture made of one image, which is cropped to fill the frame."""

    def __init__(self, image: Image.Image, stage: Stage, rng: random.Random) -> None:
        size = stage.size
        width, height = size
        self._stage, self._size = stage, size
        self._image = ImageOps.fit(image, (width * 5 // 4, height * 5 // 4), Image.Resampling.LANCZOS)
        self._inwards = rng.random() < 0.65
        self._drift = rng.uniform(-1, 1), rng.uniform(-0.7, 0.7)
        light = self._light()
        sizes = [max(3, int(min(size) * share)) for share in (0.008, 0.014, 0.024, 0.06)]
        self._sprites = [
            glow(diameter * 2, mix(light, BLACK, dim), 1.8)
            for diameter, dim in zip(sizes, (0.05, 0.3, 0.55, 0.8), strict=True)
        ]
        self._motes = [
            (rng.random(), rng.random(), rng.uniform(0.4, 1.3), rng.uniform(0, 6.28), rng.choice((0, 0, 1, 1, 2, 3)))
            for _ in range(_MOTES)
        ]
        self._gleam = glow(int(max(size) * 0.9), mix(light, BLACK, 0.72), 1.7)

    def _light(self) -> Rgb:
        """The colour of light that suits the picture: its mean, made bright."""
        mean = ImageStat.Stat(self._image.resize((32, 32))).mean
        peak = max(1.0, *mean)
        return mix((int(mean[0] / peak * 255), int(mean[1] / peak * 255), int(mean[2] / peak * 255)), WHITE, 0.45)

    def frame(self, index: int) -> Image.Image:
        """The picture at a frame."""
        width, height = self._size
        along = index / max(1, self._stage.frames - 1)
        eased = along * along * (3 - 2 * along)
        picture = self._image.resize(self._size, Image.Resampling.BICUBIC, box=self._window(eased))
        add_light(picture, self._gleam, width * (-0.2 + 1.4 * along), height * (0.2 + 0.15 * math.sin(along * 3)))
        seconds = self._stage.seconds(index)
        for across, down, pace, phase, kind in self._motes:
            x = (across + 0.012 * seconds * pace + 0.01 * math.sin(seconds * pace + phase)) % 1.0
            y = (down - 0.03 * seconds * pace) % 1.0
            if math.sin(seconds * 1.6 * pace + phase) > -0.7:
                add_light(picture, self._sprites[kind], x * width, y * height)
        return ImageChops.multiply(picture, vignette(self._size, 0.35))

    def _window(self, eased: float) -> tuple[float, float, float, float]:
        """The part of the image in view; it only ever moves within the image."""
        full_width, full_height = self._image.size
        zoom = 0.97 - 0.15 * (eased if self._inwards else 1 - eased)
        across, down = full_width * zoom, full_height * zoom
        room_x, room_y = full_width - across, full_height - down
        left = room_x * (0.5 + 0.5 * self._drift[0] * (eased - 0.5) * 2)
        top = room_y * (0.5 + 0.5 * self._drift[1] * (eased - 0.5) * 2)
        return left, top, left + across, top + down
