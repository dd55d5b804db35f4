"""A library in a temporary place, and records to fill it with."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast
from zlib import crc32

import pytest
from tests.campaigns import store_states

from mediatui.library import journal_file
from mediatui.library.files import place
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.locations import Locations
from mediatui.model import Job, MediaItem, MediaType, SaveState

Saver = Callable[..., MediaItem]


@pytest.fixture
def locations(tmp_path: Path) -> Locations:
    return Locations(tmp_path / "data", tmp_path / "config.toml", tmp_path / "state", tmp_path / "cache")


@pytest.fixture
def library(locations: Locations) -> Iterator[Library]:
    library = Library(locations)
    yield library
    library.close()


@pytest.fixture
def project(library: Library) -> ProjectFolder:
    return library.create("Demo")


@pytest.fixture
def save() -> Saver:
    """Bring an item to disk in the order the product does: part, name, sidecar, index."""

    def save_item(project: ProjectFolder, item_id: str, data: bytes = b"media", *, created: float = 1.0) -> MediaItem:
        part = project.folder / "parts" / f"{item_id}.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(data)
        path = place(part, project.folder / "videos" / f"AI-Video-m-{item_id}.mp4")
        item = MediaItem(
            id=item_id,
            project=project.id,
            name=path.name,
            type=MediaType.VIDEO,
            provider="fal",
            model="m",
            prompt=f"prompt of {item_id}",
            path=path.relative_to(project.folder).as_posix(),
            url="https://example.com/x.mp4",
            save_state=SaveState.SAVED,
            file_size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            crc32=f"{crc32(data):08x}",
            created_at=created,
        )
        project.write_sidecar(item)
        project.commit(items=[item])
        return item

    return save_item


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory where there is one; whatever a campaign sets for compaction is taken back."""
    monkeypatch.setattr(journal_file, "COMPACT_FROM", journal_file.COMPACT_FROM)
    made = Path(tempfile.mkdtemp(dir=store_states.fast_folder()))
    yield made
    shutil.rmtree(made)


def an_item(item_id: str = "aaaa-0", *, created: float = 1.0, state: SaveState = SaveState.UNSAVED) -> MediaItem:
    return MediaItem(item_id, "demo", item_id, MediaType.VIDEO, created_at=created, save_state=state)


def a_job(job_id: str = "aaaa", *, created: float = 1.0) -> Job:
    return Job(job_id, "demo", "fal", "m", "prompt", created_at=created)


def key(text: str) -> int:
    """A document's key for TinyDB's declarations, which know numbers only; the journal's are words."""
    return cast("int", text)
