"""Which local files lie at which provider: what was uploaded a moment ago is not uploaded again.

A cache and nothing more: without it files are uploaded once more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mediatui.errors import StorageError
from mediatui.library.files import write_atomic
from mediatui.model import now

MOST = 500
MARGIN = 3600.0
"""Seconds that an address must still be good for: a request may wait in a queue."""


@dataclass(frozen=True, slots=True)
class Known:
    """One uploaded file."""

    provider: str
    sha256: str
    path: str
    size: int
    content_type: str
    url: str
    until: float


class UploadBook:
    """Uploads by provider and content; blocking, for any thread."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._known: dict[tuple[str, str], Known] | None = None

    def find(self, provider: str, sha256: str) -> Known | None:
        """The upload of this content, while its address is good."""
        with self._lock:
            return _good(self._read().get((provider, sha256)))

    def find_path(self, provider: str, path: Path) -> Known | None:
        """The newest upload of a file that is gone now, while its address is good."""
        with self._lock:
            found = [known for known in self._read().values() if (known.provider, known.path) == (provider, str(path))]
            return _good(max(found, key=lambda known: known.until, default=None))

    def add(self, known: Known) -> None:
        """Remember an upload; a disk that refuses is no matter."""
        with self._lock:
            self._known = None  # another window may have added its own
            kept = [each for each in self._read().values() if _good(each)]
            kept = [each for each in kept if (each.provider, each.sha256) != (known.provider, known.sha256)]
            self._known = {(each.provider, each.sha256): each for each in [*kept, known][-MOST:]}
            with suppress(OSError, StorageError):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(self._path, json.dumps([asdict(each) for each in self._known.values()]).encode())

    def forget(self, urls: frozenset[str]) -> None:
        """The provider says that it could not load these: they are uploaded anew next time."""
        with self._lock:
            known = self._read()
            for key in [key for key, each in known.items() if each.url in urls]:
                del known[key]
            with suppress(OSError, StorageError):
                write_atomic(self._path, json.dumps([asdict(each) for each in known.values()]).encode())

    def _read(self) -> dict[tuple[str, str], Known]:
        if self._known is None:
            try:
                document = json.loads(self._path.read_bytes())
            except (OSError, ValueError, RecursionError):
                document = []
            entries = [_known(entry) for entry in document] if isinstance(document, list) else []
            self._known = {(each.provider, each.sha256): each for each in entries if each is not None}
        return self._known


def _known(entry: Any) -> Known | None:
    if not isinstance(entry, Mapping):
        return None
    texts = [entry.get(name) for name in ("provider", "sha256", "path", "content_type", "url")]
    size, until = entry.get("size"), entry.get("until")
    if not all(isinstance(text, str) for text in texts) or not isinstance(size, int):
        return None
    return Known(**entry) if isinstance(until, (int, float)) and entry.keys() == _NAMES else None


_NAMES = frozenset(Known.__dataclass_fields__)


def _good(known: Known | None) -> Known | None:
    return known if known is not None and known.until > now() + MARGIN else None
