"""What fal's models cost: the price list, and an estimate for one request."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mediatui.errors import ProviderError
from mediatui.providers.base import Estimate, UnitPrice
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_wire import FalWire
from mediatui.text import one_line

ASKED_AT_ONCE = 50
"""Model ids in one question, as many as the service takes."""
GOOD_SECONDS = 3600.0
"""How long a price is not asked for again."""

SIZES: Mapping[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""fal's names for picture sizes, in pixels."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?")
_LENGTHS = (
    ("duration", 1.0), ("duration_seconds", 1.0), ("seconds_total", 1.0), ("seconds", 1.0),
    ("duration_ms", 0.001), ("music_length_ms", 0.001),
)  # fmt: skip
_COUNTS = ("num_images", "num_videos", "num_samples", "n")
_TEXTS = ("text", "prompt")
_ONE = frozenset({"video", "audio", "request", "generation", "unit", "song", "call", "run", "model", "file", "clip"})
_FILLING = frozenset({"per", "output", "processed", "generated", "of"})


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
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 1e9 else None


def _currency(value: object) -> str:
    return (one_line(value, 8).upper() if isinstance(value, str) else "") or "USD"


def units_of(unit: str, inputs: Mapping[str, Any]) -> float | None:
    """How many units a request with these inputs is; None when that cannot be told from them."""
    words = unit.lower().replace("_", " ").replace("-", " ").replace(",", "").replace("1k ", "1000 ").split()
    kinds = {word.rstrip("s") for word in words if not word.isdecimal()} - _FILLING
    size = next((float(word) for word in words if word.isdecimal() and 0 < int(word) < 1e9), 1.0)
    count = _count(inputs) / size
    if kinds & {"gpu", "compute", "step", "token"}:
        return None
    if kinds & {"second", "minute"}:
        seconds = _seconds(inputs)
        return None if seconds is None else count * seconds / (60 if "minute" in kinds else 1)
    if "character" in kinds:
        length = next((len(inputs[name]) for name in _TEXTS if isinstance(inputs.get(name), str)), None)
        return None if length is None else length / size
    if kinds & {"megapixel", "mp"}:
        pixels = _pixels(inputs)
        return None if pixels is None else count * pixels / 1e6
    if "image" in kinds:
        return count
    return count if kinds and kinds <= _ONE else None


def _count(inputs: Mapping[str, Any]) -> float:
    for name in _COUNTS:
        value = inputs.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1000:
            return float(value)
    return 1.0


def _seconds(inputs: Mapping[str, Any]) -> float | None:
    for name, factor in _LENGTHS:
        value = inputs.get(name)
        if isinstance(value, str) and (found := _SECONDS.fullmatch(value.strip().lower())):
            return float(found[1]) * factor
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e7:
            return float(value) * factor
    return None


def _pixels(inputs: Mapping[str, Any]) -> float | None:
    size = inputs.get("image_size")
    if isinstance(size, str) and size in SIZES:
        return float(SIZES[size][0] * SIZES[size][1])
    sides = size if isinstance(size, Mapping) else inputs
    width, height = sides.get("width"), sides.get("height")
    if isinstance(width, int) and isinstance(height, int) and 0 < width < 1e5 and 0 < height < 1e5:
        return float(width * height)
    return None
