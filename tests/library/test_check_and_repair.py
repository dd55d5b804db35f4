"""Looking a project over and putting it right."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.library.conftest import Saver, a_job, an_item

from mediatui.library.check import Kind, Report, check
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.library.recovery import sidecar_of
from mediatui.library.repair import plan_repair, repair
from mediatui.library.trash import trash_items
from mediatui.model import SaveState


def kinds(report: Report) -> list[Kind]:
    return [finding.kind for finding in report.findings]


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def mend(project: ProjectFolder, **wanted: bool) -> list[str]:
    """Repair, and hold it to its plan and to what was there."""
    wanted = {"accept": False, "adopt": False, "rebuild": False, **wanted}
    before = listing(project.folder)
    plan = plan_repair(project, **wanted)
    assert listing(project.folder) == before, "a plan changed something"
    assert repair(project, **wanted) == plan
    after = listing(project.folder)
    assert {n for n in before if n not in after} == set(), "a repair removed something"
    return [f"{step.action} {step.what}" for step in plan]


def test_a_sound_project(project: ProjectFolder, save: Saver) -> None:
    for name in ("a-0", "b-0"):
        save(project, name, name.encode())
    project.commit(items=[an_item("url-0", state=SaveState.URL_ONLY)], jobs=[a_job()])
    trash_items(project, ["b-0"])
    (project.folder / "parts" / "url-0.part").write_bytes(b"half")
    told: list[tuple[int, int]] = []
    report = check(project, hash=True, progress=lambda done, total: told.append((done, total)))
    assert report.clean
    assert (report.items, report.files, report.bytes, report.hashed, report.unhashed) == (2, 1, 3, 1, 0)
    assert kinds(report) == [Kind.PART]
    assert told == [(3, 3)]
    assert mend(project, accept=True, adopt=True, rebuild=True) == []


def test_content_and_size(project: ProjectFolder, save: Saver) -> None:
    rotten, short = save(project, "rot-0", b"12345678"), save(project, "short-0", b"12345678")
    project.path_of(rotten.path or "").write_bytes(b"12345679")
    project.path_of(short.path or "").write_bytes(b"1234")
    assert kinds(check(project)) == [Kind.SIZE]
    report = check(project, hash=True)
    assert not report.clean
    assert sorted(kinds(report)) == [Kind.CONTENT, Kind.CONTENT, Kind.SIZE]
    assert all(f"retry {i}" in " ".join(f.remedy for f in report.findings) for i in ("rot-0", "short-0"))


def test_a_file_that_came_cut_is_named_every_time(project: ProjectFolder, save: Saver) -> None:
    cut = replace(save(project, "cut-0", b"half"), extra={"doubt": "it ends too early"})
    project.commit(items=[cut])
    project.write_sidecar(cut)
    report = check(project, hash=True)
    assert (report.clean, kinds(report)) == (True, [Kind.CUT])
    assert (report.findings[0].what, report.findings[0].message) == (cut.path, "it ends too early")
    assert "mediatui retry cut-0" in report.findings[0].remedy


def test_a_file_without_a_checksum_is_counted(project: ProjectFolder, save: Saver) -> None:
    item = replace(save(project, "old-0"), sha256=None)
    project.write_sidecar(item)
    project.commit(items=[item])
    report = check(project, hash=True)
    assert report.clean
    assert (report.hashed, report.unhashed) == (0, 1)


def test_missing_and_returned(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0")
    path = project.path_of(item.path or "")
    path.rename(project.folder / "aside")
    assert kinds(check(project)) == [Kind.MISSING]
    assert mend(project) == [f"reconcile {item.path}"]
    assert project.item("a-0").save_state is SaveState.MISSING
    assert check(project).clean
    (project.folder / "aside").rename(path)
    assert kinds(check(project)) == [Kind.RETURNED]
    assert mend(project) == [f"reconcile {item.path}"]
    assert project.item("a-0") == replace(item, saved_at=project.item("a-0").saved_at)


@pytest.mark.parametrize("harm", ["gone", "noise", "bit", "other"])
def test_sidecars_are_written_again(project: ProjectFolder, save: Saver, harm: str) -> None:
    item = save(project, "a-0")
    sidecar = sidecar_of(project.path_of(item.path or ""))
    good = sidecar.read_bytes()
    if harm == "gone":
        sidecar.unlink()
    elif harm == "noise":
        sidecar.write_bytes(b"\x00\xff")
    elif harm == "bit":
        sidecar.write_bytes(good.replace(b"prompt of a-0", b"prompt of a-1"))
    else:
        project.commit(items=[replace(item, prompt="edited since")])
    (finding,) = check(project).findings
    assert finding.kind is Kind.SIDECAR
    assert harm != "other" or "prompt" in finding.message
    assert mend(project) == [f"sidecar {item.path}.json"]
    assert check(project).findings == ()


def test_unknown_files_are_adopted(project: ProjectFolder, save: Saver) -> None:
    save(project, "a-0", b"known")
    (project.folder / "videos" / "dropped.mp4").write_bytes(b"dropped")
    assert kinds(check(project)) == [Kind.ORPHAN]
    assert mend(project) == []
    assert mend(project, adopt=True) == ["adopt videos/dropped.mp4"]
    (item,) = [item for item in project.items() if item.name == "dropped.mp4"]
    assert (item.save_state, item.file_size) == (SaveState.SAVED, 7)
    assert check(project, hash=True).findings == ()


def test_two_copies_of_one_file_become_two_items(project: ProjectFolder) -> None:
    (project.folder / "images").mkdir()
    for name in ("a.png", "b.png"):
        (project.folder / "images" / name).write_bytes(b"the same")
    mend(project, adopt=True)
    assert {item.path for item in project.items()} == {"images/a.png", "images/b.png"}
    assert len({item.id for item in project.items()}) == 2


def test_a_file_of_another_project_keeps_its_record(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0", b"bytes")
    path = project.path_of(item.path or "")
    copy = path.with_name("copy.mp4")
    copy.write_bytes(b"bytes")
    sidecar_of(copy).write_bytes(sidecar_of(path).read_bytes())
    assert mend(project, adopt=True) == ["adopt videos/copy.mp4"]
    (other,) = [found for found in project.items() if found.path == "videos/copy.mp4"]
    assert other.id != "a-0"
    assert other.prompt == item.prompt
    assert check(project, hash=True).findings == ()


def test_damage_is_accepted_only_when_asked(project: ProjectFolder, save: Saver) -> None:
    save(project, "a-0")
    folder = project.folder
    project.close()
    index = folder / "index.jsonl"
    damaged = index.read_bytes().replace(b"prompt of a-0", b"prompt of a-9")
    index.write_bytes(damaged)
    project = ProjectFolder(folder)
    assert Kind.DAMAGE in kinds(check(project))
    assert not check(project).clean
    mend(project)
    assert project.damage
    assert mend(project, accept=True) == ["accept index.jsonl"]
    assert project.damage == ()
    assert check(project).clean
    assert (folder / "index.jsonl.1").read_bytes().startswith(damaged)


def test_lost_records_are_brought_back(project: ProjectFolder, save: Saver) -> None:
    item, gone = save(project, "a-0", b"one"), save(project, "b-0", b"two")
    trash_items(project, [gone.id])
    project.accept_damage()  # an earlier generation knows both
    folder = project.folder
    project.close()
    index = folder / "index.jsonl"
    index.write_bytes(b"".join(line for line in index.read_bytes().splitlines(True) if b'"a-0"' not in line))
    project = ProjectFolder(folder)
    if project.find_item("a-0") is None:
        assert "rebuild items/a-0" in mend(project, rebuild=True)
    assert project.item("a-0") == item
    assert project.find_item("b-0") is None, "what was removed came back"


def test_answers_and_inline_bytes_that_are_gone(project: ProjectFolder) -> None:
    spool = project.write_spool("i-0", b"bytes")
    result = project.write_result("aaaa", b"{}")
    project.commit(items=[replace(an_item("i-0"), spool=spool)], jobs=[replace(a_job(), result_path=result)])
    assert check(project).clean
    for relative in (spool, result):
        os.unlink(project.path_of(relative))
    assert sorted(kinds(check(project))) == [Kind.ANSWER, Kind.SPOOL]


def test_a_trash_entry_that_cannot_be_read(project: ProjectFolder, save: Saver) -> None:
    save(project, "a-0")
    entry = trash_items(project, ["a-0"])
    (project.folder / "trash" / entry.id / "record.json").write_bytes(b"noise")
    report = check(project)
    assert kinds(report) == [Kind.TRASH]
    assert reconcile(project).missing == ()
    assert check(project).findings == report.findings


def test_of_a_damaged_index_and_a_whole_record_beside_a_file_the_record_is_believed(
    library: Library, project: ProjectFolder, save: Saver
) -> None:
    item, other = save(project, "a-0"), save(project, "b-0", b"other")
    noted = replace(item, notes="the last word", rating=4)
    project.write_sidecar(noted)
    project.commit(items=[noted])
    index = project.folder / "index.jsonl"
    wrong = "0" * 64
    *lines, _ = index.read_bytes().splitlines(keepends=True)  # the disk has lost the end, and changed the rest
    index.write_bytes(b"".join(lines).replace((item.sha256 or "").encode(), wrong.encode()))
    library.close()
    project = library.open(project.id)
    assert project.item("a-0").sha256 == wrong
    assert "rebuild items/a-0" in mend(project, accept=True, adopt=True, rebuild=True)
    assert (project.item("a-0"), project.item("b-0")) == (noted, other)
    assert check(project, hash=True).clean
    assert mend(project, accept=True, adopt=True, rebuild=True) == []


def test_a_whole_record_that_says_something_else_is_kept_when_it_is_written_again(
    project: ProjectFolder, save: Saver
) -> None:
    item = save(project, "a-0")
    project.write_sidecar(replace(item, notes="what an index that went back does not know"))
    beside = sidecar_of(project.path_of(item.path or ""))
    newer = beside.read_bytes()
    assert mend(project, accept=True, adopt=True, rebuild=True) == [f"sidecar {item.path}.json"]
    assert beside.with_name(f"{beside.name}.1").read_bytes() == newer
    assert check(project, hash=True).clean
