"""What is killed: a studio that makes something, or goes on with what it finds, until all is saved.

    python -m tests.support.kill_child ROOT SCENE URL [make [PROMPT]]

Prints ``ack JOB`` when a generation was acknowledged, and ``done COUNT`` (of what is not saved) in the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.scenes import PROMPT, places, running, settings_for
from tests.support.workshop import QUICK

from mediatui.model import SaveState
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio


def main(root: Path, scene: str, url: str, make: bool, prompt: str = PROMPT) -> None:
    """Make or go on; returns when nothing is left to do."""
    studio = Studio(settings_for(scene, url, root), places(root), QUICK)
    studio.start()
    print("started", flush=True)
    if make:
        with running(scene) as known:
            request = GenerateRequest(prompt, (known.model,), "demo", known.params)
        for job in studio.generate(request).result(60):
            print(f"ack {job.id}", flush=True)
    studio.projects().result(60)
    for project in studio.projects().result(60):
        studio.open_project(project.id).result(60)
    jobs = [job.id for job in studio.jobs()]
    studio.wait(jobs).result(60)
    left = [
        i.id for p in studio.projects().result(60) for i in studio.items(p.id) if i.save_state is not SaveState.SAVED
    ]
    print(f"done {len(left)}", flush=True)
    studio.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], "make" in sys.argv[4:], *sys.argv[5:6])
