"""The media worker: whatever a file does to it, the app gets an answer in time and the next file its poster."""

from __future__ import annotations

import os
import random
import select
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from tests.media import makemedia

from mediatui.media import filmstrip
from mediatui.media.clip import Clip, ClipError
from mediatui.media.worker import MediaWorker

PATIENCE = 60.0
"""Seconds after which a test gives up; nothing is asserted about how fast things are."""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[MediaWorker]:
    made = MediaWorker(tmp_path / "posters", deadline=20)
    yield made
    made.close()


@pytest.fixture
def still(tmp_path: Path) -> Path:
    path = tmp_path / "still.png"
    path.write_bytes(makemedia.image_bytes("PNG"))
    return path


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def wait_until_gone(pid: int) -> None:
    fd = os.pidfd_open(pid)
    try:
        assert select.select([fd], [], [], PATIENCE)[0], f"process {pid} still runs"
    finally:
        os.close(fd)


def test_a_poster_is_made_once(worker: MediaWorker, still: Path, tmp_path: Path) -> None:
    assert worker.pid is None
    made = worker.poster(still, "abc")
    assert made == tmp_path / "posters" / "abc-480.jpg"
    assert made.read_bytes().startswith(b"\xff\xd8")
    before = made.stat().st_ino
    assert worker.poster(still, "abc") == made
    assert made.stat().st_ino == before
    assert worker.poster(still, "abc", 96) == tmp_path / "posters" / "abc-96.jpg"


def test_a_cached_poster_needs_no_process(still: Path, tmp_path: Path) -> None:
    first = MediaWorker(tmp_path / "posters")
    first.poster(still, "abc")
    first.close()
    second = MediaWorker(tmp_path / "posters")
    assert second.poster(tmp_path / "vanished.png", "abc") is not None
    assert second.pid is None
    second.close()


def test_many_threads_may_ask_at_once(worker: MediaWorker, still: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: worker.poster(still, f"key{n % 10}"), range(40)))
    assert {p.name for p in made if p} == {f"key{n}-480.jpg" for n in range(10)}


def test_a_killed_worker_is_replaced(worker: MediaWorker, still: Path) -> None:
    assert worker.poster(still, "one")
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert worker.poster(still, "two")
    assert worker.pid != pid


def test_a_stuck_worker_is_killed_at_the_deadline(still: Path, tmp_path: Path) -> None:
    worker = MediaWorker(tmp_path / "posters", deadline=2)
    made = worker.poster(still, "one") or worker.poster(still, "one")
    assert made
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    assert worker.poster(still, "two") is None
    assert gone(pid)
    assert worker.poster(still, "three") or worker.poster(still, "three")
    worker.close()


def test_a_missing_file_may_come_back(worker: MediaWorker, tmp_path: Path) -> None:
    path = tmp_path / "later.png"
    assert worker.poster(path, "k") is None
    path.write_bytes(makemedia.image_bytes("PNG"))
    assert worker.poster(path, "k")


def test_a_hopeless_file_is_not_tried_again(worker: MediaWorker, still: Path) -> None:
    broken = still.with_name("broken.png")
    broken.write_bytes(still.read_bytes()[:100])
    assert worker.poster(broken, "k") is None
    assert worker.pid
    assert worker.poster(still, "k") is None


def test_closing_ends_the_process_and_frees_whoever_waits(still: Path, tmp_path: Path) -> None:
    worker = MediaWorker(tmp_path / "posters", deadline=PATIENCE)
    assert worker.poster(still, "one")
    pid = worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    results: list[Path | None] = []
    waiting = [threading.Thread(target=lambda n=n: results.append(worker.poster(still, f"w{n}"))) for n in range(3)]
    for thread in waiting:
        thread.start()
    worker.close()
    for thread in waiting:
        thread.join(PATIENCE)
    assert results == [None, None, None]
    assert gone(pid)
    worker.close()
    assert worker.poster(still, "never") is None


PARENT = """
import sys, time
from pathlib import Path
from mediatui.media.worker import MediaWorker
worker = MediaWorker(Path(sys.argv[1]))
assert worker.poster(Path(sys.argv[2]), "k")
assert not {"textual", "httpx", "PIL", "av"} & set(sys.modules), sys.modules.keys()
print(worker.pid, flush=True)
sys.stdin.read()
"""


def test_the_worker_ends_with_its_parent(still: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "posters"), str(still)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.kill()
        parent.wait()
        if not gone(pid):
            wait_until_gone(pid)


def test_keys_stay_out_of_the_worker(worker: MediaWorker, still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAL_KEY", "a-secret-key")
    assert worker.poster(still, "k")
    assert b"a-secret-key" not in Path(f"/proc/{worker.pid}/environ").read_bytes()


def test_the_current_directory_is_not_imported_from(
    worker: MediaWorker, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('hostile')")
    (tmp_path / "json.py").write_text("raise SystemExit('hostile')")
    monkeypatch.chdir(tmp_path)
    assert worker.poster(still, "k")


def hostile(folder: Path) -> Iterator[Path]:
    """Files as broken, lying or oversized as they come."""
    chance = random.Random(7)
    clip = makemedia.video(folder / "good.mp4", sound="aac", frames=12).read_bytes()
    png = makemedia.image_bytes("PNG")
    contents = {
        "empty.mp4": b"",
        "html.mp4": b"<!DOCTYPE html><html>502</html>",
        "json.png": b'{"error": "gone"}',
        "svg.png": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "hls.mp4": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        "concat.mp4": b"ffconcat version 1.0\nfile 'good.mp4'\n",
        "dash.mp4": b'<?xml version="1.0"?><MPD><Period/></MPD>',
        "random.mp4": chance.randbytes(20_000),
        "random-after-magic.mp4": clip[:32] + chance.randbytes(20_000),
        "random-after-magic.png": png[:33] + chance.randbytes(20_000),
        "front.mp4": clip[: len(clip) // 2],
        "back.mp4": clip[len(clip) // 2 :],
        "bomb.png": makemedia.png_of_size(30_000, 30_000),
        "bomb2.png": makemedia.png_of_size(60_000, 60_000),
        "bomb.gif": b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0"
        + struct.pack("<HH", 65535, 65535) + b"\0\2\2D\1\0;",
        "png-named.mp4": png,
    }  # fmt: skip
    lying = bytearray(clip)
    at = lying.find(b"mvhd") + 4
    lying[at + 12 : at + 20] = struct.pack(">II", 1, 0xFFFFFFF0)
    contents["lying.mp4"] = bytes(lying)
    for n in range(40):
        fuzzed = bytearray(clip)
        for _ in range(chance.choice((3, 30, 300))):
            fuzzed[chance.randrange(len(fuzzed))] = chance.randrange(256)
        contents[f"fuzz{n}.mp4"] = bytes(fuzzed)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
        yield folder / name
    sparse = folder / "sparse.mp4"
    sparse.write_bytes(clip[:32])
    os.truncate(sparse, 20 << 30)
    yield sparse
    os.mkfifo(folder / "fifo.mp4")
    yield folder / "fifo.mp4"
    (folder / "folder.mp4").mkdir()
    yield folder / "folder.mp4"


def test_hostile_files_end_in_a_poster_or_none(worker: MediaWorker, still: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    shown = set()
    for path in hostile(folder):
        made = worker.poster(path, path.stem + path.suffix[1:])
        if made:
            assert made.read_bytes().startswith(b"\xff\xd8")
            shown.add(path.name)
    assert "png-named.mp4" in shown
    assert "lying.mp4" in shown
    assert not shown & {"empty.mp4", "html.mp4", "svg.png", "hls.mp4", "concat.mp4", "bomb.png", "bomb.gif", "back.mp4"}
    assert worker.poster(still, "after all that")
    assert not [p.name for p in (tmp_path / "posters").iterdir() if p.suffix != ".jpg"]


def test_hostile_files_end_in_a_strip_peaks_and_frames_or_none(worker: MediaWorker, tmp_path: Path) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    stripped, played = set(), set()
    for path in hostile(folder):
        strip = worker.filmstrip(path, path.stem + path.suffix[1:])
        if strip:
            assert strip.sheet.read_bytes().startswith(b"\xff\xd8")
            assert list(strip.times) == sorted(strip.times)
            stripped.add(path.name)
        worker.peaks(path, path.stem + path.suffix[1:])
        if plays(path):
            played.add(path.name)
    for found in (stripped, played):
        assert "lying.mp4" in found
        assert not found & {"empty.mp4", "html.mp4", "hls.mp4", "concat.mp4", "dash.mp4", "png-named.mp4", "sparse.mp4"}
    assert worker.filmstrip(folder / "good.mp4", "after all that")
    assert not [p.name for p in (tmp_path / "posters").iterdir() if p.suffix not in (".jpg", ".json")]


def plays(path: Path) -> bool:
    """Frames can be had of it, at moments that make sense and at some that do not."""
    try:
        clip = Clip(path, seconds=20)
    except ClipError:
        return False
    try:
        for at in (0.0, 0.2, 1e6, 0.0):
            frame = clip.at(at, (40, 22))
            assert len(frame.data) == 40 * 22 * 4
    except ClipError:
        return False
    finally:
        clip.close()
    return True


def test_a_stuck_decoder_is_killed_at_the_deadline(tmp_path: Path) -> None:
    clip = Clip(makemedia.video(tmp_path / "a.mp4"), seconds=2)
    os.kill(clip.pid, signal.SIGSTOP)
    with pytest.raises(ClipError, match="gave up"):
        clip.at(0.0, (40, 22))
    assert gone(clip.pid)
    clip.close()


def test_a_filmstrip_covers_the_clip(worker: MediaWorker, tmp_path: Path) -> None:
    source = makemedia.video(tmp_path / "a.mp4", frames=96)
    strip = worker.filmstrip(source, "k")
    assert strip is not None
    assert len(strip.times) == 24
    assert strip.times[0] == 0
    assert strip.times[-1] > 3.7
    assert strip.duration == pytest.approx(4, abs=0.1)
    assert strip.nearest(1.99) == 12
    with Image.open(strip.sheet) as sheet:
        assert sheet.size == (strip.tile[0] * strip.columns, strip.tile[1] * 4)
        first, last = sheet.crop(strip.box(0)), sheet.crop(strip.box(23))
        assert ImageStat.Stat(ImageChops.difference(first, last)).mean[0] > 3
    pid = worker.pid
    assert worker.filmstrip(tmp_path / "vanished.mp4", "k") == strip
    strip.sheet.unlink()
    assert worker.filmstrip(source, "k") == strip
    assert worker.pid == pid


def test_a_long_clip_is_sought_through(worker: MediaWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"g": "12"}
    source = makemedia.video(tmp_path / "a.mkv", frames=240, size=(64, 36), codec="mpeg4", options=options)
    monkeypatch.setattr(filmstrip, "STRAIGHT_PIXELS", 1)
    filmstrip.make_filmstrip(source, tmp_path / "out.json", seconds=60)
    strip = filmstrip.read_filmstrip(tmp_path / "out.json")
    assert strip is not None
    assert len(strip.times) > 12
    assert strip.times[-1] > 8


def test_peaks_follow_the_sound(worker: MediaWorker, tmp_path: Path) -> None:
    found = worker.peaks(makemedia.tone(tmp_path / "a.wav", "pcm_s16le", duration=3), "k")
    assert found is not None
    assert found.duration == pytest.approx(3, abs=0.1)
    columns = found.columns(10)
    assert columns == sorted(columns)
    assert columns[-1] == 1.0
    assert found.columns(1000)[-1] == 1.0
    assert worker.peaks(makemedia.video(tmp_path / "silent.mp4"), "silent") is None


def test_without_pyav_pictures_are_still_shown(tmp_path: Path, still: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "av.py").write_text("raise ImportError('not installed')")
    clip = makemedia.video(tmp_path / "a.mp4")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stub"))
    worker = MediaWorker(tmp_path / "posters", deadline=20)
    assert worker.poster(still, "a")
    assert worker.poster(clip, "b") is None
    assert worker.filmstrip(clip, "b") is None
    worker.close()
    with pytest.raises(ClipError, match="cannot be decoded"):
        Clip(clip)
