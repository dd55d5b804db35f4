"""Between what people type into a form and what a model's schema wants. No terminal in here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mediatui.providers.base import Field, FieldKind, FormSchema
from mediatui.text import clean_text, safe_json

COMMON = frozenset(
    {
        "duration", "resolution", "aspect_ratio", "image_size", "num_images", "seed", "image_url", "video_url",
        "audio_url", "negative_prompt", "voice", "fps", "style",
    }
)  # fmt: skip
"""Fields that are shown unfolded even where a model does not require them."""


def is_common(field: Field) -> bool:
    """Shown at once; the others are folded away."""
    return field.required or field.name in COMMON


def shown(value: object) -> str:
    """A value as text for a field; nothing for none."""
    if value is None:
        return ""
    return clean_text(value) if isinstance(value, str) else safe_json(value)


def choice_texts(field: Field) -> list[str]:
    """The texts of a field's choices, the empty one (use the default) first where nothing is required."""
    texts = ["true", "false"] if field.kind is FieldKind.BOOLEAN else [shown(choice) for choice in field.choices]
    return texts if field.default is not None or field.required else ["", *texts]


def parse(field: Field, text: str) -> Any:
    """The value a text stands for, None for an empty one; raises `ValueError` that says what is wrong."""
    text = text if field.kind in (FieldKind.LONG_TEXT, FieldKind.CHOICE) else text.strip()
    if not text:
        if field.required and field.default is None:
            raise ValueError("is needed")
        return None
    match field.kind:
        case FieldKind.INTEGER | FieldKind.NUMBER:
            return _number(field, text)
        case FieldKind.BOOLEAN:
            if text not in ("true", "false"):
                raise ValueError("must be true or false")
            return text == "true"
        case FieldKind.CHOICE:
            return _choice(field, text)
        case FieldKind.LIST | FieldKind.OBJECT:
            return _json(field, text)
        case FieldKind.MEDIA:
            return _unquoted(text)
    if field.max_length is not None and len(text) > field.max_length:
        raise ValueError(f"at most {field.max_length:,} characters; it has {len(text):,}")
    return text


def _number(field: Field, text: str) -> int | float:
    try:
        value: int | float = int(text) if field.kind is FieldKind.INTEGER else float(text)
    except ValueError:
        kind = "a whole number" if field.kind is FieldKind.INTEGER else "a number"
        raise ValueError(f"must be {kind}") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("must be a number")
    if field.minimum is not None and value < field.minimum:
        raise ValueError(f"at least {plain(field.minimum)}")
    if field.maximum is not None and value > field.maximum:
        raise ValueError(f"at most {plain(field.maximum)}")
    return value


def plain(number: float | None) -> str:
    """A limit without exponent or trailing zeros."""
    if number is None:
        return ""
    return f"{int(number):,}" if number == int(number) else f"{number:,.10g}"


def _choice(field: Field, text: str) -> Any:
    for choice in field.choices:
        if shown(choice) == text:
            return choice
    raise ValueError("is not one of the choices")


def _json(field: Field, text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        if field.kind is FieldKind.LIST and not text.startswith(("[", "{")):
            return [part.strip() for part in text.split(",") if part.strip()]
        raise ValueError("is not valid JSON") from None
    wanted = list if field.kind is FieldKind.LIST else dict
    if not isinstance(value, wanted):
        raise ValueError("must be a JSON list" if wanted is list else "must be a JSON object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _unquoted(text: str) -> str:
    """A path without the quotes that terminals put around a file which is dropped on them."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"" else text


@dataclass(frozen=True, slots=True)
class FormRow:
    """One field of a form and the models it goes to."""

    field: Field
    models: tuple[str, ...]
    disputed: bool = False
    """Another chosen model means something else by a field of this name."""

    @property
    def key(self) -> str:
        """Its name in the form: the field's own, with the model where models disagree about it."""
        return self._of(self.models[0]) if self.disputed else self.field.name

    @property
    def keys(self) -> tuple[str, ...]:
        """Every name its text may have been kept under, the nearest first."""
        return (*(self._of(model) for model in self.models), self.field.name)

    def _of(self, model: str) -> str:
        return f"{self.field.name} ({model})"

    def text_in(self, values: Mapping[str, str]) -> str:
        """Its text among kept ones; nothing where there is none."""
        return next((values[key] for key in self.keys if key in values), "")


def merge(schemas: Mapping[str, FormSchema | None]) -> list[FormRow]:
    """One row for each field; models share it where they mean the same by it. Prompt fields are left out."""
    rows: list[FormRow] = []
    for model, schema in schemas.items():
        for field in schema.fields if schema is not None else ():
            if schema is not None and field.name == schema.prompt_field:
                continue
            for number, row in enumerate(rows):
                if _same(row.field, field):
                    rows[number] = FormRow(row.field, (*row.models, model))
                    break
            else:
                rows.append(FormRow(field, (model,)))
    times = Counter(row.field.name for row in rows)
    return [replace(row, disputed=times[row.field.name] > 1) for row in rows]


def _same(one: Field, other: Field) -> bool:
    keys = ("name", "kind", "choices", "minimum", "maximum", "default", "required")
    return all(getattr(one, key) == getattr(other, key) for key in keys)


def params_for(rows: Sequence[FormRow], texts: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[int, str]]:
    """Parameters by model, and what is wrong by row number. Values equal to the default are left to the model."""
    params: dict[str, dict[str, Any]] = {}
    wrong: dict[int, str] = {}
    for number, (row, text) in enumerate(zip(rows, texts, strict=True)):
        try:
            value = parse(row.field, text)
        except ValueError as exc:
            wrong[number] = str(exc)
            continue
        if value is not None and value != row.field.default:
            for model in row.models:
                params.setdefault(model, {})[row.field.name] = value
    return params, wrong
