"""What a model makes, by the words of its id; good enough for outputs that say nothing of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from mediatui.model import MediaType
from mediatui.providers.base import ModelInfo

_FAMILIES: Sequence[tuple[MediaType, tuple[str, ...]]] = (
    (MediaType.AUDIO, ("tts", "speech", "music", "sound", "audio", "kokoro", "lyria")),
    (MediaType.VIDEO, ("video", "veo", "kling", "sora", "seedance", "hailuo", "ltx", "wan", "animate")),
    (MediaType.IMAGE, ("image", "flux", "banana", "imagen", "recraft", "ideogram", "seedream", "upscale", "edit")),
)


def guess_type(model: str) -> MediaType | None:
    """What a model makes, by its id; None when that says nothing."""
    parts = model.lower().split("/")
    for part in reversed(parts):
        if "to-" in part and (made := ModelInfo("", "", part, "").makes):
            return made
    for media, words in _FAMILIES:
        if any(word in part for part in parts[-3:] for word in words):
            return media
    return None
