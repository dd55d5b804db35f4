"""Make the providers that the settings speak of."""

from __future__ import annotations

from mediatui.errors import UsageError
from mediatui.providers.base import Provider
from mediatui.settings import ProviderSettings, Secret

SANDBOX = "sandbox"


def make_provider(settings: ProviderSettings) -> Provider:
    """The provider of that name, ready to use; runs its `key_command` if it has one (blocking).

    Raises `UsageError` for a name nobody provides.
    """
    if settings.name == "fal":
        from mediatui.providers.fal import FalProvider
        from mediatui.providers.fal_hosts import FalHosts

        return FalProvider(FalHosts.from_settings(settings), settings.resolve_key())
    raise UsageError(
        f"there is no provider named {settings.name!r}",
        hint="Known providers: fal, and the built-in sandbox.",
    )


def make_sandbox_provider(base_url: str, key: str) -> Provider:
    """The built-in sandbox at its present address: fal's protocol, our own machine."""
    from mediatui.providers.fal import FalProvider
    from mediatui.providers.fal_hosts import FalHosts

    hosts = FalHosts(queue=base_url, run=f"{base_url}/run", api=f"{base_url}/v1", upload=base_url, moved=True)
    return FalProvider(hosts, Secret(key), name=SANDBOX, title="the sandbox")
