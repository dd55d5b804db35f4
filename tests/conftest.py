"""How the suite runs, and what tests of several parts begin with."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.home import Home
from tests.support.fal_server import FalServer, fal_server


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: most tests wait for a process, a terminal or a server most of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_configure() -> None:
    """A shell that runs the suite behind its back lets it ignore ctrl+c; the programs under test must hear it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home, and the program as a subprocess in it."""
    root = tmp_path / "home"
    root.mkdir()
    return Home(root)


@pytest.fixture
def fal() -> Iterator[FalServer]:
    """A scripted server that speaks like fal."""
    with fal_server() as server:
        yield server
