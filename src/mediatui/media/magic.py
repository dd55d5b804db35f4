"""Which format a file is, by its first bytes; never by its name or by what a server said."""

from __future__ import annotations

from mediatui.model import MediaType

Kind = tuple[MediaType, str, str]
"""Type, usual file extension without a dot, MIME type."""

PNG: Kind = (MediaType.IMAGE, "png", "image/png")
JPG: Kind = (MediaType.IMAGE, "jpg", "image/jpeg")
GIF: Kind = (MediaType.IMAGE, "gif", "image/gif")
WEBP: Kind = (MediaType.IMAGE, "webp", "image/webp")
AVIF: Kind = (MediaType.IMAGE, "avif", "image/avif")
HEIC: Kind = (MediaType.IMAGE, "heic", "image/heic")
BMP: Kind = (MediaType.IMAGE, "bmp", "image/bmp")
TIFF: Kind = (MediaType.IMAGE, "tiff", "image/tiff")
SVG: Kind = (MediaType.IMAGE, "svg", "image/svg+xml")
MP4: Kind = (MediaType.VIDEO, "mp4", "video/mp4")
MOV: Kind = (MediaType.VIDEO, "mov", "video/quicktime")
WEBM: Kind = (MediaType.VIDEO, "webm", "video/webm")
MKV: Kind = (MediaType.VIDEO, "mkv", "video/x-matroska")
AVI: Kind = (MediaType.VIDEO, "avi", "video/x-msvideo")
FLV: Kind = (MediaType.VIDEO, "flv", "video/x-flv")
TS: Kind = (MediaType.VIDEO, "ts", "video/mp2t")
OGV: Kind = (MediaType.VIDEO, "ogv", "video/ogg")
M4A: Kind = (MediaType.AUDIO, "m4a", "audio/mp4")
WAV: Kind = (MediaType.AUDIO, "wav", "audio/wav")
MP3: Kind = (MediaType.AUDIO, "mp3", "audio/mpeg")
FLAC: Kind = (MediaType.AUDIO, "flac", "audio/flac")
OGG: Kind = (MediaType.AUDIO, "ogg", "audio/ogg")
OPUS: Kind = (MediaType.AUDIO, "opus", "audio/ogg")
AAC: Kind = (MediaType.AUDIO, "aac", "audio/aac")
AIFF: Kind = (MediaType.AUDIO, "aiff", "audio/aiff")

_PREFIXES: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"fLaC", FLAC),
    (b"ID3", MP3),
    (b"ADIF", AAC),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0\x08\0", TIFF),
    (b"MM\0+\0\x08", TIFF),
    (b"FLV\x01", FLV),
)
_RIFF = {b"WEBP": WEBP, b"WAVE": WAV, b"AVI ": AVI}
_BRANDS = {b"avif": AVIF, b"avis": AVIF, b"heic": HEIC, b"heix": HEIC, b"hevc": HEIC, b"mif1": HEIC}
_BRANDS |= {b"qt  ": MOV, b"M4A ": M4A, b"M4B ": M4A, b"F4A ": M4A}
_BITMAP_HEADS = (12, 40, 52, 56, 64, 108, 124)
_PACKET_BYTES = 188
_ATOMS = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""What text in UTF-16 begins with."""
_SVG_STARTS = (b"<svg", b"<?xml", b"<!--", b"<!doctype svg")


def sniff(head: bytes) -> Kind | None:
    """The format whose file starts with `head` (400 bytes or more); None when it is none we know.

    A video container may turn out to hold sound only; `probe` looks further.
    """
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM":
        return AIFF if head[8:12] in (b"AIFF", b"AIFC") else None
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADS:
        return BMP
    if len(head) > 2 * _PACKET_BYTES and head[: 2 * _PACKET_BYTES + 1 : _PACKET_BYTES] == b"GGG":
        return TS
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head[4:8] in _ATOMS and (int.from_bytes(head[:4]) >= 8 or head[:4] in (b"\0\0\0\0", b"\0\0\0\1")):
        return MOV
    if head.startswith(b"\x1aE\xdf\xa3"):
        return WEBM if b"webm" in head[:64] else MKV
    if head.startswith(b"OggS"):
        return _by_first_page(head)
    return _frame_sync(head) or (SVG if _is_svg(head) else None)


def _by_brand(head: bytes) -> Kind:
    """ISO/IEC 14496-12 §4.3: the major brand decides, then the compatible ones where it says little."""
    major = head[8:12]
    end = min(max(int.from_bytes(head[:4]), 16), len(head))
    compatible = [head[i : i + 4] for i in range(16, end - 3, 4)]
    if major == b"mif1" or major not in _BRANDS:
        for brand in compatible:
            if brand in (b"avif", b"avis"):
                return AVIF
    return _BRANDS.get(major, MP4)


def _by_first_page(head: bytes) -> Kind:
    if b"OpusHead" in head[:64]:
        return OPUS
    return OGV if b"\x80theora" in head[:64] else OGG


def _frame_sync(head: bytes) -> Kind | None:
    """Raw MPEG audio has no magic number, only a frame header with fields that may not hold every value."""
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0 and (head[2] >> 2) & 0xF < 13:
        return AAC
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, frequency = head[2] >> 4, head[2] >> 2 & 3
    synced = head[1] & 0xE0 == 0xE0 and version != 1 and layer == 1
    return MP3 if synced and bitrate not in (0, 15) and frequency != 3 else None


def _is_svg(head: bytes) -> bool:
    if head.startswith(UTF16_MARKS):
        head = head.decode("utf-16", "ignore").encode()
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith(_SVG_STARTS) and (b"<svg" in text or text.startswith(b"<!doctype svg"))
