"""fal's queue, as protocol: every endpoint and every code."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from mediatui.sandbox.server import SandboxServer

from .conftest import FAST, TINY_VIDEO, client_of, ended, events, result, submit


async def test_submit_answers_with_absolute_urls_of_owner_and_app(
    client: httpx.AsyncClient, sandbox: SandboxServer
) -> None:
    handle = await submit(client)
    base = f"{sandbox.base_url}/sandbox/text-to-video/requests/{handle['request_id']}"
    assert handle == {
        "status": "IN_QUEUE",
        "request_id": handle["request_id"],
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
        "queue_position": 0,
    }


async def test_urls_follow_the_host_the_client_wrote(client: httpx.AsyncClient) -> None:
    response = await client.post(FAST, json=TINY_VIDEO, headers={"Host": "queue.fal.run"})
    assert response.json()["status_url"].startswith("http://queue.fal.run/sandbox/text-to-video/requests/")


async def test_status_on_the_full_id_is_405(client: httpx.AsyncClient) -> None:
    handle = await submit(client)
    response = await client.get(f"{FAST}/requests/{handle['request_id']}/status")
    assert response.status_code == 405
    assert response.json() == {"detail": "Method Not Allowed"}


async def test_no_key_is_401(sandbox: SandboxServer) -> None:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as nobody:
        for header in (None, "", "Key", "Basic abc"):
            nobody.headers = httpx.Headers({} if header is None else {"Authorization": header})
            for response in (
                await nobody.post(FAST, json=TINY_VIDEO),
                await nobody.get("/sandbox/text-to-video/requests/x/status"),
                await nobody.post("/storage/upload/initiate", json={}),
                await nobody.get("/v1/models/pricing"),
            ):
                assert response.status_code == 401
                assert response.json() == {"detail": "No user found for Key ID and Secret"}


async def test_unknown_models_and_requests_are_404(client: httpx.AsyncClient) -> None:
    handle = await submit(client)
    stranger = "00000000-0000-4000-8000-000000000000"
    for path, detail in {
        "/fal-ai/nothing": "Application 'nothing' not found",
        "/sandbox/text-to-video/quality": "Path /quality not found",
    }.items():
        response = await client.post(path, json=TINY_VIDEO)
        assert (response.status_code, response.json()["detail"]) == (404, detail)
    for path in (
        f"/sandbox/text-to-video/requests/{stranger}/status",
        f"/sandbox/text-to-video/requests/{stranger}",
        "/sandbox/text-to-video/requests/not-an-id/status",
        f"/sandbox/text-to-image/requests/{handle['request_id']}/status",
        f"/sandbox/text-to/requests/{handle['request_id']}/status",
    ):
        assert (await client.get(path)).status_code == 404, path
    cancelled = await client.put(f"/sandbox/text-to-video/requests/{stranger}/cancel")
    assert (cancelled.status_code, cancelled.json()) == (404, {"status": "NOT_FOUND"})


async def test_status_is_202_until_it_is_completed(client: httpx.AsyncClient) -> None:
    handle = await submit(client, sandbox_fault="slow-queue", sandbox_fault_seconds=0.3)
    waiting = await client.get(handle["status_url"])
    early = await client.get(handle["response_url"])
    assert (waiting.status_code, waiting.json()["status"]) == (202, "IN_QUEUE")
    assert "logs" not in waiting.json()
    assert (early.status_code, early.json()["detail"]) == (400, "Request is still in progress")
    await ended(client, handle)
    done = await client.get(handle["status_url"])
    assert (done.status_code, done.json()["status"]) == (200, "COMPLETED")
    assert done.json()["metrics"]["inference_time"] > 0
    assert done.json()["progress"] == 1


@pytest.mark.parametrize("asked", ["1", "true"])
async def test_logs_come_when_asked_for(client: httpx.AsyncClient, asked: str) -> None:
    handle = await submit(client)
    await ended(client, handle)
    silent = await client.get(handle["status_url"], params={"logs": "0"})
    spoken = await client.get(handle["status_url"], params={"logs": asked})
    assert silent.json()["logs"] is None
    last = spoken.json()["logs"][-1]
    assert last["message"] == "frame 2/2 (100%)"
    assert (last["level"], last["source"]) == ("INFO", "USER")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", last["timestamp"])


async def test_stream_tells_growing_progress_and_each_log_line_once(client: httpx.AsyncClient) -> None:
    handle = await submit(client, duration=3, fps=24)
    told = await events(client, handle)
    fractions = [event["progress"] for event in told]
    lines = [line["message"] for event in told for line in event.get("logs") or []]
    assert told[-1]["status"] == "COMPLETED"
    assert fractions == sorted(fractions)
    assert any(0 < fraction < 1 for fraction in fractions)
    assert len(lines) == len(set(lines))
    assert lines[-1] == "frame 72/72 (100%)"


async def test_two_are_rendered_at_once_and_the_others_wait_in_order(client: httpx.AsyncClient) -> None:
    handles = [await submit(client, duration=20, fps=24) for _ in range(2)]
    for handle in handles:
        await _until_running(client, handle)
    later = [await submit(client) for _ in range(2)]
    assert [handle["queue_position"] for handle in later] == [0, 1]
    refused = await client.post(FAST, json=TINY_VIDEO, params={"fal_max_queue_length": "1"})
    assert refused.status_code == 429
    assert refused.headers["x-fal-needs-retry"] == "1"
    for handle in handles:
        assert (await client.put(handle["cancel_url"])).status_code == 202
    for handle in later:
        assert (await result(client, handle)).status_code == 200


async def _until_running(client: httpx.AsyncClient, handle: dict[str, Any]) -> None:
    async with client.stream("GET", handle["status_url"] + "/stream") as stream:
        async for line in stream.aiter_lines():
            if '"IN_PROGRESS"' in line:
                return
    raise AssertionError("it never ran")


@pytest.mark.parametrize("running", [False, True])
async def test_cancel(client: httpx.AsyncClient, running: bool) -> None:
    more = {"duration": 20, "fps": 60} if running else {"sandbox_fault": "slow-queue"}
    handle = await submit(client, **more)
    if running:
        await _until_running(client, handle)
    first = await client.put(handle["cancel_url"])
    again = await client.put(handle["cancel_url"])
    status = (await client.get(handle["status_url"])).json()
    answer = await client.get(handle["response_url"])
    assert (first.status_code, first.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert (again.status_code, again.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert (status["status"], status["error_type"]) == ("COMPLETED", "client_cancelled")
    assert (answer.status_code, answer.json()["error_type"]) == (499, "client_cancelled")
    assert answer.headers["x-fal-error-type"] == "client_cancelled"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"/run{FAST}", {}),
        (FAST, {"Host": "fal.run"}),
        ("/", {"x-fal-target-url": f"https://fal.run{FAST}"}),
        (FAST, {"User-Agent": "@fal-ai/client/1.9.0"}),
    ],
)
async def test_direct_mode_waits_for_the_output(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    response = await client.post(path, json=TINY_VIDEO, headers=headers)
    assert response.status_code == 200
    assert response.json()["video"]["num_frames"] == 2
    assert response.headers["x-fal-request-id"]


async def test_a_proxied_client_is_served_by_the_url_it_means(client: httpx.AsyncClient) -> None:
    handle = await submit(client)
    await ended(client, handle)
    meant = f"https://queue.fal.run/sandbox/text-to-video/requests/{handle['request_id']}/status?logs=1"
    response = await client.get("/", headers={"x-fal-target-url": meant})
    assert response.json()["logs"]


async def test_what_is_not_json_is_422(client: httpx.AsyncClient) -> None:
    for content in (b"{", b'{"prompt": NaN}', b'{"prompt": "\\ud800"}', b"[" * 10_000, b"\xff"):
        response = await client.post(FAST, content=content)
        assert (response.status_code, response.json()["detail"][0]["type"]) == (422, "json_invalid")


async def test_many_polls_are_answered_while_it_renders(client: httpx.AsyncClient) -> None:
    handle = await submit(client, duration=20, fps=60)
    await _until_running(client, handle)
    answers = await asyncio.gather(*(client.get(handle["status_url"]) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    await client.put(handle["cancel_url"])


async def test_several_servers_in_one_process_do_not_mix(sandbox: SandboxServer, tmp_path: Any) -> None:
    other = SandboxServer(tmp_path / "other")
    await other.start()
    try:
        async with client_of(sandbox) as one, client_of(other) as two:
            handle = await submit(one)
            elsewhere = handle["status_url"].replace(sandbox.base_url, other.base_url)
            assert (await two.get(elsewhere)).status_code == 404
    finally:
        await other.stop()
