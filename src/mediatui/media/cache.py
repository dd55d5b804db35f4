"""Folders of small files made from media and named after what they show; the least used ones go first."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 256 << 20
MAX_FILES = 20_000
ENDINGS = (".jpg", ".json")
"""What is ours in such a folder."""
_FRESH_SECONDS = 24 * 3600.0
_STALE_SECONDS = 600.0
_SAFE_KEY = re.compile(r"[0-9A-Za-z_-]{1,128}")


def poster_key(source: Path, sha256: str | None = None) -> str:
    """What identifies the content of `source`: its hash where that is known, else its path, size and time.

    Raises `OSError` when there is no hash and no file.
    """
    if sha256:
        return sha256.lower()
    info = source.stat()
    return _digest(f"{source.absolute()}\0{info.st_size}\0{info.st_mtime_ns}")


def poster_path(folder: Path, key: str, max_px: int) -> Path:
    """Where the poster for `key` at that size lies, whether it is there or not."""
    return entry_path(folder, key, f"-{max_px}.jpg")


def entry_path(folder: Path, key: str, ending: str) -> Path:
    """Where something made of the content `key` lies: ``<key><ending>``, whether it is there or not."""
    return folder / f"{key if _SAFE_KEY.fullmatch(key) else _digest(key)}{ending}"


def write_whole(target: Path, write: Callable[[Path], object]) -> None:
    """Have `write` fill a file that then takes the name `target`: whole or not at all. Raises `OSError`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def mark_used(poster: Path) -> bool:
    """Whether the poster is there; notes that it is in use, at most once a day."""
    try:
        info = poster.stat()
        if time.time() - info.st_mtime > _FRESH_SECONDS:
            os.utime(poster)
    except OSError:
        return False
    return info.st_size > 0


def prune(folder: Path, max_bytes: int = MAX_BYTES, max_files: int = MAX_FILES) -> int:
    """Remove the posters unused for longest until the folder is within the limits, and what a killed
    worker left half written. Returns how many files went; a folder that cannot be read loses none.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(e, e.stat(follow_symlinks=False)) for e in entries if e.is_file(follow_symlinks=False)]
    except OSError:
        return 0
    gone, total, count = 0, 0, 0
    found.sort(key=lambda pair: pair[1].st_mtime, reverse=True)
    for entry, info in found:
        if entry.name.endswith(".tmp"):
            if time.time() - info.st_mtime > _STALE_SECONDS:
                gone += remove(entry.path)
        elif entry.name.endswith(ENDINGS):
            total, count = total + info.st_size, count + 1
            if total > max_bytes or count > max_files:
                gone += remove(entry.path)
    return gone


def remove(path: str | Path) -> int:
    """Remove a file; how many went."""
    try:
        os.unlink(path)
    except OSError:
        return 0
    return 1
