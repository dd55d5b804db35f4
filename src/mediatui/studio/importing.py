"""Imports: a plan first, then the project, with everything that was exported or that files say of themselves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mediatui.errors import MediatuiError
from mediatui.library.index import project_from_document
from mediatui.library.project import ProjectFolder
from mediatui.media.probe import probe, sniff
from mediatui.studio.core import Core
from mediatui.studio.events import ImportProgress
from mediatui.studio.history import Step
from mediatui.studio.organising import Organising
from mediatui.studio.steps import DeleteProjectStep, TrashStep, holdings
from mediatui.text import plural

if TYPE_CHECKING:
    from mediatui.archive.import_plan import ImportPlan
    from mediatui.archive.import_write import ImportReport


class Importing:
    """Plans and carries out imports, in the work threads. Methods return futures."""

    def __init__(self, core: Core, organise: Organising) -> None:
        self._core, self._organise = core, organise
        self._running: dict[str, threading.Event] = {}

    def stop(self) -> None:
        """Stop every import; what is imported stays."""
        for event in list(self._running.values()):
            event.set()

    def cancel(self, plan_id: str) -> None:
        """Stop one import; what is imported already stays."""
        if plan_id in self._running:
            self._running[plan_id].set()

    def plan(self, path: Path) -> Future[ImportPlan]:
        """What an import of a ZIP file or folder would bring."""

        def make() -> ImportPlan:
            from mediatui.archive.import_plan import plan_import

            return plan_import(path, sniff, self._core.locations.data, self._core.settings.max_file_bytes)

        return self._core.work_pool.submit(make)

    def run(self, plan: ImportPlan, project: str | None = None) -> Future[ImportReport]:
        """Carry a plan out; tells `ImportProgress`.

        Without `project` (an id or name, made when there is none) an export goes back into the project it
        was made of, if that is here, else into a new one. Can be taken back.
        """
        stop = self._running.setdefault(plan.id, threading.Event())

        def carry_out() -> ImportReport:
            try:
                return self._carry_out(plan, project, stop)
            finally:
                self._running.pop(plan.id, None)

        return self._core.work_pool.submit(carry_out)

    def _carry_out(self, plan: ImportPlan, wanted: str | None, stop: threading.Event) -> ImportReport:
        from mediatui.archive.import_write import Surroundings, write_import

        target, made = self._target(plan, wanted)
        others = [project for project in self._core.library.open_readable() if project.id != target.id]
        around = Surroundings(
            probe,
            lambda key: any(other.find_item(key) for other in others),
            lambda key: any(other.find_job(key) for other in others),
            self._core.settings.max_file_bytes,
        )
        imported: list[str] = []
        try:
            return write_import(plan, target, around, self._teller(plan.id), stop.is_set, imported)
        except MediatuiError:
            if made and not (target.items() or target.jobs()):
                self._core.library.delete(target.id)
                made = False
            raise
        finally:
            if made or imported:
                self._remember(target, made, imported)

    def _remember(self, target: ProjectFolder, made: bool, imported: Sequence[str]) -> None:
        """It can be taken back, also what a stopped or failed import brought."""
        items = TrashStep(self._core.library, target.id, tuple(imported), lenient=True)
        back: Step = items
        if made:
            instead = items if imported else None
            back = DeleteProjectStep(self._core.library, target.id, known=holdings(target), instead=instead)
        self._organise.remember(f"import {plural(len(imported), 'item')}", back, len(imported) or 1)

    def _target(self, plan: ImportPlan, wanted: str | None) -> tuple[ProjectFolder, bool]:
        library = self._core.library
        if wanted is not None:
            found = library.find(wanted)
            return (found, False) if found else (library.create(wanted), True)
        if plan.project is None or not isinstance(key := plan.project.get("id"), str):
            return library.create(plan.name), True
        record = project_from_document(plan.project, key)
        if key in library.project_ids():
            held = library.open(key)
            if held.record.created_at == record.created_at:
                return held, False
        # The identifier is made of the name a project gets first: so that it keeps its own, it is made with that.
        return library.create(key, record=replace(record, name=plan.name)), True

    def _teller(self, plan_id: str) -> _Teller:
        return _Teller(self._core, plan_id)


class _Teller:
    def __init__(self, core: Core, plan_id: str) -> None:
        self._core, self._plan_id = core, plan_id

    def __call__(self, files: int, total_files: int, size: int, total: int, current: str) -> None:
        self._core.emit(ImportProgress(self._plan_id, files, total_files, size, total, current))
