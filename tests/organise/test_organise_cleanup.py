"""Duplicates, disk usage, and clean-up: the plan says it all, carrying it out does no more than that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.organise.conftest import add_item, everything, places, without_times

from mediatui.errors import UsageError
from mediatui.library.cleanup import DAY, CleanRequest, Sort, check_sorts, plan_cleanup
from mediatui.library.duplicates import find_duplicates
from mediatui.library.library import Library
from mediatui.library.trash import trash_entries, trash_items
from mediatui.library.usage import measure, tree_size
from mediatui.model import Job, MediaType, Phase, SaveState, now
from mediatui.settings import Settings
from mediatui.studio.studio import Studio

SECONDS = 20


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(Settings(sandbox=True), places(tmp_path))
    yield studio
    studio.stop()


def ask(*sorts: Sort, **fields: Any) -> CleanRequest:
    return replace(CleanRequest(frozenset(sorts)), **fields)


def test_duplicates_are_found_within_and_across_projects_also_without_hashes(library: Library) -> None:
    one, two = library.create("One"), library.create("Two")
    add_item(one, "a", b"same bytes", created_at=3.0)
    add_item(one, "b", b"same bytes", created_at=1.0)
    add_item(two, "c", b"same bytes", created_at=2.0, sha256=None, file_size=None)
    add_item(two, "d", b"SAME bytes")
    add_item(two, "e", b"alone, whatever")
    add_item(two, "empty", b"")
    add_item(one, "empty2", b"")
    (group,) = find_duplicates([one, two])
    assert (group.keep.id, sorted(i.id for i in group.others), group.bytes) == ("b", ["a", "c"], 20)
    one.edit_item("a", lambda item: replace(item, rating=2))
    two.edit_item("c", lambda item: replace(item, favourite=True))
    assert find_duplicates([one, two])[0].keep.id == "c"
    assert find_duplicates([one])[0].keep.id == "a"


def test_two_items_of_one_file_are_no_duplicates(library: Library) -> None:
    one = library.create("One")
    item = add_item(one, "a", b"same bytes")
    one.commit(items=[replace(item, id="b")])
    assert find_duplicates([one]) == ()


def full_of_everything(library: Library) -> None:
    project = library.create("One")
    old = now() - 40 * DAY
    add_item(project, "kept", b"kept", rating=5)
    add_item(project, "unrated", b"unrated")
    add_item(project, "fav", b"favourite", favourite=True)
    add_item(project, "copy-1", b"twice", rating=1, created_at=1.0)
    add_item(project, "copy-2", b"twice", rating=1, created_at=2.0)
    add_item(project, "old-unsaved", None, save_state=SaveState.UNSAVED, created_at=old)
    add_item(project, "new-unsaved", None, save_state=SaveState.UNSAVED, created_at=now())
    add_item(project, "gone", None, path="videos/gone.mp4", save_state=SaveState.MISSING)
    (project.folder / "videos" / "orphan.mp4").write_bytes(b"whose?")
    project.commit(
        jobs=[
            Job("failed", project.id, "fal", "m", "p", phase=Phase.FAILED),
            Job("running", project.id, "fal", "m", "p", phase=Phase.RUNNING),
        ]
    )
    parts = project.folder / "parts"
    for name, age in (("leftover.part", 3), ("new-unsaved.part", 3), ("fresh.part", 0)):
        (parts / name).write_bytes(b"12345")
        os.utime(parts / name, (now() - age * DAY,) * 2)
    half = project.folder / "videos" / ".x.mp4.json.0a1b2c3d.tmp"
    half.write_bytes(b"half a record")
    os.utime(half, (now() - 2 * DAY,) * 2)


@pytest.mark.parametrize(
    ("sort", "count", "size"),
    [
        (Sort.UNSAVED, 1, 0),
        (Sort.MISSING, 1, 0),
        (Sort.DUPLICATES, 1, 5),
        (Sort.UNRATED, 1, 7),
        (Sort.FAILED_JOBS, 1, 0),
        (Sort.ORPHANS, 1, 6),
        (Sort.PARTS, 2, 18),
        (Sort.TRASH, 0, 0),
    ],
)
def test_each_sort_alone(library: Library, sort: Sort, count: int, size: int) -> None:
    full_of_everything(library)
    project = library.open("one")
    before = everything(library)
    plan = plan_cleanup(ask(sort), [project])
    assert (plan.count, plan.to_trash + plan.freed) == (count, size)
    assert (plan.freed > 0) == (sort is Sort.PARTS)
    assert everything(library) == before


def test_an_item_stands_in_one_line_only(library: Library) -> None:
    project = library.create("One")
    add_item(project, "a", b"twice", created_at=1.0)
    add_item(project, "b", b"twice", created_at=2.0)
    plan = plan_cleanup(ask(Sort.DUPLICATES, Sort.UNRATED), [project])
    assert [(line.sort, [i.id for i in line.items]) for line in plan.lines] == [
        (Sort.DUPLICATES, ["b"]),
        (Sort.UNRATED, ["a"]),
    ]


def test_a_clean_up_can_be_taken_back_all_at_once(studio: Studio) -> None:
    library = studio.organise._lib
    full_of_everything(library)
    before = everything(library)
    request = ask(*(sort for sort in Sort if sort is not Sort.PROJECT))
    plan = studio.organise.plan_clean(request).result(SECONDS)
    report = studio.organise.clean(plan).result(SECONDS)
    assert (report.to_trash, report.freed, report.notes) == (5 + 7 + 6, 18, ())
    project = library.open("one")
    assert {item.id for item in project.items()} == {"kept", "fav", "copy-1", "new-unsaved"}
    assert [job.id for job in project.jobs()] == ["running"]
    assert not (project.folder / "videos" / "orphan.mp4").exists()
    assert sorted(path.name for path in (project.folder / "parts").iterdir()) == ["fresh.part", "new-unsaved.part"]
    after = everything(library)
    assert studio.organise.undo().result(SECONDS) is not None
    assert without_times(everything(library)) == without_times(before)
    assert studio.organise.redo().result(SECONDS) is not None
    assert without_times(everything(library)) == without_times(after)


def test_what_changed_since_the_plan_stays(studio: Studio) -> None:
    project = studio.organise._lib.create("One")
    add_item(project, "a", b"a")
    add_item(project, "b", b"b")
    plan = studio.organise.plan_clean(ask(Sort.UNRATED)).result(SECONDS)
    studio.organise.rate(["a"], 4).result(SECONDS)
    report = studio.organise.clean(plan).result(SECONDS)
    assert [item.id for item in project.items()] == ["a"]
    assert "1 item changed" in report.notes[0]


def test_a_whole_project_goes_to_the_trash_and_old_trash_for_good(studio: Studio) -> None:
    library = studio.organise._lib
    one, two = library.create("One"), library.create("Two")
    add_item(one, "a", b"abc")
    add_item(two, "b", b"bcd")
    trash_items(two, ["b"])
    plan = studio.organise.plan_clean(ask(Sort.PROJECT, projects=("one",))).result(SECONDS)
    assert [(line.sort, line.count, line.bytes > 3) for line in plan.lines] == [(Sort.PROJECT, 1, True)]
    studio.organise.clean(plan).result(SECONDS)
    assert library.project_ids() == ("two",)
    assert studio.organise.plan_clean(ask(Sort.TRASH)).result(SECONDS).count == 0
    old = studio.organise.plan_clean(ask(Sort.TRASH, trash_days=-1.0)).result(SECONDS)
    assert (old.count, old.to_trash) == (2, 0)
    report = studio.organise.clean(old).result(SECONDS)
    assert report.freed == old.freed > 0
    assert (trash_entries(two), library.trashed()) == ((), ())
    assert report.undo is None


def test_usage_adds_up(library: Library) -> None:
    one, two = library.create("One"), library.create("Two")
    add_item(one, "a", b"x" * 1000, created_at=1_790_000_000.0)
    add_item(one, "b", b"y" * 10, type=MediaType.IMAGE, model="flux")
    add_item(two, "c", None)
    trash_items(one, ["b"])
    usage = measure([one, two], library.locations.trash)
    first = usage.projects[0]
    assert (first.id, first.media, first.items) == ("one", 1000, 1)
    assert first.trash > 10
    assert usage.total == tree_size(library.locations.projects)
    assert [(row.key, row.items, row.bytes) for row in usage.models] == [("fal-ai/kling", 2, 1000)]
    assert [row.key for row in usage.months] == ["2026-09", "2023-11"]
    assert [(row.key, row.bytes) for row in usage.types] == [("video", 1000)]


def test_sorts_are_named(library: Library) -> None:
    assert check_sorts(["parts", "trash"]) == {Sort.PARTS, Sort.TRASH}
    with pytest.raises(UsageError, match="dust"):
        check_sorts(["dust"])
