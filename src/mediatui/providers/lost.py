"""Which of an account's requests is the one whose submit had no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mediatui.errors import ErrorKind, ProviderError
from mediatui.model import Job
from mediatui.providers.base import Submitted

CLOCK_SKEW_SECONDS = 60.0
LONGEST_SUBMIT_SECONDS = 240.0
"""A submit gives up before; what was made later is another request."""


def lost_window(job: Job, clock_ahead: float) -> tuple[float, float]:
    """The times, by the service's clock, between which it must have taken the request."""
    sent = (job.submitted_at or job.created_at) + clock_ahead
    return sent - CLOCK_SKEW_SECONDS, sent + LONGEST_SUBMIT_SECONDS


def same_inputs(said: object, sent: object, *, defaults: bool = False) -> bool:
    """The same names and values; a file that travelled in the request may be shown under another address.

    With `defaults`, the service may have added what was not sent.
    """
    if isinstance(sent, str) and sent.startswith("data:"):
        return isinstance(said, str)
    if isinstance(sent, Mapping):
        if not isinstance(said, Mapping) or not (said.keys() >= sent.keys()):
            return False
        exact = defaults or len(said) == len(sent)
        return exact and all(same_inputs(said[name], value, defaults=defaults) for name, value in sent.items())
    if isinstance(sent, (list, tuple)):
        return (
            isinstance(said, list)
            and len(said) == len(sent)
            and all(same_inputs(one, other, defaults=defaults) for one, other in zip(said, sent, strict=True))
        )
    return said == sent


class SeveralFound(ProviderError):
    """More than one request is like the job's: which is its own cannot be told from them alone."""

    def __init__(self, found: Sequence[Submitted]) -> None:
        super().__init__(ErrorKind.AMBIGUOUS_SUBMIT, f"{len(found)} requests are like this one")
        self.found = tuple(found)


def the_only(found: Sequence[Submitted]) -> Submitted | None:
    """The request that was looked for; None when there is none. Raises `SeveralFound`."""
    if len(found) > 1:
        raise SeveralFound(found)
    return found[0] if found else None


class LostRequest(ProviderError):
    """A submit without a clear answer; `remote_id` is the request's id when at least that was seen."""

    def __init__(self, message: str, *, hint: str = "", remote_id: str | None = None) -> None:
        super().__init__(ErrorKind.AMBIGUOUS_SUBMIT, message, hint=hint)
        self.remote_id = remote_id
