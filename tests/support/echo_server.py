"""A service that refuses everything and repeats the key it was given in every corner of its answer."""

from __future__ import annotations

import threading

from tests.support.loopback import Call, LoopbackService, Reply

KEY_HEADERS = ("authorization", "x-api-key", "x-goog-api-key")


class EchoServer(LoopbackService):
    """Answers `status` with the caller's key in the body and in a header; `drop` closes without an answer.

    While `go_on` is clear it says nothing at all.
    """

    def __init__(self, status: int = 401) -> None:
        super().__init__()
        self.status, self.drop = status, False
        self.go_on = threading.Event()
        self.go_on.set()

    def step(self, call: Call) -> str:
        return "echo"

    def keys(self) -> set[str]:
        """Every key that arrived, without its scheme."""
        sent = (call.headers.get(name, "") for call in self.calls for name in KEY_HEADERS)
        return {value.rpartition(" ")[2] for value in sent if value}

    def on_echo(self, call: Call) -> Reply:
        self.go_on.wait(60)
        said = " ".join(call.headers.get(name, "") for name in KEY_HEADERS).strip()
        body = {
            "detail": f"refused: {said}",
            "message": f"refused: {said}",
            "title": f"refused {said}",
            "error": {"message": f"refused: {said}", "code": said, "status": "UNAUTHENTICATED", "type": said},
            "logs": [{"message": f"got {said}"}],
        }
        return Reply(self.status, body, headers={"X-Said": said}, drop=self.drop)
