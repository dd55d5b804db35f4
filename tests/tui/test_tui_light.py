"""What the first frame waits for."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "tinydb",
    "httpx",
    "PIL",
    "av",
    "mediatui.library.library",
    "mediatui.library.project",
    "mediatui.studio.studio",
)


def test_the_first_frame_loads_neither_library_nor_network() -> None:
    code = "import json, sys, mediatui.tui.app; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(json.loads(done.stdout))
