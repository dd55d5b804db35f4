"""The shared client of plain JSON services, and how their errors are read."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.loopback import Call, LoopbackService, Reply
from tests.support.provider_jobs import BODIES, DOCUMENTS, check_outputs, refused

from mediatui.errors import ErrorKind
from mediatui.providers import exchange, http
from mediatui.providers.answers import epoch, find_media, is_address, log_lines, number, percent, percent_in, whole
from mediatui.providers.http import JsonClient, media_hosts
from mediatui.providers.problems import Service, error_from_answer, failure, read_problem, retry_after
from mediatui.settings import Secret
from mediatui.text import clean_text

SERVICE = Service("acme", "Acme", "ACME_KEY")


class Plain(LoopbackService):
    """Every call is the same step."""

    def step(self, call: Call) -> str:
        return "any"


@pytest.fixture
def server() -> Iterator[Plain]:
    with Plain() as running:
        yield running


@asynccontextmanager
async def client_of(*bases: str) -> AsyncIterator[JsonClient]:
    client = JsonClient(SERVICE, bases, Secret("key"), lambda key: {"X-Key": key})
    try:
        yield client
    finally:
        await client.aclose()


TRICKLING = {
    "the head": Reply(drip=threading.Event()),
    "the body": Reply(body=b"x" * 5000, trickle=1),
    "a body without an end": Reply(body=b"x" * 5000, trickle=1, until_close=True),
    "chunks": Reply(500, b"x" * 5000, trickle=1, chunked=True),
}


@pytest.mark.parametrize("reply", TRICKLING.values(), ids=TRICKLING.keys())
async def test_an_answer_that_trickles_in_is_given_up(
    server: Plain, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(0.2))
    server.script("any", reply)
    async with client_of(server.url) as client:
        with refused(ErrorKind.TRANSIENT) as found:
            await client.get(server.url, "asking")
        assert "no answer in time" in found[0].message
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await client.submit(server.url, {"prompt": "x"})
    assert len(server.calls) == 2


async def test_an_answer_that_takes_its_time_comes_whole(server: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes fast enough may take longer than a service may be silent."""
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(0.4))
    server.script("any", Reply(body={"a": "x" * 10_000}, trickle=200))
    async with client_of(server.url) as client:
        assert len((await client.get(server.url, "asking"))["a"]) == 10_000


async def test_a_bomb_is_refused_while_it_unpacks(server: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_BODY", 1 << 20)
    bomb = gzip.compress(bytes(64 << 20))
    server.script("any", Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    async with client_of(server.url) as client:
        with refused(ErrorKind.INTERNAL):
            await client.get(f"{server.url}/x", "asking")
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await client.submit(f"{server.url}/x", {})


async def test_a_long_answer_is_taken_as_long_as_it_is_no_bomb(server: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "MAX_UNPACKED", 1 << 20)
    body = json.dumps({"a": "x" * (2 << 20)}).encode()
    server.script("any", Reply(body=body))
    async with client_of(server.url) as client:
        assert (await client.submit(f"{server.url}/x", {})).body == body
        server.script("any", Reply(body=gzip.compress(body), headers={"Content-Encoding": "gzip"}))
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await client.submit(f"{server.url}/x", {})


async def test_a_proxy_that_opens_no_way_to_the_service_was_sent_nothing_for_it(
    server: Plain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers 501 to CONNECT."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    async with client_of("https://api.acme.example") as client:
        with refused(ErrorKind.TRANSIENT) as found:
            await client.submit("https://api.acme.example/x", {"prompt": "x"})
    assert "the proxy refused" in found[0].message
    assert "nothing was sent" in found[0].message
    assert server.calls == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b'{"id": "r1"}', headers={"Content-Length": "500"}, cut=12),
        Reply(raw=b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{"id": "r1"}\r\n'),
    ],
)
async def test_a_whole_object_is_the_answer_whatever_was_said_of_its_length(server: Plain, reply: Reply) -> None:
    server.script("any", reply)
    async with client_of(server.url) as client:
        assert (await client.submit(f"{server.url}/x", {})).document == {"id": "r1"}
        assert await client.get(f"{server.url}/x", "asking") == {"id": "r1"}
        server.script("any", Reply(body=b'{"id": "r1"}', cut=11))
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            await client.submit(f"{server.url}/x", {})
    assert server.count("any") == 3


@pytest.mark.parametrize(("status", "kind"), [(400, ErrorKind.INVALID_INPUT), (401, ErrorKind.AUTH)])
async def test_a_refusal_is_one_as_soon_as_its_status_is_here(server: Plain, status: int, kind: ErrorKind) -> None:
    server.script("any", Reply(status, {"error": {"message": "too long"}}, cut=15))
    async with client_of(server.url) as client:
        answer = await client.submit(f"{server.url}/x", {})
        with refused(kind) as found:
            client.check_submit(answer)
    assert str(status) in found[0].message


@pytest.mark.parametrize("status", [200, 408, 500, 502])
async def test_any_other_status_of_an_answer_that_broke_off_leaves_it_open(server: Plain, status: int) -> None:
    server.script("any", Reply(status, {"error": {"message": "too long"}}, cut=15))
    async with client_of(server.url) as client:
        with refused(ErrorKind.AMBIGUOUS_SUBMIT):
            client.check_submit(await client.submit(f"{server.url}/x", {}))


async def test_a_body_that_cannot_be_unpacked_is_transient(server: Plain) -> None:
    server.script("any", Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}))
    async with client_of(server.url) as client:
        with refused(ErrorKind.TRANSIENT):
            await client.get(f"{server.url}/x", "asking")


async def test_an_addresss_own_query_stays(server: Plain) -> None:
    server.script("any", Reply(body={"a": 1}))
    async with client_of(server.url) as client:
        assert await client.get(f"{server.url}/x?cursor=1", "asking", {"page": "2"}) == {"a": 1}
    assert server.calls[0].params == {"cursor": ["1"], "page": ["2"]}
    assert server.calls[0].headers["x-key"] == "key"


async def test_the_key_stays_with_its_origins(server: Plain) -> None:
    server.script("any", Reply(body={"a": 1}))
    async with client_of("https://api.acme.example/v1") as client:
        assert client.auth_headers("https://api.acme.example:443/other") == {"X-Key": "key"}
        for foreign in (
            "http://api.acme.example/v1",
            "https://api.acme.example:444/v1",
            "https://api.acme.example.evil.example/v1",
            "https://api.acme.example@evil.example/v1",
            "https://[bad",
            "//api.acme.example/v1",
        ):
            assert client.auth_headers(foreign) == {}
        await client.get(f"{server.url}/x", "asking")
    assert "x-key" not in server.calls[0].headers


async def test_an_address_that_is_none_is_transient_and_nothing_is_sent() -> None:
    async with client_of("https://api.acme.example") as client:
        with refused(ErrorKind.TRANSIENT):
            await client.get("http://[bad", "asking")
        with refused(ErrorKind.TRANSIENT) as errors:
            await client.submit("ftp://acme.example/x", {})
    assert "nothing was sent" in errors[0].message


# -- errors


@pytest.mark.parametrize(
    ("body", "message", "fields"),
    [
        (b'{"error": {"message": "m", "param": "size", "code": "c"}}', "m", {"size": "m"}),
        (b'{"error": "text"}', "text", {}),
        (b'{"title": "t", "detail": "d"}', "d", {}),
        (b'{"message": "m"}', "m", {}),
        (b'{"description": "d"}', "d", {}),
        (b'{"data": {"error": {"raw_message": "raw"}}}', "raw", {}),
        (
            b'{"detail": [{"loc": ["body", "input", "n"], "msg": "too big"}]}',
            "input.n: too big",
            {"input.n": "too big"},
        ),
        (b'{"invalid_fields": [{"field": "input.n", "description": "bad"}]}', "n: bad", {"n": "bad"}),
        (b"plain words", "plain words", {}),
        (b"<html>gateway", "", {}),
        (b"", "", {}),
        (b'{"error": {"message": "a\\u001b[31mb"}}', "a[31mb", {}),
    ],
)
def test_the_problem_in_every_known_body(body: bytes, message: str, fields: dict[str, str]) -> None:
    problem = read_problem(body)
    assert (problem.message, problem.fields) == (message, fields)


@given(body=BODIES, status=st.integers(300, 599))
def test_no_body_makes_an_error_that_cannot_be_shown(body: bytes, status: int) -> None:
    error = error_from_answer(SERVICE, status, {}, body, "asking")
    assert error.message
    assert error.message == clean_text(error.message)
    assert error.status == status


@given(error=DOCUMENTS)
def test_no_failure_is_without_words(error: Any) -> None:
    assert failure(SERVICE, error).message


def test_hints_name_the_place_of_the_key() -> None:
    named = error_from_answer(SERVICE, 401, {}, b"", "asking")
    assert "ACME_KEY or providers.acme.key" in named.hint
    other = error_from_answer(Service("mine", "Mine"), 401, {}, b"", "asking")
    assert "providers.mine.key" in other.hint
    assert " or providers" not in other.hint


@pytest.mark.parametrize(
    "said",
    [
        "Your account balance is insufficient",
        "account credit not enough",
        "You have insufficient credit to run this model",
        "insufficient API credits, please top up",
        "Your credit balance is too low",
        "you are out of credits",
    ],
)
def test_an_empty_balance_is_told_in_many_words(said: str) -> None:
    body = json.dumps({"message": said}).encode()
    for status in (400, 403, 500):
        error = error_from_answer(Service("x", "X"), status, {}, body, "sending")
        assert (error.kind, error.message) == (ErrorKind.BILLING, said)
    assert failure(Service("x", "X"), said).kind is ErrorKind.BILLING


def test_other_balances_stop_no_batch() -> None:
    for said in ("white balance too low", "the balance between foreground and background is off"):
        assert failure(Service("x", "X"), said).kind is ErrorKind.INTERNAL


def test_how_long_to_wait() -> None:
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({"retry-after": "-7"}) == 0.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}, "resets in ~12s") == 12.0
    assert retry_after({}) is None
    assert retry_after({"retry-after": "1e99"}) == 86_400.0
    later = retry_after({"retry-after": formatdate(time.time() + 3600, usegmt=True)})
    assert later == pytest.approx(3600, abs=60)


def test_a_date_to_wait_for_is_by_the_clock_of_who_named_it() -> None:
    """A machine that lost its time would wait for hours, or not at all."""
    for off in (-7200, 0, 7200):
        then = time.time() + off
        headers = {"date": formatdate(then, usegmt=True), "retry-after": formatdate(then + 30, usegmt=True)}
        assert retry_after(headers) == pytest.approx(30, abs=1)
    later = retry_after({"date": "long ago", "retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert later == pytest.approx(30, abs=2)


# -- values


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-11-20T10:00:00Z", 1795168800.0),
        ("2026-11-20T10:00:00.108326563Z", 1795168800.108326),
        ("2026-11-20T12:00:00+02:00", 1795168800.0),
        ("2026-11-20T10:00:00", 1795168800.0),
        (1795168800, 1795168800.0),
        ("1795168800", 1795168800.0),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (0, None),
        (10**400, None),
        (True, None),
        (None, None),
    ],
)
def test_times(value: object, seconds: float | None) -> None:
    assert epoch(value) == seconds


def test_numbers() -> None:
    values: tuple[object, ...] = ("1.5", 10**400, "nan", float("inf"), True, [], None)
    assert [number(v) for v in values] == [1.5, *[None] * 6]
    assert [whole(v) for v in (3.9, -1, 2**63, "7")] == [3, None, None, 7]
    assert [percent(v) for v in (50, "45%", " 7 % ", -3, 900, "x")] == [0.5, 0.45, 0.07, 0.0, 1.0, None]


def test_logs() -> None:
    lines = log_lines("a\r 10%|\r 20%|#\n\nb\x1b[0m")
    assert lines == ("a", "10%|", "20%|#", "b[0m")
    assert percent_in(lines) == 0.2
    assert percent_in(("none here", "12345%")) is None
    assert log_lines({"not": "a log"}) == ()
    assert len(log_lines("x\n" * 100_000)) <= 200


def test_addresses() -> None:
    assert is_address("https://a.example/x.png?y=1#z")
    assert is_address("data:image/png;base64,AAAA")
    for text in ("https://", "http:///x", "https://a b", "data: a tale", "ftp://a", "https://a/\u202e", 3, None):
        assert not is_address(text)


@given(result=DOCUMENTS, inputs=st.dictionaries(st.text(max_size=3), DOCUMENTS, max_size=2))
def test_whatever_is_found_can_be_recorded(result: Any, inputs: dict[str, Any]) -> None:
    check_outputs(find_media(result, inputs, None))


def test_hosts_on_this_machine_may_call_themselves_either_way() -> None:
    hosts = media_hosts(("cdn.example",), ("localhost:9", "other.example"), ("http://127.0.0.1:8080/v1", "https://x.y"))
    assert hosts.names == ("cdn.example", "other.example")
    assert set(hosts.loopback) == {"localhost:9", "127.0.0.1:8080", "localhost:8080"}
