"""Gemini's image models by `generateContent`: one synchronous call, the pictures in its answer as base64."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.providers.answers import entries, mapping
from mediatui.providers.base import Output
from mediatui.providers.discovery import MAX_OUTPUTS
from mediatui.providers.google.errors import error_from_operation, refused
from mediatui.providers.google.parts import (
    address_output,
    inline_output,
    media_input,
    media_inputs,
    text_of,
    without_filtered,
)
from mediatui.providers.google.places import Places

_IMAGE_CONFIG = {"aspect_ratio": "aspectRatio", "image_size": "imageSize"}
_OWN = frozenset({"prompt", "image", "images", "generationConfig", *_IMAGE_CONFIG})
_FINE = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})


def body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The request for a form's inputs; names the form does not know go to ``generationConfig`` as they are."""
    parts: list[dict[str, Any]] = [_part(value, name) for name, value in media_inputs(inputs, "image", "images")]
    if prompt := inputs.get("prompt"):
        parts.append({"text": str(prompt)})
    if not parts:
        raise ProviderError(ErrorKind.INVALID_INPUT, "a prompt is needed", fields={"prompt": "missing"})
    image = {theirs: inputs[ours] for ours, theirs in _IMAGE_CONFIG.items() if inputs.get(ours)}
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    if image:
        config["imageConfig"] = image
    config |= {name: value for name, value in inputs.items() if name not in _OWN and value is not None}
    config |= mapping(inputs.get("generationConfig"))
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _part(value: object, name: str) -> dict[str, Any]:
    data, uri, kind = media_input(value, name)
    if data is not None:
        return {"inlineData": {"mimeType": kind, "data": data}}
    return {"fileData": {"mimeType": kind, "fileUri": uri}}


def outputs(document: Mapping[str, Any], job: Job, places: Places) -> Sequence[Output]:
    """The pictures in the answer, without the model's drafts (parts flagged ``thought``).

    Raises `ProviderError` of kind POLICY with Google's reasons and the model's words when there is none.
    """
    found: list[Output] = []
    said: list[object] = []
    for number, candidate in enumerate(entries(document.get("candidates"))):
        for place, part in enumerate(entries(mapping(candidate.get("content")).get("parts"))):
            if part.get("thought") is True or len(found) >= MAX_OUTPUTS:
                continue
            said.append(part.get("text"))
            output = _output(len(found), f"candidates.{number}.content.parts.{place}", part, job, places)
            if output is not None:
                found.append(output)
    if not found:
        raise _nothing(document, text_of(said))
    reasons = _blocked(document, {output.path.split(".")[1] for output in found})
    return without_filtered(found, len(reasons), reasons)


def _blocked(document: Mapping[str, Any], made: Collection[str]) -> list[str]:
    """Why candidates, but for those with these numbers, have no picture; nothing of those that say nothing."""
    candidates = enumerate(entries(document.get("candidates")))
    reasons = [str(candidate.get("finishReason") or "") for number, candidate in candidates if str(number) not in made]
    return [reason for reason in reasons if reason not in _FINE]


def _output(index: int, path: str, part: Mapping[str, Any], job: Job, places: Places) -> Output | None:
    inline = mapping(part.get("inlineData") or part.get("inline_data"))
    if inline:
        kind = inline.get("mimeType") or inline.get("mime_type")
        return inline_output(index, path, inline.get("data"), kind, MediaType.IMAGE)
    file = mapping(part.get("fileData") or part.get("file_data"))
    if file:
        uri, kind = file.get("fileUri") or file.get("file_uri"), file.get("mimeType") or file.get("mime_type")
        return address_output(index, path, uri, kind, MediaType.IMAGE, job, places)
    return None


def _nothing(document: Mapping[str, Any], said: str) -> ProviderError:
    if document.get("error"):
        return error_from_operation(document["error"], "Google answered with an error")
    feedback = mapping(document.get("promptFeedback"))
    candidates = entries(document.get("candidates"))
    if not candidates and not feedback:
        return ProviderError(ErrorKind.INTERNAL, "Google's answer holds no candidates")
    reasons = [str(feedback.get("blockReason") or "")] + [str(c.get("finishReason") or "") for c in candidates]
    reasons = [reason for reason in reasons if reason not in _FINE]
    if reasons == ["MAX_TOKENS"]:
        return ProviderError(ErrorKind.INTERNAL, "the model stopped at its token limit before it made a picture")
    words = [feedback.get("blockReasonMessage"), *(c.get("finishMessage") for c in candidates), said]
    return refused(reasons, text_of(words))
