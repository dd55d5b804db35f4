"""Matroska and WebM (RFC 9559): the segment's information and its tracks, up to the first cluster."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from mediatui.media.facts import Malformed, MediaFacts, Source, pixels, rate, seconds
from mediatui.model import MediaType

MAX_ELEMENTS = 4000
_DOC_TYPE = 0x4282
_HEADER, _SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO, _CLUSTER = (
    0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675,
)  # fmt: skip
_SCALE, _DURATION, _TYPE, _CODEC, _DEFAULT_DURATION, _WIDTH, _HEIGHT = (
    0x2AD7B1, 0x4489, 0x83, 0x86, 0x23E383, 0xB0, 0xBA,
)  # fmt: skip
_MASTERS = frozenset({_HEADER, _SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO})
_VALUES = frozenset({_DOC_TYPE, _SCALE, _DURATION, _TYPE, _CODEC, _DEFAULT_DURATION, _WIDTH, _HEIGHT})
_CODECS = {
    "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc",
    "V_MJPEG": "mjpeg",
    "A_MPEG/L3": "mp3",
    "A_PCM/INT/LIT": "pcm",
    "A_PCM/FLOAT/IEEE": "pcm_float",
}


@dataclass(slots=True)
class _Entry:
    kind: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0
    frame_ns: int = 0


@dataclass(slots=True)
class _Segment:
    doc_type: str = ""
    scale: int = 1_000_000
    duration: float | None = None
    entries: list[_Entry] = field(default_factory=list)


def read(source: Source) -> MediaFacts:
    """Times and tracks; the length is absent where the writer streamed."""
    segment = _Segment()
    offset = 0
    for _ in range(MAX_ELEMENTS):
        if offset >= source.size:
            break
        element, length, payload = element_at(source, offset)
        if element == _CLUSTER and (segment.entries or length is None):
            break
        if element in _MASTERS:
            if element == _ENTRY:
                segment.entries.append(_Entry())
            offset = payload
            continue
        if element in _VALUES and length is not None and length <= 256:
            _take(segment, element, source.read(payload, length))
        if length is None:
            raise Malformed("an element without an end")
        offset = payload + length
    return _facts(segment)


def element_at(source: Source, offset: int) -> tuple[int, int | None, int]:
    """Identifier, length (None: unknown) and place of the payload of the element at `offset`."""
    head = source.some(offset, 12)
    id_length = 9 - head[0].bit_length() if head else 9
    if id_length > 4 or len(head) <= id_length:
        raise Malformed("no element")
    first = head[id_length]
    size_length = 9 - first.bit_length()
    if size_length > 8 or len(head) < id_length + size_length:
        raise Malformed("no length")
    ones = (1 << 7 * size_length) - 1
    value = int.from_bytes(head[id_length : id_length + size_length]) & ones
    length = None if value == ones else value
    return int.from_bytes(head[:id_length]), length, offset + id_length + size_length


def _take(segment: _Segment, element: int, data: bytes) -> None:
    number = int.from_bytes(data) if len(data) <= 8 else 0  # no integer is longer (RFC 8794 §7.2)
    if element == _DOC_TYPE:
        segment.doc_type = data.rstrip(b"\0").decode("latin-1")
    elif element == _SCALE:
        segment.scale = number
    elif element == _DURATION and len(data) in (4, 8):
        (segment.duration,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    elif segment.entries:
        _take_track(segment.entries[-1], element, data, number)


def _take_track(entry: _Entry, element: int, data: bytes, number: int) -> None:
    if element == _TYPE:
        entry.kind = number
    elif element == _CODEC:
        entry.codec = data.rstrip(b"\0").decode("latin-1")
    elif element == _DEFAULT_DURATION:
        entry.frame_ns = number
    elif element == _WIDTH:
        entry.width = number
    elif element == _HEIGHT:
        entry.height = number


def _facts(segment: _Segment) -> MediaFacts:
    video = next((e for e in segment.entries if e.kind == 1), None)
    audio = next((e for e in segment.entries if e.kind == 2), None)
    if video is None and audio is None:
        raise Malformed("no track to show or play")
    length = None if segment.duration is None else seconds(segment.duration * segment.scale / 1e9)
    return MediaFacts(
        MediaType.VIDEO if video else MediaType.AUDIO,
        "webm" if segment.doc_type == "webm" else "mkv",
        pixels(video.width) if video else None,
        pixels(video.height) if video else None,
        rate(1e9 / video.frame_ns) if video and video.frame_ns else None,
        length,
        _codec(video),
        _codec(audio),
    )


def _codec(entry: _Entry | None) -> str | None:
    if entry is None or not entry.codec:
        return None
    known = _CODECS.get(entry.codec)
    return known or entry.codec[2:].split("/")[0].lower()
