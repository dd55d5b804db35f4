"""Real small disks: full, read-only, closed to us. Items stay, say why, and are saved once that is over."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.disks import tmpfs
from tests.support.fal_server import BIG, PNG, FalServer, Reply, png
from tests.support.workshop import QUICK, Workshop, on_disk, places, settings_for

from mediatui.errors import SaveErrorKind, StorageError
from mediatui.library.library import Library
from mediatui.model import Phase, SavePolicy, SaveState
from mediatui.studio.records import Records
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.spill import Spill
from mediatui.studio.studio import Studio

LONG = "a fox " * 1500
"""A prompt that does not fit into the room a full disk has left at the end of a file's last page."""
LARGE = png(9, 1700)
"""Almost three megabytes."""


class Disk:
    """A small disk on which the data directory lies; the state directory is elsewhere."""

    def __init__(self, root: Path, data: Path) -> None:
        self.root, self.data = root, data
        self._ballast = data / "ballast"

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes."""
        found = os.statvfs(self.data)
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:  # somebody else took some of it
            file.write(bytes(max(0, found.f_bavail * found.f_frsize - leave)))
            file.write(bytes(0 if leave else 4096))

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    def read_only(self, on: bool) -> None:
        """Nothing can be opened for writing any more, or can again; what is open stays so."""
        if on:
            subprocess.run(["mount", "--bind", self.data, self.data], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", self.data], check=True)
        else:
            subprocess.run(["umount", "-l", self.data], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    data = tmp_path / "small" / "data"
    data.mkdir(parents=True)
    with tmpfs(data, "size=4m"):
        yield Disk(data.parent, data)


@pytest.fixture
def small(disk: Disk, opener: Opener) -> Workshop:
    shop = opener(disk.root)
    shop.studio.create_project("demo").result(20)
    return shop


def is_home(shop: Workshop) -> bool:
    """Nothing waits in the spill any more."""
    return not list(shop.locations.spill.glob("*.jsonl"))


def test_a_file_that_does_not_fit_is_not_begun(fal: FalServer, disk: Disk, small: Workshop) -> None:
    fal.files = {"/files/a.png": LARGE}
    disk.fill(leave=1 << 20)
    _, (item,) = small.make()
    assert item.save_state is SaveState.URL_ONLY
    assert item.storage_error is not None
    assert item.storage_error.kind is SaveErrorKind.FULL
    assert "needs 2.8 MB, there is room for" in item.storage_error.message
    assert small.part_files() == []
    small.until(lambda: [n.title for n in small.notices if n.item_id == item.id] == ["Not saved"], "one notice")
    assert small.studio.retry([item.id]).result(20).url_only == (item.id,)
    disk.free()
    assert small.studio.retry_all().result(20).saved == (item.id,)
    assert small.file(small.items()[0]) == LARGE
    assert fal.count("submit") == 1


def test_a_disk_that_fills_during_the_save(fal: FalServer, disk: Disk, small: Workshop) -> None:
    fal.files = {"/files/a.png": LARGE}
    go = threading.Event()
    fal.on["file"] = lambda call: Reply(body=LARGE, headers={"Content-Type": "image/png"}, hold_body=(400_000, go))
    (job,) = small.send()
    small.until(lambda: small.items() and small.studio.save_progress(small.items()[0].id))
    disk.fill()
    go.set()
    small.studio.wait([job.id]).result(20)
    item = small.items()[0]
    assert item.save_state is SaveState.URL_ONLY
    assert item.storage_error is not None
    assert item.storage_error.kind is SaveErrorKind.FULL
    assert "No space left on device" in item.storage_error.message
    assert (small.part_files(), small.media_files()) == ([], [])
    disk.free()
    fal.on.clear()
    assert small.studio.retry_all().result(20).saved == (item.id,)
    small.until(lambda: is_home(small))
    assert on_disk(small.locations, "items")[item.id]["save_state"] == "saved"


def test_a_disk_that_fills_at_the_record(fal: FalServer, disk: Disk, small: Workshop) -> None:
    """The handle, the answer, the items: each goes to the spill, is shown from there, and comes home."""
    go = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=go)
    future = small.studio.generate(GenerateRequest(LONG, ("fal-ai/test",), "demo"))
    fal.wait_for("submit")
    disk.fill()
    go.set()
    (job,) = future.result(20)
    assert job.phase is Phase.QUEUED
    assert not is_home(small)
    (ended,) = small.studio.wait([job.id]).result(20)
    (item,) = small.items()
    assert (ended.phase, ended.remote_id) == (Phase.SUCCEEDED, "r1")
    assert ended.result_path == f"results/{job.id}.json"
    assert (small.locations.spill / "demo" / f"{job.id}.json").exists()
    assert item.save_state is SaveState.URL_ONLY
    assert on_disk(small.locations, "jobs")[job.id]["phase"] == "submitting"
    disk.free()
    small.until(lambda: is_home(small))
    assert small.studio.retry_all().result(20).saved == (item.id,)
    home = small.job(job.id)
    assert home.result_path == f"results/{job.id}.json"
    assert (small.project_folder() / home.result_path).exists()
    assert on_disk(small.locations, "jobs")[job.id]["remote_id"] == "r1"
    assert not (small.locations.spill / "demo").exists()
    assert fal.count("submit") == 1


def test_what_was_spilled_survives_a_restart(fal: FalServer, disk: Disk, opener: Opener) -> None:
    shop = opener(disk.root, save_policy=SavePolicy.URL_ONLY)
    shop.studio.create_project("demo").result(20)
    go = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=go)
    future = shop.studio.generate(GenerateRequest(LONG, ("fal-ai/test",), "demo"))
    fal.wait_for("submit")
    disk.fill()
    go.set()
    jobs = future.result(20)
    shop.studio.wait([j.id for j in jobs]).result(20)
    shop.studio.stop(5)
    again = opener(disk.root)
    again.studio.open_project("demo").result(20)
    assert [i.save_state for i in again.items()] == [SaveState.URL_ONLY]
    disk.free()
    again.until(lambda: is_home(again))
    assert on_disk(again.locations, "jobs")[jobs[0].id]["phase"] == "succeeded"
    assert fal.count("submit") == 1


def test_a_generation_on_a_full_disk_is_refused_before_it_is_sent(fal: FalServer, disk: Disk, small: Workshop) -> None:
    disk.fill()
    with pytest.raises(StorageError) as caught:
        small.send(prompt=LONG)
    assert "No space left on device" in caught.value.message
    assert caught.value.hint
    assert fal.count("submit") == 0
    disk.free()
    jobs, _ = small.make()
    assert jobs[0].phase is Phase.SUCCEEDED


def test_a_disk_that_fills_between_record_and_sending_sends_nothing(fal: FalServer, disk: Disk, opener: Opener) -> None:
    shop = opener(disk.root, concurrent_submits=1)
    shop.studio.create_project("demo").result(20)
    go = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=go)
    future = shop.studio.generate(GenerateRequest(LONG, ("fal-ai/one", "fal-ai/two"), "demo"))
    fal.wait_for("submit")
    disk.fill()
    go.set()
    first, second = future.result(20)
    assert first.phase is not Phase.FAILED
    assert second.phase is Phase.FAILED
    assert second.error is not None
    assert "No space left" in second.error.message
    assert fal.count("submit") == 1


def test_a_read_only_disk(fal: FalServer, disk: Disk, opener: Opener) -> None:
    shop = opener(disk.root, save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    disk.read_only(True)
    report = shop.studio.save([item.id]).result(20)
    assert report.url_only == (item.id,)
    held = shop.items()[0]
    assert held.storage_error is not None
    assert held.storage_error.kind is SaveErrorKind.READ_ONLY
    disk.read_only(False)
    assert shop.studio.retry_all().result(20).saved == (item.id,)
    assert shop.file(shop.items()[0]) == PNG
    shop.until(lambda: is_home(shop))


def test_a_folder_we_may_not_write_to(fal: FalServer, opener: Opener, tmp_path: Path) -> None:
    """As a user who is not root: permissions mean something then."""
    with tempfile.TemporaryDirectory() as folder:
        code = f"from tests.studio.test_studio_disk import as_nobody; as_nobody({folder!r}, {fal.url!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    said = ["url-only permission", "could not write the download: Permission denied", "saved"]
    assert done.stdout.splitlines() == said
    assert fal.count("submit") == 2


def as_nobody(folder: str, url: str) -> None:
    """As somebody who is not root, save where we may not write, then where we may."""
    first, second = Path(folder, "root"), Path(folder, "nobody")
    for root, policy in ((first, SavePolicy.AUTOMATIC), (second, SavePolicy.ON_DEMAND)):
        studio = Studio(settings_for(url, save_policy=policy), places(root), QUICK)
        studio.start()
        jobs = studio.generate(GenerateRequest("a fox", ("fal-ai/test",), "demo")).result(20)
        studio.wait([job.id for job in jobs]).result(20)
        studio.stop(5)
    parts = places(second).projects / "demo" / "parts"
    parts.mkdir(exist_ok=True)
    parts.chmod(0o555)
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "nobody", folder], check=True)
        os.setuid(65534)
    studio = Studio(settings_for(url), places(second), QUICK)
    studio.start(follow=False)
    studio.open_project("demo").result(20)
    (item,) = studio.items("demo")
    studio.save([item.id]).result(20)
    (item,) = studio.items("demo")
    assert item.storage_error is not None
    print(item.save_state, item.storage_error.kind)
    print(item.storage_error.message)
    parts.chmod(0o755)
    studio.retry_all().result(20)
    print(studio.items("demo")[0].save_state)
    studio.stop()


def test_a_file_too_large_for_the_file_system(fal: FalServer, opener: Opener) -> None:
    """A limit on the size of files, as FAT has one; it holds for the whole process."""
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    fal.files = {"/files/a.png": BIG}
    _, (item,) = shop.make()
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, before[1]))
    try:
        assert shop.studio.save([item.id]).result(20).url_only == (item.id,)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    held = shop.items()[0]
    assert held.storage_error is not None
    assert held.storage_error.kind is SaveErrorKind.TOO_LARGE
    assert shop.studio.retry_all().result(20).saved == (item.id,)


def test_a_spilled_record_never_overwrites_a_newer_one(fal: FalServer, disk: Disk, opener: Opener) -> None:
    shop = opener(disk.root, save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    shop.studio.stop(5)
    Spill(shop.locations.spill).add("demo", [replace(item, save_state=SaveState.UNSAVED, prompt="old")], [])
    late = opener(disk.root)
    other = Library(shop.locations)
    records = Records(other, shop.locations.spill, lambda change: None)
    late.until(lambda: is_home(late))
    late.studio.open_project("demo").result(20)
    assert late.studio.save([item.id]).result(20).saved == (item.id,)
    assert records.waiting() == 1  # what it read when it began
    assert records.bring_home()
    found = records.find_item(other.open("demo"), item.id)
    assert found is not None
    assert found.save_state is SaveState.SAVED
    other.close()


def test_a_torn_line_in_the_spill_costs_nothing_else(tmp_path: Path, opener: Opener, fal: FalServer) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    spill = Spill(tmp_path / "spill")
    spill.add("demo", [item], [])
    file = tmp_path / "spill" / "demo.jsonl"
    file.write_bytes(file.read_bytes() + b'deadbeef {"items": [')
    spill.add("demo", [replace(item, id="other-0")], [])
    assert set(spill.read("demo").items) == {item.id, "other-0"}
