"""Names, placing without overwriting, whole files or none."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mediatui.errors import SaveErrorKind, StorageBlocked, StorageError, UsageError
from mediatui.library.files import free_bytes, media_name, part_path, place, sweep_temporaries, write_atomic, write_new
from mediatui.model import MediaType


@pytest.mark.parametrize(
    ("type_", "model", "extension", "name"),
    [
        (MediaType.VIDEO, "fal-ai/veo3/fast", "mp4", "AI-Video-fal-ai-veo3-fast-1763600000000.mp4"),
        (MediaType.IMAGE, "../..", "PNG", "AI-Image-model-1763600000000.png"),
        (MediaType.AUDIO, "a\x1b:b|c", "../wav", "AI-Audio-a-b-c-1763600000000.wav"),
        (MediaType.VIDEO, "", "", "AI-Video-model-1763600000000.bin"),
    ],
)
def test_names(type_: MediaType, model: str, extension: str, name: str) -> None:
    assert media_name(type_, model, 1_763_600_000_000, extension) == name


def test_a_very_long_model_still_makes_a_name() -> None:
    assert len(media_name(MediaType.VIDEO, "ü" * 500, 1_763_600_000_000, "mp4").encode()) < 200


def test_part_paths_stay_in_their_folder(tmp_path: Path) -> None:
    assert part_path(tmp_path, "0123-0") == tmp_path / "parts" / "0123-0.part"
    for bad in ("../x", "", ".x", "a/b", "x" * 200):
        with pytest.raises(UsageError):
            part_path(tmp_path, bad)


def a_part(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_placing_never_overwrites(tmp_path: Path) -> None:
    target = tmp_path / "videos" / "clip.mp4"
    placed = [place(a_part(tmp_path, f"{n}.part", b"%d" % n), target) for n in range(4)]
    assert [path.name for path in placed] == ["clip.mp4", "clip-2.mp4", "clip-3.mp4", "clip-4.mp4"]
    assert [path.read_bytes() for path in placed] == [b"0", b"1", b"2", b"3"]
    assert not list(tmp_path.glob("*.part"))


def test_placing_again_after_a_crash_finds_the_name_given_before(tmp_path: Path) -> None:
    part = a_part(tmp_path, "x.part", b"x")
    target = tmp_path / "videos" / "clip.mp4"
    target.parent.mkdir()
    os.link(part, target)
    assert place(part, tmp_path / "videos" / "later-name.mp4") == target
    assert not part.exists()
    assert os.listdir(target.parent) == ["clip.mp4"]


def test_placing_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"mine")
    assert place(a_part(tmp_path, "x.part", b"x"), target).name == "clip-2.mp4"
    assert target.read_bytes() == b"mine"
    assert write_new(target, b"y").name == "clip-3.mp4"


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"clip\.mp4"):
        place(tmp_path / "none.part", tmp_path / "clip.mp4")


@pytest.mark.parametrize("links", [True, False])
def test_many_writers_of_one_name(tmp_path: Path, links: bool) -> None:
    code = "import os,sys;from pathlib import Path;from mediatui.library.files import place;d=Path(sys.argv[1]);"
    code += "" if links else "\ndef no(*a,**k):raise PermissionError(1,'no links')\nos.link=no\n"
    code += "ps=[d/f'{sys.argv[2]}-{n}.part' for n in range(30)];"
    code += "[(p.write_text(p.name),place(p,d/'v'/'clip.mp4')) for p in ps]"
    command = [sys.executable, "-c", code, os.fspath(tmp_path)]
    workers = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    contents = [path.read_text() for path in (tmp_path / "v").iterdir()]
    assert sorted(contents) == sorted(f"{name}-{n}.part" for name in "abc" for n in range(30))


def test_write_atomic_replaces_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["x.json"]


def test_readers_see_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "x"
    contents = [bytes([n]) * 50_000 for n in range(2)]
    write_atomic(path, contents[0])
    stop = threading.Event()

    def write() -> None:
        for n in range(60):
            write_atomic(path, contents[n % 2])
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        assert path.read_bytes() in contents
    writer.join()


@pytest.mark.parametrize("call", ["write", "fdatasync", "replace", "fsync"])
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "x.json"
    write_atomic(path, b"old")

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(StorageBlocked) as caught:
            write_atomic(path, b"new")
    assert caught.value.kind is SaveErrorKind.FULL
    assert path.read_bytes() in ((b"old",) if call != "fsync" else (b"old", b"new"))
    assert os.listdir(tmp_path) == ["x.json"]


def test_a_sweep_takes_what_nobody_writes(tmp_path: Path) -> None:
    (tmp_path / ".old.json.0123abcd.tmp").write_bytes(b"half")
    (tmp_path / ".mine.tmp").write_bytes(b"somebody else's")
    stop = threading.Event()

    def write() -> None:
        for n in range(200):
            write_atomic(tmp_path / "x.json", bytes([n]) * 9000)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        sweep_temporaries(tmp_path)
    writer.join()
    assert (tmp_path / "x.json").read_bytes() == bytes([199]) * 9000
    assert sorted(os.listdir(tmp_path)) == [".mine.tmp", "x.json"]
    sweep_temporaries(tmp_path / "nowhere")


def test_write_new_gives_a_number(tmp_path: Path) -> None:
    assert [write_new(tmp_path / "a.zip", b"x").name for _ in range(3)] == ["a.zip", "a-2.zip", "a-3.zip"]
    assert sorted(os.listdir(tmp_path)) == ["a-2.zip", "a-3.zip", "a.zip"]


def test_free_space_of_a_place_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0
