"""Sizes from nothing to huge, crashes, quiet terminals, pictures, clipboard."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from PIL import Image

from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.tui.format import ago, bar, fit, fit_right
from mediatui.tui.format import until as until_words
from mediatui.tui.memory import Memory, Place, load_memory, memory_file, save_memory
from mediatui.tui.screens.generate import GenerateScreen
from mediatui.tui.screens.help import HelpScreen
from mediatui.tui.screens.jobs import JobsScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.terminal.clipboard import osc52
from mediatui.tui.widgets.lines import wrap
from mediatui.tui.widgets.picture import characters, half_blocks, read_pixels

from .conftest import Start, until

SIZES = [(1, 1), (2, 1), (1, 40), (7, 3), (20, 5), (40, 12), (60, 20), (71, 24), (99, 30), (100, 30), (300, 80)]


@pytest.mark.parametrize("opened", [None, "n", "t", "question_mark", "s", "p", "x"])
async def test_every_screen_survives_every_size(start: Start, opened: str | None) -> None:
    async with start() as session:
        await session.generate("[/a] picture")
        if opened is not None:
            await session.press(opened)
            await until(lambda: not isinstance(session.app.screen, LibraryScreen), opened)
        for width, height in SIZES:
            await session.pilot.resize_terminal(width, height)
            await session.pilot.pause()
        assert session.app.is_running


async def test_panes_appear_by_width_and_keys_move_between_them(start: Start) -> None:
    async with start(size=(120, 30)) as session:

        def shown() -> set[str]:
            panes = ("projects", "media", "detail")
            return {pane for pane in panes if session.library.query_one(f"#{pane}-pane").display}

        assert shown() == {"projects", "media", "detail"}
        await session.pilot.resize_terminal(90, 30)
        await until(lambda: shown() == {"media", "detail"}, "two panes")
        await session.press("h")
        await until(lambda: shown() == {"projects", "media"}, "the projects")
        await session.pilot.resize_terminal(60, 20)
        await until(lambda: shown() == {"projects"}, "one pane")
        await session.press("l")
        await until(lambda: shown() == {"media"}, "the list")
        await session.press("3")
        await until(lambda: shown() == {"detail"}, "the details")
        await session.press("shift+tab")
        await until(lambda: shown() == {"media"}, "back")


KEY = "0123abcd-0000-1111-2222-333344445555:aaaabbbbccccddddeeeeffff00001111"


async def test_a_crash_is_reported_without_keys(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(sandbox=True, providers={"fal": ProviderSettings("fal", key=Secret(KEY))})
    app = None

    def boom() -> None:
        authorization = f"Key {KEY}"
        raise RuntimeError(f"while sending {authorization}")

    with pytest.raises(RuntimeError):  # noqa: PT012 - it is raised when the inner block ends
        async with start(settings=settings) as session:
            app = session.app
            app.call_later(boom)
            await until(lambda: not app.is_running, "the end")
    assert app is not None
    assert app.return_code == 1
    assert app.crash_file is not None
    report = app.crash_file.read_text("utf-8")
    assert "RuntimeError" in report
    assert "boom" in report
    assert app.crash_file.stat().st_mode & 0o777 == 0o600
    shown = capsys.readouterr()
    for text in (report, shown.out, shown.err):
        assert KEY not in text
        assert KEY.split(":")[1] not in text


async def test_an_error_in_a_worker_or_a_key_is_told_and_ends_nothing(start: Start) -> None:
    async def fail() -> None:
        raise KeyError("unforeseen")

    async with start() as session:
        session.app.run_fenced(fail(), group="test")
        await until(lambda: any("KeyError" in n.message for n in session.app._notifications), "the toast")
        await session.press("w")
        await until(lambda: any("no item" in n.message for n in session.app._notifications), "the words")
        assert session.app.is_running


async def test_over_ssh_nothing_pops_up_or_moves(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 1 5.6.7.8 22")
    async with start() as session:
        assert session.app.animation_level == "none"
        await session.press("w")
        await until(lambda: "no item" in session.status(), "the status line")
        assert not session.app._notifications
        await session.press("s")
        assert session.app.screen.styles.background.a == 1.0


@pytest.mark.parametrize(("key", "kind"), [("n", GenerateScreen), ("t", JobsScreen), ("question_mark", HelpScreen)])
async def test_screens_open_while_the_library_is_still_opening(start: Start, key: str, kind: type) -> None:
    async with start(ready=False) as session:
        await session.press(key)
        await session.screen(kind)
        await until(lambda: session.app.has_studio, "the studio")
        await session.press("escape")
        await session.screen(LibraryScreen)


def test_half_blocks_show_the_picture_and_share_equal_neighbours(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 40), (255, 0, 0))
    image.paste((0, 0, 255), (20, 0, 40, 40))
    image.save(tmp_path / "a.png")
    pixels = read_pixels(tmp_path / "a.png", 20, 10)
    assert pixels[:2] == (20, 20)
    rows = half_blocks(pixels)
    assert len(rows) == 10
    assert all("".join(s.text for s in row) == "▀" * 20 for row in rows)
    first, last = rows[5][0].style, rows[5][-1].style
    assert first is not None
    assert last is not None
    assert first.color is not None
    assert first.color.triplet is not None
    assert tuple(first.color.triplet) == (255, 0, 0)
    assert first != last
    assert len(rows[5]) < 8
    assert all(len("".join(s.text for s in row)) == 20 for row in characters(pixels, first))


def test_a_wide_picture_keeps_its_shape(tmp_path: Path) -> None:
    Image.new("RGB", (160, 90)).save(tmp_path / "a.jpg")
    width, height, data = read_pixels(tmp_path / "a.jpg", 32, 40)
    assert (width, height) == (32, 18)
    assert len(data) == width * height * 3


def test_what_is_no_picture_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no")
    with pytest.raises(OSError, match="image"):
        read_pixels(tmp_path / "a.jpg", 10, 10)


def test_osc52_wraps_for_tmux_and_refuses_what_terminals_drop() -> None:
    encoded = base64.b64encode("héllo".encode()).decode()
    assert osc52("héllo", tmux=False) == f"\x1b]52;c;{encoded}\x07"
    wrapped = osc52("x", tmux=True)
    assert wrapped is not None
    assert "\x1bPtmux;\x1b\x1b]52" in wrapped
    assert wrapped.endswith("\x07\x1b\\")
    assert osc52("x" * 60_000, tmux=False) is None


def test_memory_survives_and_damage_is_forgiven(tmp_path: Path) -> None:
    memory = Memory(project="demo", screen="jobs")
    memory.leave("demo", Place("key", 3, "[/words", "size", True, "detail"))
    memory.choose("theme", "nord", "mediatui")
    memory.draft.prompt = "half [/a] thought"
    save_memory(tmp_path, memory)
    assert load_memory(tmp_path) == memory
    memory_file(tmp_path).write_text('{"project": 5, "draft": [], "other": 1}', "utf-8")
    assert load_memory(tmp_path) == Memory()
    memory_file(tmp_path).write_text("{", "utf-8")
    assert load_memory(tmp_path) == Memory()


def test_columns_fit_exactly_with_wide_characters() -> None:
    assert fit("漢字漢字", 5) == "漢字…"
    assert fit("abc", 5) == "abc  "
    assert fit_right("abc", 5) == "  abc"
    assert fit("abc", 0) == ""
    assert wrap("aa bb  cc\nd", 5) == ["aa bb", "cc", "d"]
    assert wrap("漢字漢字x", 4) == ["漢字", "漢字", "x"]
    assert bar(0.5, 10) == ("━" * 5, "─" * 5)


@pytest.mark.parametrize(
    ("seconds", "words"), [(2, "now"), (42, "42s"), (300, "5m"), (7200, "2h"), (3 * 86400, "3d"), (30 * 86400, "4w")]
)
def test_ages_are_short(seconds: float, words: str) -> None:
    assert ago(1e9, 1e9 + seconds) == words
    assert until_words(1e9 + seconds, 1e9).startswith("in ")
