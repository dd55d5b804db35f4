"""Files that end before their own end, whatever the server says of their length: no byte is lost, none called fine."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, JPEG, PNG, Call, FalServer, Reply, ranged
from tests.support.workshop import Workshop, on_disk

from mediatui.library.files import part_path
from mediatui.model import MediaItem, SaveState, remarks

TYPED = {"Content-Type": "image/png"}
CUT = BIG[:300_000]


def made(fal: FalServer, shop: Workshop) -> MediaItem:
    _, (item,) = shop.make()
    assert fal.count("submit") == 1
    assert (item.save_state, item.storage_error) == (SaveState.SAVED, None), item.storage_error
    return item


def announced(length: int, body: bytes, *behind: bytes, version: str = "1.1") -> Reply:
    """The head says `length`; then comes `body`, however long it is."""
    head = f"HTTP/{version} 200 OK\r\nContent-Type: image/png\r\nContent-Length: {length}\r\n\r\n"
    return Reply(raw=head.encode() + body + b"".join(behind))


@pytest.mark.parametrize(
    "reply",
    [
        announced(40, PNG),
        announced(300_000, BIG),
        announced(300_000, BIG, version="1.0"),
        announced(len(PNG) - 1, PNG, b"junk"),
    ],
    ids=["small", "large", "HTTP/1.0", "junk behind it"],
)
def test_what_comes_behind_the_announced_end_belongs_to_a_file_that_goes_on(
    fal: FalServer, shop: Workshop, reply: Reply
) -> None:
    fal.script("file", reply)
    item = made(fal, shop)
    assert shop.file(item) in (BIG, PNG, PNG + b"junk")
    assert (remarks(item), fal.count("file"), shop.part_files()) == ((), 1, [])


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_that_was_cut_once_is_whole_the_next_time(fal: FalServer, shop: Workshop, chunked: bool) -> None:
    fal.script("file", Reply(body=CUT, headers=TYPED, chunked=chunked), Reply(body=BIG, headers=TYPED))
    item = made(fal, shop)
    assert (shop.file(item) == BIG, remarks(item), fal.count("file")) == (True, (), 2)


@pytest.mark.parametrize(
    "again",
    [
        lambda call: Reply(body=CUT, headers=TYPED),
        lambda call: Reply(503),
        lambda call: Reply(404),
        lambda call: Reply(drop=True),
        lambda call: Reply(body=b"<html>" * 99, headers={"Content-Type": "text/html"}),
        lambda call: Reply(body=b"<html>" * 99, headers=TYPED),
        lambda call: Reply(body=b"", headers=TYPED, chunked=True),
        lambda call: announced(300_000, CUT, b"HTTP/1.1 408 Request Timeout\r\n\r\n"),
    ],
    ids=["as before", "503", "404", "no answer", "a page", "a page that says PNG", "nothing", "408 behind it"],
)
def test_a_file_that_stays_cut_is_kept_and_never_called_fine(
    fal: FalServer, shop: Workshop, again: Callable[[Call], Reply]
) -> None:
    def answer(call: Call) -> Reply:
        return Reply(body=CUT, headers={**TYPED, "ETag": '"1"'}) if fal.count("file") == 1 else again(call)

    fal.on["file"] = answer
    item = made(fal, shop)
    assert (shop.file(item) == CUT, fal.count("file"), shop.part_files()) == (True, 2, [])
    (remark,) = remarks(item)
    assert "ends before its own end" in remark
    assert on_disk(shop.locations, "items")[item.id]["doubt"] == remark
    assert [n.title for n in shop.notices] == ["Saved, but perhaps not whole"]
    # Once it is whole nothing is said of it any more.
    path = shop.studio.file_of(item)
    assert path is not None
    path.unlink()
    fal.on["file"] = lambda call: ranged(call, BIG)
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    item = shop.items()[0]
    assert (shop.file(item) == BIG, remarks(item)) == (True, ())


def test_bytes_that_came_inline_are_looked_at_too(fal: FalServer, shop: Workshop) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(CUT).decode()}"
    fal.script("result", Reply(body={"images": [{"url": uri, "content_type": "image/png"}]}))
    item = made(fal, shop)
    assert (shop.file(item) == CUT, len(remarks(item))) == (True, 1)


def test_a_file_that_is_adopted_is_looked_at_too(fal: FalServer, shop: Workshop) -> None:
    shop.make()
    (shop.project_folder() / "images" / "found.png").write_bytes(CUT)
    (item,) = shop.studio.adopt("demo").result(20).items
    assert len(remarks(item)) == 1


@pytest.mark.parametrize(
    "data",
    [PNG + b"junk" * 99, JPEG, b"ID3" + bytes(500), b"\0\0\0\x10ftypmp42" + bytes(4) + b"\0\0\0\x0cpdin" + bytes(4)
     + b"\0\0\0\x08moov\0\0\0\x08mdat"],
    ids=["junk behind it", "jpeg", "a format that does not say", "a box nobody knows"],
)  # fmt: skip
def test_what_is_merely_odd_is_fine(fal: FalServer, shop: Workshop, data: bytes) -> None:
    fal.script("file", Reply(body=data, headers=TYPED))
    item = made(fal, shop)
    assert (shop.file(item) == data, remarks(item), fal.count("file"), shop.notices) == (True, (), 1, [])


def test_a_file_that_is_not_whole_at_the_second_try_goes_on_later(fal: FalServer, opener: Opener) -> None:
    etag = {**TYPED, "ETag": '"1"'}
    fal.script("file", Reply(body=CUT, headers=etag), Reply(body=BIG, headers=etag, cut=700_000), Reply(503))
    shop = opener()
    _, (item,) = shop.make()
    assert item.save_state is SaveState.UNSAVED
    assert part_path(shop.project_folder(), item.id).stat().st_size == 700_000
    fal.on["file"] = lambda call: ranged(call, BIG, '"1"')
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert (shop.file(shop.items()[0]) == BIG, fal.of("file")[-1].headers.get("range")) == (True, "bytes=700000-")
