"""Waiting for what tells nobody that it happened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

SECONDS = 30.0
"""Longer than any of it takes; whoever waits for more hangs."""


def spin_until(ready: Callable[[], object], what: str) -> None:
    """Look again and again until it holds; raises `AssertionError` when it never does."""
    end = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < end, f"never came: {what}"
        os.sched_yield()
