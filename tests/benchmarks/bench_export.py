"""Time of an export against `cp -r` of the same files, in interleaved rounds; prints ratios.

    python tests/benchmarks/bench_export.py [--rounds 7] [--dir FOLDER]

Both read from the page cache and neither waits for the disk. "writing" is the archive alone; "command" is the
whole `mediatui export`, from the start of its process to its end.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from mediatui.archive import write
from mediatui.archive.plan import plan_export
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.locations import find_locations
from mediatui.model import MediaItem, MediaType, SaveState

MIB = 1 << 20
CASES = ((64, 8 * MIB), (256, MIB), (256, 8 * MIB))


def fill(project: ProjectFolder, count: int, size: int) -> None:
    """Files of random bytes and the records that describe them."""
    (project.folder / "videos").mkdir()
    items = []
    for n in range(count):
        data = os.urandom(size)
        path = f"videos/AI-Video-model-{n:06}.mp4"
        (project.folder / path).write_bytes(data)
        items.append(
            MediaItem(
                id=f"{n:016x}-0",
                project=project.id,
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
    project.commit(items=items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dir", type=Path, default=None)
    options = parser.parse_args()
    for count, size in CASES:
        with tempfile.TemporaryDirectory(dir=options.dir) as name:
            measure(Path(name), count, size, options.rounds)


def measure(root: Path, count: int, size: int, rounds: int) -> None:
    os.environ.update({f"XDG_{kind}_HOME": str(root / kind) for kind in ("STATE", "CONFIG", "CACHE")})
    library = Library(find_locations(root / "data", root / "config.toml"))
    project = library.create("Bench")
    fill(project, count, size)
    record, folder, items, out = project.record, project.folder, list(project.items()), root / "out"
    library.close()

    def writing() -> None:
        plan = plan_export(record, folder, items, out / "export.zip")
        write.write_export(plan, {}, None, lambda *_: None, lambda: False)

    def command() -> None:
        run = [sys.executable, "-m", "mediatui", "--data-dir", str(root / "data")]
        subprocess.run([*run, "export", record.id, "-o", str(out / "export.zip")], check=True, capture_output=True)

    def cp() -> None:
        subprocess.run(["cp", "-r", str(folder), str(out / "copy")], check=True)

    ways: dict[str, Callable[[], None]] = {"cp": cp, "writing": writing, "command": command}
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
    print(f"{count} x {size // MIB} MiB, {rounds} rounds, cp {statistics.median(times['cp']):.3f} s")
    for way in ("writing", "command"):
        ratio = statistics.median(a / b for a, b in zip(times[way], times["cp"], strict=True))
        print(f"  {way:7} {ratio:5.2f} x cp ({statistics.median(times[way]):.3f} s)")


if __name__ == "__main__":
    main()
