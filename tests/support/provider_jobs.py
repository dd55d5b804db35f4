"""Jobs and drawn JSON for tests of providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.loopback import LoopbackService, Reply

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, MediaType
from mediatui.text import clean_text

HOSTILE = "\x1b]52;c;aGk=\x07\u202ered\x9b31m\x00 [bold]x[/bold]"


def make_job(provider: str, model: str, inputs: dict[str, Any] | None = None, **more: Any) -> Job:
    """A job as the studio records it before it is sent."""
    values = {"prompt": "a fox"} if inputs is None else inputs
    return Job(
        id="j1", project="p", provider=provider, model=model, prompt="a fox", inputs=values, **{"type": None, **more}
    )


@contextmanager
def refused(kind: ErrorKind) -> Iterator[list[ProviderError]]:
    """The block raises a `ProviderError` of that kind; the list holds it afterwards."""
    found: list[ProviderError] = []
    with pytest.raises(ProviderError) as caught:
        yield found
    assert caught.value.kind is kind, f"{caught.value.kind}: {caught.value.message}"
    assert caught.value.message == clean_text(caught.value.message)
    assert caught.value.message
    found.append(caught.value)


_ADDRESSES = st.sampled_from(
    [
        "https://example.com/a.png",
        "http://[::1",
        "https://",
        "http://x/\x1b[31m",
        "https://x/\u202egnp.a",
        "https://example.com:99999/a",
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/png;base64,%%%",
        "data:",
        "data:;base64,é",
        "\ud800",
        "completed",
        "failed",
        "SUCCEEDED",
    ]
)
_NAMES = st.sampled_from(
    [
        "status",
        "output",
        "data",
        "error",
        "code",
        "message",
        "logs",
        "url",
        "urls",
        "video",
        "image_url",
        "image_urls",
        "image_base64",
        "works",
        "resource",
        "progress",
        "completed_at",
        "expires_at",
        "b64_json",
        "size",
        "seconds",
        "metadata",
        "seed",
        "id",
        "task_id",
        "file_size",
        "width",
        "duration",
        "detail",
        "invalid_fields",
        "loc",
    ]
) | st.text(max_size=4)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.just(-(2**70))
    | st.floats()
    | _ADDRESSES
    | st.text(max_size=8)
)
DOCUMENTS = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=5), max_leaves=25
)
"""JSON values that look like a service's answer gone wrong."""

BODIES = DOCUMENTS.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40) | st.just(b"[" * 100_000)
"""Whole bodies, JSON or not."""


def only_provider_errors(call: Callable[[], Any]) -> Any:
    """The result, or None when a `ProviderError` was raised; any other exception is the test's failure."""
    try:
        return call()
    except ProviderError:
        return None


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run in a fresh loop, for tests that hypothesis drives."""
    with asyncio.Runner() as runner:
        return runner.run(coroutine)


def check_outputs(outputs: Any) -> None:
    """What every output promises: consecutive numbers, one source, storable numbers, clean texts."""
    assert [o.index for o in outputs] == list(range(len(outputs)))
    for output in outputs:
        assert (output.url is None) != (output.data is None)
        assert isinstance(output.type, MediaType)
        for shown in (output.role, output.path, output.url or "", output.file_name or "", output.content_type or ""):
            assert shown == clean_text(shown)
        for value in (output.size, output.width, output.height, output.seed):
            assert value is None or abs(value) < 2**63
        json.dumps([output.duration, output.expires_at, output.fps, dict(output.meta)], allow_nan=False)


def only_refusals(
    server: LoopbackService, steps: Sequence[str], refusal: int, ask: Callable[[], Coroutine[Any, Any, Sequence[Any]]]
) -> None:
    """Whatever those steps answer, behind 200 or `refusal`: each call's outcome is a result or a `ProviderError`."""

    @settings(max_examples=40, deadline=None)
    @given(body=BODIES)
    def fuzz(body: bytes) -> None:
        for status in (200, refusal):
            for step in steps:
                server.script(step, Reply(status, body))
            for result in run(ask()):
                assert not isinstance(result, Exception) or isinstance(result, ProviderError), repr(result)

    fuzz()
