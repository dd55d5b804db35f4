"""Answers that hold whole pictures: read as any JSON, at the cost of one copy of each."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.providers import answers
from mediatui.providers.answers import outline, parse_object, read_json

LONG = "aB3/" * 20_000
LARGE = "QUJD" * (2 << 20)
TEXTS = st.sampled_from(["L", "L=", "data:image/png;base64,L", "L ", "/L\\", '"L', "é", "a"])
"""With an L where a long one is meant: nobody wants to read those."""
DOCUMENTS = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none(), st.booleans()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.text("abé", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(autouse=True, scope="module")
def _all_are_large() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "LARGE", 0)
        yield


@given(DOCUMENTS, st.booleans())
def test_a_document_is_read_as_it_is(document: Any, letters: bool) -> None:
    raw = json.dumps(document, ensure_ascii=letters).replace("L", LONG).encode()
    assert read_json(raw) == json.loads(raw)


def test_the_outline_has_every_name_and_something_for_every_text() -> None:
    document = {"done": True, "response": {"videos": [{"bytesBase64Encoded": LONG}, {"gcsUri": "gs://b/v.mp4"}]}}
    found = outline(json.dumps(document).encode())
    data = found["response"]["videos"][0].pop("bytesBase64Encoded")
    assert 0 < len(data) < 100
    assert found == {"done": True, "response": {"videos": [{}, {"gcsUri": "gs://b/v.mp4"}]}}


@pytest.mark.parametrize("raw", [f'{{"a": "{LONG}', f'["{LONG}", ]', f'{{"a": "{LONG}"}} "{LONG}"', f'"{LONG}""'])
def test_what_is_no_json_is_none(raw: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|Extra|Illegal|Invalid|Unterminated"):
        read_json(raw.encode())
    assert parse_object(raw.encode()) == outline(raw.encode()) == {}


def test_a_large_picture_is_copied_once() -> None:
    raw = json.dumps({"data": [{"b64_json": LARGE}]}).encode()
    tracemalloc.start()
    try:
        assert len(outline(raw)["data"]) == 1
        without = tracemalloc.get_traced_memory()[1]
        assert len(parse_object(raw)["data"][0]["b64_json"]) == len(LARGE)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert without < len(raw) / 4
    assert peak < len(raw) * 5 / 4
