"""Small real media files for the tests, made with the encoders the package depends on."""

from __future__ import annotations

import io
import math
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image, ImageDraw


def picture(width: int, height: int, shift: int = 0) -> Image.Image:
    """A colourful test picture."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((shift, height // 4, shift + width // 2, height * 3 // 4), fill=(220, 90, 40))
    return image


def video(
    path: Path,
    *,
    codec: str = "libx264",
    size: tuple[int, int] = (192, 108),
    frames: int = 24,
    fps: int = 24,
    black_frames: int = 0,
    sound: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip, optionally with black frames first and a tone."""
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        audio = _sound(out, sound, 48000) if sound else None
        for n in range(frames):
            image = Image.new("RGB", size) if n < black_frames else picture(*size, shift=n * 2)
            out.mux(stream.encode(frame_of(image)))
        out.mux(stream.encode(None))
        if audio is not None:
            for frame in _tone(frames / fps, 48000):
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def frame_of(image: Image.Image) -> av.VideoFrame:
    """A picture as a frame of a film."""
    made: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call] # PyAV does not say
    return made


def image_of(frame: av.VideoFrame) -> Image.Image:
    """A frame of a film as a picture."""
    made: Image.Image = frame.to_image()  # type: ignore[no-untyped-call] # PyAV does not say
    return made


def _sound(out: OutputContainer, codec: str, rate: int) -> AudioStream:
    stream = out.add_stream(codec, rate=rate, options={"strict": "experimental"})
    assert isinstance(stream, AudioStream)
    return stream


def tone(path: Path, codec: str, *, duration: float = 1.5, rate: int = 48000) -> Path:
    """A sound file that fades in."""
    with av.open(str(path), "w") as out:
        stream = _sound(out, codec, rate)
        if codec == "vorbis":  # FFmpeg's own encoder knows nothing but stereo
            stream.layout = "stereo"
        for frame in _tone(duration, rate):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def _tone(duration: float, rate: int) -> list[av.AudioFrame]:
    frames, total = [], int(duration * rate)
    for start in range(0, total, 1024):
        count = min(1024, total - start)
        samples = (
            int(20000 * (start + i) / total * math.sin((start + i) * 2 * math.pi * 440 / rate)) for i in range(count)
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=count)
        frame.planes[0].update(struct.pack(f"<{count}h", *samples).ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        frames.append(frame)
    return frames


def animated(path: Path, frames: int = 4, size: tuple[int, int] = (64, 48)) -> Path:
    """An animation (GIF, WebP or PNG by its name)."""
    first, *rest = (picture(*size, shift=8 * n) for n in range(frames))
    first.save(path, save_all=True, append_images=rest, duration=100)
    return path


def image_bytes(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    """A still picture as bytes; `kind` is Pillow's format name."""
    data = io.BytesIO()
    picture(*size).save(data, kind, **options)
    return data.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A PNG whose header promises that size and whose data hold nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
