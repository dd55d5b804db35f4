"""A server that wants to be left alone for a while: its file waits, and no other one waits with it."""

from __future__ import annotations

from tests.studio.conftest import Opener
from tests.support.fal_server import PNG, Call, FalServer, Reply

from mediatui.model import SaveState, now

TYPED = {"Content-Type": "image/png"}


def busy_once(fal: FalServer, seconds: str) -> None:
    """The first of two files is to be asked for again after some seconds."""
    fal.outputs = ["/files/busy.png", "/files/free.png"]
    asked: list[str] = []

    def answer(call: Call) -> Reply:
        asked.append(call.path)
        if call.path == "/files/busy.png" and asked.count(call.path) == 1:
            return Reply(429, {}, {"Retry-After": seconds})
        return Reply(body=PNG, headers=TYPED)

    fal.on["file"] = answer


def test_the_next_file_does_not_wait_with_it(fal: FalServer, opener: Opener) -> None:
    busy_once(fal, "30")
    shop = opener(concurrent_saves=1)
    shop.send()
    shop.until(lambda: [i.save_state for i in shop.items()] == [SaveState.UNSAVED, SaveState.SAVED], "the second one")
    busy, _ = shop.items()
    assert busy.storage_error is not None
    assert busy.storage_error.message == "the server answered 429"
    at = shop.until(lambda: shop.studio.next_try(busy.id), "the time of the next try")
    assert now() + 20 < at <= now() + 30
    shop.studio.organise.trash([busy.id]).result(20)  # which need not wait for it either
    assert [item.save_state for item in shop.items()] == [SaveState.SAVED]
    assert fal.count("file") == 2


def test_it_is_saved_when_the_pause_is_over(fal: FalServer, opener: Opener) -> None:
    busy_once(fal, "3")
    shop = opener(concurrent_saves=1)
    shop.make()
    assert [item.save_state for item in shop.items()] == [SaveState.SAVED, SaveState.SAVED]
    assert [call.path[7:11] for call in fal.of("file")] == ["busy", "free", "busy"]


def test_who_asks_for_it_does_not_wait(fal: FalServer, opener: Opener) -> None:
    busy_once(fal, "50")
    shop = opener()
    shop.send()
    busy = shop.until(lambda: next((i for i in shop.items() if shop.studio.next_try(i.id)), None), "the pause")
    assert shop.studio.save([busy.id]).result(20).saved == (busy.id,)
