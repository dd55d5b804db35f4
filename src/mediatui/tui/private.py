"""Small files of the interface's own, for their owner's eyes."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, document: object) -> None:
    """Write JSON that nobody else can read, whole or not at all. Raises `OSError`, `UnicodeError`."""
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False)
        os.replace(part, path)
    except (OSError, UnicodeError):
        with suppress(OSError):
            part.unlink()
        raise
