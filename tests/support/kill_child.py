"""What is killed: a studio that makes something, or goes on with what it finds, until all is saved.

    python -m tests.support.kill_child ROOT URL [make]

Prints ``ack JOB`` when a generation was acknowledged, and ``done`` in the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.workshop import QUICK, places, settings_for

from mediatui.model import SaveState
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio


def main(root: Path, url: str, make: bool) -> None:
    """Make or go on; returns when nothing is left to do."""
    studio = Studio(settings_for(url), places(root), QUICK)
    studio.start()
    if make:
        for job in studio.generate(GenerateRequest("a fox", ("fal-ai/test",), "demo")).result(30):
            print(f"ack {job.id}", flush=True)
    studio.projects().result(30)
    jobs = [job.id for job in studio.jobs()]
    studio.wait(jobs).result(30)
    left = [
        i.id for p in studio.projects().result(30) for i in studio.items(p.id) if i.save_state is not SaveState.SAVED
    ]
    print(f"done {len(left)}", flush=True)
    studio.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], "make" in sys.argv[3:])
