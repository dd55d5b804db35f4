"""How the suite runs."""

from __future__ import annotations

import os

import pytest


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: most tests wait for a process, a terminal or a server most of their time."""
    return 2 * (os.cpu_count() or 1)
