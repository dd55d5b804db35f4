"""Make the pictures of this folder: drive the real app on the sandbox and draw its cells.

    python screenshots/make.py [name …]

Everything happens in a temporary directory. The cells are drawn with Pillow and a monospaced font of the
system (DejaVu Sans Mono, or the file named by MEDIATUI_SHOT_FONT).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from textual.pilot import Pilot

from mediatui.locations import find_locations
from mediatui.model import SaveState
from mediatui.settings import Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.tui.app import MediatuiApp

HERE = Path(__file__).resolve().parent
FONT = Path(os.environ.get("MEDIATUI_SHOT_FONT", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"))
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 12, 24, 19
PATIENCE = 180.0

FILMS = (
    ("Misty mountain valley at sunset, slow drone shot, long lens, volumetric light", "ridges"),
    ("Neon city street at night in the rain, reflections, synthwave", "neon"),
    ("Ribbons of light drifting through a dark aurora sky", "flow"),
    ("Snow ridge at dawn, first sun on the peaks, wind over the crest", "ridges"),
    ("Embers rising over a lava field, glowing flow, macro", "flow"),
)
STILLS = ("Ocean cliffs in gold evening light, painterly", "Rose dusk over a quiet skyline, neon signs")
SOUND = "A calm pad in a minor key, slow swells"


async def until(ready: Callable[[], bool], what: str) -> None:
    """Wait for a condition; fails loudly when it never comes."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting for {what}")
        await asyncio.sleep(0.05)


def draw(app: MediatuiApp, target: Path) -> None:
    """The screen as a picture."""
    regular = ImageFont.truetype(FONT, FONT_SIZE)
    bold_file = FONT.with_name(f"{FONT.stem}-Bold{FONT.suffix}")
    bold = ImageFont.truetype(bold_file, FONT_SIZE) if bold_file.exists() else regular
    background = app.screen.styles.background.rgb
    width, height = app.size
    image = Image.new("RGB", (width * CELL_WIDTH, height * CELL_HEIGHT), background)
    pen = ImageDraw.Draw(image)
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            style = segment.style
            front = _rgb(style.color if style else None, (220, 220, 220))
            back = _rgb(style.bgcolor if style else None, background)
            if style and style.reverse:
                front, back = back, front
            for character in segment.text:
                cells = cell_len(character)
                _draw_cell(pen, x, y, cells, character, front, back, bold if style and style.bold else regular)
                x += cells
    image.save(target, optimize=True)


def _rgb(color: Color | None, default: tuple[int, int, int]) -> tuple[int, int, int]:
    return default if color is None or color.is_default else tuple(color.get_truecolor())  # type: ignore[return-value]


def _draw_cell(pen, x, y, cells, character, front, back, font) -> None:  # type: ignore[no-untyped-def]
    left, top = x * CELL_WIDTH, y * CELL_HEIGHT
    right, bottom = left + cells * CELL_WIDTH - 1, top + CELL_HEIGHT - 1
    middle = top + CELL_HEIGHT // 2
    pen.rectangle((left, top, right, bottom), fill=back)
    if character == "▀":
        pen.rectangle((left, top, right, middle - 1), fill=front)
    elif character == "▌":
        pen.rectangle((left, top, left + CELL_WIDTH // 2 - 1, bottom), fill=front)
    elif character in "─━":
        thick = 1 if character == "─" else 2
        pen.rectangle((left, middle - thick, right, middle + thick - 1), fill=front)
    elif character.strip():
        pen.text((left, middle), character, font=font, fill=front, anchor="lm")


async def fill(app: MediatuiApp) -> None:
    """A library somebody could have."""
    studio = app.studio
    requests = [
        GenerateRequest(prompt, ("sandbox/text-to-video",), "Launch film", {"scene": scene, "duration": 4, "seed": n})
        for n, (prompt, scene) in enumerate(FILMS)
    ]
    requests += [
        GenerateRequest(prompt, ("sandbox/text-to-image",), "Launch film", {"seed": n})
        for n, prompt in enumerate(STILLS)
    ]
    requests.append(GenerateRequest(SOUND, ("sandbox/text-to-audio",), "Launch film", {"seed": 3}))
    requests.append(GenerateRequest(STILLS[0], ("sandbox/text-to-image",), "Mood boards", {}))
    for request in requests:
        jobs = await app.ask(studio.generate(request))
        await app.ask(studio.wait([job.id for job in jobs]))
    await app.ask(
        studio.generate(
            GenerateRequest("Slow push through fog over a pine forest", ("sandbox/faults/job-fails",), "Launch film")
        )
    )
    broken = GenerateRequest("Storm light over the harbour", ("sandbox/faults/always-broken-download",), "Launch film")
    await app.ask(studio.generate(broken))


async def shoot(names: set[str], size: tuple[int, int], suffix: str, script: Callable[..., Awaitable[None]]) -> None:
    """Run a script against the app of one size over the shared library."""
    locations = find_locations(Path(os.environ["MEDIATUI_DATA_DIR"]))
    app = MediatuiApp(Settings(poll_seconds=0.3), locations)
    async with app.run_test(size=size) as pilot:
        await until(lambda: app.has_studio and bool(app.library.summaries or app.library.media.empty), "the library")

        async def take(name: str) -> None:
            await pilot.pause()
            if not names or name in names:
                draw(app, HERE / f"{name}{suffix}.png")

        await script(app, pilot, take)
    app.stop_studio()


async def wide(app: MediatuiApp, pilot: Pilot[int], take: Callable[[str], Awaitable[None]]) -> None:
    """Everything once, on a large terminal."""
    library = app.library
    await fill(app)
    found = next(s.id for s in await app.ask(app.studio.projects()) if s.name == "Launch film")
    await library.projects.open(found)
    await until(lambda: any(i.save_state is SaveState.UNSAVED for i in library.shelf.items.values()), "an unsaved item")
    await app.ask(
        app.studio.generate(
            GenerateRequest(
                "Harbour at blue hour, neon signs, gulls", ("sandbox/text-to-video",), "Launch film", {"duration": 12}
            )
        )
    )
    await until(lambda: any((library.going(j).fraction or 0) > 0.3 for j in library.shelf.jobs), "progress")
    library._said_enough()
    library.media.go_to(next(i.id for i in library.shelf.items.values() if i.prompt == FILMS[0][0]))
    await posters(app)
    await until(lambda: library.query_one("#banner").display, "the banner")
    await take("library")
    await pilot.press("t")
    await take("jobs")
    await pilot.press("escape", "n")
    await until(lambda: bool(app.screen.query("FieldLine")), "the form")
    await pilot.press(*"Lighthouse in a storm, waves breaking, 35 mm film")
    await take("generate")
    await pilot.press("escape", "x")
    await until(lambda: bool(app.screen.query_one("#export-plan").text), "the plan")
    await take("export")
    await pilot.press("escape", "question_mark")
    await take("help")
    await pilot.press("escape", "y")
    await take("copy")
    await pilot.press("escape", "enter")
    await take("details")
    await pilot.press("escape")


async def small(app: MediatuiApp, pilot: Pilot[int], take: Callable[[str], Awaitable[None]]) -> None:
    """The library on a smaller terminal."""
    await until(lambda: bool(app.library.shelf.items), "items")
    app.library.media.go_to(next(i.id for i in app.library.shelf.items.values() if i.prompt == FILMS[1][0]))
    await posters(app)
    await take("library")
    await pilot.press("3")
    await take("detail")
    await pilot.press("n")
    await until(lambda: bool(app.screen.query("FieldLine")), "the form")
    await take("generate")
    await pilot.press("escape")


async def posters(app: MediatuiApp) -> None:
    """Wait until the poster of the row under the cursor is drawn."""
    library = app.library
    await until(lambda: library.details.key == library.media.key, "the details")
    picture = library.query_one("#picture")
    if library.query_one("#detail-pane").display:
        await until(lambda: bool(picture._rows), "the poster")  # type: ignore[attr-defined]


def main() -> None:
    """Take the pictures named, or all."""
    names = set(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="mediatui-") as folder:
        os.chdir(folder)
        os.environ.update(
            MEDIATUI_DATA_DIR=f"{folder}/data", XDG_STATE_HOME=f"{folder}/state", XDG_CACHE_HOME=f"{folder}/cache"
        )
        asyncio.run(shoot(names, (160, 45), "", wide))
        asyncio.run(shoot(names, (100, 30), "-100x30", small))
        asyncio.run(shoot(names, (60, 20), "-60x20", small))


if __name__ == "__main__":
    main()
