"""ComfyUI's answers: why it refused a graph, how a job in the history ended, and which files it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Phase
from mediatui.providers.answers import entries, mapping, number, text
from mediatui.providers.base import Delivery, Output, Progress
from mediatui.providers.comfy_graph import Template
from mediatui.providers.discovery import MAX_OUTPUTS, media_type
from mediatui.text import one_line

MAX_PROBLEMS = 20
"""Inputs that a refusal names; a graph that is wrong all over has hundreds."""
_PLACES: Mapping[str, str] = {"gifs": "videos"}
"""What VideoHelperSuite calls its videos."""
_MISSING_MODEL = "A model file is missing on the server, or has another name there."
_MISSING_NODE = "Install the custom node on the server, or remove it from the workflow."


def refusal(document: Mapping[str, Any], template: Template) -> ProviderError:
    """Why a graph was not queued: each node and input by name, and by its placeholder where it has one."""
    fields: dict[str, str] = {}
    kinds: set[str] = set()
    for node, entry in mapping(document.get("node_errors")).items():
        for problem in entries(mapping(entry).get("errors")):
            kinds.add(text(problem.get("type")))
            name = text(mapping(problem.get("extra_info")).get("input_name"), 80)
            what = ": ".join(t for t in (text(problem.get("message")), text(problem.get("details"))) if t)
            fields[_place(template, str(node), name, text(mapping(entry).get("class_type"), 80))] = what or "refused"
    error = document.get("error")
    said = text(error) or ": ".join(t for t in (text(mapping(error).get(n)) for n in ("message", "details")) if t)
    kinds.add(text(mapping(error).get("type")))
    fields = dict(list(fields.items())[:MAX_PROBLEMS])
    message = one_line("; ".join(f"{name}: {what}" for name, what in fields.items()), 2000) or said
    hint = "Correct the workflow or the named input, then generate again."
    hint = _MISSING_NODE if "missing_node_type" in kinds else _MISSING_MODEL if "value_not_in_list" in kinds else hint
    return ProviderError(
        ErrorKind.INVALID_INPUT,
        message or "ComfyUI refused the workflow and does not say why",
        hint=hint,
        fields=fields,
        code=next((kind for kind in sorted(kinds) if kind), ""),
        status=400,
    )


def _place(template: Template, node: str, name: str, kind: str) -> str:
    placeholder = template.placeholder_at(node, name) if name else None
    if placeholder:
        return f"{placeholder} (node {one_line(node, 20)} {kind}, {name})"
    return f"node {one_line(node, 20)} {kind}" + (f", {name}" if name else "")


def progress_of(entry: Mapping[str, Any]) -> Progress:
    """How a job in the history ended. Interrupted is not failed; files are a success, whatever came after them."""
    status = mapping(entry.get("status"))
    said = dict(_messages(status))
    interrupted = "execution_interrupted" in said
    if interrupted and not _has_files(entry, "output"):
        return Progress(Phase.CANCELLED)
    verdict = status.get("status_str")
    if interrupted or "execution_error" in said or verdict == "error":
        error = _end(said)
        if _has_files(entry, "output"):
            error.message = f"only a part was made: {error.message}"
            return Progress(Phase.SUCCEEDED, fraction=1.0, error=error)
        return Progress(Phase.FAILED, error=error)
    if verdict == "success" or "execution_success" in said or status.get("completed") is True or _has_files(entry):
        return Progress(Phase.SUCCEEDED, fraction=1.0)
    named = f" ({one_line(verdict, 60)})" if isinstance(verdict, str) else ""
    message = f"ComfyUI ended the workflow without a result{named}"
    return Progress(Phase.FAILED, error=ProviderError(ErrorKind.INTERNAL, message))


def _messages(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed = status.get("messages")
    for message in listed if isinstance(listed, list) else []:
        if isinstance(message, list) and message and isinstance(message[0], str):
            yield message[0], mapping(message[1]) if len(message) > 1 else {}


def _end(said: Mapping[str, Mapping[str, Any]]) -> ProviderError:
    """Why a job did not come to its end."""
    if "execution_interrupted" in said:
        return ProviderError(ErrorKind.CANCELLED, "the workflow was interrupted")
    return _failure(said.get("execution_error", {}))


def _failure(data: Mapping[str, Any]) -> ProviderError:
    node, kind = one_line(data.get("node_id") or "", 20), text(data.get("node_type"), 80)
    what = text(data.get("exception_message")) or "the workflow failed; the server's log says why"
    where = f"node {node} {kind}".strip() + ": " if node or kind else ""
    code = text(data.get("exception_type"), 80)
    memory = "outofmemory" in code.lower().replace("_", "") or "out of memory" in what.lower()
    hint = "The server ran out of memory: ask for a smaller picture or fewer frames." if memory else ""
    return ProviderError(ErrorKind.INTERNAL, where + what, hint=hint, code=code)


def find_files(entry: Mapping[str, Any], address: Callable[[str, str, str], str]) -> tuple[Output, ...]:
    """The media files of a history entry in the order they stand there: outputs, else previews, else inputs.

    Types go by extension, else by place. `address` makes the address of (file name, folder, kind of folder).
    """
    found, seed = list(_files(entry, address)), _seed_in(entry)
    said = dict(_messages(mapping(entry.get("status"))))
    broken = said.get("execution_error") or "execution_interrupted" in said
    meta = {"incomplete": f"only a part was made: {_end(said).message}"} if broken else {}
    for wanted in ("output", "temp", "input"):
        chosen = [output for kind, output in found if kind == wanted]
        if chosen:
            return tuple(replace(o, index=n, seed=seed, meta=meta) for n, o in enumerate(chosen[:MAX_OUTPUTS]))
    return ()


def was_cached(entry: Mapping[str, Any]) -> bool:
    """The server took every node's result from its cache, and ran none."""
    prompt = entry.get("prompt")
    graph = mapping(prompt[2]) if isinstance(prompt, list) and len(prompt) > 2 else {}
    cached = dict(_messages(mapping(entry.get("status")))).get("execution_cached", {}).get("nodes")
    return bool(graph) and isinstance(cached, list) and graph.keys() <= set(map(str, cached))


def _seed_in(entry: Mapping[str, Any]) -> int | None:
    """The first seed of the graph as it ran; the history keeps it as ``prompt[2]``."""
    prompt = entry.get("prompt")
    graph = mapping(prompt[2]) if isinstance(prompt, list) and len(prompt) > 2 else {}
    for node in graph.values():
        inputs = mapping(mapping(node).get("inputs"))
        for name in ("seed", "noise_seed"):
            value = inputs.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
                return value
    return None


def _files(entry: Mapping[str, Any], address: Callable[[str, str, str], str]) -> Iterator[tuple[str, Output]]:
    seen: set[str] = set()
    for place, item in _named_files(entry.get("outputs")):
        found = _file(place, item, address)
        if found is not None and found[1].url not in seen:
            seen.add(str(found[1].url))
            yield found


def _named_files(shown: object) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The files that nodes show, under whatever name, singly or in lists: nodes agree on no shape."""
    left: list[tuple[object, tuple[str, ...]]] = [(shown, ())]
    while left:
        value, place = left.pop()
        if isinstance(value, Mapping) and isinstance(value.get("filename"), str):
            yield place, value
        elif isinstance(value, Mapping):
            left += [(child, (*place, str(name))) for name, child in reversed(list(value.items()))]
        elif isinstance(value, list):
            left += [(child, (*place, str(n))) for n, child in reversed(list(enumerate(value)))]


def _file(
    place: tuple[str, ...], item: Mapping[str, Any], address: Callable[[str, str, str], str]
) -> tuple[str, Output] | None:
    """(kind of folder, output) of a file; None when neither its name nor its place says that it is media."""
    name, folder = item["filename"], item.get("subfolder")
    media = media_type(None, tuple(_PLACES.get(part, part) for part in place), name)
    if media is None:
        return None
    kind = str(item["type"]) if item.get("type") in ("temp", "input") else "output"
    rate = number(item.get("frame_rate"))
    return kind, Output(
        index=0,
        path=one_line(".".join(place), 120),
        role="clip" if media == "video" else media.value,
        type=media,
        delivery=Delivery.PROVIDER_URL,
        url=address(_plain(name), _plain(folder) if isinstance(folder, str) else "", kind),
        file_name=one_line(name, 255),
        fps=rate if rate is not None and 0 < rate < 1000 else None,
    )


def _plain(name: str) -> str:
    """The name without lone surrogates, which no address can carry."""
    return name.encode("utf-8", "replace").decode()


def _has_files(entry: Mapping[str, Any], wanted: str = "") -> bool:
    found = _files(entry, lambda name, folder, kind: f"{kind}/{folder}/{name}")
    return any(kind == wanted or not wanted for kind, _ in found)
