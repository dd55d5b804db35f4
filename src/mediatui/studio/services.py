"""The providers in use, and the sandbox when nothing else is configured."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mediatui.errors import MediatuiError, ProviderError, UsageError
from mediatui.model import MediaType
from mediatui.provider_kinds import split_model
from mediatui.providers.base import Capability, Estimate, FormSchema, ModelInfo, Provider, estimate_of
from mediatui.providers.registry import SANDBOX, make_provider, make_sandbox_provider
from mediatui.redact import hide_known
from mediatui.studio.core import Core
from mediatui.studio.events import Notice
from mediatui.studio.guess import guess_type
from mediatui.studio.known_models import remember_models
from mediatui.studio.logged import logged
from mediatui.studio.offers import Offers

if TYPE_CHECKING:
    from mediatui.sandbox.server import SandboxServer

SCHEMA_SECONDS = 5.0
"""How long a submit waits for a schema it can do without."""
ESTIMATE_SECONDS = 5.0
"""How long a submit waits for a price."""


def _without_keys(model: ModelInfo) -> ModelInfo:
    """A service may repeat the key it was given; it must not reach a screen or a file."""
    return replace(
        model,
        id=hide_known(model.id),
        name=hide_known(model.name),
        category=hide_known(model.category),
        description=hide_known(model.description),
    )


class Services:
    """Providers by name, made on first use; on the engine's loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._providers: dict[str, Provider] = {}
        self._making: dict[str, asyncio.Lock] = {}
        self._sandbox: SandboxServer | None = None
        self._schemas: dict[tuple[str, str], FormSchema | None] = {}
        self._offers = Offers(core.locations.catalogues)
        self._makes: dict[tuple[str, str], MediaType | None] = {}
        self._told: set[str] = set()

    @property
    def active(self) -> str:
        """The provider that new requests go to."""
        return self._core.settings.active_provider

    def address(self, model: str, provider: str | None = None) -> tuple[str, str]:
        """The provider and the model that ``provider:model``, or a model alone, names."""
        if provider is not None:
            return provider, model.removeprefix(f"{provider}:")
        named, bare = split_model(model, self._core.settings.usable_providers)
        return named or self.active, bare

    def spelled(self, provider: str, model: str) -> str:
        """The inverse of `address`: how a request names this model now."""
        other = provider != self.active and provider in self._core.settings.usable_providers
        return f"{provider}:{model}" if other else model

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

    async def capabilities(self, name: str) -> frozenset[Capability]:
        """What a provider can do; nothing when it is not set up here."""
        provider = await self.try_get(name)
        return provider.capabilities if provider is not None else frozenset()

    async def _make(self, name: str) -> Provider:
        if name == SANDBOX:
            server = await self._start_sandbox()
            return make_sandbox_provider(server.base_url, server.key)
        configured = self._core.settings.providers.get(name)
        if configured is None:
            raise UsageError(f"there is no provider named {name!r}", hint="`mediatui auth check` lists them.")
        return await self._core.working(lambda: make_provider(configured))

    async def _start_sandbox(self) -> SandboxServer:
        from mediatui.sandbox.server import SandboxServer

        server = SandboxServer(self._core.locations.sandbox)
        await server.start()
        self._sandbox = server
        return server

    async def models(self, query: str, provider: str | None = None) -> tuple[ModelInfo, ...]:
        """The models of all configured providers (or of one) that match, the active provider's first.

        Another provider's models have ids like ``replicate:owner/name``. One that does not answer is told as a
        notice; the error is raised when none does.
        """
        names = (provider,) if provider else self._core.settings.usable_providers
        if provider and Capability.CATALOGUE not in (made := await self.get(provider)).capabilities:
            raise UsageError(f"{made.title} offers no list of its models", hint=f"Name one yourself: {provider}:MODEL.")
        found = await asyncio.gather(*(self._models_of(name, query) for name in names))
        errors = [each for each in found if isinstance(each, MediatuiError)]
        if len(errors) == len(found):
            raise errors[0]
        for exc in errors:
            self._core.emit(Notice("warning", exc.title, exc.message, exc.hint))
        models = tuple(model for each in found if not isinstance(each, MediatuiError) for model in each)
        whole = not query and provider is None and not errors
        await self._core.blocking(lambda: remember_models(self._core.locations.cache, models, whole=whole))
        return models

    async def _models_of(self, name: str, query: str) -> list[ModelInfo] | MediatuiError:
        try:
            provider = await self.get(name)
            if Capability.CATALOGUE not in provider.capabilities:
                return []
            models = [_without_keys(model) for model in await provider.models(query)]
        except MediatuiError as exc:
            return await self._kept(name, query, exc)
        if name != SANDBOX:
            await self._core.blocking(lambda: self._offers.keep(self._place(name), query, models))
        self._makes |= {(name, model.id): model.makes for model in models}
        return self._spelled(name, models)

    async def _kept(self, name: str, query: str, exc: MediatuiError) -> list[ModelInfo] | MediatuiError:
        """What the provider offered within the last day, when it cannot be reached now."""
        if not isinstance(exc, ProviderError) or not exc.kind.retry_read:
            return exc
        found = await self._core.blocking(lambda: self._offers.find(self._place(name), query))
        if found is None:
            return exc
        if name not in self._told:
            self._told.add(name)
            message = f"{exc.message}; these are the models of {found.hours_text}"
            self._core.emit(Notice("warning", "Offline", message, "Nothing can be sent until it answers."))
        return self._spelled(name, found.models)

    def _spelled(self, name: str, models: Sequence[ModelInfo]) -> list[ModelInfo]:
        prefix = "" if name == self.active else f"{name}:"
        return [replace(model, id=f"{prefix}{model.id}", provider=name) for model in models]

    def _place(self, name: str) -> str:
        """What a kept catalogue belongs to: the provider at the addresses that it has now."""
        configured = self._core.settings.providers.get(name)
        urls = {n: v for n, v in configured.options.items() if n.endswith("_url")} if configured else {}
        return f"{name} {sorted(urls.items())}"

    async def makes(self, name: str, model: str) -> MediaType | None:
        """What a model makes, by the catalogue when it was read within the last day; else by its id."""
        if (name, model) not in self._makes and name != SANDBOX:
            known = await self._core.blocking(lambda: self._offers.find_model(self._place(name), model))
            self._makes[name, model] = known.makes if known else None
        return self._makes.get((name, model)) or guess_type(model)

    async def estimate(
        self, name: str, model: str, inputs: Mapping[str, Any], schema: FormSchema | None
    ) -> Estimate | None:
        """What one request is expected to cost, with the model's defaults for what is not given; None: unknown."""
        defaults = {f.name: f.default for f in schema.fields if f.default is not None} if schema else {}
        try:
            provider = await self.get(name)
            return await asyncio.wait_for(estimate_of(provider, model, {**defaults, **inputs}), ESTIMATE_SECONDS)
        except (ProviderError, TimeoutError):
            return None  # an unknown price is said, and is no reason not to send

    async def schema(self, model: str, provider_name: str | None = None) -> FormSchema | None:
        """A model's inputs, asked for once."""
        name, model = self.address(model, provider_name)
        if (name, model) not in self._schemas:
            provider = await self.get(name)
            can = Capability.SCHEMA in provider.capabilities
            self._schemas[name, model] = await provider.schema(model) if can else None
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
