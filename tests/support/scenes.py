"""Every provider as one scene: its loopback server, the settings that lead there, and what a finished request gives.

A scene makes several files of different bytes, so that a mix-up shows. The sandbox has no server here: it runs
inside the product, and its requests are files below the state folder.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support import fal_server, loopback
from tests.support.comfy_server import ComfyServer, done
from tests.support.fal_server import FalServer, png, ranged
from tests.support.google_server import GoogleServer, operation
from tests.support.loopback import LoopbackService
from tests.support.openai_server import OpenAIServer
from tests.support.piapi_server import PiAPIServer
from tests.support.replicate_server import ReplicateServer

from mediatui.locations import Locations
from mediatui.settings import ProviderSettings, Secret, Settings

KEY = "sk-test"
PROMPT = "a fox"
SMALL = 1
LARGE = 1100
"""Pixels a side: more than a megabyte, which comes straight from the socket."""

Server = FalServer | LoopbackService
Call = Any
Reply = Any
GRAPH = {
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{prompt}}"}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["6", 0]}},
}


@dataclass
class Scene:
    """A provider's server while it runs."""

    name: str
    server: Server | None
    model: str
    steps: tuple[str, ...]
    """Steps of the protocol at which a run can be held."""
    files: list[bytes]
    """What a finished request gives, in order."""
    findable: bool = True
    """A request whose answer was lost can be found at the service."""
    media_step: str = ""
    """The step that sends a file's bytes, if it is one of its own."""
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.server.url if self.server else "-"

    def submits(self, state: Path) -> int:
        """Requests that would have been billed."""
        if self.server is not None:
            return len(self.server.submits)
        return len(list((state / "sandbox" / "requests").glob("*.json")))


def settings_for(name: str, url: str, root: Path) -> Settings:
    """Settings that lead to the scene of that name."""
    kind = name.partition("-")[0]
    options: dict[str, dict[str, Any]] = {
        "fal": {"queue_url": url, "run_url": f"{url}/run", "api_url": f"{url}/v1", "upload_url": url},
        "replicate": {"api_url": f"{url}/v1"},
        "piapi": {"api_url": url, "upload_url": url},
        "openai": {"base_url": f"{url}/v1"},
        "google": {"gemini_url": f"{url}/v1beta", "vertex_url": f"{url}/vertex", "storage_url": url},
        "comfyui": {"base_url": url, "workflows": str(root / "workflows")},
    }
    if kind not in options:
        return Settings(poll_seconds=0.05)
    if kind == "comfyui":
        (root / "workflows").mkdir(parents=True, exist_ok=True)
        (root / "workflows" / "portrait.json").write_text(json.dumps(GRAPH), "utf-8")
    return Settings(poll_seconds=0.05, providers={kind: ProviderSettings(kind, Secret(KEY), options=options[kind])})


def places(root: Path) -> Locations:
    """The four places below one folder."""
    return Locations(root / "data", root / "config.toml", root / "state", root / "cache")


# -- the scenes


def _pictures(count: int, size: int) -> list[bytes]:
    return [png(20 + 40 * number, size) for number in range(count)]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _serve(server: Server, files: list[bytes], step: str) -> list[str]:
    """Let the server give these files by range; their paths."""
    paths = [f"/files/{number}.png" for number in range(len(files))]
    server.files = dict(zip(paths, files, strict=True))
    server.on[step] = lambda call: ranged(call, server.files[call.path])
    return paths


def _fal(size: int) -> Scene:
    server, files = FalServer(), _pictures(2, size)
    server.outputs = _serve(server, files, "file")

    def history(call: Call) -> Reply:
        sent = enumerate(server.submits, 1)
        items = [{"request_id": f"r{n}", "json_input": each.json, "sent_at": _now()} for n, each in sent]
        return fal_server.Reply(body={"items": items, "has_more": False})

    server.on["history"] = history
    return Scene("fal", server, "fal-ai/test", ("submit", "status", "result", "file"), files, media_step="file")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _replicate(size: int) -> Scene:
    server, files = ReplicateServer(), _pictures(3, size)
    paths = _serve(server, files, "file")
    output = [f"{server.url}{path}" for path in paths]
    server.on["poll"] = lambda call: loopback.Reply(body=server.prediction(output=output))

    def listed(call: Call) -> Reply:
        made = datetime.now(UTC).isoformat()
        shown = [server.prediction("processing", created_at=made, input=c.json["input"]) for c in server.submits]
        return loopback.Reply(body={"next": None, "previous": None, "results": shown})

    server.on["list"] = listed
    return Scene("replicate", server, "acme/painter", ("submit", "poll", "file"), files, media_step="file")


def _piapi(size: int) -> Scene:
    server, files = PiAPIServer(), _pictures(2, size)
    paths = _serve(server, files, "file")
    output = {"image_urls": [f"{server.url}{path}" for path in paths]}
    server.on["poll"] = lambda call: loopback.Reply(body=server.task(output=output))

    def history(call: Call) -> Reply:
        rows = [{"task_id": "t1", "created_at": 1} for _ in server.submits]
        return loopback.Reply(body={"code": 200, "data": {"total": len(rows), "list": rows}})

    server.on["history"] = history
    model = "Qubico/flux1-schnell/txt2img"
    return Scene("piapi", server, model, ("submit", "poll", "file"), files, media_step="file")


def _openai_image(size: int) -> Scene:
    server, files = OpenAIServer(), _pictures(2, size)
    body = {"created": 1, "data": [{"b64_json": _b64(data)} for data in files], "output_format": "png"}
    server.on["submit"] = lambda call: loopback.Reply(body=body)
    return Scene("openai-image", server, "gpt-image-1.5", ("submit",), files, findable=False)


def _openai_video(size: int) -> Scene:
    server, files = OpenAIServer(), [_movie(size)]

    def content(call: Call) -> Reply:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return loopback.Reply(401, {"error": {"message": "no key"}})
        reply = ranged(call, files[0])
        reply.headers["Content-Type"] = "video/mp4"
        return reply

    server.on["content"] = content
    return Scene(
        "openai-video", server, "sora-2", ("submit", "poll", "content"), files, findable=False, media_step="content"
    )


def _movie(size: int) -> bytes:
    """The start of a film that passes for one, with bytes that do not repeat."""
    head = bytes.fromhex("00000018667479706d703432000000006d70343269736f6d")
    body = b"".join(number.to_bytes(4, "big") for number in range(size * size // 4 + 2))
    return head + (8 + len(body)).to_bytes(4, "big") + b"mdat" + body


def _google_image(size: int) -> Scene:
    server, files = GoogleServer(), _pictures(2, size)
    parts = [{"inlineData": {"mimeType": "image/png", "data": _b64(data)}} for data in files]
    body = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r1"}
    server.on["submit"] = lambda call: loopback.Reply(body=body)
    return Scene("google-image", server, "gemini-3.1-flash-image", ("submit",), files, findable=False)


def _google_imagen(size: int) -> Scene:
    server, files = GoogleServer(), _pictures(2, size)
    body = {"predictions": [{"bytesBase64Encoded": _b64(data), "mimeType": "image/png"} for data in files]}
    server.on["submit"] = lambda call: loopback.Reply(body=body)
    return Scene("google-imagen", server, "imagen-4.0-generate-001", ("submit",), files, findable=False)


def _google_veo(size: int) -> Scene:
    server, files = GoogleServer(), [_movie(size), _movie(size + 2)]
    names = [f"/v1beta/files/abc{number}:download" for number in range(len(files))]
    samples = [{"video": {"uri": f"{server.url}{name}?alt=media"}} for name in names]
    server.on["poll"] = lambda call: loopback.Reply(
        body=operation({"generateVideoResponse": {"generatedSamples": samples}})
    )

    def file(call: Call) -> Reply:
        if call.headers.get("x-goog-api-key") != KEY:
            return loopback.Reply(403, {"error": {"message": "no key"}})
        reply = ranged(call, files[names.index(call.path)])
        reply.headers["Content-Type"] = "video/mp4"
        return reply

    server.on["file"] = file
    return Scene(
        "google-veo",
        server,
        "veo-3.1-generate-preview",
        ("submit", "poll", "file"),
        files,
        findable=False,
        media_step="file",
    )


def _comfyui(size: int) -> Scene:
    server, files = ComfyServer(), _pictures(2, size)
    shown = [{"filename": f"{number}.png", "subfolder": "", "type": "output"} for number in range(len(files))]

    def history(call: Call) -> Reply:
        name = call.path.rpartition("/")[2]
        sent = any(c.json["prompt_id"] == name for c in server.submits)
        return loopback.Reply(body={name: done({"9": {"images": shown}})} if sent else {})

    server.on["history"] = history
    server.on["queue"] = lambda call: loopback.Reply(body={"queue_running": [], "queue_pending": []})
    server.on["view"] = lambda call: ranged(call, files[int(call.params["filename"][0].removesuffix(".png"))])
    return Scene("comfyui", server, "portrait", ("submit", "history", "view"), files, media_step="view")


def _sandbox(size: int) -> Scene:
    params = {"image_size": {"width": 64, "height": 64}, "num_images": 2}
    return Scene("sandbox", None, "sandbox/text-to-image", (), [b"", b""], params=params)


SCENES: Mapping[str, Callable[[int], Scene]] = {
    "fal": _fal,
    "sandbox": _sandbox,
    "replicate": _replicate,
    "piapi": _piapi,
    "openai-image": _openai_image,
    "openai-video": _openai_video,
    "google-image": _google_image,
    "google-imagen": _google_imagen,
    "google-veo": _google_veo,
    "comfyui": _comfyui,
}
"""By name: makes the scene with files of small or large pictures."""


@contextmanager
def running(name: str, size: int = SMALL) -> Iterator[Scene]:
    """A scene whose server runs until the block ends."""
    scene = SCENES[name](size)
    try:
        yield scene
    finally:
        if isinstance(scene.server, FalServer):
            scene.server.close()
        elif scene.server is not None:
            scene.server.__exit__()
