"""A small OpenAI-compatible service on loopback."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.loopback import PNG, Call, LoopbackService, Reply

B64 = base64.b64encode(PNG).decode()


class OpenAIServer(LoopbackService):
    """Answers like api.openai.com under ``/v1``: images at once, videos as a queue."""

    @property
    def base(self) -> str:
        """The base address of the API."""
        return f"{self.url}/v1"

    def step(self, call: Call) -> str:
        path = call.path.removeprefix("/v1")
        if path.startswith("/images/") or (path == "/videos" and call.method == "POST"):
            return "submit"
        if path.startswith("/videos/"):
            return "content" if path.endswith("/content") else "poll"
        return {"/models": "models"}.get(path, "file" if path.startswith("/files/") else "unknown")

    def video(self, status: str = "completed", **more: Any) -> dict[str, Any]:
        """A video's record."""
        document = {"id": "video_1", "object": "video", "model": "sora-2", "status": status, "progress": 0}
        return {**document, "seconds": "8", "size": "1280x720", "created_at": 1_700_000_000, **more}

    def on_submit(self, call: Call) -> Reply:
        if call.path.endswith("/videos"):
            return Reply(body=self.video("queued"))
        data = [{"b64_json": B64, "revised_prompt": "a red fox"}]
        body = {"created": 1, "data": data, "size": "1024x1536", "output_format": "png"}
        return Reply(body=body, headers={"x-request-id": "req_1"})

    def on_poll(self, call: Call) -> Reply:
        return Reply(body=self.video(progress=100, expires_at=1_800_000_000))

    def on_content(self, call: Call) -> Reply:
        if call.headers.get("authorization") != "Bearer sk-test":
            return Reply(401, {"error": {"message": "no key"}})
        return Reply(body=b"\x00\x00\x00\x18ftypmp42", headers={"Content-Type": "video/mp4"})

    def on_models(self, call: Call) -> Reply:
        names = ["llama-3", "flux.1-schnell", "wan2.2-video"]
        return Reply(body={"object": "list", "data": [{"id": name} for name in names]})
