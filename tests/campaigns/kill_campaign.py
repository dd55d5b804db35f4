"""Kill a run many times, each at another moment, and count what came of it.

python -m tests.campaigns.kill_campaign [TRIALS] [FIRST SEED]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.support.fal_server import BIG, PNG, fal_server
from tests.support.killing import trial


def main(trials: int, first: int) -> int:
    """Run them; returns how many failed."""
    moments: Counter[str] = Counter()
    failures, started = 0, time.monotonic()
    for seed in range(first, first + trials):
        with tempfile.TemporaryDirectory() as folder, fal_server() as server:
            try:
                outcome = trial(Path(folder), server, BIG if seed % 2 else PNG, seed)
            except AssertionError as exc:
                failures += 1
                print(f"seed {seed}: {exc}", file=sys.stderr)
            else:
                moments[outcome.moment] += 1
    for moment, count in sorted(moments.items()):
        print(f"{count:4} killed when {moment}")
    print(f"{trials} trials, {failures} failures, {time.monotonic() - started:.0f} s")
    return failures


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]] + [100, 1000][len(sys.argv) - 1 :]
    sys.exit(1 if main(*given[:2]) else 0)
