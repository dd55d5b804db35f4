"""One of several windows on a data directory: it makes some things and goes on until it sees certain jobs finished.

    python -m tests.support.window_child ROOT URL NAME COUNT

Prints ``started`` and waits for a line; then ``ack JOB`` for each generation that was acknowledged. The second line
it reads is JSON: the ``jobs`` it must know, and the prompts that were ``sent``. It prints ``done`` and ends once all
jobs it knows have ended, and all their outputs are saved. A window killed between its record and the submit leaves
a job that was never sent: that one stays unknown, and is looked for again at the service for twenty minutes.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Set
from pathlib import Path

from tests.support.scenes import places, settings_for
from tests.support.workshop import QUICK

from mediatui.model import Phase, SaveState
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.studio import Studio


def main(root: Path, url: str, name: str, count: int) -> None:
    """Make `count` things and see everything through."""
    studio = Studio(settings_for("fal", url, root), places(root), QUICK)
    changed = threading.Event()
    studio.subscribe(lambda event: changed.set())
    studio.start()
    print("started", flush=True)
    sys.stdin.readline()
    sent = [studio.generate(GenerateRequest(f"{name} {n}", ("fal-ai/test",), "demo")) for n in range(count)]
    for each in sent:
        for job in each.result(60):
            print(f"ack {job.id}", flush=True)
    goal = json.loads(sys.stdin.readline())
    while not _finished(studio, set(goal["jobs"]), set(goal["sent"])):
        changed.wait(0.1)
        changed.clear()
    print("done", flush=True)
    studio.stop()


def _finished(studio: Studio, wanted: Set[str], sent: Set[str]) -> bool:
    jobs, items = studio.jobs(), studio.items("demo")
    ended = all(job.phase.ended or (job.phase is Phase.UNKNOWN and job.prompt not in sent) for job in jobs)
    known = wanted <= {job.id for job in jobs}
    return known and ended and all(item.save_state is SaveState.SAVED for item in items)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
