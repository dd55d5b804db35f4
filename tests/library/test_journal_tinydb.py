"""TinyDB on the journal behaves as TinyDB in memory does: results, errors, and what is stored."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.library.conftest import key
from tinydb import Query, TinyDB, where
from tinydb.operations import add, delete, increment
from tinydb.operations import set as set_field
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from mediatui.library.journal import JournalDB

TABLES = ("things", "others")


class Stop(Exception):
    """Raised by a callable in the middle of an update."""


class Raised(NamedTuple):
    """How a call failed."""

    kind: str
    words: str


def append_tag(doc: dict[str, Any]) -> None:
    doc.setdefault("tags", []).append(len(doc["tags"]) if "tags" in doc else 0)


def raise_on_odd(doc: dict[str, Any]) -> None:
    doc["touched"] = True
    if doc["n"] % 2:
        raise Stop


def random_call(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
    """The name of one operation and what it is given."""
    n = rng.randrange(6)
    doc = {"n": n, "text": rng.choice(["a", "ü", "b\n"]), "deep": {"list": [1, {"x": None}]}}
    cond = rng.choice(
        [where("n") == n, where("n") > n, Query().text.matches("a|b"), where("deep").list.any([1]), where("none") == 1]
    )
    ids = [rng.randrange(1, 12) for _ in range(3)]
    fields = rng.choice(
        [{"n": n + 1}, {"deep": {}}, append_tag, raise_on_odd, increment("n"), add("n", 2), delete("text")]
    )
    return rng.choice(
        [
            ("insert", (doc,)),
            ("insert", (Document(doc, ids[0]),)),
            ("insert_multiple", ([doc, {**doc, "n": n + 1}],)),
            ("insert_multiple", ([doc, 3],)),
            ("update", (fields, cond)),
            ("update", (fields,)),
            ("update", (fields, None, ids)),
            ("update_multiple", ([(set_field("m", n), cond)],)),
            ("upsert", ({"n": n, "new": True}, cond)),
            ("upsert", (Document(doc, ids[0]),)),
            ("remove", (cond,)),
            ("remove", (None, sorted(set(ids)))),
            ("remove", ()),
            ("truncate", ()),
            ("search", (cond,)),
            ("count", (cond,)),
            ("contains", (cond,)),
            ("get", (cond,)),
            ("get", (None, ids[0])),
            ("all", ()),
        ]
    )


def outcome(db: TinyDB, table: str, name: str, args: tuple[Any, ...]) -> object:
    try:
        result = getattr(db.table(table), name)(*args)
    except Exception as exc:  # whatever it is: both must raise the same
        return Raised(type(exc).__name__, str(exc))
    if isinstance(result, list):
        return [(doc.doc_id, doc) if isinstance(doc, Document) else doc for doc in result]
    return (result.doc_id, result) if isinstance(result, Document) else result


def state(db: TinyDB) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    return {name: [(doc.doc_id, dict(doc)) for doc in db.table(name)] for name in sorted(db.tables())}


def twin(stock: TinyDB) -> TinyDB:
    """A copy of a stock database, for calls that raise: stock keeps half an update in memory, we keep nothing."""
    copied = TinyDB(storage=MemoryStorage)
    copied.storage.write(copy.deepcopy(stock.storage.read() or {}))
    return copied


@pytest.mark.parametrize("seed", range(12))
def test_same_results_errors_and_state_as_stock(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    stock = TinyDB(storage=MemoryStorage)
    ours: TinyDB = JournalDB(tmp_path / "index.jsonl")
    second = JournalDB(tmp_path / "index.jsonl")
    for step in range(300):
        table = rng.choice(TABLES)
        name, args = random_call(rng)
        before = copy.deepcopy(state(stock))
        got = outcome(ours, table, name, copy.deepcopy(args))
        if isinstance(got, Raised):
            assert outcome(twin(stock), table, name, copy.deepcopy(args)) == got, (step, name, args)
            assert state(ours) == before, "a call that raised changed something"
            for db in (stock, ours):
                db.table(table)._next_id = None
        else:
            assert outcome(stock, table, name, copy.deepcopy(args)) == got, (step, name, args)
        if rng.random() < 0.02:
            dropped = rng.choice(TABLES)
            stock.drop_table(dropped)
            ours.drop_table(dropped)
        if rng.random() < 0.02:
            ours.close()
            ours = JournalDB(tmp_path / "index.jsonl")
            for each in TABLES:
                stock.table(each)._next_id = None
        if rng.random() < 0.05:
            second.journal.poll()
            assert state(second) == state(stock)
    assert state(ours) == state(stock)
    ours.close()
    again = JournalDB(tmp_path / "index.jsonl")
    assert state(again) == state(stock)
    assert again.journal.damage == ()


def test_two_instances_take_turns_without_repeating_an_id(tmp_path: Path) -> None:
    first, second = JournalDB(tmp_path / "index.jsonl"), JournalDB(tmp_path / "index.jsonl")
    ids = [db.table("t").insert({"n": n}) for n in range(10) for db in (first, second)]
    assert ids == list(range(1, 21))
    second.journal.poll()
    first.journal.poll()
    assert first.table("t").all() == second.table("t").all()


def test_editing_a_result_changes_nothing(tmp_path: Path) -> None:
    db = JournalDB(tmp_path / "index.jsonl")
    db.insert({"id": "one", "deep": {"list": [1]}})
    found = db.get(where("id") == "one")
    assert isinstance(found, Document)
    found["deep"]["list"].append(2)
    db.all()[0]["deep"]["list"].append(3)
    assert db.search(where("id") == "one") == [{"id": "one", "deep": {"list": [1]}}]


def test_a_document_given_in_is_copied(tmp_path: Path) -> None:
    db = JournalDB(tmp_path / "index.jsonl")
    doc: dict[str, Any] = {"id": "one", "list": [1]}
    db.insert(doc)
    doc["list"].append(2)
    assert db.get(doc_id=key("one")) == {"id": "one", "list": [1]}


def test_records_are_filed_under_their_own_id(tmp_path: Path) -> None:
    db = JournalDB(tmp_path / "index.jsonl")
    assert db.insert({"id": "0123456789012345"}) == "0123456789012345"
    assert db.all()[0].doc_id == "0123456789012345"
    assert db.upsert({"id": "0123456789012345", "a": 1}, where("id") == "0123456789012345")
    assert db.all() == [{"id": "0123456789012345", "a": 1}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_values_without_json_are_refused_and_nothing_changes(tmp_path: Path, value: object) -> None:
    db = JournalDB(tmp_path / "index.jsonl")
    db.insert({"id": "one"})
    with pytest.raises((TypeError, ValueError)):
        db.update({"bad": value})
    assert db.all() == [{"id": "one"}]
    assert JournalDB(tmp_path / "index.jsonl").all() == [{"id": "one"}]


def test_an_update_appends_one_line(tmp_path: Path) -> None:
    path = tmp_path / "index.jsonl"
    db = JournalDB(path)
    db.insert_multiple({"id": f"i{n}", "n": n} for n in range(200))
    size, lines = path.stat().st_size, path.read_bytes().count(b"\n")
    db.update({"n": -1}, doc_ids=[key("i7")])
    assert path.read_bytes().count(b"\n") == lines + 1
    assert path.stat().st_size - size < 200
    db.update({"n": -1}, doc_ids=[key("i7")])
    assert path.read_bytes().count(b"\n") == lines + 1, "a change that changes nothing is not written"
