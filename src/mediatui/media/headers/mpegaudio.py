"""MP3, AAC in ADTS frames, and FLAC."""

from __future__ import annotations

from dataclasses import dataclass

from mediatui.media.facts import Malformed, MediaFacts, Source, seconds
from mediatui.media.magic import AAC, MP3, sniff
from mediatui.model import MediaType

_SEARCH = 64 << 10
_ADTS_FRAMES = 500
_V1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_V2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ADTS_HERTZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def audio(container: str, length: float | None) -> MediaFacts:
    """The facts of a sound file whose codec has its container's name."""
    return MediaFacts(MediaType.AUDIO, container, duration=seconds(length), audio_codec=container)


def after_id3(source: Source) -> int:
    """Where the sound starts: past an ID3v2 tag, if there is one (id3.org, ID3v2.4 §3.1)."""
    head = source.some(0, 10)
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + (10 if head[5] & 0x10 else 0)


def read_mp3(source: Source) -> MediaFacts:
    """Exact where a Xing, Info or VBRI header counts the frames, else by the average size of the first ones."""
    start = after_id3(source)
    block = source.some(start, _SEARCH)
    if block.startswith(b"fLaC"):
        return _flac_at(source, start)
    if sniff(block[:4]) == AAC:
        return _adts_at(source, start)
    at = _first_frame(block)
    first = _Frame.at(block, at)
    frames = _counted_frames(block, at, first.mpeg1) or (source.size - start - at) / _mean_length(block, at)
    return audio("mp3", frames * (1152 if first.mpeg1 else 576) / first.hertz)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The header of one MPEG-1 or MPEG-2 layer III frame (ISO/IEC 11172-3 §2.4.2.3)."""

    mpeg1: bool
    hertz: int
    length: int

    @classmethod
    def at(cls, block: bytes, at: int) -> _Frame:
        version = block[at + 1] >> 3 & 3
        kbits = (_V1_KBITS if version == 3 else _V2_KBITS)[block[at + 2] >> 4]
        hertz = _MP3_HERTZ[version][block[at + 2] >> 2 & 3]
        padding = block[at + 2] >> 1 & 1
        return cls(version == 3, hertz, (144 if version == 3 else 72) * kbits * 1000 // hertz + padding)


def _first_frame(block: bytes) -> int:
    """The first frame header after whose frame another one stands (or which ends out of sight)."""
    at = block.find(b"\xff")
    while 0 <= at < len(block) - 4:
        if sniff(block[at : at + 4]) == MP3:
            after = at + _Frame.at(block, at).length
            follower = block[after : after + 4]
            if len(follower) < 4 or sniff(follower) == MP3 or follower[:3] == b"TAG":
                return at
        at = block.find(b"\xff", at + 1)
    raise Malformed("no frame")


def _mean_length(block: bytes, at: int) -> float:
    end, frames = at, 0
    while sniff(block[end : end + 4]) == MP3:
        end += _Frame.at(block, end).length
        frames += 1
    return (end - at) / frames


def _counted_frames(block: bytes, at: int, mpeg1: bool) -> int:
    mono = block[at + 3] >> 6 == 3
    xing = at + 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    tag, count = block[xing : xing + 8], block[xing + 8 : xing + 12]
    if tag[:4] in (b"Xing", b"Info") and len(count) == 4 and tag[7] & 1:
        return int.from_bytes(count)
    count = block[at + 50 : at + 54]
    if block[at + 36 : at + 40] == b"VBRI" and len(count) == 4:
        return int.from_bytes(count)
    return 0


def read_adts(source: Source) -> MediaFacts:
    """The length follows from the average size of the first frames; ADTS counts nothing itself."""
    return _adts_at(source, 0)


def _adts_at(source: Source, start: int) -> MediaFacts:
    offset, frames, hertz = start, 0, 0
    while frames < _ADTS_FRAMES and len(head := source.some(offset, 7)) == 7:
        if sniff(head) != AAC:
            break
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if length < 7:
            break
        hertz = hertz or _ADTS_HERTZ[head[2] >> 2 & 0xF]
        offset += length
        frames += 1
    if not frames:
        if source.some(start, 4) == b"ADIF":
            return audio("aac", None)
        raise Malformed("no frame")
    whole = frames if frames < _ADTS_FRAMES else frames * (source.size - start) / (offset - start)
    return audio("aac", whole * 1024 / hertz)


def read_flac(source: Source) -> MediaFacts:
    """STREAMINFO, which is always first (RFC 9639 §8.2)."""
    return _flac_at(source, 0)


def _flac_at(source: Source, start: int) -> MediaFacts:
    bits = int.from_bytes(source.read(start + 8 + 10, 8))
    hertz, samples = bits >> 44, bits & (1 << 36) - 1
    if not hertz:
        raise Malformed("no sample rate")
    return audio("flac", samples / hertz if samples else None)
