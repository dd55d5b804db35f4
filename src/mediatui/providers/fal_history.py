"""The account's request history at fal: where a request is found whose submit had no answer."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mediatui.model import Job, Phase
from mediatui.providers.answers import epoch, parse_object
from mediatui.providers.base import Submitted
from mediatui.providers.fal_errors import error_from_response
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_wire import FalWire
from mediatui.providers.lost import same_inputs
from mediatui.text import one_line

MOST_PAGES = 10
_CLOCK_SKEW = 60.0
_LONGEST_SUBMIT = 900.0
"""Seconds after a submit began within which the service must have counted it as sent."""


@dataclass(frozen=True, slots=True)
class FoundRequest:
    """One request in the history."""

    remote_id: str
    model: str
    entry: Mapping[str, Any]

    def queued(self, hosts: FalHosts) -> Submitted:
        """As the queue would have answered."""
        return Submitted(remote_id=self.remote_id, urls=hosts.request_urls(self.model, self.remote_id))

    def answered(self) -> Submitted | None:
        """As the direct connection would have answered; None while it has not ended."""
        status, output = self.entry.get("status_code"), _unpacked(self.entry.get("json_output"))
        if not isinstance(status, int) or not self.entry.get("ended_at"):
            return None
        raw = json.dumps(output).encode("utf-8", "replace")
        if status < 400:
            return Submitted(self.remote_id, phase=Phase.SUCCEEDED, raw=raw) if output is not None else None
        error = error_from_response(status, {}, raw, doing="the request ran")
        return Submitted(self.remote_id, phase=Phase.FAILED, error=error)


async def find_requests(wire: FalWire, hosts: FalHosts, job: Job, known: Collection[str]) -> list[FoundRequest]:
    """The request with the job's id, else those with the same input that were sent at that time; none of `known`.

    Raises `ProviderError`.
    """
    doing = "looking for the request"
    # The history tells times by the service's clock; ours may be wrong.
    began = (job.submitted_at or job.created_at) + (await wire.send("GET", hosts.api, doing)).clock_ahead
    params = {"endpoint_id": job.model.strip("/"), "expand": "payloads", "limit": "100", "start": _stamp(began)}
    if job.remote_id is not None:
        params["request_id"] = job.remote_id
    matches: dict[str, Mapping[str, Any]] = {}
    for _ in range(MOST_PAGES):
        address = f"{hosts.api}/models/requests/by-endpoint"
        document = (await wire.request("GET", address, doing, params=params)).document
        items = document.get("items")
        for entry in items if isinstance(items, list) else ():
            if isinstance(entry, Mapping) and _is_it(entry, job, began):
                matches[one_line(entry["request_id"], 200)] = entry
        cursor = document.get("next_cursor") if document.get("has_more", True) else None
        if not isinstance(cursor, str) or not cursor or cursor == params.get("cursor"):
            break
        params["cursor"] = cursor
    return [FoundRequest(name, job.model, entry) for name, entry in matches.items() if name not in known]


def _is_it(entry: Mapping[str, Any], job: Job, began: float) -> bool:
    remote_id = entry.get("request_id")
    if not isinstance(remote_id, str):
        return False
    if job.remote_id is not None:
        return one_line(remote_id, 200) == job.remote_id
    in_time = began - _CLOCK_SKEW <= _sent_at(entry) <= began + _LONGEST_SUBMIT
    return in_time and same_inputs(_unpacked(entry.get("json_input")), dict(job.inputs))


def _unpacked(payload: object) -> object:
    """A payload, also when it stands there as text."""
    return parse_object(payload.encode("utf-8", "replace")) or payload if isinstance(payload, str) else payload


def _stamp(began: float) -> str:
    return datetime.fromtimestamp(began - _CLOCK_SKEW, UTC).isoformat().replace("+00:00", "Z")


def _sent_at(entry: Mapping[str, Any]) -> float:
    """When the service counted it as sent; a time without a zone is in UTC. 0 where it says nothing."""
    times = (epoch(entry.get(name)) for name in ("sent_at", "started_at", "ended_at"))
    return next((time for time in times if time is not None), 0.0)
