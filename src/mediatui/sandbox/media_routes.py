"""Files: downloads with ranges, the way a CDN serves them, and the uploads of fal's clients."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mediatui.sandbox import plan
from mediatui.sandbox.answers import Refusal, file_url, origin, read_object, require_key, runner_of
from mediatui.sandbox.connection import HalfFile
from mediatui.sandbox.faults import Fault
from mediatui.sandbox.requests import Request, RequestStore
from mediatui.sandbox.runner import fault_of

MAX_UPLOAD = 512 * 1024 * 1024

_RANGE = re.compile(r"bytes=(\d+)-\Z")
_UNSAFE = re.compile(r"[^\w.-]+")
_META = ".about.json"


def routes() -> list[Route]:
    """The routes of files and storage."""
    upload = "/files/b/{folder}/{name}"
    return [
        Route("/storage/upload/initiate", initiate, methods=["POST"]),
        Route("/storage/upload/initiate-multipart", initiate, methods=["POST"]),
        Route("/storage/auth/token", token, methods=["POST"]),
        Route("/files/upload", upload_whole, methods=["POST"]),
        Route("/files/upload/multipart", begin_multipart, methods=["POST"]),
        Route(upload + "/multipart/{upload_id}/complete", complete_parts, methods=["POST"]),
        Route(upload + "/multipart/{upload_id}/{number:int}", put_part, methods=["PUT"]),
        Route(upload + "/complete", complete_parts, methods=["POST"]),
        Route(upload + "/{number:int}", put_part, methods=["PUT"]),
        Route(upload, put_whole, methods=["PUT"]),
        Route(upload, download, methods=["GET"]),
    ]


def _store(http: HttpRequest) -> RequestStore:
    return runner_of(http).store


async def download(http: HttpRequest) -> Response:
    """A file; no key is needed to fetch it, as on fal's CDN."""
    store, folder = _store(http), http.path_params["folder"]
    path = plan.local_file(http.url.path, store)
    if path is None:
        raise Refusal(404, {"detail": "Not Found"})
    headers = _file_headers(path)
    request = await asyncio.to_thread(store.load, folder)
    if request is not None:
        if await _gone(http, store, request, path):
            raise Refusal(404, {"detail": "Not Found"})
        if stop := await _breaks_at(http, store, request, path):
            return _half(http, path, stop, headers)
    return FileResponse(path, headers=headers, media_type=headers["content-type"])


def _file_headers(path: Path) -> dict[str, str]:
    stat = path.stat()
    tag = hashlib.sha256(f"{path.parent.name}/{path.name}-{stat.st_size}".encode()).hexdigest()[:32]
    return {
        "content-type": _content_type(path),
        "etag": f'"{tag}"',
        "accept-ranges": "bytes",
        "access-control-allow-origin": "*",
    }


def _content_type(path: Path) -> str:
    types = {
        ".mp4": "video/mp4",
        ".png": "image/png",
        ".jpeg": "image/jpeg",
        ".jpg": "image/jpeg",
        ".webp": "image/webp",
        ".wav": "audio/wav",
    }
    try:
        about: dict[str, Any] = json.loads((path.parent / _META).read_bytes())
        return str(about["content_type"])
    except (FileNotFoundError, ValueError, KeyError):
        return types.get(path.suffix.lower(), "application/octet-stream")


async def _gone(http: HttpRequest, store: RequestStore, request: Request, path: Path) -> bool:
    """Whether the file is to be missing by now."""
    fault = fault_of(request)
    if fault is Fault.EXPIRING_URL:
        lives: float = request.values["sandbox_fault_seconds"]
        return time.time() >= (request.ended_at or 0) + lives
    if fault is Fault.SINGLE_LOOK_URL and http.method == "GET":
        return not await asyncio.to_thread(store.first_look, request.id, path.name)
    return False


async def _breaks_at(http: HttpRequest, store: RequestStore, request: Request, path: Path) -> int:
    """The byte after which this transfer is to break off; 0 when it is to succeed."""
    if http.method != "GET":
        return 0
    fault, middle = fault_of(request), max(1, path.stat().st_size // 2)
    if fault is Fault.ALWAYS_BROKEN_DOWNLOAD:
        return middle
    if fault is Fault.BROKEN_DOWNLOAD and await asyncio.to_thread(store.first_look, request.id, path.name):
        return middle
    return 0


def _half(http: HttpRequest, path: Path, stop: int, headers: dict[str, str]) -> Response:
    size, start = path.stat().st_size, 0
    wanted = _RANGE.match(http.headers.get("range", ""))
    if wanted and http.headers.get("if-range", headers["etag"]) == headers["etag"]:
        start = min(int(wanted[1]), size - 1)
        headers = headers | {"content-range": f"bytes {start}-{size - 1}/{size}"}
    return HalfFile(path, start, stop, size, 206 if wanted and start else 200, headers)


def _new_upload(http: HttpRequest, name: str, content_type: str) -> str:
    """Make room for a file and return the URL it will have."""
    store, folder = _store(http), secrets.token_hex(8)
    safe = _UNSAFE.sub("-", name).strip("-.")[-80:] or "upload.bin"
    (store.uploads / folder).mkdir(mode=0o700)
    (store.uploads / folder / _META).write_text(json.dumps({"content_type": content_type}))
    return file_url(origin(http), folder, safe)


async def initiate(http: HttpRequest) -> Response:
    """Where to send a file, and where it will be found; both are the same URL here."""
    require_key(http)
    body = await read_object(http)
    name, kind = body.get("file_name"), body.get("content_type")
    url = _new_upload(http, str(name or "upload.bin"), str(kind or "application/octet-stream"))
    return JSONResponse({"upload_url": url, "file_url": url})


async def token(http: HttpRequest) -> Response:
    """A token for direct uploads; any is accepted."""
    require_key(http)
    expires = datetime.now(UTC) + timedelta(hours=1)
    body = {
        "token": secrets.token_urlsafe(24),
        "token_type": "Bearer",
        "base_url": origin(http),
        "expires_at": expires.isoformat(),
    }
    return JSONResponse(body)


def _announced(http: HttpRequest) -> str:
    require_key(http)
    name = http.headers.get("x-fal-file-name", "upload.bin")
    return _new_upload(http, name, http.headers.get("content-type", "application/octet-stream"))


async def upload_whole(http: HttpRequest) -> Response:
    """A file sent in one request."""
    url = _announced(http)
    folder, name = url.split("/")[-2:]
    await _receive(http, _store(http).uploads / folder / name)
    return JSONResponse({"access_url": url})


async def begin_multipart(http: HttpRequest) -> Response:
    """A file that will be sent in parts."""
    url = _announced(http)
    return JSONResponse({"access_url": url, "uploadId": secrets.token_hex(8)})


def _target(http: HttpRequest) -> Path:
    """Where an announced upload goes. Raises `Refusal` when it was not announced."""
    folder: str = http.path_params["folder"]
    name: str = http.path_params["name"]
    place = _store(http).uploads / folder
    if not re.fullmatch(r"[0-9a-f]{16}", folder) or _UNSAFE.search(name) or not place.is_dir():
        raise Refusal(404, {"detail": "Not Found"})
    return place / name


async def put_whole(http: HttpRequest) -> Response:
    """The bytes of an announced upload."""
    await _receive(http, _target(http))
    return JSONResponse({})


def _part(target: Path, number: int) -> Path:
    return target.with_name(f".{target.name}.{number:06}.piece")


async def put_part(http: HttpRequest) -> Response:
    """One part of an announced upload."""
    number = http.path_params["number"]
    tag = await _receive(http, _part(_target(http), number))
    return JSONResponse({"partNumber": number, "etag": tag}, headers={"ETag": tag})


async def complete_parts(http: HttpRequest) -> Response:
    """Put the parts together in the order of their numbers."""
    target, body = _target(http), await read_object(http)
    try:
        numbers = sorted(int(part["partNumber"]) for part in body.get("parts", []))
    except (KeyError, TypeError, ValueError):
        raise Refusal(400, {"detail": "A part has no number"}) from None

    def join() -> None:
        whole = _part(target, 0)
        with whole.open("wb") as file:
            for number in numbers:
                file.write(_part(target, number).read_bytes())
                _part(target, number).unlink()
        os.replace(whole, target)

    try:
        await asyncio.to_thread(join)
    except FileNotFoundError:
        raise Refusal(400, {"detail": "A part is missing"}) from None
    return JSONResponse({"url": str(http.url)})


async def _receive(http: HttpRequest, target: Path) -> str:
    """Write the request's body to a file that gets its name when it is whole; returns its tag."""
    part, size, digest = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part"), 0, hashlib.sha256()
    try:
        with part.open("wb") as file:
            async for piece in http.stream():
                size += len(piece)
                if size > MAX_UPLOAD:
                    raise Refusal(413, {"detail": "The file is too large"})
                digest.update(piece)
                await asyncio.to_thread(file.write, piece)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return f'"{digest.hexdigest()[:32]}"'
