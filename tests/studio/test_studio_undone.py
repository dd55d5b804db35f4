"""Undo and redo while saves and jobs run: what goes away is let go of first, as when a verb takes it away."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest
from tests.studio.conftest import Opener
from tests.studio.test_studio_save import TYPED, saved_whole
from tests.support.fal_server import BIG, FalServer, Reply
from tests.support.workshop import SECONDS, Workshop

from mediatui.errors import UsageError
from mediatui.model import MediaItem, Phase, SavePolicy, SaveState
from mediatui.studio.requests import SaveReport


def held_save(fal: FalServer, shop: Workshop, item: MediaItem, go: threading.Event) -> Future[SaveReport]:
    """Begin to save an item; its bytes stop in the middle until `go`."""
    fal.on["file"] = lambda call: Reply(body=BIG, headers=TYPED, hold_body=(500_000, go))
    saving = shop.studio.save([item.id])
    shop.until(lambda: any(i.save_state is SaveState.SAVING for i in shop.items(item.project)))
    fal.wait_for("file")
    return saving


def test_redoing_a_trashing_lets_go_of_the_save(fal: FalServer, opener: Opener) -> None:
    shop, go = opener(save_policy=SavePolicy.ON_DEMAND), threading.Event()
    _, (item,) = shop.make()
    shop.studio.organise.trash([item.id]).result(SECONDS)
    shop.studio.organise.undo().result(SECONDS)
    held_save(fal, shop, item, go)
    redone = shop.studio.organise.redo()
    go.set()
    assert redone.result(SECONDS)
    shop.studio.refresh("demo").result(SECONDS)
    assert (shop.items(), shop.media_files()) == ([], [])
    assert [notice.message for notice in shop.notices] == []
    shop.studio.organise.undo().result(SECONDS)
    assert [i.save_state for i in shop.items()] == [SaveState.UNSAVED]
    assert shop.studio.save([item.id]).result(SECONDS).saved == (item.id,)
    assert saved_whole(shop, shop.items()[0], BIG)


@pytest.mark.parametrize("verb", ["undo", "move"])
def test_a_move_that_is_refused_leaves_the_save_alone(fal: FalServer, opener: Opener, verb: str) -> None:
    shop, go = opener(save_policy=SavePolicy.URL_ONLY), threading.Event()
    _, (item,) = shop.make()
    shop.studio.organise.move([item.id], "Other").result(SECONDS)
    (moved,) = shop.items("other")
    saving = held_save(fal, shop, moved, go)
    desk = shop.studio.organise
    with pytest.raises(UsageError, match="before the bytes are here"):
        (desk.undo() if verb == "undo" else desk.move([item.id], "demo")).result(SECONDS)
    go.set()
    assert saving.result(SECONDS).saved == (item.id,)
    assert shop.file(shop.items("other")[0]) == BIG
    undone = desk.undo().result(SECONDS)
    assert (undone and undone.label, [each.id for each in shop.items()]) == (f"move {item.name} to Other", [item.id])
    assert shop.file(shop.items()[0]) == BIG


def test_redoing_a_deletion_lets_go_of_the_jobs(fal: FalServer, shop: Workshop) -> None:
    fal.on["status"] = lambda call: Reply(body={"status": "IN_PROGRESS", "logs": []})
    (job,) = shop.send()
    shop.studio.organise.delete_project("demo").result(SECONDS)
    shop.studio.organise.undo().result(SECONDS)
    asked = fal.count("status")
    shop.until(lambda: fal.count("status") > asked, "it is followed again")
    shop.studio.organise.redo().result(SECONDS)
    assert job.id not in shop.studio._making._followers
    assert not shop.project_folder().exists()
    asked = fal.count("status")
    shop.studio.organise.undo().result(SECONDS)
    shop.until(lambda: fal.count("status") > asked)
    del fal.on["status"]
    assert shop.studio.wait([job.id]).result(SECONDS)[0].phase is Phase.SUCCEEDED
    assert fal.count("submit") == 1
    assert [notice.message for notice in shop.notices] == []
