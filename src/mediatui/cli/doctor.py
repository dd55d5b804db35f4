"""``mediatui doctor``: versions, places, terminal, provider and the health of every project. Never a key."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediatui import __version__
from mediatui.errors import ExitCode, StorageError, UsageError
from mediatui.text import clean_text, human_bytes, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mediatui.cli.context import Context
    from mediatui.cli.options import CommandParser
    from mediatui.cli.output import Output
    from mediatui.settings import ProviderSettings

PARTS = ("textual", "tinydb", "httpx", "pillow", "av", "starlette", "uvicorn", "cryptography", "isal")
"""Packages whose versions matter in a report."""

TERMINAL_VARIABLES = ("TERM", "COLORTERM", "TERM_PROGRAM", "TMUX", "SSH_CONNECTION", "NO_COLOR", "LANG", "LC_ALL")
"""Environment variables that explain how a terminal behaves; of TMUX and SSH_CONNECTION only the presence."""

LOW_SPACE = 1 << 30
"""Bytes of free disk below which it is a problem."""


def configure(parser: CommandParser) -> None:
    """Add the options of ``doctor``."""
    parser.set_defaults(run=run)
    parser.examples("mediatui doctor", "mediatui doctor --json > report.json")


def run(context: Context) -> int:
    """Report; the exit code is 1 when something is wrong."""
    projects, unlisted = _projects_and_trouble(context)
    document: dict[str, Any] = {
        "versions": _versions(),
        "terminal": _terminal(context.output),
        "paths": _paths(context),
        "disk": {"free": _free(context.locations.data), "path": str(context.locations.data)},
        "provider": _provider(context),
        "projects": projects,
    }
    document["problems"] = [*unlisted, *_problems(document)]
    context.output.emit(document)
    _print(context, document)
    return ExitCode.FAILED if document["problems"] else ExitCode.DONE


def _versions() -> dict[str, str | None]:
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {
        "mediatui": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for name in PARTS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _terminal(output: Output) -> dict[str, Any]:
    size = output.size
    facts: dict[str, Any] = {
        "stdin": sys.stdin.isatty(),
        "stdout": output.stdout_is_terminal,
        "columns": size.columns,
        "lines": size.lines,
        "encoding": output.stdout.encoding,
    }
    for name in TERMINAL_VARIABLES:
        value = os.environ.get(name)
        facts[name] = bool(value) if name in ("TMUX", "SSH_CONNECTION") else clean_text(value) if value else None
    return facts


def _paths(context: Context) -> dict[str, dict[str, Any]]:
    from mediatui.cli.paths import places

    return {
        name: {"path": str(path), "exists": path.exists(), "writable": _writable(path, is_file=name in _FILES)}
        for name, path in places(context.locations).items()
    }


_FILES = ("config", "log")
"""The places that are files; the others are folders."""


def _writable(path: Path, *, is_file: bool) -> bool:
    """The path, or the nearest folder above it that exists, takes new files."""
    found = _existing(path)
    fits = found.is_file() if is_file and found == path else found.is_dir()
    return fits and os.access(found, os.W_OK)


def _existing(path: Path) -> Path:
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))


def _free(path: Path) -> int:
    return shutil.disk_usage(_existing(path)).free


def _provider(context: Context) -> dict[str, Any]:
    try:
        settings = context.settings
    except UsageError as error:
        return {"active": None, "configured": {}, "save_policy": None, "problem": error.message}
    return {
        "active": settings.active_provider,
        "configured": {name: _configured(provider) for name, provider in settings.providers.items()},
        "save_policy": settings.save_policy.value,
        "problem": None,
    }


def _configured(provider: ProviderSettings) -> str:
    """Where the key comes from; never the key."""
    if provider.key:
        return "key"
    if provider.key_command:
        return "key_command"
    if provider.keyring:
        return "keyring"
    return "needs no key" if provider.configured else "no key"


def _projects_and_trouble(context: Context) -> tuple[list[dict[str, Any]], list[str]]:
    """What is known of each project, and why they cannot even be listed: all else is told all the same."""
    try:
        return list(_projects(context)), []
    except StorageError as error:
        return [], [error.message]


def _projects(context: Context) -> Iterator[dict[str, Any]]:
    from mediatui.studio.reading import health, unreadable

    with context.reader(tells=False) as reader:
        for project in reader.projects():
            yield health(project)
        for project_id, error in reader.troubles.items():
            yield unreadable(project_id, error)


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for name, place in document["paths"].items():
        if not place["writable"]:
            yield f"{name}: {place['path']} is not writable"
    if document["disk"]["free"] < LOW_SPACE:
        yield f"only {human_bytes(document['disk']['free'])} free on the disk of {document['disk']['path']}"
    for name, version in document["versions"].items():
        if version is None and name != "isal":
            yield f"the package {name} is not installed"
    if document["provider"]["problem"]:
        yield document["provider"]["problem"]
    for project in document["projects"]:
        yield from (f"project {project['id']}: {what}" for what in _project_problems(project))


def _project_problems(project: Mapping[str, Any]) -> Iterator[str]:
    if project["notice"]:
        yield project["notice"]
    if project["damage"]:
        yield f"{plural(len(project['damage']), 'damaged record')} in the index"
    if project["missing"]:
        yield f"{plural(len(project['missing']), 'file')} missing (`mediatui retry --all -p {project['id']}`)"


def _print(context: Context, document: Mapping[str, Any]) -> None:
    output = context.output
    for section in ("versions", "terminal"):
        output.line(f"{section}")
        for name, value in document[section].items():
            output.line(f"  {name:<15} {_word(value)}")
    output.line("paths")
    for name, place in document["paths"].items():
        state = "" if place["exists"] else "  (not made yet)"
        output.line(f"  {name:<15} {place['path']}{state}")
    output.line(f"free disk         {human_bytes(document['disk']['free'])}")
    provider = document["provider"]
    output.line(f"provider          {provider['active'] or '—'}, saves {provider['save_policy'] or '—'}")
    for name, source in provider["configured"].items():
        output.line(f"  {name:<15} {source}")
    output.line("projects")
    for project in document["projects"]:
        counts = f"{plural(project['items'], 'item')}, {project['unsaved']} unsaved, {plural(project['jobs'], 'job')}"
        output.line(f"  {project['id']:<15} {counts}, {plural(project['orphans'], 'unknown file')}")
    for problem in document["problems"]:
        output.note(f"problem: {problem}")
    if not document["problems"]:
        output.line("no problems found")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "—" if value is None else str(value)
