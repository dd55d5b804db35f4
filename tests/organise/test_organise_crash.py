"""Killed in the middle of moving or removing, an item is somewhere a person finds it, and its bytes are whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.organise.conftest import add_item, places

from mediatui.library.library import Library
from mediatui.library.reconcile import reconcile
from mediatui.library.recovery import sidecar_of
from mediatui.library.trash import restore_items, trash_entries


def fill(root: Path, count: int) -> dict[str, bytes]:
    """Two projects, the first with items of these bytes."""
    library = Library(places(root))
    one = library.create("One")
    library.create("Two")
    wanted = {f"item-{n}": f"bytes of {n}".encode() * 50 for n in range(count)}
    for item_id, data in wanted.items():
        add_item(one, item_id, data)
    library.close()
    return wanted


def kill_in_the_middle(root: Path, verb: str, after: float) -> None:
    """Let another process go to and fro, and kill it so many seconds after it began."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.organise.mover_process", str(root), verb],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    killer = threading.Timer(after, process.kill)
    killer.start()
    process.wait()
    killer.join()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("verb", "count", "times"), [("one_by_one", 6, 12), ("all_at_once", 80, 8)])
def test_a_killed_move_loses_nothing(tmp_path: Path, verb: str, count: int, times: int) -> None:
    wanted = fill(tmp_path, count)
    rng = random.Random(11)
    for _ in range(times):
        kill_in_the_middle(tmp_path, verb, rng.uniform(0.0, 0.06))
        library = Library(places(tmp_path))
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


@pytest.mark.parametrize("compared", [True, False])
def test_a_killed_removal_or_restore_of_many_loses_nothing(tmp_path: Path, compared: bool) -> None:
    """Whether or not the files are compared with the index before a person brings everything back."""
    wanted = fill(tmp_path, 120)
    library = Library(places(tmp_path))
    records = {item.id: item for item in library.open("one").items()}
    library.close()
    rng = random.Random(7)
    for _ in range(12):
        kill_in_the_middle(tmp_path, "into_the_trash", rng.uniform(0.0, 0.08))
        library = Library(places(tmp_path))
        one = library.open("one")
        if compared:
            found = reconcile(one)
            assert (found.missing, found.orphans) == ((), ())
        trashed = {item_id for entry in trash_entries(one) for item_id in entry.item_ids}
        assert trashed | {item.id for item in one.items()} == set(wanted)
        for entry in trash_entries(one):
            restore_items(one, entry.id)
        assert {item.id: item for item in one.items()} == records
        for item in one.items():
            path = one.path_of(item.path or "")
            assert path.read_bytes() == wanted[item.id]
            assert sidecar_of(path).is_file()
        found = reconcile(one)
        assert (found.missing, found.orphans, trash_entries(one)) == ((), (), ())
        assert not list((one.folder / "trash").iterdir())
        assert all(one.path_of(i.path or "").stat().st_nlink == 1 for i in one.items()), "a second name is left"
        library.close()
