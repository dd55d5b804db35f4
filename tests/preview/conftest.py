"""The app of the interface's tests, and media to look at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.tui.conftest import Session, home, start, until

sys.path.append(str(Path(__file__).parent.parent / "media"))

__all__ = ["Session", "home", "start", "until"]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with something moving in it."""
    import makemedia

    return makemedia.video(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=48, size=(192, 108))
