"""What fal's provider makes of results: when they are believed, what they hold, where a known request is found."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.fal_server import JPEG, PNG, FalServer, Reply

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.base import Delivery
from mediatui.providers.fal import FalProvider
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_options import FalOptions
from mediatui.providers.fal_result import VERDICT_TIMES, WORDS_TIMES
from mediatui.settings import Secret

CDN = "https://v3b.fal.media/files/b/0a8b/x"
VERDICT = {"detail": [{"loc": ["body"], "msg": "took too long", "type": "generation_timeout"}]}
WORDS = {"detail": "Internal Server Error"}
PAGE = Reply(502, b"<html>nginx</html>", {"Content-Type": "text/html"})


@pytest.fixture
async def provider(fal: FalServer) -> AsyncIterator[FalProvider]:
    provider = FalProvider(FalHosts(queue=fal.url, run=fal.url, api=f"{fal.url}/v1", upload=fal.url), Secret("i:s"))
    yield provider
    await provider.aclose()


def job(**changes: Any) -> Job:
    known = {"id": "j", "project": "p", "provider": "fal", "model": "fal-ai/test", "prompt": "x", "remote_id": "r1"}
    return Job(**{**known, **changes})


async def heard(provider: FalProvider, times: int, asked: Job | None = None) -> list[ErrorKind]:
    """The kinds of error that so many questions for a result bring."""
    kinds = []
    for _ in range(times):
        with pytest.raises(ProviderError) as caught:
            await provider.result(asked or job())
        kinds.append(caught.value.kind)
    return kinds


@pytest.mark.parametrize(
    ("reply", "times", "words"),
    [
        (Reply(504, VERDICT), VERDICT_TIMES, "took too long"),
        (Reply(500, VERDICT, {"X-Fal-Retryable": "true"}), VERDICT_TIMES, "took too long"),
        (Reply(500, WORDS, {"X-FAL-NEEDS-RETRY": "0"}), VERDICT_TIMES, "Internal Server Error"),
        (Reply(500, WORDS), WORDS_TIMES, "Internal Server Error"),
    ],
)
async def test_a_failure_that_every_answer_tells_is_believed_in_the_end(
    fal: FalServer, provider: FalProvider, reply: Reply, times: int, words: str
) -> None:
    fal.script("result", reply)
    assert await heard(provider, times - 1) == [ErrorKind.TRANSIENT] * (times - 1)
    with pytest.raises(ProviderError, match=words) as caught:
        await provider.result(job())
    assert caught.value.kind is ErrorKind.INTERNAL
    assert "Ask again" in caught.value.hint


async def test_a_fault_on_the_way_is_never_believed(fal: FalServer, provider: FalProvider) -> None:
    fal.script("result", PAGE)
    assert set(await heard(provider, WORDS_TIMES + 3)) == {ErrorKind.TRANSIENT}
    fal.script("result", Reply(302, b"", {"Location": "https://login.example/"}))
    assert set(await heard(provider, WORDS_TIMES + 3)) == {ErrorKind.TRANSIENT}
    assert all(call.path.startswith("/fal-ai/test/requests/") for call in fal.calls)


async def test_another_answer_in_between_begins_the_count_anew(fal: FalServer, provider: FalProvider) -> None:
    bad = [Reply(504, VERDICT)] * (VERDICT_TIMES - 1)
    fal.script("result", *bad, Reply(500, WORDS), *bad, None)
    assert set(await heard(provider, 2 * len(bad) + 1)) == {ErrorKind.TRANSIENT}
    assert json.loads(await provider.result(job()))["seed"] == 7


async def test_jobs_are_counted_apart(fal: FalServer, provider: FalProvider) -> None:
    fal.script("result", Reply(504, VERDICT))
    kinds = [(await heard(provider, 1, job(id=f"j{n}")))[0] for n in range(VERDICT_TIMES + 2)]
    assert set(kinds) == {ErrorKind.TRANSIENT}


async def test_an_answer_that_stays_broken_is_kept_as_it_is(fal: FalServer, provider: FalProvider) -> None:
    fal.script("result", Reply(200, b'{"images": [{"url": "https'))
    assert await heard(provider, WORDS_TIMES - 1) == [ErrorKind.TRANSIENT] * (WORDS_TIMES - 1)
    assert await provider.result(job()) == b'{"images": [{"url": "https'


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("word", ["IN_PROGRESS", "IN_QUEUE"])
async def test_a_status_is_no_result(fal: FalServer, provider: FalProvider, status: int, word: str) -> None:
    fal.script("result", Reply(status, {"status": word, "request_id": "r1"}), None)
    assert await heard(provider, 1) == [ErrorKind.TRANSIENT]
    assert json.loads(await provider.result(job()))["seed"] == 7


@pytest.mark.parametrize("data", [PNG, JPEG], ids=["png", "jpeg"])
async def test_an_answer_may_be_the_file_itself(fal: FalServer, provider: FalProvider, data: bytes) -> None:
    fal.script("result", Reply(200, data, {"Content-Type": "application/octet-stream"}))
    raw = await provider.result(job())
    (output,) = provider.outputs(job(type=MediaType.VIDEO), raw)
    assert (output.data, output.type, output.delivery) == (data, MediaType.IMAGE, Delivery.INLINE)
    assert (output.path, output.role) == ("answer", "image")


def handle(fal: FalServer) -> dict[str, Any]:
    base = f"{fal.url}/fal-ai/test/requests/r1"
    return {"request_id": "r1", "status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}


PICTURE = {"images": [None, {"url": None}, {"url": f"{CDN}.png"}, 7, ""], "video": None}


@pytest.mark.parametrize(
    ("answer", "places"),
    [
        (PICTURE, ["images.2"]),
        ({"response": PICTURE, "status": "COMPLETED", "logs": None}, ["images.2"]),
        ({"response": [{"url": f"{CDN}.png"}]}, ["0"]),
        ({"response": {"response": PICTURE}}, ["response.images.2"]),
        ({"video": {"url": f"{CDN}.mp4"}, "response": {"id": "x"}}, ["video"]),
        ({"video": {"url": f"{CDN}.mp4"}, "response": {"poster": {"url": f"{CDN}.png"}}}, ["video", "response.poster"]),
        ({"response": "words", "image": {"url": f"{CDN}.png"}}, ["image"]),
        ({"video": f"{CDN}.mp4"}, ["video"]),
        ({"output": [f"{CDN}-without-a-type"]}, ["output.0"]),
        ({"output": "https://partner.example/a%20b.webm?x=y"}, ["output"]),
        ({"text": "see https://partner.example/a.png", "license": "https://partner.example/terms"}, []),
        ({"image": {"url": f"{CDN}.png"}, "license": f"{CDN}.txt"}, ["image"]),
        ({"video": f"{CDN}.mp4", "thumbnail_url": f"{CDN}.png"}, ["video", "thumbnail_url"]),
        ({"video": f"{CDN}.mp4", "thumbnail": {"url": f"{CDN}.png"}}, ["video", "thumbnail"]),
        (
            {"images": [f"{CDN}-1.png", f"{CDN}-2.png"], "video": {"url": f"{CDN}.mp4"}},
            ["images.0", "images.1", "video"],
        ),
        ({"videoUrl": f"{CDN}", "image": {"url": f"{CDN}.png"}}, ["videoUrl", "image"]),
        ({"video": f"{CDN}.mp4", "response": {"poster": {"url": f"{CDN}.png"}}}, ["video", "response.poster"]),
        ({"video": {"url": f"{CDN}.mp4"}, "videos": [{"url": f"{CDN}.mp4#t=0,4"}]}, ["video"]),
        ({"image": base64.b64encode(PNG).decode(), "thumbnail_url": f"{CDN}.png"}, ["image", "thumbnail_url"]),
    ],
)
@pytest.mark.parametrize("own", [False, True])
async def test_files_are_found_in_every_envelope_and_the_requests_own_addresses_are_none(
    fal: FalServer, provider: FalProvider, answer: dict[str, Any], places: list[str], own: bool
) -> None:
    raw = json.dumps({**handle(fal), **answer} if own else answer).encode()
    assert [output.path for output in provider.outputs(job(), raw)] == places


CUT = f'{{"input": "{CDN}in.png", "images": [{{"url": "{CDN}.png"}}, {{"url": "{CDN}-b.png"'.encode()


@pytest.mark.parametrize(
    ("raw", "urls"),
    [
        (CUT, [f"{CDN}.png", f"{CDN}-b.png"]),
        (CUT.replace(b"/", b"\\/"), [f"{CDN}.png", f"{CDN}-b.png"]),
        (b'{"a":' * 90_000 + f'"{CDN}.png"'.encode() + b"}" * 90_000, [f"{CDN}.png"]),
    ],
    ids=["cut", "cut and escaped", "too deep"],
)
async def test_addresses_in_an_answer_that_cannot_be_read_are_found(
    fal: FalServer, provider: FalProvider, raw: bytes, urls: list[str]
) -> None:
    sent = job(inputs={"image_url": f"{CDN}in.png"})
    assert [output.url for output in provider.outputs(sent, raw)] == urls


@pytest.mark.parametrize("raw", [b"", b'{"images": [', b'"https://partner.example/terms", [', b"\xff"])
async def test_an_answer_without_an_address_cannot_be_read(fal: FalServer, provider: FalProvider, raw: bytes) -> None:
    with pytest.raises(ProviderError, match="not JSON"):
        provider.outputs(job(), raw)


async def test_what_was_sent_is_no_output_in_an_envelope_either(fal: FalServer, provider: FalProvider) -> None:
    sent = job(inputs={"image_url": f"{CDN}.png"})
    answer = {"response": {"video": {"url": f"{CDN}.mp4"}}, "input": {"image_url": f" {CDN}.png "}}
    assert [output.path for output in provider.outputs(sent, json.dumps(answer).encode())] == ["video"]


# -- addresses from ids


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("fal-ai/flux-2-pro", "fal-ai/flux-2-pro"),
        ("fal-ai/wan-25-preview/text-to-video", "fal-ai/wan-25-preview"),
        ("workflows/me/flow-2-x/v1", "workflows/me/flow-2-x"),
        ("12345-name", "12345/name"),
        ("12345-name/part", "12345-name/part"),
    ],
)
async def test_a_rebuilt_address_names_the_model_that_was_asked(
    fal: FalServer, provider: FalProvider, model: str, place: str
) -> None:
    fal.script("submit", Reply(body={"request_id": "r1"}))
    sent = await provider.submit(job(model=model))
    assert sent.urls["status_url"] == f"{fal.url}/{place}/requests/r1/status"
    assert fal.submits[0].path == ("/12345/name" if model == "12345-name" else f"/{model}")


# -- a submit without an answer


@pytest.mark.parametrize(
    "reply",
    [
        Reply(409, {"detail": "conflict"}, {"x-fal-request-id": "r1"}),
        Reply(502, b"<html>", {"x-fal-request-id": "r1"}),
        Reply(200, {"request_id": "r1"}, {"x-fal-request-id": "r1"}, cut=3),
    ],
)
async def test_a_request_whose_id_was_seen_is_asked_for_at_the_queue(
    fal: FalServer, provider: FalProvider, reply: Reply
) -> None:
    fal.script("submit", reply)
    with pytest.raises(ProviderError) as caught:
        await provider.submit(job(remote_id=None))
    assert (caught.value.kind, getattr(caught.value, "remote_id", "")) == (ErrorKind.AMBIGUOUS_SUBMIT, "r1")
    fal.script("status", Reply(202, {"status": "IN_QUEUE"}))
    found = await provider.reconcile(job())
    assert found is not None
    assert (found.remote_id, found.phase, fal.count("history")) == ("r1", Phase.QUEUED, 0)
    fal.script("status", Reply(404, {"status": "NOT_FOUND"}))
    assert await provider.reconcile(job()) is None
    assert (fal.count("history"), fal.count("submit")) == (1, 1)


async def test_a_direct_request_has_no_place_in_the_queue(fal: FalServer) -> None:
    options = FalOptions(direct=frozenset({"fal-ai/test"}))
    provider = FalProvider(FalHosts(queue=fal.url, api=f"{fal.url}/v1"), Secret("i:s"), options=options)
    assert await provider.reconcile(job()) is None
    await provider.aclose()
    assert (fal.count("status"), fal.count("history")) == (0, 1)


@pytest.mark.parametrize("written", [False, True])
async def test_the_history_is_read_to_its_end(fal: FalServer, provider: FalProvider, written: bool) -> None:
    """The mark that there is more may be left out; what the service made of a data address does not matter."""
    sent = job(remote_id=None, inputs={"prompt": "x", "image_url": "data:image/png;base64,AA=="}, submitted_at=1.8e9)
    other = {"request_id": "r8", "sent_at": "2027-01-15T08:00:01Z", "json_input": {"prompt": "y"}}
    mine = {**other, "request_id": "r9", "json_input": {"prompt": "x", "image_url": f"{CDN}.png"}}
    mine["json_input"] = json.dumps(mine["json_input"]) if written else mine["json_input"]
    fal.script("history", Reply(body={"items": [other, None, 5], "next_cursor": "c"}), Reply(body={"items": [mine]}))
    found = await provider.reconcile(sent)
    assert found is not None
    assert found.remote_id == "r9"
    assert [call.params.get("cursor") for call in fal.of("history")] == [None, ["c"]]


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ({"sent_at": "2027-01-15T08:00:01Z"}, True),
        ({"sent_at": "2027-01-15T08:00:01"}, True),
        ({"sent_at": "2027-01-15T10:00:01.123456+02:00"}, True),
        ({"sent_at": None, "started_at": "2027-01-15T08:00:05Z"}, True),
        ({"sent_at": "soon", "ended_at": "2027-01-15T08:05:00Z"}, True),
        ({"sent_at": "2027-01-15T08:00:01+02:00"}, False),
        ({"sent_at": "2027-01-15T09:00:00Z"}, False),
        ({"sent_at": "9999-99-99"}, False),
        ({}, False),
    ],
)
async def test_a_lost_request_was_sent_when_it_was_sent(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch, times: dict[str, Any], found: bool
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        fal.script("history", Reply(body={"items": [{"request_id": "r9", "json_input": {"prompt": "x"}, **times}]}))
        lost = job(remote_id=None, inputs={"prompt": "x"}, submitted_at=1.8e9)
        assert (await provider.reconcile(lost) is not None) is found
    finally:
        monkeypatch.undo()
        time.tzset()
