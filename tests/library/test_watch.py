"""Noticing files that came or went."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.library.watch import FileWatch
from mediatui.locations import find_locations
from mediatui.model import MediaItem, MediaType, SaveState

OLD = 1_000_000_000


@pytest.fixture
def project(tmp_path: Path) -> ProjectFolder:
    """Two saved items whose files are there."""
    library = Library(find_locations(tmp_path / "data"))
    folder = library.create("Demo")
    (folder.folder / "images").mkdir(exist_ok=True)
    items = []
    for name in ("a.png", "b.png"):
        (folder.folder / "images" / name).write_bytes(b"x")
        item = MediaItem(name, folder.id, name, MediaType.IMAGE, model="m", prompt="p", save_state=SaveState.SAVED)
        items.append(replace(item, path=f"images/{name}", created_at=1.0))
    folder.commit(items=items)
    return folder


def settle(project: ProjectFolder) -> None:
    """As if nothing had changed for long."""
    os.utime(project.folder / "images", (OLD, OLD))


def test_it_looks_only_when_a_folder_changed(project: ProjectFolder) -> None:
    watch = FileWatch()
    settle(project)
    assert not watch.differs(project)
    (project.folder / "images" / "a.png").unlink()
    settle(project)  # the same time as before: nothing says that it changed
    assert not watch.differs(project)
    os.utime(project.folder / "images", (OLD + 5, OLD + 5))
    watch._seen[project.id].rest_until = 0.0
    assert watch.differs(project)
    reconcile(project)
    assert project.item("a.png").save_state is SaveState.MISSING
    watch._seen[project.id].rest_until = 0.0
    assert not watch.differs(project)


def test_a_folder_that_changed_just_now_is_looked_at_again(project: ProjectFolder) -> None:
    watch = FileWatch()
    assert not watch.differs(project)
    before = os.stat(project.folder / "images").st_mtime_ns
    (project.folder / "images" / "b.png").unlink()
    os.utime(project.folder / "images", ns=(before, before))  # within one tick of the clock
    watch._seen[project.id].rest_until = 0.0
    assert watch.differs(project)


def test_strange_files_and_unsaved_items_are_no_difference(project: ProjectFolder) -> None:
    item = replace(project.item("a.png"), save_state=SaveState.UNSAVED, path=None)
    project.commit(items=[item])
    (project.folder / "images" / "stranger.png").write_bytes(b"x")
    assert not FileWatch().differs(project)


def test_a_whole_folder_that_went_is_noticed(project: ProjectFolder) -> None:
    (project.folder / "images").rename(project.folder / "elsewhere")
    assert FileWatch().differs(project)


def test_what_could_not_be_put_right_is_found_again(project: ProjectFolder) -> None:
    watch = FileWatch()
    (project.folder / "images" / "a.png").unlink()
    settle(project)
    assert watch.differs(project)
    watch.look_again(project)
    assert watch.differs(project)
