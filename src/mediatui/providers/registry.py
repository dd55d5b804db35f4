"""Make the providers that the settings speak of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mediatui.errors import ErrorKind, NoKey, ProviderError
from mediatui.provider_kinds import SANDBOX
from mediatui.providers.base import Provider
from mediatui.settings import ProviderSettings, Secret

__all__ = ["SANDBOX", "make_provider", "make_sandbox_provider"]


def make_provider(settings: ProviderSettings) -> Provider:
    """The provider of that name, ready to use; gets its key wherever that is (blocking).

    Raises `UsageError` for a name or settings that make no sense, `NoKey` when what was to give the key gives none,
    `ProviderError` of kind AUTH when nothing was to give one.
    """
    make = _MAKERS.get(settings.kind_name)
    if make is None:
        return _plugin(settings)
    # A command is not run for this: the provider runs it, and says what is wrong with it.
    if settings.needs_key and settings.key_command is None and settings.find_key() is None:
        raise missing_key(settings)
    provider = make(settings)
    if provider.name != settings.name:
        vars(provider)["name"] = settings.name  # a second service of the same kind: records name its own table
    return provider


def missing_key(settings: ProviderSettings) -> ProviderError:
    """The error for a provider that cannot work without a key and has none."""
    from mediatui.config_file import key_variables

    about = settings.about
    variable = key_variables(settings.name, about)[0] if about else "its key"
    error = ProviderError(
        ErrorKind.AUTH,
        f"the provider {settings.name!r} has no key",
        hint=f"Set {variable} in the environment, or run `mediatui auth set {settings.name}`; --sandbox needs none.",
    )
    error.title = NoKey.title  # nobody was there to refuse it
    return error


def make_sandbox_provider(base_url: str, key: str) -> Provider:
    """The built-in sandbox at its present address: fal's protocol, our own machine."""
    from mediatui.providers.fal import FalProvider
    from mediatui.providers.fal_hosts import FalHosts

    hosts = FalHosts(queue=base_url, run=f"{base_url}/run", api=f"{base_url}/v1", upload=base_url, moved=True)
    return FalProvider(hosts, Secret(key), name=SANDBOX, title="the sandbox")


def _fal(settings: ProviderSettings) -> Provider:
    from mediatui.providers.fal import FalProvider
    from mediatui.providers.fal_hosts import FalHosts
    from mediatui.providers.fal_options import FalOptions

    title = "fal.ai" if settings.name == "fal" else settings.name
    hosts, options = FalHosts.from_settings(settings), FalOptions.from_settings(settings)
    return FalProvider(hosts, settings.resolve_key(), name=settings.name, title=title, options=options)


def _replicate(settings: ProviderSettings) -> Provider:
    from mediatui.providers.replicate import ReplicateProvider

    return ReplicateProvider.from_settings(settings)


def _piapi(settings: ProviderSettings) -> Provider:
    from mediatui.providers.piapi import PiAPIProvider

    return PiAPIProvider.from_settings(settings)


def _openai(settings: ProviderSettings) -> Provider:
    from mediatui.providers.openai import OpenAIProvider

    return OpenAIProvider.from_settings(settings)


def _google(settings: ProviderSettings) -> Provider:
    from mediatui.providers.google.provider import GoogleProvider

    return GoogleProvider.from_settings(settings)


def _comfyui(settings: ProviderSettings) -> Provider:
    from mediatui.providers.comfyui import ComfyProvider

    return ComfyProvider.from_settings(settings)


def _plugin(settings: ProviderSettings) -> Provider:
    from mediatui.providers.plugins import load_plugin

    return load_plugin(settings)


_MAKERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {
    "fal": _fal,
    "replicate": _replicate,
    "piapi": _piapi,
    "openai": _openai,
    "google": _google,
    "comfyui": _comfyui,
}
