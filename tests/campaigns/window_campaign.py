"""Two windows on one data directory, killed one after the other, many times.

python -m tests.campaigns.window_campaign [TRIALS] [FIRST SEED]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.scenes import LARGE, SMALL, running
from tests.support.two_windows import two_windows


def main(trials: int, first: int) -> int:
    """Run them; returns how many failed."""
    found: Counter[str] = Counter()
    failures, started = 0, time.monotonic()
    for seed in range(first, first + trials):
        kills, size = (1, 2, 1, 2, 0)[seed % 5], LARGE if seed % 2 else SMALL
        with tempfile.TemporaryDirectory() as folder, running("fal", size) as scene:
            try:
                found[f"{kills} killed: {two_windows(Path(folder), scene, seed, kills)}"] += 1
            except (AssertionError, OSError) as exc:
                failures += 1
                print(f"seed {seed}: {exc}", file=sys.stderr, flush=True)
    for line, count in sorted(found.items()):
        print(f"{count:4} {line}")
    print(f"{trials} trials, {failures} failures, {time.monotonic() - started:.0f} s")
    return failures


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]] + [50, 1000][len(sys.argv) - 1 :]
    sys.exit(1 if main(*given[:2]) else 0)
