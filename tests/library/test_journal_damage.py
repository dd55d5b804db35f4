"""No byte of the log can be lost or changed without being noticed, and nothing makes it refuse to open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.campaigns import store_bits

from mediatui.library import journal_file
from mediatui.library.journal_file import JournalFile
from mediatui.library.record import Changes, encode
from mediatui.library.replay import Replay, Schema

SCHEMA = Schema(tables=("items", "jobs"))
COMMITS: tuple[Changes, ...] = (
    {"items": {"a-0": {"id": "a-0", "name": "ä", "n": 1}}},
    {"items": {"b-0": {"id": "b-0", "n": 2}}, "jobs": {"b": {"id": "b", "phase": "queued"}}},
    {"items": {"a-0": {"id": "a-0", "name": "JJJ", "n": 3}}},
    {"items": {"b-0": None}, "jobs": {"b": {"id": "b", "phase": "failed"}}},
    {"items": {"c-0": {"id": "c-0", "deep": {"x": [1, 2]}}}},
)


@pytest.fixture
def sample(tmp_path: Path) -> tuple[bytes, list[tuple[int, dict[str, Any]]]]:
    """A small log, and the state after each of its lines (by the file's length then)."""
    path = tmp_path / "sample" / "index.jsonl"
    path.parent.mkdir()
    journal = JournalFile(path, SCHEMA)
    states = [(path.stat().st_size, snapshot(journal))]
    for changes in COMMITS:
        journal.commit(changes)
        states.append((path.stat().st_size, snapshot(journal)))
    journal.close()
    return path.read_bytes(), states


def snapshot(journal: JournalFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({name: table for name, table in journal.tables.items() if table}))
    return found


def open_bytes(path: Path, data: bytes) -> JournalFile:
    path.write_bytes(data)
    return JournalFile(path, SCHEMA)


def test_cut_at_every_byte_gives_exactly_the_commits_before(tmp_path: Path, sample: Any) -> None:
    data, states = sample
    path = tmp_path / "index.jsonl"
    for cut in range(len(data)):
        journal = open_bytes(path, data[:cut])
        expected = [state for end, state in states if end <= cut + 1]  # a whole line may lack its newline
        assert snapshot(journal) == (expected[-1] if expected else {}), cut
        assert journal.damage == (), cut
        journal.close()


def test_after_a_cut_two_instances_go_on(tmp_path: Path, sample: Any) -> None:
    data, states = sample
    path = tmp_path / "index.jsonl"
    for cut in range(states[-2][0], len(data)):
        first, second = open_bytes(path, data[:cut]), JournalFile(path, SCHEMA)
        first.commit({"items": {"d-0": {"id": "d-0"}}})
        second.commit({"items": {"e-0": {"id": "e-0"}}})
        assert first.poll()
        third = JournalFile(path, SCHEMA)
        assert snapshot(first) == snapshot(second) == snapshot(third), cut
        assert {"d-0", "e-0"} <= set(third.tables["items"]), cut
        assert third.damage == (), cut
        assert path.read_bytes().startswith(data[:cut]), "a torn line was cut off"
        for journal in (first, second, third):
            journal.close()


def test_a_torn_line_is_excused_wherever_one_batch_of_lines_ends(tmp_path: Path, sample: Any) -> None:
    data, states = sample
    path = tmp_path / "index.jsonl"
    journal = open_bytes(path, data[: states[-2][0] + 5])
    journal.commit(COMMITS[-1])
    journal.commit({"items": {"d-0": {"id": "d-0"}}})
    expected = snapshot(journal)
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    for split in range(len(lines) + 1):
        replay = Replay(path, SCHEMA)
        replay.take_all(lines[:split], 0)
        replay.take_all(lines[split:], sum(map(len, lines[:split])))
        assert replay.damage == [], split
        assert {name: table for name, table in replay.tables.items() if table} == expected, split


def test_a_document_that_came_back_is_not_taken_for_deleted(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path / "index.jsonl", SCHEMA)
    for document in ({"id": "a-0"}, None, {"id": "a-0"}):
        journal.commit({"items": {"a-0": document, "b-0": None if document else {"id": "b-0"}}})
    journal.close()
    again = JournalFile(tmp_path / "index.jsonl", SCHEMA)
    assert journal.gone["items"] == again.gone["items"] == {"b-0"}
    again.close()


def test_every_flipped_bit_is_noticed(tmp_path: Path, sample: Any) -> None:
    data, states = sample
    path, whole = tmp_path / "index.jsonl", states[-1][1]
    ever = {name: {key for _, s in states for key in s.get(name, {})} for name in ("items", "jobs")}
    for position in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            journal = open_bytes(path, bytes(changed))
            state = snapshot(journal)
            assert journal.damage, (position, bit)
            assert {name: set(table) for name, table in state.items()}.items() <= {
                name: keys & set(state.get(name, {})) for name, keys in ever.items()
            }.items(), "an identifier was made up"
            if state != whole:
                assert_only_the_hit_line_differs(state, states, position)
            journal.close()


def assert_only_the_hit_line_differs(state: dict[str, Any], states: list[Any], position: int) -> None:
    """Documents the damaged line does not name are as they were."""
    line = sum(end <= position for end, _ in states)
    hit = {(name, key) for name, change in COMMITS[line - 1].items() for key in change or ()} if line else set()
    neighbours = {(n, k) for n, c in COMMITS[line].items() for k in c or ()} if line < len(COMMITS) else set()
    for name, table in states[-1][1].items():
        for key, doc in table.items():
            if (name, key) not in hit | neighbours:
                assert state.get(name, {}).get(key) == doc, (position, name, key)


def test_a_zeroed_page_leaves_the_rest_readable(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    journal = JournalFile(path, SCHEMA)
    for n in range(200):
        journal.commit({"items": {f"i{n}": {"id": f"i{n}", "text": "x" * 100}}})
    journal.close()
    data = bytearray(path.read_bytes())
    data[8192:12288] = bytes(4096)
    again = open_bytes(path, bytes(data))
    assert len(again.tables["items"]) > 160
    assert again.damage
    assert all(doc["id"] == key for key, doc in again.tables["items"].items())


def test_a_line_in_doubt_is_used_but_never_deletes(tmp_path: Path, sample: Any) -> None:
    data, _ = sample
    lines = data.splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"n":3}', b'"n":4}')  # a hand edit
    lines[4] = lines[4].replace(b'"failed"', b'"queued"')
    journal = open_bytes(tmp_path / "index.jsonl", b"".join(lines))
    assert journal.tables["items"]["a-0"]["n"] == 4
    assert "b-0" in journal.tables["items"], "an unverified line deleted something"
    assert [place.reason for place in journal.damage] == ["the checksum does not match"] * 2
    assert not any(place.lost for place in journal.damage)


@pytest.mark.parametrize(
    "junk", [b"", b"\n", b"[]\n", b"not json\n", b"\x00" * 5000, b"\xef\xbb\xbf{}\n", b'{"a":1}\n']
)
def test_a_file_without_anything_readable_opens_and_is_kept(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "index.jsonl"
    journal = open_bytes(path, junk)
    journal.commit({"items": {"a": {"id": "a"}}})
    journal.close()
    assert JournalFile(path, SCHEMA).tables["items"] == {"a": {"id": "a"}}
    assert not junk or (tmp_path / "index.jsonl.1").read_bytes() == junk


@pytest.mark.parametrize(
    "change",
    [{"items": 3}, {"items": {"put": []}}, {"items": {"del": "x"}}, {"items": {"put": {"a": 1}}}, [], "x"],
)
def test_checksummed_nonsense_is_damage(tmp_path: Path, change: object) -> None:
    path = tmp_path / "index.jsonl"
    JournalFile(path, SCHEMA).close()
    path.write_bytes(path.read_bytes() + encode({"n": 1, "tables": change}))
    journal = JournalFile(path, SCHEMA)
    assert [place.lost for place in journal.damage] == [True]
    journal.commit({"items": {"a": {"id": "a"}}})
    assert set(JournalFile(path, SCHEMA).tables["items"]) == {"a"}


def test_lone_surrogates_survive(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    journal = JournalFile(path, SCHEMA)
    journal.commit({"items": {"a": {"id": "a", "text": "\ud800"}}})
    assert JournalFile(path, SCHEMA).tables == journal.tables
    path.read_bytes().decode("utf-8")


def test_accepted_damage_is_gone_and_the_damaged_file_kept(tmp_path: Path, sample: Any) -> None:
    data, _ = sample
    damaged = data.replace(b'"n":3}', b'"n":4}')
    journal = open_bytes(tmp_path / "index.jsonl", damaged)
    assert journal.damage
    journal.accept_damage()
    assert journal.damage == ()
    assert JournalFile(tmp_path / "index.jsonl", SCHEMA).damage == ()
    assert (tmp_path / "index.jsonl.1").read_bytes() == damaged


def test_flipped_bits_and_cuts_of_a_real_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_file, "COMPACT_FROM", journal_file.COMPACT_FROM)
    bits, cuts, complaints = store_bits.run(tmp_path, every=41)
    assert complaints == []
    assert bits > 2000
    assert cuts > 200
