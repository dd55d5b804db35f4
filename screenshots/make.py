"""Take pictures of every screen at three sizes: drive the real app on the sandbox and draw its cells.

    python screenshots/make.py [--size 100x30] [--to FOLDER] [name …]

They go below this folder, one folder for each size. Everything happens in a temporary home. The font is
DejaVu Sans Mono of the system, or the file named by MEDIATUI_SHOT_FONT.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from PIL import Image
from scenes import SCREENS
from stage import PROJECT, cells, furnish, open_project, own_home, running, until, words
from textual.pilot import Pilot

from mediatui.model import SaveState
from mediatui.tui.app import MediatuiApp

HERE = Path(__file__).resolve().parent
SIZES = ((160, 45), (100, 30), (60, 20))
FIRST = "first-start"
COLOURS = 128


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


async def shoot(size: tuple[int, int], names: set[str], folder: Path) -> None:
    """Every screen at one size."""
    async with running(size) as (app, pilot):
        if not await app.ask(app.studio.projects()):
            await furnish(app)
        await open_project(app, PROJECT)
        await until(lambda: any(i.save_state is SaveState.UNSAVED for i in app.library.shelf.items.values()), "unsaved")
        for name, script in SCREENS.items():
            if names and name not in names:
                continue
            try:
                await script(app, pilot)
                await pilot.pause()
                keep(folder, size, name, cells(app))
            except Exception as exc:  # a screen that changed costs its own picture, and is told
                print(f"{name} {size}: {type(exc).__name__} {exc}\n{words(app)[:600]}", file=sys.stderr)
            await home(app, pilot)


async def shoot_first(size: tuple[int, int], folder: Path) -> None:
    """The library of a home where nothing was made yet."""
    async with running(size) as (app, pilot):
        await pilot.pause()
        keep(folder, size, FIRST, cells(app))


def keep(folder: Path, size: tuple[int, int], name: str, image: Image.Image) -> None:
    """Write it, in as few colours as do."""
    place = folder / f"{size[0]}x{size[1]}"
    place.mkdir(parents=True, exist_ok=True)
    small = image.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(place / f"{name}.png", optimize=True)


def write_gallery(folder: Path) -> None:
    """A page with every picture there is."""
    sizes = [f"{columns}x{rows}" for columns, rows in SIZES]
    lines = ["# Every screen", "", "Made by `python screenshots/make.py`, on the sandbox.", ""]
    for name in (FIRST, *SCREENS):
        if (folder / sizes[0] / f"{name}.png").is_file():
            others = " · ".join(f"[{size}]({size}/{name}.png)" for size in sizes[1:])
            title = name.replace("-", " ").capitalize()
            lines += [f"## {title}", "", f"![{title}, {sizes[0]}]({sizes[0]}/{name}.png)", "", others, ""]
    (folder / "README.md").write_text("\n".join(lines), "utf-8")


def main() -> None:
    """Take the pictures named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=HERE, metavar="FOLDER", help="write them there")
    parser.add_argument("--size", choices=[f"{columns}x{rows}" for columns, rows in SIZES])
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    folder, names = options.to.resolve(), set(options.names)
    sizes = [size for size in SIZES if options.size in (None, f"{size[0]}x{size[1]}")]
    for size in sizes if not names or FIRST in names else ():
        with own_home():
            asyncio.run(shoot_first(size, folder))
    if names != {FIRST}:
        with own_home():
            for size in sizes:
                asyncio.run(shoot(size, names, folder))
    write_gallery(folder)


if __name__ == "__main__":
    main()
