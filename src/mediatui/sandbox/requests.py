"""Requests on disk: every accepted one survives the process that accepted it.

    requests/<id>.json     the record, replaced atomically
    requests/<id>.cancel   somebody asked to cancel it
    owners/<token>.lock    locked by the kernel for as long as that server lives
    files/<id>/            what was rendered
    uploads/<id>/          what clients sent

Only a request's owner renders it and writes its record. A server that meets an unfinished request
whose owner is gone takes it over.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEEP_SECONDS = 7 * 24 * 3600
"""How long requests and files are kept."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


@dataclass(slots=True)
class Request:
    """One accepted request."""

    id: str
    model: str
    body: dict[str, Any]
    """What the client sent."""
    values: dict[str, Any]
    """The checked input with defaults and the seed filled in; empty when it was invalid."""
    owner: str
    created_at: float
    state: str = "queued"
    """``queued``, ``running`` or ``completed``."""
    hold_until: float = 0.0
    """It stays queued until then."""
    started_at: float | None = None
    ended_at: float | None = None
    progress: float = 0.0
    logs: list[dict[str, str]] = field(default_factory=list)
    output: dict[str, Any] | None = None
    """The model's answer; `url` values are file names until they are sent."""
    status_code: int = 200
    """What fetching the result answers."""
    failure: Any = None
    """The body of that answer when the model failed."""
    error: str | None = None
    """Told with the status COMPLETED when the request itself failed, not the model."""
    error_type: str | None = None

    @property
    def completed(self) -> bool:
        """It has ended, one way or another."""
        return self.state == "completed"

    def log(self, message: str, level: str = "INFO") -> None:
        """Append one line to the logs clients may ask for."""
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        self.logs.append({"message": message, "timestamp": stamp, "level": level, "source": "USER"})

    def complete(
        self,
        *,
        output: dict[str, Any] | None = None,
        status_code: int = 200,
        failure: Any = None,
        error: str | None = None,
        error_type: str | None = None,
    ) -> None:
        """End the request, one way or another."""
        self.state, self.ended_at, self.progress = "completed", time.time(), 1.0
        self.output, self.status_code, self.failure = output, status_code, failure
        self.error, self.error_type = error, error_type


class RequestStore:
    """The sandbox's folder, seen by one server. Every method may block on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.uploads = folder / "uploads"
        self._requests = folder / "requests"
        self._owners = folder / "owners"
        for place in (folder, self.files, self.uploads, self._requests, self._owners):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.token = secrets.token_hex(8)
        with self._gate():
            self._alive = (self._owners / f"{self.token}.lock").open("ab")
            fcntl.flock(self._alive, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        """One server at a time decides who owns what."""
        with (self.folder / "owners.lock").open("ab") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        """Give up ownership; other servers may take unfinished requests over."""
        self._alive.close()
        (self._owners / f"{self.token}.lock").unlink(missing_ok=True)

    def load(self, request_id: str) -> Request | None:
        """The request as last written; None when there is none, or none that can be read."""
        if not _ID.match(request_id):
            return None
        known = {f.name for f in fields(Request)}
        try:
            data = json.loads((self._requests / f"{request_id}.json").read_bytes())
            return Request(**{key: value for key, value in data.items() if key in known})
        except (FileNotFoundError, ValueError, TypeError, AttributeError, RecursionError):
            return None

    def save(self, request: Request, *, durable: bool = True) -> None:
        """Replace the record; `durable` waits until it will survive a power cut."""
        target = self._requests / f"{request.id}.json"
        part = target.with_name(f".{request.id}.{self.token}.part")
        with part.open("w", encoding="utf-8") as file:
            json.dump(asdict(request), file)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, target)
        if durable:
            _sync_folder(self._requests)

    def all(self) -> Iterator[Request]:
        """Every request on disk, oldest first."""
        found = (self.load(path.stem) for path in self._requests.glob("*.json"))
        yield from sorted((request for request in found if request), key=lambda r: (r.created_at, r.id))

    def ask_to_cancel(self, request_id: str) -> None:
        """Leave a mark for whichever server owns the request."""
        (self._requests / f"{request_id}.cancel").touch()

    def cancel_asked(self, request_id: str) -> bool:
        """Whether any server was asked to cancel the request."""
        return (self._requests / f"{request_id}.cancel").exists()

    def take_over(self, request_id: str) -> Request | None:
        """Make an unfinished request this server's own if its owner is gone; None when there is nothing to take."""
        with self._gate():
            request = self.load(request_id)
            if request is None or request.completed or self._owner_lives(request.owner):
                return None
            request.owner, request.state = self.token, "queued"
            self.save(request)
            return request

    def _owner_lives(self, token: str) -> bool:
        if token == self.token:
            return True
        try:
            file = (self._owners / f"{token}.lock").open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def first_look(self, request_id: str, name: str) -> bool:
        """Whether nobody has asked for this file before; true once, whichever server is asked."""
        try:
            (self.files / request_id / f".{name}.seen").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def prune(self, *, older_than: float = KEEP_SECONDS) -> None:
        """Forget finished requests, files and uploads from before, and the locks of servers long gone."""
        limit = time.time() - older_than
        for request in self.all():
            if request.completed and (request.ended_at or request.created_at) < limit:
                shutil.rmtree(self.files / request.id, ignore_errors=True)
                (self._requests / f"{request.id}.cancel").unlink(missing_ok=True)
                (self._requests / f"{request.id}.json").unlink(missing_ok=True)
        for upload in self.uploads.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if upload.stat().st_mtime < limit:
                    shutil.rmtree(upload, ignore_errors=True)
        with self._gate():
            for lock in self._owners.glob("*.lock"):
                if not self._owner_lives(lock.stem):
                    lock.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
