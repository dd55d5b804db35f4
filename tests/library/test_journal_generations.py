"""Compaction, earlier generations, versions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.library.make_golden import ITEM, JOB, PROJECT

from mediatui.library import journal_file
from mediatui.library.generations import GENERATIONS, generation
from mediatui.library.index import (
    PROJECT_KEY,
    SCHEMA,
    item_from_document,
    job_from_document,
    project_from_document,
)
from mediatui.library.journal_file import JournalFile
from mediatui.library.replay import Schema, replay_file

GOLDEN = Path(__file__).with_name("data") / "index-v1.jsonl"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.jsonl"


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compact from a handful of dead documents on."""
    monkeypatch.setattr(journal_file, "COMPACT_FROM", 4)


def write(path: Path, count: int, *, ids: int = 2) -> dict[str, Any]:
    journal = JournalFile(path)
    for n in range(count):
        journal.commit({"t": {str(n % ids): {"n": n, "of": count}}})
    tables = dict(journal.tables)
    journal.close()
    return tables


@pytest.mark.usefixtures("eager")
def test_compaction_keeps_what_lives_and_the_file_before(path: Path) -> None:
    tables = write(path, 40)
    before = path.read_bytes()
    journal = JournalFile(path)
    assert journal.tables == tables
    assert path.read_bytes().count(b"\n") == 3
    assert generation(path, 1).read_bytes() == before
    seq = journal.seq
    journal.commit({"t": {"x": {}}})
    assert journal.seq == seq + 1
    assert JournalFile(path).tables == journal.tables


@pytest.mark.usefixtures("eager")
def test_three_generations_are_kept(path: Path) -> None:
    contents = []
    for turn in range(5):
        write(path, 20 + turn)
        contents.append(path.read_bytes())
        JournalFile(path).close()
    kept = [generation(path, number).read_bytes() for number in range(1, GENERATIONS + 1)]
    assert kept == contents[:-4:-1]
    assert not generation(path, GENERATIONS + 1).exists()


@pytest.mark.usefixtures("eager")
def test_no_compaction_while_damage_is_not_looked_at(path: Path) -> None:
    write(path, 40)
    data = path.read_bytes().replace(b'"n":7,', b'"n":8,', 1)
    path.write_bytes(data)
    journal = JournalFile(path, Schema(tables=("t",)))
    assert journal.damage
    assert path.read_bytes() == data
    journal.accept_damage()
    assert path.read_bytes().count(b"\n") == 3


def test_few_dead_lines_are_left_alone(path: Path) -> None:
    write(path, 40)
    before = path.read_bytes()
    JournalFile(path).close()
    assert path.read_bytes() == before


@pytest.mark.usefixtures("eager")
def test_another_instance_follows_a_compaction(path: Path) -> None:
    first = JournalFile(path)
    for n in range(40):
        first.commit({"t": {"a": {"n": n}}})
    second = JournalFile(path)
    assert generation(path, 1).exists()
    second.commit({"t": {"b": {}}})
    first.commit({"t": {"c": {}}})
    assert set(first.tables["t"]) == {"a", "b", "c"} == set(JournalFile(path).tables["t"])
    assert second.poll()
    assert second.tables == first.tables


@pytest.mark.parametrize("call", ["link", "replace", "fsync"])
def test_a_kill_during_compaction_loses_nothing(path: Path, call: str) -> None:
    """The process dies right before, then right after, the given call of the rewrite."""
    for moment in ("before", "after"):
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        tables = write(path, 40)
        code = f"""
import os, sys
from pathlib import Path
from mediatui.library import journal_file
journal_file.COMPACT_FROM = 4
real = os.{call}
def dying(*args, **kw):
    if {moment!r} == "after":
        real(*args, **kw)
    os.kill(os.getpid(), 9)
os.{call} = dying
journal_file.JournalFile(Path(sys.argv[1]))
"""
        done = subprocess.run([sys.executable, "-c", code, os.fspath(path)], check=False)
        assert done.returncode == -9
        journal = JournalFile(path)
        assert journal.tables == tables
        assert journal.damage == ()
        journal.commit({"t": {"x": {}}})
        journal.accept_damage()
        assert JournalFile(path).tables == journal.tables
        assert not list(path.parent.glob("*.tmp"))


def upcast(_table: str, doc: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had `colour`, version 2 has `color`; harmless when applied twice."""
    doc = dict(doc)
    if "colour" in doc:
        doc["color"] = doc.pop("colour")
    return doc


def test_older_documents_are_read_in_todays_form_and_the_file_left_alone(path: Path) -> None:
    journal = JournalFile(path, Schema(1))
    journal.commit({"t": {"a": {"colour": "red"}, "b": {"colour": "blue"}}})
    journal.close()
    before = path.read_bytes()
    two = Schema(2, upcasters={1: upcast})
    journal = JournalFile(path, two)
    assert journal.tables == {"t": {"a": {"color": "red"}, "b": {"color": "blue"}}}
    assert path.read_bytes() == before
    journal.commit({"t": {"a": {"color": "green"}}})
    assert path.read_bytes().startswith(before)
    expected = {"t": {"a": {"color": "green"}, "b": {"color": "blue"}}}
    assert JournalFile(path, two).tables == expected
    JournalFile(path, two).accept_damage()
    assert JournalFile(path, two).tables == expected
    three = Schema(3, upcasters={1: upcast, 2: lambda _t, doc: {**doc, "three": True}})
    assert JournalFile(path, three).tables["t"]["b"] == {"color": "blue", "three": True}


def test_a_document_that_cannot_be_brought_up_is_kept_and_flagged(path: Path) -> None:
    journal = JournalFile(path, Schema(1))
    journal.commit({"t": {"a": {"size": "big"}, "b": {"size": "3"}}})

    def to_number(_table: str, doc: dict[str, Any]) -> dict[str, Any]:
        return {**doc, "size": int(doc["size"])}

    newer = JournalFile(path, Schema(2, upcasters={1: to_number}))
    assert newer.tables == {"t": {"a": {"size": "big"}, "b": {"size": 3}}}
    assert "t/a" in newer.damage[0].reason


def test_the_golden_log_of_version_1_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    shutil.copyfile(GOLDEN, path)
    for state in (JournalFile(path, SCHEMA), replay_file(GOLDEN, SCHEMA)):
        tables, troubles = state.tables, list[str]()
        assert list(state.damage) == []
        assert set(tables["items"]) == {ITEM.id}
        assert item_from_document(tables["items"][ITEM.id], "golden", ITEM.id, troubles.append) == ITEM
        assert job_from_document(tables["jobs"][JOB.id], "golden", JOB.id, troubles.append) == JOB
        assert project_from_document(tables["project"][PROJECT_KEY], "golden", troubles.append) == PROJECT
        assert troubles == []


def test_a_hundred_thousand_lines_load(path: Path) -> None:
    journal = JournalFile(path)
    journal.commit({"items": {f"i{n}": {"id": f"i{n}", "n": n} for n in range(100_000)}})
    journal.accept_damage()
    journal.close()
    assert path.read_bytes().count(b"\n") == 100_001
    again = JournalFile(path)
    assert len(again.tables["items"]) == 100_000
    again.commit({"items": {"i5": None}})
    assert len(JournalFile(path).tables["items"]) == 99_999
