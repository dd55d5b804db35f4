"""fal's provider against a server: what it sends, where the key goes, and what it makes of the catalogue."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fal_server import FalServer, Reply, fal_server

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.model import Job
from mediatui.providers.fal import FalProvider
from mediatui.providers.fal_hosts import FalHosts, is_model_id, may_take_files, origin
from mediatui.providers.fal_options import FalOptions
from mediatui.sandbox.tls import certificate
from mediatui.settings import ProviderSettings, Secret

KEY = "id:secret-that-nobody-may-see"


def hosts(fal: FalServer) -> FalHosts:
    options = {"queue_url": f"{fal.url}/", "run_url": fal.url, "api_url": f"{fal.url}/v1", "upload_url": fal.url}
    return FalHosts.from_settings(ProviderSettings("fal", Secret(KEY), media_hosts=("cdn.example",), options=options))


@pytest.fixture
async def provider(fal: FalServer) -> AsyncIterator[FalProvider]:
    provider = FalProvider(hosts(fal), Secret(KEY))
    yield provider
    await provider.aclose()


def job(**changes: Any) -> Job:
    return Job(**{"id": "j", "project": "p", "provider": "fal", "model": "fal-ai/test", "prompt": "x", **changes})


async def test_a_certificate_is_checked_wherever_one_is_shown(
    fal: FalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue on this machine says nothing of where direct requests and uploads go."""
    monkeypatch.setattr("mediatui.providers.fal_upload.PAUSES", (0.0,))
    pem, private = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, private)
    with fal_server(tls) as other:
        addresses = FalHosts(queue=fal.url, api=f"{fal.url}/v1", run=other.url, upload=other.url)
        provider = FalProvider(addresses, Secret(KEY), options=FalOptions(direct=frozenset({"fal-ai/test"})))
        with pytest.raises(ProviderError, match="its certificate is not trusted"):
            await provider.submit(job())
        with pytest.raises(ProviderError, match="its certificate is not trusted"):
            await provider.upload("a.png", "image/png", b"png")
        await provider.aclose()
        assert other.calls == []


async def test_the_catalogue_page_by_page(fal: FalServer, provider: FalProvider) -> None:
    def entry(name: str, **meta: object) -> dict[str, object]:
        return {"endpoint_id": name, "metadata": {"display_name": name.upper(), "category": "text-to-video", **meta}}

    first = {
        "models": [entry("a"), {"nonsense": 1}, 5, entry("b", status="deprecated")],
        "has_more": True,
        "next_cursor": "c2",
    }
    second = {
        "models": [entry("c", description="\x1b[2Jhi", display_name=7), entry("a")],
        "has_more": True,
        "next_cursor": "c2",
    }
    fal.script("catalogue", Reply(body=first), Reply(body=second))
    found = await provider.models("foxes")
    assert [(m.id, m.name, m.retired) for m in found] == [("a", "A", False), ("b", "B", True), ("c", "c", False)]
    assert found[2].description == "[2Jhi"
    assert found[0].makes == "video"
    assert [call.query for call in fal.of("catalogue")][:2] == ["limit=100&q=foxes", "limit=100&q=foxes&cursor=c2"]
    assert fal.count("catalogue") == 3  # a page without anything new is the last


async def test_a_login_page_is_no_catalogue_and_proves_no_key(fal: FalServer, provider: FalProvider) -> None:
    fal.script("catalogue", Reply(body=b"<html>Welcome to our network</html>", headers={"Content-Type": "text/html"}))
    for asking in (provider.models(""), provider.check()):
        with pytest.raises(ProviderError, match="not fal's catalogue") as error:
            await asking
        assert error.value.kind is ErrorKind.INTERNAL
        assert "login page" in error.value.hint


async def test_a_schema_comes_from_the_catalogue_or_from_the_site(fal: FalServer, provider: FalProvider) -> None:
    schema = {"components": {"schemas": {"XInput": {"properties": {"prompt": {"type": "string"}}}}}}
    fal.script("catalogue", Reply(500), Reply(body=schema))
    form = await provider.schema("fal-ai/test")
    assert form is not None
    assert form.prompt_field == "prompt"
    catalogue, site = fal.of("catalogue")
    assert (catalogue.path, site.path) == ("/v1/models", "/api/openapi/queue/openapi.json")
    assert "authorization" not in site.headers
    fal.script("catalogue", Reply(404))
    assert await provider.schema("fal-ai/other") is None


async def test_a_schema_of_another_model_is_not_taken(fal: FalServer, provider: FalProvider) -> None:
    def entry(model: str, field: str) -> dict[str, Any]:
        schema = {"components": {"schemas": {"XInput": {"properties": {field: {"type": "string"}}}}}}
        return {"endpoint_id": model, "openapi": schema}

    fal.script("catalogue", Reply(body={"models": [entry("fal-ai/a", "first"), entry("fal-ai/b", "second")]}))
    form = await provider.schema("fal-ai/b")
    assert form is not None
    assert [field.name for field in form.fields] == ["second"]
    fal.script("catalogue", Reply(body={"models": [entry("fal-ai/by-its-new-name", "first")]}))
    assert await provider.schema("fal-ai/b") is not None


async def test_a_catalogue_that_marks_no_more_is_read_by_its_cursor(fal: FalServer, provider: FalProvider) -> None:
    first = {"models": [{"endpoint_id": "a"}], "next_cursor": "c"}
    fal.script("catalogue", Reply(body=first), Reply(body={"models": [{"endpoint_id": "b"}]}))
    assert [model.id for model in await provider.models("")] == ["a", "b"]
    fal.script("catalogue", Reply(body={**first, "has_more": False}))
    assert [model.id for model in await provider.models("")] == ["a"]


async def test_the_body_is_the_input_and_nothing_else(fal: FalServer, provider: FalProvider) -> None:
    submitted = await provider.submit(job(inputs={"prompt": "füchse \ud800", "n": 1}))
    (call,) = fal.submits
    assert call.json == {"prompt": "füchse ?", "n": 1}
    assert (call.path, call.headers["authorization"]) == ("/fal-ai/test", f"Key {KEY}")
    assert (submitted.remote_id, submitted.position) == ("r1", 0)


async def test_a_request_id_may_come_in_a_header(fal: FalServer, provider: FalProvider) -> None:
    fal.script("submit", Reply(200, {}, {"x-fal-request-id": "from-header"}))
    submitted = await provider.submit(job())
    assert submitted.remote_id == "from-header"
    assert submitted.urls["cancel_url"] == f"{fal.url}/fal-ai/test/requests/from-header/cancel"


async def test_an_upload_takes_the_key_to_the_service_only(fal: FalServer, provider: FalProvider) -> None:
    with fal_server() as storage:
        fal.script("initiate", Reply(body={"upload_url": f"{storage.url}/put/x", "file_url": "https://cdn/x"}))
        assert await provider.upload("a.png", "image/png", b"bytes") == "https://cdn/x"
        assert fal.calls[0].headers["authorization"] == f"Key {KEY}"
        assert [(c.method, c.body, c.headers.get("authorization")) for c in storage.calls] == [("PUT", b"bytes", None)]


async def test_an_endless_answer_is_not_read_to_its_end(
    fal: FalServer, provider: FalProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediatui.providers.exchange.MAX_BODY", 1000)
    fal.script("result", Reply(body=b"[" + b" " * 5000 + b"]", chunked=True))
    with pytest.raises(ProviderError, match="too large") as caught:
        await provider.result(job(remote_id="r1"))
    assert caught.value.kind is ErrorKind.INTERNAL
    fal.script("submit", Reply(body=b"[" + b" " * 5000 + b"]"))
    with pytest.raises(ProviderError) as ambiguous:
        await provider.submit(job())
    assert ambiguous.value.kind is ErrorKind.AMBIGUOUS_SUBMIT


@pytest.mark.parametrize("key", ["id:sec\nret", "id:sécret", "id:a b", "id:\x1b"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(fal: FalServer, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        FalProvider(hosts(fal), Secret(key))
    assert "sec" not in str(caught.value)


async def test_errors_hold_no_key(fal: FalServer, provider: FalProvider) -> None:
    fal.close()
    for question in (provider.submit(job()), provider.poll(job(remote_id="r")), provider.models()):
        with pytest.raises(ProviderError) as caught:
            await question
        assert KEY not in repr(vars(caught.value)) + str(caught.value) + repr(provider)


def test_media_hosts_are_fals_the_configured_and_a_local_service(fal: FalServer) -> None:
    found = hosts(fal).media_hosts
    assert "v3b.fal.media" in found.names
    assert "cdn.example" in found.names
    assert found.loopback == (fal.netloc,)
    assert FalHosts().media_hosts.loopback == ()


def test_only_the_services_own_origin_is_own() -> None:
    own = FalHosts()
    assert own.is_own("https://queue.fal.run/fal-ai/x/requests/1/status")
    assert own.is_own("https://QUEUE.fal.run:443/x")
    assert own.is_own("https://queue.falrun.com/x")
    for url in (
        "http://queue.fal.run/x",
        "https://queue.fal.run:444/x",
        "https://queue.fal.run.evil.example/",
        "https://queue.fal.run@evil.example/",
        "https://me:pw@queue.fal.run/",
        "https://evil.example\\@queue.fal.run/",
        "https://fal.media/x",
        "//queue.fal.run/x",
        "",
    ):
        assert not own.is_own(url), url


def test_the_sandbox_moves_to_another_port_with_its_addresses() -> None:
    moved = FalHosts(queue="http://127.0.0.1:9000", moved=True)
    assert moved.present("http://127.0.0.1:8000/files/a.png?x=1") == "http://127.0.0.1:9000/files/a.png?x=1"
    assert moved.present("https://fal.media/x") == "https://fal.media/x"
    assert FalHosts(queue="http://127.0.0.1:9000").present("http://127.0.0.1:8000/x") == "http://127.0.0.1:8000/x"


@given(st.text(max_size=60))
def test_any_text_has_an_origin_or_none(text: str) -> None:
    found = origin(text)
    assert found == "" or found.startswith(("http://", "https://"))
    assert not FalHosts().is_own(text) or "fal" in text


@given(st.text(max_size=30))
def test_a_model_id_cannot_leave_its_place_in_the_address(text: str) -> None:
    if is_model_id(text):
        assert ".." not in text.split("/")
        assert not set(text) & set("?#%\\ \n@:")


@pytest.mark.parametrize(
    ("target", "base", "allowed"),
    [
        ("https://storage.example/x", "https://rest.fal.ai", True),
        ("http://storage.example/x", "https://rest.fal.ai", False),
        ("http://127.0.0.1:9/x", "https://rest.fal.ai", False),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:8", True),
        ("http://127.0.0.1.evil.example/x", "http://127.0.0.1:8", False),
        ("https://me@storage.example/x", "https://rest.fal.ai", False),
        ("file:///etc/passwd", "http://127.0.0.1:8", False),
    ],
)
def test_where_a_file_may_be_sent(target: str, base: str, allowed: bool) -> None:
    assert may_take_files(target, base) is allowed
