"""What providers offered when last asked, kept for a day: models can be chosen and named while offline.

A cache and nothing more. Blocking, for the record threads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mediatui.errors import StorageError
from mediatui.library.files import write_atomic
from mediatui.model import now
from mediatui.providers.base import ModelInfo, UnitPrice

GOOD_SECONDS = 86_400.0
MOST_FILES = 200
"""Answers kept: one for each thing that was searched for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The models of one provider at one time."""

    time: float
    models: tuple[ModelInfo, ...]

    @property
    def hours_text(self) -> str:
        """When that was, as people say it."""
        return datetime.fromtimestamp(self.time).strftime("%H:%M")


class Offers:
    """Catalogues by provider and search words."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, place: str, query: str, models: Sequence[ModelInfo]) -> None:
        """Remember an answer; a disk that refuses is no matter."""
        document = {"time": now(), "place": place, "query": query, "models": [asdict(model) for model in models]}
        with suppress(OSError, StorageError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room()
            write_atomic(self._file(place, query), json.dumps(document, ensure_ascii=True).encode())

    def find(self, place: str, query: str) -> Offer | None:
        """The answer to these words within the last day, else what of the whole catalogue holds them all."""
        if (exact := self._load(self._file(place, query))) is not None or not query.strip():
            return exact
        whole = self._load(self._file(place, ""))
        if whole is None:
            return None
        words = query.casefold().split()
        return Offer(whole.time, tuple(m for m in whole.models if all(word in _text(m) for word in words)))

    def find_model(self, place: str, model: str) -> ModelInfo | None:
        """One model, as any answer of the last day describes it."""
        for path in self._files(place):
            offer = self._load(path)
            for info in offer.models if offer else ():
                if info.id == model:
                    return info
        return None

    def _file(self, place: str, query: str) -> Path:
        return self._folder / f"{_digest(place)}-{_digest(' '.join(query.casefold().split()))}.json"

    def _files(self, place: str) -> Iterator[Path]:
        with suppress(OSError):
            yield from sorted(self._folder.glob(f"{_digest(place)}-*.json"))

    def _make_room(self) -> None:
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[: max(0, len(files) - MOST_FILES)]:
            path.unlink(missing_ok=True)

    def _load(self, path: Path) -> Offer | None:
        try:
            document = json.loads(path.read_bytes())
            time, models = document["time"], document["models"]
            if not 0 <= now() - time < GOOD_SECONDS:
                return None
            return Offer(time, tuple(_model(entry) for entry in models))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None  # not there, or written by another version


def _model(entry: Mapping[str, Any]) -> ModelInfo:
    price = entry.get("unit_price")
    return ModelInfo(**{**entry, "unit_price": UnitPrice(**price) if price else None})


def _text(model: ModelInfo) -> str:
    return f"{model.id} {model.name} {model.category} {model.description}".casefold()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]
