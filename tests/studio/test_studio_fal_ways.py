"""fal's other ways behind the real studio: direct answers, signed addresses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from tests.support.fal_server import PNG, Call, FalServer, Reply
from tests.support.workshop import KEY, QUICK, Workshop, on_disk, places, settings_for

from mediatui.errors import SaveErrorKind
from mediatui.model import Phase, SavePolicy, SaveState
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.outputs import MOST_OUTPUTS
from mediatui.studio.studio import Studio


@pytest.fixture
def direct(fal: FalServer, tmp_path: Path) -> Any:
    settings = settings_for(fal.url)
    options = {**settings.providers["fal"].options, "direct": ["fal-ai/test"]}
    provider = ProviderSettings("fal", Secret(KEY), options=options)
    shop = Workshop(
        Studio(Settings(poll_seconds=0.05, providers={"fal": provider}), places(tmp_path), QUICK), places(tmp_path)
    )
    shop.studio.start()
    yield shop
    shop.studio.stop(5.0)


def test_a_direct_answer_is_written_down_before_it_is_read(fal: FalServer, direct: Workshop) -> None:
    (job,), (item,) = direct.make()
    assert (job.phase, item.save_state, direct.file(item)) == (Phase.SUCCEEDED, SaveState.SAVED, PNG)
    assert (direct.project_folder() / (job.result_path or "")).is_file()
    assert (fal.count("run"), fal.count("submit"), fal.count("status")) == (1, 0, 0)


def test_a_direct_answer_that_makes_no_sense_is_kept(fal: FalServer, direct: Workshop) -> None:
    fal.script("run", Reply(200, b"\xff not json", {"x-fal-request-id": "d"}))
    (job,), items = direct.make()
    assert (job.phase, items, fal.count("run")) == (Phase.SUCCEEDED, [], 1)
    assert (direct.project_folder() / (job.result_path or "")).read_bytes() == b"\xff not json"


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"model_mesh": {"url": "/m.glb", "content_type": "model/gltf-binary"}}, "model_mesh"),
        ({"model_urls": {"fbx": {"url": "/m.FBX?x=1"}}, "archive_url": "/a.zip"}, "model_urls.fbx, archive_url"),
        ({"prompt": "x", "timings": {"inference": 1.0}}, ""),
    ],
)
def test_a_file_that_is_no_media_does_not_go_by_in_silence(
    fal: FalServer, shop: Workshop, others: dict[str, Any], named: str
) -> None:
    body = json.dumps({"preview": {"url": "/a.png"}, **others}).replace('"/', f'"{fal.url}/files/')
    fal.script("result", Reply(200, body.encode()))
    (job,), (item,) = shop.make()
    assert (job.phase, job.error, item.output_path, shop.file(item)) == (Phase.SUCCEEDED, None, "preview", PNG)
    told = [f"{notice.message} {notice.hint}" for notice in shop.notices]
    assert len(told) == bool(named)
    assert all(f"also holds {named}: " in words and str(job.result_path) in words for words in told)


@pytest.mark.parametrize("count", [MOST_OUTPUTS, MOST_OUTPUTS + 3])
def test_more_files_than_are_recorded_do_not_go_by_in_silence(fal: FalServer, shop: Workshop, count: int) -> None:
    images = [{"url": f"{fal.url}/files/{number}.png"} for number in range(count)]
    fal.script("result", Reply(200, {"images": images}))
    (job,), items = shop.make(save_policy=SavePolicy.ON_DEMAND)
    assert (job.phase, job.error, len(items)) == (Phase.SUCCEEDED, None, MOST_OUTPUTS)
    told = [f"{notice.message} {notice.hint}" for notice in shop.notices]
    assert len(told) == (count > MOST_OUTPUTS)
    assert all(f"{count} files, 3 more" in words and str(job.result_path) in words for words in told)


@pytest.mark.parametrize("refusal", [Reply(400, {"status": "ALREADY_COMPLETED"}), Reply(404, {"status": "NOT_FOUND"})])
def test_a_job_that_was_not_stopped_is_not_called_cancelled(fal: FalServer, shop: Workshop, refusal: Reply) -> None:
    fal.script("status", Reply(202, {"status": "IN_PROGRESS"}))
    fal.script("cancel", refusal)
    (job,) = shop.send()
    assert not shop.studio.cancel(job.id).result(20)
    assert not shop.job(job.id).cancel_requested
    gone = Reply(404, {"status": "NOT_FOUND"})
    fal.script("result", gone)
    fal.script("status", gone)
    (ended,) = shop.studio.wait([job.id]).result(20)
    assert ended.phase is Phase.FAILED
    assert ended.error is not None
    assert "no longer" in ended.error.message


LOCKED = Reply(403, {"detail": "User is locked. Reason: Exhausted balance."})


@pytest.mark.parametrize("step", ["status", "result"])
@pytest.mark.parametrize("refusal", [LOCKED, Reply(429, {"detail": "busy"}, {"Retry-After": "0"})])
def test_nobody_is_told_to_generate_again_what_was_taken(
    fal: FalServer, shop: Workshop, step: str, refusal: Reply
) -> None:
    fal.script(step, refusal)
    (job,) = shop.send()
    shop.until(lambda: shop.job(job.id).error is not None)
    noted = shop.job(job.id)
    assert noted.error is not None
    assert not noted.phase.ended
    assert "asked about again" in noted.error.hint
    assert "generate again" not in noted.error.hint
    assert all("generate again" not in notice.hint for notice in shop.notices)


def test_a_lost_direct_answer_is_found_by_its_id_and_never_sent_again(fal: FalServer, direct: Workshop) -> None:
    fal.script("run", Reply(body=b"{" + b" " * 9000, headers={"x-fal-request-id": "lost-7"}, cut=9))
    (job,) = direct.send()
    assert (job.phase, job.remote_id) == (Phase.UNKNOWN, "lost-7")
    assert on_disk(direct.locations, "jobs")[job.id]["remote_id"] == "lost-7"
    output = {"images": [{"url": f"{fal.url}/files/a.png", "content_type": "image/png"}]}
    entry = {"request_id": "lost-7", "ended_at": "2026-01-01T00:00:00Z", "status_code": 200, "json_output": output}
    fal.script("history", Reply(body={"items": [entry]}))
    direct.studio.recheck([job.id]).result(20)
    direct.studio.wait([job.id]).result(20)
    assert direct.job(job.id).phase is Phase.SUCCEEDED
    assert direct.file(direct.items()[0]) == PNG
    assert fal.count("run") == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_restricted_file_is_opened_by_a_signed_address_that_is_kept_nowhere(
    fal: FalServer, shop: Workshop, status: int
) -> None:
    def file(call: Call) -> Reply:
        return fal.good(call) if call.query == "identity=signed-secret" else Reply(status)

    def sign(call: Call) -> Reply:
        return Reply(body={"signed_url": f"{parse_qs(call.query)['url'][0]}?identity=signed-secret"})

    fal.on |= {"file": file, "sign": sign}
    _, (item,) = shop.make()
    assert (item.save_state, shop.file(item)) == (SaveState.SAVED, PNG)
    assert item.url == f"{fal.url}/files/a.png"
    assert (fal.count("sign"), fal.count("file"), len(fal.submits)) == (1, 2, 1)
    assert all("authorization" not in call.headers for call in fal.of("file"))
    shop.studio.stop(5.0)
    for path in (path for path in shop.locations.data.parent.rglob("*") if path.is_file()):
        assert b"signed-secret" not in path.read_bytes(), path


def test_a_signature_that_opens_nothing_is_asked_for_once(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(403))
    fal.on["sign"] = lambda call: Reply(body={"signed_url": f"{parse_qs(call.query)['url'][0]}?identity=x"})
    _, (item,) = shop.make()
    assert item.save_state is SaveState.EXPIRED
    assert item.storage_error is not None
    assert "answers 403" in item.storage_error.message
    assert fal.count("sign") == 2  # for the address, and for the same one as the result gives it again


def test_what_is_gone_for_good_is_not_signed(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(410))
    shop.make()
    assert fal.count("sign") == 0


def test_the_file_of_a_direct_answer_is_asked_for_in_the_history(fal: FalServer, direct: Workshop) -> None:
    fal.files = {"/files/moved.png": PNG}
    output = {"images": [{"url": f"{fal.url}/files/moved.png", "content_type": "image/png"}]}
    entry = {"request_id": "direct-1", "ended_at": "2026-01-01T00:00:00Z", "status_code": 200, "json_output": output}
    fal.script("history", Reply(body={"items": [entry]}))
    fal.script("result", Reply(404))
    _, (item,) = direct.make()
    assert (item.save_state, direct.file(item), fal.count("run")) == (SaveState.SAVED, PNG, 1)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "its address no longer opens, and it was answered directly, without an id to ask for it again"),
        (
            {"x-fal-request-id": "direct-1"},
            "its address no longer opens, and the provider no longer has the result of this request",
        ),
    ],
)
def test_what_a_direct_answer_cannot_be_asked_for_again_is_said(
    fal: FalServer, direct: Workshop, headers: dict[str, str], words: str
) -> None:
    good = fal.on_run
    fal.on["run"] = lambda call: Reply(body=good(call).body, headers=headers)
    fal.files = {}
    fal.script("result", Reply(404))
    _, (item,) = direct.make()
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.message, fal.count("run")) == (SaveState.EXPIRED, words, 1)


def test_an_address_that_cannot_be_asked_for_now_is_asked_for_later(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(404), None)
    fal.script("result", None, Reply(503), None)
    (_,), (item,) = shop.make()
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.kind) == (SaveState.UNSAVED, SaveErrorKind.SERVER)
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert fal.count("submit") == 1


def test_an_answer_that_was_lost_from_the_disk_is_asked_for_again(fal: FalServer, shop: Workshop) -> None:
    (job,), _ = shop.make()
    kept = shop.project_folder() / (job.result_path or "")
    whole = kept.read_bytes()
    kept.unlink()
    shop.studio.recheck([job.id]).result(20)
    assert (kept.read_bytes(), len(shop.items()), fal.count("submit")) == (whole, 1, 1)
