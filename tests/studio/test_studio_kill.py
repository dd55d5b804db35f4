"""kill -9 at random moments of a generation, with every provider; the next run goes on from what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.killing import trial
from tests.support.scenes import LARGE, SCENES, SMALL, running

SEEDS = {name: (1, 2) if name in ("fal", "replicate", "sandbox", "comfyui") else (3,) for name in SCENES}
"""`python -m tests.campaigns.kill_campaign` runs hundreds."""


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name, seeds in SEEDS.items() for seed in seeds])
def test_a_killed_run_loses_nothing_and_pays_once(name: str, seed: int, tmp_path: Path) -> None:
    with running(name, LARGE if seed % 2 else SMALL) as scene:
        trial(tmp_path, scene, seed)
