"""What one window put into the spill, and another one takes over."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from tests.studio.conftest import Opener
from tests.studio.test_studio_disk import LONG, Disk, disk, is_home
from tests.support.disks import tmpfs
from tests.support.fal_server import FalServer, Reply
from tests.support.workshop import Workshop, on_disk

from mediatui.errors import StorageError
from mediatui.model import Job, MediaItem, Phase, SavePolicy, SaveState
from mediatui.studio.spill import Spill, Waiting

__all__ = ["disk"]


@pytest.fixture(autouse=True)
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for other windows often."""
    monkeypatch.setattr("mediatui.studio.studio.POLL_SECONDS", 0.05)


@pytest.mark.parametrize("room", [True, False], ids=["with room again", "the disk still full"])
def test_a_handle_that_a_killed_window_spilled_is_followed_by_the_one_that_runs(
    fal: FalServer, disk: Disk, opener: Opener, room: bool
) -> None:
    go, done = threading.Event(), threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=go)
    fal.on["status"] = lambda call: fal.good(call) if done.is_set() else Reply(202, {"status": "IN_PROGRESS"})
    shop = opener(disk.root)
    phases: set[Phase] = set()
    command = [sys.executable, "-m", "tests.support.kill_child", str(disk.root), "fal", fal.url, "make", LONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        fal.wait_for("submit")
        shop.studio.open_project("demo").result(20)
        disk.fill()
        go.set()
        fal.wait_for("status")
        assert not is_home(shop)
        shop.until(lambda: [job.remote_id for job in shop.studio.jobs("demo")] == ["r1"])
        (owner,) = [job.owner for job in shop.studio.jobs("demo")]
        child.kill()
    if room:
        disk.free()

    def taken_over() -> bool:
        (job,) = shop.studio.jobs("demo")
        phases.add(job.phase)
        return job.owner != owner and fal.count("status") > 1

    shop.until(taken_over)
    if not room:
        disk.free()
    done.set()
    shop.until(lambda: [item.save_state for item in shop.items()] == [SaveState.SAVED])
    shop.until(lambda: is_home(shop))
    assert phases <= {Phase.QUEUED, Phase.RUNNING}
    assert [job["remote_id"] for job in on_disk(shop.locations, "jobs").values()] == ["r1"]
    assert fal.count("submit") == 1


@pytest.fixture
def made(opener: Opener) -> tuple[Workshop, Job, MediaItem]:
    """A studio, a finished job and its item, which waits to be saved."""
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    (job,), (item,) = shop.make()
    return shop, job, item


def test_a_spill_that_cannot_be_read_is_not_thrown_away(
    made: tuple[Workshop, Job, MediaItem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, job, _ = made
    spill = Spill(tmp_path / "spill")
    spill.add("demo", [], [job])
    file, taken = tmp_path / "spill" / "demo.jsonl", list[Waiting]()
    kept = file.rename(tmp_path / "kept")
    file.mkdir()  # as good as a file of somebody else: reading it fails
    with pytest.raises(StorageError):
        spill.drain("demo", taken.append)
    file.rmdir()
    kept.rename(file)
    spill.drain("demo", taken.append)
    assert [set(each.jobs) for each in taken] == [{job.id}]
    assert not file.exists()


def test_lines_that_nobody_can_read_stay_when_the_rest_has_come_home(
    made: tuple[Workshop, Job, MediaItem], tmp_path: Path
) -> None:
    """A later version may have written them."""
    _, job, _ = made
    spill, taken = Spill(tmp_path / "spill"), list[Waiting]()
    spill.add("demo", [], [job])
    file = tmp_path / "spill" / "demo.jsonl"
    body = b'{"items": "of another shape", "jobs": []}'
    foreign = b"%08x %s\n" % (crc32(body), body)
    file.write_bytes(file.read_bytes() + foreign)
    spill.drain("demo", taken.append)
    assert [set(each.jobs) for each in taken] == [{job.id}]
    assert not spill.holds("demo")
    (left,) = (tmp_path / "spill").glob("demo.*")
    assert foreign in left.read_bytes()


def test_what_came_home_does_not_come_again_from_a_spill_that_cannot_be_emptied(
    made: tuple[Workshop, Job, MediaItem], tmp_path: Path
) -> None:
    """The state folder is read-only by now; the project's disk takes records again."""
    _, job, item = made
    folder, taken = tmp_path / "spill", list[Waiting]()
    folder.mkdir()
    with tmpfs(folder, "size=1m"):
        spill = Spill(folder)
        spill.add("demo", [], [job])
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        for _ in range(2):
            spill.drain("demo", taken.append)
        assert len(taken) == 1
        assert (spill.holds("demo"), spill.projects(), spill.read("demo").jobs) == (False, (), {})
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        spill.add("demo", [item], [])
        assert spill.projects() == ("demo",)
        spill.drain("demo", taken.append)
        assert [(set(each.jobs), set(each.items)) for each in taken] == [({job.id}, set()), (set(), {item.id})]
        assert not list(folder.glob("demo*"))


def test_a_save_that_no_disk_could_record_is_tried_again_by_itself(
    fal: FalServer, tmp_path: Path, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project and the state folder lie on one disk, and that was full."""
    monkeypatch.setattr("mediatui.studio.unattended.UNRECORDED_SECONDS", 0.05)
    root, go = tmp_path / "one", threading.Event()
    (root / "data").mkdir(parents=True)
    fal.on["file"] = lambda call: replace(fal.good(call), hold=go)
    with tmpfs(root, "size=4m"):
        disk, shop = Disk(root, root), opener(root)
        shop.send(prompt=LONG)
        fal.wait_for("file")
        disk.fill()
        go.set()
        shop.until(lambda: [notice.title for notice in shop.notices])
        assert [item.save_state for item in shop.items()] == [SaveState.SAVING]
        disk.free()
        shop.until(lambda: [item.save_state for item in shop.items()] == [SaveState.SAVED])
        shop.studio.stop(5)
    assert fal.count("submit") == 1
