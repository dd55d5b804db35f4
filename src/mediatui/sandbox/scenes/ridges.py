"""Misty mountains: a low sun, drifting cloud, ridge behind ridge, a line of trees, birds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from mediatui.sandbox.scenes.paint import (
    BLACK,
    WHITE,
    add_light,
    curve,
    disc,
    fade,
    glow,
    gradient,
    mix,
    noise,
    vignette,
)
from mediatui.sandbox.scenes.palette import Palette
from mediatui.sandbox.scenes.stage import Stage

_RIDGES = 6
_HARMONICS = 8
_MISTY = (2, 4)
"""Ridges with mist before them."""


@dataclass(frozen=True, slots=True)
class _Ridge:
    """One ridge, ready to be pasted: its shape is wider than the picture by what it travels."""

    shape: Image.Image
    colour: Image.Image
    top: int
    bottom: int
    speed: int
    """Pixels per frame."""


class Ridges:
    """The landscape; nearer ridges pass faster."""

    def __init__(self, stage: Stage, rng: random.Random, palette: Palette) -> None:
        self._stage, self._size, self._rng, self._palette = stage, stage.size, rng, palette
        self._backdrop = self._paint_sky()
        self._haze = mix(palette[4], WHITE, 0.35)
        self._cloud_speed = stage.speed(stage.size[0] / 900)
        self._cloud, self._mist = self._paint_cloud(), self._paint_mist()
        profiles = [self._profile(index) for index in range(_RIDGES)]
        self._ridges = [self._paint_ridge(index, profiles) for index in range(_RIDGES)]
        self._birds = [
            (rng.uniform(0, 1), rng.uniform(0.14, 0.36), rng.uniform(0.6, 1.2), rng.uniform(0, 6.28)) for _ in range(7)
        ]

    def frame(self, index: int) -> Image.Image:
        """The picture at a frame."""
        width, height = self._size
        picture = self._backdrop.copy()
        shift = index * self._cloud_speed
        mask = self._cloud.crop((shift, 0, shift + width, self._cloud.height))
        picture.paste(self._haze, (0, 0), mask)
        self._draw_birds(picture, index)
        for order, ridge in enumerate(self._ridges):
            if order in _MISTY:
                self._drift_mist(picture, ridge, shift * order)
            left = index * ridge.speed
            shape = ridge.shape.crop((left, 0, left + width, ridge.bottom - ridge.top))
            picture.paste(ridge.colour, (0, ridge.top), shape)
        return ImageChops.multiply(picture, vignette((width, height)))

    def _drift_mist(self, picture: Image.Image, ridge: _Ridge, shift: int) -> None:
        """Lay mist into the valley before a ridge."""
        width, height = self._size
        reach = self._mist.width - width
        left = abs(shift % (2 * reach) - reach)
        mask = self._mist.crop((left, 0, left + width, self._mist.height))
        picture.paste(self._haze, (0, min(ridge.top - height // 30, height - mask.height)), mask)

    def _paint_mist(self) -> Image.Image:
        width, height = self._size
        size = (width * 3, height // 4)
        veil = noise(self._rng, (9, 3), size, 3).point(curve(lambda v: max(0, v - 95) * 1.5))
        return ImageChops.multiply(veil, fade(size, (0, 130, 150, 60, 0)))

    def _paint_sky(self) -> Image.Image:
        width, height = self._size
        rng, stops = self._rng, self._palette
        sky = Image.new("RGB", self._size, stops[4])
        sky.paste(gradient((width, int(height * 0.76)), stops), (0, 0))
        self._paint_stars(sky)
        x, y, radius = width * rng.uniform(0.28, 0.72), height * rng.uniform(0.35, 0.44), height * 0.1
        radius = min(radius, width * 0.12)
        add_light(sky, glow(int(height * 1.8), mix(mix(stops[3], stops[2], 0.3), BLACK, 0.3), 2.4), x, y)
        add_light(sky, glow(int(radius * 4.6), mix(stops[4], BLACK, 0.35), 2.0), x, y)
        diameter = int(radius * 2)
        face = gradient((diameter, diameter), [mix(stops[4], WHITE, 0.8), mix(stops[4], stops[3], 0.2)])
        sky.paste(face, (int(x - radius), int(y - radius)), disc(diameter).resize(face.size))
        return sky

    def _paint_stars(self, sky: Image.Image) -> None:
        width, height = self._size
        pen = ImageDraw.Draw(sky)
        for _ in range(110):
            x, depth = self._rng.randrange(width), self._rng.random() ** 1.6
            y = int(depth * height * 0.34)
            under = sky.getpixel((x, y))
            assert isinstance(under, tuple)
            colour = mix((under[0], under[1], under[2]), WHITE, (1 - depth) * self._rng.uniform(0.2, 0.8))
            pen.point((x, y), fill=colour)

    def _paint_cloud(self) -> Image.Image:
        width, height = self._size
        wide = width + self._cloud_speed * self._stage.frames
        size = (wide, int(height * 0.62))
        cells = max(3, round(4 * wide / width))
        veil = noise(self._rng, (cells, 9), size, 4).point(curve(lambda v: max(0, v - 138) * 2.0))
        return ImageChops.multiply(veil, fade(size, (110, 150, 90, 0)))

    def _profile(self, index: int) -> list[float]:
        """The ridge's height at each column, in pixels from the top."""
        width, height = self._size
        depth = index / (_RIDGES - 1)
        base, reach = height * (0.50 + 0.40 * depth**1.15), height * (0.17 - 0.055 * depth)
        phases = [self._rng.uniform(0, 6.28) for _ in range(_HARMONICS)]
        rates = [self._rng.uniform(0.8, 1.25) * 1.75**k for k in range(_HARMONICS)]
        scale = (2.3 + depth) / max(width, height * 0.9)
        craggy = max(0.0, 0.85 - 1.5 * depth)
        heights = []
        for x in range(width + self._speed(index) * self._stage.frames):
            wave = peak = 0.0
            for k, (rate, phase) in enumerate(zip(rates, phases, strict=True)):
                swing = math.sin(x * scale * rate + phase)
                wave += swing / 1.75**k
                peak += (0.64 - abs(math.sin((x * scale * rate * 1.3 + phase) / 2))) * 2.8 / 1.9**k
            heights.append(base - reach * 0.5 * (wave + (peak - wave) * craggy))
        return heights

    def _speed(self, index: int) -> int:
        return self._stage.speed((0.6 + 0.75 * index) * self._size[0] / 1280)

    def _paint_ridge(self, index: int, profiles: list[list[float]]) -> _Ridge:
        width, height = self._size
        profile, depth = profiles[index], index / (_RIDGES - 1)
        trees = self._trees(profile, index) if index >= _RIDGES - 2 else []
        highest = min([*profile, *(peak for _, peak, _ in trees)])
        top = max(0, int(highest) - 2)
        bottom = height if index == _RIDGES - 1 else min(height, int(max(profiles[index + 1])) + 2)
        shape = _silhouette(profile, trees, top, bottom)
        stops = self._palette
        far = mix(stops[3], stops[4], 0.25)
        near = mix(stops[0], BLACK, 0.35)
        colour = mix(far, near, 0.16 + 0.84 * depth**0.8)
        misty = mix(colour, mix(stops[3], stops[4], 0.5), 0.5 * (1 - depth) + 0.05)
        paint = gradient((width, bottom - top), [colour, colour, mix(colour, misty, 0.5), misty])
        return _Ridge(shape, paint, top, bottom, self._speed(index))

    def _trees(self, profile: list[float], index: int) -> list[tuple[int, float, float]]:
        """Where trees stand: column, peak, and foot of each."""
        height, trees, x = self._size[1], [], 0
        grown = 1.5 if index == _RIDGES - 1 else 0.75
        while x < len(profile):
            tall = self._rng.uniform(0.012, 0.055) * height * grown
            if self._rng.random() < 0.78:
                trees.append((x, profile[x] - tall, profile[x] + 3))
            x += max(1, round(tall * self._rng.uniform(0.16, 0.5)))
        return trees

    def _draw_birds(self, picture: Image.Image, index: int) -> None:
        width, height = self._size
        colour, seconds = mix(self._palette[0], BLACK, 0.4), self._stage.seconds(index)
        for start, level, size, phase in self._birds:
            x = (start + seconds * 0.04 * size) % 1.1 * width
            y = level * height + math.sin(seconds * 1.8 + phase) * height * 0.01
            shape = _bird(max(3, round(height * 0.026 * size)), 0.35 + 0.65 * math.sin(seconds * 9 + phase))
            picture.paste(colour, (round(x - shape.width / 2), round(y - shape.height / 2)), shape)


def _silhouette(profile: list[float], trees: list[tuple[int, float, float]], top: int, bottom: int) -> Image.Image:
    """The mask of everything below a ridge line, drawn at twice the size for smooth edges."""
    step, width = 2, len(profile)
    large = Image.new("L", (width * 2, (bottom - top) * 2))
    pen = ImageDraw.Draw(large)
    line = [(x * 2, (profile[x] - top) * 2) for x in range(0, width, step)]
    line.append((width * 2, (profile[-1] - top) * 2))
    pen.polygon([(0, large.height), *line, (large.width, large.height)], fill=255)
    for x, peak, foot in trees:
        half = (foot - peak) * 0.2
        pen.polygon(
            [((x - half) * 2, (foot - top) * 2), (x * 2, (peak - top) * 2), ((x + half) * 2, (foot - top) * 2)],
            fill=255,
        )
    return large.reduce(2)


def _bird(span: int, lift: float) -> Image.Image:
    """The mask of a bird seen from afar; `lift` from -1 to 1 is where its wings are."""
    large = Image.new("L", (span * 4, span * 4))
    pen, middle = ImageDraw.Draw(large), span * 2
    rise, half = lift * span * 0.9, span * 1.9
    for side in (-1, 1):
        elbow = middle + side * half * 0.45, middle - rise - span * 0.25
        tip = middle + side * half, middle - rise * 0.7
        pen.line([(middle, middle), elbow, tip], fill=255, width=max(2, span // 3), joint="curve")
    return large.reduce(4)
