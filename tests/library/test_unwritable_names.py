"""Files whose names no record can hold: they are told of and left alone, and never an item that has no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.fal_server import PNG

from mediatui.library.check import Kind, check
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare, reconcile
from mediatui.library.repair import repair
from mediatui.locations import INDEX
from mediatui.studio.adopting import NAME_REFUSED, adopt

NAMES = [
    "\x1b[31mred.png",
    "\u202egnp.exe.png",
    os.fsdecode(b"bad\xff\xfe.png"),
    "12:30.png",
    "back\\slash.png",
    "bell\x07.png",
]


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def stranger(request: pytest.FixtureRequest, project: ProjectFolder) -> Path:
    path = project.folder / "images" / str(request.param)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(PNG)
    return path


def test_it_is_not_adopted_and_the_reason_is_told(project: ProjectFolder, stranger: Path) -> None:
    for _ in range(2):
        done = adopt(project)
        assert (done.items, done.refused) == ((), ((stranger, NAME_REFUSED),))
    assert (project.items(), stranger.read_bytes()) == ((), PNG)
    better = stranger.rename(stranger.with_name("better.png"))
    (item,) = adopt(project).items
    assert project.path_of(item.path or "") == better
    assert compare(project).orphans == ()


def test_it_is_not_taken_in_by_a_repair(project: ProjectFolder, stranger: Path) -> None:
    repair(project, accept=False, adopt=True, rebuild=True)
    assert project.items() == ()
    (finding,) = [each for each in check(project).findings if each.kind is Kind.ORPHAN]
    assert finding.remedy.startswith("give it another name")


def test_it_is_no_item_of_an_index_that_was_lost(project: ProjectFolder, stranger: Path) -> None:
    project.close()
    (project.folder / INDEX).unlink()
    again = ProjectFolder(project.folder)
    reconcile(again)
    assert (again.items(), compare(again).orphans) == ((), (stranger,))
    again.close()
