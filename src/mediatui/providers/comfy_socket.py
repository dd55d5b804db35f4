"""ComfyUI's websocket, for the share of a running job that is done. Polling does without it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mediatui.providers.answers import mapping, number
from mediatui.text import one_line

OPEN_SECONDS = 5.0
AGAIN_SECONDS = 10.0
"""After a connection failed, none is tried for so long."""

MAX_MESSAGE = 64 << 20
"""Previews come as binary messages of any size; they are dropped."""
MAX_EVENT = 1 << 20
"""Letters; a longer text is no event, and reading it would hold everything up."""


@dataclass(slots=True)
class Seen:
    """What a job's events said last."""

    fraction: float | None = None
    node: str = ""


class ProgressSockets:
    """One connection for each running job: events reach only the client id that the job was sent with."""

    def __init__(self, address: Callable[[str], str], headers: Callable[[], Mapping[str, str]]) -> None:
        self._address, self._headers = address, headers
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, Seen] = {}
        self._not_before = 0.0

    def watch(self, client: str, prompt: str) -> Seen:
        """What is known of a prompt of the client; starts listening unless that is done or failed a moment ago."""
        task = self._tasks.get(client)
        idle = task is None or task.done()
        if idle and time.monotonic() >= self._not_before and importlib.util.find_spec("websockets"):
            self._tasks[client] = asyncio.create_task(self._listen(client, prompt), name=f"comfyui-{client}")
        return self._seen.setdefault(client, Seen())

    async def stop(self, client: str) -> None:
        """The job ended."""
        self._seen.pop(client, None)
        task = self._tasks.pop(client, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def aclose(self) -> None:
        """Stop listening to all."""
        for client in list(self._tasks):
            await self.stop(client)

    async def _listen(self, client: str, prompt: str) -> None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import WebSocketException

        seen, address = self._seen.setdefault(client, Seen()), self._address(client)
        try:
            host, port = _host_of(address)
            async with connect(
                address,
                # Named here, so that no redirect to another origin is followed: the headers may be secrets.
                host=host,
                port=port,
                additional_headers=dict(self._headers()),
                open_timeout=OPEN_SECONDS,
                close_timeout=0.2,
                max_size=MAX_MESSAGE,
                compression=None,
                proxy=None,
            ) as socket:
                async for message in socket:
                    if isinstance(message, str) and len(message) <= MAX_EVENT:
                        read_event(message, prompt, seen)
        except (OSError, TimeoutError, ValueError, WebSocketException):
            pass  # progress is a nicety: the status still comes by polling
        seen.fraction, seen.node = None, ""
        self._not_before = time.monotonic() + AGAIN_SECONDS


def _host_of(address: str) -> tuple[str, int]:
    parts = urlsplit(address)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)


def read_event(message: str, prompt: str, seen: Seen) -> None:
    """Take what a message says of `prompt`; anything else is left aside."""
    try:
        document = mapping(json.loads(message))
    except (ValueError, RecursionError):
        return
    data = mapping(document.get("data"))
    if data.get("prompt_id") not in (None, prompt):
        return
    kind = document.get("type")
    if kind == "progress":
        seen.fraction = _share(data, seen.fraction)
    elif kind == "progress_state":
        running = [mapping(node) for node in mapping(data.get("nodes")).values()]
        for node in running:
            if node.get("state") == "running":
                seen.fraction = _share(node, seen.fraction)
    elif kind == "executing" and isinstance(data.get("node"), (str, int)):
        seen.node = one_line(data["node"], 40)


def _share(data: Mapping[str, Any], before: float | None) -> float | None:
    value, most = number(data.get("value")), number(data.get("max"))
    # Nodes of one step only say that they began.
    if value is None or most is None or most <= 1:
        return before
    return min(1.0, max(0.0, value / most))
