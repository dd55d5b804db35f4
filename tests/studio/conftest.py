"""A scripted server, and studios that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.support.fal_server import FalServer
from tests.support.workshop import Workshop, open_studio

Opener = Callable[..., Workshop]
Keep = Callable[[Workshop], Workshop]


@pytest.fixture
def keep() -> Iterator[Keep]:
    """Takes studios, gives them back, and stops them in the end."""
    with ExitStack() as stack:

        def kept(workshop: Workshop) -> Workshop:
            stack.callback(workshop.studio.stop, 5.0)
            return workshop

        yield kept


@pytest.fixture
def opener(fal: FalServer, tmp_path: Path, keep: Keep) -> Opener:
    """Opens studios on the same places, as many as wanted; all are stopped in the end."""
    return lambda root=tmp_path, **more: keep(open_studio(root, fal, **more))


@pytest.fixture
def shop(opener: Opener) -> Workshop:
    return opener()
