"""Opening a media file for decoding: the format is what the bytes say, the size has a limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.media.facts import Source
from mediatui.media.magic import Kind, sniff

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_VIDEO_PIXELS = 8192 * 4608

_DEMUXERS = {
    "mp4": "mov",
    "mov": "mov",
    "m4a": "mov",
    "webm": "matroska",
    "mkv": "matroska",
    "avi": "avi",
    "flv": "flv",
    "ts": "mpegts",
    "ogv": "ogg",
    "ogg": "ogg",
    "opus": "ogg",
    "wav": "wav",
    "mp3": "mp3",
    "flac": "flac",
    "aac": "aac",
    "aiff": "aiff",
}


class NoPosterError(ValueError):
    """There is nothing to show, or showing it would cost too much."""


def kind_of(source: Path) -> Kind:
    """What the file is by its first bytes. Raises `NoPosterError` for anything else, and `OSError`."""
    with Source(source) as file:
        kind = sniff(file.some(0, 1024))
    if kind is None:
        raise NoPosterError("not a media file")
    return kind


def open_container(source: Path, name: str) -> InputContainer:
    """The file opened as the format `name` (an extension as `sniff` says it), reading nothing but that file."""
    import av

    if name not in _DEMUXERS:
        raise NoPosterError("a kind of file that holds neither video nor sound")
    # Never av.logging.set_level: its callback deadlocks with decoder threads.
    return av.open(str(source), format=_DEMUXERS[name], options={"protocol_whitelist": "file"})


def open_video(source: Path) -> tuple[InputContainer, VideoStream]:
    """A file's first video stream, ready to decode. Raises `NoPosterError` where there is none to show."""
    container = open_container(source, kind_of(source)[1])
    try:
        if not container.streams.video:
            raise NoPosterError("no picture in it")
        return container, ready(container.streams.video[0])
    except BaseException:  # whatever it is: nobody gets the file now, so it is closed
        container.close()
        raise


def ready(stream: VideoStream) -> VideoStream:
    """The stream with its size checked and threads that cannot deadlock."""
    check_size(stream.codec_context.width, stream.codec_context.height)
    stream.thread_type = "SLICE"
    stream.codec_context.thread_count = 2
    return stream


def check_size(width: int, height: int) -> None:
    """Raises `NoPosterError` for frames too large to decode here."""
    if not 0 < width * height <= MAX_VIDEO_PIXELS:
        raise NoPosterError(f"frames of {width}x{height} pixels")
