"""What the detail pane says of an item besides its state."""

from __future__ import annotations

from typing import Any

import pytest

from mediatui.model import Job, MediaItem, MediaType, Phase, SaveState
from mediatui.tui.keymap import Keymap
from mediatui.tui.widgets.detail import item_paragraphs, job_paragraphs
from mediatui.tui.widgets.media_list import Going


def warnings(extra: dict[str, Any]) -> list[str]:
    item = MediaItem(
        id="i", project="p", name="a fox", type=MediaType.IMAGE, save_state=SaveState.SAVED, prompt="a fox", extra=extra
    )
    paragraphs = item_paragraphs(item, None, None, Going(), keys=Keymap())
    return [text for _, text, tone in paragraphs if tone == "warn"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({}, []),
        ({"nsfw": True}, ["the provider's filter flagged it; it may be blacked out"]),
        ({"nsfw": "yes", "incomplete": 5}, []),
        ({"incomplete": "1 of 2 \x1b[31mtaken\naway"}, ["1 of 2 [31mtaken away"]),
    ],
)
def test_what_the_provider_says_against_an_output_is_told(extra: dict[str, Any], words: list[str]) -> None:
    assert warnings(extra) == words


@pytest.mark.parametrize(
    ("phase", "asked", "told"),
    [(Phase.RUNNING, True, True), (Phase.RUNNING, False, False), (Phase.FAILED, True, False)],
)
def test_a_job_that_was_asked_to_stop_says_so_until_it_ends(phase: Phase, asked: bool, told: bool) -> None:
    job = Job("j", "demo", "fal", "m", "a fox", {}, phase=phase, cancel_requested=asked)
    words = [text for _, text, *_ in job_paragraphs(job, Going(), keys=Keymap())]
    assert any("asked to stop" in text for text in words) is told
