"""What the core tells a face. Immutable; delivered on the engine's thread, so a face only posts them on."""

from __future__ import annotations

from dataclasses import dataclass

from mediatui.library.project import ProjectChange
from mediatui.model import Phase


@dataclass(frozen=True, slots=True)
class LibraryChanged:
    """Records of one project changed on disk and in memory, by us or by another instance."""

    change: ProjectChange


@dataclass(frozen=True, slots=True)
class ProjectsChanged:
    """A project appeared, vanished or was renamed."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How a job goes; at most ten a second per job; not recorded on disk."""

    project_id: str
    job_id: str
    phase: Phase
    position: int | None = None
    fraction: float | None = None
    last_log: str = ""


@dataclass(frozen=True, slots=True)
class SaveProgress:
    """Bytes of an output as they arrive; at most ten a second per item."""

    project_id: str
    item_id: str
    received: int
    total: int | None


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export is."""

    export_id: str
    done_files: int
    total_files: int
    done_bytes: int
    total_bytes: int
    current: str = ""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is; at most ten a second."""

    import_id: str
    done_files: int
    total_files: int
    done_bytes: int
    total_bytes: int
    current: str = ""


@dataclass(frozen=True, slots=True)
class OrganiseProgress:
    """How far a verb on many items is, from half a second on; `label` is that of its `Undo`."""

    label: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class HostAsked:
    """An item is at a public host that is on no list: a person may allow it (`Studio.allow_host`)."""

    project_id: str
    item_id: str
    host: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know now. `severity` is ``information``, ``warning`` or ``error``."""

    severity: str
    title: str
    message: str
    hint: str = ""
    project_id: str | None = None
    item_id: str | None = None
    job_id: str | None = None


Event = (
    LibraryChanged
    | ProjectsChanged
    | JobProgress
    | SaveProgress
    | ExportProgress
    | ImportProgress
    | OrganiseProgress
    | HostAsked
    | Notice
)
