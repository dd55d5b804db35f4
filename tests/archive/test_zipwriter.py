"""The ZIP writer against the readers people have."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediatui.archive.zipwriter import ZIP64_FROM, ZipWriter


def write(path: Path, entries: dict[str, bytes], zip64_from: int = ZIP64_FROM, when: float = 1.7e9) -> None:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        writer = ZipWriter(fd, zip64_from=zip64_from)
        for name, data in entries.items():
            writer.add(name, when, len(data), [memoryview(data)] if data else [])
        writer.finish()
    finally:
        os.close(fd)


def assert_holds(path: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {i.filename: archive.read(i) for i in archive.infolist()} == entries
    for command in (["unzip", "-tqq"], ["7z", "t"]):
        if entries and shutil.which(command[0]):
            done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("limit", [0, 1, 150, 1000, ZIP64_FROM])
def test_zip64_records_are_read_by_everybody(tmp_path: Path, limit: int) -> None:
    entries = {"videos/a.mp4": b"a" * 100, "videos/b.mp4": b"b" * 5000, "videos/ünï.mp4": b"", "manifest.json": b"{}"}
    write(tmp_path / "a.zip", entries, limit)
    assert_holds(tmp_path / "a.zip", entries)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        versions = {info.filename: info.extract_version for info in archive.infolist()}
    assert versions["videos/b.mp4"] == (20 if limit == ZIP64_FROM else 45)


def test_more_entries_than_sixteen_bits_count(tmp_path: Path) -> None:
    entries = {f"{n}": b"" for n in range(65_540)}
    write(tmp_path / "a.zip", entries)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert len(archive.namelist()) == 65_540


def test_a_file_beyond_four_gigabytes(tmp_path: Path) -> None:
    """The hole in the middle is never written: `add` is told the size and given the ends only."""
    path = tmp_path / "big.zip"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        writer = ZipWriter(fd)
        member = writer.add("a", 1.7e9, ZIP64_FROM, [memoryview(b"x")])
        assert member.wide
        writer._end += 5 << 30  # as if the entry had been that long
        writer.add("b", 1.7e9, 4, [memoryview(b"far!")])
        writer.finish()
    finally:
        os.close(fd)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("b").header_offset > 5 << 30
        assert archive.read("b") == b"far!"
        assert archive.read("a") == b"x"


def test_a_failed_entry_is_cut_off_again(tmp_path: Path) -> None:
    def failing() -> Iterator[memoryview]:
        yield memoryview(b"half")
        raise KeyError("the source broke")

    path = tmp_path / "a.zip"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        writer = ZipWriter(fd)
        writer.add("good", 1.7e9, 1, [memoryview(b"1")])
        before = os.fstat(fd).st_size
        with pytest.raises(KeyError):
            writer.add("bad", 1.7e9, 100, failing())
        assert os.fstat(fd).st_size == before
        writer.add("after", 1.7e9, 1, [memoryview(b"2")])
        writer.finish()
    finally:
        os.close(fd)
    assert_holds(path, {"good": b"1", "after": b"2"})


@pytest.mark.parametrize("when", [0.0, -1e12, 1e12, float(2**62), 315_532_800.0, 4_354_819_199.0])
def test_any_time_can_be_written(tmp_path: Path, when: float) -> None:
    write(tmp_path / "a.zip", {"a": b"1"}, when=when)
    assert_holds(tmp_path / "a.zip", {"a": b"1"})


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text("abcäß漢-_.", min_size=1, max_size=20), st.binary(max_size=3000), max_size=8),
    st.sampled_from([0, 700, ZIP64_FROM]),
)
def test_any_entries_come_back(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, bytes], limit: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any.zip"
    write(path, entries, limit)
    with zipfile.ZipFile(path) as archive:
        assert {i.filename: archive.read(i) for i in archive.infolist()} == entries
