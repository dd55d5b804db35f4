"""A machine whose clock is wrong finds its lost requests all the same: services name the time with every answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing, closing
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.fal_server import FalServer
from tests.support.loopback import Call, LoopbackService, Reply
from tests.support.piapi_server import PiAPIServer
from tests.support.provider_jobs import make_job
from tests.support.replicate_server import ReplicateServer

from mediatui.providers.base import Provider
from mediatui.providers.fal import FalProvider
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.piapi import PiAPIHosts, PiAPIProvider
from mediatui.providers.replicate import ReplicateHosts, ReplicateProvider
from mediatui.settings import Secret

KEY = Secret("key-of-a-test")
Taken = Callable[[], float]
"""When the service took the request, by its own clock."""


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _replicate(taken: Taken) -> tuple[LoopbackService, Provider, str]:
    server = ReplicateServer()
    entry = server.prediction("processing", created_at=_iso(taken()))
    server.script("list", Reply(body={"next": None, "results": [entry]}))
    return server, ReplicateProvider(ReplicateHosts(api=server.api), KEY), "acme/painter"


def _piapi(taken: Taken) -> tuple[LoopbackService, Provider, str]:
    server = PiAPIServer()

    def history(call: Call) -> Reply:
        asked = float(call.params["start_time"][0]) <= taken() <= float(call.params["end_time"][0])
        rows = [{"task_id": "t1"}] if asked else []
        return Reply(body={"code": 200, "data": {"total": len(rows), "list": rows}})

    server.on["history"] = history
    hosts = PiAPIHosts(api=server.url, upload=server.url)
    return server, PiAPIProvider(hosts, KEY), "Qubico/flux1-schnell/txt2img"


def _fal(taken: Taken) -> tuple[LoopbackService, Provider, str]:
    server = FalServer()

    def history(call: Call) -> Reply:
        asked = call.params["start"][0] <= _iso(taken())
        entry = {"request_id": "r1", "sent_at": _iso(taken()), "json_input": {"prompt": "a fox"}}
        return Reply(body={"items": [entry] if asked else [], "has_more": False})

    server.on["history"] = history
    return server, FalProvider(FalHosts(queue=server.url, api=f"{server.url}/v1"), KEY), "fal-ai/test"


@pytest.mark.parametrize("ahead", [-7200.0, 0.0, 7200.0])
@pytest.mark.parametrize("service", [_replicate, _piapi, _fal])
async def test_a_lost_request_is_found_by_the_clock_of_the_service(service: Any, ahead: float) -> None:
    sent = time.time()
    server, provider, model = service(lambda: sent + ahead + 1)
    with closing(server):
        server.clock_ahead = ahead
        async with aclosing(provider):
            found = await provider.reconcile(make_job(provider.name, model, submitted_at=sent))
        assert found is not None
        assert not server.submits
