"""A request goes out once, whatever the service answers."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import Call, FalServer, Reply, fal_server
from tests.support.workshop import Workshop, on_disk, settings_for

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import Phase, SaveState
from mediatui.studio.making import Making
from mediatui.studio.requests import GenerateRequest

LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."}

AMBIGUOUS = {
    "dropped": Reply(drop=True),
    "dropped in the answer": Reply(body={"request_id": "r1"}, cut=5),
    "500": Reply(500, {"detail": "oops"}),
    "502 of an ingress": Reply(502, b"<html>nginx</html>", {"Content-Type": "text/html"}),
    "504": Reply(504, {"detail": "late", "error_type": "request_timeout"}),
    "408": Reply(408, {"detail": "late"}),
    "garbled": Reply(200, b"<html>fine</html>"),
    "without an id": Reply(200, {"status": "IN_QUEUE"}),
    "a list": Reply(200, []),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a lost request soon, and often."""
    monkeypatch.setattr("mediatui.studio.making.SEARCH_DELAYS", (0.01,) * 200)


@pytest.mark.parametrize("reply", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_without_a_clear_answer_a_job_is_unknown_and_never_sent_again(
    fal: FalServer, opener: Opener, reply: Reply
) -> None:
    shop = opener()
    fal.script("submit", reply)
    (job,), items = shop.make()
    assert (job.phase, items, job.remote_id) == (Phase.UNKNOWN, [], None)
    assert job.error is not None
    assert job.error.kind is ErrorKind.AMBIGUOUS_SUBMIT
    assert "may have been accepted and billed" in job.error.message
    assert [n.job_id for n in shop.notices] == [job.id]
    shop.studio.recheck([job.id]).result(20)
    shop.studio.stop(5)
    again = opener()
    again.studio.open_project("demo").result(20)
    again.until(lambda: fal.count("history") >= 2)
    assert again.job(job.id).phase is Phase.UNKNOWN
    assert fal.count("submit") == 1


def history(call: Call, fal: FalServer, *ids: str, sent: str | None = None) -> Reply:
    stamp = sent or datetime.now(UTC).isoformat().replace("+00:00", "Z")
    items = [{"request_id": i, "sent_at": stamp, "json_input": fal.submits[0].json} for i in ids]
    return Reply(body={"items": items, "has_more": False})


def test_a_lost_request_is_found_again_by_its_input(fal: FalServer, shop: Workshop, impatient: None) -> None:
    fal.script("submit", Reply(drop=True))
    fal.on["history"] = lambda call: history(call, fal, *(["r77"] if fal.count("history") > 2 else []))
    (job,) = shop.send()
    assert job.phase is Phase.UNKNOWN
    shop.until(lambda: shop.items() and shop.items()[0].save_state is SaveState.SAVED)
    found = shop.job(job.id)
    assert (found.phase, found.remote_id, found.error) == (Phase.SUCCEEDED, "r77", None)
    assert fal.count("submit") == 1
    assert "endpoint_id=fal-ai%2Ftest" in fal.of("history")[0].query


@pytest.mark.parametrize(
    ("ids", "sent"),
    [((), None), (("r8", "r9"), None), (("r8",), "2020-01-01T00:00:00Z"), (("r8",), "2099-01-01T00:00:00Z")],
)
def test_a_history_without_exactly_one_match_finds_nothing(
    fal: FalServer, shop: Workshop, ids: tuple[str, ...], sent: str | None
) -> None:
    fal.script("submit", Reply(drop=True))
    fal.on["history"] = lambda call: history(call, fal, *ids, sent=sent)
    (job,), _ = shop.make()
    assert shop.studio.recheck([job.id]).result(20)[0].phase is Phase.UNKNOWN
    assert fal.count("status") == 0


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (None, "shows no such request so far"),
        ([Reply(403, {"error": {"type": "authorization_error", "message": "needs the scope API"}})], "needs the scope"),
        (["r8", "r9"], "shows 2 requests like it"),
    ],
)
def test_what_came_of_looking_for_a_lost_request_is_said(
    fal: FalServer, shop: Workshop, reply: Any, words: str
) -> None:
    fal.script("submit", Reply(drop=True))
    if isinstance(reply, list):
        fal.on["history"] = lambda call: reply[0] if isinstance(reply[0], Reply) else history(call, fal, *reply)
    (job,), _ = shop.make()
    (asked,) = shop.studio.recheck([job.id]).result(20)
    assert (asked.phase, len(shop.notices), fal.count("submit")) == (Phase.UNKNOWN, 1, 1)
    assert asked.error is not None
    assert "may have been accepted and billed" in asked.error.message
    assert words in asked.error.hint


def test_lost_requests_that_are_alike_are_all_found_when_all_are_there(fal: FalServer, shop: Workshop) -> None:
    fal.script("submit", Reply(drop=True), Reply(drop=True))
    fal.on["history"] = lambda call: history(call, fal, *(["r8", "r9"] if fal.count("submit") == 2 else []))
    lost = [shop.make()[0][0].id for _ in range(2)]
    shop.studio.recheck(lost).result(20)
    ended = shop.studio.wait(lost).result(20)
    assert sorted((str(job.phase), job.remote_id) for job in ended) == [("succeeded", "r8"), ("succeeded", "r9")]
    assert fal.count("submit") == 2


def test_a_request_of_another_job_is_not_mistaken_for_the_lost_one(fal: FalServer, shop: Workshop) -> None:
    fal.script("submit", None, Reply(drop=True))
    fal.on["history"] = lambda call: history(call, fal, "r1", "r2")
    shop.make()
    (lost,), _ = shop.make()
    assert shop.studio.wait([lost.id]).result(20)[0].remote_id == "r2"
    assert fal.count("submit") == 2


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401, {"detail": "No user found for Key ID and Secret"}), ErrorKind.AUTH),
        (Reply(403, LOCKED), ErrorKind.BILLING),
        (Reply(402, {"detail": "pay"}), ErrorKind.BILLING),
    ],
)
def test_a_refused_key_or_an_empty_balance_stops_the_batch(
    fal: FalServer, opener: Opener, reply: Reply, kind: ErrorKind
) -> None:
    shop = opener(concurrent_submits=1)
    fal.script("submit", None, reply)
    jobs, _ = shop.make("fal-ai/one", "fal-ai/two", "fal-ai/three", "fal-ai/four")
    assert [job.phase for job in jobs] == [Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.CANCELLED]
    assert all(job.error is not None and job.error.kind is kind for job in jobs[1:])
    assert jobs[2].error is not None
    assert jobs[2].error.message.startswith("not sent: ")
    assert fal.count("submit") == 2
    assert len({job.batch for job in jobs}) == 1


def test_an_empty_balance_is_told_once_for_all_that_were_on_their_way(fal: FalServer, shop: Workshop) -> None:
    together = threading.Barrier(4)

    def refuse(call: Call) -> Reply:
        with suppress(threading.BrokenBarrierError):
            together.wait(2)
        return Reply(403, LOCKED)

    fal.on["submit"] = refuse
    jobs, _ = shop.make(*(f"fal-ai/{name}" for name in ("one", "two", "three", "four", "five", "six")))
    assert fal.count("submit") == 4
    assert [str(job.phase) for job in jobs].count("failed") == 4
    assert [notice.title for notice in shop.notices] == ["The account does not pay for it"]


def test_too_many_requests_are_offered_again_when_the_service_says_so(fal: FalServer, shop: Workshop) -> None:
    busy = Reply(429, {"detail": "slow down", "error_type": "concurrent_requests_limit"}, {"Retry-After": "0.01"})
    fal.script("submit", busy, busy, None)
    (job,), (item,) = shop.make()
    assert (job.phase, item.save_state, fal.count("submit")) == (Phase.SUCCEEDED, SaveState.SAVED, 3)


@pytest.mark.parametrize(("wait", "times"), [("0.01", 4), ("3600", 1)])
def test_a_service_that_stays_busy_fails_the_job(fal: FalServer, shop: Workshop, wait: str, times: int) -> None:
    fal.script("submit", Reply(429, {"detail": "slow down"}, {"Retry-After": wait}))
    (job,), _ = shop.make()
    assert job.phase is Phase.FAILED
    assert job.error is not None
    assert (job.error.kind, job.error.message) == (ErrorKind.RATE_LIMITED, "slow down")
    assert fal.count("submit") == times


def test_a_refused_prompt_fails_with_its_fields(fal: FalServer, shop: Workshop) -> None:
    detail = [{"loc": ["body", "duration"], "msg": "Input should be 5 or 10", "type": "enum", "input": "secret prompt"}]
    fal.script("submit", Reply(422, {"detail": detail}))
    (job,), _ = shop.make()
    assert job.phase is Phase.FAILED
    assert job.error is not None
    assert (job.error.kind, dict(job.error.fields)) == (
        ErrorKind.INVALID_INPUT,
        {"duration": "Input should be 5 or 10"},
    )
    assert "secret prompt" not in repr(job.error)


def test_nothing_was_sent_when_nobody_listens(fal: FalServer, opener: Opener) -> None:
    shop = opener()
    fal.close()
    (job,), _ = shop.make()
    assert job.phase is Phase.FAILED
    assert job.error is not None
    assert job.error.kind is ErrorKind.TRANSIENT
    assert job.error.message.endswith("nothing was sent")


@pytest.mark.parametrize(
    "model", ["../v1/keys", "fal-ai/x?fal_webhook=https://evil", "a b", "fal-ai/\x1b[31m", "", "%2e%2e/x"]
)
def test_what_is_no_model_id_is_never_sent(fal: FalServer, shop: Workshop, model: str) -> None:
    with suppress(UsageError):  # "no model was named"
        (job,), _ = shop.make(model)
        assert job.phase is Phase.FAILED
    assert fal.count("submit") == 0


def test_a_prompt_goes_where_the_schema_wants_it_and_shared_parameters_to_who_knows_them(
    fal: FalServer, shop: Workshop
) -> None:
    def schema(call: Call) -> Reply:
        if "speech" not in call.query:
            return Reply(404)
        fields: dict[str, Any] = {"text": {"type": "string"}, "voice": {"type": "string"}}
        document = {"components": {"schemas": {"SpeechInput": {"properties": fields}}}}
        return Reply(body={"models": [{"endpoint_id": "x", "openapi": document}]})

    fal.on["catalogue"] = schema
    shop.make(
        "fal-ai/speech",
        "fal-ai/test",
        prompt="hello",
        params={"seed": 5, "voice": "Rachel"},
        params_by_model={"fal-ai/speech": {"speed": 2}},
    )
    bodies = {call.path: call.json for call in fal.submits}
    assert bodies["/fal-ai/speech"] == {"text": "hello", "voice": "Rachel", "speed": 2}
    assert bodies["/fal-ai/test"] == {"prompt": "hello", "seed": 5, "voice": "Rachel"}


def test_each_submit_has_a_connection_of_its_own(fal: FalServer, shop: Workshop) -> None:
    """A kept connection may be closed by the server at the moment of sending; nobody could tell what it took."""
    shop.make()
    shop.make()
    assert fal.count("submit") == 2
    others = {call.port for call in fal.calls if fal.step(call) != "submit"}
    assert len({call.port for call in fal.submits} - others) == 2
    assert fal.of("status")[0].port == fal.of("result")[0].port


def test_a_watcher_leaves_alone_what_is_being_sent(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediatui.studio.studio.POLL_SECONDS", 0.01)
    monkeypatch.setattr("mediatui.studio.studio.TAKE_OVER_EVERY", 1)
    looks = 0
    resume = Making.resume

    async def counted(self: Making, *args: Any, **more: Any) -> None:
        nonlocal looks
        looks += 1
        await resume(self, *args, **more)

    monkeypatch.setattr(Making, "resume", counted)
    shop = opener(concurrent_submits=1)
    hold = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(fal.count("submit")), hold=hold)
    future = shop.studio.generate(GenerateRequest("x", ("fal-ai/a", "fal-ai/b"), "demo"))
    fal.wait_for("submit")
    before = looks
    shop.until(lambda: looks > before + 5)
    assert [j["phase"] for j in on_disk(shop.locations, "jobs").values()] == ["submitting", "draft"]
    hold.set()
    jobs = future.result(20)
    assert {job.phase for job in shop.studio.wait([j.id for j in jobs]).result(20)} == {Phase.SUCCEEDED}
    assert fal.count("submit") == 2


def test_a_job_waiting_for_its_turn_can_be_cancelled(fal: FalServer, opener: Opener) -> None:
    shop = opener(concurrent_submits=1)
    hold = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=hold)
    future = shop.studio.generate(GenerateRequest("x", ("fal-ai/a", "fal-ai/b"), "demo"))
    fal.wait_for("submit")
    waiting = next(j for j in shop.studio.jobs("demo") if j.phase is Phase.DRAFT)
    assert shop.studio.cancel(waiting.id).result(20) is True
    hold.set()
    assert {j.id: j.phase for j in future.result(20)}[waiting.id] is Phase.CANCELLED
    assert fal.count("submit") == 1


def test_a_port_that_nobody_answers_is_not_the_service(fal: FalServer, opener: Opener) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        shop = opener(providers=settings_for(f"http://127.0.0.1:{closed.getsockname()[1]}").providers)
        (job,), _ = shop.make()
    assert job.phase is Phase.FAILED
    assert fal.calls == []


def test_a_submit_that_gets_no_answer_in_time_is_unknown(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediatui.providers.fal_wire.TIMEOUT", httpx.Timeout(0.3))
    never = threading.Event()
    fal.on["submit"] = lambda call: Reply(body=fal.handle(), hold=never)
    (job,), _ = opener().make()
    never.set()
    assert job.phase is Phase.UNKNOWN
    assert job.error is not None
    assert "no answer in time" in job.error.message
    assert fal.count("submit") == 1


def test_the_second_domain_is_tried_only_when_nothing_was_sent(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fal_server() as first:
        backup = opener(providers=settings_for(first.url).providers)
        monkeypatch.setattr("mediatui.providers.fal_hosts.BACKUPS", {first.url: fal.url})
        first.script("submit", Reply(drop=True))
        (unknown,), _ = backup.make()
        assert (unknown.phase, fal.count("submit"), first.count("submit")) == (Phase.UNKNOWN, 0, 1)
    (job,), (item,) = backup.make()
    assert (job.phase, fal.count("submit")) == (Phase.SUCCEEDED, 1)
    assert item.save_state is SaveState.UNSAVED  # the first address was its media host


def test_nothing_is_sent_twice_by_many_windows_of_trouble(fal: FalServer, opener: Opener) -> None:
    """A batch of several models through a storm: each was asked for exactly once."""
    shop = opener()
    fal.script("status", Reply(503), Reply(drop=True), Reply(404), None)
    fal.script("result", Reply(504), Reply(200, b"<html>"), None)
    fal.script("file", Reply(503), Reply(drop=True), None)
    models = [f"fal-ai/m{n}" for n in range(6)]
    jobs, items = shop.make(*models)
    assert {job.phase for job in jobs} == {Phase.SUCCEEDED}
    assert {item.save_state for item in items} == {SaveState.SAVED}
    assert sorted(call.path for call in fal.submits) == [f"/{model}" for model in models]
    assert sorted(job.model for job in jobs) == models


def test_a_lost_request_found_by_hand_is_followed_at_once(fal: FalServer, shop: Workshop) -> None:
    """Although the search by itself sleeps for a long time."""
    fal.script("submit", Reply(drop=True))
    (job,), _ = shop.make()
    assert job.phase is Phase.UNKNOWN
    fal.on["history"] = lambda call: history(call, fal, "r5")
    assert shop.studio.recheck([job.id]).result(20)[0].remote_id == "r5"
    assert shop.studio.wait([job.id]).result(20)[0].phase is Phase.SUCCEEDED
    assert shop.items()[0].save_state is SaveState.SAVED
    assert fal.count("submit") == 1
