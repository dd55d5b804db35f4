"""Events of the studio, gathered: only the last progress of each job counts."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediatui.library.project import ProjectChange
from mediatui.studio.events import (
    Event,
    ExportProgress,
    HostAsked,
    ImportProgress,
    JobProgress,
    LibraryChanged,
    Notice,
    OrganiseProgress,
    ProjectsChanged,
    SaveProgress,
)


@dataclass(slots=True)
class Batch:
    """Everything the studio said since the interface last looked, in order where order matters."""

    changes: list[ProjectChange] = field(default_factory=list)
    jobs: dict[str, JobProgress] = field(default_factory=dict)
    saves: dict[str, SaveProgress] = field(default_factory=dict)
    exports: dict[str, ExportProgress] = field(default_factory=dict)
    imports: dict[str, ImportProgress] = field(default_factory=dict)
    organising: OrganiseProgress | None = None
    hosts: list[HostAsked] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    projects: bool = False
    """Projects appeared, vanished or were renamed."""

    def add(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case LibraryChanged():
                self.changes.append(event.change)
            case JobProgress():
                self.jobs[event.job_id] = event
            case SaveProgress():
                self.saves[event.item_id] = event
            case ExportProgress():
                self.exports[event.export_id] = event
            case ImportProgress():
                self.imports[event.import_id] = event
            case OrganiseProgress():
                self.organising = event
            case HostAsked():
                self.hosts.append(event)
            case Notice():
                self.notices.append(event)
            case ProjectsChanged():
                self.projects = True
