"""One trial with two running instances on one data directory, killed one after the other."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.killing import digest, files_as_they_were, go_on_command, media_digests, no_strange_files
from tests.support.scenes import Scene, places

from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.model import MediaItem, Phase, SaveState
from mediatui.studio.instance import Instance

EACH = 3
"""Requests that each window makes."""
MIDDLE = 0.5
"""Seconds within which the first is killed, and then perhaps the other."""
SECONDS = 90.0


@dataclass
class Window:
    """A running instance and what it has printed."""

    root: Path
    process: subprocess.Popen[str]
    complaints: Path
    """What it writes on stderr."""
    lines: list[str] = field(default_factory=list)
    over: bool = False
    """It prints nothing more."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                if line.endswith("\n"):  # else it was killed while it wrote
                    with self.changed:
                        self.lines.append(line.strip())
                        self.changed.notify_all()
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def until(self, word: str, times: int = 1) -> None:
        """Until it said a word so often."""

        def said() -> bool:
            return sum(line.split(" ")[0] == word for line in self.lines) >= times

        with self.changed:
            self.changed.wait_for(lambda: said() or self.over, SECONDS)
            if not said():
                raise AssertionError(f"a window never said {word!r}: {self._story()}")

    def _story(self) -> str:
        """How it stands with it, for whoever has to find out why; now, before it is killed."""
        try:
            ended = f"it ended with {self.process.wait(SECONDS)}" if self.over else "it still runs"
        except subprocess.TimeoutExpired:
            ended = "it closed its stdout and still runs"
        told = [f"it said {self.lines}", f"and complained: {self.complaints.read_text() or 'of nothing'}"]
        return "\n".join([ended, *told, *_unfinished(self.root)])

    def tell(self, line: str) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def those(self, word: str) -> set[str]:
        """What it said with that word."""
        return {line.split()[1] for line in self.lines if line.startswith(f"{word} ")}

    def kill(self) -> None:
        """kill -9; all it had said by then is in `lines`."""
        self.process.kill()
        self.process.wait(SECONDS)
        self._reader.join()

    def close(self) -> None:
        """Have it gone."""
        self.kill()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()


def open_window(root: Path, scene: Scene, name: str) -> Window:
    """A running instance that waits to be told to go."""
    command = [sys.executable, "-m", "tests.support.window_child", str(root), scene.url, name, str(EACH)]
    complaints = root / f"{name}.stderr"
    with complaints.open("w") as stderr:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True)
    return Window(root, process, complaints)


def _unfinished(root: Path) -> list[str]:
    """What the disk says of jobs that have not ended, and of items that are not saved."""
    library = Library(places(root))
    try:
        projects = library.open_readable()
        jobs = [repr(job) for project in projects for job in project.jobs() if not job.phase.ended]
        items = [
            repr(item) for project in projects for item in project.items() if item.save_state is not SaveState.SAVED
        ]
        return jobs + items
    finally:
        library.close()


def two_windows(root: Path, scene: Scene, seed: int, kills: int) -> str:
    """Both make things at once; so many of them are killed. What is left goes on, and nothing is lost."""
    chance = random.Random(seed)
    windows = [open_window(root, scene, name) for name in ("left", "right")]
    try:
        for window in windows:
            window.until("started")
        for window in windows:
            window.tell("go")
        chance.shuffle(windows)
        for window in windows[:kills]:
            time.sleep(chance.uniform(0, MIDDLE))  # the moment of the kill, not a wait for something
            window.kill()
        kept = media_digests(root)
        for window in windows[kills:]:
            window.until("ack", EACH)
        acknowledged = set().union(*(window.those("ack") for window in windows))
        for window in windows[kills:]:
            see_through(window, acknowledged, scene)
    finally:
        for window in windows:
            window.close()
    going_on = subprocess.run(go_on_command(root, scene), capture_output=True, text=True, timeout=SECONDS, check=False)
    assert going_on.returncode == 0, going_on.stderr
    return _verdict(root, scene, acknowledged, kept, f"seed {seed}, {kills} killed")


def see_through(window: Window, acknowledged: Set[str], scene: Scene) -> None:
    """Have it finish these jobs, all that was sent, and all it finds."""
    window.tell(json.dumps({"jobs": sorted(acknowledged), "sent": sorted(_sent(scene))}))
    window.until("done")


def _verdict(root: Path, scene: Scene, acknowledged: set[str], kept: Mapping[Path, str], where: str) -> str:
    locations, sent = places(root), _sent(scene)
    assert max(sent.values(), default=0) <= 1, (where, "it was paid for twice", sent)
    library = Library(locations)
    try:
        ids = library.project_ids()
        if not ids:
            assert not sent, (where, sent)
            return "nothing was sent"
        assert ids == ("demo",), (where, ids)
        project = library.open("demo")
        assert project.damage == (), (where, project.damage)
        jobs, items = project.jobs(), project.items()
        assert {job.id for job in jobs} >= acknowledged, (where, "an acknowledged job is gone")
        assert len({job.prompt for job in jobs}) == len(jobs), (where, jobs)
        for job in jobs:
            wanted = Phase.SUCCEEDED if job.prompt in sent else Phase.CANCELLED
            unsent = job.phase is Phase.UNKNOWN and job.prompt not in sent
            assert job.phase is wanted or unsent, (where, job)
        assert sent.keys() <= {job.prompt for job in jobs}, (where, sent, jobs)
        assert len(items) == len(sent) * len(scene.files), (where, items)
        _saved_once(project, items, scene, where)
        files_as_they_were(kept, where)
        no_strange_files(project, where)
    finally:
        library.close()
    living = [p for p in locations.instances.glob("*") if Instance(locations.instances).is_alive(p.stem)]
    assert living == []
    return f"{len(sent)} sent, {len(acknowledged)} acknowledged"


def _sent(scene: Scene) -> Counter[str]:
    """How often each prompt reached the server."""
    assert scene.server is not None
    return Counter(str(call.json["prompt"]) for call in scene.server.submits)


def _saved_once(project: ProjectFolder, items: Sequence[MediaItem], scene: Scene, where: str) -> None:
    made = [digest(data) for data in scene.files]
    for item in items:
        assert item.save_state is SaveState.SAVED, (where, item)
        assert digest((project.folder / str(item.path)).read_bytes()) == item.sha256, (where, item)
        assert item.sha256 in made, (where, item)
    assert len({item.path for item in items}) == len(items), (where, items)
    assert len(media_digests(project.folder.parent.parent.parent)) == len(items), (where, "saved twice")
