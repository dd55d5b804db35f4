"""Ogg (RFC 3533): Vorbis, Opus, FLAC, Theora. The length is the last page's position."""

from __future__ import annotations

import struct
from dataclasses import replace

from mediatui.media.facts import Malformed, MediaFacts, Source, pixels, rate, seconds
from mediatui.model import MediaType

_TAIL = 64 << 10
_NOWHERE = 0xFFFFFFFFFFFFFFFF


def read(source: Source) -> MediaFacts:
    """What the first pages announce and where the last page ends."""
    head = source.some(0, 4096)
    at = head.find(b"\x80theora")
    if at >= 0:
        return _theora(head, at, _has_sound(head))
    serial = head[14:18]
    if (at := head.find(b"OpusHead")) >= 0:
        (skip,) = struct.unpack("<H", head[at + 10 : at + 12])
        return _sound("opus", "opus", source, serial, 48_000, skip)
    if (at := head.find(b"\x01vorbis")) >= 0:
        (hertz,) = struct.unpack("<I", head[at + 12 : at + 16])
        return _sound("ogg", "vorbis", source, serial, hertz, 0)
    if (at := head.find(b"\x7fFLAC")) >= 0:
        hertz = int.from_bytes(head[at + 27 : at + 30]) >> 4
        return _sound("ogg", "flac", source, serial, hertz, 0)
    raise Malformed("no codec we know")


def _has_sound(head: bytes) -> str | None:
    if b"\x01vorbis" in head:
        return "vorbis"
    return "opus" if b"OpusHead" in head else None


def _sound(container: str, codec: str, source: Source, serial: bytes, hertz: int, skip: int) -> MediaFacts:
    facts = MediaFacts(MediaType.AUDIO, container, audio_codec=codec)
    position = _last_position(source, serial)
    if position is None or hertz <= 0:
        return facts
    return replace(facts, duration=seconds((position - skip) / hertz))


def _last_position(source: Source, serial: bytes) -> int | None:
    """The granule position of the stream's last page that has one."""
    tail = source.some(max(0, source.size - _TAIL), _TAIL)
    at = tail.rfind(b"OggS")
    while at >= 0:
        page = tail[at : at + 18]
        position = int.from_bytes(page[6:14], "little")
        if len(page) == 18 and page[14:18] == serial and position != _NOWHERE:
            return position
        at = tail.rfind(b"OggS", 0, at)
    return None


def _theora(head: bytes, at: int, sound: str | None) -> MediaFacts:
    """The identification header (Theora specification §6.2): size of the picture and frame rate."""
    data = head[at + 7 : at + 7 + 23]
    if len(data) < 23:
        raise Malformed("no identification header")
    width, height = int.from_bytes(data[7:10]), int.from_bytes(data[10:13])
    top, bottom = struct.unpack(">II", data[15:23])
    return MediaFacts(
        MediaType.VIDEO,
        "ogv",
        pixels(width),
        pixels(height),
        rate(top / bottom) if bottom else None,
        None,
        "theora",
        sound,
    )
