"""How an item was made, inside exported copies of its file: never in the original, and nothing is encoded again."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from mediatui.archive import exif, mp4tags, pngtext
from mediatui.model import MediaItem

KEY = "mediatui"
"""The keyword of the text, and the name of the object in a comment."""
VERSION = 1
MAX_VALUE = 4000
"""Characters of one parameter; longer ones (an input picture as text) are left out."""
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the original from `start` up to `end`."""

    start: int
    end: int


Segment = bytes | Range


def making_of(item: MediaItem) -> dict[str, Any]:
    """What is embedded: enough to make it again."""
    params = {key: value for key, value in item.params.items() if len(json.dumps(value, default=str)) <= MAX_VALUE}
    return {
        KEY: VERSION,
        "id": item.id,
        "provider": item.provider,
        "model": item.model,
        "prompt": item.prompt,
        "seed": item.seed,
        "params": params,
        "created_at": item.created_at,
        **_annotations(item),
    }


def embedded(fd: int, size: int, item: MediaItem) -> Sequence[Segment] | None:
    """The pieces of a copy that says how it was made; None for formats and files where that is not possible.

    Raises `OSError`.
    """
    with os.fdopen(os.dup(fd), "rb") as file:
        return _segments(file, size, item)


def _segments(file: BinaryIO, size: int, item: MediaItem) -> Sequence[Segment] | None:
    text = json.dumps(making_of(item), ensure_ascii=False, default=str)
    file.seek(0)
    head = file.read(_HEAD)
    if (place := pngtext.place_for_text(head)) is not None:
        chunks = pngtext.text_chunk(KEY, text) + pngtext.text_chunk("Description", item.prompt)
        return (Range(0, place), chunks, Range(place, size))
    if head[:3] == b"\xff\xd8\xff" and not exif.has_block(head):
        segment = exif.comment_segment(text)
        # Behind a JFIF segment, which must stay the first.
        start = 2 + (2 + int.from_bytes(head[4:6], "big") if head[2:4] == b"\xff\xe0" else 0)
        return (Range(0, start), segment, Range(start, size)) if segment else None
    if head[4:8] == b"ftyp":
        changed = mp4tags.with_comment(file, text, item.prompt[:200])
        return (Range(0, changed[0]), changed[2], Range(changed[1], size)) if changed else None
    return None


def length_of(segments: Sequence[Segment]) -> int:
    """Bytes in all."""
    return sum(part.end - part.start if isinstance(part, Range) else len(part) for part in segments)


def _annotations(item: MediaItem) -> Mapping[str, Any]:
    found = {"tags": list(item.tags), "rating": item.rating, "favourite": item.favourite, "notes": item.notes}
    return {key: value for key, value in found.items() if value}
