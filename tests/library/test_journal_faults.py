"""Full, read-only and failing disks: a typed error, memory as the disk has it, and work goes on afterwards."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.library.conftest import key
from tests.support.disks import tmpfs

from mediatui.errors import SaveErrorKind, StorageBlocked, StorageError, StorageTooNew
from mediatui.library import journal_file
from mediatui.library.generations import generation
from mediatui.library.journal import JournalDB
from mediatui.library.journal_file import JournalFile
from mediatui.library.record import encode
from mediatui.library.replay import Schema

WORKER = Path(__file__).with_name("worker_process.py")


def run(verb: str, path: Path, *arguments: object) -> list[str]:
    command = [sys.executable, os.fspath(WORKER), verb, os.fspath(path), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    with tmpfs(mount, "size=256k"):
        yield mount


def fill(db: JournalDB) -> None:
    for number in range(10_000):
        db.insert({"id": f"i{number}", "text": "x" * 500})


def test_a_full_file_system(small_disk: Path) -> None:
    path, ballast = small_disk / "index.jsonl", small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    db = JournalDB(path)
    with pytest.raises(StorageBlocked) as caught:
        fill(db)
    number = len(db)
    assert caught.value.kind is SaveErrorKind.FULL
    assert "No space left" in caught.value.message
    assert 0 < number == len(JournalDB(path))
    ballast.unlink()
    db.insert({"id": "after"})
    again = JournalDB(path)
    assert len(again) == number + 1
    assert again.journal.damage == ()
    again.close()
    db.close()


def test_a_full_file_system_behind_a_torn_line(small_disk: Path) -> None:
    path, ballast = small_disk / "index.jsonl", small_disk / "ballast"
    db = JournalDB(path)
    for number in range(3):
        db.insert({"id": f"i{number}"})
    db.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"torn')
    db = JournalDB(path)
    ballast.write_bytes(b"x" * 200_000)
    with pytest.raises(StorageBlocked):
        db.insert({"id": "too-large", "text": "x" * 100_000})
    assert path.read_bytes() == whole + b'{"torn', "what was there before the failed write stays"
    ballast.unlink()
    db.insert({"id": "after"})
    again = JournalDB(path)
    assert len(again) == 4
    assert again.journal.damage == ()
    again.close()
    db.close()


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    refused, after = run("fill_up", tmp_path / "index.jsonl", 20_000)
    name, tried, in_memory, on_disk = refused.split()
    assert name == "StorageBlocked"
    assert 0 < int(tried) == int(in_memory) == int(on_disk)
    assert after == f"{int(tried) + 1} {int(tried) + 1} True"


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="mediatui-test-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o777)
    shutil.rmtree(folder)


@pytest.mark.parametrize("lock_exists", [True, False])
@pytest.mark.parametrize("what", ["folder", "file", "both"])
def test_a_read_only_place_is_readable(public_folder: Path, what: str, lock_exists: bool) -> None:
    folder = public_folder
    path = folder / "index.jsonl"
    with JournalDB(path) as db:
        db.insert_multiple({"id": f"i{n}"} for n in range(3))
    if not lock_exists:
        (folder / "index.lock").unlink()
    path.chmod(0o444 if what != "folder" else 0o666)
    folder.chmod(0o555 if what != "file" else 0o777)
    if what == "folder" and lock_exists:
        (folder / "index.lock").chmod(0o444)
        path.chmod(0o444)
    assert run("refuse_to_write", path)[0].split()[:3] == ["StorageBlocked", "3", "True"]


def test_a_place_made_writable_again_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.jsonl"
    JournalDB(path).close()
    real_open = os.open

    def refuse(name: str | Path, flags: int, *rest: int) -> int:
        if os.fspath(name) == os.fspath(path) and flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(name, flags, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        db = JournalDB(path)
        refused = db.journal.read_only
        with pytest.raises(StorageBlocked):
            db.insert({"id": "a"})
    assert refused
    db.insert({"id": "a"})
    assert not db.journal.read_only
    assert len(JournalDB(path)) == 1


def test_a_failed_sync_retires_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.jsonl"
    db = JournalDB(path)
    db.insert({"id": "before"})
    inode = path.stat().st_ino

    def fail(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StorageError) as caught:
            db.insert({"id": "failed"})
        assert caught.value.kind is SaveErrorKind.IO
    assert [doc["id"] for doc in db.all()] == ["before"] == [doc["id"] for doc in JournalDB(path).all()]
    db.insert({"id": "after"})
    assert path.stat().st_ino != inode
    assert generation(path, 1).stat().st_ino == inode
    assert [doc["id"] for doc in JournalDB(path).all()] == ["before", "after"]


def failing(real: Callable[..., object], nth: int) -> Callable[..., object]:
    """`real`, but for its n-th call."""
    calls = iter(range(1, 1_000))

    def call(*arguments: object) -> object:
        if next(calls) == nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    return call


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("call", ["write", "fdatasync"])
@pytest.mark.parametrize("undo_fails", [False, True])
def test_every_failing_call_leaves_memory_as_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, undo_fails: bool
) -> None:
    path = tmp_path / "index.jsonl"
    db, refused = JournalDB(path), []
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(getattr(os, call), nth))
        if undo_fails:
            patch.setattr(os, "ftruncate", failing(os.ftruncate, 1))
        for n in range(6):
            try:
                db.insert({"id": f"i{n}"})
            except StorageBlocked:
                refused.append(f"i{n}")
                assert f"i{n}" not in {doc["id"] for doc in db.all()}
    db.insert({"id": "after"})
    assert len(refused) == 1
    assert JournalDB(path).all() == db.all()
    assert {"after", *(f"i{n}" for n in range(6))} - {doc["id"] for doc in db.all()} <= set(refused)


def test_a_newer_file_is_read_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    with JournalDB(path) as db:
        db.insert({"id": "a"})
    path.write_bytes(path.read_bytes() + encode({"n": 2, "format": "mediatui-index", "version": 9}))
    before = path.read_bytes()
    db = JournalDB(path)
    assert db.all() == [{"id": "a"}]
    with pytest.raises(StorageTooNew, match="version 9") as caught:
        db.insert({"id": "b"})
    assert "Update mediatui" in caught.value.hint
    assert db.all() == [{"id": "a"}]
    assert path.read_bytes() == before


def test_a_newer_instance_turns_a_running_older_one_read_only(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    older = JournalFile(path, Schema(1))
    older.commit({"t": {"a": {"x": 1}}})
    newer = JournalFile(path, Schema(2, upcasters={1: lambda _table, doc: {**doc, "new": True}}))
    newer.commit({"t": {"b": {"x": 2, "new": True}}})
    assert older.poll()
    assert older.too_new == 2
    with pytest.raises(StorageTooNew):
        older.commit({"t": {"c": {}}})


def test_an_index_removed_under_us_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    db = JournalDB(path)
    db.insert({"id": "a"})
    path.unlink()
    assert not db.journal.poll()
    db.insert({"id": "b"})
    assert {doc["id"] for doc in JournalDB(path).all()} == {"a", "b"}


def test_a_folder_removed_under_us_is_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    db = JournalDB(folder / "index.jsonl")
    db.insert({"id": "a"})
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        db.insert({"id": "b"})
    assert not folder.exists()
    assert len(JournalDB(tmp_path / "elsewhere" / "index.jsonl")) == 1


def test_an_older_copy_put_back_does_not_lose_what_we_know(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    db = JournalDB(path)
    db.insert({"id": "a", "n": 1})
    older = path.read_bytes()
    db.insert({"id": "b"})
    db.update({"n": 2}, doc_ids=[key("a")])
    path.write_bytes(older)
    db.journal.poll()
    for each in (db, JournalDB(path)):
        assert each.all() == [{"id": "a", "n": 2}, {"id": "b"}]
        assert each.journal.damage, "it must be shown that another program went back in time"


def test_a_full_disk_does_not_stop_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compaction at open is a service; when it fails the file stays as it is."""
    path = tmp_path / "index.jsonl"
    with JournalDB(path) as db:
        for n in range(20):
            db.upsert({"id": "a", "n": n}, lambda doc: doc["id"] == "a")
    before = path.read_bytes()

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal_file, "COMPACT_FROM", 5)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", full)
        db = JournalDB(path)
    assert db.all() == [{"id": "a", "n": 19}]
    assert path.read_bytes() == before
    db.insert({"id": "b"})
    assert len(JournalDB(path)) == 2
