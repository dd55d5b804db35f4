"""Graphics off: words stand where pictures would; and the grid is there again at the next start."""

from __future__ import annotations

import gc

from tests.preview.test_viewer import CLIP, VIDEO, generate, saved, view
from tests.tui.conftest import Session, Start, until

from mediatui.settings import Settings
from mediatui.tui.screens.compare import CompareScreen
from mediatui.tui.terminal.capabilities import Capabilities, Graphics
from mediatui.tui.widgets.bars import KeyBar
from mediatui.tui.widgets.media_grid import MediaGrid

OFF = Capabilities(graphics=Graphics.OFF)


def drawn(session: Session) -> str:
    return "\n".join(strip.text for strip in session.app.screen._compositor.render_strips())


async def test_words_stand_where_pictures_would(start: Start) -> None:
    async with start((160, 45), capabilities=OFF) as session:
        still = await generate(session, "a still")
        clip = await generate(session, "waves", VIDEO, params=CLIP)
        await saved(session, clip)
        session.library.media.go_to(clip)
        await until(lambda: "video · " in drawn(session), "the card in the details")
        await session.press("b")
        media = session.library.media
        assert isinstance(media, MediaGrid)
        assert media.gridded
        await until(lambda: drawn(session).count("video · 640") == 2, "the card in the grid")
        assert "▀" not in drawn(session)
        viewer = await view(session, clip)
        await until(lambda: "pictures are off" in drawn(session), "the card in the viewer")
        keys = viewer.query_one(KeyBar).text
        assert not [word for word in ("play", "zoom", "faster") if word in keys]
        await session.press("right", "end", "space")
        await until(lambda: "cannot play here" in drawn(session), "why it does not play")
        assert not viewer.player.playing
        assert "▀" not in drawn(session)
        await session.press("escape")
        media.set_marks({still, clip})
        await session.press("equals_sign")
        await session.screen(CompareScreen)
        await until(lambda: "image · " in drawn(session) and "video · " in drawn(session), "both cards")
        assert "▀" not in drawn(session)


def gridded(session: Session) -> bool:
    media = session.library.media
    assert isinstance(media, MediaGrid)
    return media.gridded


async def test_the_grid_is_there_again(start: Start) -> None:
    async with start() as session:
        await generate(session, "a still")
        await session.press("b")
        assert gridded(session)
        session.app.keep_session()
    async with start() as session:
        assert gridded(session)
        await session.press("b")
        session.app.keep_session()
    async with start() as session:
        assert not gridded(session)


async def test_an_opener_that_makes_no_sense_is_told_at_the_start(start: Start) -> None:
    settings = Settings(openers=({"run": "mpv", "needs": "window"},))
    async with start(settings=settings) as session:
        await until(lambda: "open[1].needs must be one of" in drawn(session), "the problem")


async def test_work_that_is_replaced_before_it_begins_leaves_no_complaint(start: Start) -> None:
    begun: list[int] = []

    async def work(number: int) -> None:
        begun.append(number)

    async with start() as session:
        for number in range(3):
            session.app.run_fenced(work(number), group="picture", exclusive=True)
        await until(lambda: begun, "the last one")
        gc.collect()
    assert begun == [2]
