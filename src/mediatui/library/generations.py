"""Writing a journal anew, and keeping the files it had before."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mediatui.library.files import NO_LINKS, sync_file
from mediatui.library.record import encode
from mediatui.library.replay import FORMAT, Replay, Schema

GENERATIONS = 3
"""Earlier files kept as ``.1`` (the latest) to ``.3``."""


def generation(path: Path, number: int) -> Path:
    """Where the journal as it was before its last (1), last but one (2) … rewrite lies."""
    return path.with_name(f"{path.name}.{number}")


def keep_generation(path: Path) -> None:
    """Keep the file at `path` as generation 1 and shift the others; free of cost where there are hard links.

    Raises `OSError`.
    """
    latest = generation(path, 1)
    with suppress(FileNotFoundError):
        if os.path.samefile(path, latest):  # kept by an attempt that got no further
            return
    for number in range(GENERATIONS - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.replace(generation(path, number), generation(path, number + 1))
    try:
        os.link(path, latest)
    except OSError as exc:
        if exc.errno not in NO_LINKS:
            raise
        _copy(path, latest)


def _copy(path: Path, target: Path) -> None:
    temporary = target.with_name(f"{target.name}.tmp")
    with path.open("rb") as source, temporary.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        sync_file(copy.fileno())
    os.replace(temporary, target)


def write_living(path: Path, state: Replay, schema: Schema) -> int:
    """Write a whole state to a new file and sync it; returns the number of its last line. Raises `OSError`."""
    number = state.seq + 1
    with path.open("wb", buffering=1 << 20) as stream:
        stream.write(encode({"n": number, "format": FORMAT, "version": schema.version}))
        for name, table in state.tables.items():
            for put in [{key: doc} for key, doc in table.items()] or [{}]:
                number += 1
                stream.write(encode({"n": number, "tables": {name: {"put": put} if put else {}}}))
        stream.flush()
        sync_file(stream.fileno())
    return number
