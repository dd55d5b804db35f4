"""A small PiAPI on loopback."""

from __future__ import annotations

from typing import Any

from tests.support.loopback import Call, LoopbackService, Reply

UNSET = "0001-01-01T00:00:00Z"


class PiAPIServer(LoopbackService):
    """Answers like api.piapi.ai and upload.theapi.app."""

    def step(self, call: Call) -> str:
        if call.path.startswith("/files/"):
            return "file"
        if call.path == "/api/ephemeral_resource":
            return "upload"
        if call.path == "/api/v1/task":
            return "submit"
        if call.path.startswith("/api/v1/task/"):
            return "cancel" if call.method == "DELETE" else "poll"
        if call.path == "/api/open/tasks/histories":
            return "history"
        return "unknown"

    def task(self, status: str = "completed", **more: Any) -> dict[str, Any]:
        """A task in its envelope."""
        data: dict[str, Any] = {
            "task_id": "t1",
            "model": "Qubico/flux1-schnell",
            "task_type": "txt2img",
            "status": status,
            "input": {"prompt": "a fox"},
            "output": None,
            "meta": {"created_at": "2026-11-20T10:00:00.108326563Z", "started_at": UNSET, "ended_at": UNSET},
            "detail": None,
            "logs": [],
            "error": {"code": 0, "raw_message": "", "message": "", "detail": None},
        }
        return {"code": 200, "message": "success", "data": {**data, **more}}

    def on_submit(self, call: Call) -> Reply:
        return Reply(body=self.task("pending"))

    def on_poll(self, call: Call) -> Reply:
        return Reply(body=self.task(output={"image_url": f"{self.url}/files/a.png", "image_base64": ""}))

    def on_cancel(self, call: Call) -> Reply:
        return Reply(body={"code": 200, "message": "success", "data": None})

    def on_history(self, call: Call) -> Reply:
        return Reply(body={"code": 200, "data": {"total": 0, "list": []}})

    def on_upload(self, call: Call) -> Reply:
        return Reply(body={"code": 200, "data": {"url": "https://img.theapi.app/ephemeral/u1.png"}, "message": "ok"})
