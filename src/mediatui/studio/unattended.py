"""Saves that nobody asked for: a finished job's outputs, what an earlier run left, and trying again later."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from mediatui.errors import MediatuiError, SaveErrorKind
from mediatui.library.project import ProjectFolder
from mediatui.library.trash import trash_items
from mediatui.model import Job, MediaItem, SavePolicy, SaveState, StorageFault, needs_saving
from mediatui.studio.advice import TRY_AGAIN, TRY_ALL_AGAIN
from mediatui.studio.core import Core
from mediatui.studio.events import Notice
from mediatui.studio.hosts import AllowedHosts
from mediatui.studio.save import Outcome
from mediatui.studio.turns import soonest_first
from mediatui.text import plural

AGAIN_SECONDS = (20.0, 60.0, 300.0, 1800.0)
"""Pauses before a save that failed for a reason that may pass is tried again by itself."""
ELSEWHERE_SECONDS = 10.0
"""Before it is looked again whether the window that saves an item did so, or died."""
UNRECORDED_SECONDS = 60.0
"""Before a save is tried again of which no disk took even the record."""
TELL_SECONDS = 0.3
"""Failures within this time are told together."""

_LOST = frozenset({SaveState.UNSAVED, SaveState.EXPIRED})

SaveOne = Callable[[ProjectFolder, str], Awaitable[Outcome]]


def _may_pass(kind: SaveErrorKind) -> bool:
    """Trying again later can help. A page in place of a file may be a gateway's; what it stands for may expire."""
    return kind.transient or kind.storage_blocked or kind in (SaveErrorKind.BAD_CONTENT, SaveErrorKind.IO)


@dataclass(frozen=True, slots=True)
class _Failure:
    project: ProjectFolder
    item: MediaItem
    fault: StorageFault
    trashed: bool = False


class Unattended:
    """Decides what is saved without being asked, and when it is tried again; on the engine's loop."""

    def __init__(
        self, core: Core, hosts: AllowedHosts, save_one: SaveOne, wished_pause: Callable[[str], float]
    ) -> None:
        self._core, self._hosts, self._save_one = core, hosts, save_one
        self._wished_pause = wished_pause
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tried: set[str] = set()
        self._next: dict[str, float] = {}
        self._untold: list[_Failure] = []
        self._first_try: set[str] = set()
        self._not_kept: Counter[str] = Counter()

    # -- what is going on

    def next_try(self, item_id: str) -> float | None:
        """When an item is tried again by itself (seconds since the epoch); None: it is not. From any thread."""
        return self._next.get(item_id)

    def minds(self, item_id: str) -> bool:
        """It is being saved, or will be tried again."""
        return item_id in self._tasks

    def goes_away(self, item: MediaItem) -> bool:
        """It is about to go to the trash: its first save failed, and that is how it is wanted."""
        fault = item.storage_error
        return item.id in self._first_try and item.save_state in _LOST and fault is not None and not fault.host

    def owes(self, project: ProjectFolder) -> bool:
        """Something of this project went to the trash, and that is still to be told."""
        return any(each.trashed and each.project is project for each in self._untold)

    def not_kept(self, job_id: str) -> int:
        """How many outputs of a job could not be saved and went to the trash in this run. From any thread."""
        return self._not_kept[job_id]

    def rest(self, item_ids: Iterable[str]) -> None:
        """Try these no more by itself: they are saved, or go away."""
        for item_id in item_ids:
            if (task := self._tasks.get(item_id)) is not None:
                task.cancel()

    def is_automatic(self, project: ProjectFolder, item: MediaItem) -> bool:
        """Its job's policy, else the project's, else the settings' one says that it is saved by itself."""
        job = self._job_of(project, item)
        policy = job.save_policy if job else project.record.save_policy or self._core.settings.save_policy
        return policy is SavePolicy.AUTOMATIC

    # -- what is begun

    def outputs_ready(self, project: ProjectFolder, items: Sequence[MediaItem]) -> None:
        """Save a finished job's outputs if its policy says so."""
        for item in soonest_first(items):
            if item.save_state is SaveState.UNSAVED and self.is_automatic(project, item):
                self._start(project, item.id)

    def take_over(self, project: ProjectFolder) -> None:
        """Save what nobody saves: what was to be saved when its window, or the whole machine, went down."""
        left = (item for item in self._core.records.items(project) if item.id not in self._tried)
        for item in soonest_first(item for item in left if self._is_left_over(project, item)):
            self._start(project, item.id)

    def _is_left_over(self, project: ProjectFolder, item: MediaItem) -> bool:
        if item.save_state is not SaveState.SAVING and not needs_saving(item):
            return False
        if item.save_state is SaveState.MISSING:
            return False  # somebody may have removed the file on purpose: that is asked for
        fault = item.storage_error
        if fault is not None and fault.host and not self._hosts.is_allowed(fault.host, item.id):
            return False  # a person was asked, and has not allowed the host
        job = self._job_of(project, item)
        if job is not None and self._core.instance.is_other(job.owner):
            return False
        # Somebody or something asked for an interrupted save, whatever the policy.
        return item.save_state is SaveState.SAVING or self.is_automatic(project, item)

    def _start(self, project: ProjectFolder, item_id: str) -> None:
        if item_id not in self._tasks:
            self._tried.add(item_id)
            task = self._core.engine.spawn(self._mind(project, item_id), f"save-{item_id}")
            self._tasks[item_id] = task
            task.add_done_callback(lambda _: self._forget(item_id))

    def _forget(self, item_id: str) -> None:
        self._first_try.discard(item_id)
        self._tasks.pop(item_id, None)
        self._next.pop(item_id, None)

    async def _mind(self, project: ProjectFolder, item_id: str) -> None:
        first = self._core.records.find_item(project, item_id)
        if first is not None and first.storage_error is None and not self._core.settings.keep_unsaved:
            self._first_try.add(item_id)
        told = False
        for pause in (*AGAIN_SECONDS, None):
            outcome = await self._tried_here(project, item_id)
            item = self._core.records.find_item(project, item_id)
            fault = item.storage_error if item else None
            if outcome not in (Outcome.FAILED, Outcome.URL_ONLY) or item is None or fault is None or fault.host:
                return
            if self.goes_away(item):
                await self._put_away(project, item, fault)
                return
            self._first_try.discard(item_id)
            again = pause is not None and _may_pass(fault.kind)
            if not told and (not again or not fault.kind.transient):
                self._tell(_Failure(project, item, fault))
                told = True
            if pause is None or not again:
                return
            await self._pause(item_id, max(pause, self._wished_pause(item_id)))

    async def _tried_here(self, project: ProjectFolder, item_id: str) -> Outcome:
        """What came of saving it, once that is known: nobody else does so, and what came of it could be recorded."""
        while True:
            outcome = await self._save_one(project, item_id)
            item = self._core.records.find_item(project, item_id)
            if outcome is Outcome.ELSEWHERE:
                await asyncio.sleep(ELSEWHERE_SECONDS)
            elif outcome is Outcome.FAILED and item is not None and item.save_state is SaveState.SAVING:
                await self._pause(item_id, UNRECORDED_SECONDS)
            else:
                return outcome

    async def _pause(self, item_id: str, seconds: float) -> None:
        self._next[item_id] = time.time() + seconds
        await asyncio.sleep(seconds)
        self._next.pop(item_id, None)

    # -- not kept

    async def _put_away(self, project: ProjectFolder, item: MediaItem, fault: StorageFault) -> None:
        """With ``keep_unsaved = false`` an output that could not be saved leaves the list: into the trash."""
        try:
            await self._core.blocking(lambda: trash_items(project, [item.id]))
        except MediatuiError as exc:
            self._core.emit(Notice("warning", exc.title, exc.message, "The item stays.", project_id=project.id))
            return
        self._not_kept[item.job or ""] += 1
        self._tell(_Failure(project, item, fault, trashed=True))

    # -- telling

    def _tell(self, failure: _Failure) -> None:
        """Say it soon, together with what else fails at the same moment."""
        self._untold.append(failure)
        if len(self._untold) == 1:
            asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell_all)

    def _tell_all(self) -> None:
        untold, self._untold = self._untold, []
        for trashed in (False, True):
            of_kind = [failure for failure in untold if failure.trashed is trashed]
            for project in dict.fromkeys(failure.project for failure in of_kind):
                self._tell_project(project, [each for each in of_kind if each.project is project], trashed)

    def _tell_project(self, project: ProjectFolder, failures: Collection[_Failure], trashed: bool) -> None:
        reasons = Counter(failure.fault.message for failure in failures)
        message = reasons.most_common(1)[0][0]
        if len(failures) > 1:
            others = f" and {plural(len(reasons) - 1, 'other reason')}" if len(reasons) > 1 else ""
            message = f"{plural(len(failures), 'item')}: {message}{others}"
        hint = f"The item is kept. {TRY_AGAIN} tries again, {TRY_ALL_AGAIN} all there are."
        if len(failures) > 1:
            hint = f"They are kept. {TRY_ALL_AGAIN} tries again."
        if trashed:
            hint = "save.keep_unsaved is off: it is in the project's trash, from where it can be restored."
        only = next(iter(failures)).item.id if not trashed else None
        self._core.emit(Notice("warning", "Not saved", message, hint, project_id=project.id, item_id=only))

    def _job_of(self, project: ProjectFolder, item: MediaItem) -> Job | None:
        return self._core.records.find_job(project, item.job) if item.job else None
