"""The first frame of the next start: what the lists showed, while that is true."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.tui.glimpse import Glimpse, keep_glimpse, load_glimpse
from mediatui.tui.widgets.line_list import LineList

from .conftest import Start, until

SIZE = (120, 36)


@pytest.fixture
def kept(home: Locations) -> Glimpse:
    """A glimpse of a project that is there."""
    library = Library(home)
    project = library.create("Demo").id
    library.close()
    home.state.mkdir(parents=True)
    glimpse = Glimpse(project, "Demo", SIZE, {"media": [[("▌", "accent"), ("a lighthouse", "text")]]})
    keep_glimpse(home, glimpse)
    return glimpse


async def test_the_rows_stand_there_before_the_library_is_open(start: Start, home: Locations) -> None:
    async with start() as session:
        await session.generate("an owl")
        await until(lambda: len(session.library.project_list.keys) == 1, "the project")
        project = session.library.project_id or ""
        session.app.exit(0)
        session.app.keep_session()
    session.app.keep_glimpse()
    found = load_glimpse(home, project, SIZE)
    assert found is not None
    assert "an owl" in "".join(text for text, _ in found.lines["media"][0])
    async with start(ready=False) as session:
        row = session.library.media.render_line(0).text
        assert "an owl" in row
        assert "demo" in session.library.project_list.render_line(0).text
        assert "demo" in session.title()
        await until(lambda: bool(session.library.media.keys), "the library")
        assert not session.library.media.still
        assert session.library.media.render_line(0).text == row


def test_it_is_kept_for_its_owner_and_comes_back_as_it_was(home: Locations, kept: Glimpse) -> None:
    assert load_glimpse(home, kept.project, SIZE) == kept
    assert (home.state / "glimpse.json").stat().st_mode & 0o777 == 0o600
    assert load_glimpse(home, kept.project, (80, 24)) is None
    assert load_glimpse(home, "other", SIZE) is None


def test_a_commit_since_makes_it_untrue(home: Locations, kept: Glimpse) -> None:
    library = Library(home)
    project = library.open(kept.project)
    project.commit(project=replace(project.record, name="Another"))
    library.close()
    assert load_glimpse(home, kept.project, SIZE) is None


def test_nothing_to_show_forgets_the_last_one(home: Locations, kept: Glimpse) -> None:
    keep_glimpse(home, None)
    assert not (home.state / "glimpse.json").exists()
    assert load_glimpse(home, kept.project, SIZE) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: json.dumps({**json.loads(text), "lines": {"media": [[["\x1b]0;x\x07", "text"]]]}}),
        lambda text: json.dumps({**json.loads(text), "lines": {"media": [[["a", "b", "c"]]]}}),
        lambda text: json.dumps({**json.loads(text), "name": 7}),
    ],
)
def test_a_file_that_is_not_ours_is_none(home: Locations, kept: Glimpse, spoil: Callable[[str], str]) -> None:
    path: Path = home.state / "glimpse.json"
    path.write_text(spoil(path.read_text("utf-8")), "utf-8")
    assert load_glimpse(home, kept.project, SIZE) is None


async def test_an_empty_project_shows_no_rows_of_before(start: Start) -> None:
    async with start() as session:
        media = session.library.media
        media.still = [[("a row of before", "text")]]
        LineList.show(media, [])
        assert "before" not in media.render_line(0).text
