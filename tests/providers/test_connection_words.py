"""Why a service could not be reached, in words."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from tests.support.fal_server import Reply, fal_server

from mediatui.providers.connection import connection_words


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def failure_of(url: str, **options: Any) -> httpx.HTTPError:
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.HTTPError) as error:
            await client.get(url, **options)
    return error.value


async def test_nobody_listens() -> None:
    port = free_port()
    words = connection_words(await failure_of(f"http://user:secret@127.0.0.1:{port}/path?token=secret"))
    assert words == f"127.0.0.1:{port}: connection refused"


async def test_there_is_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert connection_words(await failure_of("http://media.example.invalid/")) == "media.example.invalid: no such host"


async def test_no_answer_and_half_an_answer() -> None:
    with fal_server() as fal:
        fal.script("file", Reply(drop=True))
        cut = connection_words(await failure_of(f"{fal.url}/files/a.png"))
    assert cut == "it hung up before the whole answer was there"


def test_an_unknown_failure_keeps_its_name() -> None:
    assert connection_words(httpx.ConnectError("outside of a request")) == "no connection"
    assert connection_words(ZeroDivisionError()) == "ZeroDivisionError"
