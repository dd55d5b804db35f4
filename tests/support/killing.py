"""One trial: a run is killed at some moment, another goes on, and nothing was lost or paid for twice."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.scenes import Scene, places

from mediatui.errors import ErrorKind
from mediatui.library.library import Library
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, MediaItem, Phase, SaveState
from mediatui.studio.instance import Instance

ANYTIME = "anytime"
MEDIA = ("videos", "images", "audio")
LONGEST = 1.2
"""Seconds after a start within which a run is killed at any moment."""


@dataclass(frozen=True)
class Outcome:
    """What a trial found."""

    moment: str
    acknowledged: int
    submits: int
    phase: str


def trial(root: Path, scene: Scene, seed: int) -> Outcome:
    """Kill a run at a moment chosen by `seed`; go on until all is done; check everything that was promised."""
    chance = random.Random(seed)
    step = chance.choice((*scene.steps, *scene.steps, ANYTIME))
    asked = chance.random() < 0.5
    lines = _killed(root, scene, step, asked, chance)
    kept = media_digests(root)
    for _ in range(2):  # the second has nothing left to do, and must do nothing
        subprocess.run(go_on_command(root, scene), capture_output=True, text=True, timeout=120, check=True)
    acknowledged = [line.split()[1] for line in lines if line.startswith("ack")]
    moment = step if step == ANYTIME else f"{step} {'asked' if asked else 'answered'}"
    return _Verdict(root, scene, acknowledged, kept, f"{scene.name}, {moment}").check(moment)


def _killed(root: Path, scene: Scene, step: str, asked: bool, chance: random.Random) -> list[str]:
    """Run until the moment and kill; the lines it had printed by then."""
    held, lines = threading.Event(), list[str]()
    delay = chance.uniform(0, LONGEST) if step == ANYTIME else chance.choice((0.0, 0.0, chance.uniform(0, 0.05)))
    before = dict(scene.server.on) if scene.server else {}
    if step != ANYTIME:
        _hold(scene, step, held, asked, chance.random())
    child = subprocess.Popen(go_on_command(root, scene, "make"), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        lines.append(child.stdout.readline())
        reader = threading.Thread(target=lambda: lines.extend(child.stdout or ()))
        reader.start()
        if step != ANYTIME:
            assert scene.server is not None
            scene.server.wait_for(step)
            if not asked:
                held.set()
        time.sleep(delay)  # the moment of the kill, not a wait for something
    finally:
        child.kill()
        child.wait()
        held.set()
    reader.join()
    child.stdout.close()
    if scene.server is not None:
        scene.server.on.clear()
        scene.server.on.update(before)
    return [line.strip() for line in lines if line.endswith("\n")]


def _hold(scene: Scene, step: str, held: threading.Event, asked: bool, fraction: float) -> None:
    """Hold the answer, or a download in the middle of its bytes."""
    server: Any = scene.server
    given = server.on.get(step, server.good)

    def answer(call: Any) -> Any:
        reply = given(call)
        if step == scene.media_step:
            reply.hold_body = (int(len(reply.body) * fraction), held)
        elif asked:
            reply.hold = held
        return reply

    server.on[step] = answer


def go_on_command(root: Path, scene: Scene, *more: str) -> list[str]:
    """A run that goes on until nothing is left to do, or with ``make`` makes something first."""
    return [sys.executable, "-m", "tests.support.kill_child", str(root), scene.name, scene.url, *more]


def media_digests(root: Path) -> dict[Path, str]:
    """The digests of all media files there are; names that were only reserved are not counted."""
    projects = places(root).projects
    found = [path for kind in MEDIA for path in projects.glob(f"*/{kind}/*") if path.suffix not in (".json", ".tmp")]
    return {path: digest(path.read_bytes()) for path in found if path.stat().st_size}


def digest(data: bytes) -> str:
    """SHA-256."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class _Verdict:
    """What must be true in the end."""

    root: Path
    scene: Scene
    acknowledged: list[str]
    kept: dict[Path, str]
    where: str

    def check(self, moment: str) -> Outcome:
        locations = places(self.root)
        submits = self.scene.submits(locations.state)
        library = Library(locations)
        try:
            ids = library.project_ids()
            jobs: tuple[Job, ...] = ()
            if ids:
                project = library.open(ids[0])
                assert project.damage == (), (self.where, project.damage)
                jobs = project.jobs()
                no_strange_files(project, self.where)
                self._items(project.folder, project.items(), jobs)
            self._jobs(jobs, submits)
        finally:
            library.close()
        living = [p for p in locations.instances.glob("*") if Instance(locations.instances).is_alive(p.stem)]
        assert living == []
        return Outcome(moment, len(self.acknowledged), submits, str(jobs[0].phase) if jobs else "none")

    def _jobs(self, jobs: tuple[Job, ...], submits: int) -> None:
        where = (self.where, jobs)
        assert {job.id for job in jobs} >= set(self.acknowledged), (where, "an acknowledged job is gone")
        assert submits <= 1, (where, "it was paid for twice")
        assert len(jobs) <= 1, where
        assert len(jobs) >= submits, (where, "something was sent that no record names")
        for job in jobs:
            if job.phase is Phase.UNKNOWN:
                assert not (submits and self.scene.findable), where
                assert not self.acknowledged, (where, "its answer was written down")
                assert job.error is not None, where
                assert job.error.kind is ErrorKind.AMBIGUOUS_SUBMIT, where
                assert job.error.message, where
                assert job.error.hint, where
            elif submits:
                assert job.phase is Phase.SUCCEEDED, where
            else:
                assert job.phase is Phase.CANCELLED, where

    def _items(self, folder: Path, items: tuple[MediaItem, ...], jobs: tuple[Job, ...]) -> None:
        succeeded = any(job.phase is Phase.SUCCEEDED for job in jobs)
        assert len(items) == (len(self.scene.files) if succeeded else 0), (self.where, items)
        made = [digest(data) for data in self._made()]
        for item in items:
            assert item.save_state is SaveState.SAVED, (self.where, item)
            assert item.path is not None
            found = digest((folder / item.path).read_bytes())
            assert found == item.sha256, (self.where, item)
            assert found in made, (self.where, "other bytes than the server's", item)
            made.remove(found)
        files_as_they_were(self.kept, self.where)

    def _made(self) -> list[bytes]:
        if self.scene.server is not None:
            return list(self.scene.files)
        files = places(self.root).sandbox / "files"
        return [path.read_bytes() for path in files.rglob("*") if path.suffix == ".png"]


def no_strange_files(project: ProjectFolder, where: object) -> None:
    """Nothing lies in the project that no record names: no part of a download, no copy, no temporary file."""
    found = {path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*") if path.is_file()}
    named = {str(item.path) for item in project.items()}
    named |= {f"{path}.json" for path in named} | {str(job.result_path) for job in project.jobs() if job.result_path}
    strange = {name for name in found - named if not name.startswith("index.")}
    assert strange == set(), (where, strange)


def files_as_they_were(kept: Mapping[Path, str], where: object) -> None:
    """What was there is there, byte for byte."""
    for path, known in kept.items():
        assert path.is_file(), (where, "a file that was there is gone", path)
        assert digest(path.read_bytes()) == known, (where, "a file was overwritten", path)
