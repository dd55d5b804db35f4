"""Replicate's descriptions of models as catalogue entries and forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mediatui.providers.answers import find_media, mapping, number, text
from mediatui.providers.base import FieldKind, FormSchema, ModelInfo
from mediatui.providers.openapi import form_from_openapi
from mediatui.text import clean_text

VERSION = re.compile(r"[0-9a-f]{64}")
"""A model version by its id alone."""

COLLECTIONS: Mapping[str, str] = {
    "text-to-video": "text-to-video",
    "image-to-video": "image-to-video",
    "text-to-image": "text-to-image",
    "image-editing": "image-to-image",
    "super-resolution": "image-to-image",
    "text-to-speech": "text-to-speech",
    "ai-music-generation": "text-to-music",
}
"""Replicate's curated lists that make media, with the category of their models."""


def model_info(entry: Mapping[str, Any], provider: str, category: str = "") -> ModelInfo | None:
    """One model; its category from its example when no collection names one. None without a name."""
    owner, name = text(entry.get("owner"), 100), text(entry.get("name"), 100)
    if not owner or not name:
        return None
    return ModelInfo(
        id=f"{owner}/{name}",
        name=f"{owner}/{name}",
        category=category or _category_of(mapping(entry.get("default_example"))),
        provider=provider,
        description=clean_text(entry.get("description") or "", 2000),
        retired=bool(entry.get("deprecated") or entry.get("is_deprecated")),
    )


def _category_of(example: Mapping[str, Any]) -> str:
    """What the model made of what in its own example; empty when that was text."""
    made = find_media({"output": example.get("output")}, {}, None)
    if not made:
        return ""
    given = find_media(mapping(example.get("input")), {}, None)
    return f"{given[0].type if given else 'text'}-to-{made[0].type}"


def form_of(model: str, version: Mapping[str, Any]) -> FormSchema | None:
    """The form of a version's ``Input``, in the order Replicate shows it; addresses are media fields."""
    schemas = mapping(mapping(mapping(version.get("openapi_schema")).get("components")).get("schemas"))
    inputs = mapping(schemas.get("Input"))
    properties = mapping(inputs.get("properties"))
    if not properties:
        return None
    order = sorted(properties, key=lambda name: number(mapping(properties[name]).get("x-order")) or 0.0)
    # Its paths describe the container, not the model: leave them out, and put the input first.
    ordered = {**inputs, "x-fal-order-properties": order}
    form = form_from_openapi(model, {"components": {"schemas": {"Input": ordered, **_others(schemas)}}})
    if form is None:
        return None
    media = {name for name, field in properties.items() if mapping(field).get("format") == "uri"}
    fields = tuple(replace(f, kind=FieldKind.MEDIA) if f.name in media else f for f in form.fields)
    return replace(form, fields=fields)


def _others(schemas: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schema for name, schema in schemas.items() if name != "Input"}


def same_model(entry: Mapping[str, Any], model: str) -> bool:
    """The prediction ran what the job names: a model, one version of it, or a deployment."""
    named, _, version = model.strip("/").partition(":")
    said, its_version = text(entry.get("model")), text(entry.get("version"))
    if VERSION.fullmatch(named):
        return its_version == named
    if named.startswith("deployments/"):
        return text(entry.get("deployment")) in ("", named.removeprefix("deployments/"))
    return said == named and (not version or its_version == version)
