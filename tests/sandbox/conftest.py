"""A sandbox in the test's own event loop, and helpers to speak to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mediatui.sandbox.server import SandboxServer

TINY_VIDEO: dict[str, Any] = {
    "prompt": "misty mountain at sunset",
    "duration": 0.25,
    "resolution": "180p",
    "fps": 8,
    "seed": 7,
}
"""Two small frames."""

FAST = "/sandbox/text-to-video/fast"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxServer]:
    server = SandboxServer(tmp_path / "sandbox")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client(sandbox: SandboxServer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sandbox) as client:
        yield client


def client_of(server: SandboxServer) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=server.base_url,
        headers={"Authorization": f"Key {server.key}"},
        timeout=30,
        trust_env=False,
    )


async def submit(client: httpx.AsyncClient, model: str = FAST, **body: Any) -> dict[str, Any]:
    """Submit a tiny request and return the answer."""
    response = await client.post(model, json=TINY_VIDEO | body)
    assert response.status_code == 200, response.text
    handle: dict[str, Any] = response.json()
    return handle


async def events(client: httpx.AsyncClient, handle: dict[str, Any]) -> list[dict[str, Any]]:
    """Every status of a request until it is completed, as the status stream tells them."""
    found = []
    async with client.stream("GET", handle["status_url"] + "/stream", params={"logs": "1"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
    return found


async def ended(client: httpx.AsyncClient, handle: dict[str, Any]) -> dict[str, Any]:
    """The last status of a request."""
    return (await events(client, handle))[-1]


async def result(client: httpx.AsyncClient, handle: dict[str, Any]) -> httpx.Response:
    """What fetching the result answers once the request is completed."""
    await ended(client, handle)
    return await client.get(handle["response_url"])
