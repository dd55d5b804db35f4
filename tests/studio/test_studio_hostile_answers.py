"""Providers that answer strangely: what was paid for is found, or kept and asked for again; nothing is sent twice."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import PNG, Call, FalServer, Reply
from tests.support.workshop import SECONDS, Workshop

from mediatui.errors import ErrorKind
from mediatui.model import MediaItem, Phase, SaveState

HERE, B64 = "@/files/a.png", base64.b64encode(PNG).decode()


def image(url: str, **more: Any) -> bytes:
    return json.dumps({"image": {"url": url, **more}}).encode()


def made(fal: FalServer, shop: Workshop, result: bytes) -> list[MediaItem]:
    fal.script("result", Reply(body=result.replace(b"@/", f"{fal.url}/".encode())))
    (job,), items = shop.make()
    assert (job.phase, job.error, fal.count("submit")) == (Phase.SUCCEEDED, None, 1)
    return items


WHOLE: dict[str, bytes] = {
    "numbers that are none": b'{"image": {"url": "@/files/a.png", "width": NaN, "fps": Infinity}, "seed": NaN}',
    "a number of 5000 digits": b'{"image": {"url": "@/files/a.png"}, "seed": ' + b"9" * 5000 + b"}",
    "negative measures": image(HERE, width=-1, height=-1, fps=-24, duration=-5, file_size=-9),
    "nested 400 times": b'{"a":' * 400 + image(HERE) + b"}" * 400,
    "bytes that are no text": b'{"prompt": "\xff\xfe", "image": {"url": "@/files/a.png"}}',
    "a mark before the text": b"\xef\xbb\xbf" + image(HERE),
    "one file three times": json.dumps({"images": [{"url": HERE}, {"url": HERE}], "image": {"url": HERE}}).encode(),
    "the same name twice": image(HERE, file_name="x.png"),
    "a name that leads out": image(HERE, file_name="../../../etc/passwd\x00\x1b[31m"),
    "an address with spaces around": image(f"  {HERE}\n"),
    "a list of addresses": json.dumps({"image": {"url": [HERE]}}).encode(),
    "an envelope in an envelope": json.dumps({"response": {"response": {"images": [{"url": HERE}]}}}).encode(),
    "facts of wrong types": image(HERE, content_type=7, file_name={}, file_size="x", width="9", duration=True),
    "a hostile type": image(HERE, content_type="\x1b[31mimage/png\r\nX: y"),
    "no type anywhere": json.dumps({"out": {"url": "@/files/a.png?x"}}).encode(),
    "data": image(f"data:image/png;base64,{B64}"),
    "data in capitals": image(f"DATA:image/png;BASE64,{B64}"),
    "data without padding": image(f"data:image/png;base64,{B64.rstrip('=')}"),
    "data for addresses": image("data:image/png;base64," + B64.replace("+", "-").replace("/", "_")),
    "data in lines": image("data:image/png;base64," + "\n".join(B64[at : at + 20] for at in range(0, len(B64), 20))),
    "data in percents": image("data:image/png;base64," + B64.replace("+", "%2B").replace("/", "%2F")),
}


@pytest.mark.parametrize("result", WHOLE.values(), ids=WHOLE.keys())
def test_what_was_made_is_found(fal: FalServer, shop: Workshop, result: bytes) -> None:
    (item,) = made(fal, shop, result)
    assert (item.save_state, shop.file(item)) == (SaveState.SAVED, PNG)
    assert (item.path or "").startswith("images/AI-Image-")
    assert all(value is None or value > 0 for value in (item.width, item.height, item.fps, item.duration))
    assert item.seed is None or math.isfinite(item.seed)


def test_data_that_is_none_is_no_file(fal: FalServer, shop: Workshop) -> None:
    (item,) = made(fal, shop, image("data:image/png;base64,@@@@"))
    assert item.storage_error is not None
    assert (item.save_state, shop.media_files()) == (SaveState.UNSAVED, [])


BROKEN = {
    "cut": b'{"image": {"url": "@/files/a.png"}',
    "followed by more": b'{"image": {"url": "@/files/a.png"}} and more}',
    "a page": b"<html>502 Bad Gateway</html>",
    "nothing": b"",
}


@pytest.mark.parametrize("result", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_asked_for_again(fal: FalServer, shop: Workshop, result: bytes) -> None:
    fal.script("result", Reply(body=result), Reply(body=result), None)
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.SAVED)
    assert (fal.count("result"), fal.count("submit")) == (3, 1)


NOTHING = {
    "an object": b"{}",
    "null": b"null",
    "a text": b'"hello"',
    "other schemes": json.dumps({"a_url": "file:///etc/passwd", "b": {"url": "ftp://x/y"}}).encode(),
    "nested beyond reading": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("result", NOTHING.values(), ids=NOTHING.keys())
def test_an_answer_without_files_is_kept_and_can_be_asked_for_again(
    fal: FalServer, shop: Workshop, result: bytes
) -> None:
    fal.script("result", Reply(body=result))
    (job,), items = shop.make()
    assert (job.phase, items) == (Phase.SUCCEEDED, [])
    assert job.error is not None
    assert (shop.project_folder() / (job.result_path or "")).read_bytes() == result
    fal.script("result", None)
    shop.studio.recheck([job.id]).result(SECONDS)
    shop.until(shop.items)
    shop.until(lambda: shop.items()[0].save_state is SaveState.SAVED)
    assert (shop.job(job.id).error, fal.count("submit")) == (None, 1)
    assert (shop.project_folder() / f"results/{job.id}.json").read_bytes() == result


def test_the_words_of_an_error_that_came_as_a_result_are_shown(fal: FalServer, shop: Workshop) -> None:
    fal.script("result", Reply(body={"detail": "the partner is on holiday"}))
    (job,), _ = shop.make()
    assert job.error is not None
    assert "the partner is on holiday" in job.error.message


STATUSES: dict[str, bytes] = {
    "a negative place": b'{"status": "IN_QUEUE", "queue_position": -5}',
    "a place of 5000 digits": b'{"status": "IN_QUEUE", "queue_position": ' + b"9" * 5000 + b"}",
    "negative progress": b'{"status": "IN_PROGRESS", "progress": -4}',
    "progress that is no number": b'{"status": "IN_PROGRESS", "progress": NaN}',
    "endless progress": b'{"status": "IN_PROGRESS", "progress": 1e999}',
    "odd logs": b'{"status": "IN_PROGRESS", "logs": [1, null, {"message": 7}, {"message": "\\u001b]52;c;x\\u0007"}]}',
    "a list": b'{"status": ["COMPLETED"]}',
    "an unknown word": b'{"status": "DREAMING"}',
    "a text": b'"COMPLETED"',
    "nested beyond reading": b"[" * 100_000,
    "other addresses": b'{"status": "IN_PROGRESS", "response_url": "https://evil.example/x"}',
}


@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES.keys())
def test_an_odd_status_means_that_it_goes_on(fal: FalServer, shop: Workshop, status: bytes) -> None:
    fal.script("status", Reply(body=status), None)
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state, fal.count("submit")) == (Phase.SUCCEEDED, SaveState.SAVED, 1)


def test_errors_in_a_list_are_understood(fal: FalServer, shop: Workshop) -> None:
    errors = [{"msg": "not allowed here", "type": "content_policy_violation"}]
    fal.script("status", Reply(body={"status": "COMPLETED", "error": errors}))
    (job,), items = shop.make()
    assert (job.phase, items) == (Phase.FAILED, [])
    assert job.error is not None
    assert (job.error.kind, job.error.message) == (ErrorKind.POLICY, "not allowed here")


def handle(fal: FalServer, **more: Any) -> Reply:
    return Reply(body={**fal.handle(), **more})


HANDLES: dict[str, dict[str, Any]] = {
    "addresses elsewhere": {n: f"https://evil.example/{n}" for n in ("status_url", "response_url", "cancel_url")},
    "unencrypted": {"status_url": "http://queue.fal.run/x", "response_url": "http://queue.fal.run/y"},
    "files": {"status_url": "file:///etc/passwd", "response_url": "file:///etc/passwd"},
    "no texts": {"status_url": 7, "response_url": None, "cancel_url": []},
    "relative": {"status_url": "/x/requests/r1/status", "response_url": "requests/r1"},
    "with a user": {"status_url": "http://u:p@127.0.0.1:1/x", "response_url": "http://u:p@127.0.0.1:1/y"},
    "a negative place": {"queue_position": -7},
}


@pytest.mark.parametrize("changed", HANDLES.values(), ids=HANDLES.keys())
def test_a_handle_with_odd_addresses_is_followed_at_our_own(
    fal: FalServer, shop: Workshop, changed: dict[str, Any]
) -> None:
    fal.script("submit", handle(fal, **changed))
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state, fal.count("submit")) == (Phase.SUCCEEDED, SaveState.SAVED, 1)


@pytest.mark.parametrize(
    ("given", "read"),
    [(7, "7"), ("\x1b[31mr1\n", "[31mr1"), ("r" * 5000, "r" * 200), ("../../x?y#z", "../../x?y#z"), ("r1", "r1")],
)
def test_an_odd_id_is_kept_and_stays_a_part_of_its_address(
    fal: FalServer, shop: Workshop, given: Any, read: str
) -> None:
    fal.script("submit", Reply(body={"request_id": given}))
    (job,), (item,) = shop.make()
    assert (item.save_state, fal.count("submit"), job.remote_id is not None) == (SaveState.SAVED, 1, True)
    assert (job.remote_id or "").rstrip("…") in read
    assert all(call.path.startswith("/fal-ai/test/requests/") for call in (*fal.of("status"), *fal.of("result")))
    assert not any("/../" in call.path for call in fal.calls)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<html>", b'{"request_id": NaN}', b'{"request_id": ""}'])
def test_a_submit_without_a_handle_is_unknown_and_never_repeated(fal: FalServer, shop: Workshop, body: bytes) -> None:
    fal.script("submit", Reply(body=body))
    (job,) = shop.send()
    assert job.phase is Phase.UNKNOWN
    shop.studio.recheck([job.id]).result(SECONDS)
    assert (shop.job(job.id).phase, fal.count("submit")) == (Phase.UNKNOWN, 1)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_submit_is_never_redirected(fal: FalServer, shop: Workshop, status: int) -> None:
    fal.script("submit", Reply(status, b"", {"Location": f"{fal.url}/fal-ai/elsewhere"}))
    (job,) = shop.send()
    assert (job.phase, fal.count("submit")) == (Phase.FAILED, 1)


# -- when the queue has forgotten


def in_history(fal: FalServer, **more: Any) -> None:
    def answer(call: Call) -> Reply:
        output = {"images": [{"url": f"{fal.url}/files/a.png", "content_type": "image/png"}]}
        entry = {"request_id": "r1", "status_code": 200, "ended_at": "2026-11-20T10:00:00Z", "json_output": output}
        return Reply(body={"items": [{**entry, **more}], "has_more": False})

    fal.on["history"] = answer


@pytest.mark.parametrize("gone", [404, 410])
def test_a_result_that_the_queue_has_forgotten_is_read_from_the_history(
    fal: FalServer, shop: Workshop, gone: int
) -> None:
    fal.script("result", Reply(gone, {"status": "NOT_FOUND"}))
    in_history(fal)
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state) == (Phase.SUCCEEDED, SaveState.SAVED)
    (asked,) = fal.of("history")
    assert (asked.params["request_id"], asked.params["expand"], fal.count("submit")) == (["r1"], ["payloads"], 1)


@pytest.mark.parametrize("gone", [404, 410])
def test_a_request_that_the_queue_has_forgotten_is_read_from_the_history(
    fal: FalServer, opener: Opener, gone: int
) -> None:
    fal.script("status", Reply(gone, {"status": "NOT_FOUND"}))
    fal.script("result", Reply(gone, {"status": "NOT_FOUND"}))
    in_history(fal)
    (job,), (item,) = opener().make()
    assert (job.phase, item.save_state, fal.count("submit")) == (Phase.SUCCEEDED, SaveState.SAVED, 1)


def test_a_failure_in_the_history_is_told(fal: FalServer, shop: Workshop) -> None:
    fal.script("result", Reply(404))
    in_history(fal, status_code=422, json_output={"detail": [{"msg": "too dark", "type": "image_load_error"}]})
    (job,), items = shop.make()
    assert (job.phase, items, job.error and job.error.message) == (Phase.FAILED, [], "too dark")


def test_a_failure_that_only_the_history_knows_is_told_in_its_words(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", Reply(404))
    fal.script("result", Reply(404))
    in_history(fal, status_code=422, json_output={"detail": [{"msg": "too dark", "type": "image_load_error"}]})
    (job,), items = shop.make()
    assert (job.phase, items, job.error and job.error.message) == (Phase.FAILED, [], "too dark")


def test_a_request_is_not_given_up_while_nobody_can_be_asked_for_its_result(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", *[Reply(404)] * 6, None)
    fal.script("result", Reply(503), Reply(502), Reply(503), None)
    (job,), (item,) = shop.make()
    assert (job.phase, job.error, item.save_state) == (Phase.SUCCEEDED, None, SaveState.SAVED)
    assert (fal.count("submit"), fal.count("result")) == (1, 4)


def test_what_is_nowhere_is_lost_and_says_so(fal: FalServer, shop: Workshop) -> None:
    fal.script("status", Reply(404))
    fal.script("result", Reply(404))
    (job,), items = shop.make()
    assert (job.phase, items, fal.count("submit")) == (Phase.FAILED, [], 1)
    assert job.error is not None
    assert job.error.kind is ErrorKind.EXPIRED
