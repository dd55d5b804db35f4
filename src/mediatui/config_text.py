"""Writing the configuration: the commented template, and one provider's key set without touching the rest."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from mediatui.config_file import COMMON_OPTIONS, key_variables
from mediatui.errors import UsageError, storage_error
from mediatui.keys import Secret
from mediatui.provider_kinds import KINDS, ProviderKind
from mediatui.settings import Setting, settings_table
from mediatui.text import safe_json

_TABLE = re.compile(r"\s*\[")


def template() -> str:
    """A configuration file in which every setting stands with its meaning and its default, commented out."""
    return "\n".join(_template_lines()) + "\n"


def _template_lines() -> Iterator[str]:
    yield "# mediatui's settings. A line that begins with # has no effect: it shows the default."
    for table, rows in groupby(settings_table(), key=lambda row: row.table):
        yield ""
        if table:
            yield f"[{table}]"
        for row in rows:
            yield from _setting_lines(row)
    yield ""
    yield "# Providers. A key may stand in the environment instead, or be printed by a key_command."
    yield '# Several services of one kind: [providers.mygateway] with kind = "openai".'
    for kind in KINDS.values():
        yield ""
        yield from _provider_lines(kind)


def _setting_lines(row: Setting) -> Iterator[str]:
    yield f"# {row.about}"
    yield f"# {row.key} = {toml_value(row.default)}"


def _provider_lines(kind: ProviderKind) -> Iterator[str]:
    variables = " or ".join(name.replace("+", " with ") for name in key_variables(kind.name, kind))
    yield f"# {kind.title}; its key in the environment: {variables}"
    yield f"# [providers.{kind.name}]"
    for option, about in {**_common(kind), **kind.options}.items():
        yield f"# {option} =   # {about}"


def _common(kind: ProviderKind) -> Mapping[str, str]:
    return {name: about for name, about in COMMON_OPTIONS.items() if name != "kind"}


def toml_value(value: Any) -> str:
    """A value as TOML spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return toml_text(value.value)
    if isinstance(value, str):
        return toml_text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {toml_value(v)}" for k, v in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return str(value)


def toml_text(text: str) -> str:
    """A text as TOML spells it: JSON's spelling is a TOML basic string, with DEL escaped."""
    return safe_json(text)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_text(name)


def create_private(path: Path, text: str) -> bool:
    """Make the file with mode 0600 unless there is one; True when it was made. Raises `StorageError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as exc:
        raise storage_error(exc, f"write {path}") from exc
    return True


def store_option(path: Path, provider: str, option: str, value: str | bool) -> None:
    """Set one option of a provider's table in the file, which is made or becomes private (mode 0600).

    Everything else in it stays as it is, comments too. Raises `UsageError` for a file in which that cannot be
    done safely, `StorageError` when it cannot be written.
    """
    text = _read(path)
    try:
        before = tomllib.loads(text)
        changed = _with_option(text, provider, option, toml_value(value))
        after = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        raise _by_hand(path, provider, option) from None
    before.setdefault("providers", {}).setdefault(provider, {})[option] = value
    if after != before:
        raise _by_hand(path, provider, option)
    _replace_private(path, changed)


def store_key(path: Path, provider: str, secret: Secret) -> None:
    """Keep a provider's key in the file; see `store_option`."""
    store_option(path, provider, "key", secret.reveal())


def add_allowed_host(path: Path, host: str) -> None:
    """Add a host to ``save.allow_hosts`` in the file, which is made when there is none; comments stay.

    Raises `UsageError` for a file in which that cannot be done safely, `StorageError` when it cannot be written.
    """
    text = _read(path)
    try:
        before = tomllib.loads(text)
        known = before.setdefault("save", {}).setdefault("allow_hosts", [])
        if host in known:
            return
        changed = _with_host(text, host)
        after = tomllib.loads(changed)
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        raise _host_by_hand(path, host) from None
    known.insert(0, host)
    if after != before:
        raise _host_by_hand(path, host)
    _replace_private(path, changed)


def _with_host(text: str, host: str) -> str:
    """The text with the host put first into the list; the result is checked by who asked."""
    lines = text.splitlines()
    header = re.compile(r"\s*\[\s*save\s*\]\s*(#.*)?")
    start = next((n for n, line in enumerate(lines) if header.fullmatch(line)), None)
    entry = f"allow_hosts = [{toml_text(host)}]"
    if start is None:
        return "\n".join([*lines, *([""] if lines else []), "[save]", entry]) + "\n"
    end = next((n for n in range(start + 1, len(lines)) if _TABLE.match(lines[n])), len(lines))
    opening = re.compile(r"(\s*allow_hosts\s*=\s*\[)(.*)")
    for number in range(start + 1, end):
        if (found := opening.fullmatch(lines[number])) is not None:
            comma = "" if found[2].lstrip().startswith("]") else ", "
            lines[number] = f"{found[1]}{toml_text(host)}{comma}{found[2]}"
            break
    else:
        lines.insert(start + 1, entry)
    return "\n".join(lines) + "\n"


def _host_by_hand(path: Path, host: str) -> UsageError:
    return UsageError(
        f"{path} is written in a way that cannot be changed safely; nothing was changed",
        hint=f"Add {host} to allow_hosts under [save] by hand: `mediatui config edit`.",
    )


def _by_hand(path: Path, provider: str, option: str) -> UsageError:
    return UsageError(
        f"{path} is written in a way that cannot be changed safely; nothing was changed",
        hint=f"Set {option} under [providers.{provider}] by hand: `mediatui config edit`.",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8") from None
    except OSError as exc:
        raise storage_error(exc, f"read {path}") from exc


def _with_option(text: str, provider: str, option: str, value: str) -> str:
    """The text with the option's line put into the provider's table; the result is checked by who asked."""
    lines = text.splitlines()
    header = re.compile(rf"\s*\[\s*providers\s*\.\s*[\"']?{re.escape(provider)}[\"']?\s*\]\s*(#.*)?")
    start = next((n for n, line in enumerate(lines) if header.fullmatch(line)), None)
    entry = f"{option} = {value}"
    if start is None:
        return "\n".join([*lines, *([""] if lines else []), f"[providers.{provider}]", entry]) + "\n"
    end = next((n for n in range(start + 1, len(lines)) if _TABLE.match(lines[n])), len(lines))
    mine = re.compile(rf"\s*[\"']?{re.escape(option)}[\"']?\s*=")
    place = next((n for n in range(start + 1, end) if mine.match(lines[n])), None)
    lines[start + 1 if place is None else place : start + 1 if place is None else place + 1] = [entry]
    return "\n".join(lines) + "\n"


def _replace_private(path: Path, text: str) -> None:
    """Write beside the file and swap; a link stays a link."""
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.urandom(4).hex()}")
    try:
        create_private(temporary, text)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as exc:
        with suppress(OSError):
            temporary.unlink()
        raise storage_error(exc, f"write {path}") from exc
