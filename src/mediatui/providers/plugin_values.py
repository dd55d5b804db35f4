"""What a plug-in's provider hands over, made into values that the studio can rely on.

Foreign code promises types and keeps them or not. What was paid for is never thrown away for that: a handle is kept
beside whatever else was wrong, and an output beside facts that make no sense.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar, cast

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import MediaType, Phase
from mediatui.providers.answers import log_lines, number, text, whole
from mediatui.providers.base import (
    Delivery,
    Estimate,
    Field,
    FieldKind,
    FormSchema,
    ModelInfo,
    Output,
    Progress,
    Submitted,
    UnitPrice,
)
from mediatui.text import clean_text, one_line

E = TypeVar("E", bound=StrEnum)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")


def submitted(value: Any, package: str) -> Submitted | None:
    """The handle; None when there is no id in it."""
    remote_id: object = value.remote_id if isinstance(value, Submitted) else None
    if isinstance(remote_id, int) and not isinstance(remote_id, bool):
        remote_id = str(remote_id)
    if not isinstance(remote_id, str) or not remote_id.strip():
        return None
    raw, phase = _bytes(value.raw), _member(Phase, value.phase)
    if phase not in (Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED):
        phase = Phase.QUEUED
    if phase is Phase.SUCCEEDED and raw is None:
        phase = Phase.RUNNING  # it has still to be asked for its result
    error = sound(value.error)
    if phase is Phase.FAILED and error is None:
        error = no_reason(package)
    return Submitted(remote_id, _texts(value.urls), phase, whole(value.position), raw, error)


def progress(value: Any, package: str) -> Progress:
    """How it goes; a phase that there is not means that it is still going."""
    phase, error, pause = _member(Phase, value.phase), sound(value.error), number(value.retry_after)
    if phase not in (Phase.QUEUED, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED):
        phase = Phase.RUNNING
    if phase is Phase.FAILED and error is None:
        error = no_reason(package)
    share = number(value.fraction)
    return Progress(
        phase=phase,
        position=whole(value.position),
        fraction=None if share is None else min(1.0, max(0.0, share)),
        logs=log_lines(list(value.logs)) if isinstance(value.logs, (list, tuple)) else log_lines(value.logs),
        error=error,
        retry_after=pause if pause is not None and pause > 0 else None,
    )


def outputs(values: Sequence[Output]) -> list[Output]:
    """The outputs, each with a number of its own."""
    found = [_output(value) for value in values]
    numbers = {output.index for output in found}
    if len(numbers) < len(found) or not all(_is_whole(index) for index in numbers):
        found = [replace(output, index=place) for place, output in enumerate(found)]
    return found


def _output(value: Any) -> Output:
    data = _bytes(value.data)
    url = value.url if isinstance(value.url, str) and value.url else None
    delivery = _member(Delivery, value.delivery)
    if data is not None:
        delivery = Delivery.INLINE
    elif delivery in (None, Delivery.INLINE):
        delivery = Delivery.URL
    seed = value.seed
    return Output(
        index=value.index if _is_whole(value.index) else -1,
        path=text(value.path, 200),
        role=text(value.role, 40) or "output",
        type=_member(MediaType, value.type) or MediaType.IMAGE,  # saving looks into its bytes
        delivery=delivery,
        url=url,
        data=data,
        content_type=text(value.content_type, 255) or None,
        file_name=text(value.file_name, 255) or None,
        size=whole(value.size),
        width=whole(value.width),
        height=whole(value.height),
        fps=number(value.fps),
        duration=number(value.duration),
        expires_at=number(value.expires_at),
        seed=seed if isinstance(seed, int) and -(2**63) < seed < 2**63 else None,
        meta=_plain(value.meta),
    )


def model(value: Any) -> ModelInfo | None:
    """A catalogue entry; None without an id."""
    if not (named := text(value.id, 300)):
        return None
    return ModelInfo(
        id=named,
        name=text(value.name, 300) or named,
        category=text(value.category, 80),
        provider=text(value.provider, 60),
        unit_price=value.unit_price if isinstance(value.unit_price, UnitPrice) else None,
        description=clean_text(value.description, 2000) if isinstance(value.description, str) else "",
        price=text(value.price, 200),
        retired=value.retired is True,
    )


def raw_answer(value: Any) -> bytes | None:
    """The raw answer, also one that was read already; None for what is none."""
    if isinstance(value, (dict, list)):
        return json.dumps(value).encode()
    return _bytes(value)


def estimate(value: Any) -> Estimate | None:
    """The price; None without an amount that can be added up."""
    amount = number(value.amount)
    return Estimate(amount, text(value.currency, 8)) if amount is not None and amount >= 0 else None


def is_form(value: Any) -> bool:
    """It is a form, and every field has a name and a kind."""
    fields: Any = value.fields if isinstance(value, FormSchema) else None
    return isinstance(fields, (list, tuple)) and all(map(_is_field, fields))


def _is_field(value: Any) -> bool:
    name: object = value.name if isinstance(value, Field) else None
    return isinstance(name, str) and isinstance(value.kind, FieldKind)


def are_headers(value: object) -> bool:
    """Names and values that a request can carry, and that bring no other line into it."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str)
        and _HEADER_NAME.fullmatch(name) is not None
        and isinstance(said, str)
        and said.isascii()
        and (said.isprintable() or not said)
        for name, said in value.items()
    )


def sound(exc: object) -> ProviderError | None:
    """The error, also one that was changed into something odd; None for what is none."""
    if not isinstance(exc, ProviderError):
        return None
    kind, pause = _member(ErrorKind, exc.kind), number(exc.retry_after)
    message, hint, code = cast("tuple[object, object, object]", (exc.message, exc.hint, exc.code))
    if kind is exc.kind and pause == exc.retry_after and all(isinstance(said, str) for said in (message, hint, code)):
        return exc
    said = message if isinstance(message, str) else str(exc)
    told = hint if isinstance(hint, str) else ""
    return ProviderError(kind or ErrorKind.INTERNAL, said, hint=told, retry_after=pause)


def no_reason(package: str) -> ProviderError:
    """The error of a job that failed without one."""
    return ProviderError(ErrorKind.INTERNAL, f"the job failed, and the provider plug-in of {package} does not say why")


def _member(kind: type[E], value: object) -> E | None:
    try:
        return kind(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _bytes(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else None


def _texts(value: object) -> dict[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {name: said for name, said in pairs if isinstance(name, str) and isinstance(said, str)}


def _plain(value: object) -> dict[str, Any]:
    """What a record can hold of it."""
    found: dict[str, Any] = {}
    for name, each in value.items() if isinstance(value, Mapping) else ():
        try:
            json.dumps(each, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            continue
        found[one_line(name, 80)] = each
    return found
