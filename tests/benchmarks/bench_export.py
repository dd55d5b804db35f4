"""Time of an export against `cp -r` of the same files, in interleaved rounds; prints ratios.

    python tests/benchmarks/bench_export.py [--rounds 7] [--dir FOLDER]

Both read from the page cache. "synced" adds a sync of the copy to `cp`: an export is always synced before
it gets its name. "loop" is the export without that sync, the fair comparison with a bare `cp`.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from mediatui.archive import write, writeback
from mediatui.archive.plan import plan_export
from mediatui.model import MediaItem, MediaType, Project, SaveState

MIB = 1 << 20
CASES = ((64, 8 * MIB), (256, MIB))


def project_folder(root: Path, count: int, size: int) -> tuple[Path, list[MediaItem]]:
    """A project with files of random bytes and the records that describe them."""
    folder = root / f"project-{count}x{size // MIB}"
    (folder / "videos").mkdir(parents=True)
    items = []
    for n in range(count):
        data = os.urandom(size)
        path = f"videos/AI-Video-model-{n:06}.mp4"
        (folder / path).write_bytes(data)
        items.append(
            MediaItem(
                id=f"{n:06}",
                project="bench",
                name=path[7:],
                type=MediaType.VIDEO,
                path=path,
                save_state=SaveState.SAVED,
                file_size=size,
                sha256=hashlib.sha256(data).hexdigest(),
                crc32=f"{zlib.crc32(data):08x}",
                created_at=time.time(),
            )
        )
    return folder, items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dir", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as name:
        for count, size in CASES:
            measure(Path(name), count, size, options.rounds)


def measure(root: Path, count: int, size: int, rounds: int) -> None:
    folder, items = project_folder(root, count, size)
    out = root / "out"
    project = Project("bench", "Bench", time.time())
    sync, step = writeback.sync_file, writeback.Writeback.grown_to

    def export() -> None:
        plan = plan_export(project, folder, items, out / "export.zip")
        write.write_export(plan, {}, None, lambda *_: None, lambda: False)

    def loop() -> None:
        writeback.sync_file = lambda fd: None
        writeback.Writeback.grown_to = lambda self, size: None  # type: ignore[method-assign]
        try:
            export()
        finally:
            writeback.sync_file, writeback.Writeback.grown_to = sync, step  # type: ignore[method-assign]

    def cp() -> None:
        subprocess.run(["cp", "-r", str(folder), str(out / "copy")], check=True)

    def cp_synced() -> None:
        cp()
        subprocess.run(["sync", "-d", *map(str, (out / "copy" / "videos").iterdir())], check=True)

    ways: dict[str, Callable[[], None]] = {"cp": cp, "loop": loop, "cp synced": cp_synced, "export": export}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for turn in range(rounds + 1):
        for way, run in ways.items():
            out.mkdir()
            subprocess.run(["sync"], check=True)
            start = time.perf_counter()
            run()
            elapsed = time.perf_counter() - start
            if turn:
                times[way].append(elapsed)
            shutil.rmtree(out)
    print(f"{count} x {size // MIB} MiB, {rounds} rounds")
    for way, base in (("loop", "cp"), ("export", "cp"), ("export", "cp synced")):
        ratio = statistics.median(a / b for a, b in zip(times[way], times[base], strict=True))
        print(f"  {way:7} {ratio:5.2f} x {base:9} ({statistics.median(times[way]):.3f} s)")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
