"""Media hosts that speak HTTP badly, or point elsewhere: the item says so, nothing is on disk, one was sent."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, PNG, Call, FalServer, Reply, ranged
from tests.support.workshop import Workshop

from mediatui.errors import SaveErrorKind as Kind
from mediatui.model import MediaItem, SaveState

LENGTH, TYPE = f"Content-Length: {len(PNG)}", "Content-Type: image/png"
CHUNK = b"%x\r\n%s\r\n" % (len(PNG), PNG)
LAST = b"0\r\n\r\n"


def raw(status: str, *headers: str, body: bytes = PNG) -> Reply:
    return Reply(raw="\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode("latin-1") + body)


def to(location: str) -> Reply:
    return raw("302 Found", f"Location: {location}", "Content-Length: 0", body=b"")


def chunked(body: bytes, *headers: str) -> Reply:
    return raw("200 OK", TYPE, *headers, "Transfer-Encoding: chunked", body=body)


SAVED = {
    "the same length twice": raw("200 OK", TYPE, LENGTH, LENGTH),
    "a length besides chunks": chunked(CHUNK + LAST, LENGTH),
    "a storm of 100 Continue": Reply(
        raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + f"HTTP/1.1 200 OK\r\n{TYPE}\r\n{LENGTH}\r\n\r\n".encode() + PNG
    ),
    "HTTP/1.0": Reply(raw=f"HTTP/1.0 200 OK\r\n{TYPE}\r\n\r\n".encode() + PNG),
    "thousands of headers": raw("200 OK", TYPE, LENGTH, *(f"X-{n}: y" for n in range(3000))),
    "headers that are no text": raw("200 OK", "Content-Type: image/\xe9\xff", LENGTH, "X-Name: \xff\xfe"),
    "bytes behind the end": raw("200 OK", TYPE, LENGTH, body=PNG + b"junk" * 99),
    "two types": raw("200 OK", TYPE, "Content-Type: text/html", LENGTH),
    "a part that is the whole": raw(
        "206 Partial Content", TYPE, LENGTH, f"Content-Range: bytes 0-{len(PNG) - 1}/{len(PNG)}"
    ),
    "a coding of transfers only": raw("200 OK", TYPE, LENGTH, "Content-Encoding: aws-chunked"),
    "a coding that is none": raw("200 OK", TYPE, LENGTH, "Content-Encoding: none, utf-8"),
    "a page's type": raw("200 OK", "Content-Type: text/html; charset=utf-8", LENGTH),
    "an answer's type": raw("200 OK", "Content-Type: application/json", LENGTH),
    "chunks, and a length that is none": raw(
        "200 OK", TYPE, "Transfer-Encoding: chunked", "Content-Length: 5", body=CHUNK + b"0\r\n\r\n"
    ),
    "a vector's type": raw("200 OK", "Content-Type: image/svg+xml", LENGTH),
}
FAILED: dict[str, tuple[Reply, Kind]] = {
    "two lengths": (raw("200 OK", TYPE, LENGTH, "Content-Length: 5"), Kind.NETWORK),
    "a length with a sign": (raw("200 OK", TYPE, f"Content-Length: +{len(PNG)}"), Kind.NETWORK),
    "a negative length": (raw("200 OK", TYPE, "Content-Length: -1"), Kind.NETWORK),
    "a length of 400 digits": (raw("200 OK", TYPE, "Content-Length: " + "9" * 400), Kind.NETWORK),
    "a chunk of no size": (chunked(b"zz\r\n" + PNG), Kind.NETWORK),
    "a chunk of a negative size": (chunked(b"-5\r\n" + PNG), Kind.NETWORK),
    "an endless chunk": (chunked(b"fffffffffffffff0\r\n" + PNG), Kind.NETWORK),
    "chunks without an end": (chunked(CHUNK), Kind.NETWORK),
    "brotli": (raw("200 OK", TYPE, LENGTH, "Content-Encoding: br"), Kind.BAD_CONTENT),
    "brotli, hidden": (raw("200 OK", TYPE, LENGTH, "Content-Encoding: identity, br"), Kind.BAD_CONTENT),
    "204": (raw("204 No Content", body=b""), Kind.BAD_CONTENT),
    "205": (raw("205 Reset Content", TYPE, LENGTH), Kind.BAD_CONTENT),
    "304": (raw("304 Not Modified", body=b""), Kind.BAD_CONTENT),
    "303 to nowhere": (raw("303 See Other", TYPE, LENGTH), Kind.BAD_CONTENT),
    "a gateway's 522": (raw("522 Connection Timed Out", LENGTH), Kind.SERVER),
    "599": (raw("599 What", LENGTH), Kind.SERVER),
    "416 unasked": (raw("416 Range Not Satisfiable", LENGTH), Kind.INCOMPLETE),
    "999": (raw("999 What", TYPE, LENGTH), Kind.BAD_CONTENT),
    "another protocol": (raw("101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), Kind.NETWORK),
    "no head at all": (Reply(raw=PNG), Kind.NETWORK),
    "noise": (Reply(raw=b"\x00\xff\xfe" * 100), Kind.NETWORK),
    "a head of 200 KB": (raw("200 OK", TYPE, LENGTH, "X: " + "a" * 200_000), Kind.NETWORK),
    "a header with a NUL": (raw("200 OK", TYPE, LENGTH, "X: a\x00b"), Kind.NETWORK),
    "parts of several": (
        Reply(206, PNG, {"Content-Type": "multipart/byteranges; boundary=x"}),
        Kind.INCOMPLETE,
    ),
    "to a file": (to("file:///etc/passwd"), Kind.REFUSED_HOST),
    "to data": (to("data:image/png;base64," + base64.b64encode(PNG).decode()), Kind.REFUSED_HOST),
    "to a script": (to("javascript:alert(1)"), Kind.REFUSED_HOST),
    "to ftp": (to("ftp://127.0.0.1/x"), Kind.REFUSED_HOST),
    "to no host": (to("https:///x"), Kind.REFUSED_HOST),
    "to another host without a scheme": (to("//169.254.169.254/x"), Kind.REFUSED_HOST),
    "to a user's name": (to("http://u:p@127.0.0.1:1/x"), Kind.REFUSED_HOST),
    "to a name with a coded dot": (to("https://fal.media%2eevil.example/x"), Kind.REFUSED_HOST),
    "to a number": (to("https://2130706433/x"), Kind.REFUSED_HOST),
    "to a hexadecimal number": (to("https://0x7f000001/x"), Kind.REFUSED_HOST),
    "to a mapped address": (to("https://[::ffff:127.0.0.1]/x"), Kind.REFUSED_HOST),
    "to an address with a zone": (to("https://[fe80::1%25lo]/x"), Kind.REFUSED_HOST),
    "to a name that is nearly ours": (to("https://f\xe4l.media/x"), Kind.REFUSED_HOST),
    "in a circle": (to(""), Kind.SERVER),
    "to a scheme alone": (to("http:evil"), Kind.SERVER),
    "to a word with control characters": (to("/files/a\x01b"), Kind.REFUSED_HOST),
}


def made(shop: Workshop, fal: FalServer) -> MediaItem:
    _, (item,) = shop.make()
    assert fal.count("submit") == 1
    assert [n.title for n in shop.notices if n.severity == "error"] == []
    return item


@pytest.mark.parametrize("reply", SAVED.values(), ids=SAVED.keys())
def test_odd_and_whole(fal: FalServer, shop: Workshop, reply: Reply) -> None:
    fal.script("file", reply)
    item = made(shop, fal)
    assert (item.save_state, shop.part_files()) == (SaveState.SAVED, []), item.storage_error
    assert shop.file(item) == PNG


@pytest.mark.parametrize(("reply", "kind"), FAILED.values(), ids=FAILED.keys())
def test_bad(fal: FalServer, opener: Opener, reply: Reply, kind: Kind) -> None:
    fal.script("file", reply)
    shop = opener()
    item = made(shop, fal)
    assert item.storage_error is not None
    assert (item.save_state, item.storage_error.kind) == (SaveState.UNSAVED, kind), item.storage_error
    assert (item.path, shop.media_files()) == (None, [])
    # It is not spoilt for good.
    fal.script("file", None)
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert fal.count("submit") == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(raw=b"\x00\xff\xfe" * 100), "its answer makes no sense"),
        (raw("200 OK", TYPE, LENGTH, "Content-Length: 5"), "its answer makes no sense"),
        (chunked(CHUNK), "it hung up before the whole answer was there"),
        (raw("416 X", LENGTH), "the server answered 416, as if a part of the file had been asked for"),
        (Reply(drop=True), "it hung up before the whole answer was there"),
    ],
)
def test_nonsense_is_told_from_a_broken_connection(fal: FalServer, shop: Workshop, reply: Reply, words: str) -> None:
    fal.script("file", reply)
    fault = made(shop, fal).storage_error
    assert fault is not None
    assert fault.message.partition(";")[0] == words


@pytest.mark.parametrize(
    "header", [{"ETag": '"\xe9\xff"'}, {"Last-Modified": "\xe9\xff"}, {"ETag": '"' + "e" * 9000 + '"'}]
)
def test_a_validator_that_cannot_be_sent_back(fal: FalServer, shop: Workshop, header: dict[str, str]) -> None:
    headers = {"Content-Type": "image/png", **header}
    fal.script("file", Reply(200, BIG, headers, cut=700_000), Reply(200, BIG, headers))
    item = made(shop, fal)
    assert (item.save_state, shop.file(item)) == (SaveState.SAVED, BIG)
    assert [call.headers.get("if-range") for call in fal.of("file")] == [None, None]


def test_no_cookie_is_kept(fal: FalServer, shop: Workshop) -> None:
    def answer(call: Call) -> Reply:
        reply = ranged(call, PNG)
        return replace(reply, headers={**reply.headers, "Set-Cookie": "track=1; Path=/"})

    fal.on["file"] = answer
    fal.outputs = ["/files/a.png", "/files/b.png"]
    shop.make()
    shop.make()
    assert [call.headers.get("cookie") for call in fal.of("file")] == [None] * 4
