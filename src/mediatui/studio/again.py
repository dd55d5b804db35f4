"""Making something again: requests rebuilt from what was made, and what was made as the input of something new."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediatui.errors import UsageError
from mediatui.media.probe import sniff
from mediatui.model import Job, MediaItem, MediaType, now
from mediatui.providers.base import FieldKind, FormSchema
from mediatui.studio.requests import GenerateRequest

SEED = "seed"
MAX_INLINE_BYTES = 4 << 20
"""A larger file does not travel inside a request."""
HEAD_BYTES = 4096
URL_MARGIN = 60.0
"""Seconds that a remote address must still be good for."""


def generate_again(made: MediaItem | Job, *, keep_seed: bool = True) -> GenerateRequest:
    """The request that made an item or a job: same model, prompt and parameters, in the same project.

    With `keep_seed` the seed that was used is sent too, also where the provider chose it; without, none is
    ("vary"). Raises `UsageError` when nobody knows how it was made.
    """
    if not made.model or not made.provider:
        name = made.name if isinstance(made, MediaItem) else made.id
        raise UsageError(f"nobody knows which model made {name}", hint="Choose a model and write a prompt with n.")
    params = dict(made.params)
    seed = made.seed if isinstance(made, MediaItem) else None
    if not keep_seed:
        params.pop(SEED, None)
    elif seed is not None:
        params.setdefault(SEED, seed)
    return GenerateRequest(
        prompt=made.prompt, models=(made.model,), project=made.project, params=params, provider=made.provider
    )


def as_input(item: MediaItem, file: Path | None) -> str:
    """What to put into a media input to start from an item: its bytes when they are few, else its address.

    Raises `UsageError` when neither can be had.
    """
    if file is not None and (inline := _data_uri(file)) is not None:
        return inline
    expires = item.url_expires_at
    usable = item.url and item.url_auth == "none" and (expires is None or expires > now() + URL_MARGIN)
    if item.url and usable:
        return item.url
    raise UsageError(
        f"{item.name} cannot be sent as an input: it has no address that is still good, and its file "
        + (f"is larger than {MAX_INLINE_BYTES >> 20} MB" if file and file.is_file() else "is not here"),
        hint="Make a smaller copy of it, or put it on the web and give its address.",
    )


def _data_uri(file: Path) -> str | None:
    """A small media file as a ``data:`` URI."""
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_INLINE_BYTES + 1)
    except OSError:
        return None
    kind = sniff(data[:HEAD_BYTES])
    if kind is None or len(data) > MAX_INLINE_BYTES:
        return None
    return f"data:{kind[2]};base64,{base64.b64encode(data).decode()}"


def input_field(schema: FormSchema, type: MediaType) -> str | None:
    """The field of a model's form that takes media of this type: by name, else the only one there is."""
    fields = [field for field in schema.fields if field.kind is FieldKind.MEDIA]
    named = [field for field in fields if type.value in field.name.lower()]
    if named:
        return next((field.name for field in named if field.required), named[0].name)
    return fields[0].name if len(fields) == 1 else None


def differences(first: MediaItem, second: MediaItem) -> Mapping[str, tuple[Any, Any]]:
    """How two items were asked for differently: model, prompt, seed and parameters, by name."""
    ours, theirs = _asked(first), _asked(second)
    names = [*ours, *(name for name in theirs if name not in ours)]
    return {n: (ours.get(n), theirs.get(n)) for n in names if ours.get(n) != theirs.get(n)}


def _asked(item: MediaItem) -> dict[str, Any]:
    return {"model": item.model, "prompt": item.prompt, **item.params, SEED: item.seed}
