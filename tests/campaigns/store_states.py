"""Every state that a loss of power may leave of a session of the store: built as a folder, opened, compared.

``python -m tests.campaigns.store_states [MOST]`` goes through all of them, or an even choice of at most MOST.
Needs no root and no device; the recorder is `tests.campaigns.kernel`.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.campaigns.disk import Disk, Loss, State
from tests.campaigns.kernel import Call, Kernel, nobody
from tests.campaigns.script import STEPS, Expected, look, perform, prepare, rehearse

FAST = "/dev/shm"


@dataclass(slots=True)
class Verdict:
    """How many states were looked at, and what was wrong with which."""

    states: int = 0
    by_step: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


def no_hard_links(call: Call) -> None:
    """Answer as FAT does."""
    if call.name == "link":
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def record(folder: Path, refuse: Callable[[Call], None] = nobody) -> tuple[Disk, list[int]]:
    """Perform the session; the changes it made to the disk, and how many there were when each step was done."""
    marks: list[int] = []
    root = folder / "recorded"
    root.mkdir()
    with Kernel(root, refuse) as kernel:
        perform(root, lambda _number: marks.append(len(kernel.disk.changes)))
        gc.collect()
    return kernel.disk, marks


def losses(disk: Disk, marks: list[int]) -> Iterator[tuple[int, Loss]]:
    """Every way to lose power, each with the number of steps that were acknowledged by then."""
    start = 0
    for acknowledged, end in enumerate([*marks, len(disk.changes)]):
        for loss in disk.losses(start, end):
            yield acknowledged, loss
        start = end


def distinct(disk: Disk, losses: Iterable[tuple[int, Loss]]) -> Iterator[tuple[int, State]]:
    """The states they leave, each once."""
    seen: set[tuple[int, bytes]] = set()
    for acknowledged, loss in losses:
        state = disk.after(loss)
        if (key := (acknowledged, state.key)) not in seen:
            seen.add(key)
            yield acknowledged, state


def judge(folder: Path, expected: Expected, chosen: Iterable[tuple[int, State]]) -> Verdict:
    """Build each state and open it."""
    verdict = Verdict()
    place = folder / "state"
    for acknowledged, state in chosen:
        place.mkdir()
        state.build(place)
        verdict.states += 1
        step = STEPS[acknowledged][0] if acknowledged < len(STEPS) else "end"
        verdict.by_step[step] += 1
        if complaint := look(place, expected, acknowledged):
            verdict.complaints.append(f"after {acknowledged} steps: {complaint}\n    " + "\n    ".join(_listing(state)))
        shutil.rmtree(place)
    return verdict


def run(folder: Path, most: int | None = None, refuse: Callable[[Call], None] = nobody) -> Verdict:
    """The whole campaign, or an even choice of at most `most` losses of it."""
    prepare()
    plain = folder / "plain"
    plain.mkdir()
    expected = rehearse(plain)
    disk, marks = record(folder, refuse)
    chosen = list(losses(disk, marks))
    if most is not None:
        chosen = chosen[:: max(1, -(-len(chosen) // most))]
    return judge(folder, expected, distinct(disk, chosen))


def fast_folder() -> str | None:
    """A place in memory, where syncs cost nothing; what is tested here is not the disk underneath."""
    return FAST if os.access(FAST, os.W_OK) else None


def _listing(state: State) -> list[str]:
    return [f"{path} ({len(data)} bytes)" for path, _, data in state.files]


def main() -> None:
    """Print the figures; the exit code is 1 when any state was bad."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else None
    bad = 0
    for name, refuse in (("with hard links", nobody), ("without hard links", no_hard_links)):
        start = time.monotonic()
        with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
            verdict = run(Path(folder), most, refuse)
        for complaint in verdict.complaints[:20]:
            print(complaint)
        for step, count in verdict.by_step.items():
            print(f"  {step:<20} {count:6}")
        took = time.monotonic() - start
        print(f"{name}: {verdict.states} distinct states, {len(verdict.complaints)} bad, {took:.0f} s")
        bad += len(verdict.complaints)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
