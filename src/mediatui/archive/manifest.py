"""The ``manifest.json`` of an export: what every file in it is, what is missing, and the records to restore it all.

format, version     "mediatui-export", 1; a reader refuses a higher version
mediatui, created_at    who wrote it, and when (seconds since the epoch)
project             the project's record
items[]             one for each file: `path` inside the archive, sha256, crc32 and file_size of the bytes
                    there, the common fields, and under `record` the item's whole record from the index
missing[]           id, name, reason, and the whole record, which never says that it is saved
jobs[]              the whole records of the project's jobs, with their request ids
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mediatui import __version__
from mediatui.archive.plan import ExportEntry, MissingEntry
from mediatui.library import index
from mediatui.library.index import item_to_document, job_to_document, project_to_document
from mediatui.model import Job, MediaItem, Project, SaveState, now

NAME = "manifest.json"
FORMAT = "mediatui-export"
VERSION = 1

_SHOWN = (
    *("id", "project", "name", "type", "role", "output_path", "provider", "model", "prompt", "params", "seed", "job"),
    *("url", "url_expires_at", "content_type", "duration", "width", "height", "fps", "created_at", "saved_at"),
    *("tags", "rating", "favourite", "notes"),
)


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it is in the archive; `differs` when the index expected other bytes."""

    entry: ExportEntry
    size: int
    sha256: str
    crc32: str
    differs: bool = False
    embedded: bool = False
    """The copy says how it was made, so its bytes are not the original's."""


def build_manifest(
    project: Project,
    written: Sequence[Written],
    missing: Sequence[MissingEntry],
    jobs: Mapping[str, Job],
) -> dict[str, Any]:
    """The manifest as plain JSON values. `jobs` are by id; all of them go in."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "schema": index.VERSION,
        "mediatui": __version__,
        "created_at": now(),
        "project": project_to_document(project),
        "items": [_item(one, jobs) for one in written],
        "missing": [_missing(one) for one in missing],
        "jobs": [job_to_document(job) for job in jobs.values()],
    }


def encode(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as the bytes of its file: indented UTF-8."""
    try:
        return (json.dumps(manifest, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
    except UnicodeEncodeError:  # a lone surrogate: escaped it is still JSON
        return (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode()


def _item(one: Written, jobs: Mapping[str, Job]) -> dict[str, Any]:
    item = one.entry.item
    record = item_to_document(item)
    entry: dict[str, Any] = {"path": one.entry.name} | {name: record[name] for name in _SHOWN}
    entry |= {
        "request_id": _request_id(item, jobs),
        "file_size": one.size,
        "sha256": one.sha256,
        "crc32": one.crc32,
    }
    if one.differs:
        entry["differs_from_index"] = True
    if one.embedded:
        entry["embedded"] = True
    return entry | {"record": record}


def _missing(one: MissingEntry) -> dict[str, Any]:
    item = one.item
    if item.save_state in (SaveState.SAVED, SaveState.SAVING):  # its bytes are not here, whatever the index says
        item = replace(item, save_state=SaveState.MISSING if item.path else SaveState.UNSAVED)
    return {"id": item.id, "name": item.name, "reason": one.reason, "record": item_to_document(item)}


def _request_id(item: MediaItem, jobs: Mapping[str, Job]) -> str | None:
    job = jobs.get(item.job) if item.job else None
    return job.remote_id if job else None
