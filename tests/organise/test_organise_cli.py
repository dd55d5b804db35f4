"""The same verbs from the command line: one JSON document each, and exit codes that say how it went."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.home import Home
from tests.organise.conftest import add_item
from tests.organise.test_organise_export import png

from mediatui.cli.main import main
from mediatui.library.library import Library
from mediatui.locations import Locations
from mediatui.model import Job, MediaType, Phase, SaveState
from mediatui.studio import history


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with two projects."""
    home = Home(tmp_path)
    with_library(home, fill)
    return home


def with_library(home: Home, do: Callable[[Library], None]) -> None:
    root = home.root
    library = Library(Locations(root / "data" / "mediatui", root / "c.toml", root / "state", root / "cache"))
    do(library)
    library.close()


def fill(library: Library) -> None:
    one, two = library.create("One"), library.create("Two")
    add_item(one, "aaaa-0", png(), type=MediaType.IMAGE, prompt="a red dog", created_at=3.0)
    add_item(one, "bbbb-0", png("blue"), type=MediaType.IMAGE, prompt="a blue cat", created_at=2.0)
    add_item(two, "cccc-0", png(), type=MediaType.IMAGE, prompt="a red dog", created_at=1.0)


def test_marks_are_set_and_found_again(home: Home) -> None:
    done = home.run("tag", "--filter", "dog", "--add", "hero", "-p", "One", "--json")
    assert (done.code, done.document["items"], done.document["changed"]) == (0, ["aaaa-0"], 1)
    assert home.run("rate", "aaaa", "--stars", "4", "--favourite").code == 0
    assert home.run("note", "aaaa", "--text", "-", stdin="two\nlines").code == 0
    assert home.run("rename", "aaaa-0", "Opening").code == 0
    (item,) = home.run("list", "--filter", "tag:hero rating:>=4 fav:yes", "--json").document["items"]
    assert (item["name"], item["notes"], item["rating"]) == ("Opening", "two\nlines", 4)
    wrong = home.run("list", "--filter", "colour:red", "--json")
    assert (wrong.code, wrong.document["error"]["code"]) == (2, 2)
    assert home.run("tag", "--filter", "nothing-like-this", "--add", "x").code == 2
    assert home.run("rate", "aaaa", "--stars", "0", "--json").document["changed"] == 1


def test_items_move_to_the_trash_and_back_and_between_projects(home: Home) -> None:
    assert home.run("move", "aaaa-0", "--to", "Three", "--json").document["changed"] == 1
    assert home.run("copy", "--filter", "cat", "--to", "three").code == 0
    assert len(home.run("list", "-p", "Three", "--json").document["items"]) == 2
    assert home.run("trash", "bbbb-0").code == 0
    (entry,) = home.run("trash", "--list", "--json").document["entries"]
    assert home.run("trash", "--restore", entry["id"], "--json").document["items"] == ["bbbb-0"]
    assert home.run("trash", "--empty").code == 2
    home.run("trash", "bbbb-0")
    assert home.run("trash", "--empty", "--yes", "-p", "One", "--json").document["freed"] > 0


def test_items_are_listed_in_any_order(home: Home) -> None:
    def listed(*arguments: str) -> list[str]:
        return [item["id"] for item in home.run("list", *arguments, "--json").document["items"]]

    home.run("rate", "bbbb-0", "--stars", "5")
    home.run("rate", "cccc-0", "--stars", "2")
    assert listed() == ["aaaa-0", "bbbb-0", "cccc-0"]
    assert listed("--reverse") == ["cccc-0", "bbbb-0", "aaaa-0"]
    assert listed("--sort", "rating", "--reverse") == ["bbbb-0", "cccc-0", "aaaa-0"]
    assert listed("--sort", "project", "--reverse", "--limit", "1") == ["cccc-0"]
    assert listed("--sort", "prompt", "--filter", "project:one") == ["bbbb-0", "aaaa-0"]
    assert home.run("list", "--sort", "colour").code == 2


def test_a_verb_that_takes_long_says_how_far_it_is(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(history, "PATIENCE", 0.0)
    monkeypatch.setattr(history, "PAUSE", 0.0)
    assert main(["move", "aaaa-0", "bbbb-0", "--to", "Two"]) == 0
    said = capsys.readouterr()
    assert said.out == "move 2 items to Two: 2 changed\n"
    assert "move 2 items to Two: " in said.err
    assert " files" in said.err or " records" in said.err


def test_what_went_is_named_brought_back_or_erased_by_itself(home: Home) -> None:
    done = home.run("trash", "aaaa-0", "bbbb-0", "--json")
    (entry,) = done.document["entries"]
    assert home.run("trash", "cccc-0").err.count("mediatui trash --restore ") == 1
    home.run("projects", "delete", "two")
    listed = home.run("trash", "--list", "--json").document
    assert ([e["id"] for e in listed["entries"]], [p["id"] for p in listed["projects"]]) == ([entry], ["two"])
    assert "deleted project" in home.run("trash", "--list").out
    assert home.run("trash", "--restore", "two").code == 0
    assert {p["id"] for p in home.run("projects", "--json").document["projects"]} == {"one", "two"}
    home.run("projects", "delete", "two")
    for gone in ("two", entry):
        refused = home.run("trash", "--erase", gone)
        assert (refused.code, "--yes" in refused.err) == (2, True)
        assert home.run("trash", "--erase", gone, "--yes", "--json").document["freed"] > 0
        assert home.run("trash", "--erase", gone, "--yes").code == 2
    assert home.run("trash", "--list", "--json").document == {"entries": [], "projects": []}
    assert home.run("trash", "--empty", "--list").code == 2, "one thing at a time"


def test_room_is_measured_and_freed(home: Home) -> None:
    (group,) = home.run("duplicates", "--json").document["groups"]
    assert (group["keep"], group["others"]) == ("cccc-0", ["aaaa-0"])
    assert home.run("usage", "--json").document["projects"][0]["id"] == "one"
    assert "PROJECT" in home.run("usage").out
    shown = home.run("clean", "duplicates", "--json").document
    assert (shown["done"], shown["plan"][0]["items"]) == (False, ["aaaa-0"])
    assert len(home.run("list", "--json").document["items"]) == 3
    assert home.run("clean", "duplicates", "--yes", "--json").document["done"] is True
    assert len(home.run("list", "--json").document["items"]) == 2
    assert home.run("clean", "dust").code == 2


def test_exports_with_choices_come_back(home: Home) -> None:
    out = home.root / "out"
    arguments = ("--folder", "--sheet", "html", "--sheet", "image", "--names", "{n:02}-{prompt}", "--filter", "dog")
    done = home.run("export", "One", "-o", str(out), *arguments, "--json")
    assert (done.code, done.document["files"]) == (0, 1)
    assert {path.name for path in out.iterdir()} == {
        "images",
        "manifest.json",
        "contact-sheet.html",
        "contact-sheet.jpg",
    }
    assert (out / "images" / "01-a-red-dog.mp4").is_file()
    assert b"data:image/jpeg" in (out / "contact-sheet.html").read_bytes()
    planned = home.run("import", str(out), "-p", "Again", "--plan", "--json").document
    assert (planned["kind"], planned["files"], planned["refused"]) == ("export", 1, [])
    done = home.run("import", str(out), "-p", "Again", "--json")
    assert (done.code, len(done.document["imported"]), done.document["project"]) == (0, 1, "again")
    with zipfile.ZipFile(home.root / "bad.zip", "w") as archive:
        archive.writestr("../x.png", png())
        archive.writestr("y.png", png())
    done = home.run("import", str(home.root / "bad.zip"), "--json")
    assert (done.code, [each["name"] for each in done.document["refused"]]) == (3, ["../x.png"])
    assert home.run("import", str(home.root / "none.zip")).code == 2


def test_templates_are_kept_and_filled(home: Home) -> None:
    assert home.run("templates", "save", "P", "a {{subject}} in {{light:sun}}").code == 0
    assert home.run("templates", "fill", "p", "subject=cat").out == "a cat in sun\n"
    assert home.run("templates", "fill", "p").code == 2
    assert home.run("templates", "--json").document["templates"][0]["name"] == "P"
    assert home.run("templates", "delete", "P").code == 0
    assert home.run("templates", "--json").document == {"templates": []}


HOSTILE = (
    "../../etc/passwd",
    "-rf *",
    "CON.mp4",
    "a\u202egnp.exe",
    "ünïcödé № 1 😀",
    'quo"te\\back:colon|?<>',
    "x" * 190,
    "tab\tnew\nline\x1b[31m",
)


def fill_with_everything(library: Library) -> None:
    """A project with every state an item can be left in, and names that somebody meant ill with."""
    film = library.create("Film: “a/b” \u202e ..")
    jobs = [
        Job(f"job-{n}", film.id, "fal", "m", "p", {"n": n}, phase=Phase.SUCCEEDED, created_at=n) for n in (1.0, 2.0)
    ]
    film.commit(jobs=jobs)
    for number, name in enumerate(HOSTILE):
        add_item(film, f"item-{number:02}", png(f"#{number:06x}"), type=MediaType.IMAGE, name=name, prompt=name)
    for item_id, state, url in (
        ("url-only-0", SaveState.URL_ONLY, "https://127.0.0.1:9/x.png"),
        ("unsaved-00", SaveState.UNSAVED, None),
        ("expired-00", SaveState.EXPIRED, None),
    ):
        add_item(film, item_id, None, save_state=state, url=url, name=f"../{item_id}", job="job-1")
    gone = add_item(film, "gone-00000", b"was here", url=None)
    film.path_of(gone.path or "").unlink()


def contents(path: Path) -> dict[str, Any]:
    """What an export holds; of the manifest all but when it was written."""
    with zipfile.ZipFile(path) as archive:
        found: dict[str, Any] = {name: archive.read(name) for name in archive.namelist()}
    found["manifest.json"] = json.loads(found["manifest.json"])
    del found["manifest.json"]["created_at"]
    return found


def test_an_export_brought_into_an_empty_home_exports_the_same(tmp_path: Path) -> None:
    old, new = (Home(tmp_path / name) for name in ("old", "new"))
    for home in (old, new):
        home.root.mkdir()
    with_library(old, fill_with_everything)
    (project,) = old.run("projects", "--json").document["projects"]
    old.run("tag", "--filter", "type:image", "--add", "night sky, #1", "--add", "ünïcödé")
    old.run("rate", "item-01", "--stars", "5", "--favourite")
    old.run("note", "item-02", "--text", "-", stdin="two\nlines \u202e\x1b[31m of notes")
    old.run("rename", "item-03", "../../evil\u202e.mp4")
    sheets = ("--sheet", "html", "--sheet", "image")
    first = old.run("export", project["id"], "-o", str(tmp_path / "first.zip"), *sheets, "--json")
    brought = new.run("import", str(tmp_path / "first.zip"), "--json")
    assert (brought.code, brought.document["refused"]) == (0, [])
    second = new.run("export", project["id"], "-o", str(tmp_path / "second.zip"), *sheets, "--json")
    assert (first.code, second.code) == (3, 3), "what has no bytes is named"
    assert [m["item"] for m in first.document["missing"]] == [m["item"] for m in second.document["missing"]]
    assert {m["item"] for m in first.document["missing"]} == {"url-only-0", "unsaved-00", "expired-00", "gone-00000"}
    assert contents(tmp_path / "second.zip") == contents(tmp_path / "first.zip")
    listed = [home.run("list", "--json").document["items"] for home in (old, new)]
    for items in listed:
        for item in items:
            del item["file"]
            if item["id"] == "gone-00000":  # nobody had looked yet where it came from
                del item["save_state"]
    assert listed[0] == listed[1]
    assert new.run("projects", "--json").document["projects"][0]["name"] == project["name"]
    again = new.run("import", str(tmp_path / "first.zip"), "--json")
    assert (again.document["imported"], again.document["jobs"]) == ([], 0), "importing again changes nothing"
