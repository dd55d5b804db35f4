"""A fal-like server on loopback that misbehaves as it is told, and counts what it is asked.

Each step of the protocol (submit, status, result, cancel, history, catalogue, file, run, initiate, put) answers
well unless `script` or `on` says otherwise; prices, estimate and sign are unknown until they are scripted.
"""

from __future__ import annotations

import ssl
from typing import Any

from tests.support.loopback import PNG, SECONDS, Call, LoopbackService, Reply, png

__all__ = ["BIG", "JPEG", "PNG", "SECONDS", "Call", "FalServer", "Reply", "fal_server", "png", "ranged"]

BIG = png(7, 1100)
"""More than a megabyte: it comes straight from the socket."""
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb") + bytes(200) + b"\xff\xd9"


class FalServer(LoopbackService):
    """Answers like fal's queue."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.outputs: list[str] = ["/files/a.png"]
        self._accepted = self._uploads = 0

    def step(self, call: Call) -> str:
        """Which step of the protocol it is."""
        if call.path.startswith("/files/"):
            return "file"
        if call.path.startswith("/v1/models/requests"):
            return "history"
        if call.path == "/v1/models/pricing":
            return "prices"
        if call.path == "/v1/models/pricing/estimate":
            return "estimate"
        if call.path == "/v1/storage/files/sign":
            return "sign"
        if call.path.startswith("/storage/upload/"):
            return "initiate"
        if call.path.startswith("/put/"):
            return "put"
        if call.path.startswith("/run/"):
            return "run"
        if call.path.startswith(("/v1/", "/api/")):
            return "catalogue"
        if "/requests/" in call.path:
            if call.method == "PUT":
                return "cancel"
            return "status" if call.path.endswith("/status") else "result"
        return "submit" if call.method == "POST" else "unknown"

    def handle(self, number: int = 1, app: str = "fal-ai/test") -> dict[str, Any]:
        """The answer to an accepted submit."""
        base = f"{self.url}/{app}/requests/r{number}"
        return {
            "request_id": f"r{number}",
            "status": "IN_QUEUE",
            "status_url": f"{base}/status",
            "response_url": base,
            "cancel_url": f"{base}/cancel",
            "queue_position": 0,
        }

    def on_submit(self, call: Call) -> Reply:
        with self.changed:
            self._accepted += 1
            return Reply(body=self.handle(self._accepted))

    def on_status(self, call: Call) -> Reply:
        return Reply(body={"status": "COMPLETED", "logs": []})

    def on_result(self, call: Call) -> Reply:
        images = [{"url": f"{call.base}{path}", "content_type": "image/png"} for path in self.outputs]
        return Reply(body={"images": images, "seed": 7})

    def on_cancel(self, call: Call) -> Reply:
        return Reply(202, {"status": "CANCELLATION_REQUESTED"})

    def on_run(self, call: Call) -> Reply:
        return Reply(body=self.on_result(call).body, headers={"x-fal-request-id": "direct-1"})

    def on_initiate(self, call: Call) -> Reply:
        with self.changed:
            self._uploads += 1
            name = f"{self._uploads}-{call.json['file_name']}"
        return Reply(body={"upload_url": f"{call.base}/put/{name}?sig=s", "file_url": f"{call.base}/files/up/{name}"})

    def on_put(self, call: Call) -> Reply:
        return Reply(headers={"ETag": f'"{len(call.body)}"'})

    def on_history(self, call: Call) -> Reply:
        return Reply(body={"items": [], "has_more": False})

    def on_file(self, call: Call) -> Reply:
        data = self.files.get(call.path)
        return Reply(404, {"detail": "not found"}) if data is None else ranged(call, data)


fal_server = FalServer
"""A running server, for the length of a `with`."""


def ranged(call: Call, data: bytes, etag: str = '"one"') -> Reply:
    """A file as a good media host sends it: by range when asked, if it is the same file still."""
    headers = {"Content-Type": "image/png", "ETag": etag, "Accept-Ranges": "bytes"}
    start = call.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
    if not start.isdigit() or call.headers.get("if-range", etag) != etag:
        return Reply(body=data, headers=headers)
    if int(start) >= len(data):
        return Reply(416, b"", {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    return Reply(206, data[int(start) :], headers)
