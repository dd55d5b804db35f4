"""The sandbox's models: what each is called, takes and makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mediatui.sandbox.faults import DEFAULT_SECONDS, Fault
from mediatui.sandbox.schema import Field

Makes = Literal["video", "image", "audio"]

RESOLUTIONS = {"180p": 180, "360p": 360, "480p": 480, "720p": 720, "1080p": 1080}
"""Pixels of a video's shorter side."""

ASPECT_RATIOS = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1), "4:3": (4, 3), "3:4": (3, 4), "21:9": (7, 3)}
"""Width and height in proportion."""

SCENES = ("auto", "ridges", "neon", "flow")


@dataclass(frozen=True, slots=True)
class Model:
    """One endpoint, named as fal names them: owner/app, then perhaps a path."""

    id: str
    name: str
    category: str
    makes: Makes
    description: str
    fields: tuple[Field, ...]
    fault: Fault = Fault.NONE
    """What goes wrong with every request to this model."""

    @property
    def app(self) -> str:
        """Owner and app: what a request's URLs are built from, whatever path follows."""
        return "/".join(self.id.split("/")[:2])

    @property
    def takes_image(self) -> bool:
        """It starts from a picture."""
        return any(field.name == "image_url" for field in self.fields)


def _prompt(text: str, example: str) -> Field:
    return Field("prompt", "string", text, required=True, min_length=1, max_length=5000, examples=(example,))


def _seed(what: str) -> Field:
    text = f"The same seed and the same prompt make the same {what} every time. Random when left out."
    return Field("seed", "integer", text, minimum=0, maximum=2**31 - 1)


def _video_fields(resolution: str, *, largest: str = "1080p") -> tuple[Field, ...]:
    names = list(RESOLUTIONS)
    return (
        Field("duration", "number", "Length in seconds.", default=5, minimum=0.1, maximum=20),
        Field(
            "resolution",
            "string",
            "Pixels of the shorter side.",
            default=resolution,
            choices=tuple(names[: names.index(largest) + 1]),
        ),
        Field(
            "aspect_ratio",
            "string",
            "Shape of the picture.",
            default="16:9",
            choices=tuple(ASPECT_RATIOS),
        ),
        Field("fps", "integer", "Frames per second.", default=24, minimum=6, maximum=60),
        Field("generate_audio", "boolean", "Whether the clip has a soundtrack.", default=True),
        _seed("video"),
    )


_SCENE = Field(
    "scene",
    "string",
    "What is drawn; auto follows the words of the prompt.",
    default="auto",
    choices=SCENES,
)

_FAULTS = (
    Field(
        "sandbox_fault",
        "string",
        "Makes this request go wrong. "
        + " ".join(f"{fault.value}: {fault.words}" for fault in Fault if fault is not Fault.NONE),
        default=Fault.NONE.value,
        choices=tuple(fault.value for fault in Fault),
        advanced=True,
    ),
    Field(
        "sandbox_fault_seconds",
        "number",
        "How long a slow queue is slow, or an expiring file lives.",
        default=DEFAULT_SECONDS,
        minimum=0,
        maximum=600,
        advanced=True,
    ),
)

_VIDEO_PROMPT = _prompt("What the clip shows.", "Misty mountain valley at sunset, slow drone shot")

_TEXT_TO_VIDEO = (_VIDEO_PROMPT, *_video_fields("720p"), _SCENE, *_FAULTS)
_FAST_VIDEO = (_VIDEO_PROMPT, *_video_fields("360p", largest="360p"), _SCENE, *_FAULTS)
_IMAGE_TO_VIDEO = (
    _prompt("What happens in the picture.", "Slow push in, drifting light"),
    Field(
        "image_url",
        "string",
        "The picture to start from: a URL or a data URI.",
        required=True,
        min_length=1,
    ),
    *_video_fields("720p"),
    *_FAULTS,
)
_TEXT_TO_IMAGE = (
    _prompt("What the picture shows.", "Neon city at night, rain on the street"),
    Field("image_size", "image_size", "Size of the picture.", default="landscape_4_3"),
    Field("num_images", "integer", "How many pictures to make.", default=1, minimum=1, maximum=4),
    Field("output_format", "string", "File format.", default="png", choices=("png", "jpeg", "webp")),
    _seed("picture"),
    _SCENE,
    Field(
        "sync_mode",
        "boolean",
        "Return the pictures inside the answer as data URIs.",
        default=False,
        advanced=True,
    ),
    *_FAULTS,
)
_TEXT_TO_AUDIO = (
    _prompt("What it should feel like.", "Calm ambient pad for a quiet morning"),
    Field("seconds_total", "number", "Length in seconds.", default=10, minimum=0.2, maximum=120),
    _seed("sound"),
    *_FAULTS,
)


def _fault_model(fault: Fault) -> Model:
    return Model(
        id=f"sandbox/faults/{fault.value}",
        name=f"Sandbox fault: {fault.value.replace('-', ' ')}",
        category="text-to-video",
        makes="video",
        description=f"{fault.words} Otherwise like Sandbox text to video (fast).",
        fields=tuple(field for field in _FAST_VIDEO if field.name != "sandbox_fault"),
        fault=fault,
    )


_MODELS = (
    Model(
        "sandbox/text-to-video",
        "Sandbox text to video",
        "text-to-video",
        "video",
        "Renders a short clip with sound on this machine: landscapes, neon cities, flowing light.",
        _TEXT_TO_VIDEO,
    ),
    Model(
        "sandbox/text-to-video/fast",
        "Sandbox text to video (fast)",
        "text-to-video",
        "video",
        "The same clips at 640x360, ready in a moment.",
        _FAST_VIDEO,
    ),
    Model(
        "sandbox/image-to-video",
        "Sandbox image to video",
        "image-to-video",
        "video",
        "A slow camera move over your picture, with drifting light.",
        _IMAGE_TO_VIDEO,
    ),
    Model(
        "sandbox/text-to-image",
        "Sandbox text to image",
        "text-to-image",
        "image",
        "Renders one to four pictures as PNG, JPEG or WebP.",
        _TEXT_TO_IMAGE,
    ),
    Model(
        "sandbox/text-to-audio",
        "Sandbox text to audio",
        "text-to-audio",
        "audio",
        "Plays a gentle ambient pad into a WAV file.",
        _TEXT_TO_AUDIO,
    ),
    *(_fault_model(fault) for fault in Fault if fault is not Fault.NONE),
)

MODELS: dict[str, Model] = {model.id: model for model in _MODELS}
"""Every model by its id, in the order they are listed."""
