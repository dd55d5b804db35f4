"""The steps that organising is made of, each able to be taken back exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mediatui.library.annotate import Edit, apply_edits
from mediatui.library.library import Library
from mediatui.library.sidecars import odd_sidecars, put_sidecars
from mediatui.library.transfer import Wanted, copy_items, move_items
from mediatui.library.trash import restore_items, trash_items
from mediatui.model import MediaItem
from mediatui.studio.history import Outcome

Odd = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class EditStep:
    """Give items of one project other names, tags, ratings, marks or notes."""

    library: Library
    project_id: str
    edits: tuple[Edit, ...]
    odd: Odd = field(default_factory=dict)

    def run(self) -> Outcome:
        """Apply the edits."""
        done = apply_edits(self.library.open(self.project_id), self.edits, self.odd)
        back = EditStep(self.library, self.project_id, done.back, done.odd_before)
        return Outcome(back, len(done.items), done.notes)


@dataclass(frozen=True, slots=True)
class TrashStep:
    """Move items of one project to its trash."""

    library: Library
    project_id: str
    item_ids: tuple[str, ...]

    def run(self) -> Outcome:
        """Trash them."""
        project = self.library.open(self.project_id)
        odd = odd_sidecars(project, [project.item(item_id) for item_id in self.item_ids])
        entry = trash_items(project, self.item_ids)
        return Outcome(RestoreStep(self.library, self.project_id, entry.id, odd), len(entry.item_ids))


@dataclass(frozen=True, slots=True)
class RestoreStep:
    """Bring an entry of the trash back."""

    library: Library
    project_id: str
    entry_id: str
    odd: Odd = field(default_factory=dict)

    def run(self) -> Outcome:
        """Restore it."""
        project = self.library.open(self.project_id)
        items = restore_items(project, self.entry_id)
        put_sidecars(project, items, self.odd)
        return Outcome(TrashStep(self.library, self.project_id, tuple(i.id for i in items)), len(items))


@dataclass(frozen=True, slots=True)
class MoveStep:
    """Move items to another project."""

    library: Library
    source_id: str
    target_id: str
    item_ids: tuple[str, ...]
    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    odd: Odd = field(default_factory=dict)

    def run(self) -> Outcome:
        """Move them."""
        source, target = self.library.open(self.source_id), self.library.open(self.target_id)
        before = [source.item(item_id) for item_id in self.item_ids]
        odd = odd_sidecars(source, before)
        items = move_items(source, target, self.item_ids, self.wanted)
        put_sidecars(target, items, self.odd)
        back = MoveStep(self.library, self.target_id, self.source_id, self.item_ids, _as_they_are(before), odd)
        return Outcome(back, len(items))


@dataclass(frozen=True, slots=True)
class CopyStep:
    """Copy items to a project; taken back, the copies go to the trash."""

    library: Library
    source_id: str
    target_id: str
    item_ids: tuple[str, ...]

    def run(self) -> Outcome:
        """Copy them."""
        items = copy_items(self.library.open(self.source_id), self.library.open(self.target_id), self.item_ids)
        return Outcome(TrashStep(self.library, self.target_id, tuple(i.id for i in items)), len(items))


@dataclass(frozen=True, slots=True)
class RenameProjectStep:
    """Give a project another name."""

    library: Library
    project_id: str
    name: str

    def run(self) -> Outcome:
        """Rename it."""
        before = self.library.open(self.project_id).record.name
        after = self.library.rename(self.project_id, self.name).name
        changed = RenameProjectStep(self.library, self.project_id, before)
        return Outcome(changed, int(after != before))


@dataclass(frozen=True, slots=True)
class DeleteProjectStep:
    """Move a project to the trash of the data directory."""

    library: Library
    project_id: str

    def run(self) -> Outcome:
        """Delete it."""
        path = self.library.delete(self.project_id)
        return Outcome(RestoreProjectStep(self.library, path), 1)


@dataclass(frozen=True, slots=True)
class RestoreProjectStep:
    """Bring a deleted project back."""

    library: Library
    path: Path

    def run(self) -> Outcome:
        """Restore it."""
        project = self.library.restore(self.path)
        return Outcome(DeleteProjectStep(self.library, project.id), 1)


def _as_they_are(items: list[MediaItem]) -> dict[str, Wanted]:
    return {item.id: Wanted(item.id, item.path, item.name, item.spool) for item in items}
