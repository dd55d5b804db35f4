"""Reaching a person who looks elsewhere: the terminal's title, its bell, a desktop notification."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress

from mediatui.text import one_line

PUSH_TITLE, POP_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""Keep the title on the terminal's own stack, and take it back. Terminals without one ignore both."""

_OSC_777 = frozenset({"rxvt-unicode", "rxvt-unicode-256color", "foot", "foot-extra"})
_OSC_99 = frozenset({"xterm-kitty"})
_OSC_9_PROGRAMS = frozenset({"iterm.app", "wezterm", "ghostty", "warpterminal"})
NOTIFY_SECONDS = 5.0


def title(text: str) -> str:
    """The sequence that sets the title."""
    return f"\x1b]2;{one_line(text, 120)}\x07"


def notification(text: str, environment: Mapping[str, str] = os.environ, *, name: str = "") -> str:
    """The sequence by which this terminal notifies its desktop; empty when it is not known to have one.

    `name` is what the terminal called itself when asked; inside tmux that is the outer one.
    """
    text = one_line(text, 200).replace(";", ",")
    program = environment.get("TERM_PROGRAM", "").lower()
    term = environment.get("TERM", "")
    called = name.lower()
    if term in _OSC_99 or called.startswith("kitty") or environment.get("KITTY_WINDOW_ID"):
        sequence = f"\x1b]99;;{text}\x1b\\"
    elif program in _OSC_9_PROGRAMS or term == "xterm-ghostty" or called.startswith(("ghostty", "wezterm", "iterm2")):
        sequence = f"\x1b]9;{text}\x07"
    elif term in _OSC_777 or called.startswith(("foot", "rxvt")):
        sequence = f"\x1b]777;notify;mediatui;{text}\x07"
    else:
        return ""
    if environment.get("TMUX"):
        return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"
    return sequence


def notify_desktop(text: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Ask the local desktop itself; False where there is none. Blocking for a moment: not for the drawing thread."""
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return False
    program = shutil.which("notify-send", path=environment.get("PATH"))
    if program is None:
        return False
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [program, "--app-name=mediatui", "--", "mediatui", one_line(text, 200)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=NOTIFY_SECONDS, check=False,
        )  # fmt: skip
        return done.returncode == 0
    return False
