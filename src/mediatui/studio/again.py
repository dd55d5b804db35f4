"""Making something again: requests rebuilt from what was made, and what was made as the input of something new."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediatui.errors import UsageError
from mediatui.model import Job, MediaItem, MediaType, now
from mediatui.providers.base import FieldKind, FormSchema
from mediatui.studio.requests import GenerateRequest

SEED = "seed"
URL_MARGIN = 60.0
"""Seconds that a remote address must still be good for."""


def generate_again(made: MediaItem | Job, *, keep_seed: bool = True) -> GenerateRequest:
    """The request that made an item or a job: same model, prompt and parameters, in the same project.

    With `keep_seed` the seed that was used is sent too, also where the provider chose it; without, none is
    ("vary"). Raises `UsageError` when nobody knows how it was made.
    """
    if not made.model or not made.provider:
        name = made.name if isinstance(made, MediaItem) else made.id
        raise UsageError(
            f"nobody knows which model made {name}", hint="“Generate…” (`mediatui generate`) begins a new one."
        )
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
    """What to put into a media input to start from an item: its file, which is uploaded, else its address.

    Raises `UsageError` when neither can be had.
    """
    if file is not None:
        return str(file)
    expires = item.url_expires_at
    usable = item.url and item.url_auth == "none" and (expires is None or expires > now() + URL_MARGIN)
    if item.url and usable:
        return item.url
    raise UsageError(
        f"{item.name} cannot be sent as an input: it has no address that is still good, and its file is not here",
        hint="Save it first, or put it on the web and give its address.",
    )


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
