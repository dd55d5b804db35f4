"""What this terminal can show, decided once before the interface starts. Imports no part of Textual."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediatui.errors import UsageError
from mediatui.tui.terminal.checks import is_remote
from mediatui.tui.terminal.probe import Answers, Probe, drop_input
from mediatui.tui.terminal.tmux import TmuxFacts, ask_tmux


class Graphics(StrEnum):
    """How pictures are drawn. HALF: two pixels a cell, anywhere. OFF: not at all."""

    KITTY = "kitty"
    HALF = "half"
    OFF = "off"


CHOICES = ("auto", *Graphics)
"""What ``--graphics``, ``MEDIATUI_GRAPHICS`` and ``[ui] graphics`` may say."""

FIRST_KITTY = (0, 28)
"""The first kitty with Unicode placeholders; older ones claim the protocol and draw garbage."""

LOCAL_FPS = "120"
"""How often a screen may change: a key that comes right behind another waits 8 ms for its turn, not 17."""

TRUECOLOR_TERMS = frozenset(
    {"xterm-kitty", "xterm-ghostty", "foot", "foot-extra", "alacritty", "wezterm", "contour", "rio"}
)
_WITHOUT_PLACEHOLDERS = frozenset({"foot", "foot-extra", "alacritty", "wezterm", "contour", "rio"})
_PROGRAMS_WITHOUT = frozenset({"wezterm", "iterm.app", "apple_terminal", "vscode", "hyper", "tabby", "warpterminal"})
_MARKS_WITHOUT = ("VTE_VERSION", "KONSOLE_VERSION", "WT_SESSION")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known of the terminal."""

    graphics: Graphics = Graphics.HALF
    truecolor: bool = False
    """Proven; without it nothing is claimed."""
    remote: bool = False
    """At the other end of a network line."""
    tmux: bool = False
    """Sequences for the terminal itself must be wrapped."""
    cell: tuple[int, int] = (10, 20)
    """A cell's width and height in pixels, guessed where nobody says."""
    name: str = ""
    unanswered: bool = False
    """It was asked and did not finish answering in time: late answers may still come."""


def chosen_graphics(flag: str | None, environment: Mapping[str, str], setting: str = "auto") -> Graphics | None:
    """What a person decided: the flag, else ``MEDIATUI_GRAPHICS``, else the setting; None for ``auto``.

    Raises `UsageError` for a word that is none of `CHOICES`.
    """
    word = (flag or environment.get("MEDIATUI_GRAPHICS") or setting or "auto").strip().lower()
    if word not in CHOICES:
        raise UsageError(f"graphics cannot be {word!r}", hint=f"It is one of {', '.join(CHOICES)}.")
    return None if word == "auto" else Graphics(word)


def find_capabilities(
    choice: Graphics | None = None,
    environment: MutableMapping[str, str] = os.environ,
    *,
    meanwhile: Callable[[], object] = lambda: None,
    is_terminal: Callable[[], bool] = lambda: sys.stdin.isatty() and sys.stderr.isatty(),
    device: str = "/dev/tty",
) -> Capabilities:
    """Ask, decide, and tell Textual by its environment variable; call before the first ``import textual``.

    `meanwhile` is called while the terminal thinks about its answers: a place for imports. Never raises for
    what a terminal does or does not.
    """
    inside = bool(environment.get("TMUX"))
    usable = is_terminal() and not _is_served(environment)
    facts = ask_tmux(environment) if inside and usable else TmuxFacts()
    remote = facts.remote if facts.remote is not None else is_remote(environment)
    if not remote:
        environment.setdefault("TEXTUAL_FPS", LOCAL_FPS)
    mosh = remote and _under_mosh()
    probe = Probe(device=device) if usable and not inside and not mosh and _worth_asking(choice, environment) else None
    meanwhile()
    answers = probe.finish() if probe is not None else Answers()
    plain = not usable or mosh or bool(environment.get("NO_COLOR"))
    found = Capabilities(
        graphics=choice or (Graphics.HALF if plain else _graphics(environment, answers, facts, inside)),
        truecolor=_truecolor(environment, answers, facts, inside),
        remote=remote,
        tmux=inside,
        cell=_sensible(answers.cell),
        name=facts.name or answers.name,
        unanswered=answers.asked and not answers.answered,
    )
    if found.truecolor:
        environment.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
    return found


def forget_late_answers(found: Capabilities) -> None:
    """Just before the interface takes the keyboard: what a slow terminal answered since is no key press."""
    if found.unanswered:
        drop_input()


def _is_served(environment: Mapping[str, str]) -> bool:
    return "web" in environment.get("TEXTUAL_DRIVER", "")


def _worth_asking(choice: Graphics | None, environment: Mapping[str, str]) -> bool:
    """Whether an answer could change anything."""
    colour = _claims_truecolor(environment)
    if environment.get("NO_COLOR") or environment.get("TERM", "") in ("", "dumb", "linux"):
        return False
    return not colour or (choice is None and not _known_without(environment))


def _known_without(environment: Mapping[str, str]) -> bool:
    return (
        environment.get("TERM", "") in _WITHOUT_PLACEHOLDERS
        or environment.get("TERM_PROGRAM", "").lower() in _PROGRAMS_WITHOUT
        or any(environment.get(mark) for mark in _MARKS_WITHOUT)
    )


def _claims_truecolor(environment: Mapping[str, str]) -> bool:
    term = environment.get("TERM", "")
    claimed = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    return claimed or term in TRUECOLOR_TERMS or term.endswith("-direct")


def _truecolor(environment: Mapping[str, str], answers: Answers, facts: TmuxFacts, inside: bool) -> bool:
    if inside:
        return "RGB" in facts.features
    return answers.truecolor or _claims_truecolor(environment)


def _graphics(environment: Mapping[str, str], answers: Answers, facts: TmuxFacts, inside: bool) -> Graphics:
    """Identity beats advertised features: several terminals claim a protocol of which they know a part."""
    if inside:
        able = facts.passthrough and _has_placeholders(facts.name, facts.term) and "RGB" in facts.features
    else:
        able = (
            answers.kitty
            and _has_placeholders(answers.name, environment.get("TERM", ""))
            and (answers.truecolor or _claims_truecolor(environment))
        )
    return Graphics.KITTY if able else Graphics.HALF


def _has_placeholders(name: str, term: str) -> bool:
    version = re.match(r"kitty\((\d+)\.(\d+)", name)
    if version is not None:
        return (int(version[1]), int(version[2])) >= FIRST_KITTY
    return name.lower().startswith("ghostty") or (not name and term == "xterm-ghostty")


def _sensible(cell: tuple[int, int] | None) -> tuple[int, int]:
    """A cell's size, or a common one for what cannot be true."""
    if cell is None or not (2 <= cell[0] <= 100 and 4 <= cell[1] <= 200):
        return Capabilities().cell
    return cell


def _under_mosh(proc: Path = Path("/proc")) -> bool:
    """Some ancestor is mosh's server, which drops every picture; found where there is a ``/proc``."""
    pid = os.getppid()
    for _ in range(12):
        try:
            head, _, tail = (proc / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")
        except OSError:
            return False
        if "(mosh-server" in head:
            return True
        pid = int(tail.split()[1])
        if pid <= 1:
            return False
    return False
