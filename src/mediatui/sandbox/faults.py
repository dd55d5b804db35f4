"""The failures people meet, on demand: each is asked for by ``sandbox_fault`` or by a model of its own."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong with a request."""

    NONE = "none"
    REFUSED_PROMPT = "refused-prompt"
    EXHAUSTED_BALANCE = "exhausted-balance"
    SLOW_QUEUE = "slow-queue"
    JOB_FAILS = "job-fails"
    BROKEN_DOWNLOAD = "broken-download"
    ALWAYS_BROKEN_DOWNLOAD = "always-broken-download"
    EXPIRING_URL = "expiring-url"
    SINGLE_LOOK_URL = "single-look-url"
    RESULT_504_ONCE = "result-504-once"
    DROPPED_SUBMIT = "dropped-submit"

    @property
    def words(self) -> str:
        """What happens, in one sentence."""
        return _WORDS[self]


_WORDS = {
    Fault.NONE: "Nothing goes wrong.",
    Fault.REFUSED_PROMPT: "The prompt is refused: the result answers 422 content_policy_violation.",
    Fault.EXHAUSTED_BALANCE: "The account has no money left: submitting answers 403.",
    Fault.SLOW_QUEUE: "The request waits in the queue for sandbox_fault_seconds while its position counts down.",
    Fault.JOB_FAILS: "The job ends with an error half way.",
    Fault.BROKEN_DOWNLOAD: "The first download of a file breaks off half way; resuming works.",
    Fault.ALWAYS_BROKEN_DOWNLOAD: "Every download breaks off in the middle of the file.",
    Fault.EXPIRING_URL: "The file is gone sandbox_fault_seconds after it was made.",
    Fault.SINGLE_LOOK_URL: "The file is gone after it was asked for once.",
    Fault.RESULT_504_ONCE: "The result answers 504 once, then it is there.",
    Fault.DROPPED_SUBMIT: "The request is accepted, but the connection breaks before the answer.",
}

DEFAULT_SECONDS = 6.0
"""How long a slow queue is slow and an expiring file lives, unless asked otherwise."""
