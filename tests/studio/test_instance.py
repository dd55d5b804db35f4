"""Who is running: seen by every other instance from its first record on."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from mediatui.library.lock import hold
from mediatui.studio.instance import Instance


def test_one_that_was_looked_at_while_it_began_is_seen_all_the_same(tmp_path: Path) -> None:
    """Whoever looks holds the lock for a moment, and removes the file of somebody it takes for dead."""
    mine, other = Instance(tmp_path), Instance(tmp_path)
    path = tmp_path / f"{mine.id}.lock"
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    assert hold(looking)
    begins = threading.Thread(target=mine.register)
    begins.start()
    begins.join(0.05)
    path.unlink()
    os.close(looking)
    begins.join(20)
    assert other.is_alive(mine.id)
    mine.leave()
    assert not other.is_alive(mine.id)
    assert not list(tmp_path.iterdir())
