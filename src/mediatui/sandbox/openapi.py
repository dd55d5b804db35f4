"""Each model's OpenAPI document, in the shape fal publishes it: forms are built from it."""

from __future__ import annotations

from typing import Any

from mediatui.sandbox.catalogue import Model
from mediatui.sandbox.schema import LARGEST_SIDE, SMALLEST_SIDE

Json = dict[str, Any]


def _object(title: str, properties: Json, required: list[str]) -> Json:
    return {
        "title": title,
        "type": "object",
        "properties": properties,
        "required": required,
        "x-fal-order-properties": list(properties),
    }


def _plain(kind: str, description: str) -> Json:
    return {"type": kind, "description": description}


_FILE: Json = {
    "url": _plain("string", "The URL where the file can be downloaded from."),
    "content_type": _plain("string", "The mime type of the file."),
    "file_name": _plain("string", "The name of the file."),
    "file_size": _plain("integer", "The size of the file in bytes."),
}
_PIXELS: Json = {"width": _plain("integer", "Width in pixels."), "height": _plain("integer", "Height in pixels.")}

_MEDIA: dict[str, Json] = {
    "VideoFile": _FILE
    | _PIXELS
    | {
        "fps": _plain("number", "Frames per second."),
        "duration": _plain("number", "Length in seconds."),
        "num_frames": _plain("integer", "How many frames there are."),
    },
    "Image": _FILE | _PIXELS,
    "AudioFile": _FILE
    | {
        "duration": _plain("number", "Length in seconds."),
        "channels": _plain("integer", "How many channels there are."),
        "sample_rate": _plain("integer", "Samples per second."),
        "bitrate": _plain("integer", "Bits per second."),
    },
}

_SEED = _plain("integer", "The seed that was used.")
_PROMPT = _plain("string", "The prompt that was used.")


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _output(model: Model) -> tuple[Json, str]:
    """The properties of what a model returns, and the one component of media they refer to."""
    if model.makes == "video":
        video = {"title": "Video", "description": "The generated video.", "allOf": [_ref("VideoFile")]}
        return {"video": video, "seed": _SEED, "prompt": _PROMPT}, "VideoFile"
    if model.makes == "audio":
        audio = {"title": "Audio File", "description": "The generated sound.", "allOf": [_ref("AudioFile")]}
        return {"audio_file": audio, "seed": _SEED, "prompt": _PROMPT}, "AudioFile"
    flags = {"type": "array", "items": {"type": "boolean"}, "description": "Whether a picture is unsafe."}
    return {
        "images": {"type": "array", "items": _ref("Image"), "description": "The generated pictures."},
        "timings": _plain("object", "How long it took, in seconds."),
        "seed": _SEED,
        "has_nsfw_concepts": flags,
        "prompt": _PROMPT,
    }, "Image"


def _stem(model: Model) -> str:
    """The model's name as it stands in the names of its components: ``TextToVideoFast``."""
    words = model.id.partition("/")[2].replace("/", "-").split("-")
    return "".join(word.capitalize() for word in words)


def _image_size() -> Json:
    def side(name: str) -> Json:
        return {"type": "integer", "minimum": SMALLEST_SIDE, "maximum": LARGEST_SIDE, "title": name}

    return _object("ImageSize", {"width": side("Width"), "height": side("Height")}, ["width", "height"])


def _input(model: Model, title: str) -> Json:
    properties = {field.name: field.json_schema() for field in model.fields}
    return _object(title, properties, [field.name for field in model.fields if field.required])


_QUEUE_STATUS = _object(
    "QueueStatus",
    {
        "status": {"type": "string", "enum": ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]},
        "request_id": _plain("string", "The request id."),
        "response_url": _plain("string", "The response url."),
        "status_url": _plain("string", "The status url."),
        "cancel_url": _plain("string", "The cancel url."),
        "logs": {"type": "array", "items": {"type": "object"}, "description": "The logs."},
        "metrics": _plain("object", "The metrics."),
        "queue_position": _plain("integer", "The queue position."),
    },
    ["status", "request_id"],
)


def _answer(schema: Json, description: str) -> Json:
    return {"200": {"description": description, "content": {"application/json": {"schema": schema}}}}


def _paths(model: Model, stem: str) -> Json:
    request_id = {"name": "request_id", "in": "path", "required": True, "schema": {"type": "string"}}
    logs = {"name": "logs", "in": "query", "required": False, "schema": {"type": "number", "default": 0}}
    body = {"required": True, "content": {"application/json": {"schema": _ref(f"{stem}Input")}}}
    cancelled = {"type": "object", "properties": {"success": {"type": "boolean"}}}
    base = f"/{model.app}/requests/{{request_id}}"
    return {
        f"{base}/status": {
            "get": {"parameters": [request_id, logs], "responses": _answer(_ref("QueueStatus"), "The status.")}
        },
        f"{base}/cancel": {
            "put": {"parameters": [request_id], "responses": _answer(cancelled, "The request was cancelled.")}
        },
        f"/{model.id}": {
            "post": {"requestBody": body, "responses": _answer(_ref("QueueStatus"), "The request status.")}
        },
        base: {
            "get": {
                "parameters": [request_id],
                "responses": _answer(_ref(f"{stem}Output"), "Result of the request."),
            }
        },
    }


def document_url(model: Model, origin: str) -> str:
    """Where a model's document is served."""
    return f"{origin}/api/openapi/queue/openapi.json?endpoint_id={model.id}"


def document(model: Model, origin: str) -> Json:
    """The OpenAPI document of one model served at `origin`."""
    stem = _stem(model)
    output, media = _output(model)
    schemas = {
        "QueueStatus": _QUEUE_STATUS,
        f"{stem}Input": _input(model, f"{stem}Input"),
        f"{stem}Output": _object(f"{stem}Output", output, list(output)),
        media: _object(media, _MEDIA[media], ["url"]),
    }
    if any(field.kind == "image_size" for field in model.fields):
        schemas["ImageSize"] = _image_size()
    metadata = {
        "endpointId": model.id,
        "category": model.category,
        "documentationUrl": document_url(model, origin),
    }
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {model.id}",
            "version": "1.0.0",
            "description": f"The OpenAPI schema for the {model.id} queue.",
            "x-fal-metadata": metadata,
        },
        "components": {
            "securitySchemes": {
                "apiKeyAuth": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Fal Key",
                }
            },
            "schemas": schemas,
        },
        "paths": _paths(model, stem),
        "servers": [{"url": origin}],
        "security": [{"apiKeyAuth": []}],
    }
