"""A ComfyUI server on loopback: queue, history, files, uploads, node descriptions, and the websocket beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import PNG, Call, LoopbackService, Reply
from websockets.sync.server import Server, ServerConnection, serve


class ComfyServer(LoopbackService):
    """Keeps what was submitted; a test moves jobs through `running`, `pending` and `history`."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.pending: list[str] = []
        self.history: dict[str, Any] = {}
        super().__init__()

    def step(self, call: Call) -> str:
        """Which route a call is."""
        first = call.path.strip("/").split("/")[0]
        if call.path.startswith("/api/jobs/"):
            return "cancel"
        if first == "queue":
            return "queue" if call.method == "GET" else "delete"
        known = {"prompt": "submit", "history": "history", "interrupt": "interrupt", "view": "view"}
        return known.get(first) or {"upload": "upload", "object_info": "info"}.get(first, "unknown")

    def on_submit(self, call: Call) -> Reply:
        """Queued under the id the client chose."""
        name = call.json["prompt_id"]
        self.pending.append(name)
        return Reply(body={"prompt_id": name, "number": len(self.pending), "node_errors": {}})

    def on_queue(self, call: Call) -> Reply:
        """The queue as tuples; the pending ones out of order, as a heap is."""
        waiting = [[float(n), name, {}, {}, []] for n, name in enumerate(self.pending, 1)]
        running = [[0, name, {}, {}, []] for name in self.running]
        return Reply(body={"queue_running": running, "queue_pending": waiting[::-1]})

    def on_history(self, call: Call) -> Reply:
        """One entry, or an empty object."""
        name = call.path.rpartition("/")[2]
        return Reply(body={name: self.history[name]} if name in self.history else {})

    def on_cancel(self, call: Call) -> Reply:
        """A server of before the jobs routes."""
        return Reply(404, b"404: Not Found", {"Content-Type": "text/plain"})

    def on_delete(self, call: Call) -> Reply:
        """Out of the queue; the answer is empty."""
        self.pending = [name for name in self.pending if name not in call.json["delete"]]
        return Reply(body=b"")

    def on_interrupt(self, call: Call) -> Reply:
        """The answer is empty."""
        return Reply(body=b"")

    def on_view(self, call: Call) -> Reply:
        """A file; the connection ends with it."""
        return Reply(body=PNG, headers={"Content-Type": "image/png", "Connection": "close"})

    def on_upload(self, call: Call) -> Reply:
        """Stored under the name it came with."""
        name = call.body.split(b'filename="')[1].split(b'"')[0].decode()
        return Reply(body={"name": name, "subfolder": "", "type": "input"})

    def on_info(self, call: Call) -> Reply:
        """A loader's choices, in the older shape."""
        name = call.path.rpartition("/")[2]
        choices: list[Any] = [["sd15.safetensors", "sdxl.safetensors"], {}]
        return Reply(body={name: {"input": {"required": {"ckpt_name": choices}}}})


def done(outputs: dict[str, Any], status: str | None = "success", messages: list[Any] | None = None) -> dict[str, Any]:
    """A history entry."""
    graph = {"3": {"class_type": "KSampler", "inputs": {"seed": 42}}}
    verdict = {"status_str": status, "completed": status == "success", "messages": messages or []}
    return {"prompt": [1, "id", graph, {}, []], "outputs": outputs, "status": verdict if status else None}


class EventServer:
    """The websocket alone, on a port of its own: sends what `script` says to each client that connects."""

    def __init__(self, script: Callable[[str], list[dict[str, Any] | bytes]]) -> None:
        self.clients: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.told = threading.Event()
        self._script = script
        self._server: Server = serve(self._talk, "127.0.0.1", 0, compression=None)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base address, as ComfyUI's own."""
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def _talk(self, connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        client = parse_qs(urlsplit(request.path).query)["clientId"][0]
        self.clients.append(client)
        self.headers.append({k.lower(): v for k, v in request.headers.raw_items()})
        for message in self._script(client):
            connection.send(message if isinstance(message, bytes) else json.dumps(message))
        self.told.set()
        for _ in connection:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
