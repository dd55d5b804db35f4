"""All checks, one after another, in a temporary folder that is removed again."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mediatui.errors import storage_error
from mediatui.library.files import make_folder
from mediatui.library.lock import mount_of
from mediatui.selftest.disk import check_links, check_locks, check_rename, check_sync
from mediatui.selftest.outcome import Outcome, Summary, Verdict
from mediatui.selftest.store import TIMED, check_full

SECONDS = 15.0
"""About how long everything takes."""

FIXED: tuple[Callable[[Path], Outcome], ...] = (check_sync, check_rename, check_links, check_locks, check_full)


def selftest(
    folder: Path, seconds: float = SECONDS, told: Callable[[Outcome], None] = lambda _outcome: None
) -> Summary:
    """Try a folder's file system for about so many seconds; `told` hears of each check at once.

    Raises `StorageError` when nothing can be written there at all.
    """
    start = time.monotonic()
    try:
        make_folder(folder)
        place = Path(tempfile.mkdtemp(prefix=".mediatui-selftest-", dir=folder))
    except OSError as exc:
        raise storage_error(exc, f"write in {folder}") from exc
    outcomes = []
    try:
        for outcome in _outcomes(place, start + seconds):
            told(outcome)
            outcomes.append(outcome)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    mount = mount_of(folder)
    took = round(time.monotonic() - start, 1)
    return Summary(str(folder), mount[0] if mount else "unknown", took, tuple(outcomes))


def _outcomes(place: Path, end: float) -> Iterator[Outcome]:
    for check in FIXED:
        yield _guarded(lambda check=check: check(place), check.__name__)  # type: ignore[misc]
    remaining = max(end - time.monotonic(), 0.0)
    for timed, share in TIMED:
        yield _guarded(lambda t=timed, s=share: t(place, remaining * s), timed.__name__)  # type: ignore[misc]


def _guarded(check: Callable[[], Outcome], name: str) -> Outcome:
    """A disk that fails in the middle of a check is a result, too."""
    try:
        return check()
    except OSError as exc:
        what = name.removeprefix("check_").replace("_", " ")
        return Outcome(what, Verdict.BAD, f"the disk failed during a check ({exc.strerror or exc})")
