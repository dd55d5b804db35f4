"""Several configured providers side by side: models of all, jobs where they belong, one's refusal no other's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.echo_server import EchoServer
from tests.support.fal_server import FalServer, Reply, fal_server
from tests.support.workshop import KEY, QUICK, SECONDS, Workshop, places, settings_for

from mediatui.errors import ErrorKind, MediatuiError
from mediatui.model import Phase
from mediatui.settings import ProviderSettings, Secret
from mediatui.studio.studio import Studio

MODELS = {"models": [{"endpoint_id": "fal-ai/test", "metadata": {"display_name": "Test", "category": "text-to-image"}}]}


@pytest.fixture
def servers() -> Iterator[tuple[FalServer, FalServer]]:
    with fal_server() as one, fal_server() as other:
        yield one, other


def second(url: str) -> ProviderSettings:
    options = {"queue_url": url, "run_url": f"{url}/run", "api_url": f"{url}/v1", "upload_url": url}
    return ProviderSettings("work", Secret("work-key-0123456789"), kind="fal", options=options, in_file=True)


@contextmanager
def both(root: Path, one: FalServer, other: ProviderSettings, **changes: object) -> Iterator[Workshop]:
    base = settings_for(one.url)
    settings = settings_for(one.url, providers={**base.providers, "work": other}, **changes)
    workshop = Workshop(Studio(settings, places(root), QUICK), places(root))
    workshop.studio.start()
    try:
        yield workshop
    finally:
        workshop.studio.stop(5.0)


def test_models_of_all_are_offered_and_each_goes_to_its_own(
    tmp_path: Path, servers: tuple[FalServer, FalServer]
) -> None:
    one, other = servers
    for server in servers:
        server.on["catalogue"] = lambda call: Reply(body=MODELS if call.path == "/v1/models" else {})
    with both(tmp_path, one, second(other.url)) as shop:
        models = shop.studio.models().result(SECONDS)
        assert [(m.id, m.provider) for m in models] == [("fal-ai/test", "fal"), ("work:fal-ai/test", "work")]
        assert [m.id for m in shop.studio.models("", "work").result(SECONDS)] == ["work:fal-ai/test"]
        jobs, items = shop.make(*(m.id for m in models), params_by_model={"work:fal-ai/test": {"seed": 5}})
    assert [(j.provider, j.model, j.phase) for j in jobs] == [
        ("fal", "fal-ai/test", Phase.SUCCEEDED),
        ("work", "fal-ai/test", Phase.SUCCEEDED),
    ]
    assert [item.save_state for item in items] == ["saved", "saved"]
    assert [call.headers["authorization"] for call in one.submits] == [f"Key {KEY}"]
    assert [call.headers["authorization"] for call in other.submits] == ["Key work-key-0123456789"]
    assert (one.submits[0].json.get("seed"), other.submits[0].json["seed"]) == (None, 5)


def test_one_that_does_not_answer_is_told_and_the_others_are_shown(
    tmp_path: Path, servers: tuple[FalServer, FalServer]
) -> None:
    one, _ = servers
    one.on["catalogue"] = lambda call: Reply(body=MODELS)
    with EchoServer(401) as refusing, both(tmp_path, one, second(refusing.url)) as shop:
        assert [m.id for m in shop.studio.models().result(SECONDS)] == ["fal-ai/test"]
        assert any(notice.severity == "warning" for notice in shop.notices)
        one.on["catalogue"] = lambda call: Reply(401, {"detail": "no"})
        with pytest.raises(MediatuiError):
            shop.studio.models().result(SECONDS)


def test_a_refused_key_stops_only_its_own_providers_requests(
    tmp_path: Path, servers: tuple[FalServer, FalServer]
) -> None:
    one, _ = servers
    with EchoServer(401) as refusing, both(tmp_path, one, second(refusing.url), concurrent_submits=1) as shop:
        jobs = shop.send("work:fal-ai/a", "work:fal-ai/b", "fal-ai/test", "fal-ai/more")
        phases = {f"{job.provider}:{job.model}": job.phase for job in jobs}
        refused = [call for call in refusing.calls if call.method == "POST"]
    assert phases["work:fal-ai/a"] is Phase.FAILED
    assert phases["work:fal-ai/b"] is Phase.CANCELLED
    assert [job.error.kind for job in jobs[:2] if job.error] == [ErrorKind.AUTH, ErrorKind.AUTH]
    assert len(refused) == 1
    assert len(one.submits) == 2


def test_the_sandbox_flag_sends_nothing_to_a_paid_service(tmp_path: Path, servers: tuple[FalServer, FalServer]) -> None:
    one, other = servers
    with both(tmp_path, one, second(other.url), sandbox=True) as shop:
        assert {m.provider for m in shop.studio.models().result(SECONDS)} == {"sandbox"}
        (job,) = shop.send("work:fal-ai/test")
        assert job.provider == "sandbox"
        assert job.phase is Phase.FAILED
    assert one.calls == other.calls == []
