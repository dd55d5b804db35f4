"""Killed in the middle of moving, an item is in one project or in both, never in none, and its bytes are whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.organise.conftest import add_item, places

from mediatui.library.library import Library
from mediatui.library.reconcile import reconcile


def test_a_killed_move_loses_nothing(tmp_path: Path) -> None:
    library = Library(places(tmp_path))
    one = library.create("One")
    library.create("Two")
    wanted = {f"item-{n}": f"bytes of {n}".encode() * 50 for n in range(6)}
    for item_id, data in wanted.items():
        add_item(one, item_id, data)
    library.close()
    rng = random.Random(11)
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.organise.mover_process", str(tmp_path)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        killer = threading.Timer(rng.uniform(0.0, 0.06), process.kill)
        killer.start()
        process.wait()
        killer.join()
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL
        _check(tmp_path, wanted)


def _check(root: Path, wanted: dict[str, bytes]) -> None:
    library = Library(places(root))
    for project_id in ("one", "two"):
        assert not reconcile(library.open(project_id)).missing
    for item_id, data in wanted.items():
        homes = [p for p in (library.open("one"), library.open("two")) if p.find_item(item_id)]
        assert homes, f"{item_id} is nowhere"
        for project in homes:
            assert project.path_of(project.item(item_id).path or "").read_bytes() == data
        if len(homes) == 2:  # what a person does then: remove one of the two
            homes[1].commit(gone_items=[item_id])
    library.close()
