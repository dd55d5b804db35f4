"""Google's model list, routes, forms and addresses, and whatever JSON may come back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.google_server import GoogleServer
from tests.support.provider_jobs import DOCUMENTS, HOSTILE, check_outputs, make_job, only_provider_errors, refused

from mediatui.errors import ErrorKind, UsageError
from mediatui.model import MediaType, Phase
from mediatui.providers.base import FieldKind, Progress
from mediatui.providers.google import interactions, veo
from mediatui.providers.google.auth import Credentials, default_credentials
from mediatui.providers.google.errors import error_from_response
from mediatui.providers.google.models import Surface, route_of
from mediatui.providers.google.places import Places
from mediatui.providers.google.provider import GoogleProvider
from mediatui.settings import ProviderSettings, Secret

MODELS = ["gemini-3-pro-image", "gemini-omni-1.2-flash", "vertex/veo-3.1-generate-001", "imagen-4.0-generate-001"]


async def test_the_catalogue_joins_what_is_known_with_what_google_lists_now() -> None:
    with GoogleServer() as server:
        places = Places(gemini=f"{server.url}/v1beta", project="acme")
        provider = GoogleProvider(places, Credentials(Secret("k"), None))
        found = await provider.models()
        by_id = {m.id: m for m in found}
        assert by_id["imagen-4.0-generate-001"].retired
        assert "Retired by Google" in by_id["imagen-4.0-generate-001"].description
        assert not by_id["imagen-9.0-generate"].retired
        assert not by_id["gemini-3.1-flash-image"].retired
        assert by_id["gemini-3.1-flash-image"].description == "words"
        assert by_id["lyria-3.5"].makes is MediaType.AUDIO
        assert "vertex/veo-3.1-generate-001" in by_id
        assert not {"gemini-3.8-flash", "../evil-image"} & set(by_id), "text models and no-names are left out"
        assert [m.retired for m in found] == sorted(m.retired for m in found)
        assert [m.id for m in await provider.models("omni 1.2")] == ["gemini-omni-1.2-flash"]
        assert len(await provider.models(limit=2)) == 2
        await provider.aclose()


@pytest.mark.parametrize("model", MODELS)
async def test_every_surface_has_a_form_with_a_prompt(model: str) -> None:
    provider = GoogleProvider(Places(project="acme"), Credentials(None, lambda: Secret("t")))
    form = await provider.schema(model)
    assert form is not None
    prompt = form.field("prompt")
    assert prompt is not None
    assert prompt.kind is FieldKind.LONG_TEXT
    await provider.aclose()


ROUTES: list[tuple[str, bool, bool, Surface, bool]] = [
    ("gemini-3-pro-image", True, True, Surface.GENERATE, False),
    ("gemini-3-pro-image", True, False, Surface.GENERATE, True),
    ("models/gemini-3-pro-image", False, True, Surface.GENERATE, False),
    ("interactions/gemini-3-pro-image", True, True, Surface.INTERACTIONS, False),
    ("veo-3.1-generate-001", True, True, Surface.LONG_RUNNING, True),
    ("gemini/veo-3.1-generate-001", True, True, Surface.LONG_RUNNING, False),
    ("imagen-4.0-generate-001", False, True, Surface.PREDICT, False),
    ("vertex/lyria-002", True, True, Surface.PREDICT, True),
    ("lyria-3-clip-preview", True, True, Surface.INTERACTIONS, False),
]


@pytest.mark.parametrize(("model", "ready", "key", "surface", "vertex"), ROUTES)
def test_a_model_goes_to_the_surface_that_serves_it(
    model: str, ready: bool, key: bool, surface: Surface, vertex: bool
) -> None:
    route = route_of(model, vertex_ready=ready, has_key=key)
    assert (route.surface, route.vertex) == (surface, vertex)


@pytest.mark.parametrize("model", ["", "a b", "../x", "x?key=1", "x:predict", "a/b/c", HOSTILE])
def test_what_is_no_model_name_never_becomes_an_address(model: str) -> None:
    with refused(ErrorKind.INVALID_INPUT):
        route_of(model, vertex_ready=True, has_key=True)


LOCATIONS = [
    ("global", "https://aiplatform.googleapis.com/v1beta1"),
    ("us", "https://aiplatform.us.rep.googleapis.com/v1beta1"),
    ("europe-west4", "https://europe-west4-aiplatform.googleapis.com/v1beta1"),
]


@pytest.mark.parametrize(("location", "base"), LOCATIONS)
def test_vertex_lives_at_its_location(location: str, base: str) -> None:
    assert Places().vertex_base(location) == base
    assert Places().gets_key(f"{base}/projects/x")


FOREIGN = [
    "https://evil.com/-aiplatform.googleapis.com",
    "https://evil-aiplatform.googleapis.com.evil.com/x",
    "https://a.b-aiplatform.googleapis.com/x",
    "http://aiplatform.googleapis.com/x",
    "https://generativelanguage.googleapis.com.evil.com/v1beta/files/x",
    "https://generativelanguage.googleapis.com@evil.com/v1beta/files/x",
    "http://generativelanguage.googleapis.com/v1beta/files/x",
    "https://storage.googleapis.com/someone/else.mp4",
    "https://storage.googleapis.com.evil.com/storage/v1/b/x",
    "https://[",
    "",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_neither_key_nor_token_goes_to_a_foreign_address(url: str) -> None:
    provider = GoogleProvider(Places(project="acme"), Credentials(Secret("k"), lambda: Secret("t")))
    assert provider.download_headers(url) == {}


def test_settings_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    for options in ({"auth": "magic"}, {"token_command": ""}, {"project": "a/b"}, {"location": "evil.com/#"}):
        with pytest.raises(UsageError, match=r"providers\.google"):
            GoogleProvider.from_settings(ProviderSettings("google", options=options))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-env")
    assert Places.from_settings(ProviderSettings("google", options={"project": "mine"})).project == "from-env"


async def test_an_access_token_may_be_given_as_the_key() -> None:
    with GoogleServer() as server:
        options = {"auth": "token", "gemini_url": f"{server.url}/v1beta"}
        provider = GoogleProvider.from_settings(ProviderSettings("google", key=Secret("ya29.t"), options=options))
        await provider.submit(make_job("google", "gemini-3-pro-image"))
        assert server.submits[0].headers["authorization"] == "Bearer ya29.t"
        assert "x-goog-api-key" not in server.submits[0].headers
        await provider.aclose()


LIBRARY = """
class TransportError(Exception): ...
class Credentials:
    token = None
    def refresh(self, request): {refresh}
def default(scopes): {default}
"""


@pytest.mark.parametrize(
    ("default", "refresh", "said"),
    [
        ("raise IsADirectoryError('ya29.secret')", "", "IsADirectoryError"),
        ("return [].get('ya29.secret')", "", "AttributeError"),
        ("return Credentials(), None", "raise TransportError('ya29.secret')", "could not be reached"),
    ],
)
def test_whatever_the_library_stumbles_over_is_no_token_and_nothing_more(
    tmp_path: Path, default: str, refresh: str, said: str
) -> None:
    """A stumble that went on would leave a request that was never sent as one that may be billed."""
    folder = tmp_path / "google" / "auth"
    (folder / "transport").mkdir(parents=True)
    (folder / "__init__.py").write_text(LIBRARY.format(default=default, refresh=refresh or "self.token = 'ya29.x'"))
    (folder / "exceptions.py").write_text("from google.auth import TransportError")
    (folder / "transport" / "requests.py").write_text("class Request: ...")
    asks = "from mediatui.providers.google.auth import *\ntry: default_credentials()\nexcept UsageError as e: print(e)"
    child = subprocess.run(
        [sys.executable, "-c", asks],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )
    assert said in child.stdout
    assert "ya29" not in child.stdout + child.stderr


def test_default_credentials_without_the_library_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(UsageError) as caught:
        default_credentials()
    assert "mediatui[google]" in caught.value.hint


# -- whatever comes back

_KEYS = st.sampled_from(
    [
        *("candidates", "content", "parts", "inlineData", "data", "mimeType", "text", "finishReason", "promptFeedback"),
        *("predictions", "bytesBase64Encoded", "gcsUri", "raiFilteredReason", "response", "videos", "done", "error"),
        *("generateVideoResponse", "generatedSamples", "video", "uri", "steps", "type", "status", "errors", "code"),
        *(
            "details",
            "message",
            "raiMediaFilteredReasons",
            "fileData",
            "fileUri",
            "sample_rate",
            "mime_type",
            "outputs",
        ),
    ]
)
_VALUES = st.sampled_from(
    [
        *("gs://b/o", "gs://", "gs://b/\ud800", "https://[", "https://x/files/a", "iVBORw0KGgo=", "é", "image/png"),
        *("audio/l16;rate=999999", "video/mp4", "model_output", "image", "video", "completed", "failed", HOSTILE),
        *(None, True, False, 0, 10**400, -1, 1.5, float("inf")),
    ]
)
ANSWERS = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6), max_leaves=30
)
PROVIDER = GoogleProvider(Places(project="acme"), Credentials(Secret("k"), None))


@settings(deadline=None)
@given(document=ANSWERS | DOCUMENTS, model=st.sampled_from(MODELS))
def test_no_answer_breaks_the_search_for_media(document: Any, model: str) -> None:
    raw = json.dumps(document).encode()
    job = make_job("google", model, submitted_at=1.0)
    found = only_provider_errors(lambda: PROVIDER.outputs(job, raw))
    check_outputs(found or ())


@settings(deadline=None)
@given(document=st.dictionaries(_KEYS, ANSWERS, max_size=6))
def test_no_answer_breaks_the_reading_of_a_status(document: dict[str, Any]) -> None:
    for read in (veo.progress, interactions.progress):
        going = read(document)
        assert isinstance(going, Progress)
        assert (going.phase is Phase.FAILED) == (going.error is not None) or going.phase is Phase.CANCELLED


@settings(deadline=None)
@given(document=ANSWERS | DOCUMENTS, status=st.integers(300, 599))
def test_no_body_breaks_the_reading_of_an_error(document: Any, status: int) -> None:
    error = error_from_response(status, {"retry-after": "x"}, json.dumps({"error": document}).encode(), "asking")
    assert error.message
