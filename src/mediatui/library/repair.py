"""Putting a project right, after showing how: what is found again is added, what is in doubt accepted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mediatui.errors import storage_error
from mediatui.library.check import sidecar_finding
from mediatui.library.fields import is_recordable
from mediatui.library.index import item_from_document
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import adoptable, compare, reconcile
from mediatui.library.record import Changes, Doc
from mediatui.library.recovery import Recovered, bare_item, find_lost, load_sidecar, saved_document, sidecar_of
from mediatui.library.trash import trash_entries
from mediatui.model import MediaItem, SaveState, new_id
from mediatui.text import plural


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a repair: `action` is ``rebuild``, ``reconcile``, ``adopt``, ``sidecar`` or ``accept``."""

    action: str
    what: str
    """A path relative to the project folder, or what the step is about."""
    words: str


def plan_repair(project: ProjectFolder, *, accept: bool, adopt: bool, rebuild: bool) -> tuple[Step, ...]:
    """What a repair would do, in order; changes nothing. Raises `StorageError`.

    Files and records are compared, and the records beside files written again, whatever is asked for.
    """
    project.poll()
    steps = list(_rebuild_steps(project)) if rebuild else []
    steps += _reconcile_steps(project)
    if adopt:
        steps += _adopt_steps(project)
    believed = {item.id for item in _truer_records(project)} if rebuild else set()
    poor = (each for each in _poor_sidecars(project) if each[0].id not in believed)
    steps += [Step("sidecar", finding, words) for _, finding, words in poor]
    if accept and (places := project.damage):
        words = f"go on with what is shown in spite of {plural(len(places), 'damaged place')}; "
        steps.append(Step("accept", "index.jsonl", words + "the file as it is now stays as index.jsonl.1"))
    return tuple(steps)


def repair(project: ProjectFolder, *, accept: bool, adopt: bool, rebuild: bool) -> tuple[Step, ...]:
    """Do what `plan_repair` says, and return it. Nothing is removed. Raises `StorageError`."""
    steps = plan_repair(project, accept=accept, adopt=adopt, rebuild=rebuild)
    with project.transaction():
        if rebuild:
            _bring_back(project)
        reconcile(project)
        if adopt:
            _adopt_all(project)
        for item, _, _ in list(_poor_sidecars(project)):
            _keep_other_words(project, item)
            project.write_sidecar(item)
        if accept and project.damage:
            project.accept_damage()
    return steps


# -- records found again


def _lost(project: ProjectFolder) -> Recovered:
    """Records in earlier indexes and beside files that the index neither has nor says were removed."""
    journal = project.db.journal
    gone = {name: set(ids) for name, ids in journal.gone.items()}
    gone.setdefault("items", set()).update(i for entry in trash_entries(project) for i in entry.item_ids)
    try:
        found = find_lost(project.folder, journal.tables, gone)
    except OSError as exc:
        raise storage_error(exc, f"read what is left of {project.id}") from exc
    for key, doc in list(found.tables["items"].items()):
        if doc.get("save_state") == SaveState.SAVED.value and _taken(project, doc.get("path")):
            del found.tables["items"][key]  # its file is another item's by now
    return found


def _taken(project: ProjectFolder, path: object) -> bool:
    return any(item.path == path for item in project.items())


def _rebuild_steps(project: ProjectFolder) -> Iterator[Step]:
    for table, docs in _lost(project).tables.items():
        for key, doc in docs.items():
            name = doc.get("name") or doc.get("prompt") or key
            yield Step("rebuild", f"{table}/{key}", f"bring the record of “{name}” back into the index")
    for item in _truer_records(project):
        words = f"believe the whole record beside the file of “{item.name}” and not the damaged index"
        yield Step("rebuild", f"items/{item.id}", words)


def _truer_records(project: ProjectFolder) -> Iterator[MediaItem]:
    """What whole records beside files say otherwise than a damaged index: there it may be wrong, or an earlier word."""
    for item, path in _saved(project) if project.damage else ():
        doc = _sidecar(path)
        if doc is not None and doc["id"] == item.id and item.path and sidecar_finding(project, item, path):
            yield item_from_document(saved_document(doc, item.path, path), project.id, item.id)


def _bring_back(project: ProjectFolder) -> None:
    project.commit(items=list(_truer_records(project)))
    changes: Changes = {name: dict(docs) for name, docs in _lost(project).tables.items() if docs}
    project.db.journal.commit(changes)


# -- records against files


def _reconcile_steps(project: ProjectFolder) -> Iterator[Step]:
    found = compare(project)
    for item_id in found.missing:
        yield Step("reconcile", project.item(item_id).path or item_id, "note that the file is missing")
    for item_id in found.returned:
        yield Step("reconcile", project.item(item_id).path or item_id, "note that the file is there again")
    for item, path in adoptable(project, found.orphans):
        yield Step("reconcile", _relative(project, path), f"connect it with its item {item.id}")


# -- files nobody knows


def _adopt_steps(project: ProjectFolder) -> Iterator[Step]:
    orphans = _nameable(project)
    settled = {path for _, path in adoptable(project, orphans)}
    for path in orphans:
        if path not in settled:
            source = "the record beside it" if _sidecar(path) else "the file alone"
            yield Step("adopt", _relative(project, path), f"make it an item, from {source}")


def _nameable(project: ProjectFolder) -> tuple[Path, ...]:
    """Files nobody knows whose names can be written down."""
    return tuple(path for path in compare(project).orphans if is_recordable(_relative(project, path)))


def _relative(project: ProjectFolder, path: Path) -> str:
    return path.relative_to(project.folder).as_posix()


def _adopt_all(project: ProjectFolder) -> None:
    for path in _nameable(project):
        item = _as_item(project, path)
        project.write_sidecar(item)
        project.commit(items=[item])


def _as_item(project: ProjectFolder, path: Path) -> MediaItem:
    """The item an unknown file becomes; under its own id where that is free."""
    relative = _relative(project, path)
    doc = _sidecar(path)
    try:
        item = bare_item(project.id, relative, path)
        if doc is not None:
            sums = {"sha256": item.sha256, "crc32": item.crc32}
            item = item_from_document({**saved_document(doc, relative, path), **sums}, project.id, doc["id"])
    except OSError as exc:
        raise storage_error(exc, f"read {path.name}") from exc
    return item if project.find_item(item.id) is None else replace(item, id=new_id())


def _sidecar(path: Path) -> Doc | None:
    try:
        found = load_sidecar(path)
    except OSError:
        return None
    return found[0] if found and found[1] else None


# -- records beside files


def _poor_sidecars(project: ProjectFolder) -> Iterator[tuple[MediaItem, str, str]]:
    for item, path in _saved(project):
        finding = sidecar_finding(project, item, path)
        if finding is not None:
            yield item, finding.what, f"write it again: {finding.message}"


def _saved(project: ProjectFolder) -> Iterator[tuple[MediaItem, Path]]:
    """Items with their files."""
    missing = set(compare(project).missing)
    for item in project.items():
        if item.save_state is SaveState.SAVED and item.path is not None and item.id not in missing:
            yield item, project.path_of(item.path)


def _keep_other_words(project: ProjectFolder, item: MediaItem) -> None:
    """A whole record may know more than an index that went back: it stays, beside. Raises `StorageError`."""
    path = project.path_of(item.path or "")
    if _sidecar(path) is not None:
        beside = sidecar_of(path)
        try:
            os.replace(beside, beside.with_name(f"{beside.name}.1"))
        except OSError as exc:
            raise storage_error(exc, f"keep {beside.name}") from exc
