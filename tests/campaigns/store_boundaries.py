"""A session of the store killed at every system call that changes its folder, and opened again.

``python -m tests.campaigns.store_boundaries [MOST]``. strace counts the calls, kills with SIGKILL on entering the
n-th, and shows which of them concern the folder. Needs strace and the permission to trace a child, not root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.campaigns.kernel import Call, Kernel
from tests.campaigns.script import STEPS, Expected, look, perform, prepare, rehearse
from tests.campaigns.store_states import fast_folder

CALLS = (
    "write", "pwrite64", "writev", "openat", "open", "creat", "ftruncate", "truncate", "fsync", "fdatasync", "flock",
    "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "close",
    "sendfile", "copy_file_range",
)  # fmt: skip
ROOT = Path(__file__).parents[2]
SCRIPT = (sys.executable, "-m", "tests.campaigns.script")
_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")


@dataclass(frozen=True, slots=True)
class Boundary:
    """Just before the `number`-th call of that name."""

    call: str
    number: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many kills there were, and what was wrong after which."""

    boundaries: int
    complaints: tuple[str, ...]


def unusable() -> str:
    """Why strace cannot be used here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-e", "trace=close", "true"], capture_output=True, text=True, check=False)
    return f"strace is not permitted here: {done.stderr[-200:]}" if done.returncode else ""


def trace(folder: Path) -> list[tuple[str, str]]:
    """Every call of the session with its arguments, as strace shows them."""
    root, log = folder / "traced", folder / "trace.txt"
    root.mkdir()
    command = ["strace", "-f", "-y", "-s", "4096", "-o", str(log), "-e", f"trace={','.join(CALLS)}", *SCRIPT, str(root)]
    subprocess.run(command, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.DEVNULL)
    found = (_LINE.match(line) for line in log.read_text(errors="replace").splitlines())
    return [(match[1], match[2]) for match in found if match]


def boundaries(folder: Path) -> list[Boundary]:
    """The calls about the session's folder."""
    counts: Counter[str] = Counter()
    found = []
    root = os.fspath(folder / "traced")
    for call, arguments in trace(folder):
        counts[call] += 1
        if root in arguments:
            found.append(Boundary(call, counts[call]))
    return found


def kill_at(folder: Path, boundary: Boundary, expected: Expected) -> str:
    """Run the session until that call, kill it there, and look; a complaint, or nothing."""
    place = Path(tempfile.mkdtemp(dir=folder))
    inject = f"inject={boundary.call}:signal=SIGKILL:when={boundary.number}"
    command = ["strace", "-f", "--seccomp-bpf", "-o", os.devnull, "-e", f"trace={boundary.call}", "-e", inject]
    done = subprocess.run(
        [*command, *SCRIPT, str(place)], cwd=ROOT, env=_environment(), capture_output=True, check=False
    )
    acknowledged = done.stdout.count(b"\n")
    complaint = look(place, expected, acknowledged)
    if done.returncode == 0 and acknowledged < len(STEPS):
        complaint = "the session ended early"
    shutil.rmtree(place)
    where = STEPS[acknowledged][0] if acknowledged < len(STEPS) else "end"
    return f"{boundary.call} no. {boundary.number} (“{where}”): {complaint}" if complaint else ""


def run(folder: Path, most: int | None = None, workers: int = 2) -> Verdict:
    """Kill at every boundary, or evenly at no more than `most`."""
    prepare()
    plain = folder / "plain"
    plain.mkdir()
    expected = rehearse(plain)
    every = boundaries(folder)
    chosen: Sequence[Boundary] = every if most is None else every[:: max(1, -(-len(every) // most))]
    with ThreadPoolExecutor(workers) as pool:
        complaints = list(pool.map(lambda boundary: kill_at(folder, boundary, expected), chosen))
    return Verdict(len(chosen), tuple(filter(None, complaints)))


def recorded_like_strace(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """The changing calls of a session as strace sees them and as the recorder of the other campaigns does."""
    theirs = Counter(_plain(call) for call, arguments in trace(folder) if str(folder / "traced") in arguments)
    ours: Counter[str] = Counter()

    def count(call: Call) -> None:
        ours[_plain(call.name)] += call.changes

    prepare()
    root = folder / "recorded"
    root.mkdir()
    with Kernel(root, count):
        perform(root, lambda _number: None)
    return theirs, ours


def _plain(call: str) -> str:
    """A call's name without its variants."""
    for name in ("rename", "link", "unlink", "mkdir", "open"):
        if call in (name, f"{name}at", f"{name}at2"):
            return name
    return {"remove": "unlink", "replace": "rename"}.get(call, call)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}


def main() -> None:
    """Print the figures; the exit code is 1 when anything was lost."""
    if reason := unusable():
        sys.exit(reason)
    most = int(sys.argv[1]) if len(sys.argv) > 1 else None
    start = time.monotonic()
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        verdict = run(Path(folder), most)
    print(*verdict.complaints, sep="\n")
    print(f"{verdict.boundaries} boundaries, {len(verdict.complaints)} bad, {time.monotonic() - start:.0f} s")
    sys.exit(bool(verdict.complaints))


if __name__ == "__main__":
    main()
