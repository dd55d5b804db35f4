"""Connections for downloads: HTTP/1.1, only to addresses that were checked, and with patience.

A name is looked up once for each connection, and the connection goes to what was found: nothing is sent to an
address that nobody looked at. There is never a proxy: what it connects to could not be checked. A server that sends
its head one byte at a time would keep every single read short of its timeout for ever, so the whole head has a limit
of its own.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.connection import refusal_words
from mediatui.providers.http import certificates
from mediatui.studio.answer import Answer, Broken, ask
from mediatui.studio.hosts import port_of
from mediatui.studio.kept import Kept, Origin
from mediatui.studio.wire import SecureWire, Wire

Peers = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port that a connection may go to; raises `SaveError` when it may not."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server. There is no limit to a whole download."""

    connect: float = 15.0
    read: float = 60.0
    """Seconds without a single byte."""
    head: float = 60.0
    """Seconds for the whole head of an answer, however its bytes trickle in."""
    behind: float = 2.0
    """Seconds without a single byte behind the announced end of a file that says it goes on."""
    attempts: int = 5
    """In a row, without progress."""
    first_delay: float = 0.5
    longest_delay: float = 60.0
    longest_hold: float = 2.0
    """A server that wants to be asked later than that lets another file have its turn meanwhile."""
    longest_wish: float = 60.0
    """A server that wants to be asked later than that ends the save; the next one comes when it said."""


class UntrustedError(SaveError):
    """Who answers cannot prove to be the host: asking again at once gets the same certificate."""

    def __init__(self, host: str, cause: ssl.SSLCertVerificationError) -> None:
        super().__init__(
            SaveErrorKind.NETWORK,
            f"{host}: its certificate is not trusted ({cause.verify_message.rstrip('.')}). See that the clock of this "
            "computer is right, and that no filter or login page of the network answers in its place",
            hint="A certificate authority of your own is named by SSL_CERT_FILE in the environment.",
        )


class Transport:
    """Asks for files; one for all threads."""

    def __init__(self, patience: Patience) -> None:
        self._patience, self._kept = patience, Kept()
        self._lock = threading.Lock()
        self._busy: set[Wire] = set()
        self._closed = False

    @contextmanager
    def get(self, url: httpx.URL, headers: Mapping[str, str], peers: Peers) -> Iterator[Answer]:
        """The answer to a GET, while the block lasts. Raises `Broken`, `UntrustedError`, and what `peers` raises."""
        host = url.raw_host.decode("ascii").rstrip(".")  # no certificate has the root's dot in its names
        origin = Origin(url.scheme == "https", host, port_of(url))
        until = time.monotonic() + self._patience.head
        wire = self._kept.take(origin) or self._connect(origin, peers)
        answer = None
        try:
            self._begin(wire)
            sent = {"Host": url.netloc.decode("ascii"), **headers}
            answer = ask(wire, url.raw_path, sent, self._patience.read, until)
            yield answer
        finally:
            self._end(wire, origin, again=answer is not None and answer.finished)

    def close(self) -> None:
        """Close every connection; whoever still waits for a byte gets none."""
        with self._lock:
            self._closed = True
            for wire in self._busy:
                wire.hang_up()
        self._kept.close()

    def _begin(self, wire: Wire) -> None:
        with self._lock:
            if self._closed:
                raise Broken("the connections are closed")
            self._busy.add(wire)

    def _end(self, wire: Wire, origin: Origin, *, again: bool) -> None:
        with self._lock:
            self._busy.discard(wire)
        if again:
            self._kept.put(origin, wire)
        else:
            wire.close()

    def _connect(self, origin: Origin, peers: Peers) -> Wire:
        fault: Exception = Broken("it has no address")
        for peer in peers(origin.host, origin.port):
            try:
                return self._connect_to(peer, origin)
            except TimeoutError:
                fault = Broken("nobody answered in time")
            except ssl.SSLCertVerificationError as exc:
                fault = UntrustedError(origin.host, exc)
            except OSError as exc:
                fault = Broken(refusal_words(exc))
        raise fault

    def _connect_to(self, peer: str, origin: Origin) -> Wire:
        sock = socket.create_connection((peer, origin.port), self._patience.connect)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not origin.secure:
                return Wire(sock)
            return SecureWire(sock, certificates(), origin.host)
        except BaseException:  # a fence: nobody else holds the socket yet
            sock.close()
            raise
