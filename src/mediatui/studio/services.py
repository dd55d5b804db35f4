"""The providers in use, and the sandbox when nothing else is configured."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from mediatui.errors import MediatuiError, ProviderError, UsageError
from mediatui.providers.base import FormSchema, ModelInfo, Provider
from mediatui.providers.registry import SANDBOX, make_provider, make_sandbox_provider
from mediatui.studio.core import Core
from mediatui.studio.logged import logged

if TYPE_CHECKING:
    from mediatui.sandbox.server import SandboxServer

SCHEMA_SECONDS = 5.0
"""How long a submit waits for a schema it can do without."""


class Services:
    """Providers by name, made on first use; on the engine's loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._providers: dict[str, Provider] = {}
        self._making: dict[str, asyncio.Lock] = {}
        self._sandbox: SandboxServer | None = None
        self._schemas: dict[tuple[str, str], FormSchema | None] = {}

    @property
    def active(self) -> str:
        """The provider that new requests go to."""
        if self._core.settings.uses_sandbox:
            return SANDBOX
        return next(name for name, p in self._core.settings.providers.items() if p.configured)

    def ready(self, name: str) -> Provider | None:
        """The provider if it has been made; never waits."""
        return self._providers.get(name)

    async def get(self, name: str) -> Provider:
        """The provider, made if need be; the sandbox is started.

        Raises `MediatuiError` when it is not configured or cannot start.
        """
        async with self._making.setdefault(name, asyncio.Lock()):
            if name not in self._providers:
                self._providers[name] = logged(await self._make(name), self._core.steps)
            return self._providers[name]

    async def try_get(self, name: str) -> Provider | None:
        """The provider, or None when it is not set up here."""
        try:
            return await self.get(name)
        except MediatuiError:
            return None

    async def _make(self, name: str) -> Provider:
        if name == SANDBOX:
            server = await self._start_sandbox()
            return make_sandbox_provider(server.base_url, server.key)
        configured = self._core.settings.providers.get(name)
        if configured is None or not configured.configured:
            raise UsageError(
                f"the provider {name!r} has no key",
                hint="Set its key in the environment or the configuration, or use --sandbox.",
            )
        return await self._core.working(lambda: make_provider(configured))

    async def _start_sandbox(self) -> SandboxServer:
        from mediatui.sandbox.server import SandboxServer

        server = SandboxServer(self._core.locations.sandbox)
        await server.start()
        self._sandbox = server
        return server

    async def models(self, query: str) -> tuple[ModelInfo, ...]:
        """The active provider's models that match."""
        provider = await self.get(self.active)
        return tuple(await provider.models(query))

    async def schema(self, model: str, provider_name: str | None = None) -> FormSchema | None:
        """A model's inputs, asked for once."""
        name = provider_name or self.active
        if (name, model) not in self._schemas:
            provider = await self.get(name)
            self._schemas[name, model] = await provider.schema(model)
        return self._schemas[name, model]

    async def schema_if_quick(self, model: str, provider_name: str) -> FormSchema | None:
        """A model's inputs if they can be had soon; a submit can do without."""
        try:
            return await asyncio.wait_for(self.schema(model, provider_name), SCHEMA_SECONDS)
        except (ProviderError, TimeoutError):
            return None

    async def close(self) -> None:
        """Close connections and stop the sandbox."""
        for provider in self._providers.values():
            with suppress(Exception):  # a fence: one that cannot say goodbye must not keep the others open
                await provider.aclose()
        if self._sandbox is not None:
            await self._sandbox.stop()
