"""A retro city at night: a striped sun, a skyline with lit windows, a glowing grid rolling towards the viewer."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw

from mediatui.sandbox.scenes.paint import (
    BLACK,
    WHITE,
    Rgb,
    add_light,
    bloom,
    disc,
    glow,
    gradient,
    mix,
    vignette,
)
from mediatui.sandbox.scenes.palette import Palette
from mediatui.sandbox.scenes.stage import Stage

_ROWS = 20
_COLUMNS = 18
_WARM: Rgb = (255, 225, 150)
_Window = tuple[int, int, float, Rgb]


class Neon:
    """The city; the grid rolls, windows go on and off, the skyline slides by."""

    def __init__(self, stage: Stage, rng: random.Random, palette: Palette) -> None:
        size = stage.size
        self._stage, self._size, self._rng, self._palette = stage, size, rng, palette
        self._horizon = int(size[1] * 0.6)
        self._speed = stage.speed(size[0] / 1280)
        self._backdrop = self._paint_sky()
        self._windows: list[_Window] = []
        self._skyline = self._paint_skyline(size[0] + self._speed * stage.frames)
        self._floor = self._paint_floor()
        self._haze = glow(size[0], mix(palette[3], BLACK, 0.25), 2.2).resize((int(size[0] * 1.3), int(size[1] * 0.2)))

    def frame(self, index: int) -> Image.Image:
        """The picture at a frame."""
        width, height = self._size
        picture = self._backdrop.copy()
        shift = index * self._speed
        shape = self._skyline.crop((shift, 0, shift + width, self._horizon))
        picture.paste(mix(self._palette[0], BLACK, 0.55), (0, 0), shape)
        self._draw_windows(picture, shift, index)
        picture.paste(self._draw_floor(index), (0, self._horizon))
        add_light(picture, self._haze, width / 2, self._horizon)
        return ImageChops.multiply(picture, vignette((width, height)))

    def _paint_sky(self) -> Image.Image:
        width, height = self._size
        rng, stops = self._rng, self._palette
        sky = Image.new("RGB", self._size)
        deep = mix(stops[0], BLACK, 0.4)
        sky.paste(gradient((width, self._horizon), [deep, stops[0], stops[1], mix(stops[1], stops[2], 0.85)]), (0, 0))
        pen = ImageDraw.Draw(sky)
        for _ in range(170):
            point = rng.randrange(width), int(rng.random() ** 1.4 * self._horizon * 0.8)
            pen.point(point, fill=mix(mix(stops[1], stops[4], 0.5), WHITE, rng.random()))
        radius = int(min(height * 0.3, width * 0.3))
        centre = width / 2, self._horizon - radius * 0.72
        add_light(sky, glow(int(radius * 4.4), mix(stops[3], BLACK, 0.15), 2.4), *centre)
        face = gradient((radius * 2, radius * 2), [_WARM, mix(_WARM, stops[3], 0.45), stops[3], stops[2]])
        sky.paste(face, (int(centre[0] - radius), int(centre[1] - radius)), _striped(radius))
        return sky

    def _paint_skyline(self, wide: int) -> Image.Image:
        width, height = self._size
        rng, shape = self._rng, Image.new("L", (wide, self._horizon))
        pen, x = ImageDraw.Draw(shape), 0
        while x < wide:
            across = rng.randint(max(3, width // 55), max(4, width // 20))
            towards_edge = abs(((x + across / 2) % width) / (width / 2) - 1)
            tall = int(height * rng.uniform(0.035, 0.085 + 0.2 * towards_edge))
            pen.rectangle((x, self._horizon - tall, x + across, self._horizon), fill=255)
            if rng.random() < 0.25:
                mast = x + across // 2
                pen.line((mast, self._horizon - tall - height // 28, mast, self._horizon - tall), fill=255)
            self._light_building(x, across, tall)
            x += across + rng.randint(0, max(1, width // 320))
        return shape

    def _light_building(self, x: int, across: int, tall: int) -> None:
        height, rng = self._size[1], self._rng
        step, colours = max(4, height // 75), (self._palette[4], self._palette[3], _WARM)
        for top in range(self._horizon - tall + step // 2, self._horizon - step // 2, step):
            for left in range(x + step // 2, x + across - step // 3, step):
                if rng.random() < 0.34:
                    self._windows.append((left, top, rng.uniform(0, 6.28), rng.choice(colours)))

    def _draw_windows(self, picture: Image.Image, shift: int, index: int) -> None:
        width, height = self._size
        pen, phase = ImageDraw.Draw(picture), self._stage.seconds(index) * 1.2
        across, tall = max(1, height // 320), max(1, height // 220)
        for x, y, start, colour in self._windows:
            left = x - shift
            if 0 <= left < width and math.sin(start + phase) > -0.6:
                pen.rectangle((left, y, left + across, y + tall), fill=colour)

    def _paint_floor(self) -> Image.Image:
        """The ground with the lines that run away from the viewer; they never move."""
        width, depth = self._size[0], self._size[1] - self._horizon
        stops = self._palette
        floor = gradient(
            (width, depth), [mix(stops[1], BLACK, 0.35), mix(stops[0], BLACK, 0.35), mix(stops[0], BLACK, 0.6)]
        )
        pen, colour = ImageDraw.Draw(floor), mix(BLACK, stops[3], 0.95)
        near, far = max(width, depth * 3) * 0.27, max(width, depth * 3) * 0.034
        for column in range(-_COLUMNS, _COLUMNS + 1):
            ends = (width / 2 + column * far, 0, width / 2 + column * near, depth)
            pen.line(ends, fill=colour, width=max(1, self._size[1] // 300))
        return floor

    def _draw_floor(self, index: int) -> Image.Image:
        floor = self._floor.copy()
        width, depth = floor.size
        pen, rolled = ImageDraw.Draw(floor), (self._stage.seconds(index) * 0.9) % 1
        for row in range(_ROWS):
            near = (row + rolled) / _ROWS
            y, bright = depth * near**2.6, min(1.0, 0.15 + near)
            thick = 1 + int(near * 2.4 * self._size[1] / 720)
            pen.line((0, y, width, y), fill=mix(BLACK, self._palette[4], bright), width=thick)
        light = bloom(floor, max(1.0, self._size[1] / 240))
        return ImageChops.screen(ImageChops.screen(floor, light), light)


def _striped(radius: int) -> Image.Image:
    """The mask of a sun with gaps that widen towards its foot."""
    mask = disc(radius * 2)
    pen = ImageDraw.Draw(mask)
    for stripe in range(8):
        top = int(radius * 2 * (0.36 + 0.075 * stripe))
        pen.rectangle((0, top, radius * 2, top + max(1, int(radius * (0.018 + 0.012 * stripe)))), fill=0)
    return mask
