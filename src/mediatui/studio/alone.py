"""Work that only one of all running instances does at a time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mediatui.library.lock import hold
from mediatui.text import slug

LOOK_SECONDS = 0.05
"""Between two looks whether the others are done."""


@asynccontextmanager
async def alone(folder: Path, work: str) -> AsyncIterator[None]:
    """Wait until no other instance on this folder does `work`, and keep them from it; whoever dies is no hindrance.

    A folder that takes no lock keeps nobody out: the work is worth more.
    """
    fd = -1
    try:
        try:
            fd = os.open(folder / f"{slug(work, 60)}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not hold(fd):
                await asyncio.sleep(LOOK_SECONDS)
        except OSError:
            pass
        yield
    finally:
        if fd >= 0:
            os.close(fd)
