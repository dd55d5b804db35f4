"""kill -9 at random moments of a generation; the next run goes on from what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.fal_server import BIG, PNG, FalServer
from tests.support.killing import trial

TRIALS = 24


@pytest.mark.parametrize("seed", range(TRIALS))
def test_a_killed_run_loses_nothing_and_pays_once(fal: FalServer, tmp_path: Path, seed: int) -> None:
    trial(tmp_path, fal, BIG if seed % 2 else PNG, seed)
