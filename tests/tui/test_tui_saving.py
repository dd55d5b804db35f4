"""What is not on disk: states in words, questions about hosts, offers, the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.support.fal_server import BIG, FalServer, Reply, fal_server
from tests.support.workshop import settings_for
from tests.tui.conftest import Session, Start, until

from mediatui.errors import SaveErrorKind
from mediatui.locations import Locations
from mediatui.model import MediaItem, MediaType, Phase, SavePolicy, SaveState, StorageFault
from mediatui.steplog import StepName, Steps
from mediatui.studio.requests import GenerateRequest, SaveReport
from mediatui.tui.control.keeping import tell_saved
from mediatui.tui.keymap import Keymap
from mediatui.tui.save_words import expiry, state_lines, time_left
from mediatui.tui.screens.cleanup import CleanScreen
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.screens.disk import DiskScreen
from mediatui.tui.screens.host import HostScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.log import LogScreen
from mediatui.tui.widgets.bars import Bar, KeyBar
from mediatui.tui.widgets.lines import Lines

TYPED = {"Content-Type": "image/png"}
ITEM = MediaItem("i", "p", "x.png", MediaType.IMAGE, url="https://fal.media/x.png")


@pytest.fixture
def fal() -> Iterator[FalServer]:
    with fal_server() as server:
        yield server


async def make(session: Session, *, prompt: str = "a fox", **more: Any) -> MediaItem:
    """Generate over the scripted server; returns the item once its save was tried."""
    studio = session.app.studio
    jobs = await session.app.ask(studio.generate(GenerateRequest(prompt, ("fal-ai/test",), "demo", **more)))
    await session.app.ask(studio.wait([job.id for job in jobs]))
    await until(lambda: any(s.name == "demo" for s in session.library.summaries.values()), "the project")
    if session.library.project_id != "demo":
        await session.library.projects.open("demo")
    await until(lambda: session.items and session.library.media.key, "the item")
    return session.items[0]


def banner(session: Session) -> str:
    shown = session.library.query_one("#banner", Bar)
    return shown.text if shown.display else ""


def details(session: Session) -> str:
    return session.library.query_one("#detail", Lines).text


# -- words


def words(item: MediaItem, next_try: float | None = None) -> str:
    return "\n".join(text for text, _ in state_lines(item, next_try, Keymap()))


def fault() -> StorageFault:
    return StorageFault(SaveErrorKind.NETWORK, "the connection failed", time.time() - 125, 3)


STATES = {
    SaveState.UNSAVED: (
        "Kept, but not on disk. r tries again",
        "network: the connection failed",
        "3 attempts, last 2m",
    ),
    SaveState.URL_ONLY: ("plays from its URL meanwhile", "r saves it"),
    SaveState.MISSING: ("gone from the disk. r fetches it again", "^g makes it anew (paid)"),
    SaveState.EXPIRED: ("no longer answers", "r tries once more", "^g"),
}


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_what_it_means_and_what_to_press(state: SaveState) -> None:
    said = words(replace(ITEM, save_state=state, storage_error=fault()))
    assert all(part in said for part in STATES[state]), said


def test_a_choice_is_told_from_a_disk_that_refuses() -> None:
    chosen = words(replace(ITEM, save_state=SaveState.URL_ONLY))
    assert "by choice" in chosen
    assert "w saves it, W all such items" in chosen
    refused = StorageFault(SaveErrorKind.FULL, "no room", time.time())
    assert "the disk is full: no room" in words(replace(ITEM, save_state=SaveState.URL_ONLY, storage_error=refused))
    said = replace(refused, message="the disk is full: this needs 9 MB")
    assert words(replace(ITEM, save_state=SaveState.URL_ONLY, storage_error=said)).count("the disk is full") == 1


def test_the_next_try_and_the_life_of_an_address_count_down() -> None:
    item = replace(ITEM, save_state=SaveState.UNSAVED, storage_error=fault(), url_expires_at=time.time() + 40)
    assert "next try in 3" in words(item, time.time() + 39.2)
    left = expiry(item)
    assert left is not None
    assert (left[0][:5], left[1]) in {("in 40", "warn"), ("in 39", "warn")}
    assert time_left(replace(item, url_expires_at=time.time() + 3590)) == "59m left"
    assert time_left(replace(item, save_state=SaveState.SAVED)) == ""
    assert expiry(replace(item, url_expires_at=time.time() - 7300)) == ("2h ago", "warn")


# -- the banner


async def test_a_failed_save_says_when_it_is_tried_again_and_r_does_it_now(
    fal: FalServer, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediatui.tui.control.telling.LINGER_SECONDS", 0.5)
    fal.script("file", Reply(503))
    async with start(settings=settings_for(fal.url)) as session:
        await make(session)
        await until(lambda: "next try in" in banner(session), "the banner")
        await until(lambda: "next try in" in details(session), "the details")
        assert "server: the server answered 503" in details(session)
        fal.script("file", None)
        await session.press("R")
        await until(lambda: session.items[0].save_state is SaveState.SAVED, "saved")
        await until(lambda: "nothing waits to be saved" in banner(session), "the row stays a moment: nothing jumps")
        await until(lambda: banner(session) == "", "no banner")
        assert session.app.studio.next_try(session.items[0].id) is None
    assert fal.count("submit") == 1


async def test_items_without_a_file_are_offered_when_a_project_is_opened(fal: FalServer, start: Start) -> None:
    async with start(settings=settings_for(fal.url, save_policy=SavePolicy.URL_ONLY)) as session:
        await make(session)
        assert banner(session) == ""
        await session.library.projects.open("demo")
        await until(lambda: "1 item has no local file · W saves all to disk" in banner(session), "the offer")
        await session.press("escape")
        await until(lambda: banner(session) == "", "dropped")
        await session.press("W")
        await until(lambda: session.items[0].save_state is SaveState.SAVED, "saved")
    assert (fal.count("submit"), fal.count("file")) == (1, 1)


async def test_long_unsaved_items_are_planned_away_and_come_back(fal: FalServer, start: Start) -> None:
    fal.script("file", Reply(body=b"<html>" * 9, headers=TYPED))
    async with start(settings=settings_for(fal.url, clean_unsaved_after_days=30)) as session:
        item = await make(session)
        project = session.app.studio._core.library.open("demo")
        old = time.time() - 40 * 86_400
        await session.app.ask(
            session.app.studio._core.record_pool.submit(
                lambda: project.edit_item(item.id, lambda held: replace(held, created_at=old))
            )
        )
        await until(lambda: "1 unsaved for over 30 days · C plans" in banner(session), "the plan's offer")
        await session.press("C")
        screen = await session.screen(CleanScreen)
        await until(lambda: "1 thing" in screen.query_one("#clean-bar").text, "chosen already")
        await session.press("c")
        await session.screen(ConfirmScreen)
        await session.press("y")
        await until(lambda: session.items == [], "gone")
        await session.screen(CleanScreen)
        await session.press("escape", "u")
        await until(lambda: [i.id for i in session.items] == [item.id], "back")


async def test_what_a_full_disk_refused_is_not_called_kept_by_choice(start: Start, pictures: None) -> None:
    async with start() as session:
        await session.open_demo()
        project = session.app.studio._core.library.open("demo")
        full = StorageFault(SaveErrorKind.FULL, "the disk is full", time.time())
        item = replace(session.items[0], id="refused", path=None, save_state=SaveState.URL_ONLY, storage_error=full)
        chosen = replace(item, id="chosen", storage_error=None)
        await session.app.ask(session.app.studio._core.record_pool.submit(lambda: project.commit(items=[item, chosen])))
        tell_saved(session.app, SaveReport(url_only=("refused", "chosen")))
        assert any("1 item could not be saved: the disk is full." in text for text in session.app.toasts.texts)
        assert "1 item kept by URL." in session.status()


# -- hosts


def elsewhere(fal: FalServer, url: str = "https://media.example.invalid/x.png") -> None:
    fal.script("result", Reply(body={"images": [{"url": url, "content_type": "image/png"}]}))


async def ask(session: Session) -> HostScreen:
    screen: HostScreen = await session.screen(HostScreen)
    await until(lambda: screen.listening, "it listens")
    return screen


def shown(screen: HostScreen) -> str:
    return "\n".join(str(part.render()) for part in screen.query("Static"))


async def test_no_leaves_the_item_unsaved_and_r_asks_again(fal: FalServer, start: Start) -> None:
    elsewhere(fal)
    async with start(settings=settings_for(fal.url)) as session:
        await make(session, prompt="a [bold]fox[/]")
        screen = await ask(session)
        assert "media.example.invalid" in shown(screen)
        assert "a [bold]fox[/]" in shown(screen)
        await session.press("n")
        await session.screen(LibraryScreen)
        item = session.items[0]
        assert item.save_state is SaveState.UNSAVED
        assert item.storage_error is not None
        assert item.storage_error.host == "media.example.invalid"
        await until(lambda: "r asks you about media.example.invalid again" in details(session), "the details")
        await session.press("R")  # everything: no question that was answered is asked again
        await until(lambda: (told := session.items[0].storage_error) and told.attempts == 2, "tried")
        assert isinstance(session.app.screen, LibraryScreen)
        await session.press("r")
        await ask(session)


async def test_always_is_written_down_and_keeps_comments(fal: FalServer, home: Locations, start: Start) -> None:
    elsewhere(fal)
    home.config_file.parent.mkdir(parents=True, exist_ok=True)
    home.config_file.write_text("# mine\n[save]\nallow_hosts = [\n  'a.example', # old\n]\n", "utf-8")
    async with start(settings=settings_for(fal.url)) as session:
        await make(session)
        await ask(session)
        await session.press("a")
        await until(lambda: "invalid" in home.config_file.read_text("utf-8"), "written")
        text = home.config_file.read_text("utf-8")
        assert text.startswith("# mine\n[save]\n")
        assert "'a.example', # old" in text
        # It is allowed now: what fails is that no such name exists.
        await until(lambda: (told := session.items[0].storage_error) and told.kind is SaveErrorKind.NETWORK, "tried")


async def test_the_next_host_is_asked_about_while_the_first_is_still_seen_to(fal: FalServer, start: Start) -> None:
    urls = ("https://one.example.invalid/x.png", "https://two.example.invalid/x.png")
    fal.script("result", Reply(body={"images": [{"url": url, "content_type": "image/png"} for url in urls]}))
    async with start(settings=settings_for(fal.url)) as session:
        await make(session)
        screen = await ask(session)
        other = "two" if "one.example" in shown(screen) else "one"
        free, pool = threading.Event(), session.app.studio._core.record_pool
        held = [pool.submit(free.wait) for _ in range(pool._size)]  # the disk takes its time
        try:
            await session.press("o")
            await until(lambda: session.app.screen is not screen, "answered")
            await until(
                lambda: isinstance(session.app.screen, HostScreen) and other in shown(session.app.screen), "the other"
            )
        finally:
            free.set()
            for each in held:
                each.result()


async def test_a_key_on_its_way_answers_nothing(fal: FalServer, home: Locations, start: Start) -> None:
    elsewhere(fal)
    async with start(settings=settings_for(fal.url)) as session:
        await make(session)
        screen: HostScreen = await session.screen(HostScreen)
        screen._deaf_until = time.monotonic() + 1000
        await session.press("a", "o", "enter", "escape", "n")
        assert session.app.screen is screen
        assert not home.config_file.exists()


# -- making anew, adopting


async def test_a_missing_item_is_made_anew_only_after_the_price_was_shown(fal: FalServer, start: Start) -> None:
    async with start(settings=settings_for(fal.url)) as session:
        await make(session)
        await session.press("ctrl+g")
        await session.screen(ConfirmScreen)
        text = "\n".join(str(part.render()) for part in session.app.screen.query("Static"))
        assert "Price:" in text
        assert "new payment" in text
        await session.press("escape")
        await session.screen(LibraryScreen)
        assert fal.count("submit") == 1
        await session.press("ctrl+g")
        await session.screen(ConfirmScreen)
        await session.press("y")
        await until(lambda: fal.count("submit") == 2, "sent")


async def test_files_nobody_knows_are_listed_and_taken_in(fal: FalServer, start: Start) -> None:
    async with start(settings=settings_for(fal.url)) as session:
        item = await make(session)
        file = session.app.studio.file_of(item)
        assert file is not None
        (file.parent / "found.png").write_bytes(BIG)
        (file.parent / "noise.png").write_bytes(b"no picture at all")
        file.unlink()
        await session.press("f5")
        screen: DiskScreen = await session.screen(DiskScreen)
        rows = [" ".join(row) for row in screen._list.rows.values()]
        assert any("unknown images/found.png" in row for row in rows), rows
        await session.press("A")
        await until(lambda: len(session.items) == 2, "taken in")
        new = next(i for i in session.items if i.id != item.id)
        assert (new.path, new.save_state, new.file_size) == ("images/found.png", SaveState.SAVED, len(BIG))
        assert (new.width, new.height) == (1100, 1100)
        assert new.sha256 is not None
        await until(lambda: [row for row, _ in screen._list.rows.values()].count("unknown") == 1, "only noise is left")


# -- the log and unknown jobs


async def test_the_log_follows_an_item_through_its_steps(fal: FalServer, start: Start) -> None:
    async with start(settings=settings_for(fal.url)) as session:
        item = await make(session)
        await session.press("L")
        screen: LogScreen = await session.screen(LogScreen)
        steps = screen.list.steps
        await until(lambda: {"submit", "download", "save"} <= {s.step for s in steps.values()}, "its steps")
        other = Steps(session.app.locations.log_file)
        other.note(StepName.SAVE, item, outcome="failed", detail="\x1b[31mred\x1b]52;c;x\x07 [bold]not[/] bold")
        other.note(StepName.SAVE, outcome="failed", detail="somebody else's")
        other.close()
        await until(lambda: any("not[/] bold" in s.detail for s in steps.values()), "live")
        assert not any("somebody" in s.detail for s in steps.values())
        await session.press("f")
        assert [steps[key].outcome for key in screen.list.keys] == ["failed"]
        await session.press("y")
        assert "\x1b" not in session.app.clipboard
        assert "[bold]not[/] bold" in session.app.clipboard
        await session.press("f", "slash")
        await session.type("download")
        await session.press("enter")
        assert {steps[key].step for key in screen.list.keys} == {"download"}
        await session.press("escape")
        await session.screen(LibraryScreen)


async def test_only_what_the_provider_can_do_is_offered(fal: FalServer, start: Start) -> None:
    fal.script("status", Reply(body={"status": "IN_PROGRESS"}))
    async with start(settings=settings_for(fal.url)) as session:
        studio = session.app.studio
        await session.app.ask(studio.generate(GenerateRequest("x", ("fal-ai/test",), "demo")))
        await session.press("t")
        screen: JobsScreen = await session.screen(JobsScreen)
        keys = screen.query_one(KeyBar)
        await until(lambda: screen.job is not None and "cancel" in keys.text, "cancel is offered")
        assert "dismiss" not in keys.text
        screen._capabilities["fal"] = frozenset()
        screen._show_job()
        assert "cancel" not in keys.text
        await session.press("c")
        assert fal.count("cancel") == 0
        fal.script("status", None)
        await until(lambda: screen.job is not None and screen.job.phase is Phase.SUCCEEDED, "done")


async def test_an_unknown_job_can_be_given_up_and_taken_back(fal: FalServer, start: Start) -> None:
    fal.script("submit", Reply(drop=True))
    async with start(settings=settings_for(fal.url)) as session:
        studio = session.app.studio
        (job,) = await session.app.ask(studio.generate(GenerateRequest("x", ("fal-ai/test",), "demo")))
        assert job.phase is Phase.UNKNOWN
        await session.press("t")
        screen: JobsScreen = await session.screen(JobsScreen)
        await until(lambda: screen.job is not None, "the job")
        await session.press("f")
        await session.screen(ConfirmScreen)
        await session.press("y")
        await until(lambda: studio.find_job(job.id) is None, "forgotten")
        await session.app.ask(studio.organise.undo())
        again = studio.find_job(job.id)
        assert again is not None
        assert (again.phase, again.error.message[:8] if again.error else "") == (Phase.CANCELLED, "given up")
    assert fal.count("submit") == 1
