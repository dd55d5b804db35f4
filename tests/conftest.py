"""How the suite runs."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: most tests wait for a process, a terminal or a server most of their time."""
    return 1 + (os.cpu_count() or 1)
