"""OpenAI's picture and video models with their forms, and plain forms for whatever a compatible server has.

Prices are OpenAI's published ones per picture (least: low quality, square; most: high quality, wide).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediatui.model import MediaType
from mediatui.providers.base import Field, FormSchema, ModelInfo
from mediatui.providers.forms import choice, integer, line, media, prompt

_SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536")
_ANY_SIZE = line("size", "auto", "auto, or width x height in multiples of 16, up to 3840x2160")
_REFERENCE = media("image", description="A picture to change; local files only.")

_GPT_IMAGE: tuple[Field, ...] = (
    prompt(max_length=32_000),
    choice("size", *_SIZES, default="auto"),
    choice("quality", "auto", "low", "medium", "high", default="auto"),
    integer("n", 1, 10, 1),
    choice("background", "auto", "transparent", "opaque", default="auto"),
    choice("output_format", "png", "jpeg", "webp", default="png"),
    integer("output_compression", 0, 100),
    choice("moderation", "auto", "low", default="auto"),
    _REFERENCE,
)
_GPT_IMAGE_2 = tuple(_ANY_SIZE if field.name == "size" else field for field in _GPT_IMAGE)

IMAGE_FIELDS: tuple[Field, ...] = (
    prompt(),
    line("size", None, "width x height, such as 1024x1024"),
    integer("n", 1, 10),
    prompt("negative_prompt", required=False),
    integer("step", 1, 200),
    _REFERENCE,
)
"""For a compatible server's image model."""

VIDEO_FIELDS: tuple[Field, ...] = (
    prompt(),
    choice("seconds", "4", "8", "12", default="4"),
    choice("size", "720x1280", "1280x720", "1024x1792", "1792x1024", default="1280x720"),
    media("input_reference", description="The first frame; local files only."),
)
"""For a video model behind the videos address."""

_VIDEO_WORDS = ("video", "sora", "veo", "kling", "hailuo", "seedance", "runway", "wan2", "wan-", "ltx", "pixverse")
_IMAGE_WORDS = (
    "image",
    "dall-e",
    "flux",
    "stable",
    "sdxl",
    "diffusion",
    "imagen",
    "seedream",
    "banana",
    "recraft",
    "ideogram",
    "dreamshaper",
    "midjourney",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One of OpenAI's own models."""

    id: str
    name: str
    fields: tuple[Field, ...]
    price: str = ""
    category: str = "text-to-image"
    retired: bool = False


MODELS: Sequence[Listed] = (
    Listed("gpt-image-2", "GPT Image 2", _GPT_IMAGE_2),
    Listed("gpt-image-1.5", "GPT Image 1.5", _GPT_IMAGE, "$0.009–0.20 per image"),
    Listed("gpt-image-1-mini", "GPT Image 1 mini", _GPT_IMAGE, "$0.005–0.052 per image"),
    Listed("chatgpt-image-latest", "ChatGPT Image", _GPT_IMAGE),
    Listed("sora-2", "Sora 2", VIDEO_FIELDS, category="text-to-video", retired=True),
    Listed("sora-2-pro", "Sora 2 Pro", VIDEO_FIELDS, category="text-to-video", retired=True),
)
"""What OpenAI itself offers; the Sora address was shut down in September 2026, gateways still speak it."""


def find(model: str) -> Listed | None:
    """OpenAI's model of that id, or the family a dated or newer id belongs to."""
    fits = [listed for listed in MODELS if model == listed.id or model.startswith((f"{listed.id}-", f"{listed.id}."))]
    return max(fits, key=lambda listed: len(listed.id), default=None)


def is_gpt_image(model: str) -> bool:
    """Models that always answer inline and refuse a ``response_format``."""
    return model.startswith(("gpt-image", "chatgpt-image"))


def makes(model: str) -> MediaType | None:
    """What a model makes, by its id; None when that says nothing."""
    listed, lowered = find(model), model.lower()
    if listed is not None:
        return MediaType.VIDEO if listed.category.endswith("video") else MediaType.IMAGE
    if any(word in lowered for word in _VIDEO_WORDS):
        return MediaType.VIDEO
    return MediaType.IMAGE if any(word in lowered for word in _IMAGE_WORDS) else None


def form_of(model: str, name: str, *, video: bool) -> FormSchema:
    """The form of a model; `name` is its id at the service, `model` the one the person uses."""
    listed = find(name)
    fields = listed.fields if listed else VIDEO_FIELDS if video else IMAGE_FIELDS
    return FormSchema(model, fields)


def info_of(model: str, provider: str, *, video: bool | None = None) -> ModelInfo:
    """A catalogue entry for any model id; `video` where the configuration says so."""
    listed, made = find(model), makes(model)
    if video is not None:
        made = MediaType.VIDEO if video else MediaType.IMAGE
    exact = listed if listed is not None and listed.id == model else None
    return ModelInfo(
        id=model,
        name=exact.name if exact else model,
        category=f"text-to-{made}" if made else "",
        provider=provider,
        price=exact.price if exact else "",
        retired=exact.retired if exact else False,
    )
