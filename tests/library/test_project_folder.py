"""One project: commits, edits, its files, and the way back from a lost index."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.library.conftest import Saver, a_job, an_item

from mediatui.errors import StorageError, UsageError
from mediatui.library import lock
from mediatui.library.generations import GENERATIONS, generation
from mediatui.library.index import decode_sidecar, item_to_document
from mediatui.library.library import Library
from mediatui.library.project import ProjectChange, ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.model import MediaItem, MediaType, SaveState, move_item


def reopened(project: ProjectFolder) -> ProjectFolder:
    return ProjectFolder(project.folder)


def test_one_commit_is_one_line_over_all_tables(project: ProjectFolder) -> None:
    index = project.folder / "index.jsonl"
    lines = index.read_bytes().count(b"\n")
    project.commit(items=[an_item()], jobs=[a_job()], project=replace(project.record, name="Other"))
    assert index.read_bytes().count(b"\n") == lines + 1
    again = reopened(project)
    assert (again.items(), again.jobs(), again.record) == (project.items(), project.jobs(), project.record)
    assert again.record.name == "Other"
    project.commit(items=[an_item()])
    assert index.read_bytes().count(b"\n") == lines + 1, "nothing changed, so nothing is written"


def test_snapshots_are_newest_first(project: ProjectFolder) -> None:
    project.commit(items=[an_item("b", created=1), an_item("a", created=1), an_item("c", created=2)])
    assert [item.id for item in project.items()] == ["c", "a", "b"]
    before = project.items()
    project.commit(items=[an_item("a", created=3)], gone_items=["c"])
    assert [item.id for item in project.items()] == ["a", "b"]
    assert [item.id for item in before] == ["c", "a", "b"], "a snapshot changed"


def test_unknown_records_are_named(project: ProjectFolder) -> None:
    assert project.find_item("x") is None
    assert project.find_job("x") is None
    with pytest.raises(UsageError, match="x in Demo"):
        project.item("x")
    with pytest.raises(UsageError, match="x in Demo"):
        project.job("x")


def test_edits_see_the_freshest_state(project: ProjectFolder) -> None:
    other = reopened(project)
    project.commit(items=[an_item()], jobs=[a_job()])
    other.edit_item("aaaa-0", lambda item: move_item(item, SaveState.SAVING))
    seen = []

    def look(item: MediaItem) -> None:
        seen.append(item.save_state)

    result = project.edit_item("aaaa-0", look)
    assert seen == [SaveState.SAVING]
    assert result.save_state is SaveState.SAVING
    assert project.edit_job("aaaa", lambda job: replace(job, remote_id="r")).remote_id == "r"
    assert other.poll()
    assert other.job("aaaa").remote_id == "r"


def test_an_edit_that_raises_changes_nothing(project: ProjectFolder) -> None:
    project.commit(items=[an_item()])
    before = (project.folder / "index.jsonl").read_bytes()
    with pytest.raises(ValueError, match="cannot go"):
        project.edit_item("aaaa-0", lambda item: move_item(item, SaveState.MISSING))
    assert (project.folder / "index.jsonl").read_bytes() == before


def test_threads_and_instances_lose_no_edit(project: ProjectFolder) -> None:
    project.commit(items=[replace(an_item(), extra={"n": 0})])
    folders = [project, project, reopened(project), reopened(project)]

    def count_up(folder: ProjectFolder) -> None:
        for _ in range(50):
            folder.edit_item("aaaa-0", lambda item: replace(item, extra={"n": item.extra["n"] + 1}))

    threads = [threading.Thread(target=count_up, args=(folder,)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reopened(project).item("aaaa-0").extra == {"n": 200}


def test_changes_are_told_after_memory_and_in_order(library: Library, project: ProjectFolder) -> None:
    told: list[ProjectChange] = []
    states: list[Any] = []

    def listen(change: ProjectChange) -> None:
        told.append(change)
        states.append([item.id for item in folder.items()])

    folder = ProjectFolder(project.folder, listen)
    with folder.transaction():
        folder.commit(items=[an_item("a")])
        folder.commit(items=[an_item("b", created=2)], jobs=[a_job("j")])
        assert told == [], "told while the lock was held"
    folder.commit(gone_items=["a", "never-there"])
    project.commit(items=[an_item("c")], gone_jobs=["j"])
    assert folder.poll()
    assert [(*(i.id for i in c.items), c.foreign) for c in told] == [
        ("a", False),
        ("b", False),
        (False,),
        ("c", True),
    ]
    assert [job.id for job in told[1].jobs] == ["j"]
    assert told[2].gone_items == ("a",)
    assert told[3].gone_jobs == ("j",)
    assert states == [["b", "a"], ["b", "a"], ["b"], ["b", "c"]]


def test_commits_through_tinydb_reach_the_records(project: ProjectFolder) -> None:
    project.db.insert(item_to_document(an_item("x")))
    assert project.item("x").project == "demo"
    project.db.update({"prompt": "new"}, lambda doc: doc["id"] == "x")
    assert project.item("x").prompt == "new"
    project.db.drop_tables()
    assert project.items() == ()


def test_a_folder_stands_on_its_own(project: ProjectFolder, save: Saver, tmp_path: Path) -> None:
    save(project, "aaaa-0")
    shutil.copytree(project.folder, tmp_path / "elsewhere")
    copied = ProjectFolder(tmp_path / "elsewhere")
    assert copied.id == "elsewhere"
    assert copied.record.name == "Demo"
    assert copied.item("aaaa-0") == replace(project.item("aaaa-0"), project="elsewhere")
    assert reconcile(copied).missing == ()


def test_raw_results_and_inline_bytes(project: ProjectFolder) -> None:
    relative = project.write_result("job1", b'{"video": 1}')
    assert relative == "results/job1.json"
    assert project.write_result("job1", b'{"video": 1}') == relative
    assert project.path_of(relative).read_bytes() == b'{"video": 1}'
    assert project.path_of(project.write_spool("job1-0", b"\x00\x01")).read_bytes() == b"\x00\x01"
    for bad in ("../x", "", "a/b", ".hidden"):
        with pytest.raises(UsageError):
            project.write_result(bad, b"")


def test_paths_cannot_leave_the_project(project: ProjectFolder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (project.folder / "videos").symlink_to(tmp_path / "outside")
    for bad in ("../x", "/etc/passwd", "videos/x.mp4", "", "a/../../b"):
        with pytest.raises(UsageError, match="leads out"):
            project.path_of(bad)
    assert project.path_of("images/x.png") == project.folder / "images" / "x.png"


def test_a_sidecar_lies_beside_the_file(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "aaaa-0")
    assert item.path is not None
    data = (project.folder / f"{item.path}.json").read_bytes()
    assert decode_sidecar(data) == (item_to_document(item), True)
    assert json.loads(data)["prompt"] == "prompt of aaaa-0"
    with pytest.raises(UsageError):
        project.write_sidecar(an_item())


def test_bytes_on_disk(project: ProjectFolder, save: Saver) -> None:
    before = project.bytes_on_disk()
    save(project, "aaaa-0", b"x" * 10_000)
    assert 10_000 < project.bytes_on_disk() - before < 15_000


def test_a_record_that_makes_no_sense_is_shown_and_flagged(project: ProjectFolder) -> None:
    project.db.insert({"id": "odd", "type": "video", "save_state": "unsaved", "width": "wide"})
    assert project.item("odd").width is None
    assert "items/odd" in project.damage[0].reason
    assert "damaged" in project.notice
    again = reopened(project)
    assert again.damage == project.damage
    again.accept_damage()
    assert (again.damage, again.notice) == ((), "")
    assert reopened(project).damage == ()


def test_a_closed_project_takes_no_commits(project: ProjectFolder) -> None:
    project.close()
    with pytest.raises(StorageError, match="closed"):
        project.commit(items=[an_item()])
    assert project.items() == ()


# -- the ladder


def lose_index(project: ProjectFolder, *, generations: bool = True) -> None:
    project.close()
    os.remove(project.folder / "index.jsonl")
    for number in range(1, 4) if generations else ():
        generation(project.folder / "index.jsonl", number).unlink(missing_ok=True)


def test_a_lost_index_is_rebuilt_from_an_earlier_generation(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "aaaa-0")
    project.commit(items=[an_item("url-only"), an_item("removed")], jobs=[a_job()])
    project.commit(gone_items=["removed"])
    project.accept_damage()
    project.commit(items=[an_item("later")])
    lose_index(project, generations=False)
    again = reopened(project)
    assert {i.id for i in again.items()} == {"aaaa-0", "url-only"}
    assert again.item("aaaa-0") == item
    assert (again.jobs(), again.record) == (project.jobs(), project.record)
    assert "The index was missing and was rebuilt" in again.notice
    assert reopened(project).notice == "", "said once; the index is whole again"
    assert reopened(project).items() == again.items()


def test_a_lost_index_is_rebuilt_from_the_records_beside_files(project: ProjectFolder, save: Saver) -> None:
    items = [save(project, f"aaaa-{n}", created=float(n)) for n in range(3)]
    lose_index(project)
    again = reopened(project)
    assert list(again.items()) == items[::-1]
    assert "3 records from the records beside files" in again.notice


def test_a_lost_index_is_rebuilt_from_files_alone(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "aaaa-0")
    assert item.path is not None
    (project.folder / f"{item.path}.json").unlink()
    (project.folder / "images").mkdir()
    (project.folder / "images" / "mine.png").write_bytes(b"png")
    (project.folder / "images" / "notes.txt").write_bytes(b"no media")
    lose_index(project)
    found = {i.name: i for i in reopened(project).items()}
    assert set(found) == {Path(item.path).name, "mine.png"}
    recovered = found[Path(item.path).name]
    assert recovered.role == "recovered"
    assert recovered.save_state is SaveState.SAVED
    assert (recovered.sha256, recovered.crc32, recovered.file_size) == (item.sha256, item.crc32, item.file_size)
    assert recovered.path == item.path
    assert found["mine.png"].type is MediaType.IMAGE


@pytest.mark.parametrize(
    ("junk", "why"), [(b"", "empty"), (b"\x00" * 4096, "too damaged"), (b"hello\n", "too damaged")]
)
def test_an_index_of_which_nothing_can_be_read_is_rebuilt(
    project: ProjectFolder, save: Saver, junk: bytes, why: str
) -> None:
    item = save(project, "aaaa-0")
    project.close()
    (project.folder / "index.jsonl").write_bytes(junk)
    again = reopened(project)
    assert again.items() == (item,)
    assert f"The index was {why}" in again.notice


def test_what_an_unreadable_line_said_is_found_beside_the_file(project: ProjectFolder, save: Saver) -> None:
    item, other = save(project, "aaaa-0"), save(project, "bbbb-0")
    project.commit(gone_items=["bbbb-0"])
    project.close()
    index = project.folder / "index.jsonl"
    lines = index.read_bytes().splitlines(keepends=True)
    hit = next(n for n, line in enumerate(lines) if b'"aaaa-0"' in line)
    lines[hit] = lines[hit][:40] + b"\x00" * 20 + lines[hit][60:]
    index.write_bytes(b"".join(lines))
    again = reopened(project)
    assert again.items() == (item,), f"{other.id} was removed on purpose"
    assert "Recovered" in again.notice
    assert [place.lost for place in again.damage] == [True]
    assert index.read_bytes().startswith(b"".join(lines)), "damaged lines are kept"


@pytest.mark.parametrize("number", range(1, GENERATIONS + 1))
def test_a_job_of_an_unreadable_line_is_found_in_each_earlier_generation(project: ProjectFolder, number: int) -> None:
    project.commit(jobs=[a_job()])
    job, index = project.jobs()[0], project.folder / "index.jsonl"
    for _ in range(number):
        project.accept_damage()  # each makes a generation
    project.close()
    for other in {*range(1, GENERATIONS + 1)} - {number}:
        generation(index, other).unlink(missing_ok=True)
    whole = index.read_bytes()
    hit = whole.index(job.id.encode())
    index.write_bytes(whole[: hit - 2] + b"\x00" * 20 + whole[hit + 18 :])
    again = reopened(project)
    assert again.jobs() == (job,)
    assert "Recovered 1 record from" in again.notice


def test_a_lost_project_record_leaves_the_folder_name(project: ProjectFolder) -> None:
    lose_index(project)
    assert reopened(project).record.name == "demo"


@pytest.mark.parametrize("from_end", range(1, 100, 7))
def test_a_flipped_bit_in_the_project_record_is_noticed(project: ProjectFolder, from_end: int) -> None:
    project.close()
    index = project.folder / "index.jsonl"
    data = bytearray(index.read_bytes())
    data[-from_end] ^= 4
    index.write_bytes(data)
    again = reopened(project)
    assert again.damage
    assert again.notice


def test_a_folder_where_locks_do_not_hold_says_so(
    project: ProjectFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = os.stat(project.folder).st_dev
    mounts = tmp_path / "mountinfo"
    line = f"1 0 {os.major(device)}:{os.minor(device)} / / rw - nfs4 host:/x rw,%s\n"
    monkeypatch.setattr(lock, "MOUNTS", mounts)
    for option, told in (("local_lock=none", False), ("nolock", True), ("local_lock=all", True)):
        mounts.write_text(line % option)
        assert ("one mediatui at a time" in ProjectFolder(project.folder).notice) is told
