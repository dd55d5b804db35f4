"""A studio on temporary places that talks to a scripted server, and ways to wait for what it does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.fal_server import FalServer

from mediatui.locations import Locations
from mediatui.model import Job, MediaItem
from mediatui.settings import ProviderSettings, Secret, Settings
from mediatui.studio.events import Event, Notice
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio
from mediatui.studio.transport import Patience

SECONDS = 20.0
KEY = "key-id:key-secret-never-shown"
QUICK = Patience(connect=2.0, read=2.0, behind=0.3, first_delay=0.01, longest_delay=0.05)


def places(root: Path) -> Locations:
    """The four places below one folder."""
    return Locations(root / "data", root / "config.toml", root / "state", root / "cache")


def settings_for(url: str, **changes: Any) -> Settings:
    """Settings that make `url` the fal provider."""
    options = {"queue_url": url, "run_url": f"{url}/run", "api_url": f"{url}/v1", "upload_url": url}
    provider = ProviderSettings("fal", Secret(KEY), options=options)
    return Settings(**{"poll_seconds": 0.05, "providers": {"fal": provider}, **changes})


@dataclass
class Workshop:
    """A studio and what it told."""

    studio: Studio
    locations: Locations
    events: list[Event] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.studio.subscribe(self._hear)

    def _hear(self, event: Event) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    @property
    def notices(self) -> list[Notice]:
        """What people were told."""
        return [event for event in self.events if isinstance(event, Notice)]

    def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Wait until something holds, looking again at every event."""
        found = None

        def holds() -> bool:
            nonlocal found
            found = condition()
            return bool(found)

        with self.changed:
            for _ in range(round(SECONDS / 0.05)):
                if holds():
                    return found
                self.changed.wait(0.05)  # another instance's doing has no event here
        raise AssertionError(f"never happened: {what or condition}")

    def send(self, *models: str, prompt: str = "a fox", project: str = "demo", **more: Any) -> list[Job]:
        """Generate; done when each job was answered."""
        request = GenerateRequest(prompt, models or ("fal-ai/test",), project, **more)
        return list(self.studio.generate(request).result(SECONDS))

    def make(self, *models: str, **more: Any) -> tuple[list[Job], list[MediaItem]]:
        """Generate and wait to the end; returns jobs and items as they are then."""
        jobs = self.send(*models, **more)
        ended = list(self.studio.wait([job.id for job in jobs]).result(SECONDS))
        return ended, self.items(jobs[0].project)

    def items(self, project: str = "demo") -> list[MediaItem]:
        """The project's items in the order they were made."""
        return list(reversed(self.studio.items(project)))

    def job(self, job_id: str) -> Job:
        """The job now."""
        found = self.studio.find_job(job_id)
        assert found is not None
        return found

    def project_folder(self, project: str = "demo") -> Path:
        """Where the project lies."""
        return self.locations.projects / project

    def file(self, item: MediaItem) -> bytes:
        """The bytes of a saved item."""
        path = self.studio.file_of(item)
        assert path is not None, item
        return path.read_bytes()

    def media_files(self, project: str = "demo") -> list[str]:
        """Names of media in the project's folders, without the records beside them."""
        folder = self.project_folder(project)
        found = [p for kind in ("videos", "images", "audio") for p in (folder / kind).glob("*")]
        return sorted(path.name for path in found if path.suffix != ".json")

    def part_files(self, project: str = "demo") -> list[str]:
        """What is left of downloads."""
        return sorted(path.name for path in (self.project_folder(project) / "parts").glob("*"))


def on_disk(locations: Locations, table: str, project: str = "demo") -> dict[str, dict[str, Any]]:
    """A table of a project's index as the lines on disk say it now."""
    found: dict[str, dict[str, Any]] = {}
    for line in (locations.projects / project / "index.jsonl").read_text("utf-8").splitlines():
        change = json.loads(line).get("tables", {}).get(table, {})
        found |= change.get("put", {})
        for key in change.get("del", ()):
            found.pop(key, None)
    return found


def open_studio(root: Path, server: FalServer, *, follow: bool = True, **changes: Any) -> Workshop:
    """A started studio on `root` that talks to `server`."""
    return open_with(root, settings_for(server.url, **changes), follow=follow)


def open_with(root: Path, settings: Settings, *, follow: bool = True) -> Workshop:
    """A started studio on `root` with settings of one's own."""
    locations = places(root)
    workshop = Workshop(Studio(settings, locations, QUICK), locations)
    workshop.studio.start(follow=follow)
    return workshop
