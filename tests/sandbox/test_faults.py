"""Every failure on demand, by parameter and by model."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest

from mediatui.sandbox.catalogue import MODELS
from mediatui.sandbox.faults import Fault

from .conftest import FAST, TINY_VIDEO, ended, result, submit


def test_every_fault_has_a_model_and_stands_in_every_schema() -> None:
    faulty = {model.fault for model in MODELS.values()}
    assert faulty == set(Fault)
    for model in MODELS.values():
        if model.fault is Fault.NONE:
            field = next(field for field in model.fields if field.name == "sandbox_fault")
            assert field.choices == tuple(fault.value for fault in Fault)
            assert field.advanced


def by_parameter_and_model(fault: Fault) -> pytest.MarkDecorator:
    """Ask for a fault in both ways."""
    asked = [(FAST, {"sandbox_fault": fault.value}), (f"/sandbox/faults/{fault.value}", {})]
    return pytest.mark.parametrize(("model", "more"), asked, ids=["parameter", "model"])


@by_parameter_and_model(Fault.REFUSED_PROMPT)
async def test_refused_prompt(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    handle = await submit(client, model, **more)
    status = await ended(client, handle)
    response = await client.get(handle["response_url"])
    problem = response.json()["detail"][0]
    assert "error" not in status
    assert response.status_code == 422
    assert (problem["type"], problem["loc"]) == ("content_policy_violation", ["body", "prompt"])


@by_parameter_and_model(Fault.EXHAUSTED_BALANCE)
@pytest.mark.parametrize("prefix", ["", "/run"])
async def test_exhausted_balance(client: httpx.AsyncClient, model: str, more: dict[str, str], prefix: str) -> None:
    response = await client.post(prefix + model, json=TINY_VIDEO | more)
    assert response.status_code == 403
    assert response.json()["detail"].startswith("User is locked. Reason: Exhausted balance.")
    history = await client.get("/v1/models/requests/by-endpoint", params={"endpoint_id": model[1:]})
    assert history.json()["items"] == []


@by_parameter_and_model(Fault.SLOW_QUEUE)
async def test_slow_queue_counts_down(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    handle = await submit(client, model, sandbox_fault_seconds=1.2, **more)
    assert handle["queue_position"] == 2
    positions = []
    while (status := (await client.get(handle["status_url"])).json())["status"] == "IN_QUEUE":
        positions.append(status["queue_position"])
    assert positions == sorted(positions, reverse=True)
    assert {1, 2} <= set(positions)
    assert (await result(client, handle)).status_code == 200


@by_parameter_and_model(Fault.JOB_FAILS)
async def test_job_fails(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    handle = await submit(client, model, **more)
    status = await ended(client, handle)
    response = await client.get(handle["response_url"])
    assert (status["status"], status["error_type"]) == ("COMPLETED", "runner_server_error")
    assert "runner lost its device" in status["error"]
    assert response.status_code == 500
    assert response.headers["x-fal-error-type"] == "runner_server_error"


async def media_url(client: httpx.AsyncClient, model: str, **more: object) -> tuple[str, int]:
    """The URL and size of what a request made."""
    video = (await result(client, await submit(client, model, **more))).json()["video"]
    return video["url"], video["file_size"]


async def read_until_broken(client: httpx.AsyncClient, url: str, **headers: str) -> tuple[bytes, httpx.Headers]:
    """What arrives before the connection breaks, which it must."""
    content = b""
    async with client.stream("GET", url, headers=headers) as response:
        try:
            async for piece in response.aiter_bytes():
                content += piece
        except httpx.RemoteProtocolError:
            return content, response.headers
    raise AssertionError("the download did not break")


@by_parameter_and_model(Fault.BROKEN_DOWNLOAD)
async def test_broken_download_can_be_resumed(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    url, size = await media_url(client, model, **more)
    assert int((await client.head(url)).headers["content-length"]) == size
    start, headers = await read_until_broken(client, url)
    assert int(headers["content-length"]) == size
    assert len(start) == size // 2
    rest = await client.get(url, headers={"Range": f"bytes={len(start)}-", "If-Range": headers["etag"]})
    whole = await client.get(url)
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {len(start)}-{size - 1}/{size}"
    assert hashlib.sha256(start + rest.content).digest() == hashlib.sha256(whole.content).digest()


@by_parameter_and_model(Fault.ALWAYS_BROKEN_DOWNLOAD)
async def test_always_broken_download(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    url, size = await media_url(client, model, **more)
    for _ in range(2):
        content, _ = await read_until_broken(client, url)
        assert len(content) == size // 2
    content, headers = await read_until_broken(client, url, Range="bytes=10-")
    assert len(content) == size // 2 - 10
    assert headers["content-range"] == f"bytes 10-{size - 1}/{size}"
    content, _ = await read_until_broken(client, url, Range=f"bytes={size // 2}-")
    assert content == b""


@by_parameter_and_model(Fault.EXPIRING_URL)
async def test_expiring_url(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    lasting, _ = await media_url(client, model, **more)
    gone, _ = await media_url(client, model, sandbox_fault_seconds=0, **more)
    assert (await client.get(lasting)).status_code == 200
    assert (await client.get(lasting)).status_code == 200
    assert (await client.get(gone)).status_code == 404


@by_parameter_and_model(Fault.SINGLE_LOOK_URL)
async def test_single_look_url(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    url, size = await media_url(client, model, **more)
    assert (await client.head(url)).status_code == 200
    assert len((await client.get(url)).content) == size
    assert (await client.get(url)).status_code == 404


@by_parameter_and_model(Fault.RESULT_504_ONCE)
async def test_result_504_once(client: httpx.AsyncClient, model: str, more: dict[str, str]) -> None:
    handle = await submit(client, model, **more)
    assert (await result(client, handle)).status_code == 504
    assert (await client.get(handle["response_url"])).status_code == 200


@by_parameter_and_model(Fault.DROPPED_SUBMIT)
async def test_dropped_submit_is_accepted_all_the_same(
    client: httpx.AsyncClient, model: str, more: dict[str, str]
) -> None:
    with pytest.raises(httpx.TransportError):
        await client.post(model, json=TINY_VIDEO | more)
    history = await client.get("/v1/models/requests/by-endpoint", params={"endpoint_id": model[1:]})
    items = history.json()["items"]
    assert len(items) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", items[0]["request_id"])


async def test_faults_reach_pictures_and_sound_too(client: httpx.AsyncClient) -> None:
    picture = await submit(
        client,
        "/sandbox/text-to-image",
        image_size={"width": 32, "height": 32},
        sandbox_fault="refused-prompt",
    )
    sound = await submit(client, "/sandbox/text-to-audio", seconds_total=0.3, sandbox_fault="job-fails")
    assert (await result(client, picture)).status_code == 422
    assert (await result(client, sound)).status_code == 500
