"""A picture of sound: its levels, drawn as bars on a dark card."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageDraw

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

BARS = 60
LONG_SECONDS = 240.0
"""Sound longer than this is sampled at places instead of being decoded whole."""

_HERTZ = 8000
_FULL_SCALE = 32768.0
_SPARSE_FRAMES = 4
_TOP, _BOTTOM = (24, 27, 40), (13, 14, 21)
_LEFT, _RIGHT = (64, 214, 190), (150, 110, 255)


@dataclass(frozen=True, slots=True)
class Level:
    """One stretch of sound: its highest and its mean amplitude, 0…1."""

    peak: float
    mean: float


def levels(container: InputContainer, stream: AudioStream, count: int = BARS) -> list[Level]:
    """The loudness over the whole length in `count` steps."""
    length = length_of(container, stream)
    if length > LONG_SECONDS:
        return [_level(samples) for samples in _sampled(container, stream, length, count)]
    sound = _samples(container.decode(stream))
    step = max(1, -(-len(sound) // count))
    return [_level(sound[i * step : (i + 1) * step]) for i in range(count)]


def length_of(container: InputContainer, stream: AudioStream) -> float:
    """Seconds of sound as the file claims; 0 where it does not."""
    if container.duration:
        return container.duration / 1e6
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0


def _samples(frames: Iterable[AudioFrame]) -> array[int]:
    """Mono at a low rate. Raises `ValueError` (or FFmpeg's errors) when nothing could be decoded."""
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=_HERTZ)
    sound: array[int] = array("h")
    try:
        for frame in frames:
            for piece in resampler.resample(frame):
                sound.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    except (av.FFmpegError, ValueError):
        # A file cut short still shows what there is of it.
        if not sound:
            raise
    return sound


def _sampled(container: InputContainer, stream: AudioStream, length: float, count: int) -> Iterator[array[int]]:
    for step in range(count):
        container.seek(int(step / count * length * 1e6))
        yield _samples(islice(container.decode(stream), _SPARSE_FRAMES))


def _level(sound: array[int]) -> Level:
    if not sound:
        return Level(0.0, 0.0)
    peak = max(max(sound), -min(sound)) / _FULL_SCALE
    return Level(min(1.0, peak), min(1.0, sum(map(abs, sound)) / len(sound) / _FULL_SCALE))


def draw(sound: list[Level], max_px: int) -> Image.Image:
    """The card, 16:9, `max_px` wide: peaks in a pale shade behind, the mean in the full one, both mirrored."""
    width, height = max_px, max(9, max_px * 9 // 16)
    card = _blend((width, height), _TOP, _BOTTOM, vertical=True)
    colours = _blend((width, height), _LEFT, _RIGHT, vertical=False)
    loudest = max((level.peak for level in sound), default=0.0) or 1.0
    pale = _bars([level.peak / loudest for level in sound], (width, height)).point(lambda v: v * 0.38)
    full = _bars([min(1.0, 1.6 * level.mean / loudest) for level in sound], (width, height))
    card.paste(colours, mask=ImageChops.lighter(pale, full))
    return card


def _blend(
    size: tuple[int, int], start: tuple[int, int, int], end: tuple[int, int, int], *, vertical: bool
) -> Image.Image:
    ramp = Image.linear_gradient("L")
    mask = (ramp if vertical else ramp.rotate(90)).resize(size)
    return Image.composite(Image.new("RGB", size, end), Image.new("RGB", size, start), mask)


def _bars(heights: list[float], size: tuple[int, int]) -> Image.Image:
    """A mask with one rounded bar for each height (0…1), drawn at twice the size for smooth edges."""
    width, height = size[0] * 2, size[1] * 2
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    margin = width * 0.04
    pitch = (width - 2 * margin) / max(1, len(heights))
    thick = max(2.0, pitch * 0.62)
    for index, value in enumerate(heights):
        left = margin + index * pitch + (pitch - thick) / 2
        reach = max(thick, value * height * 0.8) / 2
        box = (left, height / 2 - reach, left + thick, height / 2 + reach)
        pen.rounded_rectangle(box, radius=thick / 2, fill=255)
    return mask.resize(size, Image.Resampling.LANCZOS)
