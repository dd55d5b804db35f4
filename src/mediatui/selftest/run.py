"""All checks, one after another, in a temporary folder that is removed again."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from mediatui.errors import StorageError, storage_error
from mediatui.library.files import make_folder
from mediatui.library.lock import mount_of
from mediatui.selftest.disk import check_links, check_locks, check_rename, check_sync
from mediatui.selftest.outcome import Outcome, Summary, Verdict
from mediatui.selftest.store import TIMED, check_full

FIXED: tuple[tuple[str, Callable[[Path], Outcome]], ...] = (
    ("sync", check_sync),
    ("rename", check_rename),
    ("names", check_links),
    ("locks", check_locks),
    ("full disk", check_full),
)
"""Checks that take as long as they take."""
ROOM = 2 << 20
"""Bytes that must be free."""


def selftest(folder: Path, seconds: float, told: Callable[[Outcome], None]) -> Summary:
    """Try a folder's file system for about so many seconds; `told` hears of each check at once.

    Each check is made a few times even where that takes longer.
    Raises `StorageError` when nothing can be written there, or there is no room for it.
    """
    start = time.monotonic()
    try:
        make_folder(folder)
        place = Path(tempfile.mkdtemp(prefix=".mediatui-selftest-", dir=folder))
    except OSError as exc:
        raise storage_error(exc, f"write in {folder}") from exc
    outcomes = []
    try:
        _need_room(place)
        for outcome in _outcomes(place, start + seconds):
            told(outcome)
            outcomes.append(outcome)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    mount = mount_of(folder)
    took = round(time.monotonic() - start, 1)
    return Summary(str(folder), mount[0] if mount else "unknown", took, tuple(outcomes))


def _need_room(place: Path) -> None:
    """A disk that is full before the checks begin says nothing about it. Raises `StorageError`."""
    try:
        (place / "room").write_bytes(bytes(ROOM))
        (place / "room").unlink()
    except OSError as exc:
        raise storage_error(exc, f"write in {place.parent}") from exc


def _outcomes(place: Path, end: float) -> Iterator[Outcome]:
    for name, check in FIXED:
        yield _guarded(name, partial(check, place))
    remaining = max(end - time.monotonic(), 0.0)
    for name, timed, share in TIMED:
        yield _guarded(name, partial(timed, place, remaining * share))


def _guarded(name: str, check: Callable[[], Outcome]) -> Outcome:
    """A disk that fails in the middle of a check is a result, too."""
    try:
        return check()
    except OSError as exc:
        why = exc.strerror or str(exc)
    except StorageError as exc:
        why = exc.message
    return Outcome(name, Verdict.BAD, f"the disk failed during a check ({why})")
