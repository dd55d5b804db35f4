"""The real app over a real studio and the sandbox, in a home of its own."""

from __future__ import annotations

import asyncio
import builtins
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from mediatui.library.library import Library
from mediatui.locations import Locations, find_locations
from mediatui.model import Job, MediaItem, MediaType, SaveState
from mediatui.settings import Settings
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio
from mediatui.studio.transport import Patience
from mediatui.tui.app import MediatuiApp
from mediatui.tui.screens.library import LibraryScreen
from mediatui.tui.terminal.capabilities import Capabilities
from mediatui.tui.widgets.bars import Bar

PATIENCE = 30.0
"""Seconds after which a condition counts as never coming."""

SHORT_PAUSES = Patience(first_delay=0.01, longest_delay=0.05)
PICTURE = "sandbox/text-to-image"
SMALL = {"image_size": "square", "num_images": 1}


async def until(ready: Callable[[], object], what: str = "") -> None:
    """Wait for a condition with a deadline."""
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, f"never came: {what or ready}"
        await asyncio.sleep(0.01)


@dataclass
class Session:
    """A running app."""

    app: MediatuiApp
    pilot: Pilot[int]

    @property
    def library(self) -> LibraryScreen:
        """Its library screen."""
        return self.app.library

    @property
    def items(self) -> list[MediaItem]:
        """The items of the open project."""
        return list(self.library.shelf.items.values())

    async def press(self, *keys: str) -> None:
        """Press keys, each once the one before it has had its effect."""
        for key in keys:
            self._send(key)
            await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type text into whatever has the focus, as fast as terminals hand over what is typed."""
        for letter in text:
            self._send(letter)
        await self.pilot.pause()

    def _send(self, key: str) -> None:
        letter = key if len(key) == 1 else None
        self.app.post_message(Key(key if letter is None else _character_to_key(letter), letter))

    async def generate(self, prompt: str = "a lighthouse", project: str = "demo", **more: Any) -> tuple[Job, ...]:
        """Have something made, through the studio, and wait until the list shows the end of it."""
        models = more.pop("models", (PICTURE,))
        studio = self.app.studio
        request = GenerateRequest(prompt, models, project, more.pop("params", SMALL), **more)
        jobs = await self.app.ask(studio.generate(request))
        await self.app.ask(studio.wait([job.id for job in jobs]))
        ids = {job.id for job in jobs}
        await until(lambda: any(s.name == project for s in self.library.summaries.values()), "the project")
        if self.library.project_id != jobs[0].project:
            await self.library.projects.open(jobs[0].project)
        await until(lambda: ids <= self.library.shelf.jobs.keys(), "the jobs")
        await until(lambda: {i.id: i for i in studio.items(jobs[0].project)} == self.library.shelf.items, "the items")
        return jobs

    async def open_demo(self) -> None:
        """Open the project of the fixture `pictures`."""
        await self.library.projects.open("demo")
        await until(lambda: len(self.items) == 2 and self.library.media.key, "the pictures")

    async def screen(self, kind: builtins.type[Any]) -> Any:
        """Wait for a screen of some class."""
        await until(lambda: isinstance(self.app.screen, kind), kind.__name__)
        return self.app.screen

    def status(self) -> str:
        """The library's status line."""
        return self.library.query_one("#status", Bar).text

    def title(self) -> str:
        """What stands over the library's media."""
        return self.library.query_one("#media-title", Bar).text

    def path_of(self, item: MediaItem) -> Path:
        """Where a saved item's file is."""
        path = self.app.studio.file_of(item)
        assert path is not None, item
        return path


def fill(environment: dict[str, str], count: int) -> None:
    """A project with items kept by URL."""
    library = Library(find_locations(Path(environment["MEDIATUI_DATA_DIR"])))
    project = library.create("Demo")
    base = MediaItem("", project.id, "n", MediaType.VIDEO, model="m/x", prompt="p", save_state=SaveState.URL_ONLY)
    items = [replace(base, id=f"{n:016x}-0", prompt=f"prompt number {n}", created_at=1e9 + n) for n in range(count)]
    project.commit(items=items)
    library.close()


Start = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locations:
    """Places of its own, and a terminal nobody knows anything about."""
    terminal = ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT", "TMUX", "DISPLAY", "WAYLAND_DISPLAY")
    for name in (*terminal, "FAL_KEY", "MEDIATUI_DATA_DIR", "MEDIATUI_CONFIG", "MEDIATUI_PLAYER"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for kind in ("data", "config", "state", "cache"):
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path / kind))
    return find_locations()


@pytest.fixture
def start(home: Locations, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Starts the app; ends it and its studio at the end of the block. Downloads pause shortly between tries."""
    monkeypatch.setattr("mediatui.studio.studio.Patience", lambda: SHORT_PAUSES)

    @asynccontextmanager
    async def run(
        size: tuple[int, int] = (120, 36),
        settings: Settings | None = None,
        ready: bool = True,
        capabilities: Capabilities | None = None,
    ) -> AsyncIterator[Session]:
        app = MediatuiApp(settings or Settings(poll_seconds=0.05), home, capabilities)
        try:
            async with app.run_test(size=size, notifications=True) as pilot:
                session = Session(app, pilot)
                if ready:
                    await until(lambda: app.has_studio and "Opening" not in app.library.media.empty, "the library")
                yield session
        finally:
            app.stop_studio()

    return run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of projects: "demo" with two pictures on disk, made once for all tests."""
    root = tmp_path_factory.mktemp("made")
    places = Locations(root / "data", root / "config.toml", root / "state", root / "cache")
    studio = Studio(Settings(poll_seconds=0.05), places)
    studio.start()
    try:
        for prompt in ("misty valley", "neon city"):
            jobs = studio.generate(GenerateRequest(prompt, (PICTURE,), "demo", SMALL)).result(PATIENCE)
            studio.wait([job.id for job in jobs]).result(PATIENCE)
        assert not studio.save([item.id for item in studio.items("demo")]).result(PATIENCE).failed
    finally:
        studio.stop()
    return places.projects


@pytest.fixture
def pictures(home: Locations, made: Path) -> None:
    """The project "demo" with "misty valley" and, later, "neon city"."""
    shutil.copytree(made, home.projects)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of its own and an ordinary terminal."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME", "PYTHONPATH")}
    places = {f"XDG_{kind.upper()}_HOME": str(tmp_path / kind) for kind in ("config", "state", "cache")}
    data = {"MEDIATUI_DATA_DIR": str(tmp_path / "data")}
    return {**kept, **places, **data, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
