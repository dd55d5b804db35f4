"""Accepted requests outlive the process that accepted them, and move to whichever server is left."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from mediatui.sandbox.requests import RequestStore
from mediatui.sandbox.server import SandboxServer

from .conftest import FAST, TINY_VIDEO, client_of, ended, events, result, submit
from .standalone import Standalone, standalone


def speak_to(server: Standalone) -> httpx.AsyncClient:
    headers = {"Authorization": f"Key {server.key}"}
    return httpx.AsyncClient(base_url=server.base_url, headers=headers, timeout=30, trust_env=False)


async def test_requests_and_files_survive_kill_9(tmp_path: Path) -> None:
    with standalone(tmp_path) as server:
        async with speak_to(server) as client:
            finished = await submit(client)
            video = (await result(client, finished)).json()["video"]
            content = (await client.get(video["url"])).content
            rendering = await submit(client, duration=6, fps=24)
            waiting = await submit(client, sandbox_fault="slow-queue", sandbox_fault_seconds=0.5)
            async with client.stream("GET", rendering["status_url"] + "/stream") as stream:
                async for line in stream.aiter_lines():
                    if '"IN_PROGRESS"' in line:
                        break
        server.process.kill()
        server.process.wait()
        first_url = server.base_url
    with standalone(tmp_path) as server:
        assert server.base_url == first_url, "stored URLs stay good while the port is free"
        async with speak_to(server) as client:
            assert (await client.get(video["url"])).content == content
            assert (await client.get(finished["response_url"])).json()["video"] == video
            for handle in (rendering, waiting):
                response = await result(client, handle)
                assert response.status_code == 200
                made = response.json()["video"]
                assert len((await client.get(made["url"])).content) == made["file_size"]
            assert (await result(client, rendering)).json()["video"]["num_frames"] == 144


async def test_every_acknowledged_request_is_known_after_kills_at_any_moment(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(4):
        with standalone(tmp_path) as server:
            async with speak_to(server) as client:
                for _ in range(round_ + 1):
                    acknowledged.append((await submit(client))["request_id"])
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
    with standalone(tmp_path) as server:
        async with speak_to(server) as client:
            for request_id in acknowledged:
                url = f"{server.base_url}/sandbox/text-to-video/requests/{request_id}"
                handle = {"status_url": f"{url}/status", "response_url": url}
                assert (await result(client, handle)).status_code == 200


async def test_a_second_server_on_the_folder_knows_and_cancels_the_firsts_requests(tmp_path: Path) -> None:
    one, two = SandboxServer(tmp_path), SandboxServer(tmp_path)
    await one.start()
    await two.start()
    try:
        async with client_of(one) as first, client_of(two) as second:
            handle = await submit(first, sandbox_fault="slow-queue", sandbox_fault_seconds=60)
            elsewhere = {k: str(v).replace(one.base_url, two.base_url) for k, v in handle.items()}
            assert (await second.get(elsewhere["status_url"])).json()["status"] == "IN_QUEUE"
            assert (await second.put(elsewhere["cancel_url"])).status_code == 202
            assert (await ended(first, handle))["error_type"] == "client_cancelled"
            assert (await ended(second, elsewhere))["error_type"] == "client_cancelled"
            done = await submit(first)
            await ended(first, done)
            there = done["response_url"].replace(one.base_url, two.base_url)
            url = (await second.get(there)).json()["video"]["url"]
            assert url.startswith(two.base_url)
            assert (await second.get(url)).status_code == 200
    finally:
        await two.stop()
        await one.stop()


async def test_a_living_server_takes_over_from_a_killed_one_when_asked(tmp_path: Path) -> None:
    survivor = SandboxServer(tmp_path)
    await survivor.start()
    try:
        with standalone(tmp_path) as server:
            async with speak_to(server) as client:
                handle = await submit(client, sandbox_fault="slow-queue", sandbox_fault_seconds=0.4)
            server.process.kill()
            server.process.wait()
        async with client_of(survivor) as client:
            moved = {k: str(v).replace(server.base_url, survivor.base_url) for k, v in handle.items()}
            assert (await result(client, moved)).status_code == 200
    finally:
        await survivor.stop()


async def test_a_stopped_server_leaves_its_requests_to_the_next(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path)
    await server.start()
    async with client_of(server) as client:
        handle = await submit(client, duration=20, fps=60)
    await server.stop()
    record = json.loads((tmp_path / "requests" / f"{handle['request_id']}.json").read_text())
    assert record["state"] in ("queued", "running")
    assert not list((tmp_path / "owners").iterdir())
    await server.start()
    async with client_of(server) as client:
        status = (await client.get(handle["status_url"])).json()
        assert status["status"] in ("IN_QUEUE", "IN_PROGRESS")
        await client.put(handle["cancel_url"])
    await server.stop()


async def test_sigterm_ends_a_standalone_server_quietly(tmp_path: Path) -> None:
    with standalone(tmp_path) as server:
        async with speak_to(server) as client:
            broken = (await result(client, await submit(client, "/sandbox/faults/broken-download"))).json()
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(broken["video"]["url"])
            await submit(client, duration=20, fps=60)
        server.process.terminate()
        _, errors = server.process.communicate(timeout=20)
        assert (server.process.returncode, errors) == (0, "")


async def test_what_is_old_is_forgotten_at_start(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path)
    await server.start()
    async with client_of(server) as client:
        old, new = await submit(client), await submit(client)
        for handle in (old, new):
            assert (await events(client, handle))[-1]["status"] == "COMPLETED"
        upload = (await client.post("/storage/upload/initiate", json={"file_name": "a.bin"})).json()
        await client.put(upload["upload_url"], content=b"x")
    await server.stop()
    path = tmp_path / "requests" / f"{old['request_id']}.json"
    week_ago = time.time() - 8 * 24 * 3600
    path.write_text(json.dumps(json.loads(path.read_text()) | {"ended_at": week_ago, "created_at": week_ago}))
    os.utime(next((tmp_path / "uploads").iterdir()), (week_ago, week_ago))
    await server.start()
    async with client_of(server) as client:
        assert (await client.get(old["status_url"])).status_code == 404
        assert (await client.get(new["response_url"])).status_code == 200
        assert (await client.get(upload["file_url"])).status_code == 404
    await server.stop()
    assert [folder.name for folder in (tmp_path / "files").iterdir()] == [new["request_id"]]


def test_a_record_is_whole_or_absent_however_it_is_damaged(tmp_path: Path) -> None:
    store = RequestStore(tmp_path)
    damaged = "00000000-0000-4000-8000-000000000000"
    for content in (b'{"id": "0000', b"", b"[]", b'{"id": "a"}', b"\xff"):
        (tmp_path / "requests" / f"{damaged}.json").write_bytes(content)
        assert store.load(damaged) is None
        assert list(store.all()) == []
    store.close()


@pytest.mark.parametrize("request_id", ["", "../owners", "00000000", "00000000-0000-4000-8000-00000000000g"])
def test_only_request_ids_are_looked_up(tmp_path: Path, request_id: str) -> None:
    store = RequestStore(tmp_path)
    assert store.load(request_id) is None
    store.close()


async def test_the_handle_is_on_disk_before_the_answer(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path)
    await server.start()
    async with client_of(server) as client:
        response = await client.post(FAST, json=TINY_VIDEO)
        assert (tmp_path / "requests" / f"{response.json()['request_id']}.json").exists()
    await server.stop()
