"""The kinds of provider the settings know: their key variables and options, each with the line that explains it.

The adapters themselves are not imported here, so that reading the settings stays light; a test compares both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache

PLUGIN_GROUP = "mediatui.providers"
"""The entry-point group of providers that other packages bring."""


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """What ``[providers.NAME]`` may say when NAME, or its ``kind``, is this one."""

    name: str
    title: str
    key_variables: tuple[str, ...] = ()
    """Environment variables that hold its key, the first that is set wins; only for the table named like the kind."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Settings of its own and what each means. Names ending in ``_url`` hold addresses."""
    needs_key: bool = True
    set_up_by: frozenset[str] = frozenset()
    """Options that make it usable without a key."""
    any_options: bool = False
    """Brought by another package, which checks its options itself."""


_FAL = ProviderKind(
    "fal",
    "fal.ai",
    ("FAL_KEY", "FAL_KEY_ID+FAL_KEY_SECRET"),
    {
        "queue_url": "where requests are queued",
        "run_url": "where requests are answered at once",
        "api_url": "the platform's catalogue",
        "upload_url": "where inputs are uploaded",
        "backup_url": "a second address of the queue, used when nothing could be sent to the first",
        "direct": "a list of models that answer on the connection that asks, for those that take seconds",
        "object_lifecycle": "how long fal keeps the files it makes: seconds, or fal's own table",
        "no_retry": "true: fal does not run a request again that failed there",
        "no_fallback": "true: fal does not hand a request to an equivalent model",
    },
)
_REPLICATE = ProviderKind(
    "replicate",
    "Replicate",
    ("REPLICATE_API_TOKEN",),
    {
        "api_url": "the address of the service",
        "wait_seconds": "how long a submit may be held for its result: 0 to 60",
    },
)
_PIAPI = ProviderKind(
    "piapi",
    "PiAPI",
    ("PIAPI_KEY", "PIAPI_API_KEY"),
    {
        "api_url": "the address of the service",
        "upload_url": "where inputs are uploaded",
        "service_mode": '"public" (pay as you go) or "private" (your own accounts there)',
    },
)
_OPENAI = ProviderKind(
    "openai",
    "OpenAI, or what speaks like it",
    ("OPENAI_API_KEY",),
    {
        "base_url": "the address up to and including /v1",
        "extra": "a table sent with every request",
        "models": "model ids to offer, where the service keeps no list",
        "video_models": "those of them that make video, where their names do not say so",
        "response_format": '"b64_json" or "url", for services that want to be told',
        "organization": "the OpenAI organization",
        "project": "the OpenAI project",
        "timeout_seconds": "how long a picture may take",
    },
    set_up_by=frozenset({"base_url"}),
)
_GOOGLE = ProviderKind(
    "google",
    "Google",
    ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    {
        "auth": '"key" (an API key), "token" (the key is an access token) or "adc" (the machine\'s own credentials)',
        "token_command": "prints an access token for Vertex",
        "project": "the Google Cloud project",
        "location": "the Vertex location",
        "quota_project": "the project that quota is counted for",
        "gemini_url": "the address of the Gemini API",
        "storage_url": "the address of Cloud Storage",
        "vertex_url": "the address of Vertex",
    },
    set_up_by=frozenset({"token_command", "auth"}),
)
_COMFYUI = ProviderKind(
    "comfyui",
    "ComfyUI",
    ("COMFYUI_API_KEY",),
    {
        "base_url": "the address of the server",
        "workflows": "the folder of your graphs in API format",
        "headers": "a table of headers sent with every request",
        "key_header": "the header that carries the key, if the server wants one",
    },
    needs_key=False,
)

KINDS: Mapping[str, ProviderKind] = {k.name: k for k in (_FAL, _REPLICATE, _PIAPI, _OPENAI, _GOOGLE, _COMFYUI)}
"""The built-in kinds, the preferred ones first."""

SANDBOX = "sandbox"
"""The provider that needs no settings: the built-in one."""


@cache
def plugin_names() -> frozenset[str]:
    """The kinds that installed packages bring; nothing of them is imported."""
    from importlib.metadata import entry_points

    return frozenset(point.name for point in entry_points(group=PLUGIN_GROUP)) - KINDS.keys() - {SANDBOX}


def find_kind(name: str) -> ProviderKind | None:
    """The kind of that name, built in or brought by a package."""
    if name in KINDS:
        return KINDS[name]
    return ProviderKind(name, name, any_options=True, needs_key=False) if name in plugin_names() else None


def split_model(text: str, providers: Collection[str]) -> tuple[str | None, str]:
    """``provider:model`` as its two parts; a text whose beginning names none of `providers` is all model.

    A colon may be part of a model's id (Replicate's ``owner/name:version``).
    """
    name, colon, model = text.strip().partition(":")
    known = name in providers or name == SANDBOX
    return (name, model.strip()) if colon and known and model.strip() else (None, text.strip())
