"""Opening a file in a program of the desktop, detached from this terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mediatui.errors import UsageError

PLAYERS = ("mpv", "vlc", "ffplay")


def opener(path: Path, environment: Mapping[str, str] = os.environ) -> Sequence[str]:
    """The command that opens `path`. Raises `UsageError`, naming the path, where nothing can show it."""
    chosen = environment.get("MEDIATUI_PLAYER")
    if chosen:
        return [chosen, str(path)]
    if sys.platform == "darwin":
        return ["open", str(path)]
    if not (environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY")):
        raise UsageError(f"there is no display to open it on: {path}", hint="y then p copies the path.")
    for name in ("xdg-open", *PLAYERS):
        found = shutil.which(name)
        if found:
            return [found, str(path)]
    raise UsageError(f"found no program to open {path}", hint="Set MEDIATUI_PLAYER to one, or copy the path with y, p.")


def open_outside(path: Path) -> None:
    """Start the program, and neither wait for it nor let it write here."""
    command = opener(path)
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as exc:
        raise UsageError(f"could not start {command[0]}: {exc.strerror}") from exc
