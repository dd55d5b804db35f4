"""Model inputs described once: clients are shown, and held to, the same fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mediatui.fal_sizes import IMAGE_SIZES

Kind = Literal["string", "integer", "number", "boolean", "image_size"]

SMALLEST_SIDE, LARGEST_SIDE = 16, 2048

ErrorEntry = dict[str, Any]
"""One entry of fal's 422 ``detail`` array."""

_KIND_NAMES = {
    "string": ("string_type", "Input should be a valid string"),
    "integer": ("int_type", "Input should be a valid integer"),
    "number": ("float_type", "Input should be a valid number"),
    "boolean": ("bool_type", "Input should be a valid boolean"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a model."""

    name: str
    kind: Kind
    description: str
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    examples: tuple[Any, ...] = ()
    advanced: bool = False
    """Of no interest to most people; forms may hide it."""

    @property
    def title(self) -> str:
        """The name as forms show it."""
        return self.name.replace("_", " ").title()

    def json_schema(self) -> dict[str, Any]:
        """The property as it stands in the model's OpenAPI document."""
        described = {"title": self.title, "description": self.description}
        if self.kind == "image_size":
            presets = {"enum": list(IMAGE_SIZES), "type": "string"}
            typed: dict[str, Any] = {"anyOf": [{"$ref": "#/components/schemas/ImageSize"}, presets]}
        else:
            typed = {"type": self.kind}
        limits = {
            "enum": list(self.choices) or None,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "default": self.default,
            "examples": list(self.examples) or None,
            "x-advanced": self.advanced or None,
        }
        return described | typed | {key: value for key, value in limits.items() if value is not None}


def entry(
    loc: Sequence[str | int],
    kind: str,
    message: str,
    given: Any = None,
    **ctx: Any,
) -> ErrorEntry:
    """One validation error the way fal words it."""
    error: ErrorEntry = {
        "loc": ["body", *loc],
        "msg": message,
        "type": kind,
        "url": f"https://docs.fal.ai/errors#{kind}",
    }
    if ctx:
        error["ctx"] = ctx
    error["input"] = given
    return error


def validate(fields: Sequence[Field], body: Any) -> tuple[dict[str, Any], list[ErrorEntry]]:
    """The input with defaults filled in, and what is wrong with it; unknown fields are ignored as fal ignores them."""
    if not isinstance(body, dict):
        return {}, [entry((), "model_attributes_type", "Input should be a valid dictionary or object", body)]
    values: dict[str, Any] = {}
    errors: list[ErrorEntry] = []
    for field in fields:
        given = body.get(field.name)
        if given is None:
            if field.required:
                errors.append(entry((field.name,), "missing", "Field required", body))
            values[field.name] = field.default
            continue
        value, problem = _check(field, given)
        values[field.name] = value
        if problem:
            errors.append(problem)
    return values, errors


def _check(field: Field, given: Any) -> tuple[Any, ErrorEntry | None]:
    if field.kind == "image_size":
        return _image_size(field, given)
    value = _coerce(field.kind, given)
    if value is None:
        kind, message = _KIND_NAMES[field.kind]
        return None, entry((field.name,), kind, message, given)
    return value, _out_of_range(field, value, given)


def _coerce(kind: Kind, given: Any) -> Any:
    """The value in the field's type, or None. Numbers may come as text, as the forms of the web send them."""
    if kind == "string":
        return given if isinstance(given, str) else None
    if kind == "boolean":
        named = {"true": True, "false": False, "1": True, "0": False}
        return given if isinstance(given, bool) else named.get(str(given).lower())
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if kind == "number":
        return number
    return int(given) if not isinstance(given, str) and number.is_integer() else _whole(given)


def _whole(given: float | str) -> int | None:
    try:
        return int(str(given))
    except ValueError:
        return None


def _out_of_range(field: Field, value: Any, given: Any) -> ErrorEntry | None:
    loc = (field.name,)
    if field.choices and value not in field.choices:
        expected = " or ".join(repr(choice) for choice in field.choices)
        return entry(loc, "literal_error", f"Input should be {expected}", given, expected=expected)
    if field.minimum is not None and value < field.minimum:
        message = f"Input should be greater than or equal to {field.minimum:g}"
        return entry(loc, "greater_than_equal", message, given, ge=field.minimum)
    if field.maximum is not None and value > field.maximum:
        message = f"Input should be less than or equal to {field.maximum:g}"
        return entry(loc, "less_than_equal", message, given, le=field.maximum)
    if field.min_length is not None and len(value) < field.min_length:
        message = f"String should have at least {field.min_length} character"
        return entry(loc, "string_too_short", message, given, min_length=field.min_length)
    if field.max_length is not None and len(value) > field.max_length:
        message = f"String should have at most {field.max_length} characters"
        return entry(loc, "string_too_long", message, given, max_length=field.max_length)
    return None


def _image_size(field: Field, given: Any) -> tuple[Any, ErrorEntry | None]:
    if isinstance(given, str):
        if given in IMAGE_SIZES:
            return IMAGE_SIZES[given], None
        expected = " or ".join(repr(name) for name in IMAGE_SIZES)
        unknown = entry((field.name,), "literal_error", f"Input should be {expected}", given, expected=expected)
        return None, unknown
    if not isinstance(given, dict):
        return None, entry((field.name,), "model_attributes_type", "Input should be a valid dictionary", given)
    sides: list[int] = []
    for side in ("width", "height"):
        limits = Field(side, "integer", "", minimum=SMALLEST_SIDE, maximum=LARGEST_SIDE)
        value, problem = _check(limits, given.get(side))
        if problem:
            return None, problem | {"loc": ["body", field.name, side]}
        sides.append(value)
    return tuple(sides), None


def resolve_image_size(value: Any) -> tuple[int, int]:
    """The pixels of a checked ``image_size``, which may still be a preset's name when it is the default."""
    width, height = IMAGE_SIZES[value] if isinstance(value, str) else value
    return int(width), int(height)
