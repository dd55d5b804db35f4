"""Which program opens a file: an ordered table, the person's lines before ours, the first that can run wins."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mediatui.errors import UsageError
from mediatui.text import one_line
from mediatui.tui.terminal.checks import is_remote

PLACE = "{}"
"""Where the file or address goes in a command; at its end when it does not say."""

NEEDS = ("gui", "tty", "none")
EDIT = "Correct it with `mediatui config edit`."
_FORWARDED = re.compile(r"(localhost|127\.0\.0\.1|\[?::1\]?):\d{2,}")


@dataclass(frozen=True, slots=True)
class Opener:
    """One line of the table."""

    run: str
    """The command, as words in a shell but run without one; ``{}`` is the file or address."""
    mime: str = "*"
    """What it opens: ``video/*``, ``image/png``, ``*``."""
    needs: str = "gui"
    """``gui``: a display; ``tty``: this terminal, which it gets to itself; ``none``."""
    detach: bool = True
    """It goes on by itself; never true for what needs the terminal."""
    title: str = ""
    remote: bool = True
    """It can open an https address as well as a file."""

    @property
    def program(self) -> str:
        """The command's first word."""
        return shlex.split(self.run)[0]

    @property
    def words(self) -> str:
        """What a menu calls it."""
        return self.title or self.program

    def command(self, target: str) -> list[str]:
        """The argument list for one file or address; never a shell, never taken for an option."""
        words = shlex.split(self.run)
        if PLACE in words:
            return [target if word == PLACE else word for word in words]
        return [*words, target]


def _defaults() -> tuple[Opener, ...]:
    sight = "video/*"
    table = [
        Opener("mpv --force-window --keep-open=yes --really-quiet -- {}", sight, title="mpv"),
        Opener("mpv --force-window --keep-open=yes --really-quiet -- {}", "audio/*", title="mpv"),
        Opener("ffplay -loglevel quiet -autoexit {}", sight, title="ffplay"),
        Opener("ffplay -loglevel quiet -autoexit {}", "audio/*", title="ffplay"),
        Opener("vlc --quiet -- {}", sight, title="VLC"),
        Opener("vlc --quiet -- {}", "audio/*", title="VLC"),
    ]
    if sys.platform == "darwin":
        table.insert(0, Opener("open {}", "*", title="the system's own program"))
    else:
        table.append(Opener("xdg-open {}", "*", title="the desktop's program"))
    table += [
        Opener("mpv --vo=tct --really-quiet -- {}", sight, "tty", False, "mpv in this terminal"),
        Opener("mpv --no-video -- {}", "audio/*", "tty", False, "mpv in this terminal"),
        Opener("chafa --animate=off -- {}", "image/*", "tty", False, "chafa in this terminal", remote=False),
    ]
    return tuple(table)


DEFAULTS = _defaults()


def read_openers(lines: Sequence[Mapping[str, Any]], where: str = "open") -> tuple[Opener, ...]:
    """The person's own table, then ours. Raises `UsageError` that names the line and what is wrong with it."""
    return (*(_read(line, f"{where}[{number}]") for number, line in enumerate(lines, 1)), *DEFAULTS)


def _read(line: Mapping[str, Any], where: str) -> Opener:
    known = {"run": str, "mime": str, "needs": str, "detach": bool, "title": str}
    for name, value in line.items():
        if name not in known:
            raise UsageError(f"{where}: unknown setting {name}", hint=f"Known: {', '.join(known)}. {EDIT}")
        if not isinstance(value, known[name]):
            wanted = "true or false" if known[name] is bool else "a text"
            raise UsageError(f"{where}.{name} must be {wanted}", hint=EDIT)
    run = line.get("run", "")
    try:
        words = shlex.split(run)
    except ValueError as exc:
        raise UsageError(f"{where}.run cannot be read: {exc}", hint=EDIT) from None
    if not words:
        raise UsageError(f'{where} needs a command: run = "mpv -- {PLACE}"', hint=EDIT)
    needs = line.get("needs", "gui")
    if needs not in NEEDS:
        raise UsageError(f"{where}.needs must be one of {', '.join(NEEDS)}", hint=EDIT)
    return Opener(
        run,
        line.get("mime", "*"),
        needs,
        line.get("detach", needs != "tty") and needs != "tty",
        one_line(line.get("title", ""), 40),
    )


def personal(environment: Mapping[str, str]) -> tuple[Opener, ...]:
    """What ``MEDIATUI_PLAYER`` says, as a line before all others."""
    command = environment.get("MEDIATUI_PLAYER", "").strip()
    if not command:
        return ()
    try:
        words = shlex.split(command)
    except ValueError:
        words = [command]
    return (Opener(shlex.join(words), "*", "none", True, one_line(words[0].rpartition("/")[2], 40)),)


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """A window would appear in front of the person, not on another machine's screen."""
    if is_remote(environment):
        return False
    if platform == "darwin":
        return True
    return bool(environment.get("WAYLAND_DISPLAY") or environment.get("DISPLAY"))


def is_forwarded(environment: Mapping[str, str]) -> bool:
    """X11 comes through ssh: slow for video, but it is there."""
    display = environment.get("DISPLAY", "")
    return is_remote(environment) and bool(_FORWARDED.fullmatch(display.partition(".")[0]))


def usable(
    table: Sequence[Opener],
    mime: str,
    environment: Mapping[str, str] = os.environ,
    *,
    is_address: bool = False,
    can_suspend: bool = True,
    found: Callable[[str], str | None] = shutil.which,
) -> list[Opener]:
    """The lines that could open this here and now, best first; without a display those for the terminal.

    A forwarded display comes last: it works, and is never what somebody wants by default.
    """
    display, forwarded = has_display(environment), is_forwarded(environment)
    first: list[Opener] = []
    last: list[Opener] = []
    for opener in (*personal(environment), *table):
        if not fnmatchcase(mime, opener.mime) or (is_address and not opener.remote):
            continue
        if (opener.needs == "tty" and not can_suspend) or found(opener.program) is None:
            continue
        if opener.needs != "gui" or display:
            first.append(opener)
        elif forwarded:
            last.append(opener)
    return [*dict.fromkeys((*first, *last))]


def launch(opener: Opener, target: str) -> None:
    """Start a program of the desktop, and neither wait for it nor let it write here. Raises `UsageError`."""
    command = opener.command(target)
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


def scp_line(path: str, environment: Mapping[str, str] = os.environ, *, user: str = "", host: str = "") -> str:
    """The line that fetches a file to the machine somebody sits at.

    The host is the address ssh was reached at, which the other side can reach by definition; a name would be
    guessing.
    """
    connection = environment.get("SSH_CONNECTION", "").split()
    address = host or (connection[2] if len(connection) == 4 else os.uname().nodename)
    port = connection[3] if len(connection) == 4 and not host else "22"
    who = user or environment.get("USER") or environment.get("LOGNAME") or ""
    place = f"[{address}]" if ":" in address else address
    option = f"-P {port} " if port != "22" else ""
    source = f"{who}@{place}:{path}" if who else f"{place}:{path}"
    return f"scp {option}{shlex.quote(source)} ."
