"""ComfyUI graphs as templates: a graph exported in API format, with placeholders where a form's values go.

A placeholder stands in a text value: ``{{name}}``, ``{{name=default}}``, ``{{name|kind}}`` or
``{{name|kind=default}}``. Alone in its text it keeps its type (a number stays a number); within a longer text
it is written out. Kinds: text, long-text, integer, number, boolean, image, video, audio, and choice, whose
values follow the ``=`` with commas between them, the default first.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.base import Field, FieldKind, FormSchema
from mediatui.text import one_line

MAX_FILE_BYTES = 8 << 20
MAX_TEMPLATES = 1000
MAX_DEPTH = 30
SEED_RANGE = 2**48

_MARK = re.compile(r"\{\{\s*([A-Za-z_]\w{0,60})\s*(?:\|\s*([a-z-]+)\s*)?(?:=([^{}]*))?\}\}")
_KINDS: Mapping[str, FieldKind] = {
    kind.value: kind for kind in FieldKind if kind not in (FieldKind.LIST,)
} | dict.fromkeys(("image", "video", "audio"), FieldKind.MEDIA)
_BY_NAME: Mapping[str, FieldKind] = {
    **dict.fromkeys(("prompt", "negative_prompt", "text"), FieldKind.LONG_TEXT),
    **dict.fromkeys(("seed", "steps", "width", "height", "frames", "length", "batch_size"), FieldKind.INTEGER),
    **dict.fromkeys(("cfg", "denoise", "strength", "guidance", "fps"), FieldKind.NUMBER),
    **dict.fromkeys(("image", "mask", "video", "audio"), FieldKind.MEDIA),
}
_VIDEO_NODES = re.compile(r"video|webm", re.I)
_AUDIO_NODES = re.compile(r"^(save|preview)audio", re.I)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One value that a graph asks for, and the first input it stands in."""

    name: str
    kind: FieldKind
    default: Any = None
    choices: tuple[str, ...] = ()
    node: str = ""
    input: str = ""

    @property
    def required(self) -> bool:
        """It has to be given: neither a default nor, for a seed, a number of our own will do."""
        return self.default is None and self.name not in ("seed", "negative_prompt")


@dataclass(frozen=True, slots=True)
class Template:
    """A graph and its placeholders, in the order they stand there."""

    graph: Mapping[str, Any]
    placeholders: tuple[Placeholder, ...] = field(default=())

    @property
    def category(self) -> str:
        """``text-to-video`` and the like, by its nodes and placeholders."""
        classes = [str(node.get("class_type")) for node in self.graph.values()]
        made = "image"
        if any(_AUDIO_NODES.search(name) for name in classes):
            made = "audio"
        if any(_VIDEO_NODES.search(name) and not name.lower().startswith("load") for name in classes):
            made = "video"
        given = next((p.name for p in self.placeholders if p.kind is FieldKind.MEDIA), "text")
        return f"{given if given in ('image', 'video', 'audio') else 'text'}-to-{made}"

    def placeholder_at(self, node: str, name: str) -> str | None:
        """The placeholder that an input of a node is filled from."""
        value = _inputs(self.graph.get(node)).get(name)
        found = _MARK.search(value) if isinstance(value, str) else None
        return found[1] if found else None


def find_templates(folder: Path) -> dict[str, Path]:
    """The graphs in a folder and those below it, by their names without ``.json``. Hidden ones are left out."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.json")):
        parts = path.relative_to(folder).with_suffix("").parts
        if not any(part.startswith(".") for part in parts) and len(found) < MAX_TEMPLATES:
            found.setdefault(one_line("/".join(parts), 200).strip("/ "), path)
    return found


def read_template(path: Path) -> Template:
    """The template in a file. Raises `ProviderError` of kind UNSUPPORTED naming the file and what is wrong."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _unusable(path, "it is not a file")  # opening a pipe would wait for ever
        if found.st_size > MAX_FILE_BYTES:
            raise _unusable(path, "it is too large")
        return parse_template(json.loads(path.read_text("utf-8")))
    except OSError as exc:
        raise _unusable(path, exc.strerror or type(exc).__name__) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise _unusable(path, "it is not JSON") from None
    except ValueError as exc:
        raise _unusable(path, str(exc)) from None


def parse_template(document: object) -> Template:
    """The template in a parsed graph. Raises `ValueError` with the reason when it is none."""
    if isinstance(document, Mapping) and isinstance(document.get("prompt"), Mapping):
        document = document["prompt"]
    if isinstance(document, Mapping) and isinstance(document.get("nodes"), list):
        raise ValueError("it is in the editor's format; in ComfyUI use Workflow > Export (API)")
    if not isinstance(document, Mapping) or not document:
        raise ValueError("it is not a graph")
    for node in document.values():
        if not isinstance(node, Mapping) or not isinstance(node.get("class_type"), str):
            raise ValueError("it is not a graph in API format: a node has no class_type")
    found: dict[str, Placeholder] = {}
    for node, name, text in _texts(document):
        for mark in _MARK.finditer(text):
            fresh = _placeholder(mark, node, name)
            known = found.get(fresh.name)
            if known is None or ((mark[2] or mark[3] is not None) and known.default is None):
                found[fresh.name] = fresh
    return Template(document, tuple(found.values()))


def _placeholder(mark: re.Match[str], node: str, name: str) -> Placeholder:
    kind = _KINDS.get(mark[2] or "") or _BY_NAME.get(mark[1]) or FieldKind.TEXT
    if mark[2] and mark[2] not in _KINDS:
        raise ValueError(f"placeholder {mark[1]} is of the unknown kind {one_line(mark[2], 40)}")
    given = mark[3]
    if kind is FieldKind.CHOICE:
        choices = tuple(c.strip() for c in given.split(",") if c.strip()) if given else ()
        return Placeholder(mark[1], kind, choices[0] if choices else None, choices, node, name)
    default = _typed(kind, given.strip()) if given is not None else None
    if given is not None and default is None:
        raise ValueError(f"placeholder {mark[1]} has a default that is no {kind}")
    return Placeholder(mark[1], kind, default, (), node, name)


def form_of(model: str, template: Template) -> FormSchema:
    """The placeholders as a form."""
    names = [p.name for p in template.placeholders]
    texts = [p.name for p in template.placeholders if p.kind is FieldKind.LONG_TEXT]
    fields = tuple(
        Field(
            name=p.name,
            title=p.name.replace("_", " ").capitalize(),
            kind=p.kind,
            required=p.required,
            default=p.default,
            choices=p.choices,
        )
        for p in template.placeholders
    )
    prompt = next((name for name in ("prompt", "text", *texts) if name in names), None)
    return FormSchema(model=model, fields=fields, prompt_field=prompt)


def values_for(template: Template, inputs: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """A value for every placeholder: as given, else its default, `seed` for a seed that was not given.

    Raises `ProviderError` of kind INVALID_INPUT naming what is missing, of another type or not asked for.
    """
    problems: dict[str, str] = {}
    values: dict[str, Any] = {}
    for place in template.placeholders:
        given = inputs.get(place.name)
        absent = given is None or given == ""
        typed = _fallback(place, seed) if absent else _typed(place.kind, given)
        values[place.name] = seed if place.name == "seed" and typed == -1 else typed
        if absent and typed is None:
            problems[place.name] = "missing"
        elif typed is None:
            problems[place.name] = f"not {'an' if place.kind[0] in 'aeio' else 'a'} {place.kind}"
        elif place.choices and typed not in place.choices:
            problems[place.name] = f"not one of {', '.join(place.choices[:20])}"
    known = {place.name for place in template.placeholders}
    problems |= {name: "the workflow has no such placeholder" for name in inputs if name not in known}
    if problems:
        named = "; ".join(f"{name}: {what}" for name, what in problems.items())
        raise ProviderError(
            ErrorKind.INVALID_INPUT, named, hint="Correct the named input and generate again.", fields=problems
        )
    return values


def _fallback(place: Placeholder, seed: int) -> Any:
    if place.default is not None:
        return place.default
    return {"seed": seed, "negative_prompt": ""}.get(place.name)


def seed_for(job_id: str) -> int:
    """The seed of a job that names none: another for each job, the same each time it is asked for."""
    return int.from_bytes(hashlib.sha256(job_id.encode("utf-8", "replace")).digest()[:8]) % SEED_RANGE


def fill(template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
    """The graph with its placeholders replaced; what a value itself holds is never replaced again."""
    return {str(node): _filled(content, values, 0) for node, content in template.graph.items()}


def _filled(value: Any, values: Mapping[str, Any], depth: int) -> Any:
    if depth > MAX_DEPTH:
        return value
    if isinstance(value, str):
        whole = _MARK.fullmatch(value.strip())
        if whole and whole[1] in values:
            return values[whole[1]]
        # Outside of the inputs, in a title say, a mark that no input has is only text.
        return _MARK.sub(lambda mark: _written(values[mark[1]]) if mark[1] in values else mark[0], value)
    if isinstance(value, Mapping):
        return {name: _filled(child, values, depth + 1) for name, child in value.items()}
    if isinstance(value, list):
        return [_filled(child, values, depth + 1) for child in value]
    return value


def _written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (bool, dict, list)) else str(value)


def _typed(kind: FieldKind, value: Any) -> Any:
    """`value` in the kind's own type; None when it is of another."""
    if kind is FieldKind.BOOLEAN:
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    readers: Mapping[FieldKind, Callable[[str], Any]] = {
        FieldKind.INTEGER: int,
        FieldKind.NUMBER: float,
        FieldKind.OBJECT: json.loads,
    }
    if kind not in readers:
        return value if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        return None
    if kind is FieldKind.OBJECT and not isinstance(value, str):
        return value
    try:
        typed = readers[kind](value if kind is FieldKind.OBJECT else str(value))
    except (ValueError, RecursionError):
        return int(value) if isinstance(value, float) and value.is_integer() else None
    return typed if typed == typed and typed not in (float("inf"), float("-inf")) else None


def _texts(graph: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every text in the inputs of every node: (node, input, text)."""
    for node, content in graph.items():
        for name, value in _inputs(content).items():
            for text in _strings(value, 0):
                yield str(node), str(name), text


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < MAX_DEPTH and isinstance(value, (list, Mapping)):
        for child in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(child, depth + 1)


def _inputs(node: object) -> Mapping[str, Any]:
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    return inputs if isinstance(inputs, Mapping) else {}


def _unusable(path: Path, why: str) -> ProviderError:
    return ProviderError(
        ErrorKind.UNSUPPORTED,
        f"the workflow {path.name} cannot be used: {why}",
        hint="Export it from ComfyUI with Workflow > Export (API) into the folder of providers.comfyui.workflows.",
    )
