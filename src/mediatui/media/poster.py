"""One small JPEG that shows what a media file holds; runs in the media worker, where a hostile file hurts nobody."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps, ImageStat

from mediatui.media import waveform
from mediatui.media.cache import write_whole
from mediatui.media.demux import NoPosterError, check_size, kind_of, open_container, ready
from mediatui.model import MediaType

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

CLEAR_SPREAD = 40.0
"""A frame whose luma deviates this much shows something; looking further is not worth the time."""

LOOK_SECONDS, LOOK_FRAMES = 1.0, 48
JPEG_QUALITY = 85
DARK = (16, 17, 24)
"""What shines through transparent pictures."""

_STILLS = {"png": ("PNG",), "jpg": ("JPEG", "MPO"), "gif": ("GIF",), "webp": ("WEBP",), "avif": ("AVIF",)}
_STILLS |= {"bmp": ("BMP",), "tiff": ("TIFF",)}


__all__ = ["NoPosterError", "make_poster", "still"]


def make_poster(source: Path, target: Path, max_px: int) -> None:
    """Write a JPEG of at most `max_px` a side to `target`, whole or not at all.

    The format is what the bytes say, never the name, so a playlist called ``.mp4`` is opened by nobody.
    Raises `NoPosterError`, `OSError`, or whatever a decoder comes up with.
    """
    image = _picture(source, max_px)
    write_whole(target, lambda temporary: image.save(temporary, "JPEG", quality=JPEG_QUALITY))


def _picture(source: Path, max_px: int) -> Image.Image:
    type_, name, _mime = kind_of(source)
    if type_ is MediaType.IMAGE:
        return still(source, _STILLS.get(name, ()), max_px)
    return _decoded(source, name, max_px, sound_only=type_ is MediaType.AUDIO)


def still(source: Path, formats: tuple[str, ...], max_px: int) -> Image.Image:
    """The picture, or an animation's first, upright and opaque. Pillow refuses more than about 90 megapixels."""
    if not formats:
        raise NoPosterError("a kind of picture that is not decoded here")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(source, formats=formats) as image:
            orientation = image.getexif().get(0x0112, 1)
            small = _shrink(image, max_px)
    if orientation != 1:
        small.getexif()[0x0112] = orientation
        small = ImageOps.exif_transpose(small)
    return _opaque(small)


def _shrink(image: Image.Image, max_px: int) -> Image.Image:
    size = (max_px, max_px)
    if image.mode.startswith("I"):  # 16 bits of grey
        image.load()
        grey = image.convert("I").point(lambda value: value / 256).convert("L")
        grey.thumbnail(size)
        return grey
    if image.mode in ("P", "PA", "1"):  # these would be reduced without smoothing
        full = image.convert("RGBA")
        full.thumbnail(size)
        return full
    image.thumbnail(size, reducing_gap=2.0)
    return image.copy()


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGB", layer.size, DARK)
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def _decoded(source: Path, name: str, max_px: int, *, sound_only: bool) -> Image.Image:
    with open_container(source, name) as container:
        if container.streams.video and not sound_only:
            stream = ready(container.streams.video[0])
            return frame_picture(_best_frame(container, stream), pixel_shape(stream), max_px)
        if container.streams.audio:
            return waveform.draw(waveform.levels(container, container.streams.audio[0]), max_px)
    raise NoPosterError("neither picture nor sound in it")


def _best_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    """The first clear frame, else the one with most contrast in the first second: many clips start black."""
    import av

    best: VideoFrame | None = None
    best_spread, start = -1.0, 0.0
    try:
        for count, frame in enumerate(container.decode(stream)):
            check_size(frame.width, frame.height)
            start = start if count else frame.time or 0.0
            spread = _luma_spread(frame)
            if spread > best_spread:
                best, best_spread = frame, spread
            late = (frame.time or 0.0) - start >= LOOK_SECONDS
            if spread >= CLEAR_SPREAD or late or count >= LOOK_FRAMES:
                break
    except (av.FFmpegError, ValueError, AttributeError):
        # PyAV raises the last two for some broken files; a frame already seen is still good.
        if best is None:
            raise
    if best is None:
        raise NoPosterError("no frame in it")
    return best


def _luma_spread(frame: VideoFrame) -> float:
    plane = frame.reformat(width=64, height=36, format="gray").planes[0]
    grey = Image.frombytes("L", (plane.line_size, plane.height), bytes(plane)).crop((0, 0, 64, 36))
    return ImageStat.Stat(grey).stddev[0]


def pixel_shape(stream: VideoStream) -> float:
    """A pixel's width to its height, where the file says something sensible."""
    shape = float(stream.sample_aspect_ratio or 1)
    return shape if 0.1 < shape < 10 else 1.0


def frame_picture(frame: VideoFrame, shape: float, max_px: int) -> Image.Image:
    """The frame with square pixels (`shape` is a pixel's width to its height), the way up its file says."""
    width, height = frame.width * shape, float(frame.height)
    scale = min(1.0, max_px / max(width, height))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    plane = frame.reformat(width=size[0], height=size[1], format="rgb24").planes[0]
    image = Image.frombytes("RGB", size, bytes(plane), "raw", "RGB", plane.line_size)
    return image.rotate(frame.rotation, expand=True) if frame.rotation % 360 else image
