"""Google's surfaces on loopback: Gemini API, Vertex, operations, interactions, files and buckets, calls counted."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.loopback import PNG, Call, LoopbackService, Reply

MP4 = bytes.fromhex("00000018667479706d703432000000006d70343269736f6d") + b"moov" * 8
VERTEX_NAME = "projects/acme/locations/us-central1/publishers/google/models/veo-3.1-generate-001/operations/op1"
GEMINI_NAME = "models/veo-3.1-generate-preview/operations/op2"


def b64(data: bytes) -> str:
    """Bytes as Google's JSON carries them."""
    return base64.b64encode(data).decode()


class GoogleServer(LoopbackService):
    """The Gemini API under ``/v1beta``, Vertex under ``/vertex``, buckets under ``/storage``."""

    def step(self, call: Call) -> str:
        """Which step of which surface a call is."""
        path = call.path
        verbs = {
            ":generateContent": "submit",
            ":predict": "submit",
            ":predictLongRunning": "submit",
            ":fetchPredictOperation": "poll",
        }
        for ending, step in verbs.items():
            if path.endswith(ending):
                return step
        if path.endswith("/interactions"):
            return "submit"
        if path.endswith("/cancel"):
            return "cancel"
        if "/interactions/" in path or "/operations/" in path:
            return "poll"
        if path.endswith("/models"):
            return "catalogue"
        return "file" if path.startswith(("/files/", "/v1beta/files/", "/storage/")) else "unknown"

    def on_submit(self, call: Call) -> Reply:
        """The handle or the product of a well-behaved surface."""
        if call.path.endswith("/interactions"):
            return Reply(body={"id": "int-1", "status": "in_progress"})
        if call.path.endswith(":predictLongRunning"):
            return Reply(body={"name": VERTEX_NAME if call.path.startswith("/vertex") else GEMINI_NAME})
        if call.path.endswith(":predict"):
            return Reply(body={"predictions": [{"bytesBase64Encoded": b64(PNG), "mimeType": "image/png"}]})
        return Reply(body=picture())

    def on_poll(self, call: Call) -> Reply:
        """Done, with the media inside."""
        if "/interactions/" in call.path:
            return Reply(body=interaction([{"type": "video", "data": b64(MP4), "mime_type": "video/mp4"}]))
        if call.path.endswith(":fetchPredictOperation"):
            return Reply(body=operation({"videos": [{"bytesBase64Encoded": b64(MP4), "mimeType": "video/mp4"}]}))
        uri = f"{self.url}/v1beta/files/abc:download?alt=media"
        return Reply(body=operation({"generateVideoResponse": {"generatedSamples": [{"video": {"uri": uri}}]}}))

    def on_cancel(self, call: Call) -> Reply:
        """The interaction is told to stop."""
        return Reply(body={"id": "int-1", "status": "cancelled"})

    def on_catalogue(self, call: Call) -> Reply:
        """Two pages of models."""
        if call.params.get("pageToken"):
            return Reply(body={"models": [{"name": "models/imagen-9.0-generate", "displayName": "Imagen 9"}]})
        names = ["models/gemini-3.1-flash-image", "models/gemini-3.8-flash", "models/lyria-3.5", "../evil-image"]
        entries = [{"name": name, "displayName": name[7:], "description": "words"} for name in names]
        return Reply(body={"models": entries, "nextPageToken": "2"})


def picture(**more: Any) -> dict[str, Any]:
    """An answer of `generateContent` with words, a draft, and a picture."""
    parts = [
        {"text": "Here it is."},
        {"inlineData": {"mimeType": "image/png", "data": b64(b"draft")}, "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": b64(PNG)}},
    ]
    return {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r1", **more}


def operation(response: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A finished operation."""
    return {"name": VERTEX_NAME, "done": True, "response": response, **more}


def interaction(content: list[dict[str, Any]], status: str = "completed", **more: Any) -> dict[str, Any]:
    """An interaction with its input and what the model put out."""
    given = {"type": "user_input", "content": [{"type": "image", "data": b64(b"input"), "mime_type": "image/png"}]}
    return {"id": "int-1", "status": status, "steps": [given, {"type": "model_output", "content": content}], **more}


def problem(code: int, status: str, message: str, **more: Any) -> Reply:
    """A refusal in Google's shape."""
    return Reply(code, {"error": {"code": code, "message": message, "status": status, **more}})
