"""Two running instances on one data directory, one or both killed -9 while they make things."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.scenes import LARGE, SMALL, places, running
from tests.support.two_windows import EACH, open_window, see_through, two_windows

from mediatui.library.library import Library
from mediatui.model import Job, Phase


@pytest.mark.parametrize(("seed", "kills"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_both_windows_lose_nothing_and_pay_once(seed: int, kills: int, tmp_path: Path) -> None:
    """`python -m tests.campaigns.window_campaign` runs dozens."""
    with running("fal", LARGE if seed % 2 else SMALL) as scene:
        two_windows(tmp_path, scene, seed, kills)


def test_a_request_that_a_killed_window_recorded_and_never_sent_holds_nobody_up(tmp_path: Path) -> None:
    """Whether it was sent cannot be known: it stays unknown, is not sent, and the rest is finished."""
    library = Library(places(tmp_path))
    left = Job("left", "demo", "fal", "fal-ai/test", prompt="never sent", phase=Phase.SUBMITTING, owner="1-dead")
    library.ensure("demo").commit(jobs=[left])
    library.close()
    with running("fal") as scene:
        window = open_window(tmp_path, scene, "survivor")
        try:
            window.until("started")
            window.tell("go")
            window.until("ack", EACH)
            see_through(window, window.those("ack"), scene)
        finally:
            window.close()
        assert scene.server is not None
        assert len(scene.server.submits) == EACH
    library = Library(places(tmp_path))
    phases = {job.id: job.phase for job in library.open("demo").jobs()}
    library.close()
    assert phases.pop("left") is Phase.UNKNOWN
    assert set(phases.values()) == {Phase.SUCCEEDED}
