"""Every fault of a media host: what the item shows, what is on disk, and that nothing was sent or paid twice."""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.studio.conftest import Opener
from tests.support.fal_server import BIG, PNG, Call, FalServer, Reply, fal_server, ranged
from tests.support.workshop import QUICK, Workshop, on_disk, places, settings_for

from mediatui.errors import SaveErrorKind as Kind
from mediatui.errors import UsageError
from mediatui.library.trash import TrashEntry
from mediatui.model import Phase, SavePolicy, SaveState, now
from mediatui.providers.base import MediaHosts
from mediatui.studio.download import Downloader, Limits
from mediatui.studio.events import HostAsked
from mediatui.studio.part import PartFile
from mediatui.studio.studio import Studio
from mediatui.studio.turns import Turns

TYPED = {"Content-Type": "image/png"}
UNSAVED, SAVED, EXPIRED, URL_ONLY = SaveState.UNSAVED, SaveState.SAVED, SaveState.EXPIRED, SaveState.URL_ONLY
BOMB = gzip.compress(bytes(50 << 20))
NEVER = threading.Event()
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def png(body: bytes = PNG, **more: Any) -> Reply:
    headers = {**TYPED, **more.pop("headers", {})}
    return Reply(body=body, headers=headers, **more)


def http_date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def ranges(call: Call) -> Reply:
    return ranged(call, BIG)


@dataclass(frozen=True)
class Case:
    """A script of answers; what the item shows then; how many files; how often the file was asked for."""

    replies: Sequence[Reply | Callable[[Call], Reply]]
    state: SaveState
    kind: Kind | None = None
    data: bytes | None = None
    asked: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    part: bool = False
    """What arrived so far is kept for the next try."""


FIRST_HALF = png(BIG, headers={"ETag": '"one"'}, cut=700_000)
CASES: dict[str, Case] = {
    "a head that trickles in for ever": Case([png(drip=NEVER)], UNSAVED, Kind.NETWORK, asked=5, part=True),
    "a head that trickles in once": Case([png(drip=NEVER), png()], SAVED, data=PNG, asked=2),
    "silence in the middle, then the rest": Case(
        [png(BIG, headers={"ETag": '"one"'}, hold_body=(600_000, NEVER)), ranges], SAVED, data=BIG, asked=2
    ),
    "silence in the middle, always": Case([png(hold_body=(10, NEVER))], UNSAVED, Kind.NETWORK, asked=5, part=True),
    "a length too long": Case(
        [png(headers={"Content-Length": "2000000"}, cut=60)], UNSAVED, Kind.INCOMPLETE, part=True
    ),
    "a length too short": Case([png(headers={"Content-Length": "40"})], SAVED, data=PNG, asked=1),
    "a length of 40 GB against the limit": Case(
        [png(headers={"Content-Length": str(40 << 30)}, cut=60)], UNSAVED, Kind.BAD_CONTENT, asked=1
    ),
    "a length of 40 PB against the disk": Case(
        [png(headers={"Content-Length": str(40 << 50)}, cut=60)],
        URL_ONLY,
        Kind.FULL,
        asked=1,
        settings={"max_file_bytes": 1 << 60},
    ),
    "larger than the limit, in chunks": Case(
        [png(BIG * 3, chunked=True)], UNSAVED, Kind.BAD_CONTENT, asked=1, settings={"max_file_bytes": 2 << 20}
    ),
    "206 of another place": Case(
        [FIRST_HALF, Reply(206, BIG[5:], {**TYPED, "Content-Range": f"bytes 5-{len(BIG) - 1}/{len(BIG)}"}), ranges],
        SAVED,
        data=BIG,
        asked=3,
    ),
    "206 that nobody asked for": Case(
        [Reply(206, BIG[:100], {**TYPED, "Content-Range": f"bytes 0-99/{len(BIG)}"})],
        UNSAVED,
        Kind.INCOMPLETE,
        part=True,
    ),
    "another etag on resume": Case([FIRST_HALF, lambda c: ranged(c, BIG, '"two"')], SAVED, data=BIG, asked=2),
    "416 on resume": Case([FIRST_HALF, Reply(416, b"", {"Content-Range": "bytes */9"}), ranges], SAVED, data=BIG),
    "five redirects": Case(
        [*(Reply(302, b"", {"Location": f"/files/{n}.png"}) for n in range(5)), png()], SAVED, data=PNG, asked=6
    ),
    "six redirects": Case([Reply(302, b"", {"Location": "/files/a.png"})], UNSAVED, Kind.SERVER, part=True),
    "a redirect to the metadata service": Case(
        [Reply(302, b"", {"Location": "http://169.254.169.254/latest"})], UNSAVED, Kind.REFUSED_HOST, asked=1, part=True
    ),
    "a redirect to another port of this machine": Case(
        [Reply(302, b"", {"Location": "https://127.0.0.1:1/x"})], UNSAVED, Kind.REFUSED_HOST, asked=1, part=True
    ),
    "a redirect to an unknown host": Case(
        [Reply(302, b"", {"Location": "https://media.example.invalid/x"})],
        UNSAVED,
        Kind.REFUSED_HOST,
        asked=1,
        part=True,
    ),
    "429, then the file after a second's pause": Case(
        [Reply(429, {}, {"Retry-After": "1"}), png()], SAVED, data=PNG, asked=2
    ),
    "429, then the file after a date": Case(
        [Reply(429, {}, {"Retry-After": http_date(0)}), png()], SAVED, data=PNG, asked=2
    ),
    "429 with nonsense": Case([Reply(429, {}, {"Retry-After": "soon-ish"}), png()], SAVED, data=PNG, asked=2),
    "408, 425, 500, 502, then the file": Case(
        [*(Reply(status) for status in (408, 425, 500, 502)), png()], SAVED, data=PNG, asked=5
    ),
    "always 503": Case([Reply(503)], UNSAVED, Kind.SERVER, asked=5, part=True),
    "HTML with 200": Case(
        [Reply(body=b"<html>", headers={"Content-Type": "text/html"})], UNSAVED, Kind.BAD_CONTENT, asked=1
    ),
    "HTML that says PNG": Case([png(b"<!doctype html>" * 9)], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "JSON with 200": Case([Reply(body={"detail": "x"})], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "SVG with a script": Case(
        [Reply(body=SVG, headers={"Content-Type": "image/svg+xml"})], UNSAVED, Kind.BAD_CONTENT, asked=1
    ),
    "SVG with a coded handler": Case(
        [png(b'<svg xmlns="http://www.w3.org/2000/svg" o&#110;load="x()"/>')], UNSAVED, Kind.BAD_CONTENT, asked=1
    ),
    "SVG with a script in pieces": Case(
        [png(b'<svg xmlns="http://www.w3.org/2000/svg"><a href="java&#10;scr\tipt:x()"/></svg>')],
        UNSAVED,
        Kind.BAD_CONTENT,
        asked=1,
    ),
    "SVG that says PNG": Case([png(SVG)], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "a script inside a picture": Case([png(PNG + b"<html><script>alert(1)</script>")], SAVED, asked=1),
    "a video's type on a picture": Case(
        [Reply(body=PNG, headers={"Content-Type": "video/mp4"})], SAVED, data=PNG, asked=1
    ),
    "empty": Case([png(b"")], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "gzip bomb": Case([png(BOMB, headers={"Content-Encoding": "gzip"})], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "gzip bomb, unsaid": Case([png(BOMB)], UNSAVED, Kind.BAD_CONTENT, asked=1),
    "deflate": Case([png(zlib.compress(PNG), headers={"Content-Encoding": "deflate"})], UNSAVED, Kind.BAD_CONTENT),
    "gone between poll and download": Case([Reply(403)], EXPIRED, Kind.EXPIRED, asked=2, part=True),
    "gone once, then at its fresh address": Case([Reply(404), png()], SAVED, data=PNG, asked=2),
    "never an answer": Case([Reply(drop=True)], UNSAVED, Kind.NETWORK, asked=5, part=True),
}


def play(fal: FalServer, replies: Sequence[Reply | Callable[[Call], Reply]]) -> None:
    left = list(replies)

    def answer(call: Call) -> Reply:
        with fal.changed:
            reply = left.pop(0) if len(left) > 1 else left[0]
        return reply(call) if callable(reply) else reply

    fal.on["file"] = answer


@pytest.fixture
def open_patiently(fal: FalServer, tmp_path: Path) -> Iterator[Callable[..., Workshop]]:
    with ExitStack() as stack:

        def opened(**settings: Any) -> Workshop:
            where = places(tmp_path)
            patience = replace(QUICK, read=0.4, head=0.4)
            shop = Workshop(Studio(settings_for(fal.url, **settings), where, patience), where)
            shop.studio.start()
            stack.callback(shop.studio.stop, 5.0)
            return shop

        yield opened


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_a_host_does_and_what_comes_of_it(
    fal: FalServer, open_patiently: Callable[..., Workshop], case: Case
) -> None:
    shop = open_patiently(**case.settings)
    play(fal, case.replies)
    (job,), (item,) = shop.make()
    assert job.phase is Phase.SUCCEEDED
    assert item.save_state is case.state, item.storage_error
    assert (item.storage_error.kind if item.storage_error else None) is case.kind
    assert on_disk(shop.locations, "items")[item.id]["save_state"] == case.state.value
    if case.state is SAVED:
        assert len(shop.media_files()) == 1
        assert case.data is None or shop.file(item) == case.data
        assert shop.media_files()[0].endswith(".png")
        assert shop.part_files() == []
    else:
        assert (item.path, shop.media_files()) == (None, [])
        assert shop.part_files() == [] or case.part
    if case.asked is not None:
        assert fal.count("file") == case.asked
    assert fal.count("submit") == 1


def test_credentials_stay_with_the_first_origin(fal: FalServer, tmp_path: Path) -> None:
    with fal_server() as other:
        fal.script("file", Reply(302, b"", {"Location": f"{other.url}/files/a.png"}))
        limits = Limits(MediaHosts(loopback=(fal.netloc, other.netloc)), 1 << 20)
        downloader = Downloader(QUICK)
        with PartFile(tmp_path / "parts" / "x.part") as part:
            headers = {"Authorization": "Key secret", "Cookie": "a=b"}
            downloader.fetch(f"{fal.url}/files/a.png", part, limits, headers, lambda *_: None)
            assert part.size == len(PNG)
        downloader.close()
        assert fal.of("file")[0].headers["authorization"] == "Key secret"
        assert {"authorization", "cookie"}.isdisjoint(other.of("file")[0].headers)


def test_credentials_do_not_go_along_to_a_signed_address_elsewhere(fal: FalServer, tmp_path: Path) -> None:
    fal.script("file", Reply(403))
    with fal_server() as other, PartFile(tmp_path / "x.part") as part:
        limits = Limits(MediaHosts(loopback=(fal.netloc, other.netloc)), 1 << 20)
        downloader = Downloader(QUICK)
        signed = f"{other.url}/files/a.png?sig=s"
        downloader.fetch(
            f"{fal.url}/files/a.png",
            part,
            limits,
            {"Authorization": "Key secret"},
            lambda *_: None,
            sign=lambda _: signed,
        )
        downloader.close()
        assert [call.headers.get("authorization") for call in other.of("file")] == [None]


def test_an_ordinary_vector_picture_is_saved(fal: FalServer, shop: Workshop) -> None:
    data = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9"/></svg>'
    fal.script("file", Reply(body=data, headers={"Content-Type": "image/svg+xml"}))
    _, (item,) = shop.make()
    assert (item.save_state, shop.file(item), (item.path or "")[-4:]) == (SAVED, data, ".svg")


# -- hosts


def asked(shop: Workshop) -> list[HostAsked]:
    return [event for event in shop.events if isinstance(event, HostAsked)]


def at(fal: FalServer, *urls: str) -> None:
    fal.script("result", Reply(body={"images": [{"url": url, "content_type": "image/png"} for url in urls]}))


def test_an_unknown_host_is_asked_for_and_nothing_goes_there_before(fal: FalServer, opener: Opener) -> None:
    at(fal, "https://media.example.invalid/a.png", "https://media.example.invalid/b.png")
    shop = opener()
    _, items = shop.make()
    assert {i.storage_error.host for i in items if i.storage_error} == {"media.example.invalid"}
    assert {event.item_id for event in asked(shop)} == {item.id for item in items}
    first, second = items
    shop.studio.allow_host("media.example.invalid", [first.id]).result(20)
    shop.studio.save([first.id, second.id]).result(20)
    kinds = {i.id: i.storage_error.kind for i in shop.items() if i.storage_error}
    # Allowed once, the first goes there (and no such name exists); the second still waits for an answer.
    assert kinds == {first.id: Kind.NETWORK, second.id: Kind.REFUSED_HOST}


def test_a_refused_host_is_not_asked_for_again_at_the_next_start(fal: FalServer, opener: Opener) -> None:
    at(fal, "https://media.example.invalid/a.png")
    first = opener()
    first.make()
    first.studio.stop(5.0)
    again = opener()
    again.studio.open_project("demo").result(20)
    (item,) = again.items()
    again.studio.wait([item.job or ""]).result(20)
    assert (asked(again), again.items()[0].storage_error) == ([], item.storage_error)


@pytest.mark.parametrize(
    "url",
    ["https://10.0.0.1/x", "https://localhost/x", "https://printer.local/x", "https://[::1]/x", "http://a.example/x"],
)
def test_what_is_inside_a_network_is_refused_and_never_asked(fal: FalServer, opener: Opener, url: str) -> None:
    at(fal, url)
    shop = opener()
    _, (item,) = shop.make()
    assert item.storage_error is not None
    assert (item.storage_error.kind, item.storage_error.host, asked(shop)) == (Kind.REFUSED_HOST, "", [])


def test_always_allows_this_run_and_the_next(fal: FalServer, opener: Opener) -> None:
    with fal_server() as other:
        at(fal, f"{other.url}/files/a.png")
        shop = opener()
        _, (item,) = shop.make()
        assert item.save_state is UNSAVED
        shop.studio.allow_host(other.netloc, always=True).result(20)
        assert shop.studio.save([item.id]).result(20).saved == (item.id,)
        assert other.netloc in shop.locations.config_file.read_text("utf-8")
    assert fal.count("submit") == 1


# -- order, waiting, not keeping


def test_what_expires_first_is_saved_first(fal: FalServer, opener: Opener) -> None:
    fal.outputs = [f"/files/{n}.png" for n in range(4)]
    fal.files = dict.fromkeys(fal.outputs, PNG)
    shop = opener(save_policy=SavePolicy.URL_ONLY, concurrent_saves=1)
    _, items = shop.make()
    project = shop.studio._core.library.open("demo")
    for number, item in enumerate(items):
        expires = now() + 1000 - 100 * number if number else None
        project.edit_item(item.id, partial(replace, url_expires_at=expires))
    report = shop.studio.save_to_disk("demo", url_only=True).result(20)
    assert len(report.saved) == 4
    assert [call.path for call in fal.of("file")] == [f"/files/{n}.png" for n in (3, 2, 1, 0)]


async def test_a_place_is_never_lost() -> None:
    turns, order, ready = Turns(1), [], asyncio.Event()

    async def go(name: str, urgency: float) -> None:
        async with turns.turn(urgency):
            order.append(name)
            await ready.wait()

    first = asyncio.create_task(go("first", 9))
    await asyncio.sleep(0)
    late, gone, soon = (asyncio.create_task(go(n, u)) for n, u in (("late", 5), ("gone", 2), ("soon", 1)))
    await asyncio.sleep(0)
    gone.cancel()
    ready.set()
    await asyncio.gather(first, late, soon)
    assert order == ["first", "soon", "late"]
    await go("after", 0)


PAGE = Reply(body=b"<html>one moment</html>", headers={"Content-Type": "text/html"})


@pytest.mark.parametrize("reply", [Reply(503), PAGE], ids=["busy", "a page"])
def test_a_save_that_may_pass_says_when_it_is_tried_again(fal: FalServer, opener: Opener, reply: Reply) -> None:
    fal.script("file", reply)
    shop = opener()
    _, (item,) = shop.make()
    when = shop.until(lambda: shop.studio.next_try(item.id))
    assert 15 < when - time.time() <= 20
    fal.script("file", None)
    assert shop.studio.retry_all().result(20).saved == (item.id,)
    shop.until(lambda: shop.studio.next_try(item.id) is None)


def test_a_page_in_place_of_a_file_is_tried_again_by_itself(
    fal: FalServer, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediatui.studio.unattended.AGAIN_SECONDS", (0.05, 0.05))
    fal.script("file", PAGE, PAGE, None)
    shop = opener()
    shop.make()
    item = shop.until(lambda: next((item for item in shop.items() if item.save_state is SAVED), None))
    assert (shop.file(item), fal.count("file"), fal.count("submit")) == (PNG, 3, 1)


def test_many_failures_are_one_notice(fal: FalServer, opener: Opener) -> None:
    fal.outputs = [f"/files/{n}.png" for n in range(12)]
    fal.files = dict.fromkeys(fal.outputs, b"<html>")
    shop = opener()
    _, items = shop.make()
    shop.until(lambda: any(n.title == "Not saved" for n in shop.notices))
    told = [notice for notice in shop.notices if notice.title == "Not saved"]
    assert len(told) <= 3
    assert sum("item" in notice.message for notice in told) >= 1
    assert len(items) == 12


def given_up(fal: FalServer, opener: Opener) -> tuple[Workshop, TrashEntry]:
    """A studio that keeps nothing unsaved, and what it put into the trash."""
    fal.script("file", Reply(body=b"<html>" * 9, headers=TYPED))
    shop = opener(keep_unsaved=False)
    shop.make()
    shop.until(lambda: shop.items() == [])
    (entry,) = shop.studio.organise.trashed("demo").result(20)
    return shop, entry


def test_not_keeping_unsaved_puts_them_into_the_trash_and_says_so(fal: FalServer, opener: Opener) -> None:
    shop, entry = given_up(fal, opener)
    shop.until(lambda: any("trash" in notice.hint for notice in shop.notices))
    fal.script("file", None)
    shop.studio.organise.restore("demo", entry.id).result(20)
    (item,) = shop.items()
    assert item.url is not None
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
    assert fal.count("submit") == 1


def test_what_was_restored_stays_also_when_it_fails_again(fal: FalServer, opener: Opener) -> None:
    shop, entry = given_up(fal, opener)
    shop.studio.organise.restore("demo", entry.id).result(20)
    shop.studio.stop(5.0)
    again = opener(keep_unsaved=False)
    again.studio.open_project("demo").result(20)
    again.until(lambda: (told := again.items()[0].storage_error) and told.attempts == 2)
    assert again.studio.organise.trashed("demo").result(20) == ()
    assert len(again.items()) == 1


# -- capabilities, unknown jobs, adoption


def test_capabilities_are_those_of_the_provider(fal: FalServer, shop: Workshop) -> None:
    assert "cancel" in shop.studio.capabilities("fal").result(20)
    assert shop.studio.capabilities("nobody").result(20) == frozenset()


def test_only_an_unknown_job_can_be_given_up(fal: FalServer, shop: Workshop) -> None:
    (done,), _ = shop.make()
    with pytest.raises(UsageError, match="not unknown"):
        shop.studio.forget_job(done.id).result(20)
    fal.script("submit", Reply(drop=True))
    (lost,) = shop.send()
    assert lost.phase is Phase.UNKNOWN
    shop.studio.forget_job(lost.id).result(20)
    assert shop.studio.find_job(lost.id) is None
    assert lost.id not in on_disk(shop.locations, "jobs")


def test_files_nobody_knows_become_items(fal: FalServer, shop: Workshop) -> None:
    shop.make()
    folder = shop.project_folder() / "images"
    (folder / "found.png").write_bytes(BIG)
    (folder / "no.png").write_bytes(b"not a picture")
    report = shop.studio.adopt("demo").result(20)
    assert [(i.path, i.width) for i in report.items] == [("images/found.png", 1100)]
    assert [path.name for path, _ in report.refused] == ["no.png"]
    assert shop.studio.adopt("demo").result(20).items == ()
    with pytest.raises(UsageError, match="not a file of this project"):
        shop.studio.adopt("demo", [folder / "found.png"]).result(20)
    assert {item.save_state for item in shop.items()} == {SAVED}


@pytest.mark.parametrize("status", [429, 503])
def test_who_wants_to_be_left_alone_for_long_is(fal: FalServer, opener: Opener, status: int) -> None:
    fal.script("file", Reply(status, {}, {"Retry-After": "600"}), png())
    shop = opener()
    _, (item,) = shop.make()
    assert (item.save_state, fal.count("file")) == (UNSAVED, 1)
    at = shop.until(lambda: shop.studio.next_try(item.id), "the time of the next try")
    assert now() + 500 < at <= now() + 600
    assert shop.studio.save([item.id]).result(20).saved == (item.id,)
