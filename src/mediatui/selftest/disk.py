"""Checks of the file system itself: syncs, renames, hard links, locks."""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from mediatui.library.files import fsync_dir, sync_file, write_all
from mediatui.library.lock import FileLock, locks_hold
from mediatui.selftest.outcome import Outcome, Verdict

SYNCS = 30
RENAMES = 300
"""And looks at what is renamed meanwhile, at least."""
COUNTS = 150
TOO_FAST = 20e-6
"""Seconds; no medium makes bytes durable in less."""


def check_sync(folder: Path) -> Outcome:
    """Files and folders can be made durable, and how long that takes."""
    times = []
    try:
        fd = os.open(folder / "sync", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            for _ in range(SYNCS):
                write_all(fd, b"x" * 1024)
                start = time.perf_counter()
                sync_file(fd)
                times.append(time.perf_counter() - start)
        finally:
            os.close(fd)
        fsync_dir(folder)
    except OSError as exc:
        return Outcome("sync", Verdict.BAD, f"it cannot make bytes durable ({exc.strerror})")
    median = statistics.median(times)
    if median < TOO_FAST:
        words = "syncs return faster than any disk can: what is here may not survive a power cut"
        return Outcome("sync", Verdict.LIMITED, words, SYNCS)
    return Outcome("sync", Verdict.GOOD, f"files and folders can be synced, in {median * 1000:.2f} ms", SYNCS)


def check_rename(folder: Path) -> Outcome:
    """A file replaced by renaming is the old one or the new one to everybody who looks."""
    target, versions = folder / "renamed", (b"a" * 5000, b"b" * 7000)
    target.write_bytes(versions[0])
    seen_enough = threading.Event()
    failures: list[str] = []

    def replace() -> None:
        for number in itertools.count():
            if number >= RENAMES and seen_enough.is_set():
                return
            temporary = folder / "renamed.tmp"
            temporary.write_bytes(versions[number % 2])
            os.replace(temporary, target)

    def run() -> None:
        try:
            replace()
        except OSError as exc:
            failures.append(exc.strerror or str(exc))

    writer = threading.Thread(target=run)
    writer.start()
    looks = 0
    try:
        while writer.is_alive():
            looks += 1
            failures += _seen_wrong(target, versions)
            if looks >= RENAMES or failures:
                seen_enough.set()
    finally:
        seen_enough.set()
        writer.join()
    if failures:
        return Outcome("rename", Verdict.BAD, f"renaming does not replace a file in one step ({failures[0]})", looks)
    return Outcome("rename", Verdict.GOOD, "a renamed file is never seen half", looks)


def _seen_wrong(path: Path, versions: tuple[bytes, ...]) -> list[str]:
    """What is wrong with a file that should hold one of these versions; empty when nothing is."""
    try:
        return [] if path.read_bytes() in versions else ["half a file was seen"]
    except OSError as exc:
        return [exc.strerror or str(exc)]


def check_links(folder: Path) -> Outcome:
    """Names are given without overwriting: by a hard link, else by reserving the name."""
    source, taken = folder / "source", folder / "taken"
    source.write_bytes(b"new")
    taken.write_bytes(b"old")
    try:
        os.link(source, folder / "linked")
    except OSError:
        words = "there are no hard links: names are reserved instead, and earlier indexes are copies"
        return Outcome("names", Verdict.LIMITED, words)
    try:
        os.link(source, taken)
    except FileExistsError:
        return Outcome("names", Verdict.GOOD, "hard links work and never overwrite")
    except OSError as exc:
        return Outcome("names", Verdict.BAD, f"a name that is taken gives a strange error ({exc.strerror})")
    return Outcome("names", Verdict.BAD, "a hard link overwrote a file")


def check_locks(folder: Path) -> Outcome:
    """A lock that one process holds keeps another one out."""
    advice = "open only one mediatui at a time on it"
    if not locks_hold(folder):
        return Outcome("locks", Verdict.LIMITED, f"this network folder is known to ignore locks: {advice}")
    path = folder / "held.lock"
    with start("hold", path, feed=True) as holder:
        assert holder.stdout is not None
        if holder.stdout.readline() != "held\n":
            return Outcome("locks", Verdict.BAD, "locks do not work")
        second = FileLock(path)
        excluded = not second.try_acquire()
        second.close()
        holder.communicate()
    if not excluded:
        return Outcome("locks", Verdict.LIMITED, f"locks do not keep two processes apart: {advice}")
    return _counted(folder, advice)


def _counted(folder: Path, advice: str) -> Outcome:
    """Two processes add to one number; under a lock that works, every addition counts."""
    total = folder / "count"
    total.write_text("0")
    workers = [start("count", total, COUNTS) for _ in range(2)]
    for worker in workers:
        worker.communicate()
    reached = total.read_text()
    if reached != str(2 * COUNTS):
        words = f"locks do not always keep two processes apart ({reached} of {2 * COUNTS} additions): {advice}"
        return Outcome("locks", Verdict.LIMITED, words, 2 * COUNTS)
    return Outcome("locks", Verdict.GOOD, "locks keep two processes apart", 2 * COUNTS)


def start(verb: str, path: Path, *arguments: object, feed: bool = False) -> subprocess.Popen[str]:
    """A child of `mediatui.selftest.session`."""
    command = [sys.executable, "-m", "mediatui.selftest.session", verb, os.fspath(path), *map(str, arguments)]
    stdin = subprocess.PIPE if feed else subprocess.DEVNULL
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
