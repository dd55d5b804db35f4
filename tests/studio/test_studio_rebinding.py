"""A name that leads inward, at once or by and by: not a single byte goes there."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import FalServer, Reply

from mediatui.errors import SaveErrorKind
from mediatui.model import MediaItem, SaveState

HOST, PUBLIC, ALSO, INWARD = "rebind.example", "8.8.8.8", "2606:4700::1111", "127.0.0.1"


@dataclass
class HostTable:
    """What the machine's resolver says of `HOST`, one answer after the other; the last one stays."""

    answers: list[Sequence[str]] = field(default_factory=list)
    lookups: int = 0
    connections: list[str] = field(default_factory=list)
    """Where connections went that the resolver's answers led to, but for this machine's servers."""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> HostTable:
    """Stands in for the resolver, and for the way out of this machine."""
    known, look_up, connect = HostTable(), socket.getaddrinfo, socket.create_connection

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host != HOST:
            return look_up(host, port, *rest, **more)
        known.lookups += 1
        answer = known.answers.pop(0) if len(known.answers) > 1 else known.answers[0]
        return [found for address in answer for found in look_up(address, port, *rest, **more)]

    def create_connection(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        if address[0] not in (HOST, PUBLIC, ALSO):
            return connect(address, *rest, **more)
        known.connections.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    return known


@pytest.fixture
def inside() -> Iterator[socket.socket]:
    """A service inside somebody's network."""
    with socket.create_server((INWARD, 0)) as server:
        server.setblocking(False)
        yield server


def address_of(server: socket.socket) -> str:
    return f"https://{HOST}:{server.getsockname()[1]}/a.png"


def never_called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def made(opener: Opener, fal: FalServer) -> MediaItem:
    shop = opener(allow_hosts=(HOST,))
    _, (item,) = shop.make()
    assert (item.save_state, item.path, shop.media_files()) == (SaveState.UNSAVED, None, [])
    assert (fal.count("submit"), item.storage_error is not None) == (1, True)
    return item


def at(fal: FalServer, url: str) -> None:
    fal.script("result", Reply(body={"images": [{"url": url, "content_type": "image/png"}]}))


@pytest.mark.parametrize("answer", [[INWARD], [PUBLIC, INWARD], ["::1"], [PUBLIC, "::ffff:127.0.0.1"], ["10.0.0.1"]])
def test_a_name_that_leads_inward(
    fal: FalServer, opener: Opener, table: HostTable, inside: socket.socket, answer: list[str]
) -> None:
    table.answers = [answer]
    at(fal, address_of(inside))
    fault = made(opener, fal).storage_error
    assert fault is not None
    assert (fault.kind, "private network" in fault.message) == (SaveErrorKind.REFUSED_HOST, True)
    assert (never_called(inside), table.connections) == (True, [])


def test_a_name_that_leads_inward_only_when_looked_up_again(
    fal: FalServer, opener: Opener, table: HostTable, inside: socket.socket
) -> None:
    table.answers = [[PUBLIC], [INWARD]]
    at(fal, address_of(inside))
    fault = made(opener, fal).storage_error
    # The first connection went to the address that was checked; for the second try the name was looked up anew.
    assert fault is not None
    assert (fault.kind, table.lookups, table.connections) == (SaveErrorKind.REFUSED_HOST, 2, [PUBLIC])
    assert never_called(inside)


def test_a_redirect_to_a_name_that_leads_inward(
    fal: FalServer, opener: Opener, table: HostTable, inside: socket.socket
) -> None:
    table.answers = [[PUBLIC, INWARD]]
    fal.script("file", Reply(302, b"", {"Location": address_of(inside)}))
    fault = made(opener, fal).storage_error
    assert fault is not None
    assert (fault.kind, fal.count("file")) == (SaveErrorKind.REFUSED_HOST, 1)
    assert (never_called(inside), table.connections) == (True, [])


def test_every_checked_address_is_tried(fal: FalServer, opener: Opener, table: HostTable) -> None:
    table.answers = [[PUBLIC, ALSO], [INWARD]]
    at(fal, f"https://{HOST}/a.png")
    made(opener, fal)
    assert table.connections == [PUBLIC, ALSO]
