"""The painter's box: colours, gradients, light and noise, all in Pillow."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Rgb = tuple[int, int, int]

BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)


def rgb(text: str) -> Rgb:
    """The colour of ``#rrggbb``."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(a: Rgb, b: Rgb, t: float) -> Rgb:
    """The colour `t` of the way from `a` to `b`."""
    red, green, blue = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return red, green, blue


def ramp(stops: Sequence[Rgb], count: int) -> list[Rgb]:
    """`count` colours evenly spaced over the stops."""
    out: list[Rgb] = []
    for index in range(count):
        at = index / max(1, count - 1) * (len(stops) - 1)
        low = min(int(at), len(stops) - 2)
        out.append(mix(stops[low], stops[low + 1], at - low))
    return out


def gradient(size: tuple[int, int], stops: Sequence[Rgb]) -> Image.Image:
    """A picture that runs from the first stop at the top to the last at the bottom."""
    column = Image.new("RGB", (1, size[1]))
    for y, colour in enumerate(ramp(stops, size[1])):
        column.putpixel((0, y), colour)
    return column.resize(size)


def fade(size: tuple[int, int], levels: Sequence[int]) -> Image.Image:
    """A mask that runs through the levels (0 to 255) from top to bottom."""
    return gradient(size, [(level, level, level) for level in levels]).getchannel(0)


def curve(function: Callable[[int], float]) -> list[int]:
    """A lookup table of 256 entries, clamped, from a function of 0 to 255."""
    return [max(0, min(255, int(function(value)))) for value in range(256)]


def glow(diameter: int, colour: Rgb, power: float = 2.2) -> Image.Image:
    """A round light on black, to be added; `power` makes it tighter."""
    diameter = max(2, diameter)
    falloff = Image.radial_gradient("L").resize((diameter, diameter), Image.Resampling.BILINEAR)
    mask = falloff.point(curve(lambda v: 255 * max(0.0, 1 - v / 181) ** power))
    light = Image.new("RGB", mask.size)
    light.paste(colour, (0, 0), mask)
    return light


def add_light(base: Image.Image, light: Image.Image, x: float, y: float) -> None:
    """Add a light centred at a point; parts outside the picture are cut off."""
    left, top = int(x - light.width / 2), int(y - light.height / 2)
    box = (max(0, left), max(0, top), min(base.width, left + light.width), min(base.height, top + light.height))
    if box[2] <= box[0] or box[3] <= box[1]:
        return
    part = light.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    base.paste(ImageChops.screen(base.crop(box), part), box)


def noise(rng: random.Random, grid: tuple[int, int], size: tuple[int, int], octaves: int = 3) -> Image.Image:
    """Smooth clouds of grey: random grids of growing fineness laid over each other."""
    total: Image.Image | None = None
    for octave in range(octaves):
        cells = max(2, grid[0] << octave), max(2, grid[1] << octave)
        layer = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
        layer = layer.resize(size, Image.Resampling.BICUBIC)
        total = layer if total is None else Image.blend(total, layer, 1 / (2.2**octave + 1))
    assert total is not None
    return total


def disc(diameter: int) -> Image.Image:
    """The mask of a smooth-edged circle."""
    large = max(2, diameter) * 4
    mask = Image.new("L", (large, large))
    ImageDraw.Draw(mask).ellipse((0, 0, large - 1, large - 1), fill=255)
    return mask.resize((max(2, diameter), max(2, diameter)), Image.Resampling.LANCZOS)


@lru_cache(maxsize=4)
def vignette(size: tuple[int, int], strength: float = 0.5) -> Image.Image:
    """A picture to multiply by: white in the middle, darker towards the corners."""
    falloff = Image.radial_gradient("L").resize(size, Image.Resampling.BILINEAR)
    mask = falloff.point(curve(lambda v: 255 * (1 - strength * max(0.0, (v - 90) / 165) ** 1.6)))
    return mask.convert("RGB")


def bloom(picture: Image.Image, radius: float, strength: int = 4) -> Image.Image:
    """The picture's own light spread around, to be screened over it."""
    small = picture.reduce(strength)
    soft = small.filter(ImageFilter.GaussianBlur(radius))
    return soft.resize(picture.size, Image.Resampling.BILINEAR)
