"""Every verb can be taken back and done again: records, files and the records beside them, byte for byte."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.organise.conftest import add_item, everything, places, without_times
from tests.support.disks import tmpfs

from mediatui.errors import MediatuiError, StorageBlocked, StorageError, UsageError
from mediatui.library.library import Library
from mediatui.library.recovery import sidecar_of
from mediatui.library.trash import trash_entries, trash_items
from mediatui.model import SaveState
from mediatui.settings import Settings
from mediatui.studio.history import History, Outcome, Step, Undo
from mediatui.studio.studio import Studio

SECONDS = 20


def fill(library: Library) -> None:
    for name in ("One", "Two"):
        project = library.create(name)
        for letter in "abc":
            add_item(project, f"{name.lower()}-{letter}", f"bytes of {letter}".encode())
    first = library.open("one")
    add_item(first, "one-bare", b"no record beside it", sidecar=False)
    add_item(first, "one-url", None)
    odd = first.item("one-a")
    assert odd.path
    sidecar_of(first.path_of(odd.path)).write_bytes(b'{"c":"00000000","hand":"made"}\n')
    # The same file name in both projects: a move must number one of them and undo must not.
    for project_id in ("one", "two"):
        add_item(library.open(project_id), f"{project_id}-same", project_id.encode())
    folder = library.open("two").folder
    (folder / "videos" / "AI-Video-one-b.mp4").write_bytes(b"an orphan that has the name")


ITEMS = ["one-a", "one-b", "one-c", "one-bare", "one-url", "one-same", "two-a", "two-b", "two-same"]
some = st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3, unique=True)
tags = st.lists(st.sampled_from(["hero", "Night sky", "b-roll"]), max_size=2)
project = st.sampled_from(["one", "two"])
actions = st.one_of(
    st.tuples(st.just("tag"), some, tags, tags),
    st.tuples(st.just("rate"), some, st.sampled_from([None, 1, 5])),
    st.tuples(st.just("favourite"), some, st.sampled_from([None, True, False])),
    st.tuples(st.just("note"), some, st.sampled_from(["", "a note\nof two lines"])),
    st.tuples(st.just("rename"), st.sampled_from(ITEMS), st.sampled_from(["New name", "other"])),
    st.tuples(st.just("trash"), some),
    st.tuples(st.just("move"), some, st.sampled_from(["one", "two", "Three"])),
    st.tuples(st.just("copy"), some, st.sampled_from(["one", "two", "Three"])),
    st.tuples(st.just("rename_project"), project, st.sampled_from(["Uno", "Dos"])),
    st.tuples(st.just("delete_project"), project),
)


@given(st.lists(actions, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_undoing_everything_is_the_start_and_redoing_everything_the_end(sequence: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        studio = Studio(Settings(sandbox=True), places(Path(root)))
        library = studio.organise._lib
        fill(library)
        start = everything(library)
        done = 0
        for verb, *arguments in sequence:
            try:
                undo: Undo = getattr(studio.organise, str(verb))(*arguments).result(SECONDS)
            except MediatuiError:
                continue  # the item is in the trash, or the project is
            done += undo.count > 0
        end = everything(library)
        for _ in range(2):
            for _ in range(done):
                assert studio.organise.undo().result(SECONDS) is not None
            assert studio.organise.undo().result(SECONDS) is None
            assert without_times(everything(library)) == without_times(start)
            for key, value in start.items():
                if isinstance(value, tuple) and not key.endswith(".json"):
                    assert everything(library)[key] == value
            for _ in range(done):
                assert studio.organise.redo().result(SECONDS) is not None
            assert studio.organise.redo().result(SECONDS) is None
            assert without_times(everything(library)) == without_times(end)
        studio.stop()


def exact(seen: dict[str, object]) -> dict[str, object]:
    """Records, bytes, and when media files changed; a record beside a file is written anew."""
    return {
        key: value[0] if isinstance(value, tuple) and key.endswith(".json") else value for key, value in seen.items()
    }


moves = st.one_of(
    actions,
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
    st.tuples(st.sampled_from(["trash", "favourite"]), st.just("all")),
    st.tuples(st.sampled_from(["move", "copy"]), st.just("all"), st.sampled_from(["two", "Three"])),
    st.tuples(st.just("tag"), st.just("all"), st.just(["bulk"])),
)


@given(st.lists(moves, min_size=3, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_going_to_and_fro_meets_every_state_again(sequence: list[tuple[object, ...]]) -> None:
    """Undo and redo between other actions, and actions on all items at once."""
    with tempfile.TemporaryDirectory() as root:
        studio = Studio(Settings(sandbox=True), places(Path(root)))
        library, organise = studio.organise._lib, studio.organise
        fill(library)
        states, now = [exact(everything(library))], 0
        for verb, *arguments in sequence:
            if verb in ("undo", "redo"):
                step = 1 if verb == "redo" else -1
                done = (organise.undo() if verb == "undo" else organise.redo()).result(SECONDS)
                assert (done is not None) is (0 <= now + step < len(states))
                now += step if done is not None else 0
                assert exact(everything(library)) == states[now]
                continue
            if arguments[0] == "all":
                arguments[0] = [item.id for project in library.open_readable() for item in project.items()]
            try:
                undo: Undo = getattr(organise, str(verb))(*arguments).result(SECONDS)
            except MediatuiError:
                assert exact(everything(library)) == states[now], "what fails changes nothing"
                continue
            if undo.count:
                states, now = [*states[: now + 1], exact(everything(library))], now + 1
        studio.stop()


def test_verbs_write_index_and_sidecar_in_one_commit(studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("One")
    for letter in "abc":
        add_item(project, f"one-{letter}")
    before = (project.folder / "index.jsonl").read_bytes().count(b"\n")
    undo = studio.organise.tag(["one-a", "one-b"], ["#Hero", "  night\tsky ", "hero"]).result(SECONDS)
    assert (undo.label, undo.count, undo.notes) == ("tag 2 items #Hero, night sky , hero", 2, ())
    assert (project.folder / "index.jsonl").read_bytes().count(b"\n") == before + 1
    item = project.item("one-a")
    assert item.tags == ("Hero", "night sky")
    assert b'"Hero"' in sidecar_of(project.path_of(item.path or "")).read_bytes()
    studio.organise.tag(["one-a"], remove=["HERO"]).result(SECONDS)
    assert project.item("one-a").tags == ("night sky",)
    assert studio.organise.next_undo is not None
    assert studio.organise.next_undo.label.startswith("tag AI-Video-one-a")


def test_a_verb_that_changes_nothing_is_nothing_to_undo(studio: Studio) -> None:
    add_item(studio.organise._lib.create("One"), "one-a", rating=3)
    assert studio.organise.rate(["one-a"], 3).result(SECONDS).count == 0
    assert studio.organise.next_undo is None


@pytest.mark.parametrize("rating", [0, 6, -1])
def test_a_rating_is_one_to_five(studio: Studio, rating: int) -> None:
    add_item(studio.organise._lib.create("One"), "one-a")
    with pytest.raises(UsageError, match="no rating"):
        studio.organise.rate(["one-a"], rating).result(SECONDS)


def test_items_whose_bytes_are_still_to_come_are_not_moved(studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("One")
    add_item(project, "one-a")
    add_item(project, "one-new", None, save_state=SaveState.UNSAVED)
    missing = add_item(project, "one-gone")
    project.path_of(missing.path or "").unlink()
    for item_id in ("one-new", "one-gone"):
        with pytest.raises(UsageError, match="before the bytes are here"):
            studio.organise.move(["one-a", item_id], "Two").result(SECONDS)
    assert project.item("one-a").path
    assert studio.organise.next_undo is None


def test_a_failed_move_to_a_new_project_leaves_no_project_behind(studio: Studio) -> None:
    library = studio.organise._lib
    add_item(library.create("One"), "one-new", None, save_state=SaveState.UNSAVED)
    with pytest.raises(UsageError):
        studio.organise.move(["one-new"], "Two").result(SECONDS)
    assert library.project_ids() == ("one",)


def test_copies_have_bytes_of_their_own(studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("One")
    item = add_item(project, "one-a", b"the bytes", rating=5)
    studio.organise.copy(["one-a"], "Two").result(SECONDS)
    studio.organise.copy(["one-a"], "one").result(SECONDS)
    (copy,) = library.open("two").items()
    assert (copy.rating, copy.extra["copied_from"], copy.sha256) == (5, "one-a", item.sha256)
    assert copy.id != item.id
    second = next(i for i in project.items() if i.id != "one-a")
    assert second.path == "videos/AI-Video-one-a-2.mp4"
    with project.path_of(item.path or "").open("r+b") as file:
        file.write(b"X")
    assert library.open("two").path_of(copy.path or "").read_bytes() == b"the bytes"


def test_a_copy_of_bytes_that_changed_is_refused(studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("One")
    item = add_item(project, "one-a", b"the bytes")
    project.path_of(item.path or "").write_bytes(b"the bytez")
    library.create("Two")
    with pytest.raises(MediatuiError, match="its bytes changed"):
        studio.organise.copy(["one-a"], "two").result(SECONDS)
    assert library.open("two").items() == ()
    assert not list((library.open("two").folder / "parts").glob("*"))


@pytest.mark.parametrize("verb", ["move", "copy"])
def test_one_that_fails_among_many_takes_all_back(studio: Studio, verb: str) -> None:
    library = studio.organise._lib
    one, two = library.create("One"), library.create("Two")
    ids = [add_item(one, f"item-{n:02}", f"bytes {n}".encode()).id for n in range(40)]
    # The place of one record is taken by something that cannot be replaced.
    (two.folder / "videos" / "AI-Video-item-23.mp4.json").mkdir(parents=True)
    before = everything(library)
    with pytest.raises(StorageError, match="1 record"):
        getattr(studio.organise, verb)(ids, "two").result(SECONDS)
    assert everything(library) == before
    assert studio.organise.next_undo is None
    (two.folder / "videos" / "AI-Video-item-23.mp4.json").rmdir()
    one.path_of(one.item("item-17").path or "").write_bytes(b"bytes xx")
    if verb == "copy":
        with pytest.raises(StorageError, match="its bytes changed"):
            studio.organise.copy(ids, "two").result(SECONDS)
    assert two.items() == ()
    assert [path for path in two.folder.rglob("*.*") if path.parent.name in ("videos", "parts")] == []


def test_what_somebody_else_changed_is_left_alone(studio: Studio) -> None:
    library = studio.organise._lib
    project = library.create("One")
    for letter in "ab":
        add_item(project, f"one-{letter}")
    studio.organise.rate(["one-a", "one-b"], 2).result(SECONDS)
    project.edit_item("one-a", lambda item: type(item)(**{f: getattr(item, f) for f in item.__slots__} | {"rating": 4}))
    undo = studio.organise.undo().result(SECONDS)
    assert undo is not None
    assert (undo.count, len(undo.notes)) == (1, 1)
    assert (project.item("one-a").rating, project.item("one-b").rating) == (4, None)


def test_a_project_made_for_a_move_stays_when_something_else_came_into_it(studio: Studio) -> None:
    library = studio.organise._lib
    add_item(library.create("One"), "one-a")
    studio.organise.move(["one-a"], "New").result(SECONDS)
    add_item(library.open("new"), "paid-since")
    undo = studio.organise.undo().result(SECONDS)
    assert undo is not None
    assert (undo.count, undo.notes) == (1, ("“New” stays: 1 item came into it since",))
    assert [item.id for item in library.open("new").items()] == ["paid-since"]
    studio.organise.redo().result(SECONDS)
    assert {item.id for item in library.open("new").items()} == {"one-a", "paid-since"}
    studio.organise.undo().result(SECONDS)
    assert [item.id for item in library.open("one").items()] == ["one-a"]


def test_a_project_that_was_brought_back_is_not_deleted_again_with_what_came_since(studio: Studio) -> None:
    library = studio.organise._lib
    add_item(library.create("One"), "one-a")
    studio.organise.delete_project("one").result(SECONDS)
    studio.organise.undo().result(SECONDS)
    add_item(library.open("one"), "paid-since")
    with pytest.raises(UsageError, match="“One” stays: 1 item came into it since"):
        studio.organise.redo().result(SECONDS)
    assert library.project_ids() == ("one",)


@pytest.mark.parametrize("verb", ["copy", "move"])
def test_taking_back_leaves_out_what_went_elsewhere(studio: Studio, verb: str) -> None:
    library = studio.organise._lib
    one, two = library.create("One"), library.create("Two")
    for letter in "ab":
        add_item(one, f"one-{letter}")
    getattr(studio.organise, verb)(["one-a", "one-b"], "two").result(SECONDS)
    trash_items(two, [two.items()[0].id])
    undo = studio.organise.undo().result(SECONDS)
    assert undo is not None
    assert (undo.count, undo.notes) == (1, ("1 item is not in “Two” any more",))
    assert two.items() == ()
    assert len(one.items()) == (2 if verb == "copy" else 1)


def test_what_can_come_out_of_the_trash_does_where_another_part_cannot(studio: Studio) -> None:
    library = studio.organise._lib
    for name in ("One", "Two"):
        add_item(library.create(name), f"{name.lower()}-a")
    studio.organise.trash(["one-a", "two-a"]).result(SECONDS)
    studio.organise.empty_trash("one").result(SECONDS)
    undo = studio.organise.undo().result(SECONDS)
    assert undo is not None
    assert undo.count == 1
    assert "no entry" in undo.notes[0]
    assert [item.id for item in library.open("two").items()] == ["two-a"]


def test_what_is_refused_for_now_in_one_of_two_projects_is_undone_whole_later(studio: Studio) -> None:
    library = studio.organise._lib
    for name in ("One", "Two"):
        add_item(library.create(name), f"{name.lower()}-a")
    studio.organise.move(["one-a", "two-a"], "Three").result(SECONDS)
    three = library.open("three")
    three.edit_item("two-a", lambda item: replace(item, save_state=SaveState.SAVING))
    before = everything(library)
    with pytest.raises(UsageError, match="before the bytes are here"):
        studio.organise.undo().result(SECONDS)
    assert without_times(everything(library)) == without_times(before)
    assert studio.organise.next_undo is not None
    three.edit_item("two-a", lambda item: replace(item, save_state=SaveState.SAVED))
    assert studio.organise.undo().result(SECONDS) is not None
    assert {item.id for name in ("one", "two") for item in library.open(name).items()} == {"one-a", "two-a"}
    assert library.project_ids() == ("one", "two")


def test_undo_of_trash_after_the_trash_was_emptied_says_so(studio: Studio) -> None:
    project = studio.organise._lib.create("One")
    add_item(project, "one-a")
    studio.organise.trash(["one-a"]).result(SECONDS)
    assert studio.organise.empty_trash("one").result(SECONDS) > 0
    assert trash_entries(project) == ()
    with pytest.raises(UsageError, match="no entry"):
        studio.organise.undo().result(SECONDS)
    assert studio.organise.undo().result(SECONDS) is None


def test_a_full_disk_names_what_it_refused(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with tmpfs(tmp_path / "disk", "size=1m"):
        library = Library(places(tmp_path / "disk"))
        project = library.create("One")
        add_item(project, "one-a")
        with suppress(OSError), (tmp_path / "disk" / "filler").open("wb", buffering=0) as rest:
            while rest.write(bytes(4096)):
                pass
        with pytest.raises(StorageBlocked, match=r"could not move AI-Video-one-a\.mp4 to the trash"):
            trash_items(project, ["one-a"])
        with pytest.raises(StorageBlocked, match="could not create the project Two"):
            library.create("Two")
        assert [item.id for item in project.items()] == ["one-a"]
        library.close()


def test_the_history_is_bounded_and_a_refused_step_stays_on_it() -> None:
    class Refused(Step):
        tries = 0

        def run(self) -> Outcome:
            Refused.tries += 1
            if Refused.tries == 2:
                raise StorageBlocked("full")
            return Outcome(self, 1)

    history = History(limit=3)
    step = Refused()
    history.do("x", step)
    with pytest.raises(StorageBlocked):
        history.undo()
    assert history.next_undo is not None
    assert history.undo() is not None
    for _ in range(9):
        history.do("x", step)
    assert history.next_redo is None
    assert sum(history.undo() is not None for _ in range(9)) == 3


def test_a_move_to_another_disk_copies_checks_and_comes_back(studio: Studio) -> None:
    shared = Path("/dev/shm")
    library = studio.organise._lib
    one, two = library.create("One"), library.create("Two")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == one.folder.stat().st_dev:
        pytest.skip("no second file system to move to")
    library.close()
    with tempfile.TemporaryDirectory(dir=shared) as elsewhere:
        home = Path(shutil.move(two.folder, elsewhere))
        two.folder.symlink_to(home)
        add_item(library.open("one"), "one-a", b"bytes" * 1000)
        before = everything(library)
        assert studio.organise.move(["one-a"], "two").result(SECONDS).count == 1
        assert library.open("one").items() == ()
        assert (home / "videos" / "AI-Video-one-a.mp4").read_bytes() == b"bytes" * 1000
        assert not list((home / "parts").iterdir())
        studio.organise.undo().result(SECONDS)
        assert without_times(everything(library)) == without_times(before)
        library.close()
