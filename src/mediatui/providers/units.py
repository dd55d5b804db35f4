"""How many units of a price a request is: seconds, pictures, megapixels, characters, told from its inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mediatui.fal_sizes import IMAGE_SIZES
from mediatui.providers.base import Estimate, UnitPrice

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?")
_LENGTHS = (
    ("duration", 1.0), ("duration_seconds", 1.0), ("seconds_total", 1.0), ("seconds", 1.0),
    ("duration_ms", 0.001), ("music_length_ms", 0.001),
)  # fmt: skip
_COUNTS = ("num_images", "num_videos", "num_samples", "batch_size", "n")
_TEXTS = ("text", "prompt")
_ONE = frozenset({"video", "audio", "request", "generation", "unit", "song", "call", "run", "model", "file", "clip"})
_FILLING = frozenset({"per", "output", "processed", "generated", "of"})


def reckon(price: UnitPrice, inputs: Mapping[str, Any]) -> Estimate | None:
    """What a request costs at a price; None when its units cannot be told from its inputs."""
    units = 0.0 if price.amount == 0 else units_of(price.unit, inputs)
    return None if units is None else Estimate(price.amount * units, price.currency)


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
    if isinstance(size, str) and size in IMAGE_SIZES:
        wide, high = IMAGE_SIZES[size]
        return float(wide * high)
    sides = size if isinstance(size, Mapping) else inputs
    width, height = sides.get("width"), sides.get("height")
    if isinstance(width, int) and isinstance(height, int) and 0 < width < 1e5 and 0 < height < 1e5:
        return float(width * height)
    return None
