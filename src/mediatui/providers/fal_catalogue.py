"""fal's catalogue: which models there are, and the form of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import entries
from mediatui.providers.base import FormSchema, ModelInfo, UnitPrice, price_text
from mediatui.providers.exchange import Answer
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_wire import FalWire
from mediatui.providers.openapi import form_from_openapi
from mediatui.text import clean_text, one_line

PAGE = 100


async def find_models(wire: FalWire, hosts: FalHosts, provider: str, query: str, limit: int) -> Sequence[ModelInfo]:
    """Models from the platform's catalogue, in its own order. Raises `ProviderError`."""
    found: dict[str, ModelInfo] = {}
    cursor: str | None = None
    while len(found) < limit:
        params = {"limit": str(min(PAGE, limit - len(found)))}
        if query:
            params["q"] = query
        if cursor:
            params["cursor"] = cursor
        answer = await wire.request("GET", f"{hosts.api}/models", "reading the model catalogue", params=params)
        document = catalogue_of(answer, hosts)
        known = len(found)
        for entry in _list(document.get("models")):
            if (model := _model_info(entry, provider)) is not None:
                found.setdefault(model.id, model)
        following = document.get("next_cursor") if document.get("has_more", True) else None
        if not isinstance(following, str) or not following or len(found) == known:
            break
        cursor = following
    return list(found.values())[:limit]


def catalogue_of(answer: Answer, hosts: FalHosts) -> Mapping[str, Any]:
    """A page of the catalogue. Raises `ProviderError` when something else answered in its place."""
    document = answer.document
    if not isinstance(document.get("models"), list):
        raise not_fal(hosts.api, "catalogue", "api_url")
    return document


def not_fal(address: str, what: str, setting: str) -> ProviderError:
    """Something else answers in the place of fal's `what`."""
    return ProviderError(
        ErrorKind.INTERNAL,
        f"what answers at {urlsplit(address).netloc} is not fal's {what}",
        hint=f"A login page of this network, a proxy, or a wrong {setting} in the settings may be in its place.",
    )


async def find_schema(wire: FalWire, hosts: FalHosts, model: str) -> FormSchema | None:
    """The form from the model's OpenAPI: by the catalogue, else by the site's own address for it.

    None when neither has one. Raises `ProviderError`.
    """
    doing = "reading the model's inputs"
    params = {"endpoint_id": model, "expand": "openapi-3.0"}
    try:
        answer = await wire.request("GET", f"{hosts.api}/models", doing, params=params)
        listed = entries(answer.document.get("models"))
        # A single one that goes by another name is the same one: ids have aliases.
        for entry in listed if len(listed) == 1 else [e for e in listed if e.get("endpoint_id") == model]:
            if form := form_from_openapi(model, entry.get("openapi")):
                return form
    except ProviderError as exc:
        if exc.kind.stops_batch:
            raise
    address = f"{hosts.site}/api/openapi/queue/openapi.json"
    try:
        answer = await wire.request("GET", address, doing, params={"endpoint_id": model}, key=False)
    except ProviderError as exc:
        if exc.kind is ErrorKind.NOT_FOUND:
            return None
        raise
    return form_from_openapi(model, answer.document)


def with_price(model: ModelInfo, price: UnitPrice | None) -> ModelInfo:
    """The model with its price, as numbers and as text."""
    return replace(model, unit_price=price, price=price_text(price)) if price is not None else model


def _model_info(entry: object, provider: str) -> ModelInfo | None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("endpoint_id"), str):
        return None
    model = one_line(entry["endpoint_id"], 200)
    if not model:
        return None
    meta = entry.get("metadata")
    meta = meta if isinstance(meta, Mapping) else {}
    return ModelInfo(
        id=model,
        name=_text(meta.get("display_name"), 120) or model,
        category=_text(meta.get("category"), 60),
        provider=provider,
        description=clean_text(meta["description"], 2000) if isinstance(meta.get("description"), str) else "",
        retired=meta.get("status") == "deprecated",
    )


def _text(value: object, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
