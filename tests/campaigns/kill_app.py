"""Kill the real program many times on one machine: its interface in a terminal, and ``generate``.

python -m tests.campaigns.kill_app [TRIALS] [SEED]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.support.app_killing import Desk


def main(trials: int, seed: int) -> int:
    """Run them; returns how many failed."""
    chance, started, failures = random.Random(seed), time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        for trial in range(trials):
            try:
                desk.kill_once(chance)
            except (AssertionError, OSError) as exc:
                failures += 1
                print(f"trial {trial}: {exc}", file=sys.stderr, flush=True)
        phases = desk.settle()
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(desk.moments.items()))
        print(f"{trials} kills ({kinds}), {failures} failures, {time.monotonic() - started:.0f} s")
        print(f"{len(desk.prompts)} prompts, {len(desk.acknowledged)} acknowledged, {desk.sent().total()} requests,")
        print(", ".join(f"{count} {phase}" for phase, count in sorted(phases.items())) + f", {len(desk.kept)} files")
    return failures


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]] + [100, 1][len(sys.argv) - 1 :]
    sys.exit(1 if main(*given[:2]) else 0)
