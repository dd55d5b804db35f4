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
from mediatui.providers.discovery import media_type
from mediatui.text import one_line

MAX_FILES = 500
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
    message = "; ".join(f"{name}: {what}" for name, what in fields.items()) or said
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
    """How a job in the history ended. Interrupted is not failed; no status but files is a success."""
    status = mapping(entry.get("status"))
    said = dict(_messages(status))
    if "execution_interrupted" in said:
        return Progress(Phase.CANCELLED)
    if "execution_error" in said:
        return Progress(Phase.FAILED, error=_failure(said["execution_error"]))
    verdict = status.get("status_str")
    if verdict == "error":
        return Progress(Phase.FAILED, error=_failure({}))
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

    Types go by extension. `address` makes the address of (file name, folder, kind of folder).
    """
    found, seed = list(_files(entry, address)), _seed_in(entry)
    for wanted in ("output", "temp", "input"):
        chosen = [output for kind, output in found if kind == wanted]
        if chosen:
            return tuple(replace(o, index=n, seed=seed) for n, o in enumerate(chosen[:MAX_FILES]))
    return ()


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
    for node, shown in mapping(entry.get("outputs")).items():
        for key, listed in mapping(shown).items():
            for number_, item in enumerate(entries(listed)):
                name, folder = item.get("filename"), item.get("subfolder")
                kind = item.get("type") if item.get("type") in ("temp", "input") else "output"
                media = media_type(None, (), name) if isinstance(name, str) else None
                if media is None or not isinstance(name, str):
                    continue
                url = address(_plain(name), _plain(folder) if isinstance(folder, str) else "", str(kind))
                if url in seen:
                    continue
                seen.add(url)
                rate = number(item.get("frame_rate"))
                yield (
                    str(kind),
                    Output(
                        index=0,
                        path=one_line(f"{node}.{key}.{number_}", 120),
                        role="clip" if media == "video" else media.value,
                        type=media,
                        delivery=Delivery.PROVIDER_URL,
                        url=url,
                        file_name=one_line(name, 255),
                        fps=rate if rate is not None and 0 < rate < 1000 else None,
                    ),
                )


def _plain(name: str) -> str:
    """The name without lone surrogates, which no address can carry."""
    return name.encode("utf-8", "replace").decode()


def _has_files(entry: Mapping[str, Any]) -> bool:
    return any(True for _ in _files(entry, lambda name, folder, kind: f"{kind}/{folder}/{name}"))
