"""Asking for status and result until a job ended, through every fault on the way."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import FalServer, Reply
from tests.support.workshop import KEY, Workshop, on_disk

from mediatui.errors import ErrorKind
from mediatui.library.project import ProjectFolder
from mediatui.model import Phase, SavePolicy, SaveState
from mediatui.studio.events import JobProgress

QUEUED = Reply(202, {"status": "IN_QUEUE", "queue_position": 2})
RUNNING = Reply(202, {"status": "IN_PROGRESS", "logs": [{"message": "step 4/8  50%"}, {"nonsense": 1}, 5]})


def test_progress_is_told_with_position_and_fraction(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", QUEUED, RUNNING, None)
    (job,), _ = shop.make()
    told = [(e.phase, e.position, e.fraction, e.last_log) for e in shop.events if isinstance(e, JobProgress)]
    assert told == [
        (Phase.SUBMITTING, None, None, ""),
        (Phase.QUEUED, 2, None, ""),
        (Phase.RUNNING, None, 0.5, "step 4/8 50%"),
        (Phase.SUCCEEDED, None, 1.0, ""),
    ]
    progress = shop.studio.progress(job.id)
    assert progress is not None
    assert progress.phase is Phase.SUCCEEDED


GOOD_IN_THE_END: dict[str, tuple[Reply, ...]] = {
    "unknown words": (Reply(202, {"status": "WARMING_UP"}), Reply(202, {"status": "in_progress"})),
    "no logs, no position": (Reply(202, {"status": "IN_QUEUE"}), Reply(200, {"status": "IN_PROGRESS"})),
    "back into the queue": (QUEUED, RUNNING, QUEUED, RUNNING),
    "weird types": (Reply(200, {"status": "IN_QUEUE", "queue_position": "x", "logs": {"a": 1}}),),
    "a storm": (Reply(503), Reply(500, b"<html>"), Reply(502), Reply(drop=True), Reply(429), Reply(504)),
    "garbled": (Reply(200, b"<html>hello</html>"), Reply(200, []), Reply(200, {"status": 5})),
    "a network's login page": (Reply(302, b"", {"Location": "https://login.example/"}), Reply(307)),
    "lost for a moment": (Reply(404, {"status": "NOT_FOUND"}), Reply(404), Reply(404)),
}


@pytest.mark.parametrize("replies", GOOD_IN_THE_END.values(), ids=GOOD_IN_THE_END.keys())
def test_status_answers_that_change_nothing(fal: FalServer, shop: Workshop, replies: tuple[Reply, ...]) -> None:
    fal.script("status", *replies, None)
    (job,), (item,) = shop.make()
    assert (job.phase, job.error, item.save_state) == (Phase.SUCCEEDED, None, SaveState.SAVED)
    assert fal.count("status") == len(replies) + 1
    assert fal.count("submit") == 1


def test_trouble_that_lasts_is_said_on_the_job_and_taken_back(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", *[Reply(503, {"detail": "runners are busy"})] * 5, None)
    (job,), _ = shop.make()
    assert [n.message for n in shop.notices if n.job_id == job.id] == ["runners are busy"]
    assert job.error is None


@pytest.mark.parametrize(
    ("last", "said"),
    [(Reply(404, {"detail": "gone?"}), ErrorKind.TRANSIENT), (Reply(401, {"detail": "bad key"}), ErrorKind.AUTH)],
)
def test_trouble_is_taken_back_while_the_job_still_runs(
    fal: FalServer, shop: Workshop, last: Reply, said: ErrorKind
) -> None:
    """Whatever the last bad answer was, and whoever follows it by now."""
    running = Reply(202, {"status": "IN_PROGRESS"})
    fal.script("status", *[Reply(503, {"detail": "runners are busy"})] * 4, last, running)
    (job,) = shop.send()

    def is_said() -> bool:
        fault = shop.job(job.id).error
        return fault is not None and fault.kind is said

    def is_well() -> bool:
        shop.studio.follow([job.id])
        return (shop.job(job.id).phase, shop.job(job.id).error) == (Phase.RUNNING, None)

    shop.until(is_said)
    shop.until(is_well)


RESULTS: dict[str, tuple[Reply, ...]] = {
    "a network's login page": (Reply(302, b"", {"Location": "https://login.example/"}), Reply(307)),
    "still in progress": (Reply(400, {"detail": "Request is still in progress"}),),
    "504 once": (Reply(504, {"detail": "late", "error_type": "request_timeout"}),),
    "500 flat": (Reply(500, {"detail": "Internal Server Error"}),),
    "an ingress page with 200": (Reply(200, b"<html>ok</html>", {"Content-Type": "text/html"}),),
    "half an answer": (Reply(200, {"images": []}, cut=4),),
    "empty": (Reply(200, b""),),
}


@pytest.mark.parametrize("replies", RESULTS.values(), ids=RESULTS.keys())
def test_a_result_is_asked_for_until_it_is_there(fal: FalServer, shop: Workshop, replies: tuple[Reply, ...]) -> None:
    fal.script("result", *replies, None)
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state, fal.count("submit")) == (Phase.SUCCEEDED, SaveState.SAVED, 1)


MODEL_ERROR = [{"loc": ["body", "prompt"], "msg": "was refused", "type": "content_policy_violation", "ctx": {}}]
FAILURES: dict[str, tuple[Reply | None, Reply | None, ErrorKind, str]] = {
    "422 list": (None, Reply(422, {"detail": MODEL_ERROR}), ErrorKind.POLICY, "was refused"),
    "422 text": (None, Reply(422, {"detail": "no way"}), ErrorKind.INVALID_INPUT, "no way"),
    "model crashed": (
        None,
        Reply(500, {"detail": [{"msg": "boom", "type": "internal_server_error"}]}, {"X-Fal-Retryable": "0"}),
        ErrorKind.INTERNAL,
        "boom",
    ),
    "result gone": (None, Reply(404), ErrorKind.EXPIRED, "the provider no longer has the result of this request"),
    "completed with an error": (
        Reply(200, {"status": "COMPLETED", "error": "it broke", "error_type": "bad_request"}),
        None,
        ErrorKind.INVALID_INPUT,
        "it broke",
    ),
    "runner lost": (
        Reply(200, {"status": "COMPLETED", "error": "gone", "error_type": "runner_disconnected"}),
        None,
        ErrorKind.TRANSIENT,
        "gone",
    ),
    "only a code": (
        Reply(200, {"status": "COMPLETED", "error_type": "startup_timeout"}),
        None,
        ErrorKind.TRANSIENT,
        "startup_timeout",
    ),
    "failed, as some write": (Reply(200, {"status": "FAILED"}), None, ErrorKind.INVALID_INPUT, "the job failed"),
    "never heard of": (
        Reply(404, {"status": "NOT_FOUND"}),
        Reply(404),
        ErrorKind.EXPIRED,
        "no longer knows this request",
    ),
}


@pytest.mark.parametrize(("status", "result", "kind", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures_keep_the_provider_words(
    fal: FalServer, shop: Workshop, status: Reply | None, result: Reply | None, kind: ErrorKind, message: str
) -> None:
    fal.script("status", status)
    fal.script("result", result)
    (job,), items = shop.make()
    assert (job.phase, items) == (Phase.FAILED, [])
    assert job.error is not None
    assert job.error.kind is kind
    assert message in job.error.message
    assert fal.count("submit") == 1


def test_a_job_reported_failed_is_asked_about_again_and_its_result_kept(fal: FalServer, shop: Workshop) -> None:
    fal.script("result", Reply(422, {"detail": "a lie"}), None)
    (job,), _ = shop.make()
    assert job.phase is Phase.FAILED
    shop.studio.recheck([job.id]).result(20)
    (ended,) = shop.studio.wait([job.id]).result(20)
    assert (ended.phase, ended.error) == (Phase.SUCCEEDED, None)
    assert shop.items()[0].save_state is SaveState.SAVED
    assert fal.count("submit") == 1


@pytest.mark.parametrize("envelope", [False, True])
def test_raw_and_enveloped_results(fal: FalServer, shop: Workshop, envelope: bool) -> None:
    body = {"video": {"url": f"{fal.url}/files/a.png", "content_type": "video/mp4"}, "seed": 9}
    fal.script("result", Reply(body={"response": body, "status": "COMPLETED"} if envelope else body))
    _, (item,) = shop.make()
    assert (item.role, item.output_path, item.seed, item.save_state) == ("clip", "video", 9, SaveState.SAVED)
    assert (item.type, item.path and item.path[:7]) == ("image", "images/")  # its bytes say so


def test_a_result_without_media_is_kept_and_said(fal: FalServer, shop: Workshop) -> None:
    fal.script("result", Reply(body={"text": "hello", "file": {"url": f"{fal.url}/files/x.json"}}))
    (job,), items = shop.make()
    assert (job.phase, items) == (Phase.SUCCEEDED, [])
    assert job.error is not None
    assert "no picture, video or sound" in job.error.message
    assert job.result_path is not None
    assert json.loads((shop.project_folder() / job.result_path).read_bytes())["text"] == "hello"


FOREIGN = ["https://evil.example/steal", "http://127.0.0.1:1/x", "ftp://x/", "https://user:pw@evil.example/", "junk"]


@pytest.mark.parametrize("address", FOREIGN)
def test_the_key_never_follows_a_foreign_address(fal: FalServer, shop: Workshop, address: str) -> None:
    fal.script("submit", Reply(body={"request_id": "r1", "status_url": address, "response_url": address}))
    (job,), (item,) = shop.make()
    assert item.save_state is SaveState.SAVED
    assert fal.of("status")[0].path == "/fal-ai/test/requests/r1/status"
    assert job.urls["status_url"] == address


def test_addresses_are_rebuilt_from_owner_and_app_alone(fal: FalServer, shop: Workshop) -> None:
    fal.script("submit", Reply(body={"request_id": "r1"}))
    shop.make("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "workflows/me/flow/x", "12345-legacy")
    paths = {call.path for call in fal.of("status")}
    assert paths == {
        "/fal-ai/kling-video/requests/r1/status",
        "/workflows/me/flow/requests/r1/status",
        "/12345/legacy/requests/r1/status",
    }


def test_a_stored_address_keeps_its_own_query(fal: FalServer, shop: Workshop) -> None:
    handle = fal.handle() | {"status_url": f"{fal.url}/fal-ai/test/requests/r1/status?token=a%2Fb"}
    fal.script("submit", Reply(body=handle))
    shop.make()
    assert fal.of("status")[0].query == "token=a%2Fb&logs=1"


@pytest.mark.parametrize(("answer", "asked"), [(202, True), (400, False), (404, False)])
def test_cancelling_is_asked_for_and_followed_to_the_end(
    fal: FalServer, shop: Workshop, answer: int, asked: bool
) -> None:
    fal.script("cancel", Reply(answer, {"success": True}))
    done = threading.Event()
    ended = Reply(body={"status": "COMPLETED", "error": "stopped", "error_type": "client_cancelled"})
    fal.on["status"] = lambda call: ended if done.is_set() else RUNNING
    (job,) = shop.send()
    assert shop.studio.cancel(job.id).result(20) is asked
    assert shop.job(job.id).cancel_requested is asked
    done.set()
    assert shop.studio.wait([job.id]).result(20)[0].phase is Phase.CANCELLED
    assert [n for n in shop.notices if n.severity == "error"] == []


def test_a_job_that_finished_before_it_was_cancelled_keeps_its_result(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", Reply(body={"status": "CANCELLED"}))
    (job,), _ = shop.make()
    assert job.phase is Phase.CANCELLED
    shop.studio.recheck([job.id]).result(20)
    assert shop.job(job.id).phase is Phase.SUCCEEDED
    shop.until(lambda: shop.items()[0].save_state is SaveState.SAVED)


def test_a_key_that_stopped_working_leaves_the_job_as_it_was(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", Reply(401, {"detail": "bad key"}))
    (job,), _ = shop.make()
    assert job.phase is Phase.QUEUED
    assert job.error is not None
    assert job.error.kind is ErrorKind.AUTH
    fal.script("status", None)
    shop.studio.follow([job.id]).result(20)
    assert shop.studio.wait([job.id]).result(20)[0].phase is Phase.SUCCEEDED


def test_forty_outputs_of_one_result(fal: FalServer, shop: Workshop) -> None:
    fal.outputs = [f"/files/{n}/out.png" for n in range(40)]
    fal.files = {path: bytes(fal.files["/files/a.png"]) for path in fal.outputs}
    _, items = shop.make()
    assert {item.save_state for item in items} == {SaveState.SAVED}
    assert [item.output_path for item in items] == [f"images.{n}" for n in range(40)]
    assert len(set(shop.media_files())) == len({item.path for item in items}) == 40


def test_a_stored_answer_is_collected_without_asking(fal: FalServer, opener: Opener, tmp_path: Path) -> None:
    hold = threading.Event()
    fal.on["result"] = lambda call: Reply(body=fal.good(call).body, hold=hold)
    shop = opener()
    (job,) = shop.send()
    fal.wait_for("result")
    shop.studio.stop(5)
    project = shop.project_folder()
    stored = {"images": [{"url": f"{fal.url}/files/a.png"}]}
    (project / "results").mkdir(exist_ok=True)
    (project / "results" / f"{job.id}.json").write_text(json.dumps(stored))
    folder = ProjectFolder(project)
    folder.edit_job(job.id, lambda j: replace(j, result_path=f"results/{job.id}.json"))
    folder.close()
    before = fal.count("status")
    again = opener()
    again.until(lambda: again.items() and again.items()[0].save_state is SaveState.SAVED)
    assert (fal.count("status"), fal.count("submit")) == (before, 1)
    hold.set()


@pytest.mark.parametrize(
    ("policy", "state"), [(SavePolicy.ON_DEMAND, SaveState.UNSAVED), (SavePolicy.URL_ONLY, SaveState.URL_ONLY)]
)
def test_outputs_wait_when_the_policy_says_so(
    fal: FalServer, opener: Opener, policy: SavePolicy, state: SaveState
) -> None:
    shop = opener(save_policy=policy)
    (job,), (item,) = shop.make()
    assert (item.save_state, item.storage_error, fal.count("file")) == (state, None, 0)
    shop.studio.stop(5)
    again = opener(save_policy=policy)
    again.studio.open_project("demo").result(20)
    assert again.studio.wait([job.id]).result(20)[0].phase is Phase.SUCCEEDED
    assert fal.count("file") == 0
    assert again.studio.save([item.id]).result(20).saved == (item.id,)
    assert again.studio.save([item.id]).result(20).already == (item.id,)
    assert fal.count("file") == 1


def test_hostile_text_is_harmless_everywhere(fal: FalServer, shop: Workshop) -> None:
    nasty = "\x1b]52;c;aGk=\x07\u202e[red]x[/red]\r\n../../etc"
    body: dict[str, Any] = {
        "images": [{"url": f"{fal.url}/files/a.png", "file_name": nasty, "content_type": nasty}],
        "logs": nasty,
    }
    fal.script("status", Reply(202, {"status": "IN_PROGRESS", "logs": [{"message": nasty}]}), None)
    fal.script("result", Reply(body=body))
    (job,), (item,) = shop.make(prompt=nasty)
    assert item.save_state is SaveState.SAVED
    told = repr([*shop.events, item, job]) + json.dumps(on_disk(shop.locations, "items"))
    assert not any(c in told for c in ("\\x1b", "\\u001b", "\\u202e", "\x1b", "\u202e"))
    assert [p for p in shop.locations.data.parent.rglob("*") if "etc" in p.name] == []
    assert KEY not in told
