"""JSON on a terminal: everything is there, and nothing acts."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import ALL, nothing_raw

from mediatui.text import clean_text, safe_json

TEXTS = st.text() | st.text(st.characters()) | st.sampled_from(ALL)
DOCUMENTS = st.recursive(TEXTS | st.integers() | st.none(), lambda d: st.lists(d) | st.dictionaries(TEXTS, d))


@settings(max_examples=50, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_it_reads_back_as_what_it_was_and_holds_nothing_to_clean(document: object, ascii: bool) -> None:
    text = safe_json(document, indent=2, ascii=ascii)
    assert json.loads(text) == document
    assert clean_text(text) == text
    assert text.encode()
    if ascii:
        assert text.isascii()


def test_every_payload() -> None:
    nothing_raw(safe_json({text: text for text in ALL}).encode())
