"""The models of the last catalogue, kept for shell completion, which cannot wait for a provider."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediatui.providers.base import ModelInfo

MOST = 5000
"""Models that are kept."""


def _file(cache: Path) -> Path:
    return cache / "models.json"


def known_models(cache: Path) -> Mapping[str, str]:
    """Names by identifier; empty when nothing is known."""
    try:
        found = json.loads(_file(cache).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): str(name) for key, name in found.items()} if isinstance(found, dict) else {}


def remember_models(cache: Path, models: Iterable[ModelInfo], *, whole: bool) -> None:
    """Keep a catalogue; a search's hits (not `whole`) are added to what is known. A refusing disk is no matter."""
    found = {model.id: model.name for model in models if not model.retired}
    before = known_models(cache)
    known = found if whole else {**before, **found}
    if not found or known == before:
        return
    part = _file(cache).with_name(f".models.{secrets.token_hex(4)}")
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(json.dumps(dict(list(known.items())[-MOST:]), ensure_ascii=False), "utf-8")
        os.replace(part, _file(cache))
    except (OSError, UnicodeError):
        with suppress(OSError):
            part.unlink()
