"""Two running instances on one data directory, one or both killed -9 while they make things."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.scenes import LARGE, SMALL, running
from tests.support.two_windows import two_windows


@pytest.mark.parametrize(("seed", "kills"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_both_windows_lose_nothing_and_pay_once(seed: int, kills: int, tmp_path: Path) -> None:
    """`python -m tests.campaigns.window_campaign` runs dozens."""
    with running("fal", LARGE if seed % 2 else SMALL) as scene:
        two_windows(tmp_path, scene, seed, kills)
