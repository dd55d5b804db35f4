"""Crash reports: the traceback of a defect in a private file, with everything that looks like a key taken out."""

from __future__ import annotations

import os
import platform
import sys
import time
import traceback
from typing import TYPE_CHECKING

from mediatui import __version__
from mediatui.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write_crash_report(state_dir: Path, error: BaseException, *, secrets: Iterable[str] = ()) -> Path | None:
    """Write ``crash-<time>.txt`` (mode 0600) into `state_dir`; None when no file could be written.

    The report holds the versions and the traceback without local variables.
    """
    report = redact(_report(error), secrets)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for attempt in range(100):
            path = state_dir / f"crash-{stamp}{f'-{attempt + 1}' if attempt else ''}.txt"
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(report)
            return path
    except OSError:
        return None
    return None


def _report(error: BaseException) -> str:
    details = "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format())
    versions = f"mediatui {__version__}, Python {platform.python_version()}, {sys.platform}"
    return f"{versions}\n{time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n\n{details}"
