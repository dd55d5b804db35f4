"""RIFF: WAV, AVI and WebP."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mediatui.media.facts import Malformed, MediaFacts, Source, pixels, rate, seconds
from mediatui.media.headers.images import picture
from mediatui.model import MediaType

_WAVE_CODECS = {1: "pcm", 2: "adpcm_ms", 3: "pcm_float", 6: "pcm_alaw", 7: "pcm_mulaw", 17: "adpcm_ima_wav"}
_WAVE_CODECS |= {80: "mp2", 85: "mp3", 255: "aac"}
_EXTENSIBLE = 0xFFFE


def chunks(source: Source, offset: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """Identifier, place of the payload and its promised length, for each chunk from `offset` on."""
    while len(head := source.some(offset, 8)) == 8:
        length = int.from_bytes(head[4:], "little")
        yield head[:4], offset + 8, length
        offset += 8 + length + (length & 1)


def read_wav(source: Source) -> MediaFacts:
    """The length comes from the data chunk, or from the file where the writer left that open."""
    byte_rate, codec, long_data = 0, "pcm", None
    for name, at, length in chunks(source):
        if name == b"ds64":  # RF64, EBU Tech 3306
            long_data = int.from_bytes(source.read(at + 8, 8), "little")
        elif name == b"fmt ":
            tag, _channels, _rate, byte_rate = struct.unpack("<HHII", source.read(at, 12))
            if tag == _EXTENSIBLE and length >= 26:
                tag = int.from_bytes(source.read(at + 24, 2), "little")
            codec = _WAVE_CODECS.get(tag, f"wav-{tag:#06x}")
        elif name == b"data":
            if not byte_rate:
                break
            promised = long_data if length == 0xFFFFFFFF and long_data is not None else length
            # A streaming writer leaves 0 or all ones; a broken download is shorter than promised.
            count = min(promised or source.size, source.size - at)
            return MediaFacts(MediaType.AUDIO, "wav", duration=seconds(count / byte_rate), audio_codec=codec)
    raise Malformed("no format or no data")


def read_avi(source: Source) -> MediaFacts:
    """The main header; codecs from the stream headers."""
    if source.read(12, 4) != b"LIST" or source.read(20, 12)[:8] != b"hdrlavih":
        raise Malformed("no main header")
    micros, _, _, _, frames, _, _, _, width, height = struct.unpack("<10I", source.read(32, 40))
    video = audio = None
    end = 20 + int.from_bytes(source.read(16, 4), "little")
    for name, at, _length in chunks(source, 32 + int.from_bytes(source.read(28, 4), "little")):
        if at > end:
            break
        if name == b"LIST" and source.some(at, 8) == b"strlstrh":
            kind, handler = struct.unpack("4s4s", source.read(at + 12, 8))
            if kind == b"vids":
                video = video or handler.decode("latin-1").strip("\0 ").lower() or None
            elif kind == b"auds":
                audio = audio or "audio"
    return MediaFacts(
        MediaType.VIDEO,
        "avi",
        pixels(width),
        pixels(height),
        rate(1e6 / micros if micros else None),
        seconds(frames * micros / 1e6),
        video,
        audio,
    )


def read_webp(source: Source) -> MediaFacts:
    """The first chunk: extended, lossless or lossy (RFC 9649)."""
    name, data = source.read(12, 4), source.read(20, 10)
    if name == b"VP8X":
        width, height = 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    elif name == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif name == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    else:
        raise Malformed("no picture header")
    return picture("webp", width, height)
