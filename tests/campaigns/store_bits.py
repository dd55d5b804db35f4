"""Every bit of a project's log flipped, and the log cut at every byte: noticed, nothing made up, never refused.

``python -m tests.campaigns.store_bits [EVERY]`` tries every bit and cut, or each EVERY-th.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.campaigns.script import STEPS, Session, prepare
from tests.campaigns.store_states import fast_folder

from mediatui.library.index import SCHEMA
from mediatui.library.journal_file import JournalFile
from mediatui.library.record import parse

UNTIL = "edit 1"
"""The step of the session after which its log is taken: one of every kind of commit, about eleven kilobytes."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A log, and what it says: the states after each line, and the documents each line speaks of."""

    data: bytes
    ends: tuple[int, ...]
    states: tuple[dict[str, Any], ...]
    named: tuple[frozenset[tuple[str, str]], ...]

    def line_at(self, position: int) -> int:
        """The line that a byte belongs to."""
        return sum(end <= position for end in self.ends)

    def excused(self, line: int) -> frozenset[tuple[str, str]]:
        """Documents that may be older than they were: those of the line, and of the one that follows it."""
        return self.named[line] | (self.named[line + 1] if line + 1 < len(self.named) else frozenset())


def sample(folder: Path) -> Sample:
    """The log of a session, with an item removed at the end."""
    prepare()
    session = Session(folder)
    for name, step in STEPS:
        step(session)
        if name == UNTIL:
            break
    session.demo.commit(gone_items=["i3"])
    data = (session.demo.folder / "index.jsonl").read_bytes()
    session.close()
    ends, states, named, end = [], [], [], 0
    for line in data.splitlines(keepends=True):
        end += len(line)
        ends.append(end)
        states.append(tables(open_bytes(folder, data[:end])))
        changes = parse(line).get("tables", {})
        named.append(frozenset((t, k) for t, c in changes.items() for k in (*c.get("put", ()), *c.get("del", ()))))
    return Sample(data, tuple(ends), tuple(states), tuple(named))


def open_bytes(folder: Path, data: bytes) -> JournalFile:
    """A journal with these bytes."""
    path = folder / "index.jsonl"
    path.write_bytes(data)
    return JournalFile(path, SCHEMA, compact=False)


def tables(journal: JournalFile) -> dict[str, Any]:
    """A copy of what it holds; it is closed."""
    copy: dict[str, Any] = json.loads(json.dumps(journal.tables))
    journal.close()
    return copy


def flip(folder: Path, log: Sample, bit: int) -> str:
    """Flip one bit and open; a complaint, or nothing."""
    changed = bytearray(log.data)
    changed[bit // 8] ^= 1 << bit % 8
    journal = open_bytes(folder, bytes(changed))
    noticed = bool(journal.damage)
    found, whole = tables(journal), log.states[-1]
    if not noticed:
        return f"bit {bit}: not noticed"
    excused = log.excused(log.line_at(bit // 8))
    for name, documents in whole.items():
        for key, doc in documents.items():
            if (name, key) not in excused and found.get(name, {}).get(key) != doc:
                return f"bit {bit}: {name}/{key} changed"
    ever = {(name, key) for state in log.states for name, table in state.items() for key in table}
    strange = {(name, key) for name, table in found.items() for key in table} - ever
    return f"bit {bit}: {strange} made up" if strange else ""


def cut(folder: Path, log: Sample, length: int) -> str:
    """Cut the log and open; a complaint, or nothing."""
    journal = open_bytes(folder, log.data[:length])
    noise, found = journal.damage, tables(journal)
    whole = [state for end, state in zip(log.ends, log.states, strict=True) if end <= length + 1]
    expected = whole[-1] if whole else {}
    if noise:
        return f"cut at {length}: called damage"
    return "" if found == expected else f"cut at {length}: not the commits before"


def run(folder: Path, every: int = 1) -> tuple[int, int, list[str]]:
    """How many bits were flipped, how many cuts made, and what was wrong."""
    log = sample(folder)
    bits, cuts = range(0, len(log.data) * 8, every), range(0, len(log.data), every)
    complaints = []
    gc.disable()
    for bit in bits:
        complaints.append(flip(folder, log, bit))
    for length in cuts:
        complaints.append(cut(folder, log, length))
    gc.enable()
    return len(bits), len(cuts), [each for each in complaints if each]


def main() -> None:
    """Print the figures; the exit code is 1 when anything was silent or refused."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        bits, cuts, complaints = run(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    print(*complaints[:20], sep="\n")
    print(f"{bits} bits, {cuts} cuts, {len(complaints)} bad, {time.monotonic() - start:.0f} s")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
