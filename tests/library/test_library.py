"""All projects of a data directory: made, found, renamed, deleted, brought back; by several instances at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.library.conftest import Saver, a_job, an_item

from mediatui.errors import StorageError, UsageError
from mediatui.library.deleted import deleted_parts
from mediatui.library.library import Library
from mediatui.library.project import ProjectChange
from mediatui.locations import Locations
from mediatui.model import Job, Phase, SavePolicy, SaveState


def test_nothing_is_made_by_looking(locations: Locations, library: Library) -> None:
    assert library.project_ids() == ()
    assert library.summaries() == ()
    assert library.find("x") is None
    assert library.trashed() == ()
    library.poll()
    assert not locations.data.exists()


def test_create_find_and_ensure(library: Library, locations: Locations) -> None:
    first = library.create("Größe & Ähnliches", SavePolicy.ON_DEMAND)
    assert first.id.isascii()
    assert first.record.save_policy is SavePolicy.ON_DEMAND
    assert library.create("Größe & Ähnliches").id == f"{first.id}-2"
    assert library.ensure("demo").id == "demo"
    assert library.ensure("demo") is library.ensure("DEMO")
    assert library.find(first.id) is first
    with pytest.raises(UsageError, match="several projects"):
        library.find("größe & ähnliches")
    assert set(library.project_ids()) == {first.id, f"{first.id}-2", "demo"}
    assert sorted(os.listdir(locations.projects)) == sorted(library.project_ids()), "no drafts are left"


def test_a_name_that_was_cut_finds_its_project_again(library: Library) -> None:
    long = "a very long name " * 20
    assert library.ensure(long).id == library.ensure(long).id
    assert len(library.project_ids()) == 1


@pytest.mark.parametrize("name", ["", "  \n", "\x1b"])
def test_a_project_needs_a_name(library: Library, name: str) -> None:
    with pytest.raises(UsageError):
        library.create(name)


@pytest.mark.parametrize("reference", ["../demo", "/etc", ".", "", "nothing", ".new-1"])
def test_what_is_no_project_is_not_opened(library: Library, reference: str) -> None:
    library.create("demo")
    with pytest.raises(UsageError, match="no project"):
        library.open(reference)


def test_folders_without_a_project_are_not_listed(library: Library, locations: Locations) -> None:
    library.create("demo")
    (locations.projects / "empty").mkdir()
    (locations.projects / ".hidden").mkdir()
    (locations.projects / "file").touch()
    assert library.project_ids() == ("demo",)
    assert library.create("empty").id == "empty", "an empty folder is no obstacle"


def test_a_name_taken_by_something_else_is_left_alone(library: Library, locations: Locations) -> None:
    (locations.projects / "demo").mkdir(parents=True)
    (locations.projects / "demo" / "thesis.txt").write_text("precious")
    assert library.create("demo").id == "demo-2"
    assert (locations.projects / "demo" / "thesis.txt").read_text() == "precious"


def test_summaries(library: Library, save: Saver) -> None:
    project = library.create("b")
    library.create("A")
    save(project, "s-0", b"12345")
    project.commit(
        items=[an_item("u-0"), an_item("m-0", state=SaveState.URL_ONLY), an_item("i-0", state=SaveState.SAVING)],
        jobs=[a_job("draft"), *(job_in(phase) for phase in (Phase.RUNNING, Phase.QUEUED, Phase.FAILED))],
    )
    first, second = Library(library.locations).summaries()
    assert (first.name, first.items, first.bytes) == ("A", 0, 0)
    assert (second.items, second.unsaved, second.running, second.bytes) == (4, 1, 2, 5)
    assert second.opened
    assert second.notice == ""


def job_in(phase: Phase) -> Job:
    return replace(a_job(phase.value), phase=phase)


def test_a_project_that_cannot_be_opened_does_not_hide_the_others(library: Library, locations: Locations) -> None:
    library.create("good")
    (locations.projects / "bad" / "index.jsonl").mkdir(parents=True)
    bad, good = Library(locations).summaries()
    assert (bad.id, bad.opened) == ("bad", False)
    assert "could not" in bad.notice
    assert good.opened


def test_rename_and_policy(library: Library) -> None:
    library.create("demo")
    assert library.rename("demo", " New\tname ").name == "New name"
    assert library.set_policy("demo", SavePolicy.URL_ONLY).save_policy is SavePolicy.URL_ONLY
    again = Library(library.locations).open("demo")
    assert (again.record.name, again.record.save_policy) == ("New name", SavePolicy.URL_ONLY)
    assert library.find("new NAME") is library.open("demo")


def test_delete_and_restore(library: Library, save: Saver) -> None:
    project = library.create("demo")
    item = save(project, "s-0")
    trashed = library.delete("demo")
    assert library.project_ids() == ()
    assert library.trashed() == (trashed,)
    assert trashed.name.startswith("demo--")
    with pytest.raises(StorageError):
        project.commit(items=[an_item()])
    assert not (library.locations.projects / "demo").exists(), "a late commit made the folder again"
    library.create("demo")
    restored = library.restore(trashed)
    assert restored.id == "demo-2"
    assert [i.path for i in restored.items()] == [item.path]
    assert library.trashed() == ()
    for wrong in (trashed, library.locations.projects / "demo", Path("/etc")):
        with pytest.raises(UsageError):
            library.restore(wrong)


def test_another_instance_is_followed(library: Library, locations: Locations) -> None:
    told: list[ProjectChange] = []
    projects: list[tuple[str, ...]] = []
    other = Library(locations, told.append, lambda: projects.append(other.project_ids()))
    other.poll()
    library.create("demo").commit(items=[an_item()])
    other.poll()
    assert projects == [("demo",)]
    assert len(other.open("demo").items()) == 1
    library.open("demo").commit(items=[an_item("b")])
    other.poll()
    assert [item.id for item in told[-1].items] == ["b"]
    assert told[-1].foreign
    library.rename("demo", "Other")
    other.poll()
    assert told[-1].project is not None
    assert len(projects) == 2
    trashed = library.delete("demo")
    other.poll()
    assert other.opened("demo") is None
    assert projects[2:] == [()]
    library.restore(trashed)
    other.poll()
    assert projects[3:] == [("demo",)]
    other.poll()
    assert len(projects) == 4, "nothing happened, so nothing is told"
    other.close()


def test_a_project_replaced_between_two_polls_is_opened_anew(library: Library, locations: Locations) -> None:
    other = Library(locations)
    library.create("demo").commit(items=[an_item("old")])
    assert other.open("demo").find_item("old")
    library.delete("demo")
    library.create("demo").commit(items=[an_item("new")])
    other.poll()
    assert [item.id for item in other.open("demo").items()] == ["new"]
    other.close()


def test_two_processes_make_projects_at_once(library: Library, locations: Locations) -> None:
    code = "import sys;from pathlib import Path;from mediatui.library.library import Library;"
    code += "from mediatui.locations import Locations;d=Path(sys.argv[1]);"
    code += "L=Library(Locations(d,d,d,d));[print(L.create('same').id) for _ in range(8)]"
    command = [sys.executable, "-c", code, os.fspath(locations.data)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    ids = [line for worker in workers for line in worker.communicate()[0].split()]
    assert len(ids) == len(set(ids)) == 24
    assert set(library.project_ids()) == set(ids)


def test_two_processes_that_need_the_same_project_share_it(library: Library, locations: Locations) -> None:
    script = (
        "import sys; from pathlib import Path; from mediatui.library.library import Library\n"
        "from mediatui.locations import Locations\n"
        "root = Path(sys.argv[1]); library = Library(Locations(root / 'data', root, root, root))\n"
        "print(flush=True); sys.stdin.readline()\n"
        "for n in range(20): library.ensure(f'Project {n}')\n"
    )
    command = [sys.executable, "-c", script, str(locations.data.parent)]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0) for _ in range(3)]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0, 0, 0]
    assert sorted(s.name for s in library.summaries()) == sorted(f"Project {n}" for n in range(20))


def test_items_are_found_by_part_of_their_identifier(library: Library) -> None:
    one, two = library.create("one"), library.create("two")
    one.commit(items=[an_item("0123456789abcdef-0")])
    two.commit(items=[an_item("0123999999999999-0"), an_item("0123999999999999-1")])
    fresh = Library(library.locations)
    assert fresh.locate_item("0123456789abcdef-0")[0].id == "one"
    assert fresh.locate_item("01234")[1].id == "0123456789abcdef-0"
    assert fresh.locate_item("99-1")[1].id.endswith("-1")
    for reference in ("0123", "012", "zzzz", ""):
        with pytest.raises(UsageError):
            fresh.locate_item(reference)
    fresh.close()


def test_a_folder_copied_in_by_hand_is_a_project(library: Library, locations: Locations, save: Saver) -> None:
    project = library.create("demo")
    save(project, "s-0")
    shutil.copytree(project.folder, locations.projects / "Copy of demo")
    library.poll()
    assert set(library.project_ids()) == {"demo", "Copy of demo"}
    assert library.open("Copy of demo").items()[0].project == "Copy of demo"


def test_a_folder_of_media_alone_becomes_a_project(library: Library, locations: Locations) -> None:
    folder = locations.projects / "found" / "images"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(b"x")
    assert [item.name for item in library.open("found").items()] == ["a.png"]


def test_deleted_projects_are_removed_for_good(library: Library) -> None:
    for name in ("One", "Two"):
        library.create(name).commit(items=[an_item()])
    one, two = library.delete("one"), library.delete("two")
    with pytest.raises(UsageError):
        library.empty_trash([one, library.locations.projects])
    assert library.empty_trash([one]) > 100
    assert library.trashed() == (two,)
    assert [path.name for path in library.locations.trash.iterdir()] == [two.name]
    assert library.restore(two).item("aaaa-0").id == "aaaa-0"


@pytest.mark.parametrize(
    ("folder", "parts"),
    [
        ("demo--1763600000000", ("demo", 1763600000.0)),
        ("demo--1763600000000-2", ("demo", 1763600000.0)),
        ("one--two--1763600000500", ("one--two", 1763600000.5)),
        ("one--two", ("one--two", 0.0)),
        ("demo", ("demo", 0.0)),
        ("--1763600000000", ("--1763600000000", 0.0)),
    ],
)
def test_a_deleted_projects_folder_says_which_it_was_and_when(folder: str, parts: tuple[str, float]) -> None:
    assert deleted_parts(Path(folder)) == parts
