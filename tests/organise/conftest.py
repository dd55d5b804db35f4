"""A library with real files, and a way to see all of it at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from mediatui.library.files import place
from mediatui.library.index import item_to_document, job_to_document, project_to_document
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare
from mediatui.locations import Locations
from mediatui.model import MediaItem, MediaType, SaveState
from mediatui.settings import Settings
from mediatui.studio.studio import Studio

Add = Callable[..., MediaItem]


def places(root: Path) -> Locations:
    return Locations(root / "data", root / "config" / "config.toml", root / "state", root / "cache")


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return places(tmp_path)


@pytest.fixture
def library(locations: Locations) -> Iterator[Library]:
    library = Library(locations)
    yield library
    library.close()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """A running studio on an empty library."""
    studio = Studio(Settings(sandbox=True), places(tmp_path))
    studio.start(follow=False)
    yield studio
    studio.stop()


def add_item(
    project: ProjectFolder, item_id: str, data: bytes | None = b"media", *, sidecar: bool = True, **fields: Any
) -> MediaItem:
    """An item as the product makes it; `data` None: without a file."""
    item = MediaItem(
        item_id,
        project.id,
        item_id,
        MediaType.VIDEO,
        provider="fal",
        model="fal-ai/kling",
        prompt=f"prompt of {item_id}",
        params={"duration": 5},
        url="https://example.com/x.mp4",
        save_state=SaveState.URL_ONLY,
        created_at=1_700_000_000.0 + sum(map(ord, item_id)),
    )
    if data is not None:
        part = project.folder / "parts" / f"{item_id}.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(data)
        path = place(part, project.folder / "videos" / f"AI-Video-{item_id}.mp4")
        item = replace(
            item,
            name=path.name,
            path=path.relative_to(project.folder).as_posix(),
            save_state=SaveState.SAVED,
            saved_at=1_700_000_100.0,
            file_size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            crc32=f"{crc32(data):08x}",
        )
    item = replace(item, **fields)
    if item.path and sidecar:
        project.write_sidecar(item)
    project.commit(items=[item])
    return item


def everything(library: Library) -> dict[str, Any]:
    """Every record as the disk has it, and every file outside trash, parts and indexes, by path."""
    seen: dict[str, Any] = {}
    for project_id in library.project_ids():
        folder = library.locations.projects / project_id
        project = ProjectFolder(folder)
        seen[f"{project_id}/record"] = project_to_document(project.record)
        seen.update({f"{project_id}/{i.id}": item_to_document(i) for i in project.items()})
        seen.update({f"{project_id}/job/{j.id}": job_to_document(j) for j in project.jobs()})
        assert not compare(project).missing
        project.close()
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.name.startswith("."):
                continue  # what a killed write left; a clean-up takes it away
            if path.is_file() and relative.parts[0] not in ("trash", "parts") and len(relative.parts) > 1:
                seen[f"{project_id}:{relative}"] = (path.read_bytes(), path.stat().st_mtime_ns)
    return seen


def without_times(seen: dict[str, Any]) -> dict[str, Any]:
    """The same without files' times: a record beside a file is written anew."""
    return {key: value[0] if isinstance(value, tuple) else value for key, value in seen.items()}
