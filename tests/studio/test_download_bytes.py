"""How a download's bytes reach the part file: past the page cache or through it, also when they stall."""

from __future__ import annotations

import hashlib
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.fal_server import FalServer, Reply

from mediatui.errors import SaveError
from mediatui.providers.base import MediaHosts
from mediatui.studio.appender import BLOCK_BYTES, Appender
from mediatui.studio.download import Downloader, Limits, Progress, Stopped
from mediatui.studio.part import PartFile, Validator
from mediatui.studio.transport import Patience

NOISE = os.urandom(5 * BLOCK_BYTES + 777)


def pieces(*lengths: int) -> Iterator[memoryview]:
    """Consecutive pieces of the noise, each where a page of memory begins."""
    place = 0
    for length in lengths:
        page = memoryview(mmap.mmap(-1, max(length, 1)))[:length]
        page[:] = NOISE[place : place + length]
        place += length
        yield page


def is_direct(fd: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    return bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT)


@contextmanager
def fetching(fal: FalServer, path: Path, progress: Progress) -> Iterator[tuple[Downloader, Future[str | None]]]:
    """A download under way in a thread, by somebody with a minute's patience."""
    downloader, limits = Downloader(Patience()), Limits(MediaHosts(loopback=(fal.netloc,)), 1 << 30)

    def run() -> str | None:
        with PartFile(path) as part:
            return downloader.fetch(f"{fal.url}/files/a.png", part, limits, {}, progress)

    with ThreadPoolExecutor(1) as pool:
        try:
            yield downloader, pool.submit(run)
        finally:
            downloader.close()


@pytest.mark.parametrize(
    "lengths",
    [
        (0,),
        (1,),
        (BLOCK_BYTES,),
        (BLOCK_BYTES * 4,),
        (BLOCK_BYTES * 2, 0, BLOCK_BYTES),
        (BLOCK_BYTES + 1, BLOCK_BYTES * 2),
    ],
    ids=str,
)
def test_bytes_are_the_same_by_either_way(tmp_path: Path, lengths: tuple[int, ...]) -> None:
    path = tmp_path / "file"
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        end = Appender(fd)
        end.begin()
        could = is_direct(fd)
        for piece in pieces(*lengths):
            end.write(piece)
        assert path.read_bytes() == NOISE[: sum(lengths)]
        whole = all(length % BLOCK_BYTES == 0 for length in lengths)
        assert is_direct(fd) is (could and whole)
        end.settle()
        assert not is_direct(fd)
        assert os.pread(fd, 100, 0) == NOISE[: min(100, sum(lengths))]
    finally:
        os.close(fd)


def test_bytes_that_do_not_begin_a_page_of_memory_are_written_too(tmp_path: Path) -> None:
    with PartFile(tmp_path / "parts" / "x.part") as part:
        part.begin(Validator(url=""))
        page = memoryview(mmap.mmap(-1, len(NOISE) + 3))
        page[3:] = NOISE
        part.write(page[3 : 3 + BLOCK_BYTES * 3])
        part.write(bytes(page[3 + BLOCK_BYTES * 3 :]))
        assert part.head(1000) == NOISE[:1000]
        part.sync()
        assert part.path.read_bytes() == NOISE
        assert part.checksums.sha256 == hashlib.sha256(NOISE).hexdigest()


def test_a_part_begun_anew_holds_nothing_of_before(tmp_path: Path) -> None:
    with PartFile(tmp_path / "parts" / "x.part") as part:
        for lengths in ((BLOCK_BYTES * 3, 5), (BLOCK_BYTES,), (7,)):
            part.begin(Validator(url=""))
            for piece in pieces(*lengths):
                part.write(piece)
            assert part.path.read_bytes() == NOISE[: sum(lengths)]


def test_what_came_is_on_disk_while_the_rest_keeps_one_waiting(fal: FalServer, tmp_path: Path) -> None:
    body, go = os.urandom(3 << 20), threading.Event()
    fal.script("file", Reply(body=body, headers={"Content-Type": "video/mp4"}, hold_body=(2_000_000, go)))
    seen = threading.Event()
    path = tmp_path / "parts" / "x.part"

    def progress(received: int, total: int | None) -> None:
        if received > 2_000_000 - 2 * BLOCK_BYTES:
            seen.set()

    with fetching(fal, path, progress) as (_, done):
        assert seen.wait(20)
        held = path.read_bytes()
        assert len(held) > 2_000_000 - 2 * BLOCK_BYTES
        assert held == body[: len(held)]
        go.set()
        done.result(20)
    assert path.read_bytes() == body


def test_a_download_that_gets_no_bytes_stops_when_asked(fal: FalServer, tmp_path: Path) -> None:
    never = threading.Event()
    fal.script("file", Reply(body=bytes(3 << 20), headers={"Content-Type": "video/mp4"}, hold_body=(1_000_000, never)))
    began = threading.Event()
    with fetching(fal, tmp_path / "parts" / "x.part", lambda *_: began.set()) as (downloader, done):
        assert began.wait(20)
        downloader.stop()
        with pytest.raises(Stopped):
            done.result(20)  # long before the patience with the server ends
    never.set()


# -- one connection for several files


MOVIE = Reply(body=os.urandom(3 << 20), headers={"Content-Type": "video/mp4"})


def fetch_one_after_another(fal: FalServer, folder: Path, *replies: Reply) -> list[bytes]:
    """What arrives of each; the server is asked once for each."""
    fal.script("file", *replies)
    downloader, limits = Downloader(Patience()), Limits(MediaHosts(loopback=(fal.netloc,)), 1 << 30)
    found = []
    for number, _ in enumerate(replies):
        with PartFile(folder / "parts" / f"{number}.part") as part:
            downloader.fetch(f"{fal.url}/files/{number}.mp4", part, limits, {}, lambda *_: None)
            found.append(part.path.read_bytes())
    downloader.close()
    return found


def ports(fal: FalServer) -> int:
    return len({call.port for call in fal.of("file")})


def test_the_next_file_comes_over_the_same_connection(fal: FalServer, tmp_path: Path) -> None:
    bodies = [os.urandom(size) for size in (1 << 20, 300_001, 1000, 3 << 20)]
    replies = [Reply(body=body, headers={"Content-Type": "video/mp4"}) for body in bodies]
    assert fetch_one_after_another(fal, tmp_path, *replies) == bodies
    assert ports(fal) == 1


def test_a_connection_that_its_server_closes_is_not_used_again(fal: FalServer, tmp_path: Path) -> None:
    closing = Reply(body=MOVIE.body, headers={**MOVIE.headers, "Connection": "close"})
    assert fetch_one_after_another(fal, tmp_path, closing, closing) == [MOVIE.body] * 2
    assert ports(fal) == 2


def test_a_connection_with_more_in_it_than_was_asked_for_is_not_used_again(fal: FalServer, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n" % len(MOVIE.body)
    more = Reply(raw=head + MOVIE.body + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")
    assert fetch_one_after_another(fal, tmp_path, more, MOVIE) == [MOVIE.body] * 2
    assert ports(fal) == 2


def test_a_connection_left_in_the_middle_is_not_used_again(fal: FalServer, tmp_path: Path) -> None:
    fal.script("file", MOVIE, MOVIE)
    downloader, limits = Downloader(Patience()), Limits(MediaHosts(loopback=(fal.netloc,)), len(MOVIE.body))
    began = threading.Event()
    with PartFile(tmp_path / "parts" / "a.part") as part, pytest.raises(Stopped):
        downloader.fetch(f"{fal.url}/files/a.mp4", part, limits, {}, lambda *_: began.set(), began.is_set)
    with PartFile(tmp_path / "parts" / "b.part") as part:
        downloader.fetch(f"{fal.url}/files/b.mp4", part, limits, {}, lambda *_: None)
        assert part.path.read_bytes() == MOVIE.body
    downloader.close()
    assert ports(fal) == 2


def test_bytes_that_could_not_be_synced_are_not_taken_for_good_later(tmp_path: Path) -> None:
    path = tmp_path / "a.part"
    with PartFile(path) as part:
        part.begin(Validator("http://a/", etag='"1"', total=9))
        part.write(b"nine byte")
        beyond_sync, other = os.pipe()
        os.dup2(beyond_sync, part._fd)
        os.close(beyond_sync)
        os.close(other)
        with pytest.raises(SaveError, match="could not write the download"):
            part.sync()
    assert list(tmp_path.iterdir()) == []
