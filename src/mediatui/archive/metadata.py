"""How a media file was made, as programs write it into their files: ours, AUTOMATIC1111's, ComfyUI's."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediatui.archive import exif, mp4tags, pngtext
from mediatui.archive.embed import KEY
from mediatui.text import clean_text, one_line

MAX_STEPS = 64
"""Links of a ComfyUI graph that are followed from a sampler to its text."""
_PAIR = re.compile(r'\s*([\w][\w \-/]*?):\s*("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_SAMPLERS = ("positive", "noise_seed", "seed")
_LOADERS = ("ckpt_name", "unet_name", "model_name", "gguf_name")
_TEXTS = ("text", "prompt", "string", "value", "text_g", "t5xxl", "wildcard_text", "populated_text")


@dataclass(frozen=True, slots=True)
class Making:
    """What a file says of its making; `program` is ``mediatui``, ``automatic1111`` or ``comfyui``."""

    program: str
    prompt: str = ""
    model: str = ""
    provider: str = ""
    seed: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Our own other fields: tags, rating, favourite, notes, created_at."""


def read_making(path: Path) -> Making | None:
    """What a file says of its making; None when it says nothing, or cannot be read. Never raises."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            if head[:8] == pngtext.SIGNATURE:
                return from_texts(pngtext.read_texts(file))
            if head[4:8] == b"ftyp":
                comment = mp4tags.read_comment(file)
                return from_texts({"comment": comment}) if comment else None
            return from_texts(exif.read_texts(file))
    except (OSError, ValueError, RecursionError):
        return None


def from_texts(texts: Mapping[str, str]) -> Making | None:
    """What named texts of a file say, the most certain first. Never raises."""
    for text in (texts.get(KEY, ""), texts.get("comment", "")):
        document = _object(text)
        if document.get(KEY) is not None:
            return _ours(document)
        if found := _comfy(_graph(document.get("prompt"))):
            return found
    for name in ("parameters", "comment", "description"):
        if found := read_parameters(texts.get(name, "")):
            return found
    graph = texts.get("prompt") or texts.get("model", "").removeprefix("prompt:")
    return _comfy(_graph(graph))


def read_parameters(text: str) -> Making | None:
    """AUTOMATIC1111's text: the prompt, ``Negative prompt: …``, then ``Steps: 20, Sampler: …, Seed: 1``."""
    lines = text.strip().splitlines()
    if not lines or "Steps:" not in lines[-1]:
        return None
    pairs = {name: _unquoted(value) for name, value in _PAIR.findall(lines[-1])}
    if "Steps" not in pairs:
        return None
    prompt, _, negative = "\n".join(lines[:-1]).partition("Negative prompt:")
    params: dict[str, Any] = {_snake(name): _number(value) for name, value in pairs.items() if name not in _KEPT_APART}
    if negative.strip():
        params["negative_prompt"] = clean_text(negative.strip())
    return Making(
        "automatic1111",
        clean_text(prompt.strip()),
        one_line(pairs.get("Model", ""), 200),
        seed=_whole(pairs.get("Seed")),
        params=params,
    )


_KEPT_APART = ("Seed", "Model")


def _ours(document: Mapping[str, Any]) -> Making:
    params, created = document.get("params"), document.get("created_at")
    extra = {name: document[name] for name in ("tags", "rating", "favourite", "notes") if name in document}
    if isinstance(created, (int, float)) and not isinstance(created, bool):
        extra["created_at"] = float(created)
    return Making(
        "mediatui",
        clean_text(_text(document.get("prompt"))),
        one_line(_text(document.get("model")), 200),
        one_line(_text(document.get("provider")), 60),
        _whole(document.get("seed")),
        params if isinstance(params, dict) else {},
        extra,
    )


Graph = Mapping[str, Mapping[str, Any]]


def _comfy(graph: Graph) -> Making | None:
    """The first sampler's prompt, seed and model, found by following the links between nodes."""
    samplers = [node for node in graph.values() if any(name in _inputs(node) for name in _SAMPLERS)]
    if not samplers:
        return None
    sampler = next((node for node in samplers if "positive" in _inputs(node)), samplers[0])
    inputs = _inputs(sampler)
    prompt = _follow_text(graph, inputs.get("positive"))
    negative = _follow_text(graph, inputs.get("negative"))
    params = {key: value for key, value in inputs.items() if isinstance(value, (int, float, str)) and "seed" not in key}
    if negative:
        params["negative_prompt"] = clean_text(negative)
    seed = next((_whole(_value(graph, inputs.get(name))) for name in ("seed", "noise_seed") if name in inputs), None)
    loaded = (_inputs(node).get(name) for node in graph.values() for name in _LOADERS)
    model = next((one_line(name, 200) for name in loaded if isinstance(name, str)), "")
    return Making("comfyui", clean_text(prompt or _any_text(graph)), model, seed=seed, params=params)


def _follow_text(graph: Graph, link: object) -> str:
    """The text that feeds an input, through as many nodes as it takes."""
    waiting, seen = [link], set()
    for _ in range(MAX_STEPS):
        if not waiting:
            break
        at = waiting.pop(0)
        if isinstance(at, str) and at.strip():
            return at.strip()
        if not isinstance(at, list) or not at or str(at[0]) in seen:
            continue
        seen.add(str(at[0]))
        inputs = _inputs(graph.get(str(at[0]), {}))
        texts = [inputs[name] for name in _TEXTS if name in inputs]
        links = [value for value in inputs.values() if isinstance(value, list)]
        waiting[:0] = texts or links
    return ""


def _any_text(graph: Graph) -> str:
    encoders = (_inputs(node) for node in graph.values() if "TextEncode" in str(node.get("class_type")))
    return next((text for inputs in encoders if isinstance(text := inputs.get("text"), str)), "")


def _value(graph: Graph, value: object) -> object:
    if isinstance(value, list) and value:
        inputs = _inputs(graph.get(str(value[0]), {}))
        return next((inputs[name] for name in ("seed", "value", "noise_seed", "int") if name in inputs), None)
    return value


def _inputs(node: Mapping[str, Any]) -> Mapping[str, Any]:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _graph(value: object) -> Graph:
    document = _object(value) if isinstance(value, str) else value
    if not isinstance(document, dict):
        return {}
    return {str(key): node for key, node in document.items() if isinstance(node, dict)}


def _object(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        # Some programs write NaN, which is no JSON.
        document = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _unquoted(value: str) -> str:
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except (ValueError, RecursionError):
            return value.strip('"')
    return value.strip()


def _snake(name: str) -> str:
    return one_line(name, 60).lower().replace(" ", "_")


def _number(value: str) -> Any:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return clean_text(value, 2000)


def _whole(value: object) -> int | None:
    try:
        number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    except ValueError:
        return None
    return number if number is not None and abs(number) < 1 << 63 else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
