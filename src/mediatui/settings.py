"""Settings: flags win over the environment, the environment over ``config.toml``; unknown names are errors."""

from __future__ import annotations

import difflib
import os
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from mediatui.errors import UsageError
from mediatui.model import SavePolicy
from mediatui.text import one_line

T = TypeVar("T")

PROVIDER_KEYS: Mapping[str, frozenset[str]] = {
    "fal": frozenset({"queue_url", "run_url", "api_url", "upload_url"}),
}
"""Settings a known provider takes besides ``key``, ``key_command`` and ``media_hosts``."""

KEY_VARIABLES: Mapping[str, tuple[str, ...]] = {"fal": ("FAL_KEY",)}
"""Environment variables that hold a provider's key."""

KEY_COMMAND_SECONDS = 30.0


class Secret:
    """A key: shown as dots wherever it is printed, readable only through `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        """The key itself, for the one header that needs it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret('••••')"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the configuration says of one provider."""

    name: str
    key: Secret | None = None
    key_command: str | None = None
    media_hosts: tuple[str, ...] = ()
    """Hosts (or loopback ``host:port``) its media may come from, besides the built-in ones."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The provider's own settings, such as ``queue_url``."""

    @property
    def configured(self) -> bool:
        """There is a key, or a command that prints one."""
        return bool(self.key) or self.key_command is not None

    def resolve_key(self) -> Secret | None:
        """The key; runs `key_command` if there is one and no key (blocking, at most 30 s).

        Raises `UsageError` when the command fails or prints nothing; its output is never shown.
        """
        if self.key or self.key_command is None:
            return self.key
        try:
            done = subprocess.run(
                self.key_command,
                shell=True,
                capture_output=True,
                text=True,
                timeout=KEY_COMMAND_SECONDS,
                check=True,
            )
        except (subprocess.SubprocessError, OSError, ValueError) as exc:
            # The exception's own text may hold the command's output; say only what failed.
            raise UsageError(
                f"the key_command of provider {self.name!r} failed ({type(exc).__name__})",
                hint="Run it by hand and see that it prints the key and nothing else.",
            ) from None
        if not done.stdout.strip():
            raise UsageError(f"the key_command of provider {self.name!r} printed nothing")
        return Secret(done.stdout)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    save_policy: SavePolicy = SavePolicy.AUTOMATIC
    """What happens to finished outputs; a project may say otherwise."""
    keep_unsaved: bool = True
    """Keep items whose save failed, marked, with a way to retry."""
    max_file_bytes: int = 8 << 30
    """A download larger than this is refused."""
    concurrent_saves: int = 4
    concurrent_submits: int = 4
    poll_seconds: float = 1.0
    """The first interval between two questions for a job's status; it grows to five times this."""
    theme: str = "textual-dark"
    default_project: str = "Inbox"
    """Where a generation goes when nobody named a project."""
    sandbox: bool = False
    """Use the built-in sandbox even though a key is configured."""
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)

    @property
    def uses_sandbox(self) -> bool:
        """The sandbox is the provider to use: asked for, or nothing else is configured."""
        return self.sandbox or not any(p.configured for p in self.providers.values())


def load_settings(config_file: Path, *, sandbox: bool = False) -> Settings:
    """Read the settings. A missing file is an empty one.

    Raises `UsageError` naming the file and the setting for anything that is not understood.
    """
    try:
        document = tomllib.loads(config_file.read_text("utf-8"))
    except FileNotFoundError:
        document = {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise UsageError(f"{config_file}: {exc}", hint="Correct the file, or name another with --config.") from None
    reader = _Reader(config_file, document)
    save = reader.table("save")
    jobs = reader.table("jobs")
    ui = reader.table("ui")
    providers = reader.table("providers")
    settings = Settings(
        save_policy=_policy(config_file, save.take("policy", str, "automatic")),
        keep_unsaved=save.take("keep_unsaved", bool, True),
        max_file_bytes=save.take("max_file_bytes", int, 8 << 30),
        concurrent_saves=max(1, save.take("concurrent", int, 4)),
        concurrent_submits=max(1, jobs.take("concurrent_submits", int, 4)),
        poll_seconds=max(0.05, float(jobs.take("poll_seconds", (int, float), 1.0))),
        default_project=one_line(reader.take("default_project", str, "Inbox"), 120) or "Inbox",
        sandbox=sandbox
        or os.environ.get("MEDIATUI_SANDBOX", "") not in ("", "0")
        or reader.take("sandbox", bool, False),
        theme=ui.take("theme", str, "textual-dark"),
        providers=_providers(config_file, providers),
    )
    for part in (reader, save, jobs, ui):
        part.finish()
    return settings


def _policy(config_file: Path, value: str) -> SavePolicy:
    try:
        return SavePolicy(value)
    except ValueError:
        choices = ", ".join(SavePolicy)
        raise UsageError(f"{config_file}: save.policy is {value!r}; it must be one of {choices}") from None


def _providers(config_file: Path, tables: _Reader) -> dict[str, ProviderSettings]:
    found: dict[str, ProviderSettings] = {}
    for name in sorted({*KEY_VARIABLES, *tables.names()}):
        table = tables.table(name)
        key = table.take("key", str, "")
        for variable in KEY_VARIABLES.get(name, ()):
            key = os.environ.get(variable) or key
        command = table.take("key_command", str, "")
        hosts = table.take("media_hosts", list, [])
        if not all(isinstance(host, str) and host for host in hosts):
            raise UsageError(f"{config_file}: providers.{name}.media_hosts must be a list of host names")
        allowed = PROVIDER_KEYS.get(name)
        options = table.rest(allowed)
        for option, value in options.items():
            if option.endswith("_url"):
                _check_url(config_file, f"providers.{name}.{option}", value)
        found[name] = ProviderSettings(
            name=name,
            key=Secret(key) if key.strip() else None,
            key_command=command or None,
            media_hosts=tuple(host.lower() for host in hosts),
            options=options,
        )
    return found


def _check_url(config_file: Path, name: str, value: object) -> None:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{config_file}: {name} must be an http or https address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(
            f"{config_file}: {name} uses plain http, which would show your key to the network",
            hint="Use https; plain http is allowed to this machine only.",
        )


def is_loopback(host: str) -> bool:
    """A name or address of this machine, by its spelling (``localhost``, ``127.…``, ``::1``)."""
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127.")


class _Reader:
    """Takes known names out of one TOML table and complains about the rest."""

    def __init__(self, file: Path, values: Mapping[str, Any], path: str = "") -> None:
        self._file, self._values, self._path = file, values, path
        self._known: set[str] = set()

    def names(self) -> list[str]:
        return list(self._values)

    def table(self, name: str) -> _Reader:
        value = self.take(name, dict, {})
        return _Reader(self._file, value, f"{self._path}{name}.")

    def take(self, name: str, kind: type[T] | tuple[type[Any], ...], default: T) -> T:
        self._known.add(name)
        value = self._values.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            wanted = kind.__name__ if isinstance(kind, type) else "number"
            raise UsageError(f"{self._file}: {self._path}{name} must be a {wanted}, not {type(value).__name__}")
        return value

    def rest(self, allowed: frozenset[str] | None) -> dict[str, Any]:
        """What has not been taken; checked against `allowed` unless that is None."""
        left = {k: v for k, v in self._values.items() if k not in self._known}
        if allowed is not None:
            self._known |= allowed
            self.finish()
        return left

    def finish(self) -> None:
        for name in self._values:
            if name not in self._known:
                near = difflib.get_close_matches(name, self._known, 1)
                hint = f"Did you mean {self._path}{near[0]}?" if near else ""
                raise UsageError(f"{self._file}: unknown setting {self._path}{name}", hint=hint)
