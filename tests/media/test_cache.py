"""The poster folder: keys that follow the content, and a limit that drops what was not used for longest."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mediatui.media.cache import mark_used, poster_key, poster_path, prune


def make(folder: Path, name: str, size: int, age: float) -> Path:
    path = folder / name
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_the_key_is_the_hash_or_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"one")
    assert poster_key(path, "AB" * 32) == "ab" * 32
    first = poster_key(path)
    assert first == poster_key(path)
    path.write_bytes(b"more")
    assert poster_key(path) != first
    with pytest.raises(FileNotFoundError):
        poster_key(tmp_path / "gone")


def test_keys_never_leave_the_folder(tmp_path: Path) -> None:
    for key in ("../../etc/passwd", "a/b", "", "..", "x" * 500, "ü\udcff"):
        path = poster_path(tmp_path, key, 480)
        assert path.parent == tmp_path
        assert path.name.endswith("-480.jpg")
        assert len(path.name) < 150


def test_the_least_used_go_first(tmp_path: Path) -> None:
    for n in range(10):
        make(tmp_path, f"{n}-480.jpg", 1000, age=n * 100_000)
    assert prune(tmp_path, max_bytes=4500, max_files=100) == 6
    assert sorted(p.name[0] for p in tmp_path.iterdir()) == ["0", "1", "2", "3"]
    assert prune(tmp_path, max_bytes=10_000, max_files=2) == 2


def test_using_a_poster_keeps_it(tmp_path: Path) -> None:
    old = make(tmp_path, "old-480.jpg", 1000, age=500_000)
    make(tmp_path, "new-480.jpg", 1000, age=200_000)
    assert mark_used(old)
    prune(tmp_path, max_bytes=1000)
    assert [p.name for p in tmp_path.iterdir()] == ["old-480.jpg"]


def test_only_our_files_are_removed(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt", 1000, age=500_000)
    make(tmp_path, "half.jpg.77.tmp", 1000, age=5_000)
    fresh = make(tmp_path, "now.jpg.78.tmp", 1000, age=0)
    assert prune(tmp_path, max_bytes=0) == 1
    assert {p.name for p in tmp_path.iterdir()} == {"notes.txt", fresh.name}


def test_there_may_be_no_folder(tmp_path: Path) -> None:
    assert prune(tmp_path / "none") == 0
    assert not mark_used(tmp_path / "none" / "a.jpg")
    make(tmp_path, "empty-480.jpg", 0, age=0)
    assert not mark_used(tmp_path / "empty-480.jpg")
