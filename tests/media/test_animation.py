"""Animated pictures: told from still ones by their header, and played like a clip."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

from mediatui.media.animation import is_moving
from mediatui.media.clip import Clip, ClipError

FORMATS = ("gif", "webp", "png")
COLOURS = ("red", "lime", "blue", "white")


def animate(path: Path, *, milliseconds: int = 120, count: int = len(COLOURS)) -> Path:
    frames = [Image.new("RGB", (64, 36), colour) for colour in COLOURS[:count]]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0, lossless=True)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_what_moves_is_told_from_what_does_not(tmp_path: Path, name: str) -> None:
    assert is_moving(animate(tmp_path / f"a.{name}"))
    still = tmp_path / f"b.{name}"
    Image.effect_noise((300, 200), 60).convert("RGB").save(still)
    assert not is_moving(still)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_anywhere_is_no_reason_to_stop(tmp_path: Path, name: str) -> None:
    whole = animate(tmp_path / f"a.{name}").read_bytes()
    cut = tmp_path / f"cut.{name}"
    for length in (*range(64), *range(64, len(whole), 7)):
        cut.write_bytes(whole[:length])
        is_moving(cut)
    assert not is_moving(tmp_path / "none")
    assert not is_moving(tmp_path)


def test_a_gif_whose_first_picture_never_ends_is_given_up(tmp_path: Path) -> None:
    endless = tmp_path / "a.gif"
    endless.write_bytes(b"GIF89a" + bytes(7) + b"," + bytes(10) + b"\x01x" * 40_000)
    assert not is_moving(endless)


@pytest.mark.parametrize("name", FORMATS)
def test_its_frames_come_at_their_moments_and_again(tmp_path: Path, name: str) -> None:
    clip = Clip(animate(tmp_path / f"a.{name}"))
    try:
        assert clip.duration == pytest.approx(0.48)
        assert clip.size == (64, 36)
        seen = [clip.at(seconds, (8, 4)) for seconds in (0.0, 0.13, 0.3, 0.45, 0.05)]
        assert [frame.time for frame in seen] == pytest.approx([0.0, 0.12, 0.24, 0.36, 0.0])
        assert [frame.last for frame in seen] == [False, False, False, True, False]
        assert all(a.data != b.data for a, b in itertools.pairwise(seen))
        assert len(seen[0].data) == 8 * 4 * 4
        assert seen[0].data[:3] == b"\xff\x00\x00"
    finally:
        clip.close()


def test_frames_that_want_no_time_get_a_tenth_of_a_second(tmp_path: Path) -> None:
    clip = Clip(animate(tmp_path / "a.gif", milliseconds=0))
    assert clip.duration == pytest.approx(0.4)
    clip.close()


def test_a_still_picture_and_a_broken_one_are_no_clips(tmp_path: Path) -> None:
    still, broken = tmp_path / "a.png", tmp_path / "b.gif"
    Image.new("RGB", (20, 20)).save(still)
    broken.write_bytes(animate(tmp_path / "a.gif").read_bytes()[:40])
    for path in (still, broken):
        with pytest.raises(ClipError, match="cannot be decoded"):
            Clip(path)
