"""The library screen on the sandbox: generate, look, mark, filter, save, trash, undo."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from tests.support.disks import unwritable
from textual.widgets import Input

from mediatui.model import Phase, SavePolicy, SaveState
from mediatui.settings import Settings
from mediatui.tui.screens.dialogs import AskScreen, ConfirmScreen, MenuScreen
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.item import ItemScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.pick import PickScreen
from mediatui.tui.widgets.bars import Banner, KeyBar
from mediatui.tui.widgets.lines import Lines
from mediatui.tui.widgets.picture import Picture
from mediatui.tui.widgets.prompt import PromptArea

from .conftest import PICTURE, SMALL, Session, Start, until

HOSTILE = "[/oops] [link=x]y[/] \x1b]52;c;aGk=\x07 \u202e$(id) [@click=app.quit]go[/]"
ON_DEMAND = Settings(poll_seconds=0.05, save_policy=SavePolicy.ON_DEMAND)


async def answer(session: Session, key: str = "y") -> None:
    """Answer the question on screen."""
    await session.screen(ConfirmScreen)
    await session.press(key)


def saved(session: Session) -> bool:
    return bool(session.items) and all(item.save_state is SaveState.SAVED for item in session.items)


async def test_from_n_to_a_saved_picture_with_a_poster(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        await until(lambda: screen.query("FieldLine"), "the form")
        await session.type("a calm lake")
        screen.query_one("ModelPicker").list.set_chosen([PICTURE])  # what space does, tested below
        await until(lambda: screen.query("FieldLine"), "the form")
        await session.press("ctrl+s")
        await session.screen(LibraryScreen)
        await until(lambda: session.library.shelf.jobs, "the job's row")
        await until(lambda: saved(session), "the saved item")
        item = session.items[0]
        assert item.prompt == "a calm lake"
        assert session.library.media.key == item.id
        picture = session.library.query_one("#picture", Picture)
        await until(lambda: picture._rows, "the poster")
        detail = session.library.query_one("#detail", Lines).text
        assert "saved" in detail
        assert "a calm lake" in detail
        assert str(session.app.studio.file_of(item)) in detail
        assert session.app.memory.draft.prompt == ""


async def test_hostile_prompt_is_shown_literally_on_every_screen(start: Start) -> None:
    async with start(size=(150, 40)) as session:
        await session.generate(HOSTILE)
        clean = "[/oops] [link=x]y[/] ]52;c;aGk= $(id) [@click=app.quit]go[/]"
        await until(lambda: "[/oops]" in session.library.query_one("#detail", Lines).text, "the details")
        assert session.library.shelf.title(session.library.media.key or "") == clean
        for key, kind in (("enter", ItemScreen), ("y", MenuScreen), ("t", JobsScreen), ("a", GenerateScreen)):
            await session.press(key)
            await session.screen(kind)
            await session.pilot.pause()
            strips = session.app.screen._compositor.render_strips()
            assert not any(ord(c) < 32 or c == "\u202e" for strip in strips for c in strip.text)
            await session.press("escape")
            await session.screen(LibraryScreen)


async def test_marks_ranges_and_what_keys_act_on(start: Start) -> None:
    async with start() as session:
        for n in range(4):
            await session.generate(f"picture {n}")
        media = session.library.media
        await session.press("g", "space", "space")
        assert media.marks == set(media.keys[:2])
        assert "2 marked" in session.status()
        await session.press("asterisk")
        assert media.marks == set(media.keys[2:])
        await session.press("slash")
        await session.type("3")
        await session.press("enter")
        assert len(media.keys) == 1
        await until(lambda: "2 hidden by filter" in session.status(), "hidden marks")
        await session.press("escape")
        assert not media.marks
        await session.press("escape")
        assert len(media.keys) == 4
        await session.press("g", "v", "j", "j")
        assert media.marks == set(media.keys[:3])
        await session.press("k", "v")
        assert media.marks == set(media.keys[:2])
        await session.press("A")
        assert media.marks == set(media.keys)


async def test_filter_is_live_counts_hits_and_keeps_the_cursor(start: Start) -> None:
    async with start() as session:
        await session.generate("misty valley")
        await session.generate("neon city")
        await session.press("j")
        cursor = session.library.media.key
        await session.press("slash")
        await session.type("misty")
        await until(lambda: len(session.library.media.keys) == 1, "the filter")
        assert session.library.media.key == cursor
        assert "1 of 2" in session.title()
        await session.type("nothing")
        await until(lambda: not session.library.media.keys, "no hits")
        assert "esc" in session.library.media.empty
        await session.press("escape")
        assert len(session.library.media.keys) == 2
        assert session.library.media.key == cursor


async def test_sorting_is_chosen_reversed_and_remembered(start: Start) -> None:
    async with start() as session:
        await session.generate("b")
        await session.generate("a")
        await session.press("s")
        await session.screen(PickScreen)
        await session.type("prompt")
        await session.press("enter")
        await session.screen(LibraryScreen)
        titles = [session.library.shelf.title(key) for key in session.library.media.keys]
        assert titles == ["a", "b"]
        await session.press("S")
        assert [session.library.shelf.title(key) for key in session.library.media.keys] == ["b", "a"]
        place = session.app.memory.place(session.library.project_id or "")
        assert (place.sort_by, place.reverse) == ("prompt", True)


async def test_saving_on_demand_one_then_all(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediatui.tui.control.telling.LINGER_SECONDS", 0.5)
    async with start(settings=ON_DEMAND) as session:
        await session.generate("one")
        await session.generate("two")
        banner = session.library.query_one("#banner", Banner)
        await until(lambda: banner.display, "the banner")
        assert "2 items unsaved · R saves them" in banner.text
        await session.press("w")
        await until(lambda: session.library.shelf.unsaved == 1, "one saved")
        await session.press("R")
        await until(lambda: saved(session), "both saved")
        await until(lambda: not banner.display, "no banner")
        await session.press("w")
        await until(lambda: "already on disk" in session.status(), "said so")


async def test_a_read_only_folder_is_told_in_words_and_retried(start: Start) -> None:
    async with start(settings=ON_DEMAND) as session:
        await session.generate("one")
        folder = session.app.locations.projects / "demo" / "parts"
        folder.mkdir(exist_ok=True)
        with unwritable(folder):
            await session.press("w")
            await until(lambda: session.items[0].storage_error, "the error")
            await until(lambda: "r tries again" in session.library.query_one("#detail", Lines).text, "words")
        await session.press("r")
        await until(lambda: saved(session), "saved")


async def test_trash_names_what_goes_and_undo_brings_it_back(start: Start) -> None:
    async with start() as session:
        await session.generate("one")
        await session.generate("two")
        await until(lambda: saved(session), "saved")
        file = session.app.studio.file_of(session.items[0])
        assert file is not None
        await session.press("d")
        await until(lambda: len(session.items) == 1, "one gone")
        assert not file.exists() or session.items[0].id
        await until(lambda: "moved to the trash. u brings it back" in session.status(), "said so")
        await session.press("u")
        await until(lambda: len(session.items) == 2, "it is back")
        await session.press("A", "d")
        screen = await session.screen(ConfirmScreen)
        assert "2 items" in screen._title
        await session.press("n")
        await session.screen(LibraryScreen)
        assert len(session.items) == 2
        await session.press("d")
        await answer(session)
        await until(lambda: not session.items, "both gone")
        assert "n writes a prompt" in session.library.media.empty
        await session.press("u")
        await until(lambda: len(session.items) == 2, "both back")


async def test_projects_new_rename_delete_and_undo(start: Start) -> None:
    async with start() as session:
        await session.press("p")
        await session.screen(AskScreen)
        await session.type("First")
        await session.press("enter")
        await until(lambda: [s.name for s in session.library.summaries.values()] == ["First"], "the project")
        await session.press("e")
        await session.screen(AskScreen)
        await session.type(" one")
        await session.press("enter")
        await until(lambda: [s.name for s in session.library.summaries.values()] == ["First one"], "the new name")
        await session.press("D")
        await answer(session)
        await until(lambda: not session.library.summaries, "gone")
        assert "No project" in session.library.media.empty
        await session.press("u")
        await until(lambda: [s.name for s in session.library.summaries.values()] == ["First one"], "back")
        await session.press("u")
        await until(lambda: [s.name for s in session.library.summaries.values()] == ["First"], "the old name")


async def test_an_open_project_whose_folder_vanishes_is_told_and_another_one_shown(start: Start) -> None:
    async with start() as session:
        await session.generate(project="kept")
        await session.generate(project="lent")
        gone = session.library.project_id
        shutil.rmtree(session.app.locations.projects / str(gone))
        await until(lambda: any("“lent” is gone" in text for text in session.app.toasts.texts), "told")
        await until(lambda: session.library.project_id == "kept", "another one")


async def test_several_projects_open_from_the_projects_pane(start: Start) -> None:
    async with start() as session:
        await session.generate("in one", project="one")
        await session.generate("in two", project="two")
        await session.press("1", "k", "enter")
        await until(lambda: session.library.project_id == "one", "the other project")
        assert [item.prompt for item in session.items] == ["in one"]
        assert session.library.panes.current == "media"


async def test_failed_job_stays_and_says_why_in_words(start: Start) -> None:
    async with start() as session:
        jobs = await session.generate("x", models=("sandbox/faults/exhausted-balance",), params={})
        assert jobs[0].phase is Phase.FAILED
        await until(lambda: session.library.media.key == jobs[0].id, "its row")
        await until(lambda: "failed" in session.library.query_one("#detail", Lines).text, "details")
        job = session.library.shelf.jobs[jobs[0].id]
        assert job.error is not None
        assert job.error.message in session.library.query_one("#detail", Lines).text


async def test_copy_goes_through_the_terminal(start: Start) -> None:
    async with start() as session:
        await session.generate("to copy")
        await until(lambda: saved(session), "saved")
        await session.press("y")
        await session.screen(MenuScreen)
        await session.press("p")
        await until(lambda: session.app.clipboard == "to copy", "the clipboard")


async def test_full_view_shows_facts_and_json(start: Start) -> None:
    long = "word " * 400
    async with start() as session:
        await session.generate(long)
        await session.press("enter")
        screen = await session.screen(ItemScreen)
        assert long.strip() in screen.query_one(Lines).text
        await session.press("tab")
        assert '"save_state": "saved"' in screen.query_one(Lines).text
        await session.press("q")
        await session.screen(LibraryScreen)


async def test_check_disk_finds_a_missing_file(start: Start) -> None:
    async with start() as session:
        await session.generate("one")
        await until(lambda: saved(session), "saved")
        file = session.app.studio.file_of(session.items[0])
        assert file is not None
        file.unlink()
        await session.press("f5")
        await until(lambda: session.items[0].save_state is SaveState.MISSING, "missing")
        await until(lambda: not isinstance(session.app.screen, LibraryScreen) or "agrees" in session.status(), "said")
        if not isinstance(session.app.screen, LibraryScreen):
            await session.press("escape")
        await session.press("r")
        await until(lambda: saved(session), "fetched again")
        assert file.exists() or session.items[0].path


async def test_quit_asks_only_while_jobs_run(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        await session.screen(GenerateScreen)
        await session.press("escape")
        slow = {"sandbox_fault": "slow-queue", "sandbox_fault_seconds": 30.0, **SMALL}
        from mediatui.studio.requests import GenerateRequest

        await session.app.ask(session.app.studio.generate(GenerateRequest("slow", (PICTURE,), "demo", slow)))
        await session.press("q")
        await answer(session, "escape")
        await session.screen(LibraryScreen)
        assert session.app.is_running
        await session.press("q")
        await answer(session)
        await until(lambda: session.app._exit, "the end")
        assert session.app.return_code == 0


async def test_draft_survives_escape_and_restart(start: Start) -> None:
    async with start() as session:
        await session.press("n")
        await session.screen(GenerateScreen)
        await session.type("half a thought")
        await session.press("escape")
        await session.screen(LibraryScreen)
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        assert screen.query_one(PromptArea).text == "half a thought"
        await session.press("escape")
        state = session.app.locations.state / "interface.json"
        await until(lambda: state.exists() and "half a thought" in state.read_text("utf-8"), "the file")
        assert state.stat().st_mode & 0o777 == 0o600
    async with start() as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        assert screen.query_one(PromptArea).text == "half a thought"


async def test_wrong_values_are_told_beside_their_field_and_nothing_is_sent(start: Start) -> None:
    async with start(size=(150, 45)) as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        await until(lambda: screen.query("FieldLine"), "the form")
        await session.type("x")
        line = next(line for line in screen.query("FieldLine") if line.row.field.name == "duration")
        line.query_one(Input).value = "1000"
        await session.press("ctrl+s")
        fault = line.query_one(".field-fault")
        await until(lambda: fault.display, "the fault")
        assert "at most" in str(fault.content)
        assert isinstance(session.app.screen, GenerateScreen)
        assert not session.app.studio.jobs()


async def test_models_are_found_and_several_chosen(start: Start) -> None:
    async with start(size=(150, 45)) as session:
        await session.press("n")
        screen = await session.screen(GenerateScreen)
        models = screen.query_one("ModelPicker").list
        await until(lambda: models.keys and models.chosen, "models")
        await session.press("f2")
        await session.type("audio")
        await until(lambda: list(models.keys) == ["sandbox/text-to-audio"], "the search")
        await session.press("enter", "space")
        assert models.chosen[-1] == "sandbox/text-to-audio"
        assert len(models.chosen) == 2
        await until(lambda: "2 jobs" in screen.query_one("#summary").text, "the summary")


async def test_jobs_ask_again_generate_again_and_dismiss(start: Start) -> None:
    async with start() as session:
        jobs = await session.generate("doomed", models=("sandbox/faults/job-fails",), params={})
        await session.press("t")
        screen = await session.screen(JobsScreen)
        await until(lambda: screen.job is not None and screen.job.id == jobs[0].id, "the job")
        await until(lambda: "failed" in screen.query_one("#job", Lines).text, "why")
        keys = screen.query_one(KeyBar)
        assert "all failed" in keys.text
        await session.press("r")
        status = screen.query_one("#status")
        await until(lambda: "Asked again: 1 job" in status.text, "asked again")
        assert len(session.app.studio.jobs()) == 1
        await session.press("g")
        again = await session.screen(GenerateScreen)
        assert again.query_one(PromptArea).text == "doomed"
        await session.press("escape")
        await session.screen(JobsScreen)
        await session.press("d")
        await until(lambda: not screen.list.keys, "dismissed")
        await until(lambda: "ask again" not in keys.text and "all failed" not in keys.text, "no key without a job")
        assert "n new" in keys.text
        assert "1 job dismissed. u brings it back." in status.text
        await session.press("u")
        await until(lambda: screen.list.keys == [jobs[0].id], "back again")
        await session.press("x")
        await until(lambda: not screen.list.keys, "dismissed again")
        await session.press("escape")
        await until(lambda: not session.library.shelf.rows, "not in the library either")


async def test_cancel_a_waiting_job(start: Start) -> None:
    from mediatui.studio.requests import GenerateRequest

    async with start() as session:
        slow = {"sandbox_fault": "slow-queue", "sandbox_fault_seconds": 30.0, **SMALL}
        jobs = await session.app.ask(session.app.studio.generate(GenerateRequest("slow", (PICTURE,), "demo", slow)))
        await until(lambda: jobs[0].id in session.library.shelf.jobs, "the row")
        await session.press("t")
        screen = await session.screen(JobsScreen)
        await until(lambda: screen.job is not None, "the job")
        await session.press("x")
        await until(lambda: any("no job has ended" in text for text in session.app.toasts.texts), "nothing to dismiss")
        await session.press("c")
        await until(
            lambda: (job := session.app.studio.find_job(jobs[0].id)) and job.phase is Phase.CANCELLED, "stopped"
        )


async def test_export_shows_a_plan_and_writes_it(start: Start, tmp_path: object) -> None:
    import zipfile

    from mediatui.tui.screens.export import ExportScreen

    async with start() as session:
        await session.generate("one")
        await session.press("x")
        screen = await session.screen(ExportScreen)
        await until(lambda: "files" in screen.query_one(Lines).text, "the plan")
        target = session.app.locations.state / "out.zip"
        screen.query_one(Input).value = str(target)
        await session.press("enter")
        await until(lambda: "written to" in screen.query_one("#export-bar").text, "the end")
        with zipfile.ZipFile(target) as archive:
            assert archive.testzip() is None
            assert "manifest.json" in archive.namelist()
        await session.press("escape")
        await session.screen(LibraryScreen)


async def test_a_theme_nobody_knows_is_a_usage_error(start: Start) -> None:
    from mediatui.errors import UsageError

    with pytest.raises(UsageError, match="no theme"):
        async with start(settings=replace(ON_DEMAND, theme="nope")):
            pass


async def test_the_mouse_moves_marks_and_opens(start: Start) -> None:
    async with start() as session:
        for n in range(3):
            await session.generate(f"picture {n}")
        media = session.library.media
        await session.pilot.click("#media", offset=(10, 2))
        assert media.cursor == 2
        await session.pilot.click("#media", offset=(10, 0), control=True)
        assert media.marks == {media.keys[0]}
        await session.pilot.click("#media", offset=(10, 2), shift=True)
        assert media.marks == set(media.keys)
        await session.pilot.click("#media", offset=(10, 1), times=2)
        await session.screen(ItemScreen)
