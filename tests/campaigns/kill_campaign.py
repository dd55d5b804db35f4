"""Kill a run many times, each at another moment and with another provider, and count what came of it.

python -m tests.campaigns.kill_campaign [TRIALS] [FIRST SEED] [SCENE ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.killing import trial
from tests.support.scenes import LARGE, SCENES, SMALL, running


def main(trials: int, first: int, names: list[str]) -> int:
    """Run them; returns how many failed."""
    found: Counter[str] = Counter()
    failures, started = 0, time.monotonic()
    for seed in range(first, first + trials):
        name, size = names[seed % len(names)], LARGE if seed // len(names) % 2 else SMALL
        with tempfile.TemporaryDirectory() as folder, running(name, size) as scene:
            try:
                outcome = trial(Path(folder), scene, seed)
            except (AssertionError, OSError) as exc:
                failures += 1
                print(f"seed {seed}: {exc}", file=sys.stderr, flush=True)
            else:
                found[f"{name:12} killed at {outcome.moment:18} {outcome.submits} sent, then {outcome.phase}"] += 1
    for line, count in sorted(found.items()):
        print(f"{count:4} {line}")
    print(f"{trials} trials, {failures} failures, {time.monotonic() - started:.0f} s")
    return failures


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    scenes = [argument for argument in sys.argv[1:] if not argument.isdigit()]
    given = numbers + [300, 1000][len(numbers) :]
    sys.exit(1 if main(given[0], given[1], scenes or list(SCENES)) else 0)
