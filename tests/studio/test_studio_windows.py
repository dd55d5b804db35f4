"""Several windows on one data directory, and windows that end in every way."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, PNG, FalServer, Reply
from tests.support.workshop import SECONDS, Workshop, on_disk, open_with, places

from mediatui.errors import MediatuiError
from mediatui.library.files import part_path
from mediatui.model import Phase, SavePolicy, SaveState
from mediatui.selftest.disk import start
from mediatui.settings import Settings
from mediatui.studio.events import Event, LibraryChanged
from mediatui.studio.requests import GenerateRequest

RUNNING = Reply(202, {"status": "IN_PROGRESS"})


@pytest.fixture(autouse=True)
def quick_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for other windows often."""
    monkeypatch.setattr("mediatui.studio.studio.POLL_SECONDS", 0.05)


@pytest.fixture
def child(fal: FalServer, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another window, in a process of its own, that has begun a generation."""
    command = [sys.executable, "-m", "tests.support.kill_child", str(tmp_path), "fal", fal.url, "make"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def both_saved(shop: Workshop) -> bool:
    return [item.save_state for item in shop.items()] == [SaveState.SAVED] * 2


def test_two_windows_see_what_both_make(fal: FalServer, opener: Opener) -> None:
    one, two = opener(), opener()
    one.studio.create_project("demo").result(20)
    jobs = one.send() + two.send()
    for shop in (one, two):
        shop.studio.open_project("demo").result(20)
        ended = shop.studio.wait([job.id for job in jobs]).result(20)
        assert {job.phase for job in ended} == {Phase.SUCCEEDED}
        shop.until(partial(both_saved, shop))
    assert (fal.count("submit"), fal.count("file")) == (2, 2)
    assert len(one.media_files()) == 2


def test_waiting_for_a_job_of_another_window(fal: FalServer, opener: Opener) -> None:
    done, go = threading.Event(), threading.Event()
    fal.on["status"] = lambda call: fal.good(call) if done.is_set() else RUNNING
    fal.on["file"] = lambda call: Reply(body=BIG, headers={"Content-Type": "image/png"}, hold_body=(9, go))
    one, two = opener(), opener()
    (job,) = one.send()
    future = two.studio.wait([job.id])
    two.until(lambda: two.studio.find_job(job.id))
    done.set()
    fal.wait_for("file")
    assert not future.done()
    go.set()
    assert future.result(20)[0].phase is Phase.SUCCEEDED
    assert [i.save_state for i in two.items()] == [SaveState.SAVED]
    assert (fal.count("submit"), fal.count("file")) == (1, 1)
    assert two.job(job.id).owner == one.job(job.id).owner


def test_both_asked_to_save_one_item_save_it_once(fal: FalServer, opener: Opener) -> None:
    one, two = (opener(save_policy=SavePolicy.ON_DEMAND) for _ in range(2))
    _, (item,) = one.make()
    two.studio.open_project("demo").result(20)
    go = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers={"Content-Type": "image/png"}, hold_body=(9, go))
    first = one.studio.save([item.id])
    fal.wait_for("file")
    assert two.studio.save([item.id]).result(20).elsewhere == (item.id,)
    go.set()
    assert first.result(20).saved == (item.id,)
    assert two.studio.save([item.id]).result(20).already == (item.id,)
    assert (fal.count("file"), len(one.media_files())) == (1, 1)


def test_the_jobs_of_a_killed_window_are_taken_over(
    fal: FalServer, opener: Opener, child: subprocess.Popen[str]
) -> None:
    done = threading.Event()
    fal.on["status"] = lambda call: fal.good(call) if done.is_set() else RUNNING
    fal.wait_for("status", 2)
    shop = opener()
    shop.studio.open_project("demo").result(20)
    (job,) = shop.studio.jobs("demo")
    owner = job.owner
    shop.until(lambda: fal.count("status") > 8)
    assert shop.job(job.id).owner == owner
    child.kill()
    child.wait()
    done.set()
    shop.until(lambda: shop.items() and shop.items()[0].save_state is SaveState.SAVED)
    assert shop.job(job.id).owner != owner
    assert (fal.count("submit"), len(shop.media_files())) == (1, 1)


def test_the_save_of_a_killed_window_is_taken_over(
    fal: FalServer, opener: Opener, child: subprocess.Popen[str]
) -> None:
    go = threading.Event()
    fal.files = {"/files/a.png": BIG}
    fal.on["file"] = lambda call: (
        Reply(body=BIG, headers={"Content-Type": "image/png"}, hold_body=(600_000, go))
        if fal.count("file") == 1
        else fal.good(call)
    )
    fal.wait_for("file")
    shop = opener()
    shop.studio.open_project("demo").result(20)
    assert [i.save_state for i in shop.items()] == [SaveState.SAVING]
    child.kill()
    child.wait()
    shop.until(lambda: shop.items()[0].save_state is SaveState.SAVED)
    assert shop.file(shop.items()[0]) == BIG
    assert (shop.part_files(), len(shop.media_files())) == ([], 1)


def test_what_another_window_saves_is_saved_here_when_that_one_is_killed(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its part file was held when the item's turn came; nobody holds it later, and nobody asks again."""
    monkeypatch.setattr("mediatui.studio.unattended.ELSEWHERE_SECONDS", 0.05)
    done = threading.Event()
    fal.on["status"] = lambda call: fal.good(call) if done.is_set() else RUNNING
    shop = opener()
    (job,) = shop.send()
    part = part_path(shop.project_folder(), f"{job.id}-0")
    part.parent.mkdir(exist_ok=True)
    holder = start("hold", part, feed=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done.set()
        log = shop.locations.log_file
        shop.until(lambda: log.exists() and '"elsewhere"' in log.read_text("utf-8"))
        assert [item.save_state for item in shop.items()] == [SaveState.UNSAVED]
        holder.kill()
    shop.until(lambda: [item.save_state for item in shop.items()] == [SaveState.SAVED])
    assert (fal.count("submit"), fal.count("file"), shop.part_files()) == (1, 1, [])


def test_an_interrupted_save_on_demand_goes_on_at_the_next_start(fal: FalServer, opener: Opener) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    never = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers={"Content-Type": "image/png"}, hold_body=(9, never))
    shop.studio.save([item.id])
    fal.wait_for("file")
    shop.studio.stop(0.1)
    assert on_disk(shop.locations, "items")[item.id]["save_state"] == "saving"
    never.set()
    fal.on.clear()
    again = opener(save_policy=SavePolicy.ON_DEMAND)
    again.until(lambda: again.items() and again.items()[0].save_state is SaveState.SAVED)
    assert again.file(again.items()[0]) == PNG


HANGS = ("submit", "status", "result", "file", "catalogue")


@pytest.mark.parametrize("step", HANGS)
def test_stopping_does_not_wait_for_a_network_that_hangs(fal: FalServer, opener: Opener, step: str) -> None:
    never = threading.Event()
    fal.on[step] = lambda call: Reply(body=fal.good(call).body, hold=never)
    shop = opener()
    future = shop.studio.generate(GenerateRequest("x", ("fal-ai/test",), "demo"))
    fal.wait_for(step)
    stopping = threading.Thread(target=shop.studio.stop, args=(0.3,), daemon=True)
    stopping.start()
    stopping.join(SECONDS)
    assert not stopping.is_alive()
    with pytest.raises(MediatuiError, match="stopped") if step in ("submit", "catalogue") else nullcontext():
        future.result(20)
    never.set()
    again = opener()
    fal.on.clear()
    again.studio.projects().result(20)
    submits = fal.count("submit")
    if step == "submit":
        (job,) = again.until(lambda: again.studio.jobs())
        again.until(lambda: again.job(job.id).phase is Phase.UNKNOWN)
    elif step != "catalogue":
        again.until(lambda: again.items() and again.items()[0].save_state is SaveState.SAVED)
    assert fal.count("submit") == submits == (0 if step == "catalogue" else 1)


def test_a_submit_on_its_way_gets_its_answer_written_down_at_stop(fal: FalServer, opener: Opener) -> None:
    go = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=go)
    shop = opener()
    shop.studio.generate(GenerateRequest("x", ("fal-ai/test",), "demo"))
    fal.wait_for("submit")
    stopping = threading.Thread(target=shop.studio.stop, args=(10.0,))
    stopping.start()
    go.set()
    stopping.join()
    (job,) = on_disk(shop.locations, "jobs").values()
    assert (job["phase"], job["remote_id"]) == ("queued", "r1")


def test_no_thread_keeps_the_process_alive(fal: FalServer, tmp_path: Path) -> None:
    """The program ends while a download hangs, even when nobody stops the studio."""
    never = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, hold=never)
    code = (
        "from tests.support.workshop import *; from mediatui.studio.requests import GenerateRequest; import sys;"
        "s = Studio(settings_for(sys.argv[1]), places(Path(sys.argv[2])), QUICK); s.start();"
        "s.generate(GenerateRequest('x', ('fal-ai/test',), 'demo')).result(20)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, fal.url, str(tmp_path)])
    fal.wait_for("submit")
    assert process.wait(20) == 0


def test_a_listener_that_fails_stops_nobody_else(fal: FalServer, shop: Workshop) -> None:
    def bad(event: Event) -> None:
        raise ValueError("a face fell over")

    shop.studio.subscribe(bad)
    jobs, _ = shop.make()
    assert jobs[0].phase is Phase.SUCCEEDED
    assert len([n for n in shop.notices if "ValueError" in n.message]) == 1
    assert "a face fell over" not in repr(shop.notices)
    assert any(isinstance(event, LibraryChanged) for event in shop.events)


def test_a_studio_that_stops_ends_what_its_sandbox_renders(tmp_path: Path) -> None:
    """However little time it is given: its thread goes on alone, and leaves no process, no socket and no lock."""
    others = set(threading.enumerate())
    shop = open_with(tmp_path, Settings(poll_seconds=0.05))
    shop.send("sandbox/text-to-video")
    names = {"mediatui-engine", "sandbox-render"}
    ours = shop.until(lambda: _of_names(names, set(threading.enumerate()) - others))
    shop.studio.stop(0.0)
    for thread in ours:
        thread.join()
    gc.collect()  # what is still open is a ResourceWarning, which is an error here
    assert list(shop.locations.sandbox.glob("owners/*")) == []


def _of_names(names: set[str], threads: set[threading.Thread]) -> list[threading.Thread]:
    """The threads of these names, once there is one of each."""
    found = [thread for thread in threads if thread.name in names]
    return found if len(found) == len(names) else []


def test_stopping_twice_and_asking_afterwards(fal: FalServer, tmp_path: Path, opener: Opener) -> None:
    shop = opener()
    shop.studio.stop(5)
    shop.studio.stop(5)
    with pytest.raises(MediatuiError, match="not running"):
        shop.studio.generate(GenerateRequest("x", ("m",), "demo"))
    assert list(places(tmp_path).instances.glob("*")) == []
