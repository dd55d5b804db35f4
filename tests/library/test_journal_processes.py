"""Several processes on one index, and processes that are killed: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from tinydb import where

from mediatui.library.generations import generation
from mediatui.library.journal import JournalDB
from mediatui.library.lock import FileLock

WORKER = Path(__file__).with_name("worker_process.py")


def start(verb: str, path: Path, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, os.fspath(WORKER), verb, os.fspath(path), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def held(db: JournalDB) -> dict[str, int]:
    return {doc["id"]: doc["number"] for doc in db.all()}


def test_two_processes_lose_neither_inserts_nor_increments(tmp_path: Path) -> None:
    path, count = tmp_path / "index.jsonl", 150
    db = JournalDB(path)
    db.table("counters").insert({"n": 0})
    workers = [start("insert_and_count", path, name, count) for name in "ab"]
    for _ in range(count):
        db.table("counters").update(lambda doc: doc.update(n=doc["n"] + 1))
    for worker in workers:
        worker.communicate()
    assert [worker.returncode for worker in workers] == [0, 0]
    db.journal.poll()
    again = JournalDB(path)
    for each in (db, again):
        assert {doc["id"] for doc in each.all()} == {f"{name}-{n}" for name in "ab" for n in range(count)}
        assert each.table("counters").all() == [{"n": 3 * count}]
        assert each.journal.damage == ()


def acknowledged(lines: Iterable[str]) -> tuple[dict[str, int], list[str]]:
    """The state after every line that came whole, and those lines."""
    whole = [line for line in lines if line.endswith("\n")]
    state = dict(line.split() for line in whole)
    return {key: int(number) for key, number in state.items() if number != "0"}, whole


@pytest.mark.parametrize("batch", range(5))
def test_what_a_killed_writer_acknowledged_is_there(tmp_path: Path, batch: int) -> None:
    rng = random.Random(batch)
    for trial in range(6):
        path = tmp_path / f"{trial}" / "index.jsonl"
        path.parent.mkdir()
        writer = start("write_until_killed", path, "w")
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(rng.randrange(1, 60))]
        for _ in range(rng.randrange(20_000)):
            pass
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
        expected, whole = acknowledged(lines)
        with JournalDB(path) as db:
            now = held(db)
            assert db.journal.damage == (), trial
            assert now == expected or differs_by_the_next_commit(now, expected, len(whole) + 1), trial
            db.insert({"id": "after", "number": 1})
        assert "after" in held(JournalDB(path))


def differs_by_the_next_commit(now: dict[str, int], expected: dict[str, int], number: int) -> bool:
    """The kill may fall between a commit and its acknowledgement."""
    key = f"w-{number % 7}"
    expected = {name: value for name, value in expected.items() if name != key}
    return now == (expected if number % 5 == 0 else {**expected, key: number})


def test_the_killed_writers_did_compact(tmp_path: Path) -> None:
    writer = start("write_until_killed", tmp_path / "index.jsonl", "w")
    assert writer.stdout is not None
    for _ in range(60):
        writer.stdout.readline()
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert generation(tmp_path / "index.jsonl", 1).exists()


def test_the_other_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    JournalDB(path).close()
    doomed = start("write_until_killed", path, "w")
    db = JournalDB(path)
    assert doomed.stdout is not None
    lines = []
    for n in range(40):
        lines.append(doomed.stdout.readline())
        db.insert({"id": f"mine-{n}", "number": n})
    doomed.kill()
    lines += doomed.stdout.readlines()
    doomed.wait()
    doomed.stdout.close()
    expected, whole = acknowledged(lines)
    db.insert({"id": "last", "number": 0})
    for each in (db, JournalDB(path)):
        now = held(each)
        assert {f"mine-{n}" for n in range(40)} | {"last"} <= set(now)
        theirs = {key: number for key, number in now.items() if key.startswith("w-")}
        assert theirs == expected or differs_by_the_next_commit(theirs, expected, len(whole) + 1)
        assert each.journal.damage == ()


def test_poll_sees_a_foreign_commit_and_nothing_else(tmp_path: Path) -> None:
    first, second = JournalDB(tmp_path / "index.jsonl"), JournalDB(tmp_path / "index.jsonl")
    assert not second.journal.poll()
    first.insert({"id": "a", "n": 1})
    assert second.journal.poll()
    assert second.search(where("n") == 1) == [{"id": "a", "n": 1}]
    first.update({"n": 2})
    assert second.journal.poll()
    assert second.search(where("n") == 1) == []
    assert not second.journal.poll()
    assert not first.journal.poll()


def test_a_lock_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    code = "import sys;from pathlib import Path;from mediatui.library.lock import FileLock;"
    code += "FileLock(Path(sys.argv[1])).acquire() or print('held', flush=True);sys.stdin.read()"
    code = code.replace("FileLock(Path(sys.argv[1])).acquire()", "(lock := FileLock(Path(sys.argv[1]))).acquire()")
    command = [sys.executable, "-c", code, os.fspath(tmp_path / "lock")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    lock = FileLock(tmp_path / "lock")
    assert not lock.try_acquire()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    holder.stdin.close()
    assert lock.try_acquire()
    assert lock.try_acquire(), "not reentrant"
    lock.release()
    lock.release()
