"""What the interface asks: search names, requests and inputs, imports that report and survive."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.organise.conftest import add_item, everything, places, without_times
from tests.organise.test_organise_export import png

from mediatui.archive.import_write import ImportStopped
from mediatui.archive.plan import ExportOptions, Sheet
from mediatui.errors import UsageError
from mediatui.library.library import Library
from mediatui.library.query.order import Order
from mediatui.library.reconcile import compare, reconcile
from mediatui.model import Job, MediaItem, MediaType, Phase
from mediatui.studio import history
from mediatui.studio.events import Event, ImportProgress, LibraryChanged, Notice, OrganiseProgress
from mediatui.studio.studio import Studio

SECONDS = 30


def test_search_answers_from_memory_and_follows_changes(studio: Studio) -> None:
    library = studio.organise._lib
    one, two = library.create("One"), library.create("Summer film")
    add_item(one, "a", prompt="a dog", created_at=1.0, rating=2)
    add_item(one, "b", prompt="a cat", created_at=2.0)
    add_item(two, "c", prompt="a dog", created_at=3.0, rating=5)
    assert [item.id for item in studio.search.find().items] == ["c", "b", "a"]
    assert [item.id for item in studio.search.find("dog").items] == ["c", "a"]
    assert [item.id for item in studio.search.find("dog", "one").items] == ["a"]
    assert [item.id for item in studio.search.find("project:summer").items] == ["c"]
    assert [item.id for item in studio.search.find("", None, Order("rating")).items] == ["a", "c", "b"]
    found = studio.search.find("dog rating:")
    assert ([item.id for item in found.items], found.problems[0].start, found.of) == (["c", "a"], 4, 3)
    studio.search.warm()
    studio.organise.note(["b"], "really a DOG").result(SECONDS)
    assert [item.id for item in studio.search.find("dog").items] == ["c", "b", "a"]
    labels = [candidate.label for candidate in studio.search.complete("project:s", 9)]
    assert labels == ["Summer film"]


def test_requests_prompts_and_inputs_of_what_was_made(studio: Studio) -> None:
    project = studio.organise._lib.create("One")
    project.commit(jobs=[Job("j1", "one", "fal", "m", "a dog", {"seed": 3}, phase=Phase.SUCCEEDED, created_at=1.0)])
    add_item(project, "a", png(), type=MediaType.IMAGE, seed=7)
    assert studio.organise.again("a").params == {"duration": 5, "seed": 7}
    assert studio.organise.again("a", keep_seed=False).params == {"duration": 5}
    assert studio.organise.again("j1").params == {"seed": 3}
    with pytest.raises(UsageError):
        studio.organise.again("nobody")
    assert [used.prompt for used in studio.organise.prompts("DOG").result(SECONDS)] == ["a dog"]
    assert studio.organise.as_input("a").result(SECONDS).endswith("AI-Video-a.mp4")
    studio.organise.save_template("t", "a {{x}}").result(SECONDS)
    assert studio.organise.fill_template("t", {"x": "cat"}).result(SECONDS) == "a cat"
    assert [template.name for template in studio.organise.templates().result(SECONDS)] == ["t"]
    studio.organise.delete_template("t").result(SECONDS)
    assert studio.organise.templates().result(SECONDS) == ()


def test_prompts_of_projects_that_nobody_opened_are_remembered_too(studio: Studio) -> None:
    elsewhere = Library(studio._core.locations)
    for number, name in enumerate(("One", "Two")):
        project = elsewhere.create(name)
        sent: dict[str, Any] = {"phase": Phase.SUCCEEDED, "created_at": float(number)}
        project.commit(jobs=[Job(f"j{n}", project.id, "fal", "m", f"{name} {n}", **sent) for n in range(400)])
    elsewhere.close()
    assert studio.organise._lib.open_projects() == ()
    used = studio.organise.prompts().result(SECONDS)
    assert ({entry.prompt for entry in used} > {f"Two {n}" for n in range(400)}, len(used)) == (True, 500)
    assert [entry.prompt for entry in studio.organise.prompts("one 399").result(SECONDS)] == ["One 399"]
    assert studio.organise.prompts("one", "two").result(SECONDS) == ()


def test_an_export_of_marked_items_keeps_their_order_and_has_sheets(studio: Studio, tmp_path: Path) -> None:
    project = studio.organise._lib.create("One")
    for number, letter in enumerate("abc"):
        add_item(project, letter, png(), type=MediaType.IMAGE, created_at=float(number + 1))
    names = studio.preview_names("one", "{n:02}-{prompt}", ["c", "a"]).result(SECONDS)
    assert names == ("images/01-prompt-of-c.mp4", "images/02-prompt-of-a.mp4")
    options = ExportOptions(folder=True, names="{n:02}-{prompt}", sheets=frozenset(Sheet))
    plan = studio.plan_export("one", tmp_path / "out", ["c", "a"], options).result(SECONDS)
    report = studio.export(plan).result(SECONDS)
    assert [entry.name for entry in plan.entries] == list(names)
    assert (report.path / "contact-sheet.html").read_bytes().count(b"data:image/jpeg;base64,") == 2


def test_a_long_verb_tells_how_far_it_is_and_a_short_one_does_not(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = studio.organise._lib.create("One")
    ids = [add_item(one, f"item-{n}").id for n in range(20)]
    told: list[OrganiseProgress] = []
    heard = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, OrganiseProgress):
            told.append(event)
        elif isinstance(event, Notice):
            heard.set()

    studio.subscribe(listen)
    studio.organise.trash(ids[:2]).result(SECONDS)
    monkeypatch.setattr(history, "PATIENCE", 0.0)
    monkeypatch.setattr(history, "PAUSE", 0.0)
    for run in (lambda: studio.organise.trash(ids[2:]), studio.organise.undo, studio.organise.redo):
        run().result(SECONDS)
    studio._core.emit(Notice("information", "", "all events before this one were heard"))
    assert heard.wait(SECONDS)
    assert {event.label for event in told} == {"trash 18 items"}
    assert {event.stage for event in told} >= {"reading records", "moving files", "placing files"}
    assert all(0 <= event.done < event.total for event in told)
    assert max(event.total for event in told) == 36, "files and the records beside them"


def test_what_a_stopped_import_brought_can_be_taken_back(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    for number in range(150):
        (tmp_path / "media" / f"{number:03}.png").write_bytes(png("red") + bytes([number]))
    here = studio.organise._lib.create("Here")
    here.commit(items=[MediaItem("before", "here", "before", MediaType.IMAGE)])
    brought = {"here": threading.Event(), "media": threading.Event()}

    def listen(event: Event) -> None:
        if isinstance(event, LibraryChanged) and any(item.id != "before" for item in event.change.items):
            brought[event.change.project_id].set()

    studio.subscribe(listen)
    for project_id, into in (("here", "Here"), ("media", None)):
        plan = studio.imports.plan(tmp_path / "media").result(SECONDS)
        running = studio.imports.run(plan, into)
        assert brought[project_id].wait(SECONDS)
        studio.imports.cancel(plan.id)
        with pytest.raises(ImportStopped):
            running.result(SECONDS)
        undo = studio.organise.undo().result(SECONDS)
        assert undo is not None
        assert undo.label.startswith("import ")
        assert [item.id for item in here.items()] == ["before"]
        assert studio.organise._lib.project_ids() == ("here",)


def test_an_import_tells_how_far_it_is(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    for number in range(3):
        (tmp_path / "media" / f"{number}.png").write_bytes(png() + bytes([number]))
    heard: list[Event] = []
    ended = threading.Event()

    def hear(event: Event) -> None:
        heard.append(event)
        if isinstance(event, ImportProgress) and event.done_files == event.total_files:
            ended.set()

    studio.subscribe(hear)
    plan = studio.imports.plan(tmp_path / "media").result(SECONDS)
    studio.imports.run(plan).result(SECONDS)
    assert ended.wait(SECONDS)
    last = [event for event in heard if isinstance(event, ImportProgress)][-1]
    assert (last.import_id, last.done_bytes, last.total_bytes) == (plan.id, plan.bytes, plan.bytes)


IMPORT = """
import sys
from pathlib import Path
from mediatui.settings import Settings
from mediatui.studio.studio import Studio
from tests.organise.conftest import places
studio = Studio(Settings(sandbox=True), places(Path(sys.argv[1])))
studio.start(follow=False)
plan = studio.imports.plan(Path(sys.argv[2])).result()
print("ready", flush=True)
studio.imports.run(plan).result()
studio.stop()
"""


def test_a_killed_import_leaves_whole_items_and_goes_on(studio: Studio, tmp_path: Path) -> None:
    library = studio.organise._lib
    project = library.create("Film")
    for number in range(60):
        add_item(project, f"item-{number:02}", png() + b"%d" % number * 20_000, type=MediaType.IMAGE)
    plan = studio.plan_export("film", tmp_path / "film.zip").result(SECONDS)
    studio.export(plan).result(SECONDS)
    before = without_times(everything(library))
    other, rng, seen = tmp_path / "other", random.Random(5), set()
    for _ in range(4):
        command = [sys.executable, "-c", IMPORT, str(other), str(tmp_path / "film.zip")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        process.stdout.readline()
        killer = threading.Timer(rng.uniform(0.005, 0.05), process.kill)
        killer.start()
        process.wait()
        killer.join()
        process.stdout.close()
        with_lock = Library(places(other))
        if with_lock.project_ids():
            found = with_lock.open("film")
            reconcile(found)
            assert len(compare(found).orphans) <= 1
            seen.add(len(found.items()))
        with_lock.close()
    assert seen, "it was never killed in the middle"
    subprocess.run([*command], check=True, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    with_lock = Library(places(other))
    assert without_times(everything(with_lock)) == before
    with_lock.close()
