"""An answer that is the paid product itself, and breaks off: what is whole in it is saved, the rest is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import Keep
from tests.support.google_server import GoogleServer, b64
from tests.support.loopback import LoopbackService, Reply, png
from tests.support.openai_server import OpenAIServer
from tests.support.workshop import Workshop, open_with

from mediatui.errors import ErrorKind
from mediatui.model import Phase, SaveState
from mediatui.providers import exchange
from mediatui.settings import ProviderSettings, Secret, Settings

FIRST, SECOND = png(1, 60), png(2, 60)
ENTRIES = [b64(FIRST), b64(SECOND)]
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "Imagen": ("vertex/imagen-4.0-generate-001", {"predictions": [{"bytesBase64Encoded": e} for e in ENTRIES]}),
    "Gemini": (
        "gemini-3.1-flash-image",
        {"candidates": [{"content": {"parts": [{"inlineData": {"data": e}} for e in ENTRIES]}}]},
    ),
    "Interactions": (
        "interactions/gemini-3.1-flash-image",
        {"steps": [{"type": "model_output", "content": [{"type": "image", "data": e} for e in ENTRIES]}]},
    ),
    "OpenAI": ("gpt-image-1.5", {"data": [{"b64_json": e} for e in ENTRIES]}),
}


@pytest.fixture(params=SHAPES)
def scene(request: pytest.FixtureRequest, tmp_path: Path, keep: Keep) -> Iterator[tuple[LoopbackService, Workshop]]:
    name = "openai" if request.param == "OpenAI" else "google"
    with OpenAIServer() if name == "openai" else GoogleServer() as server:
        url = server.url
        google = {"gemini_url": f"{url}/v1beta", "vertex_url": f"{url}/vertex", "storage_url": url, "project": "acme"}
        options = {"base_url": f"{url}/v1"} if name == "openai" else {**google, "token_command": "echo ya29.a-token"}
        provider = ProviderSettings(name, Secret("sk-test-of-broken-answers"), options=options)
        yield server, keep(open_with(tmp_path, Settings(poll_seconds=0.02, providers={name: provider})))


@pytest.fixture
def shape(scene: object, request: pytest.FixtureRequest) -> tuple[str, bytes]:
    model, document = SHAPES[request.node.callspec.params["scene"]]
    return model, json.dumps(document).encode()


def params_of(model: str) -> dict[str, Any]:
    return {"background": False} if model.startswith("interactions/") else {}


def within_second(body: bytes) -> int:
    """Where the second picture is half here."""
    return body.index(ENTRIES[1].encode()) + len(ENTRIES[1]) // 2


@pytest.mark.parametrize("chunked", [False, True])
def test_the_whole_picture_is_saved_and_so_is_the_half_one(
    scene: tuple[LoopbackService, Workshop], shape: tuple[str, bytes], chunked: bool
) -> None:
    (server, shop), (model, body) = scene, shape
    server.script("submit", Reply(body=body, cut=within_second(body), chunked=chunked))
    (job,), (whole, half) = shop.make(model, params=params_of(model))
    assert (job.phase, job.error, len(server.submits)) == (Phase.SUCCEEDED, None, 1)
    assert (whole.save_state, shop.file(whole)) == (SaveState.SAVED, FIRST)
    assert half.save_state is SaveState.SAVED
    assert 400 < len(shop.file(half)) < len(SECOND)
    assert SECOND.startswith(shop.file(half))
    assert all("broke off" in item.extra["incomplete"] for item in (whole, half))
    assert job.result_path is not None
    (kept,) = shop.locations.data.rglob(job.result_path)
    assert body.startswith(kept.read_bytes())


def test_half_a_picture_is_an_item_that_says_so(
    scene: tuple[LoopbackService, Workshop], shape: tuple[str, bytes]
) -> None:
    (server, shop), (model, body) = scene, shape
    server.script("submit", Reply(body=body, cut=body.index(ENTRIES[0].encode()) + len(ENTRIES[0]) // 2))
    (job,), (half,) = shop.make(model, params=params_of(model))
    assert (job.phase, half.save_state, len(server.submits)) == (Phase.SUCCEEDED, SaveState.SAVED, 1)
    assert "broke off" in half.extra["incomplete"]


def test_an_answer_without_a_picture_in_it_leaves_open_what_happened(
    scene: tuple[LoopbackService, Workshop], shape: tuple[str, bytes]
) -> None:
    (server, shop), (model, body) = scene, shape
    server.script("submit", Reply(body=body, cut=body.index(ENTRIES[0].encode()) + 20))
    (job,), items = shop.make(model, params=params_of(model))
    assert (job.phase, items, len(server.submits)) == (Phase.UNKNOWN, [], 1)
    assert job.error is not None
    assert job.error.kind is ErrorKind.AMBIGUOUS_SUBMIT


def test_what_came_of_an_answer_that_is_too_large_is_saved(
    scene: tuple[LoopbackService, Workshop], shape: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (server, shop), (model, body) = scene, shape
    monkeypatch.setattr(exchange, "MAX_BODY", within_second(body))
    server.script("submit", Reply(body=body, trickle=1000))
    (job,), (whole, *_) = shop.make(model, params=params_of(model))
    assert (job.phase, shop.file(whole), len(server.submits)) == (Phase.SUCCEEDED, FIRST, 1)
