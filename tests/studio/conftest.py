"""A scripted server, and studios that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.fal_server import FalServer
from tests.support.workshop import Workshop, open_studio

Opener = Callable[..., Workshop]


@pytest.fixture
def opener(fal: FalServer, tmp_path: Path) -> Iterator[Opener]:
    """Opens studios on the same places, as many as wanted; all are stopped in the end."""
    with ExitStack() as stack:

        def opened(root: Path = tmp_path, **more: Any) -> Workshop:
            workshop = open_studio(root, fal, **more)
            stack.callback(workshop.studio.stop, 5.0)
            return workshop

        yield opened


@pytest.fixture
def shop(opener: Opener) -> Workshop:
    return opener()
