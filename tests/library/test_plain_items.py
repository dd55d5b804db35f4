"""The quick way to read an item says what the careful one says, or nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.library.make_golden import ITEM

from mediatui.library.index import item_from_document, item_to_document
from mediatui.library.plain_items import read_plain
from mediatui.model import MediaItem

ORDINARY = replace(ITEM, storage_error=None, spool=None, tags=(), extra={}, url="https://v3.fal.media/files/b/x.mp4")
names = st.sampled_from([field.name for field in fields(MediaItem)] + ["unknown"])
odd = st.sampled_from(["", "a\nb", "\x1b[31m", "\u202e", "/etc/passwd", "../x", "saved", "video", "missing", "\ud800"])
numbers = st.sampled_from(
    [0, -1, 6, 253_402_300_800, 1 << 62, 1 << 63, -(1 << 63), 1 << 70, 1e308, float("inf"), float("nan"), True, 2.5]
)
values = st.none() | odd | numbers | st.text(max_size=5) | st.lists(odd, max_size=2) | st.just({"a": [1]})


def carefully(doc: dict[str, Any]) -> MediaItem:
    """Read by the careful way alone: a field nobody knows sends every document there."""
    item = item_from_document({**doc, "sends it there": 1}, "p", "key")
    return replace(item, extra={name: value for name, value in item.extra.items() if name != "sends it there"})


def test_an_ordinary_item_is_read_the_quick_way() -> None:
    document = item_to_document(ORDINARY)
    assert read_plain(document, ORDINARY.project, ORDINARY.id) == ORDINARY
    early = {name: value for name, value in document.items() if name not in ("tags", "favourite", "notes")}
    found = read_plain(early, "p", "key")
    assert found is not None
    assert found == carefully(early)
    assert read_plain({**document, "prompt": "two\nlines"}, "p", "i") is not None


@given(st.dictionaries(names, values, max_size=4), st.sets(names, max_size=3))
def test_it_never_says_anything_else(changes: dict[str, Any], missing: set[str]) -> None:
    document = {**item_to_document(ORDINARY), **changes}
    for name in missing:
        document.pop(name, None)
    quick = read_plain(document, "p", "key")
    if quick is not None:
        assert repr(quick) == repr(carefully(document))
