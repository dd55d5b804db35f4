"""Removing and bringing back; the index against the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.library.conftest import Saver, an_item

from mediatui.errors import StorageError, UsageError
from mediatui.library import trash
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare, reconcile
from mediatui.library.trash import empty_trash, older_than, restore_items, trash_entries, trash_items
from mediatui.model import SaveState


def files(project: ProjectFolder, folder: str) -> list[str]:
    return sorted(os.listdir(project.folder / folder))


def test_items_go_and_come_back_with_their_files(project: ProjectFolder, save: Saver) -> None:
    kept, item = save(project, "kept-0"), save(project, "gone-0", b"12345")
    project.commit(items=[an_item("url-0")])
    entry = trash_items(project, ["gone-0", "url-0", "gone-0"])
    assert project.items() == (kept,)
    assert (entry.item_ids, entry.bytes, entry.name) == (("gone-0", "url-0"), 5, "2 items")
    assert files(project, "videos") == [Path(kept.path or "").name, Path(kept.path or "").name + ".json"]
    again = ProjectFolder(project.folder)
    assert trash_entries(again) == (entry,)
    restored = restore_items(again, entry.id)
    assert restored == (item, replace(an_item("url-0"), project=project.id))
    assert project.poll()
    assert project.find_item("gone-0") == item
    assert project.path_of(item.path or "").read_bytes() == b"12345"
    assert len(files(project, "videos")) == 4
    assert trash_entries(project) == ()
    assert files(project, "trash") == []
    assert reconcile(project).orphans == ()


def test_a_name_taken_meanwhile_is_not_overwritten(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "gone-0", b"old")
    entry = trash_items(project, ["gone-0"])
    target = project.path_of(item.path or "")
    target.write_bytes(b"new")
    (restored,) = restore_items(project, entry.id)
    assert target.read_bytes() == b"new"
    assert restored.path == (item.path or "").replace(".mp4", "-2.mp4")
    assert project.path_of(restored.path or "").read_bytes() == b"old"


def test_unknown_items_and_entries(project: ProjectFolder) -> None:
    for wrong in (["nothing"], []):
        with pytest.raises(UsageError):
            trash_items(project, wrong)
    for entry in ("nothing", "../x", ""):
        with pytest.raises(UsageError):
            restore_items(project, entry)


class Died(BaseException):
    """Stands for a kill at this point."""


def die(*_arguments: object, **_options: object) -> None:
    raise Died


@pytest.mark.parametrize("point", ["_move_in", "move_all"])
def test_a_removal_interrupted_is_finished(
    project: ProjectFolder, save: Saver, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    item = save(project, "gone-0")
    with monkeypatch.context() as patch:
        patch.setattr(trash, point, die)
        with pytest.raises(Died):
            trash_items(project, ["gone-0"])
    again = ProjectFolder(project.folder)
    differences = reconcile(again)
    assert again.items() == (), "a removed item came back by itself"
    assert differences.orphans == ()
    assert files(again, "videos") == []
    assert restore_items(again, trash_entries(again)[0].id) == (item,)


def test_what_a_killed_restore_left_double_is_taken_away(
    project: ProjectFolder, save: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [save(project, f"back-{n}", f"bytes {n}".encode()) for n in range(3)]
    entry = trash_items(project, [item.id for item in items])
    with monkeypatch.context() as patch:
        patch.setattr(ProjectFolder, "commit", die)
        with pytest.raises(Died):
            restore_items(project, entry.id)
    assert len(files(project, "videos")) == 6, "the files have their places, and the trash has them too"
    reconcile(project)
    assert (project.items(), files(project, "videos")) == ((), [])
    with monkeypatch.context() as patch:
        patch.setattr(trash, "_forget_doubles", die)
        with pytest.raises(Died):
            restore_items(project, entry.id)
    assert {item.id: item for item in project.items()} == {item.id: item for item in items}
    assert trash_entries(project) == ()
    reconcile(project)
    assert files(project, "trash") == []
    for item in items:
        path = project.path_of(item.path or "")
        assert (path.stat().st_nlink, path.read_bytes()) == (1, f"bytes {item.id[-1]}".encode())


def count_and(call: Callable[[int], None], calls: list[int], fd: int) -> None:
    calls.append(fd)
    call(fd)


def test_each_folder_is_synced_once_however_many_items_come_and_go(
    project: ProjectFolder, save: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, partial(count_and, getattr(os, name), synced))

    def times(count: int) -> tuple[int, int]:
        ids = [save(project, f"item-{count}-{n}").id for n in range(count)]
        synced.clear()
        entry = trash_items(project, ids)
        gone = len(synced)
        restore_items(project, entry.id)
        return gone, len(synced) - gone

    times(1)
    assert times(2) == times(60)


def test_a_removal_that_never_happened_leaves_nothing(
    project: ProjectFolder, save: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = save(project, "kept-0")
    with monkeypatch.context() as patch:
        patch.setattr(ProjectFolder, "commit", die)
        with pytest.raises(Died):
            trash_items(project, ["kept-0"])
    assert trash_entries(project) == ()
    reconcile(project)
    assert project.items() == (item,)
    assert files(project, "trash") == []


def test_vanished_and_returned_files(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0")
    path = project.path_of(item.path or "")
    path.rename(path.with_suffix(".away"))
    assert compare(project).missing == ("a-0",)
    assert project.item("a-0").save_state is SaveState.SAVED, "comparing changes nothing"
    assert reconcile(project).missing == ("a-0",)
    assert project.item("a-0").save_state is SaveState.MISSING
    assert reconcile(project).missing == ()
    path.with_suffix(".away").rename(path)
    assert reconcile(project).returned == ("a-0",)
    assert project.item("a-0") == replace(item, saved_at=project.item("a-0").saved_at)


def test_a_crash_between_sidecar_and_index_is_made_good(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0")
    project.commit(items=[replace(item, save_state=SaveState.SAVING, path=None, sha256=None)])
    differences = reconcile(project)
    assert differences.adopted == ("a-0",)
    assert differences.orphans == ()
    assert project.item("a-0") == replace(item, saved_at=project.item("a-0").saved_at)
    assert reconcile(project).adopted == ()


def test_a_file_that_is_not_what_its_record_says_is_not_adopted(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0", b"right")
    path = project.path_of(item.path or "")
    project.commit(items=[replace(item, save_state=SaveState.UNSAVED, path=None)])
    for wrong in (b"wrong", b"longer than before"):
        path.write_bytes(wrong)
        differences = reconcile(project)
        assert (differences.adopted, differences.orphans) == ((), (path,))
        assert project.item("a-0").save_state is SaveState.UNSAVED


def test_strange_files_are_shown_and_left_alone(project: ProjectFolder) -> None:
    (project.folder / "images").mkdir()
    (project.folder / "images" / "mine.png").write_bytes(b"x")
    (project.folder / "images" / "mine.png.json").write_text("{}")
    (project.folder / "parts").mkdir()
    (project.folder / "parts" / "x.part").write_bytes(b"x")
    differences = reconcile(project)
    assert differences.orphans == (project.folder / "images" / "mine.png",)
    assert differences.parts == (project.folder / "parts" / "x.part",)
    assert project.items() == ()
    assert (project.folder / "images" / "mine.png").exists()


def test_an_unreadable_media_folder_is_an_error_and_not_a_loss(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "a-0")
    folder = project.folder / "videos"
    folder.rename(project.folder / "elsewhere")
    folder.symlink_to(folder)
    with pytest.raises(StorageError):
        reconcile(project)
    assert project.items() == (item,)


def test_the_trash_is_emptied_for_good(project: ProjectFolder, save: Saver) -> None:
    save(project, "kept-0", b"kept")
    for name, data in (("old-0", b"12345"), ("new-0", b"123")):
        save(project, name, data)
    old, new = trash_items(project, ["old-0"]), trash_items(project, ["new-0"])
    assert older_than([old, new], 1) == ()
    assert older_than([replace(old, time=old.time - 2 * 86_400), new], 1)[0].id == old.id
    with pytest.raises(UsageError):
        empty_trash(project, [old.id, "nothing"])
    freed = empty_trash(project, [new.id])
    assert freed > 3
    assert trash_entries(project) == ()
    assert files(project, "trash") == []
    assert [item.id for item in project.items()] == ["kept-0"]
    with pytest.raises(UsageError):
        restore_items(project, new.id)


def test_what_lives_again_keeps_its_file_when_the_trash_is_emptied(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "back-0", b"12345")
    entry = trash_items(project, ["back-0"])
    project.commit(items=[item])  # as an index rebuilt from an earlier generation does
    empty_trash(project, [entry.id])
    assert project.path_of(project.item("back-0").path or "").read_bytes() == b"12345"


def test_an_interrupted_removal_is_finished(project: ProjectFolder, save: Saver) -> None:
    save(project, "gone-0")
    entry = trash_items(project, ["gone-0"])
    trashed = project.folder / "trash"
    (trashed / entry.id).rename(trashed / f".removed-{entry.id}")
    (trashed / "a folder of somebody's").mkdir()
    assert trash_entries(project) == ()
    reconcile(project)
    assert files(project, "trash") == ["a folder of somebody's"]


def test_a_file_that_took_the_name_since_is_not_moved_to_the_trash(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "gone-0", b"paid for")
    entry = trash_items(project, ["gone-0"])
    path = project.path_of(item.path or "")
    for data in (b"", b"of another item"):
        path.write_bytes(data)
        reconcile(project)
        assert path.read_bytes() == data
    (restored,) = restore_items(project, entry.id)
    assert project.path_of(restored.path or "").read_bytes() == b"paid for"


def test_a_part_that_has_its_name_already_is_tidied(project: ProjectFolder, save: Saver) -> None:
    item = save(project, "done-0", b"whole")
    part = project.folder / "parts" / "done-0.part"
    os.link(project.path_of(item.path or ""), part)
    (project.folder / "parts" / "other-0.part").write_bytes(b"half")
    assert reconcile(project).parts == (project.folder / "parts" / "other-0.part",)
    assert project.path_of(item.path or "").read_bytes() == b"whole"


def test_inline_bytes_go_once_their_item_has_its_file(project: ProjectFolder, save: Saver) -> None:
    saved, gone, waits = save(project, "saved"), save(project, "gone"), an_item("waits")
    items = [replace(item, spool=project.write_spool(item.id, b"bytes")) for item in (saved, gone, waits)]
    project.commit(items=items)
    project.path_of(gone.path or "").unlink()
    reconcile(project)
    assert {path.name for path in (project.folder / "parts").iterdir()} == {"gone.spool", "waits.spool"}
