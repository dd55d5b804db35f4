"""Verbs on many items at once, and the filter: ``python tests/benchmarks/bench_organise.py [ITEMS]``.

Seconds for each verb and for taking it back, on this disk; milliseconds for filter lines over 100,000 items.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

from mediatui.library.index import encode_sidecar
from mediatui.library.project import ProjectFolder
from mediatui.library.query.query import Texts, parse_query
from mediatui.locations import Locations
from mediatui.model import MediaItem, MediaType, SaveState
from mediatui.settings import Settings
from mediatui.studio.studio import Studio

WORDS = ("lighthouse", "dusk", "neon", "city", "rain", "portrait", "otter", "valley", "misty", "sea", "storm", "golden")
LINES = (
    "lighthouse",
    "lighthouse otter",
    "lighthouse OR otter OR zebra",
    "lighthouse OR otter OR rating:>=4",
    "-lighthouse OR tag:hero OR zebra",
    "zebra OR yak OR gnu",
    "prompt:otter OR name:99 OR zebra",
)
FILTERED = 100_000
SECONDS = 600.0


def an_item(project: str, number: int, prompt: str, data: bytes | None) -> MediaItem:
    """An item as the product makes it; `data` None: without a file."""
    name = f"AI-Video-m-{number}.mp4"
    return MediaItem(
        f"item-{number:06d}",
        project,
        name,
        MediaType.VIDEO if number % 3 else MediaType.IMAGE,
        provider="fal",
        model=f"m{number % 20}",
        prompt=prompt,
        tags=("hero",) if number % 7 == 0 else (),
        rating=number % 6 or None,
        created_at=1.7e9 + number,
        save_state=SaveState.SAVED if data is not None else SaveState.URL_ONLY,
        path=f"videos/{name}" if data is not None else None,
        file_size=len(data) if data is not None else None,
        sha256=hashlib.sha256(data).hexdigest() if data is not None else None,
        crc32=f"{crc32(data):08x}" if data is not None else None,
    )


def fill(project: ProjectFolder, count: int) -> list[str]:
    """Small files with their records."""
    folder = project.folder / "videos"
    folder.mkdir(exist_ok=True)
    items = []
    for number in range(count):
        data = f"bytes {number}".encode() * 500
        item = an_item(project.id, number, f"prompt {number}", data)
        (folder / item.name).write_bytes(data)
        (folder / f"{item.name}.json").write_bytes(encode_sidecar(item))
        items.append(item)
    project.commit(items=items)
    os.sync()
    return [item.id for item in items]


def finish(verb: Callable[[], Future[Any]]) -> None:
    """Ask for it and wait for the end."""
    verb().result(SECONDS)


def timed(name: str, run: Callable[[], object]) -> None:
    """Run it and say how long it took."""
    start = time.perf_counter()
    run()
    print(f"{name:<12} {time.perf_counter() - start:6.2f} s", flush=True)


def verbs(folder: Path, count: int) -> None:
    """Each verb on all items, and back."""
    places = Locations(folder / "data", folder / "config.toml", folder / "state", folder / "cache")
    studio = Studio(Settings(sandbox=True), places)
    studio.start(follow=False)
    one = studio.create_project("One").result(SECONDS)
    studio.create_project("Two").result(SECONDS)
    ids = fill(ProjectFolder(places.projects / one.id), count)
    studio.refresh(one.id).result(SECONDS)
    organise = studio.organise
    print(f"{count:,} items")
    for name, verb in (
        ("trash", lambda: organise.trash(ids)),
        ("move", lambda: organise.move(ids, "two")),
        ("copy", lambda: organise.copy(ids, "two")),
        ("tag", lambda: organise.tag(ids, ["hero"])),
    ):
        timed(name, partial(finish, verb))
        timed("  undo", lambda: organise.undo().result(SECONDS))
    studio.stop()


def filters() -> None:
    """The best of several runs of each line."""
    rng = random.Random(1)
    items = [an_item("p", n, " ".join(rng.choices(WORDS, k=18)), None) for n in range(FILTERED)]
    texts = Texts()
    texts.keep(items)
    print(f"\n{FILTERED:,} items filtered")
    for line in LINES:
        query = parse_query(line, texts=texts)
        best = 1e9
        for _ in range(7):
            start = time.perf_counter()
            found = query.select(items)
            best = min(best, time.perf_counter() - start)
        print(f"{best * 1000:6.1f} ms {len(found):8,}  {line}")


def main() -> None:
    """Verbs, then filters."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with tempfile.TemporaryDirectory() as folder:
        verbs(Path(folder), count)
    filters()


if __name__ == "__main__":
    main()
