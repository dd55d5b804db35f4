"""Files that end before their own end."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from tests.media.makemedia import picture, video

from mediatui.media.whole import is_cut

PICTURES = {"png": "PNG", "jpg": "JPEG", "gif": "GIF", "webp": "WEBP", "avif": "AVIF"}


def still(ending: str) -> bytes:
    buffer = io.BytesIO()
    picture(160, 90).save(buffer, PICTURES[ending])
    return buffer.getvalue()


def film() -> bytes:
    buffer = io.BytesIO()
    frames = [picture(60, 40, shift=n) for n in range(4)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def clip(folder: Path, ending: str, **options: str) -> bytes:
    codec = "libvpx" if ending in ("webm", "mkv") else "libx264"
    return video(folder / f"clip.{ending}", codec=codec, frames=8, options=options).read_bytes()


def says(folder: Path, data: bytes) -> bool:
    path = folder / "file"
    path.write_bytes(data)
    return is_cut(path)


@pytest.mark.parametrize("ending", PICTURES)
def test_pictures(tmp_path: Path, ending: str) -> None:
    data = still(ending)
    assert not says(tmp_path, data)
    assert [share for share in (20, 50, 90, 99) if not says(tmp_path, data[: len(data) * share // 100])] == []
    assert not says(tmp_path, data + b"behind the end")


def test_a_moving_picture_is_cut_at_any_byte(tmp_path: Path) -> None:
    data = film()
    assert not says(tmp_path, data)
    assert [n for n in range(64, len(data), 7) if not says(tmp_path, data[:n])] == []


@pytest.mark.parametrize("ending", ["mp4", "mov", "webm", "mkv"])
def test_videos(tmp_path: Path, ending: str) -> None:
    data = clip(tmp_path, ending)
    assert not says(tmp_path, data)
    assert [share for share in (20, 50, 90, 99) if not says(tmp_path, data[: len(data) * share // 100])] == []


def test_what_was_streamed_does_not_say_where_it_ends(tmp_path: Path) -> None:
    fragments = clip(tmp_path, "mp4", movflags="frag_keyframe+empty_moov")
    assert not says(tmp_path, fragments)
    assert says(tmp_path, fragments[:-40])
    live = clip(tmp_path, "webm", live="1")
    assert not says(tmp_path, live)


@pytest.mark.parametrize("data", [b"", b"ID3" + bytes(40), b"<html>", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0WEBP", b"OggS"])
def test_what_does_not_say_is_not_cut(tmp_path: Path, data: bytes) -> None:
    assert not says(tmp_path, data)


@pytest.mark.parametrize(
    "head",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + bytes(17),
        b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(12),
        b"\0\0\0\x18ftypmp42" + bytes(12),
        b"\x1aE\xdf\xa3\x84webm",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
    ],
)
@pytest.mark.parametrize("rest", [bytes(200_000), random.Random(7).randbytes(200_000)], ids=["zeros", "noise"])
def test_what_only_begins_like_media_does_not_say(tmp_path: Path, head: bytes, rest: bytes) -> None:
    assert not says(tmp_path, head + rest)


def test_what_ends_with_a_whole_box_of_content_does_not_say(tmp_path: Path) -> None:
    content = b"\0\0\0\x18ftypmp42" + bytes(12) + (5008).to_bytes(4) + b"mdat" + bytes(5000)
    assert not says(tmp_path, content)
    assert says(tmp_path, content[:-1])


def test_numbers_that_make_no_sense_end(tmp_path: Path) -> None:
    head = b"\0\0\0\x18ftypmp42" + bytes(12)
    assert says(tmp_path, head + b"\0\0\0\1mdat" + b"\xff" * 8)
    assert says(tmp_path, head)  # nothing describes what it would show
    assert says(tmp_path, head + b"\0\0\0\0mdat" + bytes(50))
