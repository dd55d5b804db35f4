"""The real program killed -9 on the sandbox; `python -m tests.campaigns.kill_app` does it a hundred times."""

from __future__ import annotations

import random
from pathlib import Path

from tests.support.app_killing import Desk


def test_a_killed_program_loses_nothing_and_sends_once(tmp_path: Path) -> None:
    desk, chance = Desk(tmp_path), random.Random(3)
    for kind in ("interface", "command", "detached"):
        desk.kill(kind, chance)
    desk.settle()
