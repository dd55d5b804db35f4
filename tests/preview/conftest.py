"""The app of the interface's tests, and media to look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.media import makemedia
from tests.tui.conftest import Session, home, start, until

__all__ = ["Session", "home", "start", "until"]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with something moving in it."""
    return makemedia.video(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=48, size=(192, 108))
