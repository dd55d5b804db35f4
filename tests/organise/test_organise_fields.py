"""Tags, rating, favourite and notes: kept in the index, beside files and in exports; old records have none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediatui.library.index import decode_sidecar, encode_sidecar, item_from_document, item_to_document
from mediatui.model import MediaItem, MediaType

ITEM = MediaItem(
    "i", "p", "n", MediaType.IMAGE, tags=("hero", "night sky"), rating=4, favourite=True, notes="keep\nthis one"
)


def test_what_a_person_wrote_survives_documents_and_sidecars() -> None:
    trouble: list[str] = []
    document = item_to_document(ITEM)
    assert (document["tags"], document["rating"], document["favourite"]) == (["hero", "night sky"], 4, True)
    assert item_from_document(document, "p", "i", trouble.append) == ITEM
    read, whole = decode_sidecar(encode_sidecar(ITEM))
    assert whole
    assert item_from_document(read, "p", "i", trouble.append) == ITEM
    assert trouble == []


def test_records_of_earlier_versions_have_none_of_it_and_say_nothing() -> None:
    trouble: list[str] = []
    document = item_to_document(replace(ITEM, tags=(), rating=None, favourite=False, notes=""))
    for name in ("tags", "rating", "favourite", "notes"):
        del document[name]
    item = item_from_document(document, "p", "i", trouble.append)
    assert (item.tags, item.rating, item.favourite, item.notes, item.extra) == ((), None, False, "", {})
    assert trouble == []


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("tags", "hero", ()),
        ("tags", ["a", 3, "\x1b[31mb"], ("a", "[31mb")),
        ("rating", 6, None),
        ("rating", 0, None),
        ("rating", "4", None),
        ("favourite", 1, False),
        ("notes", ["x"], ""),
    ],
)
def test_values_that_make_no_sense_are_reported_and_replaced(name: str, value: object, kept: object) -> None:
    trouble: list[str] = []
    item = item_from_document({**item_to_document(ITEM), name: value}, "p", "i", trouble.append)
    assert getattr(item, name) == kept
    assert trouble or kept == ("a", "[31mb")
