"""Bytes to and from a media server: a socket, with TLS where the address asks for it.

TLS reads through memory (`ssl.MemoryBIO`): the socket is asked for hundreds of kilobytes at once, and the records in
them are opened one after the other. `ssl.SSLSocket` asks it twice for each record, of at most 16 KiB.
"""

from __future__ import annotations

import socket
import ssl
from typing import cast

_SEALED_BYTES = 1 << 19
"""How much is received at once to be decrypted."""


class Wire:
    """A connected socket. Blocking; every method raises `OSError`, and `TimeoutError` when patience ends."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def be_patient(self, seconds: float) -> None:
        """How long everything from now on may wait for a single byte."""
        self._sock.settimeout(seconds)

    def send(self, data: bytes) -> None:
        """Send every byte."""
        self._sock.sendall(data)

    def receive(self, view: memoryview) -> int:
        """Fill the beginning of `view` with what has come, at least one byte; 0: the server sends no more."""
        return self._sock.recv_into(view)

    @property
    def quiet(self) -> bool:
        """Nothing has come that was not received yet, not even the end; be patient anew before the next use."""
        self._sock.setblocking(False)
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def hang_up(self) -> None:
        """End it for whoever waits on it in another thread; that one closes it."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:  # it ended already
            return

    def close(self) -> None:
        """Let go of the socket."""
        self._sock.close()


class SecureWire(Wire):
    """A connected socket with TLS over it."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        """Agree on keys with `host`, whose certificate `context` accepts."""
        super().__init__(sock)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._sealed = memoryview(bytearray(_SEALED_BYTES))
        self._ended = False
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._shake_hands()

    def send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._tls.write(view) :]
            self._flush()

    def receive(self, view: memoryview) -> int:
        while not (count := self._open_records(view)) and not self._ended:
            self._fetch()
        return count

    @property
    def quiet(self) -> bool:
        return not self._incoming.pending and not self._tls.pending() and super().quiet

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._fetch()
            except ssl.SSLError:
                self._flush()  # which tells the server why
                raise
            else:
                self._flush()
                return

    def _open_records(self, view: memoryview) -> int:
        """Decrypt what has come into `view`; 0 when that is not one whole record, or the last of all."""
        filled = 0
        try:
            while filled < len(view):
                count = cast(int, self._tls.read(len(view) - filled, view[filled:]))  # with a buffer, a count
                filled += count
                if count == 0:
                    self._ended = True  # the server said goodbye
                    break
        except ssl.SSLWantReadError:
            self._flush()  # keys are changed in the middle
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            self._ended = True  # it hung up without: who counts the bytes will see what is missing
        return filled

    def _fetch(self) -> None:
        count = self._sock.recv_into(self._sealed)
        if count:
            self._incoming.write(self._sealed[:count])
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())
