"""fal's names for picture sizes: reckoned with by its adapter, drawn by the sandbox, which speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping

IMAGE_SIZES: Mapping[str, tuple[int, int]] = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
"""Width and height in pixels."""
