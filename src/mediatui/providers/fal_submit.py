"""Sending one request to fal, once: into the queue, or directly for models that are set so.

Whatever leaves open whether it was taken is AMBIGUOUS_SUBMIT; nothing is ever sent a second time, but to the
second domain when no byte could have reached the first.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job, Phase
from mediatui.providers.answers import identifier
from mediatui.providers.base import Submitted
from mediatui.providers.connection import connection_words
from mediatui.providers.exchange import Answer, BrokenAnswer
from mediatui.providers.fal_hosts import FalHosts, is_model_id, model_path
from mediatui.providers.fal_options import FalOptions
from mediatui.providers.fal_wire import DIRECT_SECONDS, FalWire, error_of
from mediatui.providers.http import LOOK_FOR_IT, NEVER_SENT, encode
from mediatui.providers.lost import LostRequest
from mediatui.text import clean_text, one_line

REQUEST_ID = "x-fal-request-id"
ANSWERED = "direct:"
"""Begins the id that we give a direct request when the service gives it none."""
WHICH = "Check the model's id; `mediatui models` lists what there is."

_AMBIGUOUS_STATUSES = frozenset({303, 408, 409, 499})
"""Besides 5xx: answers to a submit after which it may be in the queue all the same."""


class FalSender:
    """Sends requests for one account."""

    def __init__(self, wire: FalWire, hosts: FalHosts, options: FalOptions, title: str) -> None:
        self._wire, self._hosts, self._options, self._title = wire, hosts, options, title

    def is_direct(self, model: str) -> bool:
        """The model answers on the connection that asks."""
        return model.strip("/") in self._options.direct

    async def send(self, job: Job) -> Submitted:
        """Send it once. Raises `ProviderError`."""
        path = model_path(job.model)
        if not is_model_id(path):
            raise ProviderError(ErrorKind.NOT_FOUND, f"{job.model!r} is no model id; nothing was sent", hint=WHICH)
        direct = self.is_direct(job.model)
        answer = await self._offer(path, encode(dict(job.inputs)), direct=direct)
        if answer.status in _AMBIGUOUS_STATUSES or (answer.status >= 500 and not (direct and _is_verdict(answer))):
            raise self._ambiguous(f"HTTP {answer.status}", answer.headers)
        if not answer.ok:
            error = error_of(answer, "sending the request")
            if error.kind is ErrorKind.NOT_FOUND:
                raise ProviderError(error.kind, error.message, hint=WHICH, code=error.code, status=error.status)
            raise error
        return self._answered(answer, path) if direct else self._submitted(answer, path)

    async def _offer(self, path: str, body: bytes, *, direct: bool) -> Answer:
        hosts = self._hosts
        pair = (hosts.run, hosts.run_backup) if direct else (hosts.queue, hosts.backup)
        failure: Exception = httpx.ConnectError("no address to send to")
        for base in (base for base in pair if base):
            try:
                seconds = DIRECT_SECONDS if direct else None
                return await self._wire.post_once(f"{base}/{path}", body, self._options.headers, seconds)
            except NEVER_SENT as exc:
                failure = exc
            except BrokenAnswer as exc:
                raise self._ambiguous(str(exc), exc.headers) from None
            except httpx.HTTPError as exc:
                raise self._ambiguous(connection_words(exc)) from None
        raise ProviderError(
            ErrorKind.TRANSIENT,
            f"{self._title} could not be reached ({connection_words(failure)}); nothing was sent",
            hint="Check the network, then generate again.",
        )

    def _submitted(self, answer: Answer, path: str) -> Submitted:
        document = answer.document
        remote_id = identifier(document.get("request_id") or answer.headers.get(REQUEST_ID))
        if not remote_id:
            raise self._ambiguous("an answer without a request id")
        names = ("status_url", "response_url", "cancel_url")
        urls = {n: clean_text(document[n]) for n in names if isinstance(document.get(n), str) and document[n]}
        return Submitted(
            remote_id=remote_id,
            urls={**self._hosts.request_urls(path, remote_id), **urls},
            position=count(document.get("queue_position")),
        )

    def _answered(self, answer: Answer, path: str) -> Submitted:
        """A direct answer is the result itself; whatever it is, it was paid for and is kept."""
        remote_id = one_line(answer.headers.get(REQUEST_ID, ""), 200)
        return Submitted(remote_id or f"{ANSWERED}{path}", phase=Phase.SUCCEEDED, raw=answer.body)

    def _ambiguous(self, why: str, headers: Mapping[str, str] | None = None) -> ProviderError:
        seen = one_line((headers or {}).get(REQUEST_ID, ""), 200)
        return LostRequest(
            f"{self._title} gave no clear answer to the request ({why}); it may have been accepted and billed",
            hint=f"It is looked for at the provider. {LOOK_FOR_IT}",
            remote_id=seen or None,
        )


def _is_verdict(answer: Answer) -> bool:
    """The model itself says that it failed: direct requests are not tried again by the service."""
    return isinstance(answer.document.get("detail"), list)


def count(value: object) -> int | None:
    """A place in a queue; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
