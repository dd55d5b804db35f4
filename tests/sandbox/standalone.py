"""A sandbox in a process of its own, that can be killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path
from mediatui.sandbox.server import run_forever

def announce(server):
    print(server.base_url, server.certificate, flush=True)

run_forever(Path(sys.argv[1]), "127.0.0.1", 0, sys.argv[2] == "tls", announce)
"""


@dataclass
class Standalone:
    """A running sandbox process."""

    process: subprocess.Popen[str]
    base_url: str
    certificate: str
    key: str = "any:key"


@contextmanager
def standalone(folder: Path, *, tls: bool = False) -> Iterator[Standalone]:
    """Run a sandbox on a folder; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM, str(folder), "tls" if tls else "plain"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            base_url, certificate = process.stdout.readline().split()
            yield Standalone(process, base_url, certificate)
        finally:
            process.kill()
