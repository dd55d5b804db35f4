"""Where the files stand in the output of a PiAPI task: it differs with the model, and some stand there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediatui.providers.answers import entries, is_address, mapping, number, text

_DOUBLES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("image_urls", ("temporary_image_urls",)),
    ("image_url", ("image_base64",)),
    ("image_urls", ("image_base64",)),
    ("video_url", ("download_url",)),
)
"""When the first holds an address, the others show the same files once more."""
_ECHOES = frozenset({"prompt_img_url", "origin_image_url"})
"""What an output repeats of the request under another address."""


def tidy(output: object) -> object:
    """An output in which each file stands once."""
    if not isinstance(output, Mapping):
        return output
    tidy = {name: value for name, value in output.items() if name not in _ECHOES}
    if works := _works(tidy.pop("works", None)):
        listed = {f"{kind}_url" for work in works for kind in work}
        tidy = {**{n: v for n, v in tidy.items() if n not in listed}, "works": works}
    for kept, doubles in _DOUBLES:
        if _holds_address(tidy.get(kept)):
            tidy = {n: v for n, v in tidy.items() if n not in doubles}
    if not isinstance(tidy.get("image_base64"), list) and (picture := text(tidy.pop("image_base64", None), 1 << 30)):
        name = "image_base64" if _holds_address(tidy.get("image")) else "image"
        tidy[name] = picture if picture.startswith("data:") else f"data:image/png;base64,{picture}"
    return tidy


def _works(works: object) -> list[dict[str, Any]]:
    """Kling's list of works: of each file, the address without a watermark."""
    found: list[dict[str, Any]] = []
    for work in entries(works):
        for kind in ("video", "image", "audio"):
            said = mapping(work.get(kind))
            names = ("resource_without_watermark", "resource", "url")
            address = next((said[n] for n in names if is_address(said.get(n))), None)
            if address is not None:
                plain = {"url": address, "resource": None, "resource_without_watermark": None}
                found.append({kind: {**said, **plain, "duration": _seconds(said.get("duration"))}})
    return found


def _seconds(duration: object) -> float | None:
    """Kling counts in milliseconds; no work lasts a thousand seconds."""
    said = number(duration)
    return said / 1000 if said is not None and said >= 1000 else said


def _holds_address(value: object) -> bool:
    return any(map(is_address, value)) if isinstance(value, list) else is_address(value)
