"""Checks of the store on a file system: kills, two writers, cuts, flipped bits, a full disk."""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
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


def check_kills(folder: Path, seconds: float) -> Outcome:
    """What a killed process acknowledged is there, and a file under its final name is whole."""
    rng, trials = random.Random(1), 0
    for trial in _until(seconds):
        project = _new_project(folder / f"kill-{trial}")
        acknowledged = {"w": _kill(project, "w", rng.randrange(1, MOST_STEPS))}
        if complaint := _complaint(project, acknowledged):
            return Outcome("kill -9", Verdict.BAD, complaint, trial)
        shutil.rmtree(project.parent)
        trials = trial
    return Outcome("kill -9", Verdict.GOOD, "nothing acknowledged was lost to a kill", trials)


def check_two_writers(folder: Path, seconds: float) -> Outcome:
    """Two processes write to one project, and both are killed."""
    rng, trials = random.Random(2), 0
    for trial in _until(seconds):
        project = _new_project(folder / f"two-{trial}")
        with start("write", project, "a") as other:
            acknowledged = {"b": _kill(project, "b", rng.randrange(1, MOST_STEPS))}
            other.kill()
            acknowledged["a"] = other.communicate()[0].count("\n")
        if complaint := _complaint(project, acknowledged):
            return Outcome("two writers", Verdict.BAD, complaint, trial)
        shutil.rmtree(project.parent)
        trials = trial
    return Outcome("two writers", Verdict.GOOD, "two processes and two kills lost nothing", trials)


def check_cuts(folder: Path, seconds: float) -> Outcome:
    """An index cut at any byte opens with exactly the commits before the cut."""
    data, states = _sample(folder / "cuts")
    lengths = _some(len(data), seconds)
    trials = 0
    for trials, length in enumerate(lengths, 1):
        journal = _open_bytes(folder / "cuts", data[:length])
        whole = [state for end, state in states if end <= length + 1]
        if journal.damage or _tables(journal) != (whole[-1] if whole else {}):
            return Outcome("cut index", Verdict.BAD, f"an index cut at byte {length} was not read correctly", trials)
    return Outcome("cut index", Verdict.GOOD, "an index cut anywhere gives the commits before the cut", trials)


def check_bits(folder: Path, seconds: float) -> Outcome:
    """A flipped bit anywhere in an index is noticed, and the index still opens."""
    data, _ = _sample(folder / "bits")
    trials = 0
    for trials, bit in enumerate(_some(len(data) * 8, seconds), 1):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        journal = _open_bytes(folder / "bits", bytes(changed))
        noticed = bool(journal.damage)
        journal.close()
        if not noticed:
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


def _kill(project: Path, name: str, after: int) -> int:
    """Start a writer, kill it after so many commits and a moment, and count what it acknowledged."""
    with start("write", project, name) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(after)]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.wait()
    return sum(line.endswith("\n") for line in lines)


def _complaint(folder: Path, acknowledged: dict[str, int]) -> str:
    """What a fresh look at a project finds wrong; empty when everything acknowledged is there."""
    try:
        project = ProjectFolder(folder)
        reconcile(project)
        damage = project.damage
        worlds = {name: found(project, name) for name in acknowledged}
        project.close()
    except (StorageError, OSError) as exc:
        return f"after a kill the project did not open ({exc})"
    if damage:
        return f"after a kill the index was damaged ({damage[0].reason})"
    for name, number in acknowledged.items():
        # The kill may fall between a commit and its acknowledgement.
        if worlds[name] not in (expected(name, number), expected(name, number + 1)):
            return f"after a kill something acknowledged was lost (commit {number})"
    return ""


def _sample(folder: Path) -> tuple[bytes, list[tuple[int, dict[str, Any]]]]:
    """A small index, and what it says after each of its lines."""
    project_folder = _new_project(folder)
    project = ProjectFolder(project_folder)
    for step in (1, 2, 4, 10, 7):
        perform(project, "s", step)
    project.close()
    data = (project_folder / "index.jsonl").read_bytes()
    states, end = [], 0
    for line in data.splitlines(keepends=True):
        end += len(line)
        states.append((end, _tables(_open_bytes(folder, data[:end]))))
    return data, states


def _open_bytes(folder: Path, data: bytes) -> JournalFile:
    path = folder / "index.jsonl"
    path.write_bytes(data)
    return JournalFile(path, SCHEMA, compact=False)


def _tables(journal: JournalFile) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(journal.tables))
    journal.close()
    return copy


def _some(count: int, seconds: float) -> Iterator[int]:
    """Numbers below `count` in a mixed order: all of them, or as many as there is time for."""
    end = time.monotonic() + seconds
    for number in random.Random(3).sample(range(count), count):
        if time.monotonic() > end:
            return
        yield number


def _until(seconds: float) -> Iterator[int]:
    """1, 2, 3 … while there is time; at least one."""
    end, trial = time.monotonic() + seconds, 0
    while trial == 0 or time.monotonic() < end:
        trial += 1
        yield trial


Timed = Callable[[Path, float], Outcome]
TIMED: tuple[tuple[Timed, float], ...] = (
    (check_kills, 0.4),
    (check_two_writers, 0.3),
    (check_cuts, 0.1),
    (check_bits, 0.1),
)
"""Checks that go on for a share of the time."""
