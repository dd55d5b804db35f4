"""Lost requests of two windows that are alike: each gets one of those that are at the service."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from tests.studio.conftest import Opener
from tests.support.fal_server import Call, FalServer, Reply


def test_two_windows_that_search_at_once_find_each_its_own(fal: FalServer, opener: Opener) -> None:
    fal.script("submit", Reply(drop=True))
    both = threading.Barrier(2)

    def history(call: Call) -> Reply:
        if fal.count("submit") < 2:
            return Reply(body={"items": [], "has_more": False})
        try:
            both.wait(1)  # as slow as a service may be: the other window asks meanwhile, if it does at all
        except threading.BrokenBarrierError:
            pass
        stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        items = [{"request_id": i, "sent_at": stamp, "json_input": fal.submits[0].json} for i in ("r8", "r9")]
        return Reply(body={"items": items, "has_more": False})

    fal.on["history"] = history
    one, two = opener(), opener()
    lost = [shop.send()[0].id for shop in (one, two)]
    searches = [shop.studio.recheck([job]) for shop, job in zip((one, two), lost, strict=True)]
    for search in searches:
        search.result(20)
    ended = [shop.studio.wait([job]).result(20)[0] for shop, job in zip((one, two), lost, strict=True)]
    assert sorted((str(job.phase), str(job.remote_id)) for job in ended) == [("succeeded", "r8"), ("succeeded", "r9")]
    assert fal.count("submit") == 2
