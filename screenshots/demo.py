"""Make the animated demo: a prompt is written, made, looked at and played, by keys, in the real app.

    python screenshots/demo.py [FILE]

Writes an animated WebP of about twelve seconds. See make.py for the font.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from PIL import Image
from stage import FILMS, PROJECT, cells, fill, item_with, open_project, own_home, running, until
from textual.pilot import Pilot

from mediatui.model import SaveState
from mediatui.tui.app import MediatuiApp
from mediatui.tui.screens.viewer import ViewerScreen

SIZE = (104, 30)
SCALE = 1.0
PROMPT = "Neon city street at night in the rain, synthwave"
QUALITY = 80


class Film:
    """The frames, and how long each is seen."""

    def __init__(self, app: MediatuiApp) -> None:
        self._app = app
        self.frames: list[Image.Image] = []
        self.times: list[int] = []

    def take(self, milliseconds: int) -> None:
        """The screen as it is now."""
        image = cells(self._app)
        image = image.resize((int(image.width * SCALE), int(image.height * SCALE)), Image.Resampling.LANCZOS)
        if self.frames and image.tobytes() == self.frames[-1].tobytes():
            self.times[-1] += milliseconds
            return
        self.frames.append(image)
        self.times.append(milliseconds)

    def thin(self, start: int, most: int) -> None:
        """Keep no more than so many of the frames since `start`: a busy machine takes longer, the demo does not."""
        count = len(self.frames) - start
        if count > most:
            kept = [start + n * count // most for n in range(most)]
            self.frames = [*self.frames[:start], *(self.frames[n] for n in kept)]
            self.times = [*self.times[:start], *(min(self.times[n], 150) for n in kept)]

    def save(self, path: Path) -> None:
        """As an animated WebP."""
        first, *others = self.frames
        first.save(
            path, save_all=True, append_images=others, duration=self.times, loop=0,
            quality=QUALITY, method=4, kmax=24, minimize_size=False,
        )  # fmt: skip


async def play(app: MediatuiApp, pilot: Pilot[int]) -> Film:
    """The demo, step by step."""
    film = Film(app)
    await fill(app)
    await open_project(app, PROJECT)
    app.library.media.go_to(item_with(app, FILMS[0][0]))
    await until(lambda: app.library.details.key == item_with(app, FILMS[0][0]), "the details")
    await asyncio.sleep(1.5)
    await until(lambda: app.library.query_one("#picture")._rows, "the poster")  # type: ignore[attr-defined]
    await pilot.pause()
    film.take(1300)
    await write(app, pilot, film)
    await made(app, pilot, film)
    await watched(app, pilot, film)
    return film


async def write(app: MediatuiApp, pilot: Pilot[int], film: Film) -> None:
    """The prompt, key by key."""
    await pilot.press("n")
    await until(lambda: bool(app.screen.query("FieldLine")), "the form")
    await pilot.pause()
    film.take(500)
    for number, character in enumerate(PROMPT):
        await pilot.press("space" if character == " " else character)
        if number % 3 == 2:
            film.take(95)
    await pilot.pause()
    film.take(700)
    await pilot.press("ctrl+s")


async def made(app: MediatuiApp, pilot: Pilot[int], film: Film) -> None:
    """The job, until its clip lies on disk with its poster."""

    def item() -> bool:
        items = [each for each in app.library.shelf.items.values() if each.prompt == PROMPT]
        return bool(items) and items[0].save_state is SaveState.SAVED

    await until(lambda: app.screen is app.library, "the library")
    start = len(film.frames)
    while not item():
        await asyncio.sleep(0.3)
        film.take(110)
    film.thin(start, 20)
    app.library.media.go_to(item_with(app, PROMPT))
    await until(lambda: app.library.details.key == item_with(app, PROMPT), "the details")
    await until(lambda: app.library.query_one("#picture").path is not None, "the poster")  # type: ignore[attr-defined]
    await asyncio.sleep(0.4)
    await pilot.pause()
    film.take(1400)


async def watched(app: MediatuiApp, pilot: Pilot[int], film: Film) -> None:
    """On the whole screen, then playing."""
    await pilot.press("f")
    await until(lambda: isinstance(app.screen, ViewerScreen) and app.screen.material.strip is not None, "the frames")
    await asyncio.sleep(0.3)
    await pilot.pause()
    film.take(900)
    await pilot.press("space")
    player = app.screen.player  # type: ignore[attr-defined]
    await until(lambda: player.frames_shown > 1, "frames")
    for _ in range(32):
        shown = player.frames_shown
        await until(lambda shown=shown: player.frames_shown > shown or not player.playing, "the next frame")
        await asyncio.sleep(0.06)
        film.take(100)
    await pilot.press("escape")
    await until(lambda: app.screen is app.library, "the library")
    await pilot.pause()
    film.take(900)


async def run(path: Path) -> None:
    """Play it and write it."""
    async with running(SIZE) as (app, pilot):
        film = await play(app, pilot)
    film.save(path)
    print(f"{len(film.frames)} frames, {sum(film.times) / 1000:.1f} s, {path.stat().st_size / 1e6:.2f} MB")


def main() -> None:
    """Parse and make it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=Path(__file__).resolve().parent / "demo.webp")
    options = parser.parse_args()
    path = options.file.resolve()
    with own_home():
        asyncio.run(run(path))


if __name__ == "__main__":
    main()
