"""Take pictures of every screen at three sizes: drive the real app on the sandbox and draw its cells.

    python screenshots/make.py [--all FOLDER] [name …]

The best ones replace those of this folder; ``--all`` writes every one somewhere. Everything happens in a
temporary home. The font is DejaVu Sans Mono of the system, or the file named by MEDIATUI_SHOT_FONT.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image
from stage import (
    FILMS,
    GOING,
    PROJECT,
    SOUND,
    cells,
    fill,
    item_with,
    open_project,
    own_home,
    running,
    until,
    words,
)
from textual.pilot import Pilot

from mediatui.model import SaveState
from mediatui.studio.requests import GenerateRequest
from mediatui.tui.app import MediatuiApp
from mediatui.tui.screens.viewer import ViewerScreen

HERE = Path(__file__).resolve().parent
SIZES = ((160, 45), (100, 30), (60, 20))
BEST = (
    "library-160x45", "grid-160x45", "generate-160x45", "jobs-160x45", "viewer-160x45", "player-100x30",
    "wave-100x30", "compare-160x45", "help-100x30", "library-60x20",
)  # fmt: skip

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
    await pilot.press("b")
    media = app.library.media

    def drawn() -> bool:
        keys = [media.keys[n] for n in media._visible() if n < len(media.keys)]  # type: ignore[attr-defined]
        size = media._picture_size  # type: ignore[attr-defined]
        return all((key, *size) in media._tiles for key in keys if key in app.library.shelf.items)  # type: ignore[attr-defined]

    await until(drawn, "the pictures")


async def generate(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """A prompt half written."""
    await pilot.press("n")
    await until(lambda: bool(app.screen.query("FieldLine")), "the form")
    await pilot.press(*("space" if c == " " else c for c in "Lighthouse in a storm, waves breaking, 35 mm film"))


async def export(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """The plan."""
    await pilot.press("x")
    await until(lambda: app.screen.query("#export-plan") and app.screen.query_one("#export-plan").text, "the plan")  # type: ignore[attr-defined]


async def viewer(app: MediatuiApp, pilot: Pilot[int], prompt: str = FILMS[1][0]) -> None:
    """A clip with its frames."""
    await film(app, prompt)
    await pilot.press("f")
    await until(lambda: isinstance(app.screen, ViewerScreen) and app.screen.still._rows, "the picture")
    await until(lambda: app.screen._strip is not None, "the frames")  # type: ignore[attr-defined]
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
    await until(lambda: isinstance(app.screen, ViewerScreen) and app.screen._peaks is not None, "the wave")
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


SCREENS: dict[str, Script] = {
    "library": library,
    "jobs": keys("t"),
    "detail": detail,
    "grid": grid,
    "details": keys("i"),
    "generate": generate,
    "export": export,
    "viewer": viewer,
    "player": player,
    "wave": wave,
    "compare": compare,
    "log": keys("L"),
    "clean": keys("C"),
    "disk": keys("f5"),
    "copy": keys("y"),
    "tags": keys("T"),
    "filter": keys("slash", *"model:video"),
    "themes": keys("f9"),
    "help": keys("question_mark"),
    "palette": keys("ctrl+p"),
    "welcome": keys("f3"),
}


async def home(app: MediatuiApp, pilot: Pilot[int]) -> None:
    """Back to the library as it was."""
    for _ in range(6):
        if app.screen is app.library:
            break
        await pilot.press("escape")
        await pilot.pause()
    media = app.library.media
    if media.gridded:  # type: ignore[attr-defined]
        await pilot.press("b")
    media.set_marks(set())
    await pilot.press("escape", "2")


async def shoot(size: tuple[int, int], names: set[str], everything: Path | None) -> None:
    """Every screen at one size."""
    async with running(size) as (app, pilot):
        if not await app.ask(app.studio.projects()):
            await first(app)
        await open_project(app, PROJECT)
        await until(lambda: any(i.save_state is SaveState.UNSAVED for i in app.library.shelf.items.values()), "unsaved")
        for name, script in SCREENS.items():
            full = f"{name}-{size[0]}x{size[1]}"
            if names and name not in names and full not in names:
                continue
            try:
                await script(app, pilot)
                await pilot.pause()
                keep(full, cells(app), everything)
            except Exception as exc:  # a screen that changed costs its own picture, and is told
                print(f"{full}: {type(exc).__name__} {exc}\n{words(app)[:600]}", file=sys.stderr)
            await home(app, pilot)


async def first(app: MediatuiApp) -> None:
    """The library, with a job that failed and an item that cannot be saved."""
    await fill(app)
    for prompt, fault in (
        ("Slow push through fog over a pine forest", "job-fails"),
        ("Storm light over the harbour", "always-broken-download"),
    ):
        await app.ask(app.studio.generate(GenerateRequest(prompt, (f"sandbox/faults/{fault}",), PROJECT)))


def keep(name: str, image: Image.Image, everything: Path | None) -> None:
    """Write it, in as few colours as do."""
    small = image.quantize(224, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    for folder, wanted in ((HERE, name in BEST), (everything, True)):
        if folder is not None and wanted:
            folder.mkdir(parents=True, exist_ok=True)
            small.save(folder / f"{name}.png", optimize=True)


def main() -> None:
    """Take the pictures named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write every picture there, too")
    parser.add_argument("--size", choices=[f"{columns}x{rows}" for columns, rows in SIZES])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    everything = options.all.resolve() if options.all else None
    with own_home():
        for size in SIZES:
            if options.size in (None, f"{size[0]}x{size[1]}"):
                asyncio.run(shoot(size, set(options.names), everything))


if __name__ == "__main__":
    main()
