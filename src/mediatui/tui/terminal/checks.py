"""Whether this terminal can show the interface, and how careful to be with it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from mediatui.errors import UsageError

REMOTE = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")


def is_served(environment: Mapping[str, str] = os.environ) -> bool:
    """The interface is drawn in a browser: there is no terminal to look at."""
    return "web_driver" in environment.get("TEXTUAL_DRIVER", "")


def check_terminal() -> None:
    """Raises `UsageError` where the interface cannot be shown."""
    if is_served():
        return
    if not sys.stdin.isatty() or not sys.stderr.isatty():
        raise UsageError(
            "the interface needs a terminal for input and for output",
            hint="Without one, name a command: `mediatui generate`, `mediatui list` … (`mediatui --help`).",
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError(
            "this terminal says it can do nothing (TERM is 'dumb' or empty)",
            hint="Set TERM to what it is, for example xterm-256color, or name a command (`mediatui --help`).",
        )


def is_remote(environment: Mapping[str, str] = os.environ) -> bool:
    """The terminal is at the other end of a network line."""
    return any(environment.get(name) for name in REMOTE)
