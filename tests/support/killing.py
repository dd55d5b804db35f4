"""One trial: a run is killed at some moment, another goes on, and nothing was lost or paid for twice."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.fal_server import Call, FalServer, Reply, ranged
from tests.support.workshop import places

from mediatui.library.library import Library
from mediatui.model import Phase, SaveState
from mediatui.studio.instance import Instance

STEPS = ("submit", "status", "result", "file")
PICTURE_HALF = 2
"""A download is held at this fraction of its bytes."""


@dataclass(frozen=True)
class Outcome:
    """What a trial found."""

    moment: str
    acknowledged: int
    submits: int
    phase: str
    saved: bool


def trial(root: Path, server: FalServer, data: bytes, seed: int) -> Outcome:
    """Kill a run at a moment chosen by `seed`; go on until all is done; check everything that was promised."""
    chance = random.Random(seed)
    step, held = chance.choice(STEPS), threading.Event()
    delay = chance.choice((0.0, 0.0, chance.uniform(0, 0.05)))
    files = dict.fromkeys(server.outputs, data)
    server.files = files
    before_answer = chance.random() < 0.5
    _hold(server, step, held, files, before_answer)
    lines: list[str] = []
    child = _start(root, server, "make")
    reader = threading.Thread(target=_read, args=(child, lines))
    reader.start()
    try:
        server.wait_for(step)
        if not before_answer:
            held.set()
        time.sleep(delay)  # the moment of the kill, not a wait for something
    finally:
        child.kill()
        child.wait()
        reader.join()
        held.set()
    server.on.clear()
    server.on["history"] = lambda call: _history(server)
    for _ in range(2):
        run = subprocess.run(_command(root, server), capture_output=True, text=True, timeout=60, check=True)
        if run.stdout.strip().endswith("done 0"):
            break
    acknowledged = [line.split()[1] for line in lines if line.startswith("ack")]
    return _verdict(root, server, files, acknowledged, f"{step} {'asked' if before_answer else 'answered'}")


def _hold(server: FalServer, step: str, held: threading.Event, files: dict[str, bytes], before: bool) -> None:
    def answer(call: Call) -> Reply:
        reply = server.good(call)
        if step == "file":
            reply = ranged(call, files[call.path])
            reply.hold_body = (len(files[call.path]) // PICTURE_HALF, held)
        elif before:
            reply.hold = held
        return reply

    server.on[step] = answer


def _history(server: FalServer) -> Reply:
    """The account's history: every submit that arrived was accepted."""
    items = [
        {"request_id": f"r{n}", "json_input": call.json, "sent_at": _now()} for n, call in enumerate(server.submits, 1)
    ]
    return Reply(body={"items": items, "has_more": False})


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _command(root: Path, server: FalServer, *more: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.kill_child", str(root), server.url, *more]


def _start(root: Path, server: FalServer, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(_command(root, server, *more), stdout=subprocess.PIPE, text=True)


def _read(child: subprocess.Popen[str], lines: list[str]) -> None:
    assert child.stdout is not None
    with child.stdout as out:
        lines += [line.strip() for line in out if line.endswith("\n")]


def _verdict(root: Path, server: FalServer, files: dict[str, bytes], acknowledged: list[str], moment: str) -> Outcome:
    locations = places(root)
    library = Library(locations)
    try:
        project = library.open("demo")
        jobs, items = project.jobs(), project.items()
        assert project.damage == (), project.damage
        assert {job.id for job in jobs} >= set(acknowledged), "an acknowledged job is gone"
        assert len(jobs) == 1, jobs
        assert len(server.submits) <= 1, "it was paid for twice"
        (job,) = jobs
        if server.submits:
            assert job.phase is Phase.SUCCEEDED, (moment, job)
            assert len(items) == len(files), (moment, items)
        else:
            assert job.phase is Phase.CANCELLED, job
        for item in items:
            assert item.save_state is SaveState.SAVED, (moment, item)
            assert item.path is not None
            data = (project.folder / item.path).read_bytes()
            assert data == next(d for path, d in files.items() if (item.url or "").endswith(path)), "other bytes"
            assert hashlib.sha256(data).hexdigest() == item.sha256
        found = sorted(p.relative_to(project.folder).as_posix() for p in (project.folder / "images").glob("*.png"))
        assert found == sorted(item.path or "" for item in items), (moment, "files that no item names", found)
        left = [p.name for p in (project.folder / "parts").glob("*")] if (project.folder / "parts").exists() else []
        assert left == [], (moment, left)
        living = [p for p in locations.instances.glob("*") if Instance(locations.instances).is_alive(p.stem)]
        assert living == []
        return Outcome(moment, len(acknowledged), len(server.submits), job.phase, bool(items))
    finally:
        library.close()
