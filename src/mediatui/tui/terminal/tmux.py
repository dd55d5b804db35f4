"""tmux answers for itself: what the terminal around it can do, only tmux knows."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = 0.5
"""A tmux server that takes longer is not asked again."""

_FORMAT = "#{client_termfeatures}|#{client_termname}|#{client_termtype}|#{allow-passthrough}"


@dataclass(frozen=True, slots=True)
class TmuxFacts:
    """The terminal outside tmux, as tmux sees it."""

    features: frozenset[str] = frozenset()
    term: str = ""
    """Its TERM."""
    name: str = ""
    """Its name and version, as ``kitty(0.41.1)``."""
    passthrough: bool = False
    """Sequences wrapped for tmux reach it."""
    remote: bool | None = None
    """The client now attached came over ssh; None where tmux does not know."""


def ask_tmux(environment: Mapping[str, str], command: str = "tmux") -> TmuxFacts:
    """Ask the tmux server around us; nothing known when it does not answer."""
    try:
        done = subprocess.run(
            [command, "display-message", "-p", _FORMAT, ";", "show-environment", "SSH_CONNECTION"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return TmuxFacts()
    return read_facts(done.stdout)


def read_facts(text: str) -> TmuxFacts:
    """Make sense of tmux's two lines; the second is missing where the session knows no such variable."""
    first, _, rest = text.partition("\n")
    fields = [*first.split("|"), "", "", "", ""]
    remote = None
    if rest.startswith("SSH_CONNECTION="):
        remote = True
    elif rest.startswith("-SSH_CONNECTION"):
        remote = False
    return TmuxFacts(
        features=frozenset(filter(None, fields[0].split(","))),
        term=fields[1],
        name=fields[2],
        passthrough=fields[3] in ("on", "all", "1"),
        remote=remote,
    )


def wrapped(sequence: str) -> str:
    """A sequence for the terminal outside tmux."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
