"""What a request is before anything is recorded: each model's provider, inputs, files and price."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediatui.errors import UsageError
from mediatui.library.project import ProjectFolder
from mediatui.model import Job, MediaType, SavePolicy
from mediatui.providers.base import FormSchema
from mediatui.studio.core import Core
from mediatui.studio.inputs import InputDesk, Inputs
from mediatui.studio.pricing import BatchCost, JobCost, check_limit
from mediatui.studio.requests import GenerateRequest
from mediatui.studio.sending import draft_job
from mediatui.studio.services import Services
from mediatui.text import clean_text, one_line


@dataclass(frozen=True, slots=True)
class Plan:
    """One job of a batch before it is recorded."""

    provider: str
    model: str
    schema: FormSchema | None
    inputs: Inputs
    cost: JobCost
    makes: MediaType | None


@dataclass(frozen=True, slots=True)
class Order:
    """A plan and the record of its job."""

    plan: Plan
    draft: Job


class Planner:
    """Plans batches; on the engine's loop. Records nothing, sends no request."""

    def __init__(self, core: Core, services: Services, inputs: InputDesk) -> None:
        self._core, self._services, self._inputs = core, services, inputs

    async def check(self, request: GenerateRequest) -> BatchCost:
        """Everything that can be said before sending: the price. Records nothing, sends nothing.

        Raises `MediatuiError` for what `generate` would refuse: models, files, an unconfirmed price.
        """
        return _total(await self.agreed(request))

    async def agreed(self, request: GenerateRequest) -> list[Plan]:
        """The plans of a request whose price is within the limit or confirmed. Raises `MediatuiError`."""
        plans = await self.plans(request)
        if not request.confirmed:
            check_limit(_total(plans), self._core.settings.confirm_above)
        return plans

    async def estimate(self, request: GenerateRequest) -> BatchCost:
        """What a request is expected to cost. Sends nothing, records nothing, looks at no file."""
        costs = await asyncio.gather(*(self._cost(request, model) for model in models_of(request)))
        return BatchCost(tuple(costs))

    async def _cost(self, request: GenerateRequest, model: str) -> JobCost:
        name, bare = self._services.address(model, request.provider)
        schema = await self._services.schema_if_quick(bare, name)
        inputs = _inputs(request, model, schema)
        return JobCost(model, await self._services.estimate(name, bare, inputs, schema))

    async def plans(self, request: GenerateRequest) -> list[Plan]:
        """Everything that is known of each job before it is recorded. Raises `MediatuiError`."""
        models = models_of(request)
        if not models:
            raise UsageError("no model was named", hint="Choose at least one model.")
        targets = [self._services.address(model, request.provider) for model in models]
        for name in dict.fromkeys(name for name, _ in targets):
            await self._services.get(name)
        return list(await asyncio.gather(*(self._plan(request, m, *t) for m, t in zip(models, targets, strict=True))))

    async def _plan(self, request: GenerateRequest, model: str, name: str, bare: str) -> Plan:
        provider = await self._services.get(name)
        schema = await self._services.schema_if_quick(bare, name)
        params = dict(_params_for(request, model, schema))
        inputs = await self._core.blocking(lambda: self._inputs.check(provider, params, schema))
        estimate = await self._services.estimate(name, bare, _inputs(request, model, schema), schema)
        return Plan(name, bare, schema, inputs, JobCost(model, estimate), await self._services.makes(name, bare))

    def draft(self, request: GenerateRequest, project: ProjectFolder, plan: Plan, batch: str) -> Job:
        """The record of a planned job."""
        policy = request.save_policy or project.record.save_policy or self._core.settings.save_policy
        return draft_job(
            project.id,
            plan.provider,
            plan.model,
            clean_text(request.prompt),
            plan.inputs.params,
            prompt_field=plan.schema.prompt_field if plan.schema else "prompt",
            makes=plan.makes,
            policy=SavePolicy(policy),
            batch=batch,
            owner=self._core.instance.id,
            price=plan.cost.text if plan.cost.estimate is not None else "",
        )


def _total(plans: list[Plan]) -> BatchCost:
    return BatchCost(tuple(plan.cost for plan in plans))


def models_of(request: GenerateRequest) -> list[str]:
    """The models of a request as they are named in it, each once."""
    return [model for model in dict.fromkeys(one_line(m, 200).strip("/ ") for m in request.models) if model]


def _inputs(request: GenerateRequest, model: str, schema: FormSchema | None) -> dict[str, Any]:
    """What would be sent, local files as they were named."""
    prompt_field = schema.prompt_field if schema else "prompt"
    params = _params_for(request, model, schema)
    return {**params, prompt_field: request.prompt} if prompt_field and request.prompt else dict(params)


def _params_for(request: GenerateRequest, model: str, schema: FormSchema | None) -> Mapping[str, Any]:
    """What a model is sent besides the prompt: its own parameters, and of the shared ones those it knows."""
    shared = {n: v for n, v in request.params.items() if schema is None or schema.field(n) or len(request.models) == 1}
    return {**shared, **request.params_by_model.get(model, {})}
