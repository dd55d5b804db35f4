"""How the interface looks and speaks: quiet, plain, few colours, themes, toasts, alerts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets._toast import Toast

from mediatui.errors import UsageError
from mediatui.library.project import ProjectChange
from mediatui.locations import Locations
from mediatui.model import Job, Phase
from mediatui.settings import GlyphSet, Settings, Switch
from mediatui.studio.events import LibraryChanged, Notice
from mediatui.tui.alerts import ended_words
from mediatui.tui.app import MediatuiApp
from mediatui.tui.batch import Batch
from mediatui.tui.glyphs import plain, wants_ascii
from mediatui.tui.looks import Looks, decide_looks
from mediatui.tui.memory import Memory
from mediatui.tui.screens.dialogs import ConfirmScreen
from mediatui.tui.screens.help import HelpScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.themes import ThemeList, ThemeScreen
from mediatui.tui.screens.welcome import WelcomeScreen
from mediatui.tui.terminal.alert import notification, title
from mediatui.tui.terminal.capabilities import Capabilities
from mediatui.tui.toasts import AT_ONCE, WAITING
from mediatui.tui.tones import tones_of
from mediatui.tui.widgets.bars import KeyBar, PaneTitle

from .conftest import Start, until

FAST = Settings(poll_seconds=0.05)


def looks(settings: Settings = FAST, memory: Memory | None = None, few: bool = False, **terminal: Any) -> Looks:
    """What would be decided."""
    found = Capabilities(**terminal)
    return decide_looks(settings, memory or Memory(), found, few_colours=few, environment={})


# Quiet, plain, few colours.


def test_quiet_follows_the_line_unless_told() -> None:
    assert looks(remote=True).quiet
    assert not looks().quiet
    assert looks(replace(FAST, quiet_ui=Switch.ON)).quiet
    assert not looks(replace(FAST, quiet_ui=Switch.OFF), remote=True).quiet


def test_sixteen_colours_get_the_terminals_own() -> None:
    assert looks(few=True).theme == "ansi-dark"
    assert looks(replace(FAST, theme="ansi-light"), few=True).theme == "ansi-light"


def test_a_theme_chosen_at_the_keys_holds_until_the_setting_changes() -> None:
    memory = Memory()
    memory.choose("theme", "nord", "mediatui")
    assert looks(memory=memory).theme == "nord"
    assert looks(replace(FAST, theme="ansi-light"), memory).theme == "ansi-light"


def test_an_unknown_theme_names_the_nearest() -> None:
    with pytest.raises(UsageError) as refused:
        looks(replace(FAST, theme="nodr"))
    assert "nord" in refused.value.hint


@pytest.mark.parametrize(
    ("choice", "environment", "wanted"),
    [
        (GlyphSet.AUTO, {"LANG": "en_US.UTF-8"}, False),
        (GlyphSet.AUTO, {}, False),
        (GlyphSet.AUTO, {"LANG": "de_DE.ISO-8859-1"}, True),
        (GlyphSet.AUTO, {"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        (GlyphSet.AUTO, {"LC_ALL": "C.UTF-8"}, False),
        (GlyphSet.AUTO, {"LANG": "C.UTF-8", "TERM": "linux"}, True),
        (GlyphSet.UNICODE, {"LC_ALL": "C"}, False),
        (GlyphSet.ASCII, {"LANG": "en_US.UTF-8"}, True),
    ],
)
def test_ascii_where_nothing_else_can_be_shown(choice: GlyphSet, environment: dict[str, str], wanted: bool) -> None:
    assert wants_ascii(choice, environment) is wanted


def test_plain_text_keeps_its_cells_and_what_people_wrote() -> None:
    assert plain("● unsaved ─ “x”…") == '* unsaved - "x"~'
    assert plain("漢字 ✓") == "漢字 +"
    assert plain("漢é", "iso-8859-1") == "??é"
    assert plain("┏╭▖") == "+++"


async def test_ascii_everywhere_on_screen(start: Start) -> None:
    async with start(settings=replace(FAST, glyphs=GlyphSet.ASCII)) as session:
        await session.generate()
        await session.press("d")
        await session.press("?")
        await session.screen(HelpScreen)
        for screen in (session.library, session.app.screen):
            lines = [strip.text for strip in screen._compositor.render_strips()]
            assert not [line for line in lines if not line.isascii()]


async def test_quiet_says_on_the_status_line_and_hides_nothing_behind_a_dialog(start: Start) -> None:
    async with start(settings=replace(FAST, quiet_ui=Switch.ON)) as session:
        assert session.app.animation_level == "none"
        session.app.tell("The disk is full.", severity="error")
        session.app.tell("The disk is full.", severity="error")
        assert "The disk is full. (×2)" in session.status()
        assert not session.app.toasts.texts
        session.app.push_screen(ConfirmScreen("?", [], "go"))
        dialog = await session.screen(ConfirmScreen)
        assert dialog.styles.background.a == 1
        session.app.tell("Behind.", severity="error")
        session.library._said_enough()
        assert session.library.saying
        await session.press("escape")
        await session.screen(LibraryScreen)
        assert "Behind." in session.status()


# Themes and compactness.


async def test_themes_are_previewed_kept_and_taken_back(start: Start) -> None:
    async with start() as session:
        app = session.app
        await session.press("f9")
        screen = await session.screen(ThemeScreen)
        names = screen.query_one(ThemeList).keys
        assert names[:3] == ["mediatui", "mediatui-light", "mediatui-contrast"]
        assert {"nord", "dracula", "ansi-dark"} <= set(names)
        await session.press("j", "j")
        await until(lambda: app.theme == "mediatui-contrast", "the preview")
        await session.press("escape")
        assert app.theme == "mediatui"
        await session.press("f9", "j", "enter")
        await session.screen(LibraryScreen)
        assert app.theme == "mediatui-light"
        assert app.memory.choice("theme", "mediatui") == "mediatui-light"


async def test_compact_leaves_the_key_bar_out_and_is_remembered(start: Start) -> None:
    async with start() as session:
        bar = session.library.query_one(KeyBar)
        assert bar.region.height == 1
        await session.press("f10")
        await until(lambda: bar.region.height == 0, "more room")
        assert session.app.memory.choice("compact", "off") == "on"
        assert looks(memory=session.app.memory).compact


async def test_a_first_start_teaches_five_keys_and_help_does_again(start: Start) -> None:
    async with start(settings=replace(FAST, keys={"library.jobs": ("ctrl+t",)})) as session:
        words = session.library.media.empty
        assert [line.split()[0] for line in words.split("\n")[2:7]] == ["n", "^t", "R", "/", "?"]
        await session.press("f3")
        await session.screen(WelcomeScreen)
        await session.press("escape")
        await session.generate()
        assert session.library.media.keys
        assert "Welcome" not in session.library.looking.empty_words()


# Toasts.


async def test_equal_toasts_are_counted_and_many_wait(start: Start) -> None:
    async with start() as session:
        app = session.app
        for _ in range(5):
            app.tell("The same.", severity="error")
        await until(lambda: app.toasts.texts == ["The same. (×5)"], "one toast")
        for _ in range(2):
            app.tell("It failed.", hint="Press r.", severity="error")
        await until(lambda: app.toasts.texts[-1] == "It failed. (×2)\nPress r.", "counted where it is said")
        last = app.toasts._shown[-1].notification
        assert last is not None
        last.raised_at = 0.0
        for number in range(40):
            app.tell(f"Number {number}.", severity="warning")
        await session.pilot.pause()
        assert len(app.toasts.texts) == AT_ONCE
        await until(lambda: len(app.screen.query(Toast)) == AT_ONCE, "as many on screen")
        waiting = app.toasts._waiting
        assert len(waiting) == WAITING
        assert app.toasts._uncounted == 40 - (AT_ONCE - 1) - WAITING
        for toast in app.toasts._shown:
            assert toast.notification is not None
            toast.notification.raised_at = 0.0
        app.toasts._next()
        assert app.toasts.texts == [f"Number {n}." for n in range(AT_ONCE - 1, 2 * AT_ONCE - 1)]


async def test_a_batch_of_failures_is_one_toast(start: Start) -> None:
    async with start() as session:
        app = session.app
        for number in range(100):
            app._bridge._listen(Notice("error", "Not saved", f"file {number} could not be saved"))
        await until(lambda: app.toasts.texts, "the toast")
        assert app.toasts.texts == ["file 0 could not be saved … and 99 more like this."]


# Alerts.


def job(id: str, phase: Phase, seconds: float = 60.0) -> Job:
    """A job that took so long."""
    end = 1000.0 + seconds if phase.ended else None
    new = Job(id, "demo", "p", "m", prompt="a lighthouse", created_at=1000.0)
    return replace(new, phase=phase, submitted_at=1000.0, finished_at=end)


def batch(*jobs: Job, foreign: bool = False) -> Batch:
    """The studio's news of these jobs."""
    found = Batch()
    found.add(LibraryChanged(ProjectChange("demo", jobs=jobs, foreign=foreign)))
    return found


async def test_long_jobs_that_end_unseen_are_told_once_and_together(home: Locations) -> None:
    app = MediatuiApp(FAST, home)
    async with app.run_test():
        names = ("a", "b", "c", "short", "seen")
        app.alerts.follow(batch(*(job(name, Phase.RUNNING) for name in names)))
        app.alerts.follow(batch(job("seen", Phase.SUCCEEDED)))
        assert app.alerts.told == []
        app.app_focus = False
        app.alerts.follow(batch(job("short", Phase.SUCCEEDED, 3)))
        app.alerts.follow(batch(job("stranger", Phase.SUCCEEDED)))
        assert app.alerts.told == []
        app.alerts.follow(batch(job("a", Phase.SUCCEEDED), job("b", Phase.FAILED)))
        app.alerts.follow(batch(job("a", Phase.SUCCEEDED)))
        app.alerts.follow(batch(job("c", Phase.CANCELLED)))
        assert app.alerts.told == ["1 job done, 1 job failed"]
    app.stop_studio()


def test_one_job_is_told_by_its_prompt() -> None:
    assert ended_words([job("a", Phase.SUCCEEDED)]) == "Done: a lighthouse"
    assert ended_words([job("a", Phase.FAILED)]) == "Failed: a lighthouse"


@pytest.mark.parametrize(
    ("environment", "name", "start_of"),
    [
        ({"TERM": "xterm-kitty"}, "", "\x1b]99;;"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "", "\x1b]9;"),
        ({"TERM": "foot"}, "", "\x1b]777;notify;mediatui;"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "kitty(0.40)", "\x1bPtmux;\x1b\x1b]99;;"),
        ({"TERM": "xterm-256color"}, "", ""),
    ],
)
def test_each_terminal_is_notified_in_its_own_way(environment: dict[str, str], name: str, start_of: str) -> None:
    sequence = notification("done\x1b]52;c;x\x07; twice", environment, name=name)
    assert sequence.startswith(start_of)
    assert bool(sequence) is bool(start_of)
    assert "]52;c" not in sequence
    assert Counter(sequence)["\x07"] <= 1


def test_a_title_takes_no_commands() -> None:
    assert title("a\x07\x1b]0;evil") == "\x1b]2;a]0;evil\x07"


async def test_the_rule_of_a_title_is_faint_until_its_pane_has_the_focus(start: Start) -> None:
    async with start() as session:
        await session.press("t")
        jobs = await session.screen(JobsScreen)
        tones = tones_of(session.app.current_theme)
        for name, expected in (("jobs-title", "rule-on"), ("job-title", "rule")):
            title = jobs.query_one(f"#{name}", PaneTitle)
            drawn = [segment.style for segment in title.render_line(0) if set(segment.text.strip()) & set("━─")]
            assert drawn
            assert all(style == tones[expected] for style in drawn)


async def test_messages_do_not_cover_a_question_and_come_back_behind_it(start: Start) -> None:
    async with start(size=(80, 24)) as session:
        app = session.app

        def covers() -> bool:
            return any(toast.region.area for toast in app.screen.query(Toast))

        app.tell("It failed.", hint="Press r.", severity="error")
        await until(covers, "the message")
        app.push_screen(ConfirmScreen("Really?", ["Nothing is lost."], "go"))
        await session.screen(ConfirmScreen)
        await session.pilot.pause()
        assert not covers()
        await session.press("escape")
        await session.screen(LibraryScreen)
        await until(covers, "the message again")
