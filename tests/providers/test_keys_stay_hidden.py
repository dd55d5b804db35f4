"""A service that repeats the key in its answers does not bring it into what is recorded, told or shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.providers.test_through_the_studio import CASES, SECONDS, make, options_for
from tests.support.loopback import PNG, LoopbackService, Reply
from tests.support.openai_server import B64, OpenAIServer
from tests.support.piapi_server import PiAPIServer
from tests.support.replicate_server import ReplicateServer

from mediatui.locations import Locations
from mediatui.model import Phase
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.events import Event, JobProgress
from mediatui.studio.studio import Studio

KEY = 'odd"key\\/-+7351:abc'


def studio_of(root: Path, name: str, url: str) -> Studio:
    settings = Settings(
        poll_seconds=0.05, providers={name: ProviderSettings(name, Secret(KEY), options=options_for(name, url))}
    )
    studio = Studio(settings, Locations(root / "data", root / "config.toml", root / "state", root / "cache"))
    studio.start()
    return studio


def shown(root: Path) -> str:
    """All text that was written down."""
    return "".join(path.read_text("utf-8") for path in root.rglob("*.json*"))


REFUSALS: dict[str, object] = {
    "replicate": {"title": KEY, "detail": f"bad {KEY}", "invalid_fields": [{"field": KEY, "description": KEY}]},
    "piapi": {"code": 400, "message": f"bad {KEY}", "data": {"error": {"code": 1, "message": KEY}}},
    "openai": {"error": {"message": f"bad {KEY}", "param": KEY, "code": KEY, "type": KEY}},
}


@pytest.mark.parametrize(("name", "kind", "model"), CASES, ids=[case[0] for case in CASES])
def test_a_refusal_is_kept_without_the_key(tmp_path: Path, name: str, kind: type[LoopbackService], model: str) -> None:
    with kind() as server:
        server.script("submit", Reply(422, REFUSALS[name]))
        studio = studio_of(tmp_path, name, server.url)
        try:
            job, _ = make(studio, model)
        finally:
            studio.stop(2.0)
    assert job.phase is Phase.FAILED
    assert "••••" in repr(job)
    assert "7351:abc" not in repr(job) + shown(tmp_path)


FAILURES = [("replicate", ReplicateServer, "acme/painter"), ("piapi", PiAPIServer, "Qubico/flux1-schnell/txt2img")]


@pytest.mark.parametrize(("name", "kind", "model"), FAILURES, ids=[case[0] for case in FAILURES])
def test_a_log_and_a_failure_are_told_without_the_key(
    tmp_path: Path, name: str, kind: type[ReplicateServer | PiAPIServer], model: str
) -> None:
    told: list[Event] = []
    with kind() as server:
        if isinstance(server, ReplicateServer):
            going = server.prediction("processing", logs=f"using {KEY}")
            failed = server.prediction("failed", error=f"bad {KEY}", logs=f"using {KEY}")
        else:
            going = server.task("processing", logs=[f"using {KEY}", {"message": f"using {KEY}"}])
            failed = server.task("failed", error={"code": 1, "message": f"bad {KEY}", "raw_message": KEY})
        server.script("poll", Reply(body=going), Reply(body=failed))
        studio = studio_of(tmp_path, name, server.url)
        studio.subscribe(told.append)
        try:
            job, _ = make(studio, model)
        finally:
            studio.stop(2.0)
    assert job.phase is Phase.FAILED
    assert "using ••••" in [event.last_log for event in told if isinstance(event, JobProgress)]
    assert "7351:abc" not in repr(job) + repr(told) + shown(tmp_path)


def test_a_picture_s_words_and_id_are_kept_without_the_key(tmp_path: Path) -> None:
    with OpenAIServer() as server:
        body = {"data": [{"b64_json": B64, "revised_prompt": f"echo {KEY}"}]}
        server.script("submit", Reply(body=body, headers={"x-request-id": f"r-{KEY}"}))
        studio = studio_of(tmp_path, "openai", server.url)
        try:
            job, (item,) = make(studio, "gpt-image-1.5")
            assert studio.wait([job.id]).result(SECONDS)
        finally:
            studio.stop(2.0)
    assert item.extra["revised_prompt"] == "echo ••••"
    assert "7351:abc" not in repr((job, item)) + shown(tmp_path)
    assert '"revised_prompt": "echo ••••"' in shown(tmp_path)


def test_an_address_that_repeats_the_key_opens_without_it(tmp_path: Path) -> None:
    """The key goes in a header to the service itself, and stands in no record."""
    key = "sk-live-0123456789-abcdef"
    with OpenAIServer() as server:
        url = f"{server.url}/files/a.png?size=1&key={key}"
        server.script("submit", Reply(body={"data": [{"url": url, "words": f"made for {key}"}]}))
        settings = ProviderSettings("openai", Secret(key), options=options_for("openai", server.url))
        places = Locations(tmp_path / "data", tmp_path / "config.toml", tmp_path / "state", tmp_path / "cache")
        studio = Studio(Settings(poll_seconds=0.05, providers={"openai": settings}), places)
        studio.start()
        try:
            job, (item,) = make(studio, "gpt-image-1.5")
            path = studio.file_of(item)
        finally:
            studio.stop(2.0)
        assert [call.query for call in server.of("file")] == ["size=1&"]
    assert path is not None
    assert path.read_bytes() == PNG
    assert key not in repr((job, item)) + shown(tmp_path)
    assert "made for ••••" in shown(tmp_path)
