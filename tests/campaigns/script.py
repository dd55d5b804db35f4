"""A session of the store from the first project to the last trashed file, and what must be true after each step.

Run as a program it performs the session in a folder and says after each step that it was acknowledged:
``python -m tests.campaigns.script FOLDER``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from mediatui.errors import StorageError, storage_error
from mediatui.library import journal_file
from mediatui.library.files import make_folder, place, write_all
from mediatui.library.index import item_to_document, job_to_document
from mediatui.library.journal_file import JournalFile
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.library.replay import Damage, Schema
from mediatui.library.trash import empty_trash, restore_items, trash_entries, trash_items
from mediatui.locations import Locations
from mediatui.model import Job, MediaItem, MediaType, Phase, SavePolicy, SaveState

World = Mapping[str, Any]
"""What a person would see: by the name of a thing, its record and its bytes."""

OLD = Schema(1, ("items",))
NEW = Schema(2, ("items",), {1: lambda _table, doc: {**doc, "migrated": True}})
GONE = "gone"


class Session:
    """A library in a folder, and one journal of an older version beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.library = self._open()

    def _open(self) -> Library:
        return Library(Locations(self.root / "data", self.root / "config.toml", self.root / "state", self.root))

    def reopen(self) -> None:
        """As a new process would find it; opening may compact."""
        self.library.close()
        self.library = self._open()
        for project_id in self.library.project_ids():
            self.library.open(project_id)

    @property
    def demo(self) -> ProjectFolder:
        """The project most steps work in."""
        return self.library.open("demo")

    @property
    def old_journal(self) -> Path:
        """A journal that another version began."""
        return self.root / "journal" / "index.jsonl"

    def close(self) -> None:
        """Let go of the files."""
        self.library.close()


Step = Callable[[Session], object]


def item(name: str, *, prompt: str = "", **values: Any) -> MediaItem:
    """An item of the session."""
    number = sum(name.encode())
    return MediaItem(name, "demo", name, MediaType.VIDEO, prompt=prompt, created_at=float(number), **values)


def job(name: str, phase: Phase, **values: Any) -> Job:
    """A job of the session."""
    return Job(name, "demo", "fal", "m", "a prompt", phase=phase, created_at=1.0, **values)


def save(session: Session, name: str, data: bytes, stem: str = "") -> None:
    """Bring an item to disk in the product's order: part, sync, name, sidecar, index."""
    project = session.demo
    part = project.folder / "parts" / f"{name}.part"
    try:
        _write_part(part, data)
    except OSError as exc:
        raise storage_error(exc, "write the download") from exc
    path = place(part, project.folder / "videos" / f"AI-Video-m-{stem or name}.mp4")
    held = project.find_item(name) or item(name)
    saved = replace(
        held,
        path=path.relative_to(project.folder).as_posix(),
        save_state=SaveState.SAVED,
        file_size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        crc32=f"{crc32(data):08x}",
        saved_at=2.0,
    )
    project.write_sidecar(saved)
    project.commit(items=[saved])


def _write_part(part: Path, data: bytes) -> None:
    part.parent.mkdir(exist_ok=True)
    fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.ftruncate(fd, 0)
        for start in range(0, len(data), 3000):
            write_all(fd, data[start : start + 3000])
        os.fsync(fd)
    finally:
        os.close(fd)


def _answer(session: Session) -> None:
    session.demo.write_result("j1", b'{"video":{"url":"https://example.com/x.mp4"}}' * 40)


def _collect(session: Session) -> None:
    outputs = [item(name, prompt="p" * 700, job="j1", url="https://example.com/x.mp4") for name in ("i1", "i2", "i3")]
    done = job("j1", Phase.SUCCEEDED, remote_id="r1", result_path="results/j1.json")
    session.demo.commit(items=outputs, jobs=[done])


def _inline(session: Session) -> None:
    spool = session.demo.write_spool("i4", b"inline bytes" * 300)
    session.demo.commit(items=[item("i4", spool=spool)])


def _edits(number: int) -> Step:
    def edit(session: Session) -> None:
        session.demo.edit_item("i2", lambda held: replace(held, prompt="e" * (number * 977 % 4000), seed=number))

    return edit


def _trash(*names: str) -> Step:
    return lambda session: trash_items(session.demo, names)


def _restore(session: Session) -> None:
    restore_items(session.demo, trash_entries(session.demo)[0].id)


def _empty(session: Session) -> None:
    empty_trash(session.demo, [entry.id for entry in trash_entries(session.demo)])


def _mixed(session: Session) -> None:
    session.demo.commit(
        items=[item("i5"), item("i6", prompt="six")],
        jobs=[job("j2", Phase.QUEUED, remote_id="r2")],
        gone_items=["i4"],
    )


def _delete_project(session: Session) -> None:
    session.library.delete("second")


def _restore_project(session: Session) -> None:
    session.library.restore(session.library.trashed()[0])


def _second(session: Session) -> None:
    session.library.create("Second").commit(items=[replace(item("s1", prompt="of the second"), project="second")])


def _old_journal(session: Session) -> None:
    make_folder(session.old_journal.parent)
    journal = JournalFile(session.old_journal, OLD)
    for number in range(4):
        journal.commit({"items": {f"o{number}": {"id": f"o{number}", "text": "o" * 200}}})
    journal.close()


def _migrate(session: Session) -> None:
    journal = JournalFile(session.old_journal, NEW)
    journal.commit({"items": {"o9": {"id": "o9", "migrated": True}, "o0": None}})
    journal.close()


def _compact_migrated(session: Session) -> None:
    journal = JournalFile(session.old_journal, NEW)
    journal.accept_damage()
    journal.commit({"items": {"o8": {"id": "o8", "migrated": True}}})
    journal.close()


STEPS: tuple[tuple[str, Step], ...] = (
    ("create", lambda s: s.library.create("Demo")),
    ("draft", lambda s: s.demo.commit(jobs=[job("j1", Phase.DRAFT)])),
    ("submitting", lambda s: s.demo.commit(jobs=[job("j1", Phase.SUBMITTING)])),
    ("handle", lambda s: s.demo.commit(jobs=[job("j1", Phase.QUEUED, remote_id="r1")])),
    ("answer", _answer),
    ("collect", _collect),
    ("save 1", lambda s: save(s, "i1", b"1" * 7000)),
    ("save 2", lambda s: save(s, "i2", b"2" * 5000)),
    ("save 3, name taken", lambda s: save(s, "i3", b"3" * 300, stem="i1")),
    ("inline", _inline),
    *((f"edit {n}", _edits(n)) for n in range(6)),
    ("trash", _trash("i1", "i3")),
    ("restore", _restore),
    ("trash again", _trash("i3")),
    ("compact", Session.reopen),
    ("mixed commit", _mixed),
    ("save inline", lambda s: save(s, "i5", b"5" * 4096)),
    ("rename", lambda s: s.library.rename("demo", "Demonstration")),
    ("policy", lambda s: s.library.set_policy("demo", SavePolicy.ON_DEMAND)),
    ("second", _second),
    ("delete project", _delete_project),
    ("restore project", _restore_project),
    *((f"edit {n}", _edits(n)) for n in range(6, 18)),
    ("compact again", Session.reopen),
    ("empty trash", _empty),
    ("rewrite", lambda s: s.demo.accept_damage()),
    ("last", lambda s: s.demo.commit(items=[item("i7")])),
    ("old journal", _old_journal),
    ("migrate", _migrate),
    ("rewrite migrated", _compact_migrated),
    ("reconcile", lambda s: reconcile(s.demo)),
)

ATOMIC = frozenset({"collect", "mixed commit", "migrate"})
"""Steps of one commit: all of it or nothing."""

SEVERAL_COMMITS = frozenset({"second", "old journal"})
"""Steps of several commits: in between, each thing may be as before, as after, or not there."""


def prepare() -> None:
    """Make compaction happen within a session as short as this."""
    journal_file.COMPACT_FROM = 5


def see(session: Session) -> World:
    """Everything a person would see, after the check that every opening of a project makes."""
    world: dict[str, Any] = {}
    library = session.library
    for project_id in library.project_ids():
        project = library.open(project_id)
        _see_damage(world, project.damage)
        reconcile(project)
        _see_project(world, project, project_id)
    for trashed in library.trashed():
        project = ProjectFolder(trashed)
        _see_damage(world, project.damage)
        _see_project(world, project, trashed.name.rpartition("--")[0], " (trash)")
        project.close()
    if session.old_journal.exists():
        journal = JournalFile(session.old_journal, NEW)
        world |= {f"old {key}": doc for key, doc in journal.tables.get("items", {}).items()}
        _see_damage(world, journal.damage)
        journal.close()
    return world


def _see_project(world: dict[str, Any], project: ProjectFolder, name: str, where: str = "") -> None:
    world[f"project {name}"] = (project.record.name, project.record.save_policy, where)
    for each in project.items():
        world[f"item {name}/{each.id}"] = (_plain(item_to_document(each)), _bytes_of(project, each), where)
    for job_ in project.jobs():
        world[f"job {name}/{job_.id}"] = (_plain(job_to_document(job_)), where)
    for path in sorted((project.folder / "results").glob("*.json")):
        world[f"result {name}/{path.name}"] = path.read_bytes()
    for entry in trash_entries(project):
        world[f"trash {name}/{','.join(entry.item_ids)}"] = entry.name
    for path in project.folder.rglob("*.mp4"):
        if ".removed-" not in path.parts[-3] and path.stat().st_size:
            world[f"bytes {hashlib.sha256(path.read_bytes()).hexdigest()}"] = ""


def _see_damage(world: dict[str, Any], damage: tuple[Damage, ...]) -> None:
    """Sectors missing in the line that was being written are told from rot by nobody: they are reported, at the end."""
    for found in damage:
        if not found.lost or found.offset + found.length < found.path.stat().st_size:
            world[f"damage {found.path.parent.name}"] = str(found)


def _plain(doc: dict[str, Any]) -> dict[str, Any]:
    del doc["project"]
    return doc


def _bytes_of(project: ProjectFolder, each: MediaItem) -> str | None:
    if each.save_state is SaveState.SAVED:
        if each.path is None:
            raise AssertionError(f"{each.id} is saved nowhere")
        digest = hashlib.sha256(project.path_of(each.path).read_bytes()).hexdigest()
        if digest != each.sha256:
            raise AssertionError(f"{each.id} is saved, and its file is another one")
        return digest
    if each.spool is not None:
        return hashlib.sha256(project.path_of(each.spool).read_bytes()).hexdigest()
    return None


@dataclass(frozen=True, slots=True)
class Expected:
    """The worlds before the first step and after each one."""

    worlds: tuple[World, ...]

    def complaint(self, world: World, acknowledged: int) -> str:
        """What is wrong with a world found after a crash; empty when it is as it must be."""
        before = self.worlds[acknowledged]
        after = self.worlds[min(acknowledged + 1, len(self.worlds) - 1)]
        step = STEPS[acknowledged][0] if acknowledged < len(STEPS) else ""
        if world in (before, after):
            return ""
        if step in ATOMIC:
            return f"half of “{step}”: {_difference(world, before)}"
        if damaged := [value for name, value in world.items() if name.startswith("damage")]:
            return f"damage during “{step}”: {damaged}"
        loose = step in SEVERAL_COMMITS
        for name in before.keys() | after.keys() | world.keys():
            found = world.get(name, GONE)
            allowed = [before.get(name, GONE), after.get(name, GONE)]
            if found not in allowed and not (loose and name not in before):
                return f"“{step}”, {name}: {_short(found)}, expected one of {_short(allowed)}"
        return _lost(world, before, after)


def _lost(world: World, before: World, after: World) -> str:
    """Each thing is as before or as after; none may be in neither place: an item, or the trash entry with it."""
    for name in before:
        kind, _, which = name.partition(" ")
        if kind == "bytes" and name not in world and name in after:
            return f"the file with {name} is lost"
        if name in world:
            continue
        if kind == "item" and not _in_trash(world, which) and (name in after or _in_trash(after, which)):
            return f"{name} is neither in the project nor in its trash"
        if kind == "trash" and not _all_alive(world, which) and (name in after or _all_alive(after, which)):
            return f"{name} is neither in the trash nor restored"
    return ""


def _in_trash(world: World, item_name: str) -> bool:
    project, _, wanted = item_name.partition("/")
    prefix = f"trash {project}/"
    return any(name.startswith(prefix) and wanted in name[len(prefix) :].split(",") for name in world)


def _all_alive(world: World, entry: str) -> bool:
    project, _, items = entry.partition("/")
    return all(f"item {project}/{each}" in world for each in items.split(","))


def _difference(world: World, before: World) -> str:
    names = [name for name in world.keys() | before.keys() if world.get(name) != before.get(name)]
    return ", ".join(sorted(names))


def _short(value: object) -> str:
    return str(value)[:600]


def look(root: Path, expected: Expected, acknowledged: int) -> str:
    """Open what a crash left as a person would, and go on working; a complaint, or nothing."""
    session = Session(root)
    try:
        complaint = expected.complaint(see(session), acknowledged)
        return complaint or _goes_on(session)
    except (AssertionError, OSError, StorageError) as exc:
        return f"{type(exc).__name__}: {exc}"
    finally:
        session.close()


def _goes_on(session: Session) -> str:
    """After a crash the next commit and the next start work as ever."""
    for project_id in session.library.project_ids():
        session.library.open(project_id).commit(items=[item("after")])
    before = see(session)
    session.reopen()
    after = see(session)
    same = _without_damage(before) == _without_damage(after)
    return "" if same else f"after the next commit: {_difference(after, before)}"


def _without_damage(world: World) -> World:
    return {name: value for name, value in world.items() if not name.startswith("damage")}


def rehearse(root: Path, after_step: Callable[[int], None] = lambda _number: None) -> Expected:
    """The session without any trouble, and the world after each step."""
    session = Session(root)
    worlds: list[World] = [see(session)]
    for number, (_, step) in enumerate(STEPS, 1):
        step(session)
        after_step(number)
        worlds.append(see(session))
    session.close()
    return Expected(tuple(worlds))


def perform(root: Path, after_step: Callable[[int], None]) -> None:
    """The session."""
    session = Session(root)
    for number, (_, step) in enumerate(STEPS, 1):
        step(session)
        after_step(number)
    session.close()


def main() -> None:
    """Perform the session, with a line on stdout for each step that was acknowledged."""
    prepare()
    perform(Path(sys.argv[1]), lambda number: print(json.dumps(number), flush=True))


if __name__ == "__main__":
    main()
