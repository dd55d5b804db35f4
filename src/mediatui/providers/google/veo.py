"""Veo by `:predictLongRunning`: an operation to ask about, on Vertex and on the Gemini API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType, Phase
from mediatui.providers.answers import entries, mapping, whole
from mediatui.providers.base import Output, Progress
from mediatui.providers.discovery import MAX_OUTPUTS
from mediatui.providers.google.errors import error_from_operation, refused
from mediatui.providers.google.parts import (
    address_output,
    filtered_words,
    inline_output,
    media_input,
    media_inputs,
    unreadable,
    without_filtered,
)
from mediatui.providers.google.places import Places

_NAMES = {
    "aspect_ratio": "aspectRatio",
    "duration": "durationSeconds",
    "count": "sampleCount",
    "negative_prompt": "negativePrompt",
    "person_generation": "personGeneration",
    "generate_audio": "generateAudio",
    "enhance_prompt": "enhancePrompt",
    "storage_uri": "storageUri",
}
_MEDIA = {"image": "image", "last_frame": "lastFrame", "video": "video"}


def body(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The request for a form's inputs; names the form does not know go to ``parameters`` as they are."""
    given = {name: value for name, value in inputs.items() if value is not None and value != ""}
    instance: dict[str, Any] = {"prompt": str(given["prompt"])} if given.get("prompt") else {}
    instance |= {theirs: _media(given[ours], ours) for ours, theirs in _MEDIA.items() if ours in given}
    references = media_inputs(given, "reference_image", "reference_images")
    if references:
        instance["referenceImages"] = [
            {"image": _media(value, name), "referenceType": "asset"} for name, value in references
        ]
    if not instance:
        raise ProviderError(ErrorKind.INVALID_INPUT, "a prompt is needed", fields={"prompt": "missing"})
    taken = {"prompt", "reference_image", "reference_images", "labels", *_MEDIA}
    parameters = {_NAMES.get(name, name): value for name, value in given.items() if name not in taken}
    labels = {"labels": given["labels"]} if "labels" in given else {}
    return {"instances": [instance], "parameters": parameters, **labels}


def _media(value: object, name: str) -> dict[str, str]:
    data, uri, kind = media_input(value, name)
    if data is not None:
        return {"bytesBase64Encoded": data, "mimeType": kind}
    if uri.startswith("gs://"):
        return {"gcsUri": uri, "mimeType": kind}
    raise ProviderError(
        ErrorKind.INVALID_INPUT,
        f"Veo takes {name} as a local file or a gs:// address, not from the web",
        fields={name: "download it first"},
    )


def progress(document: Mapping[str, Any]) -> Progress:
    """How an operation goes: done, failed with its error, or running. One with videos has made them, whatever else."""
    if not _is_done(document):
        return Progress(Phase.RUNNING, fraction=_percent(mapping(document.get("metadata"))))
    error = error_from_operation(document["error"]) if document.get("error") else None
    made = sum(_has_media(entry) for _, entry in _videos(document))
    if made and error is None and (gone := _filtered(document)):
        error = ProviderError(ErrorKind.POLICY, filtered_words(made, gone, _reasons(document)))
    if error is None or made:
        return Progress(Phase.SUCCEEDED, fraction=1.0, error=error)
    return Progress(Phase.CANCELLED if error.kind is ErrorKind.CANCELLED else Phase.FAILED, error=error)


def outputs(document: Mapping[str, Any], job: Job, places: Places) -> Sequence[Output]:
    """The videos of a finished operation. Raises `ProviderError` of kind POLICY when the filter took all of them."""
    found_at = _videos(document)
    found: list[Output] = []
    for path, entry in found_at[:MAX_OUTPUTS]:
        output = _output(len(found), path, entry, job, places)
        if output is not None:
            found.append(output)
    if found:
        return without_filtered(found, _filtered(document), _reasons(document))
    raise _nothing(document, [entry.get("gcsUri") or entry.get("uri") for _, entry in found_at])


def _is_done(document: Mapping[str, Any]) -> bool:
    """It says so, or says nothing of it and holds what only a finished one does."""
    if document.get("done") is not None:
        return document["done"] in (True, "true")
    return bool(document.get("error") or document.get("response"))


def _generated(document: Mapping[str, Any]) -> Mapping[str, Any]:
    response = mapping(document.get("response"))
    return mapping(response.get("generateVideoResponse")) or response


def _videos(document: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What stands where Vertex and the Gemini API put videos, with its place."""
    listed = entries(mapping(document.get("response")).get("videos"))
    found = [(f"response.videos.{n}", entry) for n, entry in enumerate(listed)]
    for key in ("generatedSamples", "generatedVideos"):
        samples = enumerate(entries(_generated(document).get(key)))
        found += [(f"response.{key}.{n}", mapping(sample.get("video"))) for n, sample in samples]
    return found


def _has_media(entry: Mapping[str, Any]) -> bool:
    return any(entry.get(name) for name in ("bytesBase64Encoded", "encodedVideo", "gcsUri", "uri"))


def _output(index: int, path: str, entry: Mapping[str, Any], job: Job, places: Places) -> Output | None:
    kind = entry.get("mimeType") or entry.get("encoding")
    data = entry.get("bytesBase64Encoded") or entry.get("encodedVideo")
    if data:
        return inline_output(index, path, data, kind, MediaType.VIDEO)
    return address_output(index, path, entry.get("gcsUri") or entry.get("uri"), kind, MediaType.VIDEO, job, places)


def _nothing(document: Mapping[str, Any], uris: list[Any]) -> ProviderError:
    if document.get("error"):
        return error_from_operation(document["error"])
    if any(uris):
        return unreadable(uris)
    reasons = _reasons(document)
    if reasons or _filtered(document):
        return refused(reasons or ["media filtered"])
    return ProviderError(ErrorKind.INTERNAL, "Google's answer holds no video")


def _reasons(document: Mapping[str, Any]) -> list[str]:
    """Why the filter took videos away."""
    given = _generated(document).get("raiMediaFilteredReasons")
    return [r for r in (given if isinstance(given, list) else [given]) if isinstance(r, str)]


def _filtered(document: Mapping[str, Any]) -> int:
    """How many videos the filter took away."""
    return min(whole(_generated(document).get("raiMediaFilteredCount")) or 0, 1000) or len(_reasons(document))


def _percent(metadata: Mapping[str, Any]) -> float | None:
    said = metadata.get("progressPercentage") or metadata.get("progressPercent")
    if isinstance(said, (int, float)) and not isinstance(said, bool) and 0 <= said <= 100:
        return said / 100
    return None
