"""Crash reports: the traceback of a defect in a private file, with everything that looks like a key taken out."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
import traceback
from typing import TYPE_CHECKING

from mediatui import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HIDDEN = "••••"
"""What stands in place of a secret."""

KEY_ENVIRONMENT = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
"""Environment variables with such names hold secrets."""

MIN_SECRET = 6
"""Shorter values are not looked for: they would blank ordinary words."""

_SECRETS = re.compile(
    r"(?P<head>(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n,)}]+"  # a header, as text or in a mapping
    r"|(?P<scheme>\b(?:Bearer|Basic|Key|Token)\s+)[A-Za-z0-9._~+/=:-]{8,}"
    r"|(?P<name>\b[\w-]*(?:api[_-]?key|_key|token|secret|password|signature|credential)['\"]?\s*[=:]\s*['\"]?)"
    r"[^\s'\"&,;)}]+"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}\b"  # fal: key id and secret
    r"|\b(?:sk|pk|rk|r8|hf|ghp|xai)[-_][A-Za-z0-9_-]{12,}\b"
    r"|(?P<user>://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.IGNORECASE,
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets, those of the environment, and whatever looks like one."""
    known = [*secrets, *(value for name, value in os.environ.items() if KEY_ENVIRONMENT.search(name))]
    for secret in sorted((s.strip() for s in known), key=len, reverse=True):
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, HIDDEN)
    return _SECRETS.sub(_hide, text)


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


def _hide(match: re.Match[str]) -> str:
    kept = match.group("head") or match.group("scheme") or match.group("name") or match.group("user") or ""
    return kept + HIDDEN
