"""Every public method of the store with an error from the kernel at its n-th call, for every n.

``python -m tests.campaigns.store_faults [SUBJECT…]``. After each: the error is a typed one, memory is what the disk
holds, nothing else changed, and the same request works once the kernel is well again.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.campaigns.kernel import Call, Kernel
from tests.campaigns.script import Session, item, job, prepare, save, see
from tests.campaigns.store_states import fast_folder

from mediatui.errors import MediatuiError, StorageError, UsageError
from mediatui.library.files import free_bytes, write_atomic, write_new
from mediatui.library.journal_file import JournalFile
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import compare, reconcile
from mediatui.library.trash import empty_trash, finish_trash, restore_items, trash_entries, trash_items
from mediatui.model import Phase, SavePolicy

BLOCKED = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EACCES, errno.EROFS)
LOOKING = (errno.EIO, errno.EACCES)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something asked of the store. `before` arranges what it needs, in the session that then asks."""

    name: str
    ask: Callable[[Session], object]
    before: Callable[[Session], object] = lambda _session: None
    settles: Callable[[Session], object] | None = None
    """What must be the same in the end when not the whole world is: asking twice may leave two files."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The error that the `number`-th call gets, and with `stays` every later one that changes something."""

    number: int
    error: int
    stays: bool

    def __str__(self) -> str:
        return f"{errno.errorcode[self.error]} at call {self.number}{' and later' if self.stays else ''}"


class Refusal:
    """Answers a session's calls with one fault; remembers which call it hit."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hit = ""

    def __call__(self, call: Call) -> None:
        """Refuse when it is time."""
        fault = self.fault
        if call.number == fault.number or (fault.stays and call.number > fault.number and call.changes):
            if not (call.changes or fault.error in LOOKING):
                return
            self.hit = self.hit or f"{call.name} {call.path}"
            raise OSError(fault.error, os.strerror(fault.error))


def _trashed(session: Session) -> None:
    trash_items(session.demo, ["i1", "i2"])


def _lose_index(session: Session) -> None:
    session.library.close()
    (session.root / "data/projects/demo/index.jsonl").unlink()


def _foreign(session: Session) -> None:
    other = ProjectFolder(session.demo.folder)
    other.commit(items=[item("foreign")])
    other.close()


def _dead_lines(session: Session) -> None:
    for number in range(14):
        session.demo.edit_item("i2", partial(replace, seed=number))
    session.library.close()
    session.library = session._open()


def _close(session: Session) -> None:
    session.library.close()
    session.library = session._open()


def _deleted(session: Session) -> None:
    session.library.delete("demo")


def _orphan(session: Session) -> None:
    """A file that got its name and its sidecar but no record, and one whose record says it is there and is not."""
    project = session.demo
    held = project.item("i2")
    project.commit(items=[replace(held, save_state=type(held.save_state).UNSAVED, path=None)])
    project.path_of(project.item("i1").path or "").rename(project.folder / "elsewhere")


def _saved_bytes(session: Session, name: str) -> bytes:
    return session.demo.path_of(session.demo.item(name).path or "").read_bytes()


def _vanish(session: Session) -> None:
    (session.demo.folder / "index.jsonl").unlink()


SUBJECTS: tuple[Subject, ...] = (
    Subject("open", lambda s: s.library.open("demo"), _close),
    Subject("open, compacting", lambda s: s.library.open("demo"), _dead_lines),
    Subject("open, rebuilding", lambda s: s.library.open("demo"), _lose_index),
    Subject("commit", lambda s: s.demo.commit(items=[item("n1")], jobs=[job("j9", Phase.QUEUED)], gone_items=["i3"])),
    Subject("commit after a foreign one", lambda s: s.demo.commit(items=[item("n1")]), _foreign),
    Subject("commit, index vanished", lambda s: s.demo.commit(items=[item("n1")]), _vanish),
    Subject("edit_item", lambda s: s.demo.edit_item("i2", lambda held: replace(held, prompt="changed"))),
    Subject("edit_job", lambda s: s.demo.edit_job("j1", lambda held: replace(held, phase=Phase.RUNNING))),
    Subject("edit_record", lambda s: s.demo.edit_record(lambda held: replace(held, name="Other"))),
    Subject("poll", lambda s: s.demo.poll(), _foreign),
    Subject("accept_damage", lambda s: s.demo.accept_damage()),
    Subject("write_sidecar", lambda s: s.demo.write_sidecar(s.demo.item("i1"))),
    Subject("write_result", lambda s: s.demo.write_result("j7", b"{}" * 500)),
    Subject("write_spool", lambda s: s.demo.write_spool("i7", b"bytes" * 500)),
    Subject("bytes_on_disk", lambda s: s.demo.bytes_on_disk()),
    Subject("path_of", lambda s: s.demo.path_of("videos/x.mp4")),
    Subject("save", lambda s: save(s, "i3", b"3" * 5000), settles=lambda s: _saved_bytes(s, "i3")),
    Subject("write_atomic", lambda s: write_atomic(s.demo.folder / "results" / "x.json", b"x" * 300)),
    Subject("write_new", lambda s: write_new(s.demo.folder / "results" / "y.txt", b"x" * 300)),
    Subject("free_bytes", lambda s: free_bytes(s.demo.folder / "nothing" / "here")),
    Subject("compare", lambda s: compare(s.demo), _orphan),
    Subject("reconcile", lambda s: reconcile(s.demo), _orphan),
    Subject("trash_items", _trashed),
    Subject("restore_items", lambda s: restore_items(s.demo, trash_entries(s.demo)[0].id), _trashed),
    Subject("trash_entries", lambda s: trash_entries(s.demo), _trashed),
    Subject("empty_trash", lambda s: empty_trash(s.demo, [e.id for e in trash_entries(s.demo)]), _trashed),
    Subject("finish_trash", lambda s: finish_trash(s.demo), _trashed),
    Subject("project_ids", lambda s: s.library.project_ids()),
    Subject("find", lambda s: s.library.find("DEMO"), _close),
    Subject("summaries", lambda s: s.library.summaries(), _close),
    Subject("locate_item", lambda s: s.library.locate_item("i1"), _close),
    Subject("create", lambda s: s.library.ensure("Another")),
    Subject("rename", lambda s: s.library.rename("demo", "Renamed")),
    Subject("set_policy", lambda s: s.library.set_policy("demo", SavePolicy.ON_DEMAND)),
    Subject("delete", lambda s: s.library.delete("demo")),
    Subject("restore", lambda s: s.library.restore(s.library.trashed()[0]), _deleted),
    Subject("trashed", lambda s: s.library.trashed(), _deleted),
    Subject("empty the library's trash", lambda s: s.library.empty_trash(s.library.trashed()), _deleted),
    Subject("library poll", lambda s: s.library.poll(), _foreign),
)

DONE_BEFORE = frozenset({"restore_items", "delete", "restore", "trash_items", "empty_trash"})
"""When these fail after the deed was done (a folder could not be synced), asking again finds nothing left to do."""


def template(folder: Path) -> Path:
    """A library with a project of three items, one of them without a file."""
    root = folder / "template"
    root.mkdir()
    session = Session(root)
    session.library.create("Demo").commit(jobs=[job("j1", Phase.QUEUED)], items=[item("i3")])
    save(session, "i1", b"1" * 5000)
    save(session, "i2", b"2" * 3000)
    session.close()
    return root


def begin(place: Path, source: Path, subject: Subject) -> Session:
    """A fresh session in which the subject can be asked."""
    shutil.copytree(source, place)
    session = Session(place)
    session.library.open("demo")
    subject.before(session)
    return session


def memory(library: Library) -> dict[str, Any]:
    """What the open projects hold."""
    return {p.id: (p.record, p.items(), p.jobs()) for p in library.open_projects()}


def on_disk(session: Session) -> dict[str, Any]:
    """What another process finds for the projects that are open here."""
    found = {}
    for project in session.library.open_projects():
        journal = JournalFile(project.folder / "index.jsonl", project.db.journal.schema, compact=False)
        if journal.damage:
            raise AssertionError(f"damage: {journal.damage}")
        journal.close()
        fresh = ProjectFolder(project.folder)
        found[project.id] = (fresh.record, fresh.items(), fresh.jobs())
        fresh.close()
    return found


def try_fault(place: Path, source: Path, subject: Subject, fault: Fault, wanted: Any) -> tuple[bool, str]:
    """Whether the fault was met, and what was wrong then."""
    session = begin(place, source, subject)
    refusal = Refusal(fault)
    try:
        complaint = _ask(session, subject, refusal, wanted)
    except (AssertionError, OSError, MediatuiError) as exc:
        complaint = f"afterwards {type(exc).__name__}: {exc}"
    finally:
        session.close()
    shutil.rmtree(place)
    return bool(refusal.hit), f"{subject.name}, {fault} ({refusal.hit}): {complaint}" if complaint else ""


def _ask(session: Session, subject: Subject, refusal: Refusal, wanted: Any) -> str:
    raised = False
    gc.collect()
    with Kernel(session.root, refusal):
        try:
            subject.ask(session)
        except StorageError as exc:
            raised = True
            if not exc.message or not str(exc):
                return "an error without words"
        except UsageError as exc:
            return f"a person is told that they made a mistake: {exc}"
        except Exception as exc:  # what is looked for: nothing else may come out
            return f"{type(exc).__name__} was raised: {exc}"
    return _afterwards(session, subject, wanted, raised)


def _afterwards(session: Session, subject: Subject, wanted: Any, raised: bool) -> str:
    for project in session.library.open_projects():
        project.poll()
        if not (project.folder / "index.jsonl").exists():
            record = project.record
            project.commit(project=replace(record, name="x"))
            project.commit(project=record)
            reconcile(project)
    held = memory(session.library)
    if set(held) - set(session.library.project_ids()):
        return "a project is open that is not there"
    found = on_disk(session)
    if held != found:
        return f"memory is not what the disk holds:\n    {held}\n    {found}"
    if raised:
        try:
            subject.ask(session)
        except (UsageError, IndexError) as exc:
            if subject.name not in DONE_BEFORE:
                return f"asking again: {type(exc).__name__}: {exc}"
    end = _end(session, subject)
    return "" if end == wanted else f"asked again it is not done: {_difference(end, wanted)}"


def _end(session: Session, subject: Subject) -> Any:
    world = dict(see(session))
    return {"it": subject.settles(session)} if subject.settles else world


def _difference(world: dict[str, Any], wanted: dict[str, Any]) -> str:
    names = sorted(n for n in world.keys() | wanted.keys() if world.get(n) != wanted.get(n))
    return "; ".join(f"{n}: {str(world.get(n))[:300]} instead of {str(wanted.get(n))[:300]}" for n in names)


def faults(calls: int, errors: Sequence[int] | None = None) -> Iterator[Fault]:
    """Every fault for a subject that makes so many calls, or with `errors` one of each kind in turn."""
    for number in range(1, calls + 1):
        for position, error in enumerate(BLOCKED):
            if errors is None or error == errors[number % len(errors)]:
                yield Fault(number, error, stays=False)
                if errors is None or position == number % len(BLOCKED):
                    yield Fault(number, error, stays=True)


def run(folder: Path, subjects: Sequence[Subject] = SUBJECTS, *, thin: bool = False) -> tuple[int, list[str]]:
    """How many faults were met, and what was wrong after which; `thin`: one kind of error for each call."""
    prepare()
    source = template(folder)
    met, complaints = 0, []
    for subject in subjects:
        session = begin(folder / "well", source, subject)
        gc.collect()
        with Kernel(session.root) as kernel:
            subject.ask(session)
        wanted = _end(session, subject)
        session.close()
        shutil.rmtree(folder / "well")
        for fault in faults(kernel.calls, BLOCKED if thin else None):
            hit, complaint = try_fault(folder / "trial", source, subject, fault, wanted)
            met += hit
            if complaint:
                complaints.append(complaint)
                shutil.rmtree(folder / "trial", ignore_errors=True)
    return met, complaints


def main() -> None:
    """Print the figures; the exit code is 1 when anything was wrong."""
    start = time.monotonic()
    subjects = [s for s in SUBJECTS if s.name in sys.argv[1:]] or SUBJECTS
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        met, complaints = run(Path(folder), subjects)
    print(*complaints[:40], sep="\n")
    print(f"{met} faults in {len(subjects)} requests, {len(complaints)} bad, {time.monotonic() - start:.0f} s")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
