"""Looking at what is only at an address: a bounded copy, made once, by the rules of any download."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediatui.errors import MediatuiError
from mediatui.locations import Locations
from mediatui.model import MediaItem, SavePolicy, SaveState
from mediatui.settings import Settings
from mediatui.studio.playable import Origin
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.session import prune
from mediatui.studio.studio import Studio

PATIENCE = 60
PICTURE = "sandbox/text-to-image"


def made(studio: Studio, policy: SavePolicy) -> MediaItem:
    """One picture, saved or not."""
    request = GenerateRequest(
        "a lighthouse", (PICTURE,), "demo", {"image_size": "square", "num_images": 1}, save_policy=policy
    )
    jobs = studio.generate(request).result(PATIENCE)
    studio.wait([job.id for job in jobs]).result(PATIENCE)
    return studio.items(jobs[0].project)[0]


@pytest.fixture
def studio(home: Locations) -> Iterator[Studio]:
    made = Studio(Settings(poll_seconds=0.05), home)
    made.start()
    yield made
    made.stop()


def test_the_file_comes_first_then_the_copy_then_the_address(studio: Studio, home: Locations) -> None:
    item = made(studio, SavePolicy.AUTOMATIC)
    studio.save([item.id]).result(PATIENCE)
    found = studio.playable(item.id).result(PATIENCE)
    assert found.origin is Origin.FILE
    assert found.path is not None
    assert found.path.is_file()
    assert not (home.cache / "session").exists()


def test_what_is_at_an_address_is_fetched_once_and_stays_unsaved(studio: Studio, home: Locations) -> None:
    item = made(studio, SavePolicy.URL_ONLY)
    found = studio.playable(item.id).result(PATIENCE)
    assert found.origin is Origin.SESSION
    assert found.path is not None
    assert found.path.parent == home.cache / "session"
    before = found.path.stat().st_ino
    again = studio.playable(item.id, fetch=False).result(PATIENCE)
    assert again == found
    assert found.path.stat().st_ino == before
    assert sorted(p.name for p in found.path.parent.iterdir()) == [found.path.name]
    kept = studio.find_item(item.id)
    assert kept is not None
    assert kept.save_state is SaveState.URL_ONLY
    assert kept.path is None


def test_many_who_ask_at_once_get_one_copy(studio: Studio) -> None:
    item = made(studio, SavePolicy.URL_ONLY)
    found = {future.result(PATIENCE).path for future in [studio.playable(item.id) for _ in range(8)]}
    assert len(found) == 1


def test_the_sandboxs_plain_address_is_not_handed_to_other_programs(studio: Studio) -> None:
    item = made(studio, SavePolicy.URL_ONLY)
    with pytest.raises(MediatuiError):
        studio.playable(item.id, fetch=False).result(PATIENCE)


def test_nobody_knows_an_item_that_is_not_there(studio: Studio) -> None:
    with pytest.raises(MediatuiError, match="no item"):
        studio.playable("nothing").result(PATIENCE)


def test_copies_are_bounded_by_size_and_age(tmp_path: Path) -> None:
    now = time.time()
    for number in range(6):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(bytes(100))
        os.utime(path, (now - number, now - number))
    os.utime(tmp_path / "0.mp4", (now - 1e6, now - 1e6))
    assert prune(tmp_path, max_bytes=300) == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.mp4", "2.mp4", "3.mp4"]
    assert prune(tmp_path / "nowhere") == 0
