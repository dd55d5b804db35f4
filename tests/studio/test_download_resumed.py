"""Going on where a download stopped, with servers that get that wrong: never two files in one, never half of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, Call, FalServer, Reply, png, ranged
from tests.support.workshop import Workshop

from mediatui.errors import SaveErrorKind as Kind
from mediatui.model import MediaItem, SaveState

TYPED = {"Content-Type": "image/png"}
OTHER = png(9, 1100)
"""As long as `BIG`, and another picture."""
SOON, LATER = "Fri, 20 Nov 2026 10:00:00 GMT", "Fri, 20 Nov 2026 10:00:05 GMT"


def start_of(call: Call) -> int | None:
    asked = call.headers.get("range", "")
    return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else None


def made(fal: FalServer, shop: Workshop) -> MediaItem:
    _, (item,) = shop.make()
    assert fal.count("submit") == 1
    return item


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ETag": '"one"'}, {"ETag": '"two"'}),
        ({"ETag": '"one"'}, {"ETag": 'W/"two"'}),
        ({"Last-Modified": SOON}, {"Last-Modified": LATER}),
        ({"ETag": '"one"', "Last-Modified": SOON}, {"Last-Modified": LATER}),
    ],
)
def test_another_file_by_range_is_not_the_rest_of_ours(
    fal: FalServer, shop: Workshop, before: dict[str, str], after: dict[str, str]
) -> None:
    """It heeds no If-Range: the range is of what it has now."""

    def answer(call: Call) -> Reply:
        if (start := start_of(call)) is not None:
            place = {"Content-Range": f"bytes {start}-{len(OTHER) - 1}/{len(OTHER)}"}
            return Reply(206, OTHER[start:], {**TYPED, **after, **place})
        if fal.count("file") == 1:
            return Reply(body=BIG, headers={**TYPED, **before}, cut=700_000)
        return Reply(body=OTHER, headers={**TYPED, **after})

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (item.save_state, shop.file(item) == OTHER) == (SaveState.SAVED, True)
    assert fal.count("file") == 3


@pytest.mark.parametrize("again", [{"ETag": '"one"', "Last-Modified": LATER}, {"ETag": 'W/"one"'}, {}])
def test_the_same_file_goes_on(fal: FalServer, shop: Workshop, again: dict[str, str]) -> None:
    def answer(call: Call) -> Reply:
        if (start := start_of(call)) is None:
            return Reply(body=BIG, headers={**TYPED, "ETag": '"one"', "Last-Modified": SOON}, cut=700_000)
        place = {"Content-Range": f"bytes {start}-{len(BIG) - 1}/*"}
        return Reply(206, BIG[start:], {**TYPED, **again, **place})

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (item.save_state, shop.file(item) == BIG, fal.count("file")) == (SaveState.SAVED, True, 2)


def test_a_shorter_range_of_nobody_knows_how_much_is_not_the_end(fal: FalServer, shop: Workshop) -> None:
    def answer(call: Call) -> Reply:
        if (start := start_of(call)) is not None:
            place = {"Content-Range": f"bytes {start}-{start + 99_999}/*"}
            return Reply(206, BIG[start : start + 100_000], {**TYPED, "ETag": '"one"', **place})
        if fal.count("file") == 1:
            return Reply(body=BIG, headers={**TYPED, "ETag": '"one"'}, cut=700_000, chunked=True)
        return Reply(body=BIG, headers=TYPED)

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (item.save_state, shop.file(item) == BIG) == (SaveState.SAVED, True)


@pytest.mark.parametrize(
    "head",
    [
        {"Content-Range": "Bytes 700000-{last}/{size}"},
        {"Content-Range": "bytes 700000-{last}/{size}", "Content-Type": "text/html"},
    ],
    ids=["a unit in capitals", "a page's type"],
)
def test_the_rest_by_an_odd_head(fal: FalServer, shop: Workshop, head: dict[str, str]) -> None:
    def answer(call: Call) -> Reply:
        if start_of(call) is None:
            cut = 700_000 if fal.count("file") == 1 else None
            return Reply(body=BIG, headers={**TYPED, "ETag": '"one"'}, cut=cut)
        odd = {name: value.format(last=len(BIG) - 1, size=len(BIG)) for name, value in head.items()}
        return Reply(206, BIG[700_000:], {**TYPED, "ETag": '"one"', **odd})

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (item.save_state, shop.file(item) == BIG, fal.count("file")) == (SaveState.SAVED, True, 2)


def test_a_range_with_a_shorter_length_is_not_the_end(fal: FalServer, shop: Workshop) -> None:
    """Of a format that does not say where it ends."""
    sound = b"ID3\4\0\0\0\0\0\0" + BIG

    def answer(call: Call) -> Reply:
        if (start := start_of(call)) is None:
            cut = 700_000 if fal.count("file") == 1 else None
            return Reply(body=sound, headers={"Content-Type": "audio/mpeg", "ETag": '"one"'}, cut=cut, chunked=True)
        place = {"Content-Range": f"bytes {start}-{len(sound) - 1}/{len(sound)}"}
        return Reply(206, sound[start : start + 100], {**TYPED, "ETag": '"one"', **place})

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (item.save_state, shop.file(item) == sound) == (SaveState.SAVED, True)


def always_cut(lengths: Iterator[int]) -> Callable[[Call], Reply]:
    return lambda call: Reply(body=BIG, headers=TYPED, cut=next(lengths))


def short_ranges(call: Call) -> Reply:
    if (start := start_of(call)) is None:
        return Reply(body=BIG, headers={**TYPED, "ETag": '"one"'}, cut=700_000)
    place = {"Content-Range": f"bytes {start}-{start + 99}/{len(BIG)}"}
    return Reply(206, BIG[start : start + 100], {**TYPED, "ETag": '"one"', **place})


@pytest.mark.parametrize(
    "answer",
    [short_ranges, always_cut(iter([500_000, 400_000] * 50))],
    ids=["ranges shorter than asked for", "cut here and there"],
)
def test_beginning_anew_is_no_progress(fal: FalServer, shop: Workshop, answer: Callable[[Call], Reply]) -> None:
    fal.on["file"] = answer
    item = made(fal, shop)
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.kind) == (SaveState.UNSAVED, Kind.INCOMPLETE)
    assert fal.count("file") == 5
    fal.on["file"] = lambda call: ranged(call, BIG)
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert shop.file(item := shop.items()[0]) == BIG


def test_a_body_that_only_the_connection_ends_has_to_be_whole_in_itself(fal: FalServer, opener: Opener) -> None:
    fal.script("file", Reply(body=BIG[:300_000], headers=TYPED, until_close=True))
    shop = opener()
    item = made(fal, shop)
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.kind, shop.media_files()) == (SaveState.UNSAVED, Kind.INCOMPLETE, [])
    assert item.storage_error.message == "the server hung up in the middle, after 300,000 bytes"
    fal.script("file", Reply(body=BIG, headers=TYPED, until_close=True))
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert shop.file(shop.items()[0]) == BIG


@pytest.mark.parametrize(
    "page",
    [
        Reply(body=b"<html>Log in</html>" * 99, headers={"Content-Type": "text/html"}),
        Reply(body=b"<html>Log in</html>" * 99, headers=TYPED),
        Reply(body=b"<html>", headers=TYPED, chunked=True),
        Reply(body=b"<html>Log in</html>" * 99, headers={}, until_close=True),
        Reply(body=b"", headers=TYPED, chunked=True),
        Reply(body=b"", headers=TYPED),
        Reply(body=b"\x1f\x8b" * 99, headers={**TYPED, "Content-Encoding": "gzip"}),
        Reply(302, b"", {"Location": "http://portal.example/login"}),
        Reply(511, b"<html>", {"Content-Type": "text/html"}),
    ],
    ids=[
        "a page", "a page that says PNG", "in chunks", "without a head worth the name", "nothing in chunks", "nothing",
        "compressed", "to a portal", "a portal's status",
    ],
)  # fmt: skip
def test_a_page_in_place_of_the_rest_costs_no_byte_of_what_is_there(
    fal: FalServer, opener: Opener, page: Reply
) -> None:
    tagged = {**TYPED, "ETag": '"one"'}
    fal.script("file", Reply(body=BIG, headers=tagged, cut=700_000), page)
    shop = opener()
    item = made(fal, shop)
    assert item.save_state is SaveState.UNSAVED, item.storage_error
    fal.on["file"] = lambda call: ranged(call, BIG)
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert (shop.file(shop.items()[0]) == BIG, fal.of("file")[-1].headers.get("range")) == (True, "bytes=700000-")
