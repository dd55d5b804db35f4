"""Reading the configuration: flags win over the environment, the environment over ``config.toml``.

Unknown names are errors that name the nearest one; a key in a file that others can read is refused.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mediatui.errors import UsageError
from mediatui.keys import KeySource, Secret
from mediatui.provider_kinds import KINDS, SANDBOX, ProviderKind, find_kind, plugin_names
from mediatui.redact import remember_secret
from mediatui.settings import ProviderSettings, Setting, Settings, host_names, is_loopback, settings_table
from mediatui.text import one_line

COMMON_OPTIONS: Mapping[str, str] = {
    "kind": 'what it speaks, when the table has a name of its own: kind = "openai"',
    "key": "the key; the file must then be yours alone (mode 0600)",
    "key_command": "a command that prints the key, such as `pass show fal`",
    "keyring": "true: the key is in the system's keyring",
    "media_hosts": "hosts its media may come from, besides the built-in ones",
}
"""What every provider's table may say."""

MOST_BYTES = 1 << 20
"""A configuration is a page or two: what is larger is another file, or a device that never ends."""

_SECRET_NAME = re.compile(r"(?:key|token|secret|password|authorization|credential)s?$", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TYPES: Mapping[type, str] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", list: "a list", dict: "a table"
}  # fmt: skip
"""What people call TOML's types; the others are dates and times."""


class NotPrivate(UsageError):
    """The file holds a key, and others can read it."""

    title = "Your key is not safe"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A configuration file as it was read."""

    path: Path
    document: Mapping[str, Any]
    mode: int | None
    """Its permission bits; None when there is no file."""

    @property
    def private(self) -> bool:
        """Nobody else can read or change it, or there is none."""
        return self.mode is None or os.name != "posix" or not self.mode & 0o077

    @property
    def holds_key(self) -> bool:
        """A provider's table has a literal key, headers, which may hold one, or another value named like a secret."""
        return any(True for table in _tables(self.document) for _ in _secrets(table))

    def check_private(self) -> None:
        """Raise `NotPrivate` for a file with a key in it that others can read."""
        if not self.private and self.holds_key:
            raise NotPrivate(
                f"{self.path} holds a key and can be read by others (mode {self.mode:04o})",
                hint=f"Run `chmod 600 {self.path}`, and make a new key if somebody may have seen it.",
            )


def read_config(path: Path) -> ConfigFile:
    """The file's content; a missing file is an empty one. Raises `UsageError` when it cannot be read or parsed."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o7777
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path} is too large for a configuration file", hint="Name another with --config.")
        found = ConfigFile(path, tomllib.loads(data.decode("utf-8-sig")), mode)
    except FileNotFoundError:
        return ConfigFile(path, {}, None)
    except UnicodeDecodeError:
        raise UsageError(
            f"{path} is not text in UTF-8", hint="Correct the file, or name another with --config."
        ) from None
    except (OSError, tomllib.TOMLDecodeError, RecursionError) as exc:
        nested = "it is nested too deeply" if isinstance(exc, RecursionError) else exc
        reason = exc.strerror if isinstance(exc, OSError) else nested
        raise UsageError(f"{path}: {reason}", hint="Correct the file, or name another with --config.") from None
    for table in _tables(found.document):
        for secret in _secrets(table):  # nothing of them may be shown, also not what the environment overrides
            remember_secret(secret)
    return found


def load_settings(config_file: Path, *, sandbox: bool = False) -> Settings:
    """Read the settings. Raises `UsageError` naming the file and the setting for anything not understood."""
    found = read_config(config_file)
    found.check_private()
    return settings_from(found, sandbox=sandbox)


def settings_from(file: ConfigFile, *, sandbox: bool = False) -> Settings:
    """The settings that a file and the environment make. Raises `UsageError`; the file's mode is not looked at."""
    rows = list(settings_table())
    _refuse_unknown(file, rows)
    values = {row.attribute: _value(file, row) for row in rows}
    values["sandbox"] = sandbox or values["sandbox"] or os.environ.get("MEDIATUI_SANDBOX", "") not in ("", "0")
    from_environment = os.environ.get("MEDIATUI_PROVIDER")
    values["provider"] = from_environment or values["provider"]
    providers = {
        name: replace(provider, media_hosts=tuple(dict.fromkeys((*provider.media_hosts, *values["allow_hosts"]))))
        for name, provider in _providers(file).items()
    }
    settings = Settings(**values, providers=providers)
    if settings.provider and settings.provider not in settings.providers:
        _check_active(settings, "MEDIATUI_PROVIDER" if from_environment else f"{file.path}: provider")
    return settings


# -- plain settings


def _value(file: ConfigFile, row: Setting) -> Any:
    table: Any = file.document
    for part in row.table.split(".") if row.table else ():
        table = table.get(part, {})
    if row.key not in table:
        return row.default
    value: Any = table[row.key]
    if isinstance(row.default, float) and type(value) is int:
        value = float(value)
    kinds, wanted = _toml_kind(row.default)
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise UsageError(f"{file.path}: {row.name} must be {wanted}, not {_TYPES.get(type(value), 'a date')}")
    try:
        return row.check(value) if row.check else value
    except ValueError as exc:
        raise UsageError(f"{file.path}: {row.name} must be {exc}") from None


def _toml_kind(default: object) -> tuple[type, str]:
    """The TOML type of a setting with this default, and its name for people."""
    if isinstance(default, bool):
        return bool, "true or false"
    if isinstance(default, int):
        return int, "a whole number"
    if isinstance(default, float):
        return float, "a number"
    if isinstance(default, tuple):
        return list, "a list"
    if isinstance(default, StrEnum):
        return str, "one of " + ", ".join(f'"{word}"' for word in type(default))
    return (dict, "a table") if isinstance(default, Mapping) else (str, "a text")


def _refuse_unknown(file: ConfigFile, rows: Iterable[Setting]) -> None:
    names = {row.name for row in rows}
    tables = {row.table for row in rows if row.table} | {"providers"}

    def walk(table: Mapping[str, Any], prefix: str) -> None:
        for key, value in table.items():
            name = f"{prefix}{key}"
            if name in tables and not isinstance(value, dict):
                raise UsageError(f"{file.path}: {name} must be a table, [{name}]")
            if name in tables and name != "providers":
                walk(value, f"{name}.")
            elif name not in names | tables:
                raise _unknown(file, name, names | tables)

    walk(file.document, "")


def _unknown(file: ConfigFile, name: str, known: Iterable[str]) -> UsageError:
    near = _nearest(name, sorted(known))
    hint = f"Did you mean {near}?" if near else "`mediatui config template` lists every setting."
    return UsageError(f"{file.path}: unknown setting {one_line(name, 100)}", hint=hint)


def _nearest(name: str, known: Sequence[str]) -> str:
    """The name that was probably meant: spelled alike in the same table, else the same name in another."""
    table, _, leaf = name.rpartition(".")
    siblings = {other.rpartition(".")[2]: other for other in known if other.rpartition(".")[0] == table}
    alike = difflib.get_close_matches(leaf, sorted(siblings), 1) or [s for s in siblings if s.startswith(leaf)]
    if alike:
        return siblings[alike[0]]
    elsewhere = [other for other in known if other.rpartition(".")[2] == leaf]
    return next(iter(elsewhere or difflib.get_close_matches(name, known, 1)), "")


def _check_active(settings: Settings, where: str) -> None:
    """Refuse a provider that is none; `where` says where it was named."""
    if settings.provider == SANDBOX:
        return
    near = difflib.get_close_matches(settings.provider, [*settings.providers, SANDBOX], 1)
    raise UsageError(
        f"{where} is {settings.provider!r}, which no table or kind of provider is named",
        hint=f"Did you mean {near[0]}?" if near else f"Known: {', '.join(settings.providers)}, {SANDBOX}.",
    )


# -- providers


def _providers(file: ConfigFile) -> dict[str, ProviderSettings]:
    tables = file.document.get("providers", {})
    return {name: _provider(file, name, tables.get(name)) for name in [*KINDS, *(n for n in tables if n not in KINDS)]}


def _provider(file: ConfigFile, name: str, table: Mapping[str, Any] | None) -> ProviderSettings:
    given = table if table is not None else {}
    where = f"providers.{name}"
    if not isinstance(given, dict):
        raise UsageError(f"{file.path}: {where} must be a table, [{where}]")
    kind = _kind(file, name, given)
    for option, wanted in (("key", str), ("key_command", str), ("keyring", bool), ("media_hosts", list)):
        if option in given and not isinstance(given[option], wanted):
            said = {str: "a text", bool: "true or false", list: "a list"}[wanted]
            raise UsageError(f"{file.path}: {where}.{option} must be {said}")
    options = {key: value for key, value in given.items() if key not in COMMON_OPTIONS}
    _check_options(file, where, kind, options)
    try:
        hosts = host_names(given.get("media_hosts", []))
    except ValueError as exc:
        raise UsageError(f"{file.path}: {where}.media_hosts must be {exc}") from None
    # What the environment holds is an API key, which is no access token.
    variables = () if kind.name == "google" and given.get("auth") == "token" else key_variables(name, kind)
    key, source, place = _key(variables, str(given.get("key", "")))
    return ProviderSettings(
        name=name,
        kind=kind.name,
        key=key,
        key_source=source,
        key_place=place,
        key_command=given.get("key_command") or None,
        keyring=given.get("keyring"),
        media_hosts=hosts,
        options=options,
        in_file=table is not None,
    )


def _kind(file: ConfigFile, name: str, table: Mapping[str, Any]) -> ProviderKind:
    wanted = table.get("kind", name)
    kind = find_kind(wanted) if isinstance(wanted, str) else None
    if kind is None:
        known = [*KINDS, *sorted(plugin_names())]
        near = difflib.get_close_matches(str(wanted), known, 1)
        hint = (
            f"Did you mean {near[0]}?"
            if near
            else f'Say what it speaks: kind = "openai", or one of {", ".join(known)}.'
        )
        what = f"providers.{name}.kind" if "kind" in table else f"providers.{name}"
        raise UsageError(f"{file.path}: {what} names no kind of provider", hint=hint)
    if not _NAME.fullmatch(name) or name == SANDBOX:
        raise UsageError(
            f"{file.path}: a provider cannot be named {name!r}",
            hint=f"Use lower-case letters, digits, - and _; {SANDBOX} is the built-in one.",
        )
    return kind


def _check_options(file: ConfigFile, where: str, kind: ProviderKind, options: Mapping[str, Any]) -> None:
    for option, value in options.items():
        if option not in kind.options and not kind.any_options:
            raise _unknown(file, f"{where}.{option}", (f"{where}.{o}" for o in (*kind.options, *COMMON_OPTIONS)))
        if option.endswith("_url"):
            check_service_url(f"{file.path}: {where}.{option}", value, bare=not kind.any_options)


def check_service_url(name: str, value: object, *, bare: bool = True) -> None:
    """Refuse an address that is no http(s) one, would send a key in the clear, or holds a password.

    A `bare` one is what paths are added to: it has no query and no fragment.
    """
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        host = parts.hostname if parts and parts.port != 0 else None
    except ValueError:
        parts = host = None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{name} must be an http or https address")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"{name} must not hold a user name or password", hint="Keys have settings of their own.")
    if bare and (parts.query or parts.fragment):
        raise UsageError(f"{name} must end before any ? or #", hint="Paths are added to it.")
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"{name} uses plain http, which would show your key to the network",
            hint="Use https; plain http is allowed to this machine only.",
        )


def _key(variables: Sequence[str], in_file: str) -> tuple[Secret | None, KeySource, str]:
    for variable in variables:
        parts = [os.environ.get(part, "").strip() for part in variable.split("+")]
        if all(parts):
            return Secret(":".join(parts)), KeySource.ENVIRONMENT, variable
    return (Secret(in_file) if in_file.strip() else None), KeySource.CONFIG, ""


def key_variables(name: str, kind: ProviderKind) -> tuple[str, ...]:
    """The environment variables that hold a provider's key; joined by ``+`` when it comes in two parts.

    A table with a name of its own has a variable of its own, so that no key reaches another service.
    """
    if name == kind.name and kind.key_variables:
        return kind.key_variables
    return (f"{name.upper().replace('-', '_')}_API_KEY",)


def _tables(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    providers = document.get("providers", {})
    return [t for t in providers.values() if isinstance(t, dict)] if isinstance(providers, dict) else []


def _secrets(table: Mapping[str, Any]) -> Iterator[str]:
    """What is literally secret in a provider's table: key, headers, and what is named like a secret, however deep."""
    left: list[tuple[str, Any, bool]] = [(name, value, name == "headers") for name, value in table.items()]
    while left:
        name, value, secret = left.pop()
        if isinstance(value, dict):
            left += [(inner, each, secret) for inner, each in value.items()]
        elif isinstance(value, list):
            left += [(name, each, secret) for each in value]
        elif isinstance(value, str) and value.strip() and (secret or _SECRET_NAME.search(name)):
            yield value.strip()
