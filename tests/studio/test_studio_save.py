"""From an address to a verified file, through everything a media host may do."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, JPEG, PNG, Call, FalServer, Reply, ranged
from tests.support.workshop import Workshop

from mediatui.errors import SaveErrorKind
from mediatui.model import MediaItem, SavePolicy, SaveState

TYPED = {"Content-Type": "image/png"}


def picture(kind: str, **options: bool) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (131, 77), "red").save(buffer, kind, **options)
    return buffer.getvalue()


def saved_whole(shop: Workshop, item: MediaItem, data: bytes) -> bool:
    """The item is saved, its file is what was sent, nothing else lies about."""
    assert item.save_state is SaveState.SAVED, item.storage_error
    assert shop.file(item) == data
    assert (item.file_size, item.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert len(shop.media_files()) == len(shop.items())
    assert shop.part_files() == []
    return True


WHOLE: dict[str, Callable[[bytes], Reply]] = {
    "with a length": lambda data: Reply(body=data, headers=TYPED),
    "in chunks": lambda data: Reply(body=data, headers=TYPED, chunked=True),
    "until the connection ends": lambda data: Reply(body=data, headers=TYPED, until_close=True),
    "without a type": lambda data: Reply(body=data, headers={"Content-Type": "application/octet-stream"}),
    "with a wrong type": lambda data: Reply(body=data, headers={"Content-Type": "video/mp4"}),
    "refusing ranges": lambda data: Reply(body=data, headers={**TYPED, "Accept-Ranges": "none"}),
}


@pytest.mark.parametrize("data", [PNG, BIG], ids=["small", "big"])
@pytest.mark.parametrize("how", WHOLE.values(), ids=WHOLE.keys())
def test_a_file_arrives_whole(fal: FalServer, shop: Workshop, how: Callable[[bytes], Reply], data: bytes) -> None:
    fal.script("file", how(data))
    _, (item,) = shop.make()
    assert saved_whole(shop, item, data)
    assert fal.count("file") == 1
    assert item.content_type == "image/png"


def cut_then(*later: Callable[[Call], Reply]) -> Callable[[FalServer], None]:
    """The first download breaks in the middle; then these answer in turn."""

    def arrange(fal: FalServer) -> None:
        answers = [lambda call: Reply(body=BIG, headers={**TYPED, "ETag": '"one"'}, cut=700_000), *later]
        fal.on["file"] = lambda call: answers[min(fal.count("file"), len(answers)) - 1](call)

    return arrange


def whole(call: Call) -> Reply:
    return ranged(call, BIG)


RESUMED: dict[str, tuple[Callable[[FalServer], None], list[str | None]]] = {
    "by range": (cut_then(whole), [None, "bytes=700000-"]),
    "range ignored": (cut_then(lambda call: Reply(body=BIG, headers=TYPED)), [None, "bytes=700000-"]),
    "another etag": (cut_then(lambda call: ranged(call, BIG, '"two"')), [None, "bytes=700000-"]),
    "another place": (
        cut_then(lambda call: Reply(206, BIG[5:], {"Content-Range": f"bytes 5-{len(BIG) - 1}/{len(BIG)}"}), whole),
        [None, "bytes=700000-", None],
    ),
    "another length": (
        cut_then(lambda call: Reply(206, BIG[700_000:], {"Content-Range": "bytes 700000-800000/800001"}), whole),
        [None, "bytes=700000-", None],
    ),
    "206 without a range": (
        cut_then(lambda call: Reply(206, BIG[700_000:], TYPED), whole),
        [None, "bytes=700000-", None],
    ),
    "416": (cut_then(lambda call: Reply(416, b""), whole), [None, "bytes=700000-", None]),
    "cut again": (
        cut_then(
            lambda call: Reply(
                206, BIG[700_000:], {**TYPED, "Content-Range": f"bytes 700000-{len(BIG) - 1}/{len(BIG)}"}, cut=9
            ),
            whole,
        ),
        [None, "bytes=700000-", "bytes=700009-"],
    ),
    "503 between": (cut_then(lambda call: Reply(503), whole), [None, "bytes=700000-", "bytes=700000-"]),
}


@pytest.mark.parametrize(("arrange", "asked"), RESUMED.values(), ids=RESUMED.keys())
def test_a_download_cut_in_the_middle_goes_on(
    fal: FalServer, shop: Workshop, arrange: Callable[[FalServer], None], asked: list[str | None]
) -> None:
    arrange(fal)
    _, (item,) = shop.make()
    assert saved_whole(shop, item, BIG)
    assert [call.headers.get("range") for call in fal.of("file")] == asked
    assert {call.headers["if-range"] for call in fal.of("file") if "range" in call.headers} <= {'"one"'}


def test_without_a_validator_nothing_is_joined(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(body=BIG, headers=TYPED, cut=700_000), Reply(body=BIG, headers=TYPED))
    _, (item,) = shop.make()
    assert saved_whole(shop, item, BIG)
    assert [call.headers.get("range") for call in fal.of("file")] == [None, None]


def test_a_part_answer_nobody_asked_for_is_no_file(fal: FalServer, shop: Workshop) -> None:
    headers = {**TYPED, "Content-Range": f"bytes 0-99/{len(BIG)}"}
    fal.script("file", Reply(206, BIG[:100], headers))
    _, (item,) = shop.make()
    assert item.save_state is SaveState.UNSAVED
    assert item.storage_error is not None
    assert item.storage_error.kind is SaveErrorKind.INCOMPLETE


def test_chunks_that_break_off_are_no_file(fal: FalServer, shop: Workshop) -> None:
    fal.script(
        "file", Reply(body=BIG, headers=TYPED, chunked=True, cut=500_000), Reply(body=BIG, chunked=True, headers=TYPED)
    )
    _, (item,) = shop.make()
    assert saved_whole(shop, item, BIG)


REFUSED: dict[str, tuple[Reply, SaveErrorKind, str]] = {
    "nothing": (Reply(body=b"", headers=TYPED), SaveErrorKind.BAD_CONTENT, "empty"),
    "nothing, in chunks": (Reply(body=b"", headers=TYPED, chunked=True), SaveErrorKind.BAD_CONTENT, "empty"),
    "a page": (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), SaveErrorKind.BAD_CONTENT, "a page"),
    "a page that lies": (Reply(body=b"<html>" * 99, headers=TYPED), SaveErrorKind.BAD_CONTENT, "not a picture"),
    "JSON": (Reply(body={"detail": "x"}), SaveErrorKind.BAD_CONTENT, "a page (application/json)"),
    "noise": (Reply(body=bytes(range(256)), headers=TYPED), SaveErrorKind.BAD_CONTENT, "not a picture"),
    "compressed": (
        Reply(body=PNG, headers={**TYPED, "Content-Encoding": "gzip"}),
        SaveErrorKind.BAD_CONTENT,
        "gzip-compressed",
    ),
    "too large, as it says": (Reply(body=BIG * 3, headers=TYPED), SaveErrorKind.BAD_CONTENT, "larger than the limit"),
    "too large, as it comes": (
        Reply(body=BIG * 3, headers=TYPED, chunked=True),
        SaveErrorKind.BAD_CONTENT,
        "larger than the limit",
    ),
    "a teapot": (Reply(418), SaveErrorKind.BAD_CONTENT, "answered 418"),
    "always busy": (Reply(503), SaveErrorKind.SERVER, "answered 503"),
    "always cut": (Reply(body=PNG, headers=TYPED, cut=10), SaveErrorKind.INCOMPLETE, "only 10 of 70 bytes arrived"),
    "never an answer": (Reply(drop=True), SaveErrorKind.NETWORK, "it hung up before the whole answer was there"),
    "a promise too large": (
        Reply(body=PNG, headers={**TYPED, "Content-Length": "2000000"}, cut=60),
        SaveErrorKind.INCOMPLETE,
        "only 60 of 2,000,000 bytes arrived",
    ),
}


@pytest.mark.parametrize(("reply", "kind", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_file_stays_unsaved_with_its_reason(
    fal: FalServer, opener: Opener, reply: Reply, kind: SaveErrorKind, words: str
) -> None:
    shop = opener(max_file_bytes=2 << 20)
    fal.script("file", reply)
    _, (item,) = shop.make()
    assert item.save_state is SaveState.UNSAVED
    assert item.storage_error is not None
    assert item.storage_error.kind is kind
    assert words in item.storage_error.message
    assert (item.storage_error.attempts, item.path) == (1, None)
    assert shop.media_files() == []
    fal.script("file", None)
    assert shop.studio.retry([item.id]).result(20).saved == (item.id,)
    assert saved_whole(shop, shop.items()[0], PNG)
    assert fal.count("submit") == 1


def test_a_lying_length_on_the_socket_is_noticed(fal: FalServer, shop: Workshop) -> None:
    headers = {**TYPED, "Content-Length": str(len(BIG) + 500)}
    fal.script("file", Reply(body=BIG, headers=headers, cut=len(BIG)), Reply(body=BIG, headers=TYPED))
    _, (item,) = shop.make()
    assert saved_whole(shop, item, BIG)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_address_that_is_gone_is_asked_for_again_once(fal: FalServer, shop: Workshop, status: int) -> None:
    fal.script("file", Reply(status))
    _, (item,) = shop.make()
    assert item.save_state is SaveState.EXPIRED
    assert (fal.count("file"), fal.count("result"), fal.count("submit")) == (2, 2, 1)
    assert item.storage_error is not None
    assert item.storage_error.kind is SaveErrorKind.EXPIRED
    assert shop.studio.retry_all().result(20).failed == ()


def test_a_fresh_address_is_written_down_and_used(fal: FalServer, shop: Workshop) -> None:
    fal.files = {"/files/new.png": PNG}
    fresh = Reply(body={"images": [{"url": f"{fal.url}/files/new.png", "content_type": "image/png"}]})
    fal.script("result", None, fresh)
    _, (item,) = shop.make()
    assert saved_whole(shop, item, PNG)
    assert item.url == f"{fal.url}/files/new.png"


def test_redirects_on_the_same_host_are_followed(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(302, b"", {"Location": "/files/a.png?2"}), Reply(307, b"", {"Location": "a.png"}), None)
    _, (item,) = shop.make()
    assert saved_whole(shop, item, PNG)


REDIRECTS = {
    "another port": ("http://127.0.0.1:1/x", "not an https address"),
    "private": ("https://192.168.0.1/x", "a private network"),
    "metadata": ("http://169.254.169.254/latest", "not an https address"),
    "file": ("file:///etc/passwd", "names no host"),
    "a user": ("https://me:pw@fal.media/x", "carries a user name"),
    "no address": ("http://[::1", "no address at all"),
}


@pytest.mark.parametrize(("target", "words"), REDIRECTS.values(), ids=REDIRECTS.keys())
def test_redirects_elsewhere_are_refused(fal: FalServer, shop: Workshop, target: str, words: str) -> None:
    fal.script("file", Reply(302, b"", {"Location": target}))
    _, (item,) = shop.make()
    assert item.storage_error is not None
    assert words in item.storage_error.message


def test_six_redirects_are_too_many(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(302, b"", {"Location": "/files/a.png"}))
    _, (item,) = shop.make()
    assert item.storage_error is not None
    assert item.storage_error.message == "the server redirected more than 5 times"
    assert fal.count("file") % 6 == 0


def test_a_server_that_falls_silent_is_given_up_and_gone_on_with(fal: FalServer, opener: Opener) -> None:
    shop = opener()
    never = threading.Event()
    silent = Reply(body=BIG, headers={**TYPED, "ETag": '"one"'}, hold_body=(600_000, never))
    fal.on["file"] = lambda call: silent if fal.count("file") == 1 else ranged(call, BIG)
    _, (item,) = shop.make()
    never.set()
    assert saved_whole(shop, item, BIG)
    assert fal.of("file")[1].headers["range"] == "bytes=600000-"


def test_inline_bytes_are_written_down_before_anything_else(fal: FalServer, opener: Opener) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    address = "data:image/png;base64," + base64.b64encode(PNG).decode()
    fal.script("result", Reply(body={"images": [{"url": address, "content_type": "image/png"}]}))
    _, (item,) = shop.make()
    assert (item.save_state, item.url, fal.count("file")) == (SaveState.UNSAVED, None, 0)
    assert item.spool is not None
    assert (shop.project_folder() / item.spool).read_bytes() == PNG
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert saved_whole(shop, shop.items()[0], PNG)


def test_the_extension_and_type_are_those_of_the_bytes(fal: FalServer, shop: Workshop) -> None:
    fal.script("file", Reply(body=JPEG, headers=TYPED))
    _, (item,) = shop.make()
    assert item.path is not None
    assert (item.path[-4:], item.content_type) == (".jpg", "image/jpeg")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (picture("BMP"), "images/{}.bmp"),
        (picture("TIFF"), "images/{}.tiff"),
        (picture("TIFF", big_tiff=True), "images/{}.tiff"),
        (b"FORM\0\0\0\x2eAIFFCOMM" + bytes(200), "audio/{}.aiff"),
        (b"FLV\x01\x05\0\0\0\x09" + bytes(200), "videos/{}.flv"),
        ((b"\x47" + bytes(187)) * 3, "videos/{}.ts"),
    ],
    ids=["BMP", "TIFF", "BigTIFF", "AIFF", "FLV", "transport stream"],
)
def test_less_common_formats_are_saved_too(fal: FalServer, shop: Workshop, data: bytes, path: str) -> None:
    fal.script("file", Reply(body=data, headers=TYPED))
    _, (item,) = shop.make()
    assert saved_whole(shop, item, data)
    assert item.path == path.format(Path(item.path or "").stem)


def test_names_from_the_provider_name_no_file(fal: FalServer, shop: Workshop) -> None:
    images = [
        {"url": f"{fal.url}/files/a.png?{n}", "content_type": "image/png", "file_name": name}
        for n, name in enumerate(
            ["same.png", "same.png", "../../../x.png", "/etc/passwd", "CON", "a\0b\n.png", "." * 300]
        )
    ]
    fal.script("result", Reply(body={"images": images}))
    _, items = shop.make("fal-ai/../..".replace("..", "x") + "/con")
    assert {item.save_state for item in items} == {SaveState.SAVED}
    assert len(set(shop.media_files())) == 7
    assert all(name.startswith("AI-Image-fal-ai-x-x-con-") for name in shop.media_files())


def test_the_same_address_twice_is_one_output(fal: FalServer, shop: Workshop) -> None:
    fal.outputs = ["/files/a.png", "/files/a.png"]
    _, items = shop.make()
    assert len(items) == 1


def test_saving_again_is_refused_politely_and_a_vanished_file_comes_back(fal: FalServer, shop: Workshop) -> None:
    _, (item,) = shop.make()
    assert shop.studio.save([item.id, item.id]).result(20).already == (item.id,)
    path = shop.studio.file_of(item)
    assert path is not None
    path.unlink()
    assert shop.studio.refresh("demo").result(20).missing == (item.id,)
    assert shop.items()[0].save_state is SaveState.MISSING
    assert shop.studio.retry_all("demo").result(20).saved == (item.id,)
    again = shop.items()[0]
    assert saved_whole(shop, again, PNG)
    assert again.path == item.path
    path.unlink()
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert fal.count("submit") == 1


def test_whoever_asks_for_a_running_save_gets_its_outcome(fal: FalServer, opener: Opener) -> None:
    shop = opener(save_policy=SavePolicy.ON_DEMAND)
    _, (item,) = shop.make()
    go = threading.Event()
    fal.on["file"] = lambda call: Reply(body=PNG, headers=TYPED, hold=go)
    asked = [shop.studio.save([item.id]) for _ in range(5)]
    fal.wait_for("file")
    assert shop.studio.items("demo")[0].save_state is SaveState.SAVING
    go.set()
    assert [future.result(20).saved for future in asked] == [(item.id,)] * 5
    assert fal.count("file") == 1


def test_an_item_moved_to_the_trash_while_it_is_saved_stays_there(fal: FalServer, shop: Workshop) -> None:
    go = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers=TYPED, hold_body=(500_000, go))
    shop.send()
    fal.wait_for("file")
    item = shop.until(lambda: next((i for i in shop.items() if i.save_state is SaveState.SAVING), None))
    trashing = shop.studio.trash([item.id])
    go.set()
    trashing.result(20)
    shop.studio.refresh("demo").result(20)
    assert (shop.items(), shop.media_files()) == ([], [])


def test_a_project_deleted_while_it_works_does_not_come_back(fal: FalServer, shop: Workshop) -> None:
    go = threading.Event()
    fal.on["file"] = lambda call: Reply(body=BIG, headers=TYPED, hold_body=(500_000, go))
    shop.send()
    fal.wait_for("file")
    shop.until(lambda: any(i.save_state is SaveState.SAVING for i in shop.items()))
    deleting = shop.studio.delete_project("demo")
    go.set()
    trashed = deleting.result(20)
    assert not shop.project_folder().exists()
    shop.studio.restore_project(trashed.path).result(20)
    assert shop.studio.retry_all("demo").result(20).failed == ()
    assert saved_whole(shop, shop.items()[0], BIG)
    assert fal.count("submit") == 1
