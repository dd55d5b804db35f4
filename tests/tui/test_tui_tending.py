"""Trash, clean-up, disk usage and import: each shows first, asks, and can be taken back."""

from __future__ import annotations

import asyncio
import re
import shutil
import threading
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.organise.test_organise_export import png
from textual.widgets import Input

from mediatui.archive.metadata import read_making
from mediatui.library.cleanup import Sort
from mediatui.tui.screens.cleanup import CleanScreen
from mediatui.tui.screens.compare import PIXELS, CompareScreen
from mediatui.tui.screens.dialogs import AskScreen, ConfirmScreen
from mediatui.tui.screens.disk import DiskScreen
from mediatui.tui.screens.export import ExportScreen
from mediatui.tui.screens.import_ import ImportScreen
from mediatui.tui.screens.item import ItemScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.trash import TrashScreen
from mediatui.tui.screens.usage import UsageList, UsageScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.form import Cycle
from mediatui.tui.widgets.line_list import LineList
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.picture import Picture

from .conftest import Session, Start, until


@pytest.fixture
async def two(start: Start, pictures: None) -> AsyncIterator[Session]:
    """A project with two pictures on disk."""
    async with start(size=(130, 36)) as session:
        await session.open_demo()
        yield session


async def trash(session: Session) -> TrashScreen:
    await session.press("Z")
    screen: TrashScreen = await session.screen(TrashScreen)
    await until(lambda: "Looking" not in screen.list.empty, "looked")
    return screen


def said(session: Session) -> str:
    return session.app.screen.query_one("#status", Bar).text


async def test_a_trashed_item_is_listed_restored_and_trashed_again(two: Session) -> None:
    await two.press("g", "d")
    await until(lambda: len(two.items) == 1, "in the trash")
    screen = await trash(two)
    assert len(screen.list.keys) == 1
    await two.press("enter")
    await until(lambda: len(two.items) == 2, "back")
    await until(lambda: not screen.list.keys, "no longer listed")
    await two.press("u")
    await until(lambda: len(two.items) == 1, "in the trash again")
    await until(lambda: len(screen.list.keys) == 1, "listed again")


async def test_several_items_that_went_together_come_back_together(two: Session) -> None:
    await two.press("A", "d")
    await two.screen(ConfirmScreen)
    await two.press("y")
    await until(lambda: not two.items, "gone")
    screen = await trash(two)
    await two.press("r")
    await until(lambda: "2 items are back" in screen.query_one("#status", Bar).text, "said so")


async def test_emptying_the_trash_needs_its_number_typed(two: Session) -> None:
    await two.press("g", "d")
    await until(lambda: len(two.items) == 1, "in the trash")
    screen = await trash(two)
    await two.press("E")
    ask = await two.screen(AskScreen)
    assert "1 entry" in ask._title
    await two.type("2")
    await two.press("enter")
    await until(lambda: "nothing was removed" in said(two), "not done")
    assert len(screen.list.keys) == 1
    await two.press("D")
    await two.screen(AskScreen)
    await two.type("1")
    await two.press("enter")
    await until(lambda: not screen.list.keys, "gone for good")
    await until(lambda: "freed for good" in said(two), "said so")


async def test_one_deleted_project_goes_for_good_and_the_rest_of_the_trash_stays(two: Session) -> None:
    await two.generate("kept", project="other")
    await two.press("g", "d")
    await until(lambda: not two.items, "in the trash")
    await two.library.projects.open("demo")
    await two.press("D")
    await two.screen(ConfirmScreen)
    await two.press("y")
    await until(lambda: set(two.library.summaries) == {"other"}, "gone")
    screen = await trash(two)
    assert len(screen.list.keys) == 2
    assert screen.list.rows[screen.list.key or ""].name == "demo", "the latest first"
    await two.press("D")
    ask = await two.screen(AskScreen)
    assert "1 project" in ask._title
    await two.type("1")
    await two.press("enter")
    await until(lambda: len(screen.list.keys) == 1, "gone for good")
    await until(lambda: "freed for good" in said(two), "said so")
    assert not list(two.app.studio._core.locations.trash.iterdir())
    await two.press("enter")
    await until(lambda: [item.prompt for item in two.items] == ["kept"], "what else was there can be brought back")


async def test_a_deleted_project_is_restored_from_the_trash(two: Session) -> None:
    await two.app.ask(two.app.studio.rename_project("demo", "Demo: take 2"))
    await two.press("D")
    await two.screen(ConfirmScreen)
    await two.press("y")
    await until(lambda: not two.library.summaries, "gone")
    screen = await trash(two)
    assert [(row.name, row.count) for row in screen.list.rows.values()] == [("Demo: take 2", "2 items")]
    await two.press("r")
    await until(lambda: two.library.summaries, "back")


async def test_clean_up_counts_first_asks_and_is_taken_back(two: Session) -> None:
    await two.app.ask(two.app.studio.organise.rate([two.items[0].id], 4))
    await two.press("C")
    screen = await two.screen(CleanScreen)
    await until(lambda: screen.rows.keys, "counted")
    assert screen.rows.found[Sort.UNRATED][0] == 1
    assert screen.rows.found[Sort.FAILED_JOBS] == (0, 0)
    screen.rows.go_to(Sort.UNRATED.value)
    await two.press("space")
    await until(lambda: "1 thing" in screen.query_one("#clean-bar").text, "the total")
    await two.press("c")
    question = await two.screen(ConfirmScreen)
    assert any("Neither rated" in line for line in question._lines)
    await two.press("n")
    await two.screen(CleanScreen)
    assert len(two.items) == 2
    await two.press("c")
    await two.screen(ConfirmScreen)
    await two.press("y")
    await until(lambda: len(two.items) == 1, "in the trash")
    await until(lambda: "Cleaned up" in said(two), "said so")
    await until(lambda: screen.rows.found[Sort.UNRATED][0] == 0, "counted anew")
    await two.press("u")
    await until(lambda: len(two.items) == 2, "back")


async def test_the_age_and_the_projects_of_a_clean_up_can_be_changed(two: Session) -> None:
    await two.press("C")
    screen = await two.screen(CleanScreen)
    await until(lambda: screen.rows.keys, "counted")
    assert Sort.PROJECT.value in screen.rows.keys
    await two.press("tab")
    await until(lambda: Sort.PROJECT.value not in screen.rows.keys, "all projects")
    await two.press("d")
    ask = await two.screen(AskScreen)
    ask.query_one(Input).value = "7"
    await two.press("enter")
    await until(lambda: "older than 7 days" in screen.query_one("#clean-title").text, "changed")


async def test_disk_usage_per_project_model_and_month(two: Session) -> None:
    await two.press("B")
    screen = await two.screen(UsageScreen)
    rows = screen.query_one(UsageList)
    await until(lambda: rows.keys, "measured")
    assert [share.name for share in rows.shares.values()] == ["demo"]
    assert rows.shares["demo"].items == 2
    assert "100%" in "".join(text for text, _ in rows.cells("demo", 100)) or rows.shares["demo"].bytes < rows.total
    await two.press("tab")
    assert list(rows.keys) == ["sandbox/text-to-image"]
    await two.press("tab")
    assert "per month" in screen.query_one("#usage-title").text
    await two.press("escape")
    await two.screen(LibraryScreen)


async def test_a_folder_is_planned_imported_and_taken_back(two: Session, tmp_path: Path) -> None:
    folder = tmp_path / "trip"
    folder.mkdir()
    file = two.app.studio.file_of(two.items[0])
    assert file is not None
    shutil.copy(file, folder / "beach.png")
    (folder / "notes.txt").write_text("not media")
    await two.press("X")
    screen = await two.screen(ImportScreen)
    screen.query_one("#import-path", Input).value = str(folder)
    await two.press("enter")
    await until(lambda: "left out" in screen.query_one(Lines).text, "the plan")
    assert "notes.txt" in screen.query_one(Lines).text
    assert len(two.library.summaries) == 1
    await two.press("enter")
    await until(lambda: "1 item imported" in screen.query_one("#import-bar").text, "imported")
    await two.press("escape")
    await two.screen(LibraryScreen)
    await until(lambda: [item.name for item in two.items] != [] and len(two.items) == 1, "its project is open")
    await two.press("u")
    await until(lambda: len(two.library.summaries) == 1, "taken back")


async def test_an_import_says_how_far_it_is_and_stops_when_told(two: Session, tmp_path: Path) -> None:
    count = 3000
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"{number:04}.png", png(f"#{number:06x}"))
    await two.press("X")
    screen = await two.screen(ImportScreen)
    screen.query_one("#import-path", Input).value = str(tmp_path / "many.zip")
    await two.press("enter")
    await until(lambda: screen._plan is not None, "the plan")
    starting = asyncio.create_task(two.press("enter"))  # which waits for a pause, and there is none while it works
    await until(lambda: re.search(r"\d{3} of 3,000 files", screen.query_one("#import-bar", Bar).text), "how far it is")
    await two.press("escape")
    await starting
    await two.screen(LibraryScreen)
    await until(lambda: "Import stopped; what was imported stays" in two.status(), "said so")
    await until(lambda: not two.app.studio.imports._running, "stopped")
    await until(lambda: "many" in two.library.summaries, "its project")
    kept = (await two.app.ask(two.app.studio.open_project("many"))).items
    assert 0 < len(kept) < count
    assert all(two.path_of(item).is_file() for item in kept)
    await two.press("u")
    await until(lambda: "many" not in two.library.summaries, "taken back")


async def test_a_path_that_is_not_there_is_said_and_can_be_corrected(two: Session, tmp_path: Path) -> None:
    await two.press("X")
    screen = await two.screen(ImportScreen)
    screen.query_one("#import-path", Input).value = str(tmp_path / "nowhere.zip")
    await two.press("enter")
    await until(lambda: "Nothing was imported" in screen.query_one(Lines).text, "said so")
    assert not screen.query_one("#import-path", Input).disabled


@pytest.mark.parametrize(("key", "field"), [("X", "#import-path"), ("x", "#export-target")])
async def test_the_home_of_nobody_is_a_place_that_cannot_be(two: Session, key: str, field: str) -> None:
    await two.press(key)
    screen = await two.screen(ImportScreen if key == "X" else ExportScreen)
    await until(lambda: key == "X" or screen._plan is not None, "the plan")
    screen.query_one(field, Input).value = "~nobody-here/trip.zip"
    await two.press("ctrl+s")
    await until(lambda: any("~nobody-here" in text for text in two.app.toasts.texts), "said")
    assert two.app.crash_file is None


async def test_an_export_of_what_the_filter_shows_as_a_folder_with_names_and_overview(
    two: Session, tmp_path: Path
) -> None:
    await two.press("slash")
    await two.type("neon")
    await two.press("enter", "x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    assert screen._plan.files == 1
    screen.query_one("#export-target", Input).value = str(tmp_path / "out")
    await two.press("tab", "tab", "right")
    assert screen.query_one("#export-form", Cycle).value == "folder"
    await two.press("tab", "right", "tab", "right", "tab")
    await two.type("{n:03}-{prompt}")
    await until(lambda: "images/001-neon-city." in screen.query_one("#export-preview", Bar).text, "the preview")
    await two.press("ctrl+s")
    await until(lambda: "written to" in screen.query_one("#export-bar", Bar).text, "written")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    picture = next(name for name in written if name.startswith("images/001-neon-city."))
    assert written == {picture, "manifest.json", "contact-sheet.html"}


async def test_a_name_template_that_makes_no_sense_is_told_and_the_plan_stays(two: Session) -> None:
    await two.press("x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    screen.query_one("#export-names", Input).value = "{nonsense}"
    await until(lambda: "no field {nonsense}" in screen.query_one("#export-preview", Bar).text, "told")
    assert screen._plan is not None
    assert screen._plan.files == 2
    await until(lambda: not any(worker.group == "plan" for worker in two.app.workers), "looked at")
    assert not two.app.toasts.texts, "what is typed by halves is no reason to pop up"
    await two.press("ctrl+s")
    await until(
        lambda: any("no field {nonsense}" in text for text in two.app.toasts.texts), "told when it is asked for"
    )
    assert not screen.working


async def test_emptying_removes_what_was_counted_and_nothing_that_came_since(two: Session) -> None:
    organise, ids = two.app.studio.organise, [item.id for item in two.items]
    await two.app.ask(organise.trash(ids[:1]))
    screen = await trash(two)
    await until(lambda: len(screen.list.keys) == 1, "listed")
    await two.press("E")
    await two.screen(AskScreen)
    await two.app.ask(organise.trash(ids[1:]))
    await two.type("1")
    await two.press("enter")
    await until(lambda: "freed for good" in said(two), "removed")
    (left,) = await two.app.ask(organise.trashed())
    assert left.item_ids == (ids[1],)
    await until(lambda: len(screen.list.keys) == 1, "the other one is listed")


async def test_the_trash_shows_a_projects_new_name(two: Session) -> None:
    organise = two.app.studio.organise
    await two.app.ask(organise.trash([two.items[0].id]))
    screen = await trash(two)
    await until(lambda: len(screen.list.keys) == 1, "listed")
    await until(lambda: "demo" in screen.list.render_line(0).text, "drawn")
    await two.app.ask(organise.rename_project("demo", "Reel"))
    await until(lambda: "Reel" in screen.list.render_line(0).text, "drawn anew")


async def test_the_details_follow_the_item_while_they_are_read(two: Session) -> None:
    await two.press("g", "i")
    screen: ItemScreen = await two.screen(ItemScreen)
    organise, item = two.app.studio.organise, screen.record.id
    await two.app.ask(organise.rate([item], 4))
    await until(lambda: "★★★★☆" in screen.query_one(Lines).text, "the stars")
    await two.press("tab")
    await two.app.ask(organise.tag([item], ["hero"]))
    await until(lambda: '"hero"' in screen.query_one(Lines).text, "the record")
    await two.app.ask(organise.trash([item]))
    await until(lambda: "gone" in screen.query_one(PaneTitle).text, "said so")
    assert '"hero"' in screen.query_one(Lines).text


async def test_another_items_picture_does_not_stand_beside_the_words(two: Session) -> None:
    picture = two.library.query_one("#picture", Picture)
    await two.press("g")
    await until(lambda: picture.path is not None, "the first one's picture")
    first = picture.path
    await two.press("j")
    await until(lambda: picture.path not in (None, first), "the second one's")
    other = picture.path
    with busy(two) as free:
        await two.press("k")
        await until(lambda: picture.path is None, "an empty place")
        free.set()
    await until(lambda: picture.path not in (None, other), "the right one")


@contextmanager
def busy(session: Session) -> Iterator[threading.Event]:
    """All work threads are taken until the event is set: plans wait."""
    free = threading.Event()
    pool = session.app.studio._core.work_pool
    waiting = [pool.submit(free.wait) for _ in range(pool._size)]
    try:
        yield free
    finally:
        free.set()
        for each in waiting:
            each.result()


async def test_what_is_chosen_before_the_first_plan_is_there_counts(two: Session, tmp_path: Path) -> None:
    await two.press("g", "space")
    with busy(two) as free:
        await two.press("x")
        screen = await two.screen(ExportScreen)
        screen.query_one("#export-target", Input).value = str(tmp_path / "out.zip")
        await two.press("tab", "right")
        assert screen.query_one("#export-scope", Cycle).value == "all"
        free.set()
    await until(lambda: screen._plan is not None and screen._plan.files == 2, "planned for all")
    assert screen.query_one("#export-target", Input).value.endswith("out.zip")


async def test_another_choice_of_items_is_what_is_written_at_once(two: Session, tmp_path: Path) -> None:
    await two.press("g", "space", "x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan of the marked one")
    assert "export" in screen.query_one(KeyBar).text
    screen.query_one("#export-target", Input).value = str(tmp_path / "out.zip")
    await screen._make_plan()
    with busy(two) as free:
        await two.press("tab", "right")
        await until(lambda: any(worker.group == "plan" for worker in two.app.workers), "planned anew")
        await two.press("ctrl+s")
        free.set()
    await until(lambda: "written to" in screen.query_one("#export-bar", Bar).text, "written")
    assert "export" not in screen.query_one(KeyBar).text, "there is nothing left to do here"
    assert "2 files" in screen.query_one("#export-bar", Bar).text


async def test_the_ending_comes_and_goes_with_the_form_whatever_the_name(two: Session, tmp_path: Path) -> None:
    await two.press("x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    target = screen.query_one("#export-target", Input)
    target.value = str(tmp_path / "v1.5.zip")
    await screen._make_plan()
    await two.press("tab", "tab", "right")
    await until(lambda: target.value.endswith("v1.5"), "a folder")
    await two.press("left")
    await until(lambda: target.value.endswith("v1.5.zip"), "a file")


async def test_an_export_that_fails_can_be_sent_elsewhere(two: Session, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    await two.press("x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    target = screen.query_one("#export-target", Input)
    target.value = str(tmp_path / "away" / "out.zip")
    await screen._make_plan()
    (tmp_path / "away").rmdir()
    (tmp_path / "away").write_text("a file now")
    await two.press("ctrl+s")
    await until(lambda: two.app.toasts.texts, "told")
    await until(lambda: not target.is_disabled, "another place can be typed")
    target.value = str(tmp_path / "out.zip")
    await two.press("ctrl+s")
    await until(lambda: (tmp_path / "out.zip").is_file(), "written there")


async def test_copies_say_how_they_were_made_and_the_originals_stay_as_they_are(two: Session, tmp_path: Path) -> None:
    originals = {item.id: two.path_of(item).read_bytes() for item in two.items}
    await two.press("x")
    screen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    screen.query_one("#export-target", Input).value = str(tmp_path / "out.zip")
    await two.press("tab", "tab", "tab", "tab", "right")
    assert screen.query_one("#export-embed", Cycle).value == "embed"
    await until(lambda: screen._plan.options.embed, "planned anew")
    await two.press("ctrl+s")
    await until(lambda: "written to" in screen.query_one("#export-bar", Bar).text, "written")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        names = [name for name in archive.namelist() if name.startswith("images/")]
        archive.extractall(tmp_path / "copies")
    made = [read_making(tmp_path / "copies" / name) for name in names]
    assert {each and each.prompt for each in made} == {"misty valley", "neon city"}
    assert {item.id: two.path_of(item).read_bytes() for item in two.items} == originals


async def test_a_narrow_title_keeps_the_name(start: Start, pictures: None) -> None:
    async with start(size=(30, 10)) as session:
        await session.open_demo()
        title = session.library.query_one("#media-title", PaneTitle)
        await until(lambda: "demo" in title.render_line(0).text, "the project's name")
        assert "2 items" in title.render_line(0).text


async def test_hints_about_jobs_are_given_where_a_job_is(start: Start) -> None:
    async with start() as session:
        await session.press("p")
        await session.screen(AskScreen)
        await session.type("Empty")
        await session.press("enter")
        await until(lambda: session.library.project_id == "empty", "opened")
        await session.press("f")
        await until(lambda: session.app.toasts.texts, "told")
        assert not any("Jobs" in text for text in session.app.toasts.texts)


@pytest.mark.parametrize(("key", "words"), [("C", "Not on disk"), ("B", "demo")])
async def test_a_very_narrow_screen_still_says_what_a_line_is_about(
    start: Start, pictures: None, key: str, words: str
) -> None:
    async with start(size=(30, 8)) as session:
        await session.open_demo()
        await session.press(key)
        screen = await session.screen(CleanScreen if key == "C" else UsageScreen)
        rows = screen.query_one(LineList)
        await until(lambda: rows.keys and words in rows.render_line(0).text, "the line")
        assert key == "C" or "KB" in rows.render_line(0).text


async def test_a_project_that_went_is_told_of_however_often_the_projects_are_counted(two: Session) -> None:
    await two.app.ask(two.app.studio.create_project("Other"))
    await until(lambda: "other" in two.library.summaries, "listed")
    with busy(two) as free:
        await two.app.ask(two.app.studio.delete_project("demo"))
        await until(lambda: two.library.project_id == "other", "another one is shown")
        two.library.projects._refresh_now()
        await until(lambda: not any(worker.group == "projects" for worker in two.app.workers), "counted anew")
        free.set()
    await until(lambda: "“demo” went to the trash" in two.status(), "told")


async def test_the_names_of_strange_files_are_said_without_their_control_characters(two: Session) -> None:
    folder = two.path_of(two.items[0]).parent
    shutil.copy(two.path_of(two.items[0]), folder / "stray \x1b[31m\x1b]0;title\x07.png")
    await two.press("f5")
    await two.screen(DiskScreen)
    await two.press("A")
    await until(lambda: any("stray" in text for text in two.app.toasts.texts), "refused")
    assert not any("\x1b" in text for text in two.app.toasts.texts)


async def test_pictures_that_come_after_a_swap_stand_on_their_side(two: Session) -> None:
    await two.press("A")
    with busy(two) as free:
        await two.press("equals_sign")
        screen: CompareScreen = await two.screen(CompareScreen)
        await two.press("x")
        free.set()
    left, right = (screen.query_one(f"#{side}", Picture) for side in ("left", "right"))
    await until(lambda: left.path is not None and right.path is not None, "both pictures")
    posters = [await two.app.ask(two.app.studio.poster(item.id, PIXELS)) for item in screen._items]
    assert [left.path, right.path] == posters


async def test_marked_items_are_exported_in_the_order_of_the_list(two: Session) -> None:
    demo = two.app.studio._core.library.open("demo")
    more = [replace(two.items[0], id=f"more-{n}", prompt=f"number {n}", created_at=float(n)) for n in range(12)]
    await two.app.ask(two.app.studio._core.record_pool.submit(lambda: demo.commit(items=more)))
    await until(lambda: len(two.items) == 14, "listed")
    await two.press("A", "slash")
    await two.type("number")
    await two.press("enter", "x")
    screen: ExportScreen = await two.screen(ExportScreen)
    await until(lambda: screen._plan is not None, "the plan")
    newest_first = sorted(two.items, key=lambda item: -item.created_at)
    assert screen._items["marked"] == [item.id for item in newest_first]
