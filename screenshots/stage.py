"""What the picture makers share: a home of its own, a library somebody could have, and the app's cells as a picture."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from textual.pilot import Pilot

from mediatui.locations import find_locations
from mediatui.settings import Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.tui.app import MediatuiApp

FONT = Path(os.environ.get("MEDIATUI_SHOT_FONT", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"))
CELL_WIDTH, CELL_HEIGHT, FONT_SIZE = 10, 20, 16
PATIENCE = 60.0
PROJECT = "Launch film"

FILMS = (
    ("Misty mountain valley at sunset, slow drone shot, long lens, volumetric light", "ridges"),
    ("Neon city street at night in the rain, reflections, synthwave", "neon"),
    ("Ribbons of light drifting through a dark aurora sky", "flow"),
    ("Snow ridge at dawn, first sun on the peaks, wind over the crest", "ridges"),
    ("Embers rising over a lava field, glowing flow, macro", "flow"),
)
STILLS = ("Ocean cliffs in gold evening light, painterly", "Rose dusk over a quiet skyline, neon signs")
SOUND = "A calm pad in a minor key, slow swells"
GOING = "Harbour at blue hour, neon signs, gulls"
BUNDLE = "Downloads/mood-boards.zip"
"""An export, below the home folder."""
DRAFTS = ("Neon skyline, first try", "Cliffs, too dark")
FILTERS = {"best of": "rating:>=4", "this week": "made:<7d state:saved", "to save": "state:unsaved"}
BLOCKS = "▁▂▃▄▅▆▇█"


@contextmanager
def own_home() -> Iterator[None]:
    """A home folder that is thrown away: places read as ``~/.local/share/mediatui``."""
    with tempfile.TemporaryDirectory(prefix="mediatui-") as folder:
        for name in list(os.environ):
            if name.startswith(("XDG_", "MEDIATUI_")) or name.endswith("_KEY") or name in ("TMUX", "NO_COLOR"):
                del os.environ[name]
        os.environ.update(HOME=folder, TERM="xterm-256color", COLORTERM="truecolor")
        os.chdir(folder)
        yield


async def until(ready: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition; raises `TimeoutError` when it never comes."""
    end = time.monotonic() + patience
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"gave up waiting for {what}")
        await asyncio.sleep(0.03)


@asynccontextmanager
async def running(size: tuple[int, int]) -> AsyncIterator[tuple[MediatuiApp, Pilot[int]]]:
    """The app, with its library open."""
    app = MediatuiApp(Settings(poll_seconds=0.3), find_locations())
    try:
        async with app.run_test(size=size) as pilot:
            await until(lambda: app.has_studio and "Opening" not in app.library.media.empty, "the library")
            yield app, pilot
    finally:
        app.stop_studio()


async def fill(app: MediatuiApp) -> None:
    """Make a library."""
    requests = [
        GenerateRequest(prompt, ("sandbox/text-to-video",), PROJECT, {"scene": scene, "duration": 4, "seed": n})
        for n, (prompt, scene) in enumerate(FILMS)
    ]
    requests += [
        GenerateRequest(prompt, ("sandbox/text-to-image",), PROJECT, {"seed": n}) for n, prompt in enumerate(STILLS)
    ]
    requests.append(GenerateRequest(SOUND, ("sandbox/text-to-audio",), PROJECT, {"seed": 3}))
    requests.append(GenerateRequest(STILLS[0], ("sandbox/text-to-image",), "Mood boards", {"seed": 5}))
    for request in requests:
        jobs = await app.ask(app.studio.generate(request))
        await app.ask(app.studio.wait([job.id for job in jobs]))


async def furnish(app: MediatuiApp) -> None:
    """A library that was used: tags and stars, notes, a template, filters, an export, something in the trash."""
    await fill(app)
    organise = app.studio.organise
    await open_project(app, PROJECT)
    for prompt, fault in (
        ("Slow push through fog over a pine forest", "job-fails"),
        ("Storm light over the harbour", "always-broken-download"),
    ):
        await app.ask(app.studio.generate(GenerateRequest(prompt, (f"sandbox/faults/{fault}",), PROJECT)))
    best, second, third = (item_with(app, prompt) for prompt, _ in FILMS[:3])
    await app.ask(organise.rate([best], 5))
    await app.ask(organise.rate([third], 4))
    await app.ask(organise.favourite([best]))
    await app.ask(organise.tag([best, second], ("opening", "keep"), ()))
    await app.ask(organise.tag([third], ("keep",), ()))
    await app.ask(organise.note([best], "Opens the film. Grade it a little warmer, and hold the last frame."))
    await app.ask(organise.save_template("establishing shot", "{{place}} at {{hour}}, slow drone shot, {{lens=35 mm}}"))
    await app.ask(organise.save_template("product", "{{thing}} on a marble table, soft window light"))
    await remove(app)
    boards = next(each.id for each in await app.ask(app.studio.projects()) if each.name == "Mood boards")
    Path(BUNDLE).parent.mkdir(parents=True, exist_ok=True)
    plan = await app.ask(app.studio.plan_export(boards, Path(BUNDLE).resolve()))
    await app.ask(app.studio.export(plan))
    app.memory.filters.update(FILTERS)
    app.remember()
    await app.library.projects.refresh()


async def remove(app: MediatuiApp) -> None:
    """Make some things, and throw them away."""
    for prompt in DRAFTS:
        jobs = await app.ask(app.studio.generate(GenerateRequest(prompt, ("sandbox/text-to-image",), "Tests")))
        await app.ask(app.studio.wait([job.id for job in jobs]))
    tests = next(each.id for each in await app.ask(app.studio.projects()) if each.name == "Tests")
    for item in app.studio.items(tests):
        await app.ask(app.studio.organise.trash([item.id]))
    await app.ask(app.studio.generate(GenerateRequest(DRAFTS[0], ("sandbox/text-to-image",), "Old tests")))
    old = next(each.id for each in await app.ask(app.studio.projects()) if each.name == "Old tests")
    await app.ask(app.studio.wait([job.id for job in app.studio.jobs() if job.project == old]))
    await app.ask(app.studio.organise.delete_project(old))


async def open_project(app: MediatuiApp, name: str) -> None:
    """Open a project by its name."""
    found = next(each.id for each in await app.ask(app.studio.projects()) if each.name == name)
    await app.library.projects.open(found)
    await until(lambda: app.library.shelf.items, "the project's items")


def item_with(app: MediatuiApp, prompt: str) -> str:
    """The id of the item with a prompt."""
    return next(item.id for item in app.library.shelf.items.values() if item.prompt == prompt)


def cells(app: MediatuiApp) -> Image.Image:
    """The screen as a picture."""
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
            font = _font(bool(style and style.bold))
            for character in segment.text:
                across = cell_len(character)
                _draw_cell(pen, x, y, across, character, front, back, font)
                x += across
    return image


def words(app: MediatuiApp) -> str:
    """The screen as text."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@lru_cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    heavy = FONT.with_name(f"{FONT.stem}-Bold{FONT.suffix}")
    return ImageFont.truetype(heavy if bold and heavy.exists() else FONT, FONT_SIZE)


def _rgb(color: Color | None, default: tuple[int, int, int]) -> tuple[int, int, int]:
    return default if color is None or color.is_default else tuple(color.get_truecolor())  # type: ignore[return-value]


def _draw_cell(pen, x, y, across, character, front, back, font) -> None:  # type: ignore[no-untyped-def]
    left, top = x * CELL_WIDTH, y * CELL_HEIGHT
    right, bottom = left + across * CELL_WIDTH - 1, top + CELL_HEIGHT - 1
    middle, centre = top + CELL_HEIGHT // 2, left + CELL_WIDTH // 2
    pen.rectangle((left, top, right, bottom), fill=back)
    if character == "▀":
        pen.rectangle((left, top, right, middle - 1), fill=front)
    elif character == "▌":
        pen.rectangle((left, top, centre - 1, bottom), fill=front)
    elif character == "▐":
        pen.rectangle((centre, top, right, bottom), fill=front)
    elif character in BLOCKS:
        pen.rectangle((left, bottom + 1 - CELL_HEIGHT * (BLOCKS.index(character) + 1) // 8, right, bottom), fill=front)
    elif character in "─━":
        thick = 1 if character == "─" else 2
        pen.rectangle((left, middle - thick, right, middle + thick - 1), fill=front)
    elif character in "│┃":
        thick = 1 if character == "│" else 2
        pen.rectangle((centre - thick, top, centre + thick - 1, bottom), fill=front)
    elif character.strip():
        pen.text((left, middle), character, font=font, fill=front, anchor="lm")
