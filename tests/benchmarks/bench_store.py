"""The index against SQLite (WAL, synchronous FULL), as ratios: ``python tests/benchmarks/bench_store.py [ITEMS…]``.

Both do the same on the same disk in turns, operation by operation, so the disk's mood hits both alike.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from mediatui.library.index import item_to_document
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.locations import Locations
from mediatui.model import MediaItem, MediaType, SaveState

UPDATES = 400


def an_item(number: int) -> MediaItem:
    """An item as they are: about a kilobyte of JSON."""
    return MediaItem(
        id=f"{number:016x}-0",
        project="bench",
        name=f"AI-Video-fal-ai-veo3-fast-{number}.mp4",
        type=MediaType.VIDEO,
        provider="fal",
        model="fal-ai/veo3/fast",
        prompt=f"a lighthouse in a storm, number {number}, " + "wide shot, volumetric light " * 8,
        params={"duration": "8s", "aspect_ratio": "16:9", "seed": number, "generate_audio": True},
        job=f"{number:016x}",
        path=f"videos/AI-Video-fal-ai-veo3-fast-{number}.mp4",
        url=f"https://v3.fal.media/files/{number:032x}/output.mp4",
        save_state=SaveState.SAVED,
        file_size=5_000_000 + number,
        sha256=f"{number:064x}",
        crc32="deadbeef",
        created_at=1_763_600_000.0 + number,
    )


class Sqlite:
    """One row per item, the document as JSON, two indexes."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("pragma journal_mode=wal")
        self.connection.execute("pragma synchronous=full")
        self.connection.execute(
            "create table if not exists items (id text primary key, state text, created real, doc text)"
        )
        self.connection.execute("create index if not exists by_state on items (state)")
        self.connection.execute("create index if not exists by_created on items (created)")

    def put(self, item: MediaItem) -> None:
        row = (item.id, item.save_state.value, item.created_at, json.dumps(item_to_document(item)))
        self.connection.execute("replace into items values (?, ?, ?, ?)", row)

    def load(self) -> dict[str, object]:
        return {key: json.loads(doc) for key, doc in self.connection.execute("select id, doc from items")}

    def get(self, key: str) -> object:
        return json.loads(self.connection.execute("select doc from items where id = ?", (key,)).fetchone()[0])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def report(what: str, ours: float, theirs: float) -> None:
    print(f"  {what:<34} {ours * 1e3:9.3f} ms   {theirs * 1e3:9.3f} ms   {ours / theirs:6.2f}x")


def bench(folder: Path, count: int) -> None:
    library = Library(Locations(folder, folder, folder, folder))
    project = library.create("bench")
    items = [an_item(number) for number in range(count)]
    for start in range(0, count, 1000):
        project.commit(items=items[start : start + 1000])
    project.accept_damage()
    sqlite = Sqlite(folder / "bench.sqlite")
    sqlite.connection.execute("begin")
    for item in items:
        sqlite.put(item)
    sqlite.connection.execute("commit")
    print(f"{count:,} items{'':27} mediatui         SQLite FULL    ratio")

    ours, theirs, foreign, foreign_sqlite = [], [], [], []
    other, other_sqlite = ProjectFolder(project.folder), Sqlite(folder / "bench.sqlite")
    for number in range(UPDATES):
        item = replace(items[(number * 7919) % count], width=number)
        ours.append(seconds(partial(project.commit, items=[item])))
        theirs.append(seconds(partial(sqlite.put, item)))
        foreign.append(seconds(other.poll))
        foreign_sqlite.append(seconds(partial(other_sqlite.get, item.id)))
        assert other.item(item.id).width == number
    report("update, durable: p50", statistics.median(ours), statistics.median(theirs))
    report("update, durable: p95", percentile(ours, 0.95), percentile(theirs, 0.95))
    report("another's commit: poll / its query", statistics.median(foreign), statistics.median(foreign_sqlite))
    idle = [seconds(other.poll) for _ in range(UPDATES)]
    report("poll, nothing new / same query", statistics.median(idle), statistics.median(foreign_sqlite))
    library.close()
    other.close()

    opens, loads = [], []
    for _ in range(3):
        opens.append(seconds(lambda: ProjectFolder(project.folder)))
        loads.append(seconds(lambda: Sqlite(folder / "bench.sqlite").load()))
    report("open / all rows into dicts", min(opens), min(loads))


def main() -> None:
    for count in [int(argument) for argument in sys.argv[1:]] or [1_000, 10_000]:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            bench(Path(folder).absolute(), count)


if __name__ == "__main__":
    main()
