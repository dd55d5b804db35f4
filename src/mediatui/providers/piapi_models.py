"""PiAPI's models: it publishes no catalogue, so this is the list from its documentation.

A model's id here is its ``model`` and ``task_type`` joined by a slash; another pair may be typed by hand.
Prices are those its model pages named in autumn 2026, in US dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediatui.providers.base import Field, FormSchema, ModelInfo, UnitPrice, money, price_text
from mediatui.providers.forms import choice, decimal, integer, media, prompt, switch

_ASPECTS = ("16:9", "9:16", "1:1")
_SIZE = (integer("width", 64, 1024, 1024), integer("height", 64, 1024, 1024))


@dataclass(frozen=True, slots=True)
class Listed:
    """One model: its id, what it makes, its price, its inputs; the prompt is the first of them."""

    id: str
    name: str
    category: str
    price: UnitPrice | None
    """The most that a unit costs, where it is known."""
    fields: tuple[Field, ...]
    least: float | None = None
    """The least that a unit costs, where that depends on the inputs."""

    def info(self, provider: str) -> ModelInfo:
        """As a catalogue entry."""
        words = price_text(self.price) if self.price else ""
        if self.price and self.least is not None:
            words = f"{money(self.least, self.price.currency)}–{words}"
        return ModelInfo(self.id, self.name, self.category, provider, price=words, unit_price=self.price)

    def form(self) -> FormSchema:
        """As a form."""
        return FormSchema(self.id, self.fields, self.fields[0].name)


def _usd(amount: float, unit: str) -> UnitPrice:
    return UnitPrice(amount, unit, "USD")


def _flux(model: str, name: str, price: UnitPrice, *, batch: bool = False) -> list[Listed]:
    common = (prompt(), prompt("negative_prompt", required=False))
    tuning = (decimal("guidance_scale", 1.5, 5.0), *((integer("batch_size", 1, 4, 1),) if batch else ()))
    picture = (media("image", required=True), decimal("denoise", 0.0, 1.0, 0.7))
    return [
        Listed(f"{model}/txt2img", name, "text-to-image", price, (*common, *_SIZE, *tuning)),
        Listed(f"{model}/img2img", f"{name}, from an image", "image-to-image", price, (*common, *picture, *tuning)),
    ]


MODELS: Sequence[Listed] = (
    *_flux("Qubico/flux1-schnell", "FLUX.1 schnell", _usd(0.0015, "image"), batch=True),
    *_flux("Qubico/flux1-dev", "FLUX.1 dev", _usd(0.015, "image")),
    Listed(
        "Qubico/flux1-dev-advanced/kontext",
        "FLUX.1 Kontext dev",
        "image-to-image",
        _usd(0.02, "image"),
        (prompt(), media("image", required=True), *_SIZE, integer("steps", 1, 40), integer("seed")),
    ),
    Listed(
        "kling/video_generation",
        "Kling",
        "text-to-video",
        None,
        (
            prompt(),
            prompt("negative_prompt", required=False),
            media("image_url", description="The first frame; without it, the video is made from the text alone."),
            choice("version", "1.6", "2.1", "2.5", "2.6", "3.0", default="2.5"),
            choice("mode", "std", "pro", default="std"),
            choice("duration", 5, 10, default=5),
            choice("aspect_ratio", *_ASPECTS, default="16:9"),
            decimal("cfg_scale", 0.0, 1.0, 0.5),
        ),
    ),
    Listed(
        "kling/omni_video_generation",
        "Kling 3 Omni",
        "text-to-video",
        _usd(0.20, "second"),
        (
            prompt(),
            choice("version", "3.0", default="3.0"),
            choice("resolution", "720p", "1080p", default="720p"),
            integer("duration", 3, 15, 5),
            choice("aspect_ratio", *_ASPECTS, default="16:9"),
            switch("enable_audio", default=False),
        ),
        least=0.10,
    ),
    Listed("veo3/veo3-video", "Veo 3", "text-to-video", None, (prompt(), choice("aspect_ratio", *_ASPECTS[:2]))),
    Listed("luma/video_generation", "Luma Dream Machine", "text-to-video", None, (prompt(),)),
    Listed(
        "hailuo/video_generation",
        "Hailuo",
        "text-to-video",
        _usd(0.20, "video"),
        (
            prompt(max_length=2000),
            choice("model", "t2v-01", "t2v-01-director", "i2v-01", "i2v-01-live", default="t2v-01"),
            media("image_url", description="The first frame, for the i2v models."),
            switch("expand_prompt"),
        ),
    ),
    Listed(
        "Qubico/ace-step/txt2audio",
        "ACE-Step",
        "text-to-music",
        _usd(0.0005, "second"),
        (
            prompt("style_prompt"),
            prompt("lyrics", required=False),
            prompt("negative_style_prompt", required=False),
            integer("duration", 1, 240, 30),
        ),
    ),
)
"""Popular models first within their kind."""


def find(model: str) -> Listed | None:
    """The listed model of that id."""
    return next((listed for listed in MODELS if listed.id == model), None)
