"""What the studio's parts share: settings, places, engine, pools, library, records and the event stream."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from mediatui.errors import MediatuiError, StorageError, UsageError
from mediatui.library.library import Library
from mediatui.library.project import ProjectChange, ProjectFolder
from mediatui.locations import Locations
from mediatui.settings import Settings
from mediatui.steplog import StepName, Steps
from mediatui.studio.advice import LOOK_AGAIN
from mediatui.studio.engine import DaemonPool, Engine
from mediatui.studio.events import Event, JobProgress, LibraryChanged, Notice, ProjectsChanged, SaveProgress
from mediatui.studio.instance import Instance
from mediatui.studio.records import Records
from mediatui.studio.transport import Patience

T = TypeVar("T")

PROGRESS_SECONDS = 0.1
"""At most one progress event in this time, per job and per item."""
MOST_LOGGED = 50
"""Items of one commit that are named in the step log."""
LOOK_SECONDS = 0.05
"""Between two looks at what another instance does, for somebody who waits for it."""


class Core:
    """The shared ground of the studio's parts."""

    def __init__(self, settings: Settings, locations: Locations, patience: Patience) -> None:
        self.settings, self.locations, self.patience = settings, locations, patience
        self.engine = Engine()
        self.steps = Steps(locations.log_file)
        self.instance = Instance(locations.instances)
        self.library = Library(locations, self._changed, self._projects_changed)
        self.records = Records(self.library, locations.spill, self._changed)
        self.record_pool = DaemonPool("mediatui-records", 2)
        self.save_pool = DaemonPool("mediatui-save", settings.concurrent_saves)
        self.work_pool = DaemonPool("mediatui-work", 3)
        self.job_progress: dict[str, JobProgress] = {}
        self.save_progress: dict[str, SaveProgress] = {}
        self._listeners: tuple[Callable[[Event], None], ...] = ()
        self._listener_lock = threading.Lock()
        self.registered = asyncio.Event()
        """Set on the engine once this process can be seen by others; nothing is recorded or claimed before."""

    # -- events

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` for every event, on the engine's thread, until the returned function is called."""
        with self._listener_lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._listener_lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def emit(self, event: Event) -> None:
        """Tell every listener soon; from any thread."""
        if isinstance(event, JobProgress):
            self.job_progress[event.job_id] = event
        self.engine.post(lambda: self._deliver(event))

    def report_save(self, project_id: str, item_id: str, received: int, total: int | None) -> None:
        """Tell how a save goes; from a save thread, at most ten times a second."""
        event = SaveProgress(project_id, item_id, received, total)
        self.save_progress[item_id] = event
        self.engine.post(lambda: self._deliver(event))

    def forget_progress(self, item_id: str) -> None:
        """A save is over: its last progress is of no more use."""
        self.save_progress.pop(item_id, None)

    def soon(self) -> asyncio.Task[None]:
        """A moment's pause, to look again at what another process does."""
        return self.engine.spawn(asyncio.sleep(LOOK_SECONDS), "soon")

    def _deliver(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as exc:  # a fence: a face that fails must not stop the core, nor other faces
                self._listeners = tuple(each for each in self._listeners if each is not listener)
                self.failed(exc)

    def _changed(self, change: ProjectChange) -> None:
        self.emit(LibraryChanged(change))
        if not change.foreign:
            self._log(change)

    def _log(self, change: ProjectChange) -> None:
        """What was recorded; a change of very many items (tags, a restored project) in one line."""
        if len(change.items) > MOST_LOGGED:
            self.steps.note(StepName.INDEX, project=change.project_id, detail=f"{len(change.items)} items changed")
        else:
            for item in change.items:
                self.steps.note(StepName.INDEX, item, outcome=item.save_state)
        for job in change.jobs[:MOST_LOGGED]:
            self.steps.note(StepName.INDEX, job, outcome=job.phase)

    def _projects_changed(self) -> None:
        self.emit(ProjectsChanged())

    def failed(self, error: BaseException) -> None:
        """A background task ended with an exception nobody expected: say so, with nothing secret in it."""
        self.emit(
            Notice(
                "error",
                "Something went wrong inside",
                f"a background task ended ({type(error).__name__}); nothing that was recorded is lost",
                f"{LOOK_AGAIN} or a restart goes on with it. `mediatui doctor` tells more.",
            )
        )

    # -- threads

    async def blocking(self, function: Callable[[], T]) -> T:
        """Run a blocking function in the record threads."""
        return await asyncio.wrap_future(self.record_pool.submit(function))

    async def working(self, function: Callable[[], T]) -> T:
        """Run a long blocking function (an export, a picture, a key command)."""
        return await asyncio.wrap_future(self.work_pool.submit(function))

    def in_records(self, function: Callable[[], T]) -> Future[T]:
        """Run a blocking function in the record threads, from any thread."""
        return self.record_pool.submit(function)

    # -- records

    def find(self, identifier: str, *, item: bool) -> ProjectFolder | None:
        """The opened project that has this item or job; answers from memory."""
        return next((p for p in self.library.open_projects() if self._knows(p, identifier, item)), None)

    async def locate(self, identifier: str, *, item: bool) -> ProjectFolder:
        """The project that has this item or job, opened if need be. Raises `UsageError`."""
        found = self.find(identifier, item=item) or await self.blocking(lambda: self._search(identifier, item))
        if found is None:
            kind, command = ("item", "list") if item else ("job", "jobs")
            raise UsageError(f"there is no {kind} {identifier}", hint=f"`mediatui {command}` shows them.")
        return found

    def _search(self, identifier: str, item: bool) -> ProjectFolder | None:
        for project_id in self.library.project_ids():
            with suppress(MediatuiError):
                project = self.library.open(project_id)
                with suppress(StorageError), project.transaction():
                    pass  # what another instance recorded a moment ago is known now
                if self._knows(project, identifier, item):
                    return project
        return None

    def _knows(self, project: ProjectFolder, identifier: str, item: bool) -> bool:
        find = self.records.find_item if item else self.records.find_job
        return find(project, identifier) is not None
