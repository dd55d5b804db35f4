"""Read a model's inputs out of its OpenAPI document, as a form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mediatui.providers.base import Field, FieldKind, FormSchema, names_media
from mediatui.text import clean_text, one_line

PROMPT_NAMES = ("prompt", "text", "tags", "lyrics_prompt")
_MOST_ALTERNATIVES = 500
_MOST_PARTS = 100
_LEADING_ON = ("$ref", "allOf")


def form_from_openapi(model: str, document: object) -> FormSchema | None:
    """The form for the input of `model`: the schema its POST body refers to, else a component named …Input.

    None when the document holds neither.
    """
    if not isinstance(document, Mapping):
        return None
    schema = _input_schema(model, document)
    if schema is None:
        return None
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return None
    listed = schema.get("required")
    required = {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
    fields = tuple(_field(document, name, properties[name], name in required) for name in _in_order(schema, properties))
    return FormSchema(model=model, fields=fields, prompt_field=_prompt_field(fields))


def _in_order(schema: Mapping[str, Any], properties: Mapping[str, Any]) -> list[str]:
    wanted = schema.get("x-fal-order-properties")
    named = [n for n in wanted if isinstance(n, str) and n in properties] if isinstance(wanted, list) else []
    return named + [name for name in properties if name not in named]


def _prompt_field(fields: tuple[Field, ...]) -> str | None:
    texts = {f.name: f for f in fields if f.kind in (FieldKind.TEXT, FieldKind.LONG_TEXT)}
    return next((name for name in PROMPT_NAMES if name in texts), None)


def _input_schema(model: str, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for path, operations in _mapping(document.get("paths")).items():
        post = _mapping(_mapping(operations).get("post"))
        content = _mapping(_mapping(post.get("requestBody")).get("content"))
        body = _mapping(_mapping(content.get("application/json")).get("schema"))
        if body and (str(path).strip("/") == model.strip("/") or len(_mapping(document.get("paths"))) <= 4):
            return _resolve(document, body)
    components = _mapping(_mapping(document.get("components")).get("schemas"))
    return next((_resolve(document, _mapping(s)) for n, s in components.items() if str(n).endswith("Input")), None)


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with local references followed and the parts of ``allOf`` merged; what stands further out counts."""
    merged: dict[str, Any] = {}
    left: list[Mapping[str, Any]] = [schema]
    for _ in range(_MOST_PARTS):  # a reference may lead back to where it stands
        if not left:
            break
        part = left.pop()
        merged |= {name: _joined(name, value, merged) for name, value in part.items() if name not in _LEADING_ON}
        further = [_referred(document, part.get("$ref")), *map(_mapping, _list(part.get("allOf")))]
        left += [each for each in further if each]
    return merged


def _joined(name: str, value: Any, merged: Mapping[str, Any]) -> Any:
    """What a schema says under a name when a part of it says `value`."""
    if name not in merged:
        return value
    if name == "properties":
        return {**_mapping(value), **_mapping(merged[name])}
    return [*_list(value), *_list(merged[name])] if name == "required" else merged[name]


def _referred(document: Mapping[str, Any], reference: object) -> Mapping[str, Any]:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return {}
    target: Any = document
    for part in reference[2:].split("/"):
        target = _mapping(target).get(part.replace("~1", "/").replace("~0", "~"))
    return _mapping(target)


def _field(document: Mapping[str, Any], name: str, raw: object, required: bool) -> Field:
    outer = _resolve(document, _mapping(raw))
    options = [o for o in _alternatives(document, outer) if o.get("type") != "null"]
    schema = options[0] if options else outer
    default, choices = _with_default(_clean(outer.get("default", schema.get("default"))), _choices(options or [outer]))
    minimum, maximum = _bounds(schema)
    return Field(
        name=name,
        title=one_line(outer.get("title") or schema.get("title") or name.replace("_", " ").capitalize(), 80),
        kind=_kind(name, schema, choices),
        required=required and "default" not in outer,
        default=default,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        max_length=int(length) if isinstance(length := schema.get("maxLength"), int) else None,
        description=clean_text(outer.get("description") or schema.get("description") or "", 2000).strip(),
    )


def _alternatives(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schemas of which one holds, also those of a choice that is one of the choices."""
    left = _members(schema)[::-1]
    for _ in range(_MOST_ALTERNATIVES):  # a reference may lead back to where it stands
        if not left:
            return
        found = _resolve(document, _mapping(left.pop()))
        if inner := _members(found):
            left += inner[::-1]
        else:
            yield found


def _members(schema: Mapping[str, Any]) -> list[Any]:
    listed = (schema.get(key) for key in ("anyOf", "oneOf"))
    return [member for members in listed for member in _list(members)]


def _choices(schemas: list[Mapping[str, Any]]) -> tuple[Any, ...]:
    values: list[Any] = []
    for schema in schemas:
        listed = schema.get("enum") if isinstance(schema.get("enum"), list) else None
        if listed is None and "const" in schema:
            listed = [schema["const"]]
        values += [_clean(v) for v in listed or () if isinstance(v, (str, int, float, bool))]
    return tuple({(type(value), value): value for value in values}.values())  # 1 is not true


def _with_default(default: Any, choices: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """A default is one of the choices: in their type, or the last of them where the schema lists it not."""
    if default is None or not choices or any(type(c) is type(default) and c == default for c in choices):
        return default, choices
    same = next((choice for choice in choices if str(choice) == str(default)), None)
    return (default, (*choices, default)) if same is None else (same, choices)


def _kind(name: str, schema: Mapping[str, Any], choices: tuple[Any, ...]) -> FieldKind:
    if choices:
        return FieldKind.CHOICE
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((t for t in declared if t != "null"), None)
    if declared == "boolean":
        return FieldKind.BOOLEAN
    if declared == "integer":
        return FieldKind.INTEGER
    if declared == "number":
        return FieldKind.NUMBER
    if declared == "array":
        return FieldKind.LIST
    if declared == "object" or "properties" in schema:
        return FieldKind.OBJECT
    if names_media(name):
        return FieldKind.MEDIA
    if name in PROMPT_NAMES or name.endswith("prompt") or name == "lyrics":
        return FieldKind.LONG_TEXT
    return FieldKind.TEXT


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low = _finite(schema.get("minimum", schema.get("exclusiveMinimum")))
    high = _finite(schema.get("maximum", schema.get("exclusiveMaximum")))
    return low, high


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -1e300 < value < 1e300 else None


def _clean(value: Any) -> Any:
    return clean_text(value, 2000) if isinstance(value, str) else value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
