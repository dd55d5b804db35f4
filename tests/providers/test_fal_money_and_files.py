"""fal's prices, uploads, direct answers, signed addresses and headers, against a server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fal_server import Call, FalServer, Reply, fal_server

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job, Phase
from mediatui.providers import fal_upload
from mediatui.providers.base import Estimate, InputFile, UnitPrice, money, price_text
from mediatui.providers.fal import FalProvider
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_options import FalOptions
from mediatui.providers.lost import LostRequest
from mediatui.providers.units import units_of
from mediatui.settings import ProviderSettings, Secret

KEY = "id:secret-that-nobody-may-see"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fal_upload, "PAUSES", (0.0, 0.0))


def made(fal: FalServer, **options: Any) -> FalProvider:
    urls = {"queue_url": fal.url, "run_url": f"{fal.url}/run", "api_url": f"{fal.url}/v1", "upload_url": fal.url}
    settings = ProviderSettings("fal", Secret(KEY), options={**urls, **options})
    hosts, chosen = FalHosts.from_settings(settings), FalOptions.from_settings(settings)
    return FalProvider(hosts, Secret(KEY), options=chosen)


@pytest.fixture
async def provider(fal: FalServer) -> AsyncIterator[FalProvider]:
    provider = made(fal)
    yield provider
    await provider.aclose()


def job(**changes: Any) -> Job:
    return Job(**{"id": "j", "project": "p", "provider": "fal", "model": "fal-ai/test", "prompt": "x", **changes})


def price(model: str, amount: object, unit: object = "image", currency: object = "USD") -> dict[str, object]:
    return {"endpoint_id": model, "unit_price": amount, "unit": unit, "currency": currency}


# -- prices


async def test_prices_stand_beside_the_models(fal: FalServer, provider: FalProvider) -> None:
    models: list[dict[str, Any]] = [{"endpoint_id": name} for name in "abcd"]
    models.append({"endpoint_id": "old", "metadata": {"status": "deprecated"}})
    fal.script("catalogue", Reply(body={"models": models}))
    prices = [price("a", 0.04), price("b", 0), price("c", "much"), price("zzz", 1), 7]
    fal.script("prices", Reply(body={"prices": prices}))
    found = {model.id: model for model in await provider.models()}
    assert [found[name].price for name in ("a", "b", "c", "d", "old")] == ["$0.04 / image", "free", "", "", ""]
    assert found["a"].unit_price == UnitPrice(0.04, "image", "USD")
    (call,) = fal.of("prices")
    assert parse_qs(call.query) == {"endpoint_id": ["a,b,c,d"]}
    assert call.headers["authorization"] == f"Key {KEY}"
    await provider.models()
    assert fal.count("prices") == 1  # they are known for a while


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (price("a", "0.04", "seconds"), "$0.04 / seconds"),
        (price("a", 5e-324, None, " chf"), "5e-324 CHF"),
        (price("a", 0, "videos"), "free"),
        (price("a", 0.5, "x" * 999, 7), "$0.50 / " + "x" * 39 + "…"),
        (price("a", -1), ""),
        (price("a", "free"), ""),
        (price("a", True), ""),
        (price("a", float("nan")), ""),
        (price("a", 1e300), ""),
        (price("a", []), ""),
    ],
)
async def test_odd_prices_are_read_or_unknown(
    fal: FalServer, provider: FalProvider, entry: dict[str, object], text: str
) -> None:
    fal.script("catalogue", Reply(body={"models": [{"endpoint_id": "a"}]}))
    fal.script("prices", Reply(body={"prices": [None, entry]}))
    (found,) = await provider.models("")
    assert found.price == text


async def test_a_catalogue_without_prices_is_shown_all_the_same(fal: FalServer, provider: FalProvider) -> None:
    fal.script("catalogue", Reply(body={"models": [{"endpoint_id": f"m{n}"} for n in range(60)]}))
    fal.script("prices", Reply(500))
    assert len(await provider.models()) == 60
    assert fal.count("prices") == 2  # fifty at once


async def test_an_estimate_counts_units(fal: FalServer, provider: FalProvider) -> None:
    fal.script("prices", Reply(body={"prices": [price("fal-ai/test", 0.08, "seconds")]}))
    fal.script("estimate", Reply(body={"total_cost": 0.41, "currency": "usd"}))
    assert await provider.estimate("fal-ai/test", {"duration": "5s"}) == Estimate(0.41, "USD")
    (call,) = fal.of("estimate")
    assert call.json == {"estimate_type": "unit_price", "endpoints": {"fal-ai/test": {"unit_quantity": 5.0}}}
    await provider.estimate("fal-ai/test", {"duration": "5s"})
    assert fal.count("estimate") == 1
    assert not fal.submits


async def test_an_estimate_is_reckoned_when_the_service_does_not(fal: FalServer, provider: FalProvider) -> None:
    fal.script("prices", Reply(body={"prices": [price("fal-ai/test", 0.05)]}))
    for answer in (Reply(500), Reply(body={"total_cost": "?"}), Reply(body=b"[]")):
        fal.script("estimate", answer)
        assert await provider.estimate("fal-ai/test", {"num_images": 4}) == Estimate(0.2, "USD")


async def test_what_cannot_be_counted_is_what_others_paid(fal: FalServer, provider: FalProvider) -> None:
    fal.script("prices", Reply(body={"prices": [price("fal-ai/test", 0.001, "compute seconds")]}))
    fal.script("estimate", Reply(body={"total_cost": 0.03, "currency": "EUR"}))
    assert await provider.estimate("fal-ai/test", {"duration": 5}) == Estimate(0.03, "EUR")
    call = fal.of("estimate")[0].json
    assert call == {"estimate_type": "historical_api_price", "endpoints": {"fal-ai/test": {"call_quantity": 1}}}
    fal.script("estimate", Reply(404))
    fal.script("prices", Reply(body={"prices": []}))
    assert await provider.estimate("fal-ai/other", {}) is None


@pytest.mark.parametrize(
    ("unit", "inputs", "units"),
    [
        ("image", {}, 1),
        ("images", {"num_images": 3}, 3),
        ("second", {"duration": "6"}, 6),
        ("video_second", {"duration": 8}, 8),
        ("seconds", {"duration": "auto"}, None),
        ("seconds", {"music_length_ms": 30000}, 30),
        ("minute", {"seconds_total": 90}, 1.5),
        ("5 seconds", {"duration": 10}, 2),
        ("megapixels", {"image_size": "square_hd", "num_images": 2}, 2.097152),
        ("megapixel", {"image_size": {"width": 1000, "height": 500}}, 0.5),
        ("megapixels", {}, None),
        ("1000 characters", {"text": "x" * 500}, 0.5),
        ("video", {}, 1),
        ("gpu second", {"duration": 5}, None),
        ("1m tokens", {"prompt": "x"}, None),
        ("bananas", {}, None),
        ("", {}, None),
    ],
)
def test_units(unit: str, inputs: dict[str, Any], units: float | None) -> None:
    assert units_of(unit, inputs) == (pytest.approx(units) if units is not None else None)


NAMES = st.sampled_from(["duration", "num_images", "text", "image_size", "width"])
VALUES = st.none() | st.text(max_size=9) | st.integers() | st.floats() | st.lists(st.none())


@given(st.text(max_size=20), st.dictionaries(NAMES, VALUES))
def test_any_unit_and_input_is_counted_or_not(unit: str, inputs: dict[str, Any]) -> None:
    for name in (unit, "second", "image", "megapixel", "1000 characters"):
        found = units_of(name, inputs)
        assert found is None or found >= 0


def test_amounts_are_never_rounded_to_nothing() -> None:
    assert [money(a, "USD") for a in (0, 0.4, 12, 1234.5, 0.04, 0.045, 0.003, 0.00001)] == [
        *("$0.00", "$0.40", "$12.00", "$1,234.50", "$0.04", "$0.045", "$0.003", "$1e-05"),
    ]
    assert money(2, "CHF") == "2.00 CHF"
    assert price_text(UnitPrice(0.05, "second", "EUR")) == "€0.05 / second"


# -- uploads


async def test_a_file_is_put_where_the_service_says(fal: FalServer, provider: FalProvider) -> None:
    told: list[int] = []
    found = await provider.upload_file(InputFile.of("a\x1b.png", "image/png", b"bytes"), told.append)
    initiate, put = fal.calls
    assert (initiate.path, initiate.query) == ("/storage/upload/initiate", "storage_type=fal-cdn-v3")
    assert initiate.json == {"file_name": "a.png", "content_type": "image/png"}
    assert (put.body, put.headers["content-type"], put.headers["content-length"]) == (b"bytes", "image/png", "5")
    assert "authorization" not in put.headers
    assert found.url == f"{fal.url}/files/up/1-a.png"
    assert found.good_until is not None
    assert told == [5]


async def test_a_large_file_goes_in_parts(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_upload, "WHOLE_BYTES", 20)
    monkeypatch.setattr(fal_upload, "PART_BYTES", 10)
    data, told = bytes(range(25)), list[Any]()
    await provider.upload_file(InputFile.of("v.mp4", "video/mp4", data), told.append)
    assert fal.of("initiate")[0].path == "/storage/upload/initiate-multipart"
    puts = fal.of("put")
    assert [call.path.rsplit("/", 1)[1] for call in puts] == ["1", "2", "3", "complete"]
    assert {call.query for call in puts} == {"sig=s"}
    assert b"".join(call.body for call in puts[:3]) == data
    assert puts[3].json == {"parts": [{"partNumber": n, "etag": f'"{size}"'} for n, size in ((1, 10), (2, 10), (3, 5))]}
    assert told[-1] == 25


async def test_an_upload_is_tried_again(fal: FalServer, provider: FalProvider) -> None:
    fal.script("initiate", Reply(503), None)
    fal.script("put", Reply(drop=True), Reply(500), None)
    await provider.upload_file(InputFile.of("a.png", "image/png", b"bytes"), lambda count: None)
    assert (fal.count("initiate"), fal.count("put")) == (2, 3)
    assert [call.body for call in fal.of("put")][2] == b"bytes"


@pytest.mark.parametrize(
    ("step", "reply", "kind"),
    [
        ("initiate", Reply(401, {"detail": "no"}), ErrorKind.AUTH),
        ("initiate", Reply(body={"file_url": "https://x/y"}), ErrorKind.INTERNAL),
        (
            "initiate",
            Reply(body={"upload_url": "http://files.example/x", "file_url": "https://x/y"}),
            ErrorKind.INTERNAL,
        ),
        ("initiate", Reply(body={"upload_url": "https://files.example/x", "file_url": ""}), ErrorKind.INTERNAL),
        ("initiate", Reply(body={"upload_url": "https://files.example/x", "file_url": "/y"}), ErrorKind.INTERNAL),
        ("initiate", Reply(403, {"detail": "User is locked. Reason: Exhausted balance."}), ErrorKind.BILLING),
        ("put", Reply(403, {"detail": "no"}), ErrorKind.INTERNAL),
        ("put", Reply(302, b"", {"Location": "https://files.example/"}), ErrorKind.UNSUPPORTED),
        ("put", Reply(404), ErrorKind.INTERNAL),
        ("put", Reply(drop=True), ErrorKind.TRANSIENT),
    ],
)
async def test_an_upload_that_fails_says_why(
    fal: FalServer, provider: FalProvider, step: str, reply: Reply, kind: ErrorKind
) -> None:
    fal.script(step, reply)
    with pytest.raises(ProviderError) as caught:
        await provider.upload_file(InputFile.of("a.png", "image/png", b"bytes"), lambda count: None)
    assert caught.value.kind is kind


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_an_upload_begins_anew_when_its_address_is_no_longer_good(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Upload addresses are signed for a while, and a long video takes long."""
    monkeypatch.setattr(fal_upload, "WHOLE_BYTES", 20)
    monkeypatch.setattr(fal_upload, "PART_BYTES", 10)
    data = bytes(range(25))
    fal.script("put", None, Reply(status, {"detail": "Request has expired"}), None)
    found = await provider.upload_file(InputFile.of("v.mp4", "video/mp4", data), lambda count: None)
    assert found.url == f"{fal.url}/files/up/2-v.mp4"
    assert [call.path for call in fal.of("put")][2:] == [f"/put/2-v.mp4/{n}" for n in (1, 2, 3, "complete")]
    assert b"".join(call.body for call in fal.of("put")[2:5]) == data


@pytest.mark.parametrize("failing", [2, 3, 4])
async def test_a_part_that_fails_ends_the_upload(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    monkeypatch.setattr(fal_upload, "WHOLE_BYTES", 20)
    monkeypatch.setattr(fal_upload, "PART_BYTES", 10)
    fal.script("put", *[None] * (failing - 1), Reply(500))
    with pytest.raises(ProviderError) as caught:
        await provider.upload_file(InputFile.of("v.mp4", "video/mp4", bytes(25)), lambda count: None)
    assert (caught.value.kind, fal.count("put"), fal.count("submit")) == (ErrorKind.TRANSIENT, failing + 2, 0)


async def test_a_part_without_a_tag_is_not_there(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fal_upload, "WHOLE_BYTES", 20)
    fal.script("put", Reply())
    with pytest.raises(ProviderError, match="did not acknowledge"):
        await provider.upload_file(InputFile.of("v.mp4", "video/mp4", bytes(25)), lambda count: None)
    assert not any(call.path.endswith("/complete") for call in fal.calls)


# -- direct answers


async def test_a_direct_model_answers_at_once(fal: FalServer) -> None:
    provider = made(fal, direct=["fal-ai/test"])
    submitted = await provider.submit(job(inputs={"prompt": "x"}))
    assert (submitted.remote_id, submitted.phase) == ("direct-1", Phase.SUCCEEDED)
    assert submitted.raw is not None
    assert provider.outputs(job(), submitted.raw)[0].url == f"{fal.url}/files/a.png"
    (call,) = fal.of("run")
    assert (call.path, call.json, call.headers["authorization"]) == ("/run/fal-ai/test", {"prompt": "x"}, f"Key {KEY}")
    assert (await provider.submit(job(model="fal-ai/queued"))).phase is Phase.QUEUED
    await provider.aclose()


async def test_a_direct_answer_that_breaks_off_leaves_its_id(fal: FalServer) -> None:
    provider = made(fal, direct=["fal-ai/test"])
    fal.script("run", Reply(body=b"{" + b" " * 5000 + b"}", headers={"x-fal-request-id": "lost-7"}, cut=9))
    with pytest.raises(LostRequest) as caught:
        await provider.submit(job())
    assert (caught.value.kind, caught.value.remote_id) == (ErrorKind.AMBIGUOUS_SUBMIT, "lost-7")
    assert fal.count("run") == 1

    def entry(**more: object) -> dict[str, object]:
        return {"request_id": "lost-7", "sent_at": "2026-01-01T00:00:00Z", **more}

    lost = job(remote_id="lost-7", submitted_at=1.7e9)
    fal.script("history", Reply(body={"items": [entry(), {**entry(), "request_id": "other"}]}))
    assert await provider.reconcile(lost) is None  # it has not ended
    assert parse_qs(fal.of("history")[0].query)["request_id"] == ["lost-7"]
    ended = entry(ended_at="2026-01-01T00:00:09Z", status_code=200, json_output={"images": []})
    fal.script("history", Reply(body={"items": [ended]}))
    found = await provider.reconcile(lost)
    assert found is not None
    assert json.loads(found.raw or b"") == {"images": []}
    refused = {**ended, "status_code": 422, "json_output": {"detail": [{"msg": "no", "type": "value_error"}]}}
    fal.script("history", Reply(body={"items": [refused]}))
    failed = await provider.reconcile(lost)
    assert failed is not None
    assert failed.phase is Phase.FAILED
    assert failed.error is not None
    assert failed.error.message == "no"
    await provider.aclose()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(500, {"detail": [{"type": "internal_server_error", "msg": "boom"}]}), ErrorKind.INTERNAL),
        (Reply(504, b"<html>", {"x-fal-request-id": "r"}), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(drop=True), ErrorKind.AMBIGUOUS_SUBMIT),
        (Reply(422, {"detail": [{"type": "missing", "msg": "Field required"}]}), ErrorKind.INVALID_INPUT),
        (Reply(429, {"detail": "busy"}), ErrorKind.RATE_LIMITED),
    ],
)
async def test_what_a_direct_failure_leaves_open(fal: FalServer, reply: Reply, kind: ErrorKind) -> None:
    provider = made(fal, direct=["fal-ai/test"])
    fal.script("run", reply)
    with pytest.raises(ProviderError) as caught:
        await provider.submit(job())
    assert (caught.value.kind, fal.count("run")) == (kind, 1)
    await provider.aclose()


# -- a second address, headers, signatures


async def test_the_second_address_is_used_only_when_nothing_was_sent(fal: FalServer) -> None:
    with fal_server() as gone:
        refused = gone.url
    provider = made(fal, queue_url=refused, backup_url=fal.url)
    submitted = await provider.submit(job(inputs={"prompt": "x"}))
    assert submitted.remote_id == "r1"
    assert fal.submits[0].headers["authorization"] == f"Key {KEY}"  # it is our own address too
    await provider.aclose()
    with fal_server() as first:
        for reply in (Reply(drop=True), Reply(502), Reply(200, b""), Reply(303, b"", {"Location": "/"})):
            first.script("submit", reply)
            provider = made(fal, queue_url=first.url, backup_url=fal.url)
            with pytest.raises(ProviderError) as caught:
                await provider.submit(job())
            assert caught.value.kind is ErrorKind.AMBIGUOUS_SUBMIT
            await provider.aclose()
    assert len(fal.submits) == 1


async def test_a_request_is_followed_at_the_second_address_while_the_first_is_not_there(fal: FalServer) -> None:
    with fal_server() as gone:
        refused = gone.url
    provider = made(fal, queue_url=refused, backup_url=fal.url)
    base = f"{refused}/fal-ai/test/requests/r1"
    sent = job(remote_id="r1", urls={"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/c"})
    assert (await provider.poll(sent)).phase is Phase.SUCCEEDED
    assert json.loads(await provider.result(sent))["seed"] == 7
    assert await provider.cancel(sent)
    assert {call.headers["authorization"] for call in fal.calls} == {f"Key {KEY}"}
    await provider.aclose()
    with fal_server() as first:  # one that answers badly is there
        first.script("status", Reply(502))
        provider = made(fal, queue_url=first.url, backup_url=fal.url)
        with pytest.raises(ProviderError):
            await provider.poll(job(remote_id="r1"))
        await provider.aclose()
    assert fal.count("status") == 1


async def test_headers_are_sent_only_when_they_are_set(fal: FalServer) -> None:
    plain = made(fal)
    await plain.submit(job())
    assert not [name for name in fal.submits[0].headers if name.startswith(("x-fal", "x-app"))]
    await plain.aclose()
    chosen = made(fal, object_lifecycle=604800, no_retry=True, no_fallback=True)
    await chosen.submit(job())
    headers = fal.submits[1].headers
    assert headers["x-fal-object-lifecycle-preference"] == '{"expiration_duration_seconds":604800}'
    assert (headers["x-fal-no-retry"], headers["x-app-fal-disable-fallback"]) == ("1", "true")
    assert "x-fal-store-io" not in headers
    await chosen.aclose()


@pytest.mark.parametrize(
    "options",
    [
        {"direct": "x"},
        {"no_retry": "yes"},
        {"object_lifecycle": 60},
        {"object_lifecycle": True},
        {"object_lifecycle": {"what": 1}},
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"providers\.fal\.{next(iter(options))}"):
        FalOptions.from_settings(ProviderSettings("fal", options=options))


def test_outputs_may_be_restricted() -> None:
    wanted = {"expiration_duration_seconds": 86400, "initial_acl": {"default": "forbid"}}
    options = FalOptions.from_settings(ProviderSettings("fal", options={"object_lifecycle": wanted}))
    assert json.loads(options.headers["X-Fal-Object-Lifecycle-Preference"]) == wanted


async def test_only_our_own_files_are_signed(fal: FalServer, provider: FalProvider) -> None:
    def answer(call: Call) -> Reply:
        return Reply(body={"signed_url": f"{parse_qs(call.query)['url'][0]}?identity=secret"})

    fal.on["sign"] = answer
    assert await provider.signed_url(f"{fal.url}/files/a.png?x=1") == f"{fal.url}/files/a.png?identity=secret"
    (call,) = fal.of("sign")
    assert call.json == {"expiration_seconds": 3600}
    assert call.headers["authorization"] == f"Key {KEY}"
    for other in ("https://example.com/a.png", "http://v3.fal.media/a", "https://v3.fal.media.example/x"):
        assert await provider.signed_url(other) is None
    assert fal.count("sign") == 1
    for reply in (Reply(403), Reply(body={}), Reply(body={"signed_url": "https://elsewhere.example/files/a.png?i=1"})):
        fal.script("sign", reply)
        assert await provider.signed_url(f"{fal.url}/files/a.png") is None
