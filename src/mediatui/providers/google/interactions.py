"""Gemini's Interactions API: video, images and music in the background, as steps of an interaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.answers import entries, mapping
from mediatui.providers.base import Output, Progress
from mediatui.providers.discovery import MAX_OUTPUTS
from mediatui.providers.google.errors import error_from_operation, refused
from mediatui.providers.google.parts import (
    address_output,
    inline_output,
    media_input,
    media_inputs,
    text_of,
    unreadable,
)
from mediatui.providers.google.places import Places

_FORMAT = ("aspect_ratio", "resolution", "duration", "image_size", "mime_type", "sample_rate", "bit_rate", "delivery")
_FORMAT_MORE = ("gcs_uri",)
_MEDIA = (("image", "images"), ("video", "videos"), ("audio", "audios"))
_OWN = frozenset({"prompt", "response_format", *_FORMAT, *_FORMAT_MORE, *(name for pair in _MEDIA for name in pair)})
_ENDED = {"failed": Phase.FAILED, "cancelled": Phase.CANCELLED}
_STUCK = {
    "incomplete": "the interaction ended before it was complete",
    "budget_exceeded": "the interaction used up its budget before it was complete",
    "requires_action": "the model waits for an action that this program cannot give",
    "requires_continuation": "the model waits to be continued, which this program does not do",
}


def body(model: str, inputs: Mapping[str, Any], makes: MediaType | None) -> dict[str, Any]:
    """The request for a form's inputs, in the background unless they say otherwise.

    Names the form does not know go to the top of the request as they are.
    """
    given = {name: value for name, value in inputs.items() if value is not None and value != ""}
    content: list[dict[str, Any]] = []
    for single, many in _MEDIA:
        content += [_content(single, value, name) for name, value in media_inputs(given, single, many)]
    prompt = given.get("prompt")
    if not prompt and not content:
        raise ProviderError(ErrorKind.INVALID_INPUT, "a prompt is needed", fields={"prompt": "missing"})
    if content and prompt:
        content.append({"type": "text", "text": str(prompt)})
    shape = {name: _shaped(name, given[name]) for name in (*_FORMAT, *_FORMAT_MORE) if name in given}
    request: dict[str, Any] = {"model": model, "input": content or str(prompt), "background": True, "store": True}
    if makes is not None and (shape or "response_format" in given):
        request["response_format"] = {"type": makes.value, **shape, **mapping(given.get("response_format"))}
    return request | {name: value for name, value in given.items() if name not in _OWN}


def _shaped(name: str, value: Any) -> Any:
    # The API takes a duration as text with its unit.
    return f"{value:g}s" if name == "duration" and isinstance(value, (int, float)) else value


def _content(kind: str, value: object, name: str) -> dict[str, str]:
    data, uri, content_type = media_input(value, name)
    where = {"data": data} if data is not None else {"uri": uri}
    return {"type": kind, **where, "mime_type": content_type}


def progress(document: Mapping[str, Any]) -> Progress:
    """How an interaction goes. One that ended badly but made media has succeeded: what was paid for is kept."""
    status = _status(document)
    if status in ("queued", "in_progress"):
        return Progress(Phase.QUEUED if status == "queued" else Phase.RUNNING)
    if status == "completed":
        return Progress(Phase.SUCCEEDED, fraction=1.0)
    if status not in _ENDED and status not in _STUCK:
        return Progress(Phase.RUNNING)
    error = _short_of(document)
    if next(_media(document), None) is not None:
        return Progress(Phase.SUCCEEDED, fraction=1.0, error=error)
    if status == "cancelled" and error is None:
        return Progress(Phase.CANCELLED)
    return Progress(Phase.FAILED, error=error or ProviderError(ErrorKind.INTERNAL, "the interaction failed"))


def outputs(document: Mapping[str, Any], job: Job, places: Places) -> Sequence[Output]:
    """The media the model put out, in order, inputs left aside.

    Raises `ProviderError` with the interaction's error, or the model's words, when there is none.
    """
    found: list[Output] = []
    uris: list[object] = []
    for path, entry in _media(document):
        expected = MediaType(entry["type"])
        kind = _full_kind(entry)
        if entry.get("data"):
            output = inline_output(len(found), path, entry["data"], kind, expected)
        else:
            uris.append(entry.get("uri"))
            output = address_output(len(found), path, entry.get("uri"), kind, expected, job, places)
        if output is not None and len(found) < MAX_OUTPUTS:
            found.append(output)
    if found:
        short = _short_of(document)
        meta = {"incomplete": f"only a part was made: {short.message}"} if short is not None else {}
        return tuple(replace(output, meta=meta) for output in found)
    if any(uris):
        raise unreadable(uris)
    raise _nothing(document)


def _media(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the model put out; the copies at the top of the answer only when the steps hold nothing."""
    some = False
    for number, step in enumerate(entries(document.get("steps"))):
        if step.get("type") != "model_output":
            continue
        for place, entry in enumerate(entries(step.get("content"))):
            if _is_media(entry):
                some = True
                yield f"steps.{number}.content.{place}", entry
    if some:
        return
    for place, entry in enumerate(entries(document.get("outputs"))):
        if _is_media(entry):
            some = True
            yield f"outputs.{place}", entry
    for media in () if some else MediaType:
        entry = mapping(document.get(f"output_{media.value}"))
        if entry.get("data") or entry.get("uri"):
            yield f"output_{media.value}", {**entry, "type": media.value}


def _is_media(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") in tuple(m.value for m in MediaType) and bool(entry.get("data") or entry.get("uri"))


def _full_kind(entry: Mapping[str, Any]) -> object:
    """The content type with rate and channels, which raw audio has as facts beside it."""
    kind, rate, channels = entry.get("mime_type"), entry.get("sample_rate"), entry.get("channels")
    if not isinstance(kind, str) or not kind.lower().startswith("audio/l16"):
        return kind
    kind += f";rate={rate}" if isinstance(rate, int) and "rate=" not in kind else ""
    return kind + (f";channels={channels}" if isinstance(channels, int) and "channels=" not in kind else "")


def _error(document: Mapping[str, Any]) -> ProviderError | None:
    errors = [*entries(document.get("errors")), mapping(document.get("error"))]
    errors += [mapping(step.get("error")) for step in entries(document.get("steps"))]
    first = next((error for error in errors if error), None)
    return error_from_operation(first, "the interaction failed") if first else None


def _short_of(document: Mapping[str, Any]) -> ProviderError | None:
    """Why an interaction did not come to its end, where it says so."""
    if (error := _error(document)) is not None:
        return error
    words = _STUCK.get(_status(document))
    return ProviderError(ErrorKind.INTERNAL, words) if words else None


def _status(document: Mapping[str, Any]) -> str:
    return str(document.get("status")).strip().lower()


def _nothing(document: Mapping[str, Any]) -> ProviderError:
    if (error := _error(document)) is not None:
        return error
    steps = [step for step in entries(document.get("steps")) if step.get("type") == "model_output"]
    said = text_of([entry.get("text") for step in steps for entry in entries(step.get("content"))])
    if said:
        return refused([], said)
    return ProviderError(
        ErrorKind.INTERNAL,
        "Google says the interaction is complete, but its answer holds no media",
        hint="“Ask again” in the jobs screen, or `mediatui jobs retry`, asks once more; its id is in the details.",
    )
