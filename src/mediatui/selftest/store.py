"""Checks of the store on a file system: kills, two writers, cuts, flipped bits, a full disk."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from mediatui.errors import StorageError
from mediatui.library.index import SCHEMA
from mediatui.library.journal_file import JournalFile
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.model import Project
from mediatui.selftest.disk import start
from mediatui.selftest.outcome import Outcome, Verdict
from mediatui.selftest.session import PROJECT, expected, found, perform

MOST_STEPS = 40
FULL_BYTES = 30_000
FEWEST_KILLS = 3
FEWEST_CHANGES = 50
"""Cuts of an index, or flipped bits, that are tried however little time there is."""


def check_kills(folder: Path, seconds: float) -> Outcome:
    """What a killed process acknowledged is there, and a file under its final name is whole."""
    rng, trials = random.Random(1), 0
    for trials in tries(count(1), FEWEST_KILLS, seconds):
        project = _new_project(folder / f"kill-{trials}")
        with start("write", project, "w") as process:
            writer = _Writer(process)
            writer.wait_for(rng.randrange(1, MOST_STEPS))
            writer.kill()
        if complaint := _complaint(project, {"w": writer}):
            return Outcome("kill -9", Verdict.BAD, complaint, trials)
        shutil.rmtree(project.parent)
    return Outcome("kill -9", Verdict.GOOD, "nothing acknowledged was lost to a kill", trials)


def check_two_writers(folder: Path, seconds: float) -> Outcome:
    """Two processes write to one project, and both are killed."""
    rng, trials = random.Random(2), 0
    for trials in tries(count(1), FEWEST_KILLS, seconds):
        project = _new_project(folder / f"two-{trials}")
        with start("write", project, "a") as one, start("write", project, "b") as two:
            writers = {"a": _Writer(one), "b": _Writer(two)}
            writers["a"].wait_for(1)
            writers["b"].wait_for(rng.randrange(1, MOST_STEPS))
            writers["b"].kill()
            writers["a"].kill()
        if complaint := _complaint(project, writers):
            return Outcome("two writers", Verdict.BAD, complaint, trials)
        shutil.rmtree(project.parent)
    return Outcome("two writers", Verdict.GOOD, "two processes and two kills lost nothing", trials)


def check_cuts(folder: Path, seconds: float) -> Outcome:
    """An index cut at any byte opens with exactly the commits before the cut."""
    sample, trials = _Sample(folder / "cuts"), 0
    if not sample.whole:
        return Outcome("cut index", Verdict.BAD, "an index was not read as it was written")
    for trials, length in enumerate(tries(_mixed(len(sample.data)), FEWEST_CHANGES, seconds), 1):
        if not sample.is_right_when_cut(length):
            return Outcome("cut index", Verdict.BAD, f"an index cut at byte {length} was not read correctly", trials)
    return Outcome("cut index", Verdict.GOOD, "an index cut anywhere gives the commits before the cut", trials)


def check_bits(folder: Path, seconds: float) -> Outcome:
    """A flipped bit anywhere in an index is noticed, and the index still opens."""
    sample, trials = _Sample(folder / "bits"), 0
    if not sample.whole:
        return Outcome("flipped bits", Verdict.BAD, "an index was not read as it was written")
    for trials, bit in enumerate(tries(_mixed(len(sample.data) * 8), FEWEST_CHANGES, seconds), 1):
        if not sample.is_noticed_when_flipped(bit):
            return Outcome("flipped bits", Verdict.BAD, f"a flipped bit ({bit}) went unnoticed", trials)
    return Outcome("flipped bits", Verdict.GOOD, "every flipped bit was noticed, and the index opened", trials)


def check_full(folder: Path) -> Outcome:
    """When a file may not grow, records are refused in words, none is lost, and writing goes on afterwards."""
    if sys.platform == "win32":
        return Outcome("full disk", Verdict.SKIPPED, "files cannot be limited on this system")
    project = _new_project(folder / "full")
    with start("fill", project, FULL_BYTES) as child:
        out, error = child.communicate()
    numbers = [[int(word) for word in line.split()] for line in out.splitlines()]
    if child.returncode or len(numbers) != 2:
        return Outcome("full disk", Verdict.BAD, f"a full disk was not handled ({error.strip()[-200:]})")
    (written, held, on_disk), (after, after_on_disk) = numbers
    if not (0 < written == held == on_disk and after == after_on_disk == written + 1):
        return Outcome("full disk", Verdict.BAD, "on a full disk, memory and disk disagreed")
    return Outcome("full disk", Verdict.GOOD, "a full disk refuses records in words and loses none", written)


def _new_project(parent: Path) -> Path:
    parent.mkdir()
    folder = parent / PROJECT
    folder.mkdir()
    ProjectFolder(folder, new=Project(PROJECT, "Self-test", 1.0)).close()
    return folder


class _Writer:
    """A process that commits until it is killed, and how many commits it has acknowledged."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process, self._out, self._error = process, process.stdout, process.stderr
        self.acknowledged = 0
        self.failure = ""
        """Why it ended before anybody killed it."""

    def wait_for(self, commits: int) -> None:
        """Until it has acknowledged so many, or ended by itself."""
        for _ in range(commits):
            if not self._out.readline().endswith("\n"):
                self.failure = "no reason given"
                return
            self.acknowledged += 1

    def kill(self) -> None:
        """End it, and hear what it had to say until then."""
        self._process.kill()
        self.acknowledged += sum(line.endswith("\n") for line in self._out)
        self.failure = self._error.read().strip()[-200:] or self.failure


def _complaint(folder: Path, writers: Mapping[str, _Writer]) -> str:
    """What a fresh look at a project finds wrong; empty when everything that the writers acknowledged is there."""
    try:
        project = ProjectFolder(folder)
        reconcile(project)
        damage = project.damage
        worlds = {name: found(project, name) for name in writers}
        project.close()
    except (StorageError, OSError) as exc:
        return f"after a kill the project did not open ({exc})"
    if damage:
        return f"after a kill the index was damaged ({damage[0].reason})"
    for name, writer in writers.items():
        number = writer.acknowledged
        # The kill may fall between a commit and its acknowledgement.
        if worlds[name] not in (expected(name, number), expected(name, number + 1)):
            return f"after a kill something acknowledged was lost (commit {number})"
    failures = [writer.failure for writer in writers.values() if writer.failure]
    return f"a process could not go on writing ({failures[0]})" if failures else ""


class _Sample:
    """A small index, and what it says after each of its lines."""

    def __init__(self, folder: Path) -> None:
        project_folder = _new_project(folder)
        project = ProjectFolder(project_folder)
        for step in (1, 2, 4, 10, 7):
            perform(project, "s", step)
        written = _copied(project.db.journal.tables)
        project.close()
        self._path = folder / "index.jsonl"
        self.data = (project_folder / "index.jsonl").read_bytes()
        self._states: list[tuple[int, dict[str, Any]]] = [(0, {})]
        for line in self.data.splitlines(keepends=True):
            end = self._states[-1][0] + len(line)
            self._states.append((end, self._read(self.data[:end])[0]))
        self.whole = self._states[-1][1] == written
        """The file gives back what was written."""

    def is_right_when_cut(self, length: int) -> bool:
        """So many bytes of it give the commits that lie in them; only the last newline may be missing."""
        tables, damaged = self._read(self.data[:length])
        before = [state for end, state in self._states if end <= length + 1]
        return not damaged and tables == before[-1]

    def is_noticed_when_flipped(self, bit: int) -> bool:
        """With this bit changed it opens, and says that it is damaged."""
        changed = bytearray(self.data)
        changed[bit // 8] ^= 1 << bit % 8
        return self._read(changed)[1]

    def _read(self, data: bytes | bytearray) -> tuple[dict[str, Any], bool]:
        """The tables that a file of these bytes gives, and whether damage was noticed."""
        self._path.write_bytes(data)
        journal = JournalFile(self._path, SCHEMA, compact=False)
        try:
            return _copied(journal.tables), bool(journal.damage)
        finally:
            journal.close()


def _copied(tables: Mapping[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(tables))
    return copy


def _mixed(numbers: int) -> list[int]:
    """The numbers below `numbers`, in an order that soon has tried all parts."""
    return random.Random(3).sample(range(numbers), numbers)


def tries(numbers: Iterable[int], fewest: int, seconds: float) -> Iterator[int]:
    """The first `fewest` numbers whatever the time, and then the others while there is time."""
    end = time.monotonic() + seconds
    for done, number in enumerate(numbers):
        if done >= fewest and time.monotonic() >= end:
            return
        yield number


Timed = Callable[[Path, float], Outcome]
TIMED: tuple[tuple[str, Timed, float], ...] = (
    ("kill -9", check_kills, 0.4),
    ("two writers", check_two_writers, 0.3),
    ("cut index", check_cuts, 0.1),
    ("flipped bits", check_bits, 0.1),
)
"""Checks that go on for a share of the time."""
