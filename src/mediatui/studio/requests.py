"""What a face asks of the studio, and what it gets back. Immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediatui.model import Job, MediaItem, Project, SavePolicy


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One prompt for one or more models; each model is its own job."""

    prompt: str
    models: tuple[str, ...]
    project: str
    """Id or name; created when there is none."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """In the schema's own types; sent to every model."""
    params_by_model: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """For one model only; wins over `params`."""
    save_policy: SavePolicy | None = None
    """None: the project's, else the settings'."""
    provider: str | None = None
    """None: the active one."""
    confirmed: bool = False
    """Somebody saw the price and wants it, also above the limit of the settings."""


@dataclass(frozen=True, slots=True)
class SaveReport:
    """What became of each item of a save or retry, by id."""

    saved: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    """Were saved before; nothing was done."""
    url_only: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    """Being saved by another window at this moment."""


@dataclass(frozen=True, slots=True)
class ProjectSnapshot:
    """An opened project as it is now. Items and jobs are newest first."""

    project: Project
    folder: Path
    items: tuple[MediaItem, ...]
    jobs: tuple[Job, ...]
    writable: bool = True
    notice: str = ""


@dataclass(frozen=True, slots=True)
class LibrarySnapshot:
    """All projects that can be read, as they are now. Items and jobs are those of one project after the other."""

    projects: Mapping[str, str]
    """Their names by identifier."""
    items: tuple[MediaItem, ...]
    jobs: tuple[Job, ...]
    notice: str = ""


@dataclass(frozen=True, slots=True)
class TrashedProject:
    """A project that went to the trash, and what went with it."""

    project_id: str
    name: str
    items: int
    bytes: int
    path: Path
