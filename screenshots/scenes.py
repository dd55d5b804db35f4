"""What is done to reach each screen that is shown: keys pressed in the real app, and what is waited for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

from stage import BUNDLE, FILMS, GOING, PROJECT, SOUND, item_with, until
from textual.pilot import Pilot

from mediatui.studio.requests import GenerateRequest
from mediatui.tui.app import MediatuiApp
from mediatui.tui.memory import Draft
from mediatui.tui.screens.cleanup import CleanScreen
from mediatui.tui.screens.host import HostScreen
from mediatui.tui.screens.import_ import ImportScreen
from mediatui.tui.screens.trash import TrashScreen
from mediatui.tui.screens.usage import UsageScreen
from mediatui.tui.screens.viewer import ViewerScreen
from mediatui.tui.widgets.bars import Bar, PaneTitle
from mediatui.tui.widgets.line_list import LineList

Script = Callable[[MediatuiApp, Pilot[int]], Awaitable[None]]


async def library(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """One job under way, a film under the cursor."""
    request = GenerateRequest(GOING, ("sandbox/text-to-video",), PROJECT, {"duration": 12, "seed": 8})
    await app.ask(app.studio.generate(request))
    await until(lambda: any((app.library.going(key).fraction or 0) > 0.3 for key in app.library.shelf.jobs), "progress")
    await film(app, FILMS[0][0])


async def film(app: MediatuiApp, prompt: str) -> None:
    """The cursor on an item, with its picture."""
    app.library.media.go_to(item_with(app, prompt))
    await until(lambda: app.library.details.key == app.library.media.key, "the details")
    await picture(app)


async def picture(app: MediatuiApp) -> None:
    """The picture beside the list, where there is room for it."""
    if app.library.query_one("#detail-pane").display and app.library.query_one("#picture").size.height:
        await until(lambda: app.library.query_one("#picture")._rows, "the poster", 20)  # type: ignore[attr-defined]


async def detail(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """The detail pane alone where there is no room for three."""
    await film(app, FILMS[1][0])
    await pilot.press("3")
    await until(lambda: app.library.query_one("#detail-pane").display, "the pane")
    await pilot.pause()
    await picture(app)


async def grid(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """Pictures instead of lines."""
    await film(app, FILMS[4][0])
    await pilot.press("b")
    media = app.library.media

    def drawn() -> bool:
        keys = [media.keys[n] for n in media._visible() if n < len(media.keys)]  # type: ignore[attr-defined]
        size = media._picture_size  # type: ignore[attr-defined]
        return all((key, *size) in media._tiles for key in keys if key in app.library.shelf.items)  # type: ignore[attr-defined]

    await until(drawn, "the pictures")


async def generate(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A prompt half written."""
    app.memory.draft = Draft()
    await pilot.press("n")
    await until(lambda: bool(app.screen.query("FieldLine")), "the form")
    await pilot.press(*("space" if c == " " else c for c in "Lighthouse in a storm, waves breaking, 35 mm film"))
    await until(lambda: "free" in app.screen.query_one("#summary", Bar).text, "the price")


async def export(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """The plan."""
    await pilot.press("x")
    await until(lambda: app.screen.query("#export-plan") and app.screen.query_one("#export-plan").text, "the plan")  # type: ignore[attr-defined]


async def viewer(app: MediatuiApp, pilot: Pilot[int], prompt: str = FILMS[1][0]) -> None:
    """A clip with its frames."""
    await film(app, prompt)
    await pilot.press("f")
    await until(lambda: isinstance(app.screen, ViewerScreen) and app.screen.still._rows, "the picture")
    await until(lambda: app.screen.material.strip is not None, "the frames")  # type: ignore[attr-defined]
    await pilot.press("right", "right", "right")
    await asyncio.sleep(0.5)


async def player(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A clip that plays."""
    await viewer(app, pilot, FILMS[2][0])
    await pilot.press("space")
    await until(lambda: app.screen.player.frames_shown > 8, "frames")  # type: ignore[attr-defined]
    await pilot.press("space")


async def wave(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A sound."""
    app.library.media.go_to(item_with(app, SOUND))
    await pilot.press("f")
    await until(lambda: isinstance(app.screen, ViewerScreen) and app.screen.material.peaks is not None, "the wave")
    await pilot.press(*["right"] * 7)


async def compare(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """Two films."""
    app.library.media.set_marks({item_with(app, FILMS[0][0]), item_with(app, FILMS[3][0])})
    await pilot.press("equals_sign")
    await until(lambda: bool(app.screen.query("#left")), "compare")
    await until(lambda: all(app.screen.query_one(side)._rows for side in ("#left", "#right")), "both pictures")  # type: ignore[attr-defined]


def keys(*pressed: str, prompt: str = FILMS[0][0]) -> Script:
    """A screen that a key opens."""

    async def script(app: MediatuiApp, pilot: Pilot[int]) -> None:
        await film(app, prompt)
        await pilot.press(*pressed)
        await asyncio.sleep(0.6)

    return script


async def details(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """Everything that is known of an item."""
    await film(app, FILMS[0][0])
    await pilot.press("i")
    await pilot.pause()


async def disk(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A file that nobody knows lies beside those of the project."""
    await film(app, FILMS[0][0])
    file = app.studio.file_of(app.library.shelf.items[item_with(app, FILMS[0][0])])
    assert file is not None
    stray = file.with_name("harbour-take-2.mp4")
    shutil.copyfile(file, stray)
    await pilot.press("f5")
    await until(lambda: bool(app.screen.query("#differences")), "the differences")
    await pilot.pause()
    stray.unlink()


async def clean(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A plan with two lines chosen."""
    await pilot.press("C")
    await until(lambda: isinstance(app.screen, CleanScreen) and app.screen.rows.keys, "what could go")
    await pilot.press("down", "space", *["down"] * 4, "space")
    await until(lambda: app.screen._plan is not None, "the plan")  # type: ignore[attr-defined]
    await asyncio.sleep(0.3)


async def clean_plan(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """The question before anything goes."""
    await clean(app, pilot)
    await pilot.press("ctrl+s")
    await until(lambda: bool(app.screen.query(".box")), "the question")


async def trash(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """What was removed."""
    await pilot.press("Z")
    await until(lambda: isinstance(app.screen, TrashScreen) and app.screen.list.keys, "the trash")


async def usage(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """Bytes per model."""
    await pilot.press("B")
    await until(lambda: isinstance(app.screen, UsageScreen) and app.screen.query_one(LineList).keys, "the figures")
    await pilot.press("tab")


async def bring_in(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """The plan of an import."""
    await pilot.press("X")
    await until(lambda: isinstance(app.screen, ImportScreen), "the import")
    await pilot.press(*BUNDLE, "ctrl+s")
    await until(lambda: "brings" in app.screen.query_one(PaneTitle).text, "the plan")


async def host(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A download from somewhere new."""
    lines = [f"“{FILMS[4][0]}”", "fal · fal-ai/text-to-video", "It is not one of the provider's known hosts."]
    app.push_screen(HostScreen("media.example.net", lines))
    await until(lambda: bool(app.screen.query(".box")), "the question")


def typing(*pressed: str) -> Script:
    """A picker over the form."""

    async def script(app: MediatuiApp, pilot: Pilot[int]) -> None:
        await generate(app, pilot)
        await pilot.press(*pressed)
        await until(lambda: bool(app.screen.query(".box")), "the picker")
        await asyncio.sleep(0.3)

    return script


SCREENS: dict[str, Script] = {
    "library": library,
    "jobs": keys("t"),
    "detail": detail,
    "grid": grid,
    "filter": keys("slash", *"model:video"),
    "details": details,
    "generate": generate,
    "prompts": typing("ctrl+r"),
    "templates": typing("ctrl+t"),
    "viewer": viewer,
    "player": player,
    "wave": wave,
    "compare": compare,
    "tags": keys("T"),
    "rate": keys("z"),
    "note": keys("N"),
    "rename": keys("e"),
    "move": keys("m"),
    "sort": keys("s"),
    "filters": keys("apostrophe"),
    "copy": keys("y"),
    "open-with": keys("O"),
    "export": export,
    "import": bring_in,
    "trash": trash,
    "clean": clean,
    "clean-plan": clean_plan,
    "usage": usage,
    "disk": disk,
    "delete-project": keys("D"),
    "host": host,
    "log": keys("L"),
    "themes": keys("f9"),
    "help": keys("question_mark"),
    "palette": keys("ctrl+p"),
    "welcome": keys("f3"),
}
"""Every screen, in the order in which they are taken."""
