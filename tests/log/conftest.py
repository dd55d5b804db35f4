"""Fixtures of the step log's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    root = tmp_path / "home"
    root.mkdir()
    return Home(root)
