"""What is listed is what is there: a file that vanished, a save whose process was killed."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import Home
from tests.support.disks import obey_permissions
from tests.support.fal_server import FalServer, Reply

from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import SaveState
from mediatui.studio.instance import Instance


@pytest.fixture
def item(fal_home: Home) -> Any:
    """One saved picture in that home, as the command line tells of it."""
    done = fal_home.run("generate", "x", "-m", "a/b", "-p", "demo", "--json")
    assert done.code == 0, done.err
    return done.document["items"][0]


def listed(home: Home, *options: str) -> Any:
    return home.run("list", "--json", *options).document["items"]


def locations(home: Home) -> Locations:
    return Locations(home.projects.parent, home.root / "no.toml", home.root / "state", home.root / "cache")


def record(home: Home, item_id: str, **changes: Any) -> None:
    """Write an item's record as an earlier run may have left it."""
    library = Library(locations(home))
    try:
        library.open("demo").edit_item(item_id, lambda item: replace(item, **changes))
    finally:
        library.close()


def kill_while_saving(home: Home, item: Any) -> None:
    """What a save leaves behind when its process is killed in the middle."""
    Path(item["file"]).unlink()
    record(home, item["id"], save_state=SaveState.SAVING, path=None, sha256=None, crc32=None)


def test_a_file_that_vanished_is_missing_at_once(home: Home, fal: FalServer, item: Any) -> None:
    Path(item["file"]).unlink()
    index = (home.projects / "demo" / "index.jsonl").read_bytes()
    (found,) = listed(home, "--state", "missing")
    assert (found["id"], found["file"], found["path"]) == (item["id"], None, item["path"])
    assert [each["id"] for each in listed(home, "--filter", "state:missing")] == [item["id"]]
    assert home.run("path", "item", item["id"]).code == 1
    assert (home.projects / "demo" / "index.jsonl").read_bytes() == index, "looking writes nothing"
    again = home.run("retry", "--all", "--json")
    assert (again.code, again.document["saved"]) == (0, [item["id"]]), again.err
    (back,) = listed(home)
    assert (back["save_state"], back["sha256"]) == ("saved", item["sha256"])
    assert Path(back["file"]).is_file()
    assert fal.count("submit") == 1


def test_a_file_that_came_back_is_saved_at_once(home: Home, item: Any) -> None:
    record(home, item["id"], save_state=SaveState.MISSING)
    assert [(each["save_state"], each["file"]) for each in listed(home)] == [("saved", item["file"])]
    assert home.run("retry", "--all", "--json").document["items"] == []


def test_a_save_that_was_killed_is_unsaved_and_taken_up_by_retry(home: Home, fal: FalServer, item: Any) -> None:
    kill_while_saving(home, item)
    assert [each["save_state"] for each in listed(home)] == ["unsaved"]
    assert [each["id"] for each in listed(home, "--state", "unsaved")] == [item["id"]]
    again = home.run("retry", "--all", "--json")
    assert (again.code, again.document["saved"]) == (0, [item["id"]]), again.err
    assert [each["sha256"] for each in listed(home)] == [item["sha256"]]
    assert fal.count("submit") == 1


def test_while_another_window_runs_its_save_is_left_as_it_is(home: Home, item: Any) -> None:
    kill_while_saving(home, item)
    window = Instance(locations(home).instances)
    window.register()
    try:
        assert [each["save_state"] for each in listed(home)] == ["saving"]
    finally:
        window.leave()
    assert [each["save_state"] for each in listed(home)] == ["unsaved"]


def test_a_folder_that_cannot_be_listed_hides_no_file(home: Home, item: Any) -> None:
    folder = Path(item["file"]).parent
    folder.chmod(0o300)
    try:
        assert [each["save_state"] for each in listed(replace(home, before=obey_permissions))] == ["saved"]
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("begun", ["never saved", "saved", "killed"])
@pytest.mark.parametrize("bits", [0o400, 0])
def test_a_media_folder_that_may_not_be_entered_is_why_an_item_is_not_saved(
    fal_home: Home, fal: FalServer, begun: str, bits: int
) -> None:
    home = replace(fal_home, before=obey_permissions)
    policy = "on-demand" if begun == "never saved" else "automatic"
    made = home.run("generate", "x", "-m", "a/b", "-p", "demo", "--save-policy", policy, "--json")
    (item,) = made.document["items"]
    folder = home.projects / "demo" / "images"
    folder.mkdir(exist_ok=True)
    if begun == "killed":
        kill_while_saving(home, item)
    if begun == "saved":
        fal.script("file", Reply(404))  # it is paid for and here: that its address is gone makes it no lost one
    folder.chmod(bits)
    try:
        for _ in range(2):
            done = home.run("save", item["id"])
            assert (done.code, "Something went wrong" in done.err) == (3, False)
            assert "Permission denied" in done.err
            assert "fix the folder, then `mediatui retry --all`" in done.err
            (held,) = home.run("save", "--all", "--json").document["items"]
            assert (held["save_state"], held["storage_error"]["kind"]) == ("url-only", "permission")
    finally:
        folder.chmod(0o700)
    home.run("save", "--all")
    assert [each["save_state"] for each in listed(home)] == ["saved"]
    assert len(list(folder.glob("*.png"))) == 1
    assert fal.count("submit") == 1


def test_a_file_that_may_not_be_reached_is_not_copied_and_the_reason_told(home: Home, item: Any) -> None:
    folder = Path(item["file"]).parent
    folder.chmod(0o400)
    try:
        done = replace(home, before=obey_permissions).run("copy", item["id"], "--to", "other")
    finally:
        folder.chmod(0o700)
    assert (done.code, "could not find" in done.err, "Permission denied" in done.err) == (1, True, True), done.err


def test_a_rebuilt_index_is_told_by_whoever_opens_it_first(home: Home) -> None:
    index = home.projects / "broken" / "index.jsonl"
    index.parent.mkdir(parents=True)
    index.write_bytes(bytes(range(256)) * 9)
    told = home.run("list", "--json")
    assert (told.code, told.document["items"]) == (0, [])
    assert [notice["project"] for notice in told.document["notices"]] == ["broken"]
    assert "project broken: " in told.err
    assert "notices" not in home.run("list", "--json").document


def test_projects_of_one_name_are_told_apart(home: Home) -> None:
    assert home.run("projects", "new", "Film").err == ""
    second = home.run("projects", "new", "film", "--json")
    assert (second.code, "film has that name too" in second.err) == (0, True)
    assert f"-p {second.document['project']['id']}" in second.err
    third = home.run("projects", "new", "other").err
    assert third == ""
    assert "film, film-2 have that name too" in home.run("projects", "rename", "other", "FILM").err
    assert home.run("list", "-p", "FiLm").code == 2, "it may be any of three"


def test_what_can_never_be_saved_is_told_by_retry_all(home: Home, item: Any) -> None:
    Path(item["file"]).unlink()
    record(home, item["id"], save_state=SaveState.EXPIRED)
    done = home.run("retry", "--all")
    assert (done.code, done.out) == (0, "nothing to save\n")
    assert "1 item expired at the provider" in done.err


def test_too_little_of_an_id_is_said_to_be_too_little(home: Home, item: Any) -> None:
    short = home.run("show", item["id"][:3])
    assert (short.code, "too short" in short.err, "4 characters" in short.err) == (2, True, True)
    assert home.run("show", item["id"][:4], "--json").document["id"] == item["id"]


def test_the_doctor_sees_a_file_in_the_place_of_a_folder(home: Home) -> None:
    (home.root / "state").write_bytes(b"")
    done = home.run("doctor")
    assert (done.code, "problem: state: " in done.out + done.err) == (1, True)


def test_what_was_imported_is_well(home: Home, item: Any) -> None:
    assert home.run("export", "demo", "-o", "demo.zip").code == 0
    elsewhere = ("--data-dir", str(home.root / "elsewhere"))
    assert home.run("import", "demo.zip", *elsewhere).code == 0
    checked = home.run("check", "--hash", "--json", *elsewhere)
    assert (checked.code, checked.document["clean"]) == (0, True), checked.out
    (back,) = home.run("list", "--json", *elsewhere).document["items"]
    assert {name: back[name] for name in back if name != "file"} == {
        name: item[name] for name in item if name != "file"
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_refused_can_be_found(home: Home) -> None:
    folder = home.root / "pictures"
    folder.mkdir()
    for name in (b"b\xe9l.png", b"two\nlines.png"):
        (folder / os.fsdecode(name)).write_bytes(b"\x89PNG\r\n\x1a\n")
    done = home.run("import", str(folder), "--plan", "--json")
    assert {refused["name"] for refused in done.document["refused"]} == {"b\\xe9l.png", "two\\nlines.png"}
    assert "b\\xe9l.png" in done.err
