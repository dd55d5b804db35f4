"""A home directory of its own, and the program as a subprocess in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-m", "mediatui")
SECONDS = 60.0
"""A command that takes longer hangs."""


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout as the one JSON document it is."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Home:
    """A person's home directory: settings, projects and state under one folder."""

    root: Path
    before: Callable[[], None] | None = None
    """What a command that is run here does before it begins."""

    @property
    def projects(self) -> Path:
        """Where projects lie."""
        return self.root / "data" / "mediatui" / "projects"

    @property
    def config(self) -> Path:
        """The configuration file, which need not be there."""
        return self.root / "config" / "mediatui" / "config.toml"

    def configure(self, text: str, mode: int = 0o600) -> Path:
        """Write the configuration file."""
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text, "utf-8")
        self.config.chmod(mode)
        return self.config

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command run there; nothing of the real one that could matter."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEDIATUI", "XDG_", "FAL"))}
        places = {f"XDG_{kind.upper()}_HOME": str(self.root / kind) for kind in ("data", "config", "state", "cache")}
        return {**kept, **places, "HOME": str(self.root), "TERM": "dumb", "PYTHONUTF8": "1"}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        """Run a command to its end."""
        done = subprocess.run(
            [*PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=self.root,
            env={**self.environment, **environment},
            preexec_fn=self.before,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; the caller ends it."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=self.root,
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
        )


def ended(process: subprocess.Popen[str]) -> Done:
    """Wait for a started command."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    return Done(process.returncode, out, err)


def read_until(process: subprocess.Popen[str], wanted: Callable[[str], bool]) -> Sequence[str]:
    """Lines of stderr up to the first that is `wanted`."""
    lines: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        lines.append(line)
        if wanted(line):
            return lines
    raise AssertionError("".join(lines))
