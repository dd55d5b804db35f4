"""Every step is on disk before the next begins."""

from __future__ import annotations

from typing import Any

from tests.support.fal_server import PNG, Call, FalServer, Reply
from tests.support.workshop import KEY, Workshop, on_disk

from mediatui.model import Phase, SaveState


def test_each_step_is_on_disk_when_the_next_request_arrives(fal: FalServer, shop: Workshop) -> None:
    seen: dict[str, Any] = {}

    def look(call: Call) -> Reply:
        found = seen.setdefault(fal.step(call), {})
        found["jobs"] = on_disk(shop.locations, "jobs")
        found["items"] = on_disk(shop.locations, "items")
        found["results"] = [p.read_bytes() for p in (shop.project_folder() / "results").glob("*.json")]
        return fal.good(call)

    fal.on |= dict.fromkeys(("submit", "status", "result", "file"), look)
    (job,), (item,) = shop.make(params={"seed": 3})

    sent = seen["submit"]["jobs"][job.id]
    assert (sent["phase"], sent["remote_id"]) == ("submitting", None)
    assert sent["inputs"] == fal.submits[0].json == {"prompt": "a fox", "seed": 3}

    polled = seen["status"]["jobs"][job.id]
    assert (polled["phase"], polled["remote_id"]) == ("queued", "r1")
    assert polled["urls"] == {k: v for k, v in fal.handle().items() if k.endswith("_url")}
    assert seen["result"]["results"] == []

    assert seen["file"]["results"] == [
        b'{"images": [{"url": "%s/files/a.png", "content_type": "image/png"}], "seed": 7}' % fal.url.encode()
    ]
    assert seen["file"]["jobs"][job.id]["phase"] == "succeeded"
    assert seen["file"]["items"][item.id]["save_state"] == "saving"
    assert seen["file"]["items"][item.id]["url"] == f"{fal.url}/files/a.png"

    assert (item.save_state, item.seed, item.width) == (SaveState.SAVED, 7, 1)
    assert shop.file(item) == PNG
    assert on_disk(shop.locations, "items")[item.id]["sha256"] == item.sha256
    assert shop.media_files() == [item.path.removeprefix("images/")] if item.path else False
    assert shop.part_files() == []


def test_outputs_are_recorded_unsaved_in_the_commit_that_ends_the_job(fal: FalServer, shop: Workshop) -> None:
    (job,), _ = shop.make()
    lines = (shop.project_folder() / "index.jsonl").read_text().splitlines()
    ends = [line for line in lines if '"phase":"succeeded"' in line]
    assert '"save_state":"unsaved"' in ends[0]
    assert job.phase is Phase.SUCCEEDED


def test_nothing_but_generate_ever_submits(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(404), Reply(404), None)
    (job,), (item,) = shop.make()
    assert item.save_state is SaveState.EXPIRED
    shop.studio.recheck([job.id]).result(20)
    shop.studio.retry([item.id]).result(20)
    shop.studio.save([item.id]).result(20)
    shop.studio.retry_all().result(20)
    assert shop.items()[0].save_state is SaveState.SAVED
    assert fal.count("submit") == 1


def test_the_key_goes_to_the_service_and_to_no_file_host(fal: FalServer, shop: Workshop) -> None:
    shop.make()
    assert {call.headers.get("authorization") for call in fal.of("submit") + fal.of("status") + fal.of("result")} == {
        f"Key {KEY}"
    }
    assert [call.headers.get("authorization") for call in fal.of("file")] == [None]


def test_the_key_is_in_no_file(fal: FalServer, shop: Workshop) -> None:
    fal.script("submit", Reply(401, {"detail": "No user found for Key ID and Secret"}))
    shop.make()
    root = shop.locations.data.parent
    assert [p for p in root.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()] == []
    assert KEY not in repr(shop.events)
