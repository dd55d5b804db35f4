"""What a child process does to a project until it is killed, and what must then be there.

Run as a program: ``python -m mediatui.selftest.session VERB FOLDER …``; one line on stdout for each
commit that was acknowledged. Which commit has which number is fixed, so that a parent knows what to expect.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mediatui.errors import MediatuiError, StorageBlocked, UsageError
from mediatui.library import journal_file
from mediatui.library.files import media_name, part_path, place, sync_file, write_all
from mediatui.library.lock import FileLock
from mediatui.library.project import ProjectFolder
from mediatui.library.reconcile import reconcile
from mediatui.model import MediaItem, MediaType, SaveState

KEYS = 9
PROJECT = "project"
EARLY_COMPACTION = 20


def content(number: int) -> bytes:
    """The bytes of the file that commit `number` saves."""
    return hashlib.sha256(b"%d" % number).digest() * (1 + number * 131 % 700)


def text(number: int) -> str:
    """The prompt that commit `number` writes; of very different lengths."""
    return f"{number} " + "x" * (number * 7919 % 4000)


def expected(name: str, number: int) -> dict[str, str]:
    """By item, what must be known after the first `number` commits of a writer: a prompt, or a file's checksum."""
    world: dict[str, str] = {}
    for step in range(1, number + 1):
        key = f"{name}-text-{step % KEYS}"
        if step % 4 == 0:
            world[f"{name}-file-{step}"] = hashlib.sha256(content(step)).hexdigest()
        elif step % 7 == 0:
            world.pop(key, None)
        else:
            world[key] = text(step)
    return world


def found(project: ProjectFolder, name: str) -> dict[str, str]:
    """The same from a project on disk; the files are read."""
    world = {}
    for item in project.items():
        if item.id.startswith(f"{name}-"):
            saved = item.save_state is SaveState.SAVED and item.path is not None
            world[item.id] = _sha256(project.path_of(item.path)) if saved and item.path else item.prompt
    return world


def perform(project: ProjectFolder, name: str, step: int) -> None:
    """Make one commit of a session."""
    key = f"{name}-text-{step % KEYS}"
    if step % 4 == 0:
        _save(project, f"{name}-file-{step}", step)
    elif step % 7 == 0:
        project.commit(gone_items=[key])
    else:
        project.commit(items=[_item(project, key, step, prompt=text(step))])


def write(folder: Path, name: str) -> None:
    """Commit until killed; opening anew now and then, which compacts."""
    journal_file.COMPACT_FROM = EARLY_COMPACTION
    step = 0
    while True:
        project = ProjectFolder(folder)
        reconcile(project)
        for _ in range(12):
            step += 1
            perform(project, name, step)
            print(step, flush=True)
        project.close()


def hold(path: Path) -> None:
    """Take a lock, say so, and keep it until stdin ends."""
    with FileLock(path):
        print("held", flush=True)
        sys.stdin.read()


def count(path: Path, times: int) -> None:
    """Add one to the number in a file, under a lock, so many times."""
    lock, total = FileLock(path.with_name("count.lock")), 0
    for _ in range(times):
        with lock:
            total = int(path.read_text())
            path.write_text(str(total + 1))
    print(total, flush=True)


def fill(folder: Path, limit: int) -> None:
    """Commit until no file may grow beyond `limit` bytes; then say what is held, and go on without the limit."""
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    project = ProjectFolder(folder)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
    number = 0
    try:
        while True:
            project.commit(items=[_item(project, f"full-{number}", number, prompt="x" * 500)])
            number += 1
    except StorageBlocked:
        print(number, len(project.items()), len(ProjectFolder(folder).items()), flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    project.commit(items=[_item(project, "after", 0)])
    print(len(project.items()), len(ProjectFolder(folder).items()), flush=True)


def _item(project: ProjectFolder, key: str, number: int, prompt: str = "") -> MediaItem:
    return MediaItem(key, project.id, key, MediaType.VIDEO, prompt=prompt, created_at=float(number))


def _save(project: ProjectFolder, key: str, number: int) -> None:
    """Part, sync, name, sidecar, record: the order of every save."""
    part, data = part_path(project.folder, key), content(number)
    part.parent.mkdir(exist_ok=True)
    fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        for piece in _pieces(data):
            write_all(fd, piece)
        sync_file(fd)
    finally:
        os.close(fd)
    path = place(part, project.folder / "videos" / media_name(MediaType.VIDEO, key, number, "mp4"))
    item = MediaItem(
        key,
        project.id,
        path.name,
        MediaType.VIDEO,
        path=path.relative_to(project.folder).as_posix(),
        save_state=SaveState.SAVED,
        file_size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        created_at=float(number),
        saved_at=float(number),
    )
    project.write_sidecar(item)
    project.commit(items=[item])


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 8192):
        yield data[start : start + 8192]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(arguments: list[str]) -> None:
    match arguments:
        case ["write", folder, name]:
            write(Path(folder), name)
        case ["hold", path]:
            hold(Path(path))
        case ["count", path, times]:
            count(Path(path), int(times))
        case ["fill", folder, limit]:
            fill(Path(folder), int(limit))
        case _:
            raise UsageError(f"nothing is known of {arguments}")


def main() -> int:
    """Do what the arguments say."""
    try:
        _run(sys.argv[1:])
    except (MediatuiError, OSError) as exc:
        print(f"{type(exc).__name__}: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
