"""The sandbox as a server on this machine: inside somebody's event loop, or on its own until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from mediatui.errors import UsageError, storage_error
from mediatui.sandbox.app import build_app
from mediatui.sandbox.connection import DroppableProtocol
from mediatui.sandbox.requests import RequestStore
from mediatui.sandbox.runner import Runner
from mediatui.sandbox.tls import certificate

KEY = "sandbox:sandbox"
"""A key to use; any other does as well."""

_SILENT = logging.CRITICAL + 1
_GRACE_SECONDS = 1
_KEEP_ALIVE_SECONDS = 75
"""Long enough that no client's submit meets a connection that is just being closed."""


_Opened = tuple[socket.socket, RequestStore, tuple[Path, Path] | None]


class SandboxServer:
    """One server on a folder; several may share the folder.

    With port 0 it takes the port it had last time when that is free, so that URLs stored by clients stay good.
    """

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0, tls: bool = False) -> None:
        self._folder, self._host, self._port, self._tls = folder, host, port, tls
        self.key = KEY
        self.base_url = ""
        self.certificate: Path | None = None
        """The certificate clients must be told to trust; None without TLS."""
        self._listener: socket.socket | None = None
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._runner: Runner | None = None

    async def start(self) -> None:
        """Listen, then go on with requests left unfinished.

        Raises `UsageError` when the address cannot be had and `StorageError` when the folder cannot be used.
        """
        opening = _Opening(self._open)
        try:
            listener, store, pair = await asyncio.to_thread(opening.run)
        except asyncio.CancelledError:
            opening.give_up()
            raise
        self._listener, self._runner = listener, Runner(store)
        self._server = _Server(_config(self._runner, pair))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        port, named = listener.getsockname()[1], f"[{self._host}]" if ":" in self._host else self._host
        self.certificate = pair[0] if pair else None
        self.base_url = f"{'https' if self._tls else 'http'}://{named}:{port}"
        try:
            await self._until_listening(self._server, self._serving)
            await self._runner.resume()
        except BaseException:  # cancelled too: what was opened is closed
            await self.stop()
            raise

    def _open(self, opened: contextlib.ExitStack) -> _Opened:
        """All that blocks. Raises as `start`."""
        listener = opened.enter_context(self._listen())
        try:
            store = RequestStore(self._folder)
            opened.callback(store.close)
            pair = certificate(self._folder / "tls", self._host) if self._tls else None
            self._remember_port(listener)
        except OSError as exc:
            raise storage_error(exc, f"use the sandbox's folder {self._folder}") from exc
        return listener, store, pair

    async def stop(self) -> None:
        """Stop listening and rendering; unfinished requests are resumed by the next server on the folder.

        A loop that ends may have cancelled everything before: what that left open is closed here.
        """
        server, serving, runner, listener = self._server, self._serving, self._runner, self._listener
        self._server = self._serving = self._runner = self._listener = None
        async with contextlib.AsyncExitStack() as closing:  # each of them, whatever befalls the others
            if listener:
                closing.callback(listener.close)
            if runner:
                closing.push_async_callback(runner.stop)
            if server and serving:
                closing.push_async_callback(server.hang_up)
                server.should_exit = True
                await asyncio.gather(serving, return_exceptions=True)

    @staticmethod
    async def _until_listening(server: _Server, serving: asyncio.Task[None]) -> None:
        """Wait for the server to answer, or raise what keeps it from doing so."""
        listening = asyncio.create_task(server.listening.wait())
        await asyncio.wait({listening, serving}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if serving.done():
            serving.result()

    def _listen(self) -> socket.socket:
        last = self._last_port() if self._port == 0 else None
        for port in (last, self._port) if last else (self._port,):
            try:
                return socket.create_server((self._host, port or 0), family=_family(self._host), backlog=256)
            except OSError as exc:
                refused = exc
        # `create_server` repeats the address in the text of what the system said.
        reason = str(refused.strerror).partition(" (while ")[0]
        text = f"the sandbox cannot listen on {self._host}:{self._port}: {reason}"
        raise UsageError(text, hint="Choose another --port or --host, or leave them out.")

    @property
    def _port_file(self) -> Path:
        return self._folder / ("port-tls" if self._tls else "port")

    def _last_port(self) -> int | None:
        try:
            return int(self._port_file.read_text()) or None
        except (OSError, ValueError):
            return None

    def _remember_port(self, listener: socket.socket) -> None:
        if self._port == 0 and not self._port_file.exists():
            self._port_file.write_text(str(listener.getsockname()[1]))


class _Opening:
    """Opens things in a thread. That cannot be stopped: what is given up meanwhile is closed there."""

    def __init__(self, work: Callable[[contextlib.ExitStack], _Opened]) -> None:
        self._work, self._opened = work, contextlib.ExitStack()
        self._lock, self._given_up = threading.Lock(), False

    def run(self) -> _Opened:
        """Do the work; whatever it opened stays open unless it fails or was given up."""
        with contextlib.ExitStack() as opened:
            found = self._work(opened)
            with self._lock:
                if not self._given_up:
                    self._opened = opened.pop_all()
        return found

    def give_up(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._given_up = True
            self._opened.close()


class _Server(uvicorn.Server):
    """uvicorn without its hands on the process's signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.servers = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def hang_up(self) -> None:
        """Close what is still open after `serve`: all of it, when that was cancelled."""
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)  # in which they hear that they are closed: the loop may end right afterwards

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(runner: Runner, pair: tuple[Path, Path] | None) -> uvicorn.Config:
    return uvicorn.Config(
        build_app(runner),
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=_SILENT,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        ssl_certfile=str(pair[0]) if pair else None,
        ssl_keyfile=str(pair[1]) if pair else None,
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def run_forever(folder: Path, host: str, port: int, tls: bool, announce: Callable[[SandboxServer], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called with the server once it answers.

    Raises what `SandboxServer.start` raises.
    """
    asyncio.run(_serve(SandboxServer(folder, host=host, port=port, tls=tls), announce))


async def _serve(server: SandboxServer, announce: Callable[[SandboxServer], None]) -> None:
    loop, enough = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, enough.set)
    await server.start()
    try:
        announce(server)
        await enough.wait()
    finally:
        await server.stop()
