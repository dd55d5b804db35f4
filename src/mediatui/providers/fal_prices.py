"""What fal's models cost: the price list, and an estimate for one request."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mediatui.errors import ProviderError
from mediatui.providers.answers import number
from mediatui.providers.base import Estimate, UnitPrice
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_wire import FalWire
from mediatui.providers.units import units_of
from mediatui.text import one_line

ASKED_AT_ONCE = 50
"""Model ids in one question, as many as the service takes."""
GOOD_SECONDS = 3600.0
"""How long a price is not asked for again."""


class FalPrices:
    """Prices as they were asked for, kept for a while."""

    def __init__(self, wire: FalWire, hosts: FalHosts) -> None:
        self._wire, self._hosts = wire, hosts
        self._known: dict[str, tuple[float, UnitPrice | None]] = {}
        self._estimates: dict[str, tuple[float, Estimate]] = {}

    async def of(self, models: Sequence[str]) -> Mapping[str, UnitPrice]:
        """The prices of those models that have one. Raises `ProviderError` when none can be had."""
        missing = [model for model in models if not self._is_fresh(model)]
        chunks = [missing[at : at + ASKED_AT_ONCE] for at in range(0, len(missing), ASKED_AT_ONCE)]
        answers = await asyncio.gather(*(self._ask(chunk) for chunk in chunks), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, ProviderError) or len(failures) == len(chunks):
                raise failure
        known = ((model, self._known.get(model, (0.0, None))[1]) for model in models)
        return {model: price for model, price in known if price is not None}

    def _is_fresh(self, model: str) -> bool:
        return model in self._known and time.monotonic() - self._known[model][0] < GOOD_SECONDS

    async def _ask(self, models: Sequence[str]) -> None:
        address, params = f"{self._hosts.api}/models/pricing", {"endpoint_id": ",".join(models)}
        answer = await self._wire.request("GET", address, "reading the prices", params=params)
        moment, listed = time.monotonic(), answer.document.get("prices")
        found = dict(_read(listed if isinstance(listed, list) else ()))
        self._known |= {model: (moment, found.get(model)) for model in models}

    async def estimate(self, model: str, inputs: Mapping[str, Any]) -> Estimate | None:
        """What one request is expected to cost: by its units where they can be counted, else by what others paid.

        None when the service names no price. Raises `ProviderError` when it cannot be asked.
        """
        price = (await self.of([model])).get(model)
        units = units_of(price.unit, inputs) if price is not None else None
        if price is not None and (price.amount == 0 or units is not None):
            reckoned = Estimate(price.amount * (units or 0.0), price.currency)
            if price.amount == 0:
                return reckoned
            return await self._asked("unit_price", model, {"unit_quantity": units}) or reckoned
        return await self._asked("historical_api_price", model, {"call_quantity": 1})

    async def _asked(self, how: str, model: str, quantity: Mapping[str, Any]) -> Estimate | None:
        body = json.dumps({"estimate_type": how, "endpoints": {model: quantity}})
        when, known = self._estimates.get(body, (0.0, None))
        if known is not None and time.monotonic() - when < GOOD_SECONDS:
            return known
        address = f"{self._hosts.api}/models/pricing/estimate"
        try:
            answer = await self._wire.request("POST", address, "estimating the price", content=body.encode())
        except ProviderError as exc:
            if exc.kind.stops_batch:
                raise
            return None
        amount = _amount(answer.document.get("total_cost"))
        if amount is None:
            return None
        found = Estimate(amount, _currency(answer.document.get("currency")))
        self._estimates[body] = (time.monotonic(), found)
        return found


def _read(listed: Iterable[object]) -> Iterable[tuple[str, UnitPrice]]:
    for entry in listed:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("endpoint_id"), str):
            continue
        amount, unit = _amount(entry.get("unit_price")), entry.get("unit")
        if amount is not None:
            words = one_line(unit, 40) if isinstance(unit, str) else ""
            yield one_line(entry["endpoint_id"], 200), UnitPrice(amount, words, _currency(entry.get("currency")))


def _amount(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found < 1e9 else None


def _currency(value: object) -> str:
    return (one_line(value, 8).upper() if isinstance(value, str) else "") or "USD"
