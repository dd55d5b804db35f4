"""Organising what was made: tags, names, moves, the trash, with undo; duplicates, clean-up, disk usage, prompts.

Reached as `Studio.organise`. Every verb runs on one thread of its own, one after the other, and returns a
future: of an `Undo` where something changed. Failures arrive as `MediatuiError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from mediatui.errors import StorageBlocked, UsageError
from mediatui.library.annotate import BEST, edits_for, noted, rated, renamed, retag
from mediatui.library.cleanup import CleanPlan, CleanRequest, plan_cleanup
from mediatui.library.duplicates import Duplicates, find_duplicates
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import is_there
from mediatui.library.trash import TrashEntry, empty_trash, trash_entries
from mediatui.library.usage import Usage, measure
from mediatui.model import MediaItem
from mediatui.studio.advice import TRY_ALL_AGAIN
from mediatui.studio.again import as_input, generate_again
from mediatui.studio.cleaning import CleanReport, clean, empty_all
from mediatui.studio.core import Core
from mediatui.studio.engine import DaemonPool
from mediatui.studio.events import OrganiseProgress
from mediatui.studio.history import History, Release, Several, Step, Undo
from mediatui.studio.prompts import UsedPrompt, prompt_history
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.steps import (
    CopyStep,
    DeleteProjectStep,
    DropJobsStep,
    EditStep,
    MadeProjectStep,
    MoveStep,
    RenameProjectStep,
    RestoreProjectStep,
    RestoreStep,
    TrashStep,
)
from mediatui.studio.templates import FOLDER, Template, Templates
from mediatui.text import one_line, plural


class Organising:
    """The verbs on items and projects, and this session's history of them."""

    def __init__(self, core: Core, release: Release) -> None:
        self._core, self._lib = core, core.library
        self._history = History(hear=lambda *how_far: core.emit(OrganiseProgress(*how_far)), release=release)
        self._pool = DaemonPool("mediatui-organise", 1)
        self._templates = Templates(core.locations.config_file.parent / FOLDER)

    def stop(self) -> None:
        """Take no more work; what is being done ends by itself."""
        self._pool.close()

    # -- history

    @property
    def next_undo(self) -> Undo | None:
        """What `undo` would take back; answers from memory."""
        return self._history.next_undo

    @property
    def next_redo(self) -> Undo | None:
        """What `redo` would do again; answers from memory."""
        return self._history.next_redo

    def undo(self) -> Future[Undo | None]:
        """Take back the last action of this session; None when there is none."""
        return self._pool.submit(self._history.undo)

    def redo(self) -> Future[Undo | None]:
        """Do again what was taken back last; None when there is nothing."""
        return self._pool.submit(self._history.redo)

    def remember(self, label: str, back: Step, count: int) -> Future[Undo]:
        """Something was done elsewhere that `back` takes back."""
        return self._pool.submit(lambda: self._history.remember(label, back, count))

    # -- what a person writes about items

    def tag(self, item_ids: Iterable[str], add: Sequence[str] = (), remove: Sequence[str] = ()) -> Future[Undo]:
        """Add and remove tags."""
        words = ", ".join((*add, *(f"-{tag}" for tag in remove)))
        return self._edit(item_ids, f"tag {{}} {one_line(words, 60)}", lambda item: retag(item, add, remove))

    def rate(self, item_ids: Iterable[str], rating: int | None) -> Future[Undo]:
        """Give 1 to 5, or take the rating away."""
        label = "unrate {}" if rating is None else f"rate {{}} {rating}"
        return self._edit(item_ids, label, lambda item: rated(item, rating))

    def rate_by(self, item_ids: Iterable[str], step: int) -> Future[Undo]:
        """Give each so many stars more, or fewer: at most 5, and below 1 none."""

        def change(item: MediaItem) -> MediaItem:
            return rated(item, max(0, min(BEST, (item.rating or 0) + step)) or None)

        return self._edit(item_ids, f"rate {{}} {step:+}", change)

    def favourite(self, item_ids: Iterable[str], on: bool | None = None) -> Future[Undo]:
        """Mark as favourites or not; None: all, or none when all are already."""
        ids = list(item_ids)

        def run() -> Undo:
            wanted = on if on is not None else not all(item.favourite for _, item in self._locate(ids))
            label = "favourite {}" if wanted else "no favourite {}"
            return self._edit_now(ids, label, lambda item: replace(item, favourite=wanted))

        return self._pool.submit(run)

    def note(self, item_ids: Iterable[str], notes: str) -> Future[Undo]:
        """Write notes; an empty text removes them."""
        return self._edit(item_ids, "notes of {}", lambda item: noted(item, notes))

    def rename(self, item_id: str, name: str) -> Future[Undo]:
        """Give an item another name; its file keeps its own."""
        return self._edit([item_id], "rename {}", lambda item: renamed(item, name))

    # -- where items are

    def trash(self, item_ids: Iterable[str]) -> Future[Undo]:
        """Move items and their files to their projects' trash."""
        return self._per_project(item_ids, "trash", lambda p, ids: TrashStep(self._lib, p, ids))

    def restore(self, project_id: str, entry_id: str) -> Future[Undo]:
        """Bring an entry of a project's trash back."""
        return self._do("restore", lambda: RestoreStep(self._lib, project_id, entry_id))

    def move(self, item_ids: Iterable[str], project: str) -> Future[Undo]:
        """Move items with their files to a project, by id or name; it is created when there is none."""
        return self._bring(
            item_ids, project, "move", lambda source, target, ids: MoveStep(self._lib, source, target, ids)
        )

    def copy(self, item_ids: Iterable[str], project: str) -> Future[Undo]:
        """Copy items with their files to a project, by id or name; it is created when there is none."""
        return self._bring(
            item_ids, project, "copy", lambda source, target, ids: CopyStep(self._lib, source, target, ids)
        )

    def rename_project(self, project_id: str, name: str) -> Future[Undo]:
        """Give a project another name; its folder keeps its own."""
        label = f"rename the project to {one_line(name, 40)}"
        return self._do(label, lambda: RenameProjectStep(self._lib, project_id, name))

    def delete_project(self, project_id: str) -> Future[Undo]:
        """Move a project to the trash of the data directory."""

        def run() -> Undo:
            label = f"delete the project {one_line(self._lib.open(project_id).record.name, 40)}"
            return self._history.do(label, DeleteProjectStep(self._lib, project_id))

        return self._pool.submit(run)

    def restore_project(self, path: Path) -> Future[Undo]:
        """Bring a deleted project back from the trash."""
        return self._do("restore a project", lambda: RestoreProjectStep(self._lib, path))

    def drop_jobs(self, job_ids: Mapping[str, Sequence[str]]) -> Future[Undo]:
        """Take ended jobs off the list; they are given by project."""
        steps = [DropJobsStep(self._lib, project_id, tuple(ids)) for project_id, ids in job_ids.items()]
        label = f"dismiss {plural(sum(map(len, job_ids.values())), 'job')}"
        return self._do(label, lambda: Several(steps))

    # -- the trash screen

    def trashed(self, project_id: str | None = None) -> Future[tuple[TrashEntry, ...]]:
        """What can be brought back in one or all projects, the latest first."""

        def look() -> tuple[TrashEntry, ...]:
            found = [entry for project in self._projects(project_id) for entry in trash_entries(project)]
            return tuple(sorted(found, key=lambda entry: entry.time, reverse=True))

        return self._core.work_pool.submit(look)

    def deleted_projects(self) -> Future[tuple[Path, ...]]:
        """Deleted projects that can be restored, the latest first."""
        return self._core.work_pool.submit(self._lib.trashed)

    def empty_trash(self, project_id: str | None = None, *, entry_ids: Sequence[str] | None = None) -> Future[int]:
        """Remove what is in the trash for good: of one project (or some entries), or of all with deleted projects.

        Returns the bytes freed. Cannot be taken back: ask first.
        """
        return self._pool.submit(
            lambda: empty_all(
                self._lib, self._projects(project_id), entry_ids, () if project_id else self._lib.trashed()
            )
        )

    def erase(self, entry_ids: Collection[str], projects: Collection[Path]) -> Future[int]:
        """Remove just these entries and deleted projects for good, of whatever project; those that are not there
        any more are passed over. Returns the bytes freed. Cannot be taken back: ask first.
        """

        def remove() -> int:
            freed = 0
            for project in self._projects(None):
                held = [entry.id for entry in trash_entries(project) if entry.id in entry_ids]
                freed += empty_trash(project, held) if held else 0
            paths = [path for path in self._lib.trashed() if path in projects]
            return freed + (self._lib.empty_trash(paths) if paths else 0)

        return self._pool.submit(remove)

    def erase_project(self, path: Path) -> Future[int]:
        """Remove one deleted project for good; returns the bytes freed. Cannot be taken back: ask first."""
        return self._pool.submit(lambda: self._lib.empty_trash([path]))

    # -- looking for what could go

    def duplicates(self, project_id: str | None = None) -> Future[tuple[Duplicates, ...]]:
        """Items with equal bytes in one or all projects, those that take most first."""
        return self._core.work_pool.submit(lambda: find_duplicates(self._projects(project_id)))

    def usage(self) -> Future[Usage]:
        """Disk usage per project, model, month and type."""
        return self._core.work_pool.submit(lambda: measure(self._projects(None), self._core.locations.trash))

    def plan_clean(self, request: CleanRequest) -> Future[CleanPlan]:
        """What a clean-up would remove; changes nothing."""

        def plan() -> CleanPlan:
            projects = self._projects(None)
            if request.projects is not None:
                projects = tuple(self._lib.open(project_id) for project_id in request.projects)
            return plan_cleanup(request, projects, self._lib.trashed())

        return self._core.work_pool.submit(plan)

    def clean(self, plan: CleanPlan) -> Future[CleanReport]:
        """Carry a plan out: to the trash (can be taken back), and what is final for good."""
        return self._pool.submit(lambda: clean(plan, self._lib, self._history))

    # -- making again

    def again(self, reference: str, *, keep_seed: bool = True) -> GenerateRequest:
        """The request that made an item or job of an opened project; without its seed to vary it."""
        for is_item in (True, False):
            project = self._core.find(reference, item=is_item)
            if project is not None:
                find = self._core.records.find_item if is_item else self._core.records.find_job
                made = find(project, reference)
                if made is not None:
                    return generate_again(made, keep_seed=keep_seed)
        raise UsageError(f"there is no item or job {reference}")

    def as_input(self, item_id: str) -> Future[str]:
        """What to put into a media input to start from an item: a ``data:`` URI or its address."""

        def read() -> str:
            project, item = self._locate([item_id])[0]
            return as_input(item, project.path_of(item.path) if item.path and is_there(project, item) else None)

        return self._core.work_pool.submit(read)

    def prompts(self, search: str = "", project_id: str | None = None) -> Future[tuple[UsedPrompt, ...]]:
        """Prompts of one or all projects with every word of `search`, the latest first, at most `prompts.LIMIT`."""

        def look() -> tuple[UsedPrompt, ...]:
            jobs = [job for project in self._projects(project_id) for job in self._core.records.jobs(project)]
            return prompt_history(jobs, search)

        return self._core.work_pool.submit(look)

    # -- prompt templates

    def templates(self) -> Future[tuple[Template, ...]]:
        """The prompt templates, by name."""
        return self._core.work_pool.submit(self._templates.all)

    def save_template(self, name: str, text: str, model: str = "", *, replace: bool = False) -> Future[Template]:
        """Keep a prompt template."""
        return self._core.work_pool.submit(lambda: self._templates.save(name, text, model, replace=replace))

    def delete_template(self, name: str) -> Future[Template]:
        """Remove a prompt template; returns it."""
        return self._core.work_pool.submit(lambda: self._templates.delete(name))

    def fill_template(self, name: str, values: Mapping[str, str]) -> Future[str]:
        """The prompt a template makes with these values."""
        return self._core.work_pool.submit(lambda: self._templates.get(name).fill(values))

    # -- inside

    def _do(self, label: str, make: Callable[[], Step]) -> Future[Undo]:
        return self._pool.submit(lambda: self._history.do(label, make()))

    def _edit(self, item_ids: Iterable[str], label: str, change: Callable[[MediaItem], MediaItem]) -> Future[Undo]:
        ids = list(item_ids)
        return self._pool.submit(lambda: self._edit_now(ids, label, change))

    def _edit_now(self, ids: Sequence[str], label: str, change: Callable[[MediaItem], MediaItem]) -> Undo:
        found = self._locate(ids)
        steps = []
        for project_id, members in _grouped(found):
            project = self._lib.open(project_id)
            edits = edits_for([project.item(item_id) for item_id in members], change)
            steps.append(EditStep(self._lib, project_id, edits))
        return self._history.do(label.format(_named(found)), Several(steps))

    def _per_project(
        self, item_ids: Iterable[str], verb: str, make: Callable[[str, tuple[str, ...]], Step]
    ) -> Future[Undo]:
        ids = list(item_ids)

        def run() -> Undo:
            found = self._locate(ids)
            return self._history.do(f"{verb} {_named(found)}", Several([make(p, m) for p, m in _grouped(found)]))

        return self._pool.submit(run)

    def _bring(
        self, item_ids: Iterable[str], reference: str, verb: str, make: Callable[[str, str, tuple[str, ...]], Step]
    ) -> Future[Undo]:
        ids = list(item_ids)

        def run() -> Undo:
            found = self._locate(ids)
            target = self._lib.find(reference)
            made = target is None
            target = target or self._lib.create(reference)
            if verb == "move" and not (found := [pair for pair in found if pair[0].id != target.id]):
                raise UsageError(f"they are in {target.record.name} already")
            steps: list[Step] = [MadeProjectStep(self._lib, target.id)] if made else []
            steps += [make(source, target.id, members) for source, members in _grouped(found)]
            return self._history.do(f"{verb} {_named(found)} to {target.record.name}", Several(steps))

        return self._pool.submit(run)

    def _locate(self, ids: Sequence[str]) -> list[tuple[ProjectFolder, MediaItem]]:
        """The items with their projects, in the order asked for. Raises `UsageError`."""
        if not ids:
            raise UsageError("no items were named")
        if self._core.records.waiting():
            self._core.records.bring_home()
        return [self._find(item_id) for item_id in dict.fromkeys(ids)]

    def _find(self, item_id: str) -> tuple[ProjectFolder, MediaItem]:
        project = self._core.find(item_id, item=True)
        if project is None:
            project, item = self._lib.locate_item(item_id)
            return project, item
        held = project.find_item(item_id)
        waiting = self._core.records.find_item(project, item_id)
        if held is None or waiting is not held:
            raise StorageBlocked(
                f"the disk of {project.record.name} refuses changes now", hint=f"Free some space, then {TRY_ALL_AGAIN}."
            )
        return project, held

    def _projects(self, project_id: str | None) -> tuple[ProjectFolder, ...]:
        """One project, or all that can be opened."""
        return self._lib.open_readable() if project_id is None else (self._lib.open(project_id),)


def _grouped(found: Sequence[tuple[ProjectFolder, MediaItem]]) -> list[tuple[str, tuple[str, ...]]]:
    groups: dict[str, list[str]] = {}
    for project, item in found:
        groups.setdefault(project.id, []).append(item.id)
    return [(project_id, tuple(members)) for project_id, members in groups.items()]


def _named(found: Sequence[tuple[ProjectFolder, MediaItem]]) -> str:
    name = one_line(found[0][1].name, 40).replace("{", "").replace("}", "")
    return name if len(found) == 1 else plural(len(found), "item")
