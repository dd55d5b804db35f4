"""Frames and samples into files that every player opens: H.264 and AAC in MP4, and stills."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from mediatui.sandbox.tone import CHANNELS, RATE

if TYPE_CHECKING:
    from PIL import Image

_BT709 = 1
_LIMITED_RANGE = 1
_CHUNK = 1024
_AHEAD = 4
"""Frames drawn before the encoder has taken them."""

_STILL_OPTIONS = {"png": {"compress_level": 4}, "jpeg": {"quality": 90}, "webp": {"quality": 86, "method": 3}}


def encode_video(
    path: Path,
    frames: Iterable[Image.Image],
    size: tuple[int, int],
    fps: int,
    samples: bytes | None,
    on_frame: Callable[[int], None],
) -> None:
    """Write an MP4 that plays while it loads (its index stands first). `samples` are as `tone.pad` makes them."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "21", "preset": "veryfast"})
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        sound = _Sound(container, samples) if samples else None
        for index, picture in enumerate(_drawn_ahead(frames)):
            frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV says none
            frame = frame.reformat(format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED_RANGE)
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
            if sound:
                sound.play_until((index + 1) / fps)
            on_frame(index)
        container.mux(video.encode(None))
        if sound:
            sound.finish()


class _Sound:
    """The soundtrack, encoded alongside the picture so that both lie together in the file."""

    def __init__(self, container: av.container.OutputContainer, samples: bytes) -> None:
        self._container, self._samples = container, samples
        self._stream = container.add_stream("aac", rate=RATE, options={"b": "128k"})
        self._stream.layout = "stereo"
        self._sent = 0

    def play_until(self, seconds: float) -> None:
        while self._sent + _CHUNK <= seconds * RATE:
            if not self._send(_CHUNK):
                return

    def finish(self) -> None:
        while self._send(_CHUNK):
            pass
        self._container.mux(self._stream.encode(None))

    def _send(self, count: int) -> bool:
        """Encode the next samples; False when there are none left."""
        width = 2 * CHANNELS
        part = self._samples[self._sent * width : (self._sent + count) * width]
        if not part:
            return False
        frame = av.AudioFrame(format="s16", layout="stereo", samples=len(part) // width)
        frame.sample_rate = RATE
        frame.planes[0].update(part)
        frame.pts, frame.time_base = self._sent, Fraction(1, RATE)
        self._container.mux(self._stream.encode(frame))
        self._sent += len(part) // width
        return True


def _drawn_ahead(frames: Iterable[Image.Image]) -> Iterator[Image.Image]:
    """The frames, drawn in a thread of their own while the encoder works."""
    ready: queue.Queue[Image.Image | BaseException | None] = queue.Queue(_AHEAD)

    def draw() -> None:
        try:
            for frame in frames:
                ready.put(frame)
        except BaseException as exc:  # a fence between threads: raised again where the frames are used
            ready.put(exc)
        else:
            ready.put(None)

    threading.Thread(target=draw, daemon=True, name="draw").start()
    while (frame := ready.get()) is not None:
        if isinstance(frame, BaseException):
            raise frame
        yield frame


def encode_still(path: Path, picture: Image.Image, kind: str) -> None:
    """Write a PNG, JPEG or WebP."""
    picture.save(path, kind.upper(), **_STILL_OPTIONS[kind])
