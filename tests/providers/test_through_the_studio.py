"""Each provider behind the real studio: one submit, one verified file, whatever happens in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.loopback import PNG, LoopbackService, Reply
from tests.support.openai_server import OpenAIServer
from tests.support.piapi_server import PiAPIServer
from tests.support.replicate_server import ReplicateServer

from mediatui.errors import ErrorKind
from mediatui.locations import Locations
from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio
from mediatui.studio.transport import Patience

SECONDS = 20.0
QUICK = Patience(connect=2.0, read=2.0, first_delay=0.01, longest_delay=0.05)


@contextmanager
def studio_with(root: Path, name: str, options: dict[str, Any]) -> Iterator[Studio]:
    settings = Settings(poll_seconds=0.05, providers={name: ProviderSettings(name, Secret("sk-test"), options=options)})
    locations = Locations(root / "data", root / "config.toml", root / "state", root / "cache")
    studio = Studio(settings, locations, QUICK)
    studio.start()
    try:
        yield studio
    finally:
        studio.stop(2.0)


def make(studio: Studio, model: str) -> tuple[Job, list[MediaItem]]:
    """Generate once and wait to the end."""
    (job,) = studio.generate(GenerateRequest("a fox", (model,), "demo")).result(SECONDS)
    (ended,) = studio.wait([job.id]).result(SECONDS)
    return ended, list(studio.items("demo"))


CASES: list[tuple[str, type[LoopbackService], str]] = [
    ("replicate", ReplicateServer, "acme/painter"),
    ("piapi", PiAPIServer, "Qubico/flux1-schnell/txt2img"),
    ("openai", OpenAIServer, "gpt-image-1.5"),
]


def options_for(name: str, url: str) -> dict[str, Any]:
    return {
        "replicate": {"api_url": f"{url}/v1"},
        "piapi": {"api_url": url, "upload_url": url},
        "openai": {"base_url": f"{url}/v1"},
    }[name]


@pytest.fixture(params=CASES, ids=[case[0] for case in CASES])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Studio, LoopbackService, str]]:
    name, kind, model = request.param
    with ExitStack() as stack:
        server = stack.enter_context(kind())
        studio = stack.enter_context(studio_with(tmp_path, name, options_for(name, server.url)))
        yield studio, server, model


def test_a_generation_ends_as_a_verified_file(scene: tuple[Studio, LoopbackService, str]) -> None:
    studio, server, model = scene
    job, (item,) = make(studio, model)
    assert job.phase is Phase.SUCCEEDED
    assert job.error is None
    assert item.save_state is SaveState.SAVED
    path = studio.file_of(item)
    assert path is not None
    assert path.read_bytes() == PNG
    assert len(server.submits) == 1
    assert all("authorization" not in c.headers and "x-api-key" not in c.headers for c in server.of("file"))


def test_a_submit_whose_answer_was_lost_is_unknown_and_never_sent_again(
    scene: tuple[Studio, LoopbackService, str],
) -> None:
    studio, server, model = scene
    server.script("submit", Reply(drop=True))
    job, items = make(studio, model)
    assert job.phase is Phase.UNKNOWN
    assert job.error is not None
    assert job.error.kind is ErrorKind.AMBIGUOUS_SUBMIT
    assert items == []
    studio.recheck([job.id]).result(SECONDS)
    assert len(server.submits) == 1


def test_a_refused_key_fails_the_job_with_its_reason(scene: tuple[Studio, LoopbackService, str]) -> None:
    studio, server, model = scene
    server.script("submit", Reply(401, {"detail": "no such key", "message": "no such key"}))
    job, items = make(studio, model)
    assert (job.phase, items) == (Phase.FAILED, [])
    assert job.error is not None
    assert job.error.kind is ErrorKind.AUTH
    assert len(server.submits) == 1


def test_a_lost_request_that_replicate_lists_is_found_and_saved(tmp_path: Path) -> None:
    with ReplicateServer() as server, studio_with(tmp_path, "replicate", {"api_url": f"{server.url}/v1"}) as studio:

        def take_and_say_nothing(call: Any) -> Reply:
            server.listed = [
                server.prediction("processing", created_at=datetime.now(UTC).isoformat(), input=call.json["input"])
            ]
            return Reply(drop=True)

        server.on["submit"] = take_and_say_nothing
        (job,) = studio.generate(GenerateRequest("a fox", ("acme/painter",), "demo")).result(SECONDS)
        assert job.phase is Phase.UNKNOWN
        (ended,) = studio.wait([job.id]).result(SECONDS)
        (item,) = studio.items("demo")
        assert ended.phase is Phase.SUCCEEDED
        assert item.save_state is SaveState.SAVED
        assert item.url_expires_at is not None
        assert len(server.submits) == 1


def test_a_video_behind_the_key_is_fetched_with_it(tmp_path: Path) -> None:
    with OpenAIServer() as server, studio_with(tmp_path, "openai", {"base_url": server.base}) as studio:
        job, (item,) = make(studio, "sora-2")
        assert job.phase is Phase.SUCCEEDED
        assert item.save_state is SaveState.SAVED, item.storage_error
        assert item.url_auth == "provider"
        assert {c.headers.get("authorization") for c in server.of("content")} == {"Bearer sk-test"}
        assert len(server.submits) == 1


@pytest.mark.parametrize(("name", "kind", "model"), CASES[:2], ids=[case[0] for case in CASES[:2]])
def test_an_address_that_a_provider_never_changes_is_not_asked_for_again(
    tmp_path: Path, name: str, kind: type[LoopbackService], model: str
) -> None:
    with kind() as server, studio_with(tmp_path, name, options_for(name, server.url)) as studio:
        server.script("file", Reply(404))
        _, (item,) = make(studio, model)
        asked = len(server.calls)
        assert item.save_state is SaveState.EXPIRED
        assert item.storage_error is not None
        title = {"replicate": "Replicate", "piapi": "PiAPI"}[name]
        assert item.storage_error.message == f"its address no longer opens, and {title} gives no other one"
        assert studio.retry([item.id]).result(SECONDS).failed == (item.id,)
        # Only the file itself is asked for.
        assert [server.step(call) for call in server.calls[asked:]] == ["file"]
        assert len(server.submits) == 1


def lost_at(server: ReplicateServer, count: int) -> None:
    """Each submit is taken, and its answer lost; the first `count` of them are listed."""
    turn = threading.Lock()

    def take_and_say_nothing(call: Any) -> Reply:
        with turn:
            if (place := len(server.listed)) < count:
                now = datetime.now(UTC).isoformat()
                entry = server.prediction(
                    "processing", id=f"p{place}", created_at=now, input=call.json["input"], urls={}
                )
                server.listed = [*server.listed, entry]
        return Reply(drop=True)

    server.on["submit"] = take_and_say_nothing


def lose(studio: Studio, count: int, project: str = "demo") -> list[Job]:
    """So many requests that are alike, all lost; where each stands after it was looked for."""
    asked = [studio.generate(GenerateRequest("a fox", ("acme/painter",), project)) for _ in range(count)]
    names = [job.id for each in asked for job in each.result(SECONDS)]
    studio.wait(names).result(SECONDS)
    studio.recheck(names).result(SECONDS)
    return list(studio.wait(names).result(SECONDS))


def test_of_two_lost_requests_that_are_alike_one_request_is_given_to_one(tmp_path: Path) -> None:
    with ReplicateServer() as server, studio_with(tmp_path, "replicate", {"api_url": f"{server.url}/v1"}) as studio:
        lost_at(server, 1)
        ended = lose(studio, 2)
        assert sorted((str(job.phase), job.remote_id or "") for job in ended) == [("succeeded", "p0"), ("unknown", "")]
        assert len(studio.items("demo")) == 1
        assert len(server.submits) == 2


def test_lost_requests_that_are_alike_are_all_found_when_all_are_there(tmp_path: Path) -> None:
    with ReplicateServer() as server, studio_with(tmp_path, "replicate", {"api_url": f"{server.url}/v1"}) as studio:
        lost_at(server, 3)
        ended = lose(studio, 3)
        assert sorted((str(job.phase), job.remote_id) for job in ended) == [("succeeded", f"p{n}") for n in range(3)]
        assert len(studio.items("demo")) == 3
        assert len(server.submits) == 3


def test_more_requests_than_lost_jobs_are_left_alone(tmp_path: Path) -> None:
    with ReplicateServer() as server, studio_with(tmp_path, "replicate", {"api_url": f"{server.url}/v1"}) as studio:
        lost_at(server, 2)
        server.listed = [server.prediction("processing", id="by hand", created_at=datetime.now(UTC).isoformat())]
        (job,) = lose(studio, 1)
        assert (job.phase, job.remote_id) == (Phase.UNKNOWN, None)


def test_the_request_of_another_project_is_not_taken_for_a_lost_one(tmp_path: Path) -> None:
    with ReplicateServer() as server, studio_with(tmp_path, "replicate", {"api_url": f"{server.url}/v1"}) as studio:
        lost_at(server, 1)
        (first,) = lose(studio, 1, "one")
        (second,) = lose(studio, 1, "two")
        assert (first.phase, first.remote_id) == (Phase.SUCCEEDED, "p0")
        assert (second.phase, second.remote_id) == (Phase.UNKNOWN, None)


def answers_of(server: LoopbackService, status: str) -> Reply:
    """What a poll says of a request in that state, as each service writes it."""
    if isinstance(server, PiAPIServer):
        return Reply(body=server.task(status))
    if isinstance(server, ReplicateServer):
        return Reply(body=server.prediction(status))
    assert isinstance(server, OpenAIServer)
    return Reply(body=server.video(status))


QUEUED = [*CASES[:2], ("openai", OpenAIServer, "sora-2")]


@pytest.mark.parametrize(("name", "kind", "model"), QUEUED, ids=[case[0] for case in QUEUED])
def test_a_service_that_takes_its_word_back_for_a_moment_loses_nothing(
    tmp_path: Path, name: str, kind: type[LoopbackService], model: str
) -> None:
    with kind() as server, studio_with(tmp_path, name, options_for(name, server.url)) as studio:
        server.script("poll", None, answers_of(server, "processing"), None)
        job, (item,) = make(studio, model)
        assert (job.phase, job.error, item.save_state) == (Phase.SUCCEEDED, None, SaveState.SAVED)


@pytest.mark.parametrize(("name", "kind", "model"), QUEUED, ids=[case[0] for case in QUEUED])
def test_a_cancelled_request_that_made_nothing_stays_cancelled(
    tmp_path: Path, name: str, kind: type[LoopbackService], model: str
) -> None:
    with kind() as server, studio_with(tmp_path, name, options_for(name, server.url)) as studio:
        server.script("poll", answers_of(server, "Canceled"))
        job, items = make(studio, model)
        assert (job.phase, items) == (Phase.CANCELLED, [])
        (job,) = studio.recheck([job.id]).result(SECONDS)
        assert (job.phase, len(server.submits)) == (Phase.CANCELLED, 1)


@pytest.mark.parametrize(
    ("name", "kind", "model", "body"),
    [
        ("replicate", ReplicateServer, "acme/painter", {"id": 7, "status": "starting"}),
        ("piapi", PiAPIServer, "Qubico/flux1-schnell/txt2img", {"data": {"task_id": 7, "status": "pending"}}),
        ("openai", OpenAIServer, "sora-2", {"id": 7, "status": "queued"}),
    ],
)
def test_an_id_that_is_a_number_is_an_id(
    tmp_path: Path, name: str, kind: type[LoopbackService], model: str, body: dict[str, Any]
) -> None:
    with kind() as server, studio_with(tmp_path, name, options_for(name, server.url)) as studio:
        server.script("submit", Reply(body=body))
        job, (item,) = make(studio, model)
        assert (job.remote_id, item.save_state, len(server.submits)) == ("7", SaveState.SAVED, 1)


BAD_SUBMITS = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"<html>",
    b"[" * 100_000,
    b'{"id": NaN, "data": NaN}',
    b'{"id": [], "data": []}',
]


@pytest.mark.parametrize("body", BAD_SUBMITS, ids=[str(body[:20]) for body in BAD_SUBMITS])
@pytest.mark.parametrize(("name", "kind", "model"), CASES[:2], ids=[case[0] for case in CASES[:2]])
def test_a_submit_that_was_answered_without_an_id_is_never_repeated(
    tmp_path: Path, name: str, kind: type[LoopbackService], model: str, body: bytes
) -> None:
    with kind() as server, studio_with(tmp_path, name, options_for(name, server.url)) as studio:
        server.script("submit", Reply(body=body))
        job, items = make(studio, model)
        assert (job.phase, items, len(server.submits)) == (Phase.UNKNOWN, [], 1)
