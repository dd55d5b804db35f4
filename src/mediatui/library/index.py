"""Records as TinyDB documents and back. The documents are what the index, the sidecars and `--json` hold.

Fields that this version does not know are carried through in a record's `extra` and stored beside the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from mediatui.errors import ErrorKind, SaveErrorKind
from mediatui.library.fields import Fields, json_clean
from mediatui.library.plain_items import read_plain
from mediatui.library.record import Doc, Unreadable, encode, parse, verify
from mediatui.library.replay import Schema, Upcaster
from mediatui.model import (
    Job,
    JobFault,
    MediaItem,
    MediaType,
    Phase,
    Project,
    SavePolicy,
    SaveState,
    StorageFault,
)
from mediatui.text import clean_text

VERSION = 1
"""The version of the documents written; a file with a higher one is opened read-only."""

UPCASTERS: dict[int, Upcaster] = {}
"""How to read documents of earlier versions: each turns version n into n + 1, and may be applied twice."""

SCHEMA = Schema(VERSION, ("project", "items", "jobs"), UPCASTERS)
PROJECT_KEY = "project"
"""The identifier of the single document in the table ``project``."""

Note = Callable[[str], None]
_ITEM_FIELDS = frozenset(field.name for field in fields(MediaItem)) - {"extra"}
_JOB_FIELDS = frozenset(field.name for field in fields(Job)) - {"extra"}
_PROJECT_FIELDS = frozenset(field.name for field in fields(Project)) - {"extra"}
_TYPES = {kind.value: kind for kind in MediaType}
_STATES = {state.value: state for state in SaveState}
_PHASES = {phase.value: phase for phase in Phase}
_POLICIES = {policy.value: policy for policy in SavePolicy}
_FAULTS = {kind.value: kind for kind in SaveErrorKind}
_ERRORS = {kind.value: kind for kind in ErrorKind}
_BY_FOLDER = {kind.folder: kind for kind in MediaType}
_BY_ENDING = {
    **dict.fromkeys(("mp4", "webm", "mov", "mkv", "avi", "m4v", "gif"), MediaType.VIDEO),
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "avif", "bmp", "tiff", "svg"), MediaType.IMAGE),
    **dict.fromkeys(("wav", "mp3", "flac", "ogg", "opus", "m4a", "aac"), MediaType.AUDIO),
}


def silent(_trouble: str) -> None:
    """A `Note` for callers that have told about this document before."""


def item_to_document(item: MediaItem) -> Doc:
    """The item as it is stored and printed: every field, JSON's own types only."""
    doc = _document(item, _ITEM_FIELDS)
    fault = item.storage_error
    doc["storage_error"] = fault and {
        "kind": fault.kind.value,
        "message": fault.message,
        "time": fault.time,
        "attempts": fault.attempts,
        **({"host": fault.host} if fault.host else {}),
    }
    return doc


def item_from_document(doc: Mapping[str, Any], project: str, key: str, note: Note = silent) -> MediaItem:
    """The item a document describes, filed under `key` in a project; `note` hears of values that were no use."""
    return read_plain(doc, project, key) or _read_carefully(doc, project, key, note)


def _read_carefully(doc: Mapping[str, Any], project: str, key: str, note: Note) -> MediaItem:
    read = Fields(doc, note)
    path = read.path("path")
    return MediaItem(
        id=key,
        project=project,
        name=read.text("name") or (path or key).rsplit("/", 1)[-1],
        type=_media_type(read, path),
        role=read.text("role", "clip"),
        output_path=read.text("output_path"),
        provider=read.text("provider"),
        model=read.text("model"),
        prompt=read.text("prompt"),
        params=read.mapping("params"),
        seed=read.whole("seed"),
        job=read.optional_text("job"),
        path=path,
        url=read.optional_text("url"),
        spool=read.path("spool"),
        url_auth=read.text("url_auth", "none"),
        url_expires_at=read.optional_time("url_expires_at"),
        save_state=_save_state(read, path),
        storage_error=_storage_fault(read),
        content_type=read.optional_text("content_type"),
        file_size=read.whole("file_size"),
        sha256=read.optional_text("sha256"),
        crc32=read.optional_text("crc32"),
        duration=read.number("duration"),
        width=read.whole("width"),
        height=read.whole("height"),
        fps=read.number("fps"),
        created_at=read.time("created_at"),
        saved_at=read.optional_time("saved_at"),
        tags=read.words("tags"),
        rating=read.between("rating", 1, 5),
        favourite=read.flag("favourite"),
        notes=read.text("notes"),
        extra=read.rest(_ITEM_FIELDS),
    )


def job_to_document(job: Job) -> Doc:
    """The job as it is stored and printed: every field, JSON's own types only."""
    doc = _document(job, _JOB_FIELDS)
    fault = job.error
    doc["error"] = fault and {
        "kind": fault.kind.value,
        "message": fault.message,
        "hint": fault.hint,
        "code": fault.code,
        "fields": json_clean(fault.fields),
    }
    return doc


def job_from_document(doc: Mapping[str, Any], project: str, key: str, note: Note = silent) -> Job:
    """The job a document describes. A phase that makes no sense is UNKNOWN: it is never sent again by itself."""
    read = Fields(doc, note)
    return Job(
        id=key,
        project=project,
        provider=read.text("provider"),
        model=read.text("model"),
        prompt=read.text("prompt"),
        params=read.mapping("params"),
        inputs=read.mapping("inputs"),
        type=read.optional_choice("type", _TYPES),
        phase=read.choice("phase", _PHASES, Phase.UNKNOWN),
        remote_id=read.optional_text("remote_id"),
        urls=read.texts("urls"),
        save_policy=read.choice("save_policy", _POLICIES, SavePolicy.AUTOMATIC),
        batch=read.optional_text("batch"),
        result_path=read.path("result_path"),
        error=_job_fault(read),
        owner=read.optional_text("owner"),
        cancel_requested=read.flag("cancel_requested"),
        created_at=read.time("created_at"),
        submitted_at=read.optional_time("submitted_at"),
        finished_at=read.optional_time("finished_at"),
        price=read.text("price"),
        extra=read.rest(_JOB_FIELDS),
    )


def project_to_document(project: Project) -> Doc:
    """The project's own record as it is printed."""
    return _document(project, _PROJECT_FIELDS)


def stored_project(project: Project) -> Doc:
    """The project's record as its own index has it: without the id, which is the name of the folder."""
    doc = project_to_document(project)
    del doc["id"]
    return doc


def project_from_document(doc: Mapping[str, Any], key: str, note: Note = silent) -> Project:
    """The project a document describes; its id is the name of its folder."""
    read = Fields(doc, note)
    return Project(
        id=key,
        name=read.text("name").strip() or key,
        created_at=read.time("created_at"),
        save_policy=read.optional_choice("save_policy", _POLICIES),
        extra=read.rest(_PROJECT_FIELDS | {"id"}),
    )


def encode_sidecar(item: MediaItem) -> bytes:
    """The item's document as the one checksummed line that lies beside its file."""
    return encode({"schema": VERSION, **item_to_document(item)})


def decode_sidecar(data: bytes) -> tuple[Doc, bool]:
    """A sidecar's document, in today's version, and whether its checksum holds. Raises `Unreadable`."""
    line = data.rstrip(b"\n")
    doc = parse(line)
    doc.pop("c", None)
    version = doc.pop("schema", VERSION)
    if not isinstance(doc.get("id"), str) or not isinstance(version, int):
        raise Unreadable("not a sidecar")
    for step in range(max(version, 1), VERSION):
        doc = UPCASTERS[step]("items", doc)
    return doc, verify(line)


def type_of_file(path: str) -> MediaType | None:
    """What a media file is, by its folder and ending; None for files that are no media."""
    ending = path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return _BY_FOLDER.get(path.split("/", 1)[0]) if ending in _BY_ENDING else None


_ORDERS: dict[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(kind) if field.name not in ("extra", "storage_error", "error"))
    for kind in (MediaItem, Job, Project)
}


def _document(record: MediaItem | Job | Project, names: frozenset[str]) -> Doc:
    doc: Doc = {name: json_clean(getattr(record, name)) for name in _ORDERS[type(record)]}
    doc.update((name, json_clean(value)) for name, value in record.extra.items() if name not in names)
    return doc


def _media_type(read: Fields, path: str | None) -> MediaType:
    value = read.doc.get("type")
    found = _TYPES.get(value) if isinstance(value, str) else None
    return found or read.choice("type", _TYPES, _guess_type(path))


def _guess_type(path: str | None) -> MediaType:
    folder, ending = (path or "").split("/", 1)[0], (path or "").rsplit(".", 1)[-1].lower()
    return _BY_FOLDER.get(folder) or _BY_ENDING.get(ending, MediaType.VIDEO)


def _save_state(read: Fields, path: str | None) -> SaveState:
    """The save state, corrected where it cannot be: bytes without a path are not saved."""
    state = read.choice("save_state", _STATES, SaveState.SAVED if path else SaveState.UNSAVED)
    if path is None and state in (SaveState.SAVED, SaveState.MISSING):
        return SaveState.UNSAVED if read.doc.get("url") or read.doc.get("spool") else SaveState.EXPIRED
    return state


def _storage_fault(read: Fields) -> StorageFault | None:
    doc = read.mapping("storage_error")
    if not doc:
        return None
    inner = Fields(doc, lambda trouble: read.wrong("storage_error", f"usable: {trouble}"))
    return StorageFault(
        kind=inner.choice("kind", _FAULTS, SaveErrorKind.INTERNAL),
        message=inner.text("message"),
        time=inner.time("time"),
        attempts=inner.whole("attempts") or 1,
        host=inner.text("host"),
    )


def _job_fault(read: Fields) -> JobFault | None:
    doc = read.mapping("error")
    if not doc:
        return None
    inner = Fields(doc, lambda trouble: read.wrong("error", f"usable: {trouble}"))
    return JobFault(
        kind=inner.choice("kind", _ERRORS, ErrorKind.INTERNAL),
        message=inner.text("message"),
        hint=inner.text("hint"),
        code=inner.text("code"),
        fields={clean_text(name): clean_text(said) for name, said in inner.texts("fields").items()},
    )
