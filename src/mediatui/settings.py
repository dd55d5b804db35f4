"""The values that can be set, each in one place: its name in the file, default, meaning and limits.

To add a setting, add a field to `Settings`: reading it, its checks, ``mediatui config show`` and the
commented template all follow from there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from mediatui.errors import NoKey
from mediatui.keys import (
    KEY_COMMAND_SECONDS,
    FoundKey,
    KeySource,
    Secret,
    has_keyring,
    read_keyring,
    run_key_command,
)
from mediatui.model import SavePolicy
from mediatui.provider_kinds import KINDS, SANDBOX, ProviderKind, find_kind
from mediatui.text import one_line

__all__ = [
    "GRAPHICS",
    "KEY_COMMAND_SECONDS",
    "FoundKey",
    "GlyphSet",
    "KeySource",
    "ProviderSettings",
    "Secret",
    "Setting",
    "Settings",
    "Switch",
    "is_loopback",
    "settings_table",
]

GRAPHICS = ("auto", "kitty", "half", "off")
"""How pictures are drawn; the interface knows what each means."""

MOST_AT_ONCE = 256
"""Each of what goes on at once may take a thread and a connection."""

T = TypeVar("T")
Check = Callable[[Any], Any]
"""Takes a value as TOML has it and returns it as `Settings` keeps it; raises `ValueError` completing "must be …"."""


def at_least(lowest: float) -> Check:
    """A number no smaller than `lowest`; TOML also has ``nan``, which is none."""

    def check(value: Any) -> Any:
        if not value >= lowest:
            raise ValueError(f"at least {lowest:g}")
        return value

    return check


def between(lowest: float, highest: float) -> Check:
    """A number in this range."""

    def check(value: Any) -> Any:
        if not lowest <= value <= highest:
            raise ValueError(f"between {lowest:g} and {highest:g}")
        return value

    return check


def one_of(choices: type[StrEnum]) -> Check:
    """One of an enumeration's words."""

    def check(value: Any) -> Any:
        try:
            return choices(value)
        except ValueError:
            raise ValueError("one of " + ", ".join(choices)) from None

    return check


def word_of(words: Iterable[str]) -> Check:
    """One of a few words."""

    def check(value: Any) -> Any:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return value

    return check


def tables(value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of tables."""
    if not all(isinstance(each, Mapping) for each in value):
        raise ValueError('a list of tables, each as [[open]] with run = "…"')
    return tuple(value)


_HOST = re.compile(r"[^\s/@?#\\]+(/[^\s?#\\]*)?")


def host_names(value: Any) -> tuple[str, ...]:
    """A list of host names, ``*.suffix`` patterns, ``host/path`` prefixes or loopback ``host:port`` pairs."""
    if not all(isinstance(host, str) and "://" not in host and _HOST.fullmatch(host) for host in value):
        raise ValueError("a list of host names without https://")
    # Only the name may be written in any case: a path is what it is.
    return tuple("".join((name.lower(), slash, path)) for name, slash, path in (host.partition("/") for host in value))


def limits_by_name(value: Any) -> dict[str, int]:
    """A table of whole numbers from 1 to `MOST_AT_ONCE`."""
    if not all(type(count) is int and 0 < count <= MOST_AT_ONCE for count in value.values()):
        raise ValueError(f"a table of whole numbers from 1 to {MOST_AT_ONCE}")
    return dict(value)


def key_lists(value: Any) -> dict[str, tuple[str, ...]]:
    """A table of actions, each with a key or a list of keys; ``library.save`` may also be written as nested tables."""
    found: dict[str, tuple[str, ...]] = {}
    for name, given in value.items():
        if isinstance(given, Mapping):
            found |= {f"{name}.{inner}": keys for inner, keys in key_lists(given).items()}
            continue
        keys = [given] if isinstance(given, str) else given
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
            raise ValueError('a table such as { "library.save" = ["w", "ctrl+w"] }')
        found[name] = tuple(keys)
    return found


def _line(value: Any) -> str:
    if not (text := one_line(value, 120)):
        raise ValueError("some text")
    return text


def _setting(name: str, default: T, about: str, check: Check | None = None) -> T:
    """A field of `Settings`: `name` is ``table.key`` in the file; the default's type is the value's."""
    made: T = field(
        default_factory=lambda: default, metadata={"name": name, "default": default, "about": about, "check": check}
    )
    return made


class Switch(StrEnum):
    """On, off, or as the terminal suggests."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class GlyphSet(StrEnum):
    """The characters that draw the interface."""

    AUTO = "auto"
    UNICODE = "unicode"
    ASCII = "ascii"


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
    kind: str = ""
    """What it speaks: ``openai`` for a gateway of any name; empty means as its name says."""
    key_source: KeySource = KeySource.CONFIG
    """Where `key` came from."""
    key_place: str = ""
    """The environment variable that `key` came from."""
    keyring: bool | None = None
    """Look into the system's keyring. None: only when this provider is asked for and nothing else gives a key."""
    in_file: bool = False
    """The file has a table for it."""

    @property
    def kind_name(self) -> str:
        """The kind of provider this is."""
        return self.kind or self.name

    @property
    def about(self) -> ProviderKind | None:
        """What is known of its kind; None when nobody provides it."""
        return find_kind(self.kind_name)

    @property
    def needs_key(self) -> bool:
        """It is of no use without a key."""
        about = self.about
        return about is None or (about.needs_key and not about.set_up_by & self.options.keys())

    @property
    def configured(self) -> bool:
        """There is a key, a way to get one, or it needs none and the file names it."""
        has_key = bool(self.key) or self.key_command is not None or self.keyring is True
        return has_key or (self.in_file and not self.needs_key)

    def find_key(self) -> FoundKey | None:
        """The key and where it was: environment, file, `key_command`, keyring (blocking, it may run a command).

        Raises `NoKey` when the command or a keyring that was asked for fails; its output is never shown.
        """
        if self.key:
            return FoundKey(self.key, self.key_source, self.key_place)
        if self.key_command is not None:
            return FoundKey(run_key_command(self.name, self.key_command), KeySource.COMMAND)
        found = None
        if self.keyring is True:
            found = read_keyring(self.name)
        elif self.keyring is None and self.needs_key and has_keyring():
            with suppress(NoKey):  # nobody asked for the keyring: one that does not answer has no key
                found = read_keyring(self.name)
        return FoundKey(found, KeySource.KEYRING) if found else None

    def resolve_key(self) -> Secret | None:
        """The key alone; see `find_key`."""
        found = self.find_key()
        return found.secret if found else None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    provider: str = _setting("provider", "", "The provider that requests go to; empty: the first one configured.")
    sandbox: bool = _setting("sandbox", False, "Use the built-in sandbox even though a key is configured.")
    default_project: str = _setting(
        "default_project", "Inbox", "Where a generation goes when nobody named a project.", _line
    )
    keys: Mapping[str, tuple[str, ...]] = _setting(
        "keys", {}, "Keys of your own, as [keys] or here; `mediatui keys` lists the actions.", key_lists
    )
    openers: tuple[Mapping[str, Any], ...] = _setting(
        "open", (), "Programs that open media, as [[open]] tables: run, mime, needs, detach, title.", tables
    )
    save_policy: SavePolicy = _setting(
        "save.policy",
        SavePolicy.AUTOMATIC,
        "What happens to finished outputs: automatic, on-demand or url-only. A project may say otherwise.",
        one_of(SavePolicy),
    )
    keep_unsaved: bool = _setting(
        "save.keep_unsaved",
        True,
        "Keep items whose save failed, marked, with a way to retry; false moves them to the trash, and says so.",
    )
    clean_unsaved_after_days: int = _setting(
        "save.clean_unsaved_after_days",
        0,
        "Offer to clean unsaved items older than this many days (30 is a good value); 0: never.",
        between(0, 36_500),
    )
    allow_hosts: tuple[str, ...] = _setting(
        "save.allow_hosts", (), "Hosts that media may come from, besides each provider's own.", host_names
    )
    max_file_bytes: int = _setting(
        "save.max_file_bytes", 8 << 30, "A download larger than this is refused.", at_least(1)
    )
    concurrent_saves: int = _setting("save.concurrent", 6, "Files saved at once.", between(1, MOST_AT_ONCE))
    concurrent_submits: int = _setting(
        "jobs.concurrent_submits", 4, "Requests sent to one provider at once.", between(1, MOST_AT_ONCE)
    )
    concurrency: Mapping[str, int] = _setting(
        "jobs.concurrency", {}, "The same for single providers, such as { fal = 8, replicate = 2 }.", limits_by_name
    )
    poll_seconds: float = _setting(
        "jobs.poll_seconds",
        1.0,
        "The first interval between two questions for a job's status; it grows to five times this.",
        between(0.05, 3600),
    )
    confirm_above: float = _setting(
        "jobs.confirm_above",
        5.0,
        "Ask before sending what is expected to cost more than this, in the provider's currency; inf: never.",
        at_least(0),
    )
    theme: str = _setting("ui.theme", "mediatui", "The colours of the terminal interface.")
    compact: bool = _setting("ui.compact", False, "Leave out the key bar and the margins.")
    graphics: str = _setting(
        "ui.graphics", "auto", "Pictures: auto, kitty, half (two pixels a cell) or off.", word_of(GRAPHICS)
    )
    quiet_ui: Switch = _setting(
        "ui.quiet", Switch.AUTO, "Draw as little as possible: auto (over ssh), on or off.", one_of(Switch)
    )
    mouse: bool = _setting("ui.mouse", True, "Take the mouse; without it the terminal selects text.")
    glyphs: GlyphSet = _setting(
        "ui.glyphs", GlyphSet.AUTO, "auto, unicode, or ascii for fonts with few characters.", one_of(GlyphSet)
    )
    notify: bool = _setting("ui.notify", True, "Tell the desktop when a long job ends behind another window.")
    notify_after_seconds: float = _setting(
        "ui.notify_after_seconds", 20.0, "Jobs that took at least this long are told.", at_least(0)
    )
    bell: bool = _setting("ui.bell", False, "Ring the terminal's bell when that happens.")
    title: bool = _setting("ui.title", True, "Show running and unsaved in the terminal's title.")
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)

    @property
    def uses_sandbox(self) -> bool:
        """The sandbox is the provider to use: asked for, or nothing else is configured."""
        return self.active_provider == SANDBOX

    @property
    def active_provider(self) -> str:
        """The provider that requests go to when nobody names one."""
        if self.sandbox or self.provider == SANDBOX:
            return SANDBOX
        return self.provider or next(iter(self.configured_providers), SANDBOX)

    @property
    def configured_providers(self) -> tuple[str, ...]:
        """The providers that are set up, built-in kinds first and in their order."""
        names = [name for name, provider in self.providers.items() if provider.configured]
        order = {name: place for place, name in enumerate(KINDS)}
        return tuple(sorted(names, key=lambda name: (order.get(name, len(order)), name)))

    @property
    def usable_providers(self) -> tuple[str, ...]:
        """The providers that requests may go to, the active one first; the sandbox alone when that was asked for."""
        others = () if self.sandbox else self.configured_providers
        return tuple(dict.fromkeys((self.active_provider, *others)))

    def submits_at_once(self, provider: str) -> int:
        """How many requests may be on their way to one provider."""
        return self.concurrency.get(provider, self.concurrent_submits)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table of settings."""

    attribute: str
    """Its name in `Settings`."""
    name: str
    """Its name in the file: ``save.policy``."""
    default: Any
    about: str
    check: Check | None

    @property
    def table(self) -> str:
        """The TOML table it stands in; empty for the top."""
        return self.name.rpartition(".")[0]

    @property
    def key(self) -> str:
        """Its name in that table."""
        return self.name.rpartition(".")[2]


def settings_table() -> Iterable[Setting]:
    """Every setting but the providers, in the order to show them."""
    for each in dataclasses.fields(Settings):
        if meta := each.metadata:
            yield Setting(each.name, meta["name"], meta["default"], meta["about"], meta["check"])


_LOOPBACK = re.compile(r"127(\.\d{1,3}){1,3}")


def is_loopback(host: str) -> bool:
    """A name or address of this machine, by its spelling (``localhost``, ``127.…``, ``::1``)."""
    return host in ("localhost", "::1") or host.endswith(".localhost") or _LOOPBACK.fullmatch(host) is not None
