"""Model parameters from the command line, typed by the model's schema where there is one."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediatui.cli.output import write_message
from mediatui.cli.stdin import read_stdin
from mediatui.errors import UsageError
from mediatui.providers.base import Field, FieldKind, FormSchema

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Requested:
    """What was asked for, before any schema is known."""

    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """From ``--param``: still text, and each as often as it was given. They win over `values`."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """From ``--params-json`` and ``--seed``: already typed."""
    image: str | None = None
    """An address or a ``data:`` URI."""

    def __bool__(self) -> bool:
        return bool(self.texts or self.values or self.image)


def parse_pairs(pairs: Sequence[str]) -> dict[str, list[str]]:
    """``name=value`` pairs, the values of each name in order; raises `UsageError` for anything else."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            hint = "A parameter is NAME=VALUE, such as duration=5. A prompt of several words stands in quotes."
            raise UsageError(f"{pair!r} is not NAME=VALUE", hint=hint)
        found.setdefault(name.strip(), []).append(value)
    return found


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object, or ``@FILE`` that holds one; raises `UsageError`."""
    try:
        source = Path(text[1:]).expanduser().read_text("utf-8-sig") if text.startswith("@") else text
        value = json.loads(source, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except OSError as error:
        raise UsageError(f"--params-json: cannot read {text[1:]}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--params-json: {text[1:]} is not text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--params-json: {error}", hint="""For example: --params-json '{"fps": 24}'""") from None
    if not isinstance(value, dict):
        raise UsageError("--params-json must be a JSON object", hint="""For example: --params-json '{"fps": 24}'""")
    return value


def read_prompt(text: str) -> str:
    """The prompt itself; ``-`` reads it from stdin. Raises `UsageError` when it is blank or no text."""
    if text == "-":
        if sys.stdin.isatty():
            write_message("Prompt, then Ctrl+D:\n")
        text = read_stdin("the prompt")
    if not text.strip():
        raise UsageError("the prompt is empty")
    return text.strip()


def fit(requested: Requested, schemas: Mapping[str, FormSchema | None]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Parameters for each model, and warnings.

    A parameter goes to every model that knows it; one that no model knows goes to all of them, with a warning.
    Raises `UsageError` for one that is given twice, or that is the prompt: one of the two would be lost.
    """
    warnings: list[str] = []
    fitted = {model: _fit_one(requested, model, schemas, warnings) for model in schemas}
    return fitted, list(dict.fromkeys(warnings))


def typed(text: str, schema_field: Field | None) -> tuple[Any, str]:
    """`text` in the field's own type, and a warning when it does not fit."""
    if schema_field is None:
        return literal(text), ""
    kind, name = schema_field.kind, schema_field.name
    if kind in (FieldKind.TEXT, FieldKind.LONG_TEXT, FieldKind.MEDIA):
        return text, ""
    if kind is FieldKind.CHOICE:
        for choice in schema_field.choices:
            if text == str(choice):
                return choice, ""
        allowed = ", ".join(str(choice) for choice in schema_field.choices)
        return literal(text), f"{name}={text}: the model lists {allowed}"
    if kind is FieldKind.BOOLEAN:
        value = _BOOLEANS.get(text.lower())
        return (value, "") if value is not None else (literal(text), f"{name}={text}: true or false is expected")
    if kind in (FieldKind.INTEGER, FieldKind.NUMBER):
        return _number(text, schema_field)
    value = literal(text)
    return ([value] if kind is FieldKind.LIST and not isinstance(value, list) else value), ""


def literal(text: str) -> Any:
    """`text` as the JSON value it spells, otherwise itself."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _fit_one(
    requested: Requested, model: str, schemas: Mapping[str, FormSchema | None], warnings: list[str]
) -> dict[str, Any]:
    schema = schemas[model]
    params: dict[str, Any] = {}
    for name, value in requested.values.items():
        if _wanted(name, model, schemas, warnings):
            params[name] = value
    for name, texts in requested.texts.items():
        if _wanted(name, model, schemas, warnings):
            params[name], warning = _typed_all(name, texts, schema.field(name) if schema else None)
            warnings += [f"{model}: {warning}; it is sent all the same"] if warning else []
    if requested.image is not None:
        name, many = _image_field(schema)
        if name in requested.texts:
            raise UsageError(f"--image and {name}= are the same input of {model}", hint="Give one of the two.")
        params[name] = [requested.image] if many else requested.image
    prompt_field = schema.prompt_field if schema else "prompt"
    if prompt_field in params:
        raise UsageError(f"{prompt_field}= is the prompt of {model}, which is given already", hint="Leave it out.")
    return params


def _typed_all(name: str, texts: Sequence[str], schema_field: Field | None) -> tuple[Any, str]:
    """The value of a parameter that was given once, or of a list that was given value by value."""
    if len(texts) == 1:
        return typed(texts[0], schema_field)
    if schema_field is None or schema_field.kind is not FieldKind.LIST:
        raise UsageError(f"{name}= is given {len(texts)} times", hint="Only a parameter that takes a list may be.")
    return [value for text in texts for value in typed(text, schema_field)[0]], ""


def _wanted(name: str, model: str, schemas: Mapping[str, FormSchema | None], warnings: list[str]) -> bool:
    schema = schemas[model]
    if schema is None or schema.field(name) is not None:
        return True
    if any(other is None or other.field(name) is not None for other in schemas.values()):
        return False
    near = difflib.get_close_matches(name, [known.name for known in schema.fields], 1)
    question = f" Did you mean {near[0]!r}?" if near else ""
    warnings.append(f"{model} has no parameter {name!r}; it is sent all the same.{question}")
    return True


def _image_field(schema: FormSchema | None) -> tuple[str, bool]:
    """The name of the input that takes a picture, and whether it takes several."""
    fields = schema.fields if schema else ()
    media = [f for f in fields if f.kind is FieldKind.MEDIA]
    for candidate in (*(f for f in media if "image" in f.name), *media):
        return candidate.name, False
    several = next((f.name for f in fields if f.kind is FieldKind.LIST and "image" in f.name), None)
    return (several, True) if several else ("image_url", False)


def _number(text: str, schema_field: Field) -> tuple[Any, str]:
    name = schema_field.name
    try:
        value: float = int(text) if schema_field.kind is FieldKind.INTEGER else _finite(text)
    except ValueError:
        return literal(text), f"{name}={text}: a number is expected"
    low, high = schema_field.minimum, schema_field.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}"
        return value, f"{name}={text}: outside {bounds}"
    return value, ""


def _finite(text: str) -> float:
    value = literal(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(text)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are all different: of two values with one name, one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"“{next(name for name in names if names.count(name) > 1)}” is there twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
