"""Vertex `:predict`: Imagen (and Lyria 2) in one synchronous call, the media in its answer as base64 or in a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.providers.answers import entries
from mediatui.providers.base import Output
from mediatui.providers.discovery import MAX_OUTPUTS
from mediatui.providers.google.errors import error_from_operation, refused
from mediatui.providers.google.parts import address_output, inline_output, unreadable, without_filtered
from mediatui.providers.google.places import Places

_NAMES = {
    "aspect_ratio": "aspectRatio",
    "image_size": "sampleImageSize",
    "count": "sampleCount",
    "negative_prompt": "negativePrompt",
    "guidance_scale": "guidanceScale",
    "person_generation": "personGeneration",
    "enhance_prompt": "enhancePrompt",
    "storage_uri": "storageUri",
}


def body(model: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The request for a form's inputs; what the form does not know goes to ``parameters``, but ``labels``."""
    if not inputs.get("prompt"):
        raise ProviderError(ErrorKind.INVALID_INPUT, "a prompt is needed", fields={"prompt": "missing"})
    given = {name: value for name, value in inputs.items() if value is not None and value != ""}
    if model.startswith("lyria"):
        instance = {n: given[n] for n in ("prompt", "negative_prompt", "seed") if n in given}
        return {"instances": [instance], "parameters": {"sample_count": given["count"]} if "count" in given else {}}
    taken = ("prompt", "labels")
    parameters = {_NAMES.get(name, name): value for name, value in given.items() if name not in taken}
    labels = {"labels": given["labels"]} if "labels" in given else {}
    # Without the first parameter the answer is silent about pictures that the filter took away.
    parameters = {"includeRaiReason": True, **parameters}
    return {"instances": [{"prompt": str(given["prompt"])}], "parameters": parameters, **labels}


def outputs(document: Mapping[str, Any], job: Job, places: Places) -> Sequence[Output]:
    """The media in the answer. Raises `ProviderError` of kind POLICY when the filter took all of them."""
    predictions = entries(document.get("predictions"))
    expected = MediaType.AUDIO if "lyria" in job.model else MediaType.IMAGE
    found: list[Output] = []
    for number, entry in enumerate(predictions[:MAX_OUTPUTS]):
        output = _output(len(found), f"predictions.{number}", entry, expected, job, places)
        if output is not None:
            found.append(output)
    reasons = [str(entry["raiFilteredReason"]) for entry in predictions if entry.get("raiFilteredReason")]
    if found:
        return without_filtered(found, max(0, _wanted(job) - len(predictions)) + len(reasons), reasons)
    buckets = [entry["gcsUri"] for entry in predictions if entry.get("gcsUri")]
    if buckets:
        raise unreadable(buckets)
    if document.get("error"):
        raise error_from_operation(document["error"], "Google answered with an error")
    raise refused(reasons)


def _wanted(job: Job) -> int:
    """How many were asked for; 0 where that was left to the model."""
    given = (job.inputs.get(name) for name in ("count", "sampleCount", "sample_count"))
    return next((number for number in given if isinstance(number, int)), 0)


def _output(
    index: int, path: str, entry: Mapping[str, Any], expected: MediaType, job: Job, places: Places
) -> Output | None:
    data = entry.get("bytesBase64Encoded") or entry.get("audioContent")
    if data:
        return inline_output(index, path, data, entry.get("mimeType"), expected)
    return address_output(index, path, entry.get("gcsUri"), entry.get("mimeType"), expected, job, places)
