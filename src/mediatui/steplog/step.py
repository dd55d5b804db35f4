"""What the step log says of one step, and in which files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

KEPT = 2
"""How many files put aside are kept: ``log.1.jsonl`` and ``log.2.jsonl``."""


class StepName(StrEnum):
    """The steps of a generation's way."""

    GENERATE = "generate"
    UPLOAD = "upload"
    SUBMIT = "submit"
    POLL = "poll"
    RESULT = "result"
    DOWNLOAD = "download"
    SAVE = "save"
    INDEX = "index"
    CANCEL = "cancel"
    RECONCILE = "reconcile"
    RECOVER = "recover"


OK, FAILED, STOPPED = "ok", "failed", "stopped"
"""The usual outcomes; a poll's is the phase it saw, a save's may be ``already`` or ``url-only``."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the log. `time` is when the step ended."""

    time: float
    step: str
    outcome: str = OK
    project: str = ""
    job: str = ""
    item: str = ""
    provider: str = ""
    model: str = ""
    milliseconds: int | None = None
    bytes: int | None = None
    attempt: int | None = None
    detail: str = ""


def aside(path: Path, number: int) -> Path:
    """The log's file that was put aside `number` times; 0 is the one written now."""
    return path.with_suffix(f".{number}{path.suffix}") if number else path


def is_at(fd: int, path: Path) -> bool:
    """The open file is the one that has this name."""
    try:
        here, there = os.fstat(fd), path.stat()
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
