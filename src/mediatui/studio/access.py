"""Which providers can be used, and why not: where each key comes from, and whether the service takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mediatui.errors import ErrorKind, MediatuiError, ProviderError
from mediatui.keys import FoundKey, KeySource
from mediatui.providers.registry import make_provider, missing_key
from mediatui.settings import ProviderSettings, Settings

CHECK_SECONDS = 10.0
"""How long one provider is waited for."""


class AccessState(StrEnum):
    """Whether a provider can be used."""

    USABLE = "usable"
    NO_KEY = "no-key"
    REFUSED = "refused"
    """The service does not take the key, or the account may not spend."""
    UNREACHABLE = "unreachable"
    WRONG_SETTINGS = "wrong-settings"
    NOT_SET_UP = "not-set-up"
    """Nothing says that it is wanted."""


@dataclass(frozen=True, slots=True)
class Access:
    """What is known of one provider; never the key."""

    name: str
    kind: str
    state: AccessState
    source: KeySource | None = None
    place: str = ""
    """The environment variable that the key came from."""
    message: str = ""
    hint: str = ""


def check_access(settings: Settings, names: Sequence[str] = ()) -> list[Access]:
    """Check these providers, or all: get each key and make one call that costs nothing (blocking, all at once).

    Those that nobody set up are only listed, unless they are named.
    """
    wanted = [settings.providers[name] for name in names] if names else list(settings.providers.values())
    return asyncio.run(_check_all(wanted, bool(names)))


async def _check_all(wanted: Sequence[ProviderSettings], named: bool) -> list[Access]:
    return list(await asyncio.gather(*(_check(provider, named) for provider in wanted)))


async def _check(provider: ProviderSettings, named: bool) -> Access:
    if not named and not provider.configured:
        return Access(provider.name, provider.kind_name, AccessState.NOT_SET_UP)
    try:
        found = await asyncio.to_thread(provider.find_key)
    except MediatuiError as exc:
        return _access(provider, AccessState.NO_KEY, None, exc)
    if found is None and provider.needs_key:
        return _access(provider, AccessState.NO_KEY, None, missing_key(provider))
    if found is not None:  # a command or a keyring is asked once, and takes its own time
        provider = replace(provider, key=found.secret)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            note = await _try(provider)
    except TimeoutError:
        hint = "Check the network, and what prints its key or token."
        slow = MediatuiError(f"no answer within {CHECK_SECONDS:.0f} seconds", hint=hint)
        return _access(provider, AccessState.UNREACHABLE, found, slow)
    except MediatuiError as exc:
        return _access(provider, _state_of(exc), found, exc)
    return _access(provider, AccessState.USABLE, found, MediatuiError(note))


async def _try(provider: ProviderSettings) -> str:
    """Make the call; says what it could not prove. Raises `MediatuiError`."""
    made = await asyncio.to_thread(make_provider, provider)
    try:
        check = getattr(made, "check", None)
        if check is None:
            return "the key was not tried: this provider has no call for that"
        await check()
    except ProviderError as exc:
        if exc.kind in (ErrorKind.NOT_FOUND, ErrorKind.UNSUPPORTED) and not 300 <= (exc.status or 0) < 400:
            return "the service answers, but has no call that proves the key"
        raise
    finally:
        await made.aclose()
    return ""


def _state_of(exc: MediatuiError) -> AccessState:
    if not isinstance(exc, ProviderError):
        return AccessState.WRONG_SETTINGS
    return AccessState.REFUSED if exc.kind.stops_batch else AccessState.UNREACHABLE


def _access(provider: ProviderSettings, state: AccessState, found: FoundKey | None, said: MediatuiError) -> Access:
    source, place = (found.source, found.place) if found else (None, "")
    return Access(provider.name, provider.kind_name, state, source, place, said.message, said.hint)
