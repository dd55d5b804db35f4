"""Bringing the answer of a finished request: asked for as often as that can help, and not for ever."""

from __future__ import annotations

import asyncio

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job
from mediatui.providers.answers import TooDeep, read_json
from mediatui.providers.discovery import media_by_bytes
from mediatui.providers.exchange import Answer
from mediatui.providers.fal_errors import says_not_again
from mediatui.providers.fal_history import find_requests
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.fal_submit import ANSWERED
from mediatui.providers.fal_wire import FalWire, error_of_question

AT_ONCE_BYTES = 1 << 18
"""An answer up to this length is parsed where it arrives, a longer one (it holds pictures) in a thread."""
VERDICT_TIMES = 6
"""So often in a row the model's own 5xx is heard before it is believed: a passing one looks the same."""
WORDS_TIMES = 10
"""The same for a 5xx in the service's words, and for an answer that is no JSON."""

_DOING = "fetching the result"
_GOING = ("IN_QUEUE", "IN_PROGRESS")
_AGAIN = "Asking again costs nothing: “Ask again” in the jobs screen, or `mediatui jobs retry`."


class FalResults:
    """Asks for results; remembers which answers it heard before."""

    def __init__(self, wire: FalWire, hosts: FalHosts) -> None:
        self._wire, self._hosts = wire, hosts
        self._heard: dict[str, tuple[str, int]] = {}

    async def bring(self, job: Job, url: str) -> bytes:
        """The model's answer, as it came. "Still in progress", and what may pass, are transient.

        The queue keeps it for minutes to hours only; the account's history is asked after that.
        """
        if (job.remote_id or "").startswith(ANSWERED):
            raise ProviderError(ErrorKind.EXPIRED, "it was answered directly, without an id to ask for it again")
        answer = await self._wire.send("GET", url, _DOING)
        if answer.ok:
            await self._check(job, answer)
            self._heard.pop(job.id, None)
            return answer.body
        error = error_of_question(answer, _DOING)
        if answer.status == 400 and "in progress" in error.message.lower():
            raise ProviderError(ErrorKind.TRANSIENT, error.message, status=answer.status)
        if error.kind is ErrorKind.TRANSIENT:
            self._believe(job, answer, error)
        if error.kind in (ErrorKind.NOT_FOUND, ErrorKind.EXPIRED):
            return await self._kept(job, error)
        raise error

    async def _check(self, job: Job, answer: Answer) -> None:
        """Raise TRANSIENT unless it is worth writing down: what is broken may come whole when it is asked for again."""
        if await _is_json(answer.body):
            if _is_going(answer):
                raise ProviderError(ErrorKind.TRANSIENT, "the request is still in progress", status=answer.status)
        elif media_by_bytes(answer.body[:64]) is None and self._times(job, "broken") < WORDS_TIMES:
            raise ProviderError(ErrorKind.TRANSIENT, "the provider answered something else than a result")

    def _believe(self, job: Job, answer: Answer, error: ProviderError) -> None:
        """Raise a 5xx in the service's own words as what it is when it was heard often enough: the job failed."""
        if not isinstance(detail := answer.document.get("detail"), (str, list)):
            return
        final = isinstance(detail, list) or says_not_again(answer.headers)
        if self._times(job, f"{answer.status} {error.code}") >= (VERDICT_TIMES if final else WORDS_TIMES):
            self._heard.pop(job.id, None)
            raise ProviderError(ErrorKind.INTERNAL, error.message, hint=_AGAIN, code=error.code, status=error.status)

    def _times(self, job: Job, what: str) -> int:
        """How often in a row this was the answer, now counted."""
        before, times = self._heard.get(job.id, ("", 0))
        times = times + 1 if before == what else 1
        self._heard[job.id] = what, times
        return times

    async def _kept(self, job: Job, error: ProviderError) -> bytes:
        """The answer as the account's history has it. Raises what the model said instead, or EXPIRED."""
        try:
            found = await find_requests(self._wire, self._hosts, job, ())
        except ProviderError:
            found = []
        ended = found[0].answered() if len(found) == 1 else None
        if ended is not None and ended.error is not None:
            raise ended.error
        if ended is not None and ended.raw is not None:
            return ended.raw
        raise ProviderError(
            ErrorKind.EXPIRED,
            "the provider no longer has the result of this request",
            hint="Results are kept for minutes to days; the request id is in the job's details.",
            code=error.code,
            status=error.status,
        )


def _is_going(answer: Answer) -> bool:
    """It is a status in the place of a result."""
    if len(answer.body) > AT_ONCE_BYTES:
        return False
    document = answer.document
    return document.get("status") in _GOING and "response" not in document


async def _is_json(body: bytes) -> bool:
    """It can be read, or is nested too deeply for that, which stays so."""

    def parse() -> bool:
        try:
            read_json(body)
        except ValueError as exc:
            return isinstance(exc, TooDeep)
        return True

    return parse() if len(body) < AT_ONCE_BYTES else await asyncio.to_thread(parse)
