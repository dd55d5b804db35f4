"""Facts about a media file from its header alone; nothing is decoded, no third-party module is imported."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from mediatui.media.facts import Malformed, MediaFacts, Source
from mediatui.media.headers import images, isobmff, matroska, mpegaudio, ogg, riff
from mediatui.media.magic import sniff

__all__ = ["MediaFacts", "probe", "sniff"]

HEAD_BYTES = 1024

_READERS: Mapping[str, Callable[[Source], MediaFacts]] = {
    "png": images.read_png,
    "jpg": images.read_jpeg,
    "gif": images.read_gif,
    "webp": riff.read_webp,
    "wav": riff.read_wav,
    "avi": riff.read_avi,
    "avif": isobmff.read,
    "heic": isobmff.read,
    "mp4": isobmff.read,
    "mov": isobmff.read,
    "m4a": isobmff.read,
    "webm": matroska.read,
    "mkv": matroska.read,
    "mp3": mpegaudio.read_mp3,
    "aac": mpegaudio.read_adts,
    "flac": mpegaudio.read_flac,
    "ogg": ogg.read,
    "opus": ogg.read,
    "ogv": ogg.read,
}


def probe(path: Path) -> MediaFacts | None:
    """What the file's header says; None when the file cannot be read, is no media, or its header is broken.

    Costs well under a millisecond, reads at most a few megabytes of any file, and never raises for what
    it finds there.
    """
    try:
        with Source(path) as source:
            kind = sniff(source.some(0, HEAD_BYTES))
            if kind is None:
                return None
            reader = _READERS.get(kind[1])
            return reader(source) if reader else MediaFacts(kind[0], kind[1])
    except (OSError, Malformed, struct.error):
        return None
