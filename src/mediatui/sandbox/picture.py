"""The picture a client wants to see moving: from this sandbox's files, a data URI or the web."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from mediatui.sandbox.schema import entry

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 50 * 1024 * 1024
_SMALLEST = 16
_WAIT_SECONDS = 20


class PictureRefused(Exception):
    """The picture cannot be used; `entry` is fal's 422 detail."""

    def __init__(self, kind: str, message: str, **ctx: Any) -> None:
        super().__init__(message)
        self.entry = entry(("image_url",), kind, message, **ctx)


def load_picture(source: dict[str, str]) -> Image.Image:
    """The picture, upright and in RGB. Raises `PictureRefused`."""
    from PIL import Image, ImageOps

    content = Path(source["path"]).read_bytes() if "path" in source else _fetch(source["url"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    except Exception as exc:  # a fence: hostile bytes make Pillow's readers raise nearly anything
        raise PictureRefused("image_load_error", "Failed to load the image.") from exc
    if min(picture.size) < _SMALLEST:
        message = f"The image is too small. Minimum dimensions are {_SMALLEST}x{_SMALLEST} pixels."
        raise PictureRefused("image_too_small", message, min_width=_SMALLEST, min_height=_SMALLEST)
    return picture


def _fetch(url: str) -> bytes:
    if url.startswith("data:"):
        return _inline(url)
    if not url.startswith(("http://", "https://")):
        raise PictureRefused("file_download_error", "The image URL must be http, https or a data URI.")
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=_WAIT_SECONDS) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
    except (OSError, ValueError) as exc:
        raise PictureRefused("file_download_error", f"Failed to download the image: {exc}") from exc
    if len(content) > MAX_BYTES:
        raise PictureRefused("file_too_large", "The image file is too large.", max_size=MAX_BYTES)
    return content


def _inline(url: str) -> bytes:
    head, _, body = url.partition(",")
    try:
        return base64.b64decode(body, validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
    except (binascii.Error, ValueError) as exc:
        raise PictureRefused("image_load_error", "Failed to read the data URI.") from exc
