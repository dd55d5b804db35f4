"""The whole-screen view, compare and the grid, by keys, on the sandbox's own media."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.tui.conftest import PICTURE, SMALL, Session, Start, until
from textual.widgets import Input

from mediatui.model import SavePolicy, SaveState
from mediatui.tui.differences import changed_words, differences
from mediatui.tui.format import file_fact_list, joined
from mediatui.tui.screens.compare import CompareScreen
from mediatui.tui.screens.dialogs import MenuScreen
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.screens.viewer import ViewerScreen
from mediatui.tui.widgets.bars import Bar, KeyBar, PaneTitle
from mediatui.tui.widgets.media_grid import MediaGrid
from mediatui.tui.widgets.timeline import Ruler, Wave

VIDEO, SOUND = "sandbox/text-to-video", "sandbox/text-to-audio"
CLIP = {"duration": 2, "resolution": "360p"}


async def generate(session: Session, prompt: str, model: str = PICTURE, **more: Any) -> str:
    jobs = await session.generate(prompt, models=(model,), **more)
    await until(lambda: any(i.job == jobs[0].id for i in session.items), "the item")
    return next(i.id for i in session.items if i.job == jobs[0].id)


async def saved(session: Session, item_id: str) -> None:
    def is_saved() -> bool:
        item = session.library.shelf.items.get(item_id)
        return item is not None and item.save_state is SaveState.SAVED

    await until(is_saved, "saved")


async def view(session: Session, item_id: str) -> ViewerScreen:
    session.library.media.go_to(item_id)
    await session.press("f")
    screen: ViewerScreen = await session.screen(ViewerScreen)
    return screen


async def view_a_still(session: Session) -> ViewerScreen:
    item = await generate(session, "a still")
    await saved(session, item)
    viewer = await view(session, item)
    await until(lambda: viewer.still.path is not None, "the picture")
    return viewer


async def test_an_item_that_goes_and_comes_back_elsewhere_is_not_shown_as_if_it_were_there(start: Start) -> None:
    async with start() as session:
        viewer = await view_a_still(session)
        title, shown = viewer.query_one(PaneTitle), session.app.studio
        assert "✓ saved" in title.text
        await session.app.ask(shown.organise.trash([viewer.item.id]))
        await until(lambda: "gone" in title.text.lower(), "said so")
        assert "✓" not in title.text
        assert viewer.still.path is None
        assert "zoom" not in viewer.query_one(KeyBar).text
        await session.app.ask(shown.organise.undo())
        await until(lambda: viewer.still.path is not None, "shown again")
        assert "✓ saved" in title.text


async def test_saving_from_the_view_says_what_came_of_it(start: Start) -> None:
    async with start() as session:
        viewer = await view_a_still(session)
        await session.press("w")
        await until(lambda: "already on disk" in viewer.query_one("#status", Bar).text, "said so")


async def test_the_view_offers_only_keys_that_do_something(start: Start) -> None:
    async with start() as session:
        viewer = await view_a_still(session)
        keys = viewer.query_one(KeyBar)
        await until(lambda: "play" not in keys.text, "a still picture does not play")
        assert "scrub" not in keys.text
        await session.press("right_square_bracket")
        assert "plays a clip" in viewer.query_one("#status", Bar).text


async def test_a_clip_is_scrubbed_played_and_left_where_it_was(start: Start) -> None:
    async with start() as session:
        picture = await generate(session, "a still")
        item = await generate(session, "waves", VIDEO, params=CLIP)
        await saved(session, item)
        await saved(session, picture)
        viewer = await view(session, item)
        await until(lambda: viewer.material.strip is not None, "the filmstrip")
        assert viewer.still.path is not None
        await session.press("right", "right")
        assert viewer.material.strip is not None
        assert viewer.seconds == viewer.material.strip.times[2]
        assert viewer.still.path == viewer.material.strip.sheet
        assert viewer.still.box == viewer.material.strip.box(2)
        await session.press("space")
        await until(lambda: viewer.player.frames_shown > 3, "frames")
        assert viewer.player.display
        assert "playing" in viewer.query_one("#ruler", Ruler).text
        await session.press("space")
        await until(lambda: "paused" in viewer.query_one("#ruler", Ruler).text, "pause")
        await session.press("right_square_bracket")
        assert viewer.player.transport.speed == 1.5
        await session.press("s")
        assert not viewer.player.playing
        await session.press("n")
        await until(lambda: viewer.item.id == picture, "the next item")
        await session.press("escape")
        await session.screen(LibraryScreen)
        assert session.library.media.key == picture


async def test_sound_is_drawn_and_a_moment_chosen(start: Start) -> None:
    async with start() as session:
        item = await generate(session, "a hum", SOUND, params={})
        await saved(session, item)
        viewer = await view(session, item)
        await until(lambda: viewer.material.peaks is not None, "the waveform")
        wave = viewer.query_one("#wave", Wave)
        assert wave.display
        drawn = "".join(wave.render_line(y).text for y in range(wave.size.height))
        assert len(set(drawn)) > 3
        await session.press("right")
        assert 0 < viewer.seconds < viewer.duration
        await session.press("end")
        assert viewer.seconds == viewer.duration


async def test_a_picture_is_enlarged_and_moved(start: Start) -> None:
    async with start() as session:
        viewer = await view_a_still(session)
        await session.press("z")
        first = viewer.still.box
        assert first is not None
        await session.press("right", "down")
        moved = viewer.still.box
        assert moved is not None
        assert moved[0] > first[0]
        assert moved[1] > first[1]
        await session.press("escape")
        assert viewer.still.box is None
        assert session.app.screen is viewer


async def test_an_animated_picture_plays_and_a_still_one_says_that_it_does_not(start: Start, tmp_path: Path) -> None:
    async with start() as session:
        viewer = await view_a_still(session)
        await session.press("space")
        await until(lambda: "does not move" in viewer.query_one("#status", Bar).text, "a word about it")
        assert not viewer.player.playing
        await session.press("escape")
        frames = [Image.new("RGB", (160, 90), (40 * n, 90, 200 - 30 * n)) for n in range(6)]
        folder = tmp_path / "moving"
        folder.mkdir()
        frames[0].save(folder / "waves.webp", save_all=True, append_images=frames[1:], duration=80, loop=0)
        studio = session.app.studio
        report = await session.app.ask(studio.imports.run(await session.app.ask(studio.imports.plan(folder)), None))
        await session.library.projects.open(report.project)
        await until(lambda: session.items and session.items[0].id in report.imported, "what was imported")
        viewer = await view(session, session.items[0].id)
        await until(lambda: "space plays it" in viewer.query_one("#facts", Bar).text, "a word about it")
        await session.press("space")
        await until(lambda: viewer.player.frames_shown > 7, "more than one round")
        assert "0:00.5" in viewer.query_one("#ruler", Ruler).text
        await session.press("s")
        assert not viewer.player.playing
        assert viewer.still.display


async def test_what_is_not_on_disk_is_fetched_to_look_at(start: Start) -> None:
    async with start() as session:
        item = await generate(session, "waves", VIDEO, params=CLIP, save_policy=SavePolicy.URL_ONLY)
        viewer = await view(session, item)
        await session.press("space")
        await until(lambda: viewer.player.frames_shown > 1, "frames")
        assert viewer.material.playable is not None
        assert viewer.material.playable.origin == "session copy"
        assert "session copy" in viewer.query_one("#facts", Bar).text
        found = session.library.shelf.items[item]
        assert found.save_state is SaveState.URL_ONLY


@pytest.mark.parametrize("size", [(60, 20), (40, 16), (160, 45)])
async def test_facts_are_left_out_whole_and_the_way_back_is_always_shown(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size) as session:
        item = await generate(session, "waves", VIDEO, params=CLIP)
        await saved(session, item)
        viewer = await view(session, item)
        facts = viewer.query_one("#facts", Bar).text
        known = [VIDEO, *file_fact_list(viewer.item), f"seed {viewer.item.seed}", ""]
        assert len(facts) < size[0]
        assert facts.strip().startswith(VIDEO)
        assert all(fact in known for fact in facts.strip().split(" · "))
        assert (facts.count(" · ") == 5) == (size[0] == 160)
        assert "esc back" in viewer.query_one(KeyBar).text
        assert "zoom" not in viewer.query_one(KeyBar).text


def test_the_least_important_facts_go_first() -> None:
    facts = [("model", 1), ("", 2), ("5 MB", 3), ("1280x720", 2)]
    assert [joined(facts, width) for width in (40, 23, 22, 16, 15, 4)] == [
        "model · 5 MB · 1280x720", "model · 5 MB · 1280x720", "model · 1280x720", "model · 1280x720", "model", "",
    ]  # fmt: skip


async def test_a_grid_shows_several_pictures_beside_each_other(start: Start) -> None:
    async with start(size=(100, 30)) as session:
        await generate(session, "one")
        await session.press("b")
        grid = session.library.media
        assert isinstance(grid, MediaGrid)
        await until(lambda: grid.columns == 3, "three columns")
        assert not session.library.query_one("#detail-pane").display
        await session.press("3")
        assert session.library.query_one("#detail-pane").display
        await session.press("2", "b")
        assert session.library.query_one("#detail-pane").display


async def test_two_marked_items_are_compared(start: Start) -> None:
    async with start() as session:
        await generate(session, "a red boat at dusk")
        await generate(session, "a blue boat at dusk")
        await session.press("equals_sign")
        assert isinstance(session.app.screen, LibraryScreen)
        await session.press("A", "equals_sign")
        screen = await session.screen(CompareScreen)
        found = differences(*screen._items)
        assert found[0].name == "prompt"
        assert not found[0].same
        assert any(each.same and each.name == "model" for each in found)
        await session.press("x", "escape")
        await session.screen(LibraryScreen)


def test_words_that_changed_are_told_apart() -> None:
    left, right = changed_words("a red boat at dusk", "a blue boat at dawn")
    assert [piece for piece, changed in left if changed] == ["red", "dusk"]
    assert [piece for piece, changed in right if changed] == ["blue", "dawn"]
    assert " ".join(piece for piece, _ in left) == "a red boat at dusk"


@pytest.mark.parametrize("size", [(160, 45), (60, 20)])
async def test_the_grid_moves_in_two_dimensions_and_keeps_the_lists_marks(start: Start, size: tuple[int, int]) -> None:
    async with start(size=size) as session:
        for count in (4, 3):
            await session.generate(f"{count} of them", params={**SMALL, "num_images": count})
        grid = session.library.media
        assert isinstance(grid, MediaGrid)
        await session.press("g", "space", "b")
        marked = set(grid.marks)
        assert len(marked) == 1
        columns = grid.columns
        assert grid.cursor == 1
        await session.press("down")
        assert grid.cursor == 1 + columns
        await session.press("right")
        assert grid.cursor == 2 + columns
        await session.press("left", "up", "left")
        assert grid.cursor == 0
        await session.press("left")
        assert grid.cursor == 0
        assert grid.marks == marked
        size_of = grid._picture_size
        await until(lambda: (grid.keys[0], *size_of) in grid._tiles, "pictures")
        await session.press("space", "b")
        assert not grid.gridded
        assert grid.cursor == 1
        await session.press("left")
        assert session.library.panes.current == "projects"


async def test_a_picture_that_came_while_lines_were_shown_is_in_the_grid(start: Start) -> None:
    async with start() as session:
        await session.generate("a still", save_policy=SavePolicy.ON_DEMAND)
        grid = session.library.media
        assert isinstance(grid, MediaGrid)
        (item,) = session.items
        await session.press("b")
        tile = (item.id, *grid._picture_size)
        await until(lambda: grid._tiles.get(tile) is not None, "looked for")
        assert grid._tiles[tile][0] == 0
        await session.press("b")
        await session.app.ask(session.app.studio.save([item.id]))
        await saved(session, item.id)
        await session.press("b")
        await until(lambda: (found := grid._tiles.get(tile)) is not None and found[0] > 0, "its picture")


async def test_the_grids_cursor_stays_where_it_was_put_when_a_filter_is_dropped(start: Start) -> None:
    async with start() as session:
        await session.generate("3 of them", params={**SMALL, "num_images": 3})
        grid = session.library.media
        organise = session.app.studio.organise
        for number, item in enumerate(session.items):
            await session.app.ask(organise.rate([item.id], number + 1))
        await until(lambda: {item.rating for item in session.items} == {1, 2, 3}, "rated")
        await session.press("b")
        first = next(item.id for item in session.items if item.rating == 1)
        grid.go_to(first)
        session.library.looking.apply_filter("rating:>1")
        assert first not in grid.keys
        await session.press("g", "right")
        here = grid.key
        session.library.looking.drop_filter()
        assert first in grid.keys
        assert grid.key == here


async def test_text_fields_do_not_lose_keys_to_the_views(start: Start) -> None:
    async with start() as session:
        await generate(session, "bees")
        await session.press("slash")
        await session.type("bf")
        assert session.app.focused is not None
        assert isinstance(session.app.focused, Input)
        assert session.app.focused.value == "bf"


async def test_over_ssh_opening_asks_and_offers_what_helps_there(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.2 50000 10.0.0.1 22")
    async with start() as session:
        item = await generate(session, "waves", VIDEO, params=CLIP)
        await saved(session, item)
        assert session.app.quiet
        session.library.media.go_to(item)
        await session.press("o")
        menu = await session.screen(MenuScreen)
        offered = [choice.text for choice in menu._choices]
        assert offered[0] == "Play here"
        assert {"Copy the path", "Copy an scp line", "Copy the URL"} <= set(offered)
        await session.press("s")
        await until(lambda: "scp" in session.app.clipboard, "the line")
        assert "10.0.0.1:" in session.app.clipboard
        await session.press("o")
        await session.screen(MenuScreen)
        await session.press("h")
        viewer = await session.screen(ViewerScreen)
        await until(lambda: viewer.player.frames_shown, "frames")
