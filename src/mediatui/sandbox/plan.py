"""From a checked request to orders for the renderer, and from what it made to the answer of the model's family."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mediatui.sandbox.catalogue import ASPECT_RATIOS, RESOLUTIONS, Model
from mediatui.sandbox.requests import Request, RequestStore
from mediatui.sandbox.schema import resolve_image_size

Order = dict[str, Any]
"""What the render process is told, as JSON."""

_SAFE_PART = re.compile(r"[\w.-]+\Z")


def order(model: Model, request: Request, store: RequestStore) -> Order:
    """What to render for a request."""
    values = request.values
    stem = hashlib.sha256(request.id.encode()).hexdigest()[:20]
    common: Order = {
        "makes": model.makes,
        "folder": str(store.files / request.id),
        "prompt": values["prompt"],
        "seed": values["seed"],
    }
    if model.makes == "audio":
        return common | {"names": [f"{stem}.wav"], "seconds": values["seconds_total"]}
    if model.makes == "image":
        width, height = resolve_image_size(values["image_size"])
        kind = values["output_format"]
        names = [f"{stem}_{index}.{kind}" for index in range(values["num_images"])]
        size = {"width": width, "height": height}
        return common | size | {"names": names, "format": kind, "scene": values["scene"]}
    width, height = video_size(values["resolution"], values["aspect_ratio"])
    video = {
        "names": [f"{stem}.mp4"],
        "width": width,
        "height": height,
        "fps": values["fps"],
        "frames": max(1, round(values["duration"] * values["fps"])),
        "audio": values["generate_audio"],
        "scene": values.get("scene", "auto"),
    }
    if model.takes_image:
        video["image"] = _source(values["image_url"], store)
    return common | video


def video_size(resolution: str, aspect_ratio: str) -> tuple[int, int]:
    """Width and height in pixels, both even."""
    side = RESOLUTIONS[resolution]
    across, down = ASPECT_RATIOS[aspect_ratio]
    longer = round(side * max(across, down) / min(across, down) / 2) * 2
    return (longer, side) if across >= down else (side, longer)


def _source(url: str, store: RequestStore) -> Order:
    """Where the picture's bytes are: in this sandbox's own files, or to be fetched by the renderer."""
    path = local_file(urlsplit(url).path, store)
    return {"path": str(path)} if path else {"url": url}


def local_file(path: str, store: RequestStore) -> Path | None:
    """The file this sandbox serves under a URL path ``/files/b/{folder}/{name}``, or None."""
    parts = unquote(path).split("/")
    if len(parts) != 5 or parts[:3] != ["", "files", "b"]:
        return None
    folder, name = parts[3:]
    if not _SAFE_PART.match(folder) or not _SAFE_PART.match(name) or folder[0] == "." or name[0] == ".":
        return None
    candidates = (place / folder / name for place in (store.files, store.uploads))
    return next((path for path in candidates if path.is_file()), None)


def output(model: Model, request: Request, files: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """The model's answer; each `url` is the file's name until an origin is known."""
    values = request.values
    made = [{"url": file["file_name"], **file} for file in files]
    echo = {"seed": values["seed"], "prompt": values["prompt"]}
    if model.makes == "video":
        return {"video": made[0], **echo}
    if model.makes == "audio":
        return {"audio_file": made[0], **echo}
    return {
        "images": made,
        "timings": {"inference": round(seconds, 3)},
        "seed": values["seed"],
        "has_nsfw_concepts": [False] * len(made),
        "prompt": values["prompt"],
    }
