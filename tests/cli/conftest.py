"""Fixtures of the command line's tests."""

from __future__ import annotations

import pytest
from tests.cli.home import Home
from tests.support.fal_server import FalServer


@pytest.fixture
def fal_home(home: Home, fal: FalServer) -> Home:
    """A home whose provider is the scripted server."""
    home.configure(
        "[jobs]\npoll_seconds = 0.05\n"
        f'[providers.fal]\nkey = "k:s"\nqueue_url = "{fal.url}"\napi_url = "{fal.url}/v1"\n'
    )
    return home
