"""What an import will bring, found out before a byte is written.

Three kinds of source: an export of ours (it has a manifest), a copied project folder (it has an index), and
anything else that holds media. What cannot be taken is named with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from mediatui.archive.manifest import FORMAT, NAME, VERSION
from mediatui.archive.plan import Sheet
from mediatui.archive.read import (
    BadArchive,
    BadEntry,
    Contents,
    Entry,
    Refused,
    Source,
    open_source,
    read_small,
    reading,
)
from mediatui.errors import StorageTooNew
from mediatui.library.fields import is_inside
from mediatui.library.files import free_bytes
from mediatui.library.index import PROJECT_KEY, SCHEMA, decode_sidecar, type_of_file
from mediatui.library.record import Doc, Unreadable
from mediatui.library.recovery import SIDECAR
from mediatui.library.replay import replay_file
from mediatui.locations import INDEX
from mediatui.model import MediaType, new_id
from mediatui.text import file_stem, one_line

Kind = tuple[MediaType, str, str]
Sniff = Callable[[bytes], Kind | None]
"""What bytes are: type, usual ending, MIME type; None for no media."""

MAX_MANIFEST = 512 << 20
MAX_SIDECAR = 16 << 20
HEAD_BYTES = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ImportKind(StrEnum):
    """Where the records come from."""

    EXPORT = "export"
    PROJECT = "project"
    MEDIA = "media"


@dataclass(frozen=True, slots=True)
class ImportEntry:
    """One file to bring: its entry, its type by content, and the record that came with it, if any."""

    entry: Entry
    kind: Kind
    record: Mapping[str, Any] | None = None
    sha256: str | None = None
    """What its bytes must hash to."""
    exact: bool = True
    """The bytes are the ones the record describes, not a copy with something embedded."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What will be imported; shown first. `records` are items without bytes here, `jobs` come whole."""

    id: str
    source: Path
    kind: ImportKind
    name: str
    project: Mapping[str, Any] | None
    """The project's own record, when there is one."""
    entries: tuple[ImportEntry, ...]
    records: tuple[Mapping[str, Any], ...]
    jobs: tuple[Mapping[str, Any], ...]
    refused: tuple[Refused, ...]
    bytes: int
    free: int

    @property
    def files(self) -> int:
        """Files that will be brought."""
        return len(self.entries)


def plan_import(path: Path, sniff: Sniff, target: Path, max_file: int) -> ImportPlan:
    """Plan an import of a ZIP file or folder into a data directory at `target`.

    Raises `UsageError`, `BadArchive` when nothing of it can be read, `StorageTooNew` for a newer format.
    """
    with open_source(path, max_file) as source:
        contents = source.contents
        if (base := _base(contents)) is not None:
            found = _from_export(source, sniff, base)
        elif INDEX in contents.entries and source.path.is_dir():
            found = _from_project(source, sniff)
        else:
            found = _from_media(source, sniff)
        return ImportPlan(
            id=new_id(),
            source=source.path,
            kind=found.kind,
            name=one_line(found.name, 80) or "Imported",
            project=found.project,
            entries=tuple(found.entries),
            records=tuple(found.records),
            jobs=tuple(found.jobs),
            refused=tuple(contents.refused),
            bytes=sum(each.entry.size for each in found.entries),
            free=free_bytes(target),
        )


@dataclass(slots=True)
class _Found:
    kind: ImportKind
    name: str
    project: Mapping[str, Any] | None
    entries: list[ImportEntry]
    records: list[Mapping[str, Any]]
    jobs: list[Mapping[str, Any]]


def _base(contents: Contents) -> str | None:
    """Where the manifest lies: at the top, or in the only folder there is."""
    tops = {name.partition("/")[0] for name in contents.entries}
    bases = ["", f"{tops.pop()}/"] if len(tops) == 1 else [""]
    return next((base for base in bases if f"{base}{NAME}" in contents.entries), None)


def _from_export(source: Source, sniff: Sniff, base: str) -> _Found:
    manifest = _manifest(source, base)
    contents = source.contents
    project = _mapping(manifest.get("project"))
    found = _Found(ImportKind.EXPORT, str(project.get("name") or source.path.stem), project, [], [], [])
    named = {f"{base}{name}" for name in (NAME, *(sheet.file_name for sheet in Sheet))}
    for item in _mappings(manifest.get("items")):
        name, record = item.get("path"), _mapping(item.get("record"))
        if not isinstance(name, str) or not isinstance(record.get("id"), str):
            contents.refuse(str(name), "its entry in the manifest makes no sense")
            continue
        name = f"{base}{name}"
        named.add(name)
        entry = contents.entries.get(name)
        if entry is None:
            if all(refused.name != one_line(name, 200) for refused in contents.refused):
                contents.refuse(name, "the manifest names it, but it is not there")
            continue
        sha256 = item.get("sha256")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or entry.size != item.get("file_size"):
            contents.refuse(name, "it is not the file the manifest describes")
        elif (kind := _recorded(source, entry, record, sniff)) is not None:
            found.entries.append(ImportEntry(entry, kind, record, sha256, not item.get("embedded")))
    for name in contents.entries.keys() - named:
        contents.refuse(name, "the manifest does not name it")
    found.records = [record for m in _mappings(manifest.get("missing")) if (record := _mapping(m.get("record")))]
    found.jobs = _mappings(manifest.get("jobs"))
    return found


def _manifest(source: Source, base: str) -> dict[str, Any]:
    try:
        manifest = json.loads(read_small(source, f"{base}{NAME}", MAX_MANIFEST))
    except (BadEntry, ValueError, RecursionError) as exc:
        raise BadArchive(f"{source.path.name} has a {NAME} that cannot be read: {exc}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadArchive(f"{source.path.name} has a {NAME} of another program")
    version = manifest.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise StorageTooNew(
            f"{source.path.name} was written by a newer mediatui (version {version})", hint="Update mediatui."
        )
    return manifest


def _from_project(source: Source, sniff: Sniff) -> _Found:
    """A copied project folder: its index is read, never written."""
    contents = source.contents
    try:
        tables = replay_file(source.path / INDEX, SCHEMA).tables
    except (OSError, Unreadable) as exc:
        raise BadArchive(f"the index of {source.path.name} cannot be read: {exc}") from None
    project = tables.get("project", {}).get(PROJECT_KEY, {})
    name = str(project.get("name") or source.path.name)
    found = _Found(ImportKind.PROJECT, name, {**project, "id": source.path.name}, [], [], [])
    for key, document in tables.get("items", {}).items():
        record, path = {**document, "id": key}, document.get("path") or document.get("spool")
        entry = contents.entries.get(path) if isinstance(path, str) else None
        kind = _recorded(source, entry, record, sniff) if entry else None
        if entry is None or kind is None:
            found.records.append(record)
        else:
            sha256 = document.get("sha256")
            known = sha256 if isinstance(sha256, str) and _SHA256.fullmatch(sha256) else None
            found.entries.append(ImportEntry(entry, kind, record, known))
    found.jobs = [{**document, "id": key} for key, document in tables.get("jobs", {}).items()]
    return found


def _from_media(source: Source, sniff: Sniff) -> _Found:
    found = _Found(ImportKind.MEDIA, source.path.stem, None, [], [], [])
    contents = source.contents
    beside = {name for name in contents.entries if name.removesuffix(SIDECAR) in contents.entries}
    for name, entry in contents.entries.items():
        if name in beside and name.endswith(SIDECAR):
            continue
        record = _sidecar(source, f"{name}{SIDECAR}", entry)
        kind = _recorded(source, entry, record, sniff) if record else _sniffed(source, entry, sniff)
        if kind is not None:
            sha256 = record.get("sha256") if record else None
            found.entries.append(ImportEntry(entry, kind, record, sha256 if isinstance(sha256, str) else None))
    return found


def _sidecar(source: Source, name: str, entry: Entry) -> Doc | None:
    """The record of ours beside a file, when it is whole and is of that file."""
    if name not in source.contents.entries:
        return None
    try:
        document, whole = decode_sidecar(read_small(source, name, MAX_SIDECAR))
    except (BadEntry, Unreadable):
        return None
    return document if whole and document.get("file_size") == entry.size else None


def _sniffed(source: Source, entry: Entry, sniff: Sniff) -> Kind | None:
    """What an entry is; refused when it is no media."""
    try:
        kind = sniff(_head(source, entry))
    except BadEntry as exc:
        source.contents.refuse(entry.name, str(exc))
        return None
    if kind is None:
        source.contents.refuse(entry.name, "it is no picture, video or sound this program knows")
    return kind


def stored_path(record: Mapping[str, Any], entry: Entry, kind: Kind) -> str:
    """Where an imported file is to lie in its project: where its record says, else under its own name."""
    path = record.get("path")
    if isinstance(path, str) and _is_media_path(path):
        return path
    name = PurePosixPath(entry.name)
    return f"{kind[0].folder}/{file_stem(name.stem, 180)}.{kind[1]}"


def _is_media_path(path: str) -> bool:
    """A name in a folder for media, with a media file's ending: never that of a record, a part or an index."""
    plain = is_inside(path) and path.isprintable() and path.count("/") == 1 and "/." not in path
    return plain and type_of_file(path) is not None and len(path.encode()) < 240


def _recorded(source: Source, entry: Entry, record: Mapping[str, Any], sniff: Sniff) -> Kind | None:
    """What a file with a record of ours is: by its content where that is known, else what the record says."""
    try:
        kind = sniff(_head(source, entry))
    except BadEntry as exc:
        source.contents.refuse(entry.name, str(exc))
        return None
    if kind is not None:
        return kind
    types = {type.value: type for type in MediaType}
    ending = re.sub(r"[^a-z0-9]", "", PurePosixPath(entry.name).suffix.lower())[:10]
    shown = "bin" if ending in ("", "json", "part", "tmp") else ending
    mime = record.get("content_type")
    return types.get(str(record.get("type")), MediaType.VIDEO), shown, mime if isinstance(mime, str) else ""


def _head(source: Source, entry: Entry) -> bytes:
    with reading(entry.name), source.open(entry.name) as file:
        return file.read(HEAD_BYTES)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
