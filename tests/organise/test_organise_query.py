"""The filter language: what each term lets through, what is told while it is typed, completion, and order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediatui.errors import SaveErrorKind
from mediatui.library.query.complete import complete
from mediatui.library.query.fields import FIELDS
from mediatui.library.query.order import COLUMNS, Order, natural, sort_items
from mediatui.library.query.query import Texts, describe_problems, parse_query
from mediatui.library.query.tokens import quote, tokens
from mediatui.model import MediaItem, MediaType, SaveState, StorageFault

NOW = datetime(2026, 11, 20, 12).timestamp()
DAY = 86_400.0


def item(identifier: str, **fields: Any) -> MediaItem:
    base = MediaItem(identifier, "demo", f"{identifier}.mp4", MediaType.VIDEO, created_at=NOW - DAY)
    return replace(base, **fields)


ITEMS = (
    item("a", model="fal/kling-2.1", prompt="A lighthouse at dusk", tags=("hero", "night sky"), rating=5,
         favourite=True),
    item("b", type=MediaType.IMAGE, prompt="a dog in the rain", rating=3, file_size=11 << 20, seed=42, width=1920),
    item("c", type=MediaType.AUDIO, save_state=SaveState.UNSAVED, url="https://x/y", duration=5.5, role="speech"),
    item("d", project="film", provider="fal", notes="the LIGHT is wrong", created_at=NOW - 40 * DAY, file_size=500),
    item("e", save_state=SaveState.SAVED, path="videos/e.mp4", name="Clip: final", rating=1, created_at=NOW,
         storage_error=StorageFault(SaveErrorKind.FULL, "full", 1.0)),
)  # fmt: skip


def found(line: str) -> str:
    query = parse_query(line, projects={"demo": "Inbox", "film": "Summer film"}, at=NOW)
    selected = query.select(ITEMS)
    assert selected == [i for i in ITEMS if query.matches(i)]
    return "".join(i.id for i in selected)


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("", "abcde"),
        ("type:video", "ade"),
        ("type:im", "b"),
        ("type:image,audio", "bc"),
        ("-type:video", "bc"),
        ("model:KLING", "a"),
        ("state:unsaved type:audio", "c"),
        ("state:saved", "e"),
        ("tag:her", "a"),
        ("tag:none", "bcde"),
        ('tag:"night sky"', "a"),
        ("project:summer", "d"),
        ("project:inbox", "abce"),
        ("rating:>=4", "a"),
        ("rating:3", "b"),
        ("rating:1..3", "be"),
        ("rating:none", "cd"),
        ("fav:yes", "a"),
        ("fav:no", "bcde"),
        ("size:>10mb", "b"),
        ("size:11mb", "b"),
        ("size:<1kb", "d"),
        ("size:..1kb", "d"),
        ("duration:<6", "c"),
        ("duration:5.5", "c"),
        ("duration:>1m", ""),
        ("date:2026-11", "abce"),
        ("date:2026-10", "d"),
        ("date:2026", "abcde"),
        ("date:>=2026-11-01", "abce"),
        ("date:<2026-11-01", "d"),
        ("date:today", "e"),
        ("date:yesterday", "abc"),
        ("date:<7d", "abce"),
        ("date:>30d", "d"),
        ("seed:42", "b"),
        ("role:speech", "c"),
        ("provider:fal", "d"),
        ("has:error", "e"),
        ("has:file", "e"),
        ("has:url", "c"),
        ("has:notes", "d"),
        ("width:>=1920", "b"),
        ("light", "ad"),
        ("LIGHTHOUSE", "a"),
        ('"in the rain"', "b"),
        ("in rain", "b"),
        ("-light", "bce"),
        ('-"in the rain" type:image', ""),
        ("hero", "a"),
        ("dog OR lighthouse", "ab"),
        ("type:audio OR type:image rating:3", "b"),
        ("dog | seed:7", "b"),
        ("name:final", "e"),
        ('"clip: final"', "e"),
        ("id:c", "c"),
    ],
)
def test_terms(line: str, ids: str) -> None:
    assert found(line) == ids
    query = parse_query(line, at=NOW)
    assert query.problems == ()


@pytest.mark.parametrize(
    ("line", "ids", "start", "end", "says"),
    [
        ("type:", "abcde", 0, 5, "one of video"),
        ("type:audio model:", "c", 11, 17, "model: a value is expected"),
        ("rating:>=", "abcde", 0, 9, "a number"),
        ("date:2026-1", "", None, None, ""),
        ("date:2026-13", "abcde", 0, 12, "a date"),
        ("size:>10x", "abcde", 0, 9, "a size"),
        ("colour:red", "abcde", 0, 10, "“colour:” is no field"),
        ("modle:x", "abcde", 0, 7, "did you mean model:?"),
        ("dog OR", "b", 4, 6, "both sides"),
        ("OR dog", "b", 0, 2, "both sides"),
        ("dog OR OR lighthouse", "ab", 7, 9, "both sides"),
        ('""', "abcde", 0, 2, "empty"),
        ("has:x", "abcde", 0, 5, "one of error"),
        ("fav:ye", "abcde", 0, 6, "yes or no"),
    ],
)
def test_an_unfinished_term_filters_nothing_and_says_where(
    line: str, ids: str, start: int | None, end: int | None, says: str
) -> None:
    query = parse_query(line, at=NOW)
    assert "".join(i.id for i in query.select(ITEMS)) == ids
    assert [(p.start, p.end) for p in query.problems] == ([(start, end)] if start is not None else [])
    assert says in describe_problems(query.problems)


def test_a_quote_being_typed_searches_for_what_is_there() -> None:
    assert found('"in the r') == "b"
    assert found("-") == "".join(i.id for i in ITEMS if "-" in f"{i.prompt}{i.name}".casefold())


@given(st.text(alphabet='abcdetyprmsoz:-"<>=.0123456789 |OR,\n\u0130\u00df', max_size=40))
def test_no_line_ever_raises_and_tokens_cover_it(line: str) -> None:
    query = parse_query(line, at=NOW)
    query.select(ITEMS)
    at = 0
    for token in tokens(line):
        assert line[at : token.start].strip() == ""
        assert token.start < token.end
        at = token.end
    assert line[at:].strip() == ""
    for cursor in range(len(line) + 1):
        for candidate in complete(line, cursor, ITEMS):
            changed, place = candidate.apply(line)
            assert changed[place - len(candidate.text) : place] == candidate.text


TERMS = (
    "light",
    "dog",
    "zebra",
    '"in the rain"',
    "name:final",
    "prompt:dog",
    "notes:a",
    "tag:hero",
    "rating:3",
    "fav:yes",
)


@given(
    st.lists(st.tuples(st.sampled_from(("", "-")), st.sampled_from(TERMS), st.sampled_from((" ", " OR "))), max_size=9)
)
def test_filtering_many_is_testing_each(terms: list[tuple[str, str, str]]) -> None:
    line = "".join(f"{sign}{term}{joint}" for sign, term, joint in terms).removesuffix(" OR ").strip()
    query = parse_query(line, at=NOW)
    assert query.problems == ()
    assert query.select(ITEMS) == [item for item in ITEMS if query.matches(item)]


@given(st.text(alphabet='ab "OR|:-', min_size=1, max_size=8))
def test_a_quoted_value_is_read_as_one(value: str) -> None:
    plain = value.replace('"', "")
    (token,) = tokens(f"tag:{quote(value)}")
    assert (token.field, token.value) == ("tag", plain)


def labels(line: str, cursor: int | None = None) -> list[str]:
    found = complete(line, len(line) if cursor is None else cursor, ITEMS, projects={"demo": "Inbox"})
    return [candidate.label for candidate in found]


def test_completion_offers_fields_then_values_that_occur() -> None:
    assert labels("") == [f"{name}:" for name in FIELDS][:12]
    assert labels("mo") == ["model:"]
    assert labels("type:video ra") == ["rating:"]
    assert labels("-st") == ["state:"]
    assert labels("type:") == ["video", "image", "audio"]
    assert labels("type:i") == ["image", "video", "audio"]
    assert labels("model:") == ["fal/kling-2.1"]
    assert labels("project:") == ["Inbox"]
    assert labels("nonsense:") == []
    assert labels("type:video model:k", 6) == ["video"]
    (candidate,) = complete("tag:sky dog", 7, ITEMS)
    assert candidate.apply("tag:sky dog") == ('tag:"night sky" dog', 15)


def test_texts_follow_the_item() -> None:
    texts = Texts()
    query = parse_query("otter", texts=texts)
    assert query.select(ITEMS) == []
    changed = [replace(i, notes="an Otter") if i.id == "b" else i for i in ITEMS]
    assert [i.id for i in query.select(changed)] == ["b"]
    texts.keep(changed)
    assert query.matches(changed[1])


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_sorts_stably_in_both_directions(column: str) -> None:
    rng = random.Random(7)
    items = [replace(rng.choice(ITEMS), id=f"{n}") for n in range(60)]
    once = sort_items(items, Order(column))
    back = sort_items(items, Order(column, True))
    assert sorted(i.id for i in once) == sorted(i.id for i in items)
    assert sort_items(once, Order(column)) == once
    assert sort_items(back, Order(column, True)) == back
    place = {i.id: n for n, i in enumerate(items)}
    if column not in ("id",):
        for first, second in pairwise(once):
            alike = replace(first, id="x", created_at=0.0) == replace(second, id="x", created_at=0.0)
            if alike and first.created_at == second.created_at:
                assert place[first.id] < place[second.id]


def test_names_sort_naturally_and_what_is_unknown_stands_last() -> None:
    names = ["clip 10", "Clip 9", "clip 9b", "CLIP 1", "beta", "Alpha", "clip"]
    items = [item(str(n), name=name) for n, name in enumerate(names)]
    ordered = [i.name for i in sort_items(items, Order("name"))]
    assert ordered == ["Alpha", "beta", "clip", "CLIP 1", "Clip 9", "clip 9b", "clip 10"]
    assert [i.id for i in sort_items(ITEMS, Order("rating"))] == ["e", "b", "a", "c", "d"]
    assert [i.id for i in sort_items(ITEMS, Order("rating", True))] == ["a", "b", "e", "c", "d"]


@given(st.text(max_size=12), st.text(max_size=12))
def test_natural_keys_can_always_be_compared(first: str, second: str) -> None:
    assert (natural(first) < natural(second)) or (natural(first) >= natural(second))
