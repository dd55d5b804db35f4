"""The ISO base media file format (ISO/IEC 14496-12) and QuickTime: MP4, MOV, M4A, AVIF, HEIC."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mediatui.media.facts import Malformed, MediaFacts, Source, pixels, rate, seconds
from mediatui.media.magic import sniff
from mediatui.model import MediaType

Box = tuple[bytes, int, int]
"""Type, start and end of the payload."""

MAX_BOXES = 4000
_MAX_STTS = 65_536
_VIDEO_CODECS = {
    "avc1": "h264",
    "avc3": "h264",
    "hvc1": "hevc",
    "hev1": "hevc",
    "av01": "av1",
    "vp08": "vp8",
    "vp09": "vp9",
    "mp4v": "mpeg4",
    "jpeg": "mjpeg",
    "mjpa": "mjpeg",
    "apch": "prores",
    "apcn": "prores",
    "apcs": "prores",
    "ap4h": "prores",
}
_AUDIO_CODECS = {
    "mp4a": "aac",
    ".mp3": "mp3",
    "Opus": "opus",
    "fLaC": "flac",
    "ac-3": "ac3",
    "ec-3": "eac3",
    "sowt": "pcm",
    "twos": "pcm",
    "lpcm": "pcm",
    "ipcm": "pcm",
}
_OBJECT_TYPES = {0x20: "mpeg4", 0x6C: "mjpeg", 0x40: "aac", 0x69: "mp3", 0x6B: "mp3"}
"""What ``mp4v`` and ``mp4a`` hold (ISO/IEC 14496-1 §7.2.6.6)."""


@dataclass(slots=True)
class _Track:
    kind: bytes = b""
    codec: str = ""
    width: int = 0
    height: int = 0
    timescale: int = 0
    duration: int = 0
    samples: int = 0
    usual: int = 0
    """How long most samples last, in the track's timescale; 0 when no length is usual."""

    @property
    def seconds(self) -> float | None:
        return seconds(self.duration / self.timescale) if self.timescale else None

    @property
    def fps(self) -> float | None:
        if self.usual:
            return rate(self.timescale / self.usual)
        if self.samples < 1 or not self.duration:
            return None
        return rate(self.samples * self.timescale / self.duration)


def boxes(source: Source, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, until they end or make no sense."""
    for _ in range(MAX_BOXES):
        head = source.some(start, 16) if start + 8 <= end else b""
        if len(head) < 8:
            return
        size, header = int.from_bytes(head[:4]), 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:]), 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield head[4:8], start + header, min(end, start + size)
        start += size


def read(source: Source) -> MediaFacts:
    """Tracks and times from ``moov``; the picture's size from ``meta`` where there are no tracks."""
    kind = sniff(source.some(0, 1024))
    container = kind[1] if kind else "mp4"
    still = container in ("avif", "heic")
    length: float | None = None
    indexed: float | None = None
    tracks: list[_Track] = []
    largest = (0, 0)
    found = False
    for name, start, end in boxes(source, 0, source.size):
        if name == b"moov":
            found = True
            length, tracks = _movie(source, start, end)
            if length is not None or not tracks:
                break
        elif name == b"sidx":
            indexed = _segment_index(source, start, end)
        elif name == b"moof" and found:
            break
        elif name == b"meta" and still:
            found = True
            largest = _largest_extent(source, start + 4, end)
    if not found:
        raise Malformed("no movie and no picture")
    if still and not tracks:
        codec = "av1" if container == "avif" else "hevc"
        return MediaFacts(MediaType.IMAGE, container, pixels(largest[0]), pixels(largest[1]), video_codec=codec)
    return _facts(container, still, length or indexed, tracks)


def _facts(container: str, still: bool, length: float | None, tracks: list[_Track]) -> MediaFacts:
    video = next((t for t in tracks if t.kind in (b"vide", b"pict") and t.width), None)
    audio = next((t for t in tracks if t.kind == b"soun"), None)
    if video is None and audio is None:
        raise Malformed("no track to show or play")
    length = length or max((t.seconds or 0.0 for t in (video, audio) if t), default=0.0) or None
    type_ = MediaType.IMAGE if still else MediaType.VIDEO if video else MediaType.AUDIO
    return MediaFacts(
        type_,
        container,
        pixels(video.width) if video else None,
        pixels(video.height) if video else None,
        video.fps if video else None,
        length,
        _VIDEO_CODECS.get(video.codec, video.codec) if video else None,
        _AUDIO_CODECS.get(audio.codec, audio.codec) if audio else None,
    )


def _movie(source: Source, start: int, end: int) -> tuple[float | None, list[_Track]]:
    tracks: list[_Track] = []
    timescale, length, fragments = 0, 0, 0
    for name, at, stop in boxes(source, start, end):
        if name == b"mvhd":
            timescale, length = _times(source, at)
        elif name == b"trak":
            tracks.append(_track(source, at, stop))
        elif name == b"mvex":
            for inner, place, _ in boxes(source, at, stop):
                if inner == b"mehd":
                    wide = source.read(place, 1)[0] == 1
                    fragments = int.from_bytes(source.read(place + 4, 8 if wide else 4))
    return seconds((length or fragments) / timescale) if timescale else None, tracks


def _track(source: Source, start: int, end: int) -> _Track:
    track = _Track()
    for name, at, stop in _descend(source, start, end, 0):
        if name == b"mdhd":
            track.timescale, track.duration = _times(source, at)
        elif name == b"hdlr":
            track.kind = track.kind or source.read(at + 8, 4)
        elif name == b"stsd":
            entry = source.some(at + 8, 36)
            track.codec = entry[4:8].decode("latin-1").strip()
            if track.codec in ("mp4v", "mp4a"):
                track.codec = _OBJECT_TYPES.get(_object_type(source.some(at, 512)), track.codec)
            if track.kind in (b"vide", b"pict") and len(entry) == 36:
                track.width, track.height = struct.unpack(">HH", entry[32:36])
        elif name == b"stts":
            track.samples, track.usual = _sample_times(source, at, stop)
    return track


def _descend(source: Source, start: int, end: int, depth: int) -> Iterator[Box]:
    for name, at, stop in boxes(source, start, end):
        if name in (b"mdia", b"minf", b"stbl") and depth < 4:
            yield from _descend(source, at, stop, depth + 1)
        else:
            yield name, at, stop


def _times(source: Source, at: int) -> tuple[int, int]:
    """Timescale and duration of ``mvhd`` or ``mdhd``; a duration of all ones means unknown (0 here)."""
    if source.read(at, 1)[0] == 1:
        timescale, length = struct.unpack(">IQ", source.read(at + 20, 12))
        return timescale, 0 if length == 0xFFFFFFFFFFFFFFFF else length
    timescale, length = struct.unpack(">II", source.read(at + 12, 8))
    return timescale, 0 if length == 0xFFFFFFFF else length


def _object_type(entry: bytes) -> int:
    """The object type in the ``esds`` box of a sample description; 0 when there is none."""
    at = entry.find(b"esds")
    if at < 0:
        return 0
    config = entry.find(b"\x04", at + 12)  # past version, ES descriptor tag, its length and identifier
    while 0 <= config < len(entry) - 4 and entry[config + 1] == 0x80:
        config += 1
    return entry[config + 2] if 0 <= config < len(entry) - 2 else 0


def _sample_times(source: Source, at: int, stop: int) -> tuple[int, int]:
    """How many samples ``stts`` counts (§8.6.1.2), and the length that at least half of them have, else 0.

    The last sample is often shown longer, so a track's length says less of its rate than this.
    """
    count = min(int.from_bytes(source.read(at + 4, 4)), _MAX_STTS, (stop - at - 8) // 8)
    table = source.read(at + 8, 8 * max(0, count))
    runs: dict[int, int] = {}
    for samples, delta in struct.iter_unpack(">II", table[: len(table) // 8 * 8]):
        runs[delta] = runs.get(delta, 0) + samples
    total = sum(runs.values())
    usual = max(runs, key=runs.__getitem__, default=0)
    return total, usual if total and 2 * runs[usual] >= total else 0


def _segment_index(source: Source, start: int, end: int) -> float | None:
    """The length of a fragmented file from its ``sidx`` (§8.16.3)."""
    version = source.read(start, 1)[0]
    timescale = int.from_bytes(source.read(start + 8, 4))
    at = start + (28 if version else 20)
    count = int.from_bytes(source.read(at + 2, 2))
    table = source.read(at + 4, min(12 * count, max(0, end - at - 4)))
    total = sum(int.from_bytes(table[i + 4 : i + 8]) for i in range(0, len(table) - 11, 12))
    return seconds(total / timescale) if timescale else None


def _largest_extent(source: Source, start: int, end: int, depth: int = 0) -> tuple[int, int]:
    """The largest ``ispe`` property: thumbnails and auxiliary pictures have one as well."""
    best = (0, 0)
    for name, at, stop in boxes(source, start, end):
        if name in (b"iprp", b"ipco") and depth < 2:
            found = _largest_extent(source, at, stop, depth + 1)
        elif name == b"ispe":
            width, height = struct.unpack(">II", source.read(at + 4, 8))
            found = (width, height)
        else:
            continue
        best = max(best, found, key=lambda size: size[0] * size[1])
    return best
