"""The store after a kill at any system call and after a loss of power; `tests/campaigns` goes through all of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.campaigns import store_boundaries, store_states
from tests.campaigns.disk import Disk, Sync
from tests.campaigns.kernel import Call, nobody
from tests.campaigns.script import STEPS, prepare, rehearse


@pytest.fixture
def traceable() -> None:
    if reason := store_boundaries.unusable():
        pytest.skip(reason)


@pytest.mark.parametrize("refuse", [nobody, store_states.no_hard_links])
def test_states_left_by_a_loss_of_power(folder: Path, refuse: Callable[[Call], None]) -> None:
    verdict = store_states.run(folder, 320, refuse)
    assert verdict.complaints == []
    assert verdict.states > 250
    assert len(verdict.by_step) > 35, "the choice of states is not even"


def test_a_disk_that_forgets_is_found_out(folder: Path) -> None:
    """The campaign must be able to fail: without syncs of folders it does."""
    disk, _marks = store_states.record(folder)
    kept = [c for c in disk.changes if not (isinstance(c, Sync) and c.node in disk.folder_nodes)]
    assert len(kept) < len(disk.changes)
    lazy = Disk(disk.root, kept, disk.folder_nodes)
    (folder / "plain").mkdir()
    prepare()
    expected = rehearse(folder / "plain")
    end = len(kept)
    states = ((len(STEPS), lazy.after(loss)) for loss in lazy.losses(end, end))
    assert store_states.judge(folder, expected, states).complaints


def test_kills_at_system_calls(folder: Path, traceable: None) -> None:
    verdict = store_boundaries.run(folder, 24)
    assert verdict.complaints == ()
    assert verdict.boundaries > 15


def test_the_recorder_sees_what_strace_sees(folder: Path, traceable: None) -> None:
    theirs, ours = store_boundaries.recorded_like_strace(folder)
    for call in ("write", "fsync", "fdatasync", "rename", "link", "mkdir", "ftruncate"):
        assert ours[call] == theirs[call], call
    assert ours["unlink"] + ours["rmdir"] == theirs["unlink"] + theirs["rmdir"]


def test_calls_that_only_look_change_nothing() -> None:
    assert not Call(1, "stat", "x").changes
    assert Call(1, "rename", "x").changes
