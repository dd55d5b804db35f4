"""OpenAI's picture and video models with their forms, and plain forms for whatever a compatible server has.

Prices are those that OpenAI published for one picture in 2026; the words of the prompt cost a little more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mediatui.model import MediaType
from mediatui.providers.base import Estimate, Field, FormSchema, ModelInfo, UnitPrice, money, price_text
from mediatui.providers.forms import choice, integer, line, media, prompt
from mediatui.providers.units import reckon

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
_GPT_IMAGE_2 = tuple(_ANY_SIZE if each.name == "size" else each for each in _GPT_IMAGE)

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

_GPT_IMAGE_15 = {"low": (0.009, 0.013), "medium": (0.034, 0.05), "high": (0.133, 0.20)}
_GPT_IMAGE_1_MINI = {"low": (0.005, 0.006), "medium": (0.011, 0.015), "high": (0.036, 0.052)}

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
    prices: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """US dollars for one picture, square and wide, by its quality."""
    category: str = "text-to-image"
    retired: bool = False

    @property
    def price(self) -> str:
        """From the cheapest to the dearest picture."""
        amounts = [amount for pair in self.prices.values() for amount in pair]
        return f"{money(min(amounts), 'USD')}–{price_text(UnitPrice(max(amounts), 'image', 'USD'))}" if amounts else ""


MODELS: Sequence[Listed] = (
    Listed("gpt-image-2", "GPT Image 2", _GPT_IMAGE_2),
    Listed("gpt-image-1.5", "GPT Image 1.5", _GPT_IMAGE, _GPT_IMAGE_15),
    Listed("gpt-image-1-mini", "GPT Image 1 mini", _GPT_IMAGE, _GPT_IMAGE_1_MINI),
    Listed("chatgpt-image-latest", "ChatGPT Image", _GPT_IMAGE, _GPT_IMAGE_15),
    Listed("sora-2", "Sora 2", VIDEO_FIELDS, category="text-to-video", retired=True),
    Listed("sora-2-pro", "Sora 2 Pro", VIDEO_FIELDS, category="text-to-video", retired=True),
)
"""What OpenAI itself offers; the Sora address was shut down in September 2026, gateways still speak it."""


def find(model: str) -> Listed | None:
    """OpenAI's model of that id, or the family a dated or newer id belongs to."""
    fits = [listed for listed in MODELS if model == listed.id or model.startswith((f"{listed.id}-", f"{listed.id}."))]
    return max(fits, key=lambda listed: len(listed.id), default=None)


def estimate_of(model: str, inputs: Mapping[str, Any]) -> Estimate | None:
    """What OpenAI charges for a request's pictures, without its words; what is left to it counts as the dearest."""
    listed = next((listed for listed in MODELS if listed.id == model), None)
    if listed is None or not listed.prices:
        return None
    pair = listed.prices.get(str(inputs.get("quality")), listed.prices["high"])
    each = pair[0] if inputs.get("size") == "1024x1024" else pair[1]
    return reckon(UnitPrice(each, "image", "USD"), inputs)


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


def info_of(model: str, provider: str, *, video: bool | None = None, priced: bool = False) -> ModelInfo:
    """A catalogue entry for any model id; `video` where the configuration says so, `priced` at OpenAI itself."""
    listed, made = find(model), makes(model)
    if video is not None:
        made = MediaType.VIDEO if video else MediaType.IMAGE
    exact = listed if listed is not None and listed.id == model else None
    return ModelInfo(
        id=model,
        name=exact.name if exact else model,
        category=f"text-to-{made}" if made else "",
        provider=provider,
        price=exact.price if exact and priced else "",
        retired=exact.retired if exact else False,
    )
