"""Ribbons of light drawn by particles that follow an invisible current."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from mediatui.sandbox.scenes.paint import BLACK, Rgb, bloom, curve, gradient, mix, ramp, vignette
from mediatui.sandbox.scenes.palette import Palette
from mediatui.sandbox.scenes.stage import Stage

_WARM_UP = 34
"""Steps taken before the first frame, so that it is not empty."""


@dataclass(slots=True)
class _Particle:
    x: float
    y: float
    colour: Rgb
    pace: float
    life: int


class Flow:
    """The ribbons; each frame continues the one before, so frames are asked for in order."""

    def __init__(self, stage: Stage, rng: random.Random, palette: Palette) -> None:
        size = stage.size
        width, height = size
        self._stage, self._size, self._rng = stage, size, rng
        self._unit = min(width, height)
        self._current = [
            (rng.uniform(1.2, 3.0), rng.uniform(1.2, 3.0), rng.uniform(0, 6.28), rng.choice((-1, 1))) for _ in range(3)
        ]
        self._colours = ramp(palette, 256)[80:]
        self._particles = [self._born() for _ in range(520 if self._unit > 300 else 240)]
        deep = mix(palette[0], BLACK, 0.55)
        self._backdrop = gradient(size, [deep, palette[0], mix(palette[0], palette[1], 0.6)])
        self._fading = curve(lambda v: v * 0.955**stage.pace) * 3
        self._canvas = Image.new("RGB", size)
        for _ in range(_WARM_UP):
            self._advance(0.0)

    def frame(self, index: int) -> Image.Image:
        """The picture at a frame."""
        self._advance(self._stage.seconds(index) * 0.55)
        light = ImageChops.screen(self._canvas, bloom(self._canvas, max(1.0, self._unit / 240)))
        picture = ImageChops.screen(self._backdrop, light)
        return ImageChops.multiply(picture, vignette(self._size))

    def _born(self) -> _Particle:
        width, height = self._size
        rng = self._rng
        return _Particle(
            rng.uniform(-0.05 * width, 1.05 * width),
            rng.uniform(-0.05 * height, 1.05 * height),
            rng.choice(self._colours),
            rng.uniform(0.5, 1.6),
            rng.randrange(20, 110),
        )

    def _advance(self, time: float) -> None:
        fresh = Image.new("RGB", self._size)
        pen, scale = ImageDraw.Draw(fresh), self._unit / 360
        for index, particle in enumerate(self._particles):
            points = [(particle.x, particle.y), self._move(particle, time), self._move(particle, time)]
            pen.line(points, fill=particle.colour, width=max(1, round(1.7 * scale * particle.pace)))
            particle.life -= 1
            if particle.life < 0 or self._strayed(particle):
                self._particles[index] = self._born()
        self._canvas = ImageChops.lighter(self._canvas.point(self._fading), fresh)

    def _move(self, particle: _Particle, time: float) -> tuple[float, float]:
        """Carry a particle along the current and return where it is now."""
        across, down = particle.x / self._unit * 2, particle.y / self._unit * 2
        angle = 0.0
        for rate_x, rate_y, phase, turn in self._current:
            angle += math.sin(across * rate_x + phase + turn * time) + math.cos(down * rate_y - phase)
        step = 3.4 * self._unit / 360 * particle.pace * self._stage.pace
        particle.x += math.cos(angle * 1.15) * step
        particle.y += math.sin(angle * 1.15) * step
        return particle.x, particle.y

    def _strayed(self, particle: _Particle) -> bool:
        width, height = self._size
        return not (-0.06 * width < particle.x < 1.06 * width and -0.06 * height < particle.y < 1.06 * height)
