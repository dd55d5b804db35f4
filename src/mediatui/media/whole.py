"""Whether a file ends before its own end, as far as its format says where that is."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from mediatui.media.facts import Malformed, Source
from mediatui.media.headers.matroska import element_at
from mediatui.media.magic import sniff

CUT_WORDS = "the file ends before its own end: a part of it may be missing"
"""What is written down of an item whose file is cut."""

_HEAD_BYTES = 1024
_TAIL_BYTES = 1 << 16


def is_cut(path: Path) -> bool:
    """The file itself says that bytes are missing at its end. False where its format does not say, or it is no media.

    Reads a few kilobytes of most files, and of none more than `Source` allows. Raises `OSError`.
    """
    try:
        with Source(path) as source:
            kind = sniff(source.some(0, _HEAD_BYTES))
            look = _LOOKS.get(kind[1]) if kind else None
            return look is not None and look(source)
    except (Malformed, struct.error):
        return False


_IEND = b"\0\0\0\0IEND\xaeB`\x82"


def _png(source: Source) -> bool:
    """PNG §5.3: chunks of a told length, the last one IEND."""
    if source.some(max(0, source.size - len(_IEND)), len(_IEND)) == _IEND:
        return False
    at = 8
    while True:
        head = source.some(at, 8)
        if len(head) < 8:
            return True
        if not head[4:].isalpha():
            return False  # no chunk at all: what it is, it does not say
        at += 12 + int.from_bytes(head[:4])
        if at > source.size:
            return True
        if head[4:] == b"IEND":
            return False


def _jpeg(source: Source) -> bool:
    """T.81 §B.1: segments of a told length, then the picture, to FF D9; a camera may have put something behind it."""
    start = max(0, source.size - _TAIL_BYTES)
    if b"\xff\xd9" in source.some(start, _TAIL_BYTES):
        return False
    at = 2
    while True:
        head = source.some(at, 4)
        if len(head) < 4 or head[:2] == b"\xff\xda":
            return True
        if head[0] != 0xFF:
            return False  # no segment at all
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:])


def _gif(source: Source) -> bool:
    """GIF89a §B: a screen, then blocks in sub-blocks, then a trailer."""
    flags = source.some(10, 1)
    at = 13 + _table(flags[0] if flags else 0)
    while True:
        kind = source.some(at, 1)
        if kind == b";":
            return False
        if kind == b"!":
            at += 2
        elif kind == b",":
            flags = source.some(at + 9, 1)
            at += 11 + _table(flags[0] if flags else 0)
        else:
            return not kind  # no block at all: what it is, it does not say
        while size := source.some(at, 1):
            at += 1 + size[0]
            if not size[0]:
                break


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _riff(source: Source) -> bool:
    """A writer that could not go back to the head leaves 0 or all ones there."""
    size = int.from_bytes(source.some(4, 4), "little")
    return size not in (0, 0xFFFFFFFF) and 8 + size > source.size + 1  # some do not write the last, padding byte


def _matroska(source: Source) -> bool:
    """RFC 9559: a header, then a segment; of one that was streamed the length is unknown."""
    _, length, payload = element_at(source, 0)
    _, length, payload = element_at(source, payload + (length or 0))
    return length is not None and payload + length > source.size


_TOP = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"meta", b"sidx", b"ssix", b"free", b"skip"})
_TOP |= {b"wide", b"pnot", b"udta", b"uuid", b"emsg", b"prft"}


def _boxes(source: Source) -> bool:
    """ISO/IEC 14496-12 §4.2: boxes of a told length; what ends with a whole one that is of use is taken for whole."""
    at, useful = 0, False
    while True:
        head = source.some(at, 16)
        size, name = int.from_bytes(head[:4]), head[4:8]
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:])
        fits = 8 <= size <= source.size - at
        if len(head) < 8 or (size == 0 and name in _TOP):
            return not useful  # here or with this box it ends
        if name not in _TOP and not (fits and name.isalnum()):
            return False  # no box at all
        if not fits:
            return size >= 8
        useful = useful or name in (b"moov", b"meta", b"moof", b"mdat")
        at += size


_LOOKS: Mapping[str, Callable[[Source], bool]] = {
    "png": _png,
    "jpg": _jpeg,
    "gif": _gif,
    "webp": _riff,
    "avi": _riff,
    "webm": _matroska,
    "mkv": _matroska,
    **dict.fromkeys(("mp4", "mov", "m4a", "avif", "heic"), _boxes),
}
