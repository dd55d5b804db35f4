"""Files that vanish behind the program's back: the items say so, and a person hears of it once, whoever noticed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.organise.conftest import add_item, places

from mediatui.library.library import Library
from mediatui.model import SaveState
from mediatui.settings import Settings
from mediatui.studio.events import Event, Notice
from mediatui.studio.studio import Studio

SECONDS = 20
GONE = "Files are gone"


class Ear:
    """Hears the notices of a studio."""

    def __init__(self) -> None:
        self.said: list[Notice] = []
        self.heard = threading.Condition()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Notice):
            with self.heard:
                self.said.append(event)
                self.heard.notify_all()

    def until(self, title: str) -> list[Notice]:
        """Wait for a notice with this title; returns those before and it."""
        with self.heard:
            assert self.heard.wait_for(lambda: any(n.title == title for n in self.said), SECONDS), self.said
            return list(self.said)


@contextmanager
def running(root: Path) -> Iterator[tuple[Studio, Ear]]:
    studio, ear = Studio(Settings(sandbox=True), places(root)), Ear()
    studio.subscribe(ear)
    studio.start()
    try:
        yield studio, ear
    finally:
        studio.stop()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """The files of three items of a project."""
    library = Library(places(tmp_path))
    one = library.create("One")
    items = [add_item(one, f"item-{n}") for n in range(3)]
    library.close()
    return [one.folder / (item.path or "") for item in items]


def hear_the_rest(studio: Studio, ear: Ear) -> list[Notice]:
    """All that was said of vanished files, once everything on its way has arrived."""
    studio.refresh("one").result(SECONDS)
    studio._core.emit(Notice("information", "the end", ""))
    return [notice for notice in ear.until("the end") if notice.title == GONE]


def test_files_that_vanish_while_it_runs_are_told_of_once(tmp_path: Path, files: list[Path]) -> None:
    with running(tmp_path) as (studio, ear):
        studio.open_project("one").result(SECONDS)
        for path in files[:2]:
            path.unlink()
        ear.until(GONE)
        said = hear_the_rest(studio, ear)
        assert sum(int(notice.message.split()[0]) for notice in said) == 2
        assert {notice.severity for notice in said} == {"warning"}
        states = {item.id: item.save_state for item in studio.items("one")}
        assert states == {"item-0": SaveState.MISSING, "item-1": SaveState.MISSING, "item-2": SaveState.SAVED}


def test_files_that_vanished_before_it_started_are_told_of_once(tmp_path: Path, files: list[Path]) -> None:
    files[0].unlink()
    with running(tmp_path) as (studio, ear):
        ear.until(GONE)
        (notice,) = hear_the_rest(studio, ear)
        assert notice.message == "1 file of “One” is gone"
    with running(tmp_path) as (studio, ear):
        studio.open_project("one").result(SECONDS)
        assert hear_the_rest(studio, ear) == [], "known already"


def test_comparing_on_request_tells_as_well(tmp_path: Path, files: list[Path]) -> None:
    studio, ear = Studio(Settings(sandbox=True), places(tmp_path)), Ear()
    studio.subscribe(ear)
    studio.start(follow=False)
    try:
        for path in files:
            path.unlink()
        assert len(studio.refresh("one").result(SECONDS).missing) == 3
        (notice,) = hear_the_rest(studio, ear)
        assert notice.message == "3 files of “One” are gone"
        assert notice.project_id == "one"
    finally:
        studio.stop()
