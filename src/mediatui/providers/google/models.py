"""Which surface serves a model, what is known of the models, and their forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import MediaType
from mediatui.providers.answers import entries
from mediatui.providers.base import Field, FieldKind, FormSchema, ModelInfo
from mediatui.text import clean_text, one_line

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PREFIXES = ("gemini", "vertex", "interactions")

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
RETIRED = "Retired by Google: requests are answered 404. "


class Surface(StrEnum):
    """The four ways in which Google serves media models."""

    GENERATE = "generateContent"
    INTERACTIONS = "interactions"
    PREDICT = "predict"
    LONG_RUNNING = "predictLongRunning"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request for a model goes."""

    surface: Surface
    vertex: bool
    model: str
    """Google's own name of it, safe in an address."""

    @property
    def makes(self) -> MediaType:
        """What the model makes, by its family."""
        name = self.model
        if name.startswith("lyria"):
            return MediaType.AUDIO
        return MediaType.VIDEO if name.startswith("veo") or "omni" in name else MediaType.IMAGE


def route_of(model: str, *, vertex_ready: bool, has_key: bool) -> Route:
    """The route of a model id.

    An id may begin with ``gemini/``, ``vertex/`` or ``interactions/`` to choose; else its family decides, and
    Vertex is used for what only it serves, or when there is a project and no API key.
    Raises `ProviderError` of kind INVALID_INPUT for an id that is no model name.
    """
    prefix, slash, rest = model.strip("/").partition("/")
    chosen, name = (prefix, rest) if slash and prefix in _PREFIXES else ("", model)
    name = name.strip("/").removeprefix("publishers/google/").removeprefix("models/")
    if not _ID.fullmatch(name):
        raise ProviderError(ErrorKind.INVALID_INPUT, f"{one_line(model, 100)!r} is not a name of a Google model")
    surface = Surface.INTERACTIONS if chosen == "interactions" else _surface(name, chosen)
    if surface is Surface.INTERACTIONS:
        return Route(surface, False, name)
    only_there = surface in (Surface.PREDICT, Surface.LONG_RUNNING)
    vertex = chosen == "vertex" or (not chosen and vertex_ready and (only_there or not has_key))
    return Route(surface, vertex, name)


def _surface(name: str, chosen: str) -> Surface:
    if name.startswith("veo"):
        return Surface.LONG_RUNNING
    if name.startswith(("imagen", "imagegeneration")) or (name.startswith("lyria") and chosen == "vertex"):
        return Surface.PREDICT
    if name.startswith("lyria") or "omni" in name:
        return Surface.INTERACTIONS
    return Surface.GENERATE


_KNOWN: Sequence[tuple[str, str, str, bool]] = (
    ("gemini-omni-1.2-flash", "Gemini Omni 1.2 Flash", "text-to-video", False),
    ("gemini-omni-1.1-flash", "Gemini Omni 1.1 Flash", "text-to-video", False),
    ("gemini-3-pro-image", "Gemini 3 Pro Image", "text-to-image", False),
    ("gemini-3.1-flash-image", "Gemini 3.1 Flash Image", "text-to-image", False),
    ("gemini-2.5-flash-image", "Gemini 2.5 Flash Image", "text-to-image", False),
    ("interactions/gemini-3.1-flash-lite-image", "Gemini 3.1 Flash Lite Image", "text-to-image", False),
    ("lyria-3-pro-preview", "Lyria 3 Pro", "text-to-music", False),
    ("lyria-3-clip-preview", "Lyria 3 Clip", "text-to-music", False),
    ("vertex/lyria-002", "Lyria 2", "text-to-music", False),
    ("vertex/veo-3.1-generate-001", "Veo 3.1", "text-to-video", False),
    ("vertex/veo-3.1-fast-generate-001", "Veo 3.1 Fast", "text-to-video", False),
    ("veo-3.1-generate-preview", "Veo 3.1 (Gemini API)", "text-to-video", True),
    ("imagen-4.0-ultra-generate-001", "Imagen 4 Ultra", "text-to-image", True),
    ("imagen-4.0-generate-001", "Imagen 4", "text-to-image", True),
    ("imagen-4.0-fast-generate-001", "Imagen 4 Fast", "text-to-image", True),
    ("imagen-3.0-generate-002", "Imagen 3", "text-to-image", True),
)
"""Models as published in autumn 2026. All Imagen models were shut down by 2026-08-17 (Google AI deprecations)."""


def catalogue(live: Sequence[ModelInfo], provider: str, *, vertex_ready: bool) -> list[ModelInfo]:
    """The known models and those Google lists now, retired ones last. What it lists now is not retired."""
    listed = {info.id: info for info in live}
    found: list[ModelInfo] = []
    for model, name, category, retired in _KNOWN:
        bare = model.removeprefix("interactions/")
        if model.startswith("vertex/") and not vertex_ready:
            continue
        now = listed.pop(bare, None)
        gone = retired and now is None
        words = (RETIRED if gone else "") + (now.description if now else "")
        found.append(ModelInfo(model, name, category, provider, words.strip(), retired=gone))
    found += listed.values()
    return sorted(found, key=lambda info: info.retired)


def live_models(document: Mapping[str, Any], provider: str) -> list[ModelInfo]:
    """The media models in an answer of the Gemini API's model list."""
    found = []
    for entry in entries(document.get("models")):
        name = str(entry.get("name") or "").removeprefix("models/")
        if not _ID.fullmatch(name) or not _is_media_model(name):
            continue
        route = route_of(name, vertex_ready=False, has_key=True)
        target = {MediaType.AUDIO: "music"}.get(route.makes, route.makes.value)
        found.append(
            ModelInfo(
                id=name,
                name=one_line(entry.get("displayName") or name, 120),
                category=f"text-to-{target}",
                provider=provider,
                description=clean_text(entry.get("description") or "", 2000),
            )
        )
    return found


def _is_media_model(name: str) -> bool:
    return name.startswith(("imagen", "veo", "lyria-3")) or "image" in name or "omni" in name


def matching(models: Sequence[ModelInfo], query: str) -> list[ModelInfo]:
    """Models whose id, name or category has every word of `query`."""
    words = query.lower().split()
    return [m for m in models if all(w in f"{m.id} {m.name} {m.category}".lower() for w in words)]


# -- forms

_PROMPT = Field("prompt", "Prompt", FieldKind.LONG_TEXT, required=True)
_SEED = Field("seed", "Seed", FieldKind.INTEGER, minimum=0, maximum=2**31 - 1)
_IMAGES = Field("images", "Images", FieldKind.LIST, description="Pictures to edit or to take as reference.")


def _choice(name: str, title: str, choices: Sequence[str], description: str = "") -> Field:
    return Field(name, title, FieldKind.CHOICE, choices=tuple(choices), description=description)


def form(route: Route, model: str) -> FormSchema:
    """The inputs of a model, by the surface that serves it and what it makes."""
    fields = {
        Surface.GENERATE: _generate_fields,
        Surface.INTERACTIONS: _interaction_fields,
        Surface.PREDICT: _predict_fields,
        Surface.LONG_RUNNING: _veo_fields,
    }[route.surface](route)
    return FormSchema(model=model, fields=(_PROMPT, *fields))


def _generate_fields(route: Route) -> Sequence[Field]:
    return (
        Field("image", "Image", FieldKind.MEDIA, description="A picture to edit."),
        _IMAGES,
        _choice("aspect_ratio", "Aspect ratio", RATIOS),
        _choice("image_size", "Size", ("1K", "2K", "4K")),
        Field("temperature", "Temperature", FieldKind.NUMBER, minimum=0, maximum=2),
    )


def _interaction_fields(route: Route) -> Sequence[Field]:
    background = Field(
        "background",
        "Background",
        FieldKind.BOOLEAN,
        default=True,
        description="Off: the answer comes on the one connection that asked, and is lost with it.",
    )
    image = Field("image", "Image", FieldKind.MEDIA, description="A picture to start from.")
    if route.makes is MediaType.AUDIO:
        kinds = ("audio/mp3", "audio/ogg_opus", "audio/wav", "audio/l16")
        return (image, _choice("mime_type", "Format", kinds), background)
    if route.makes is MediaType.VIDEO:
        return (
            image,
            Field("video", "Video", FieldKind.MEDIA, description="A video to edit or to continue."),
            _choice("aspect_ratio", "Aspect ratio", ("16:9", "9:16")),
            _choice("resolution", "Resolution", ("360p", "720p", "1080p", "4k")),
            Field("duration", "Duration (s)", FieldKind.NUMBER, minimum=1, maximum=15),
            _choice("delivery", "Delivery", ("uri", "inline"), "How Google hands the video over; uri for long ones."),
            background,
        )
    return (
        image,
        _IMAGES,
        _choice("aspect_ratio", "Aspect ratio", (*RATIOS, "1:8", "8:1", "1:4", "4:1")),
        _choice("image_size", "Size", ("512", "1K", "2K", "4K")),
        background,
    )


def _predict_fields(route: Route) -> Sequence[Field]:
    count = Field("count", "Count", FieldKind.INTEGER, minimum=1, maximum=4)
    negative = Field("negative_prompt", "Negative prompt", FieldKind.TEXT)
    if route.makes is MediaType.AUDIO:
        return (negative, _SEED, count)
    return (
        negative,
        count,
        _choice("aspect_ratio", "Aspect ratio", ("1:1", "3:4", "4:3", "9:16", "16:9")),
        _choice("image_size", "Size", ("1K", "2K")),
        Field("seed", "Seed", FieldKind.INTEGER, minimum=1, description="Needs addWatermark off."),
        Field("guidance_scale", "Guidance", FieldKind.NUMBER),
        _choice("person_generation", "People", ("allow_adult", "dont_allow", "allow_all")),
        Field("enhance_prompt", "Enhance prompt", FieldKind.BOOLEAN),
        *_bucket(route),
    )


def _veo_fields(route: Route) -> Sequence[Field]:
    return (
        Field("image", "First frame", FieldKind.MEDIA),
        Field("last_frame", "Last frame", FieldKind.MEDIA),
        Field("reference_images", "References", FieldKind.LIST, description="Pictures of people or things to show."),
        Field("video", "Video", FieldKind.MEDIA, description="A video to extend."),
        _choice("aspect_ratio", "Aspect ratio", ("16:9", "9:16")),
        _choice("resolution", "Resolution", ("720p", "1080p", "4k")),
        Field("duration", "Duration (s)", FieldKind.INTEGER, minimum=4, maximum=8),
        Field("count", "Count", FieldKind.INTEGER, minimum=1, maximum=4),
        Field("negative_prompt", "Negative prompt", FieldKind.TEXT),
        Field("generate_audio", "Sound", FieldKind.BOOLEAN),
        _SEED,
        _choice("person_generation", "People", ("allow_adult", "dont_allow", "allow_all")),
        *_bucket(route),
    )


def _bucket(route: Route) -> Sequence[Field]:
    if not route.vertex:
        return ()
    return (Field("storage_uri", "Bucket", FieldKind.TEXT, description="gs:// folder to write to; empty: inline."),)
