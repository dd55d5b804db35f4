"""The server as a guest in somebody's process: any thread, no signals, no output, errors in words."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import signal
import ssl
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from mediatui.errors import StorageError, UsageError
from mediatui.sandbox.requests import RequestStore
from mediatui.sandbox.server import SandboxServer

from .conftest import TINY_VIDEO, client_of, result, submit


def test_it_runs_in_a_thread_silently_and_leaves_signals_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    codes: list[int] = []

    async def visit() -> None:
        server = SandboxServer(tmp_path)
        await server.start()
        async with client_of(server) as client:
            codes.append((await result(client, await submit(client))).status_code)
            broken = (await result(client, await submit(client, "/sandbox/faults/broken-download"))).json()
            with pytest.raises(httpx.TransportError):
                await client.get(broken["video"]["url"])
            with pytest.raises(httpx.TransportError):
                await client.post("/sandbox/faults/dropped-submit", json=TINY_VIDEO)
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(visit()))
    thread.start()
    thread.join()
    assert codes == [200]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert capfd.readouterr() == ("", "")


async def test_a_taken_port_is_an_error_in_words(sandbox: SandboxServer, tmp_path: Path) -> None:
    port = int(sandbox.base_url.rpartition(":")[2])
    with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"):
        await SandboxServer(tmp_path / "other", port=port).start()


async def test_a_folder_that_cannot_be_used_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="could not use the sandbox's folder"):
        await SandboxServer(tmp_path / "file").start()


async def test_a_second_server_gets_another_port(sandbox: SandboxServer, tmp_path: Path) -> None:
    second = SandboxServer(tmp_path / "sandbox")
    await second.start()
    assert second.base_url != sandbox.base_url
    await second.stop()


async def test_tls(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path, tls=True)
    await server.start()
    assert server.base_url.startswith("https://127.0.0.1:")
    assert server.certificate is not None
    assert server.certificate.suffix == ".pem"
    key = server.certificate.with_name("sandbox-key.pem")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    trusting = ssl.create_default_context(cafile=str(server.certificate))
    async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
        for host in ("127.0.0.1", "localhost"):
            url = server.base_url.replace("127.0.0.1", host)
            document = (await client.get(url)).json()
            assert document["catalogue"] == f"{url}/v1/models"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await httpx.AsyncClient(trust_env=False).get(server.base_url)
    made = server.certificate.read_bytes()
    await server.stop()
    again = SandboxServer(tmp_path, tls=True)
    await again.start()
    assert server.certificate.read_bytes() == made
    await again.stop()


async def test_the_certificate_speaks_for_fals_hosts(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path, tls=True)
    await server.start()
    assert server.certificate is not None
    trusting = ssl.create_default_context(cafile=str(server.certificate))
    port = int(server.base_url.rpartition(":")[2])
    for name in ("queue.fal.run", "fal.run", "rest.fal.ai", "v3.fal.media", "api.fal.ai"):
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        assert writer.get_extra_info("peercert")["subjectAltName"]
        writer.close()
        await writer.wait_closed()
    await server.stop()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 6, 9])
async def test_a_start_that_is_given_up_leaves_nothing_open(tmp_path: Path, steps: int) -> None:
    passed = itertools.count()
    await give_up_starting(tmp_path, lambda: next(passed) == steps)


async def test_a_start_that_is_given_up_while_the_folder_opens_leaves_nothing_open(tmp_path: Path) -> None:
    await give_up_starting(tmp_path, (tmp_path / "owners").exists)


async def give_up_starting(folder: Path, is_time: Callable[[], bool]) -> None:
    """Cancel a start when it is time to, and look for what it left."""
    server = SandboxServer(folder)
    starting = asyncio.create_task(server.start())
    while not is_time():
        await asyncio.sleep(0)
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    await server.stop()
    await asyncio.get_running_loop().shutdown_default_executor()  # whose thread cannot be stopped, and cleans up
    nothing_is_open(folder)


def nothing_is_open(folder: Path) -> None:
    """An open socket would be a ResourceWarning, which is an error here; a lock that was held would leave its file."""
    gc.collect()
    assert not list(folder.glob("owners/*"))


def test_a_stop_when_everything_was_cancelled_leaves_nothing_open(tmp_path: Path) -> None:
    """So does an engine that ends: it cancels all tasks of its loop, and then has the sandbox stop."""

    async def serve_and_cancel_everything() -> str:
        server = SandboxServer(tmp_path)
        await server.start()
        async with client_of(server) as client:
            handle = await submit(client, "/sandbox/text-to-video", duration=20, resolution="1080p")
            async with client.stream("GET", handle["status_url"] + "/stream") as stream:
                async for line in stream.aiter_lines():
                    if "IN_PROGRESS" in line:
                        break
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await server.stop()
        request_id: str = handle["request_id"]
        return request_id

    loop = asyncio.new_event_loop()
    try:
        request_id = loop.run_until_complete(serve_and_cancel_everything())
    finally:
        loop.close()
    nothing_is_open(tmp_path)
    left = RequestStore(tmp_path)
    request = left.take_over(request_id)
    left.close()
    assert request is not None
