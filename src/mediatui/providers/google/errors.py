"""Google's error bodies and refusals as one taxonomy.

Bodies: ``{"error": {"code", "message", "status", "details"}}`` (also as the only member of a list); the
Interactions API gives `code` as a word. Refusals by a filter come with HTTP 200 and are found by `finishReason`,
`blockReason` or ``raiFilteredReason``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import read_json
from mediatui.providers.problems import retry_after
from mediatui.text import one_line

_STATUSES: Mapping[str, ErrorKind] = {
    "INVALID_ARGUMENT": ErrorKind.INVALID_INPUT,
    "OUT_OF_RANGE": ErrorKind.INVALID_INPUT,
    "FAILED_PRECONDITION": ErrorKind.INVALID_INPUT,
    "UNAUTHENTICATED": ErrorKind.AUTH,
    "PERMISSION_DENIED": ErrorKind.AUTH,
    "NOT_FOUND": ErrorKind.NOT_FOUND,
    "RESOURCE_EXHAUSTED": ErrorKind.RATE_LIMITED,
    "CANCELLED": ErrorKind.CANCELLED,
    "UNAVAILABLE": ErrorKind.TRANSIENT,
    "DEADLINE_EXCEEDED": ErrorKind.TRANSIENT,
    "ABORTED": ErrorKind.TRANSIENT,
    "UNIMPLEMENTED": ErrorKind.UNSUPPORTED,
    "INVALID_REQUEST": ErrorKind.INVALID_INPUT,
    "PAYMENT_REQUIRED": ErrorKind.BILLING,
    "RATE_LIMIT_EXCEEDED": ErrorKind.RATE_LIMITED,
}
_HTTP: Mapping[int, ErrorKind] = {
    400: ErrorKind.INVALID_INPUT,
    401: ErrorKind.AUTH,
    402: ErrorKind.BILLING,
    403: ErrorKind.AUTH,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TRANSIENT,
    410: ErrorKind.EXPIRED,
    413: ErrorKind.INVALID_INPUT,
    429: ErrorKind.RATE_LIMITED,
    499: ErrorKind.CANCELLED,
}
_RPC_CODES: Mapping[int, str] = {
    1: "CANCELLED",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}
"""Numbers in the `error` of a long-running operation (google.rpc.Code)."""

_POLICY_WORDS = re.compile(
    r"safety|responsible ai|usage guidelines|prohibited|sensitive words|content polic|blocked by|\brai_", re.I
)
_BILLING_WORDS = re.compile(r"\bbilling\b|prepay credit|payment", re.I)
_KEY_WORDS = re.compile(r"api key (not valid|expired|not found)|API_KEY_(INVALID|EXPIRED)", re.I)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_DOCUMENT_DEPTH = 6

HINTS: Mapping[ErrorKind, str] = {
    ErrorKind.AUTH: "Check GEMINI_API_KEY, or for Vertex the project and the command that prints the token.",
    ErrorKind.BILLING: "Check billing of the Google Cloud project, then generate again; nothing was made.",
    ErrorKind.POLICY: "Change the prompt and generate again; Google's filter refused this one.",
    ErrorKind.INVALID_INPUT: "Correct the named input and generate again.",
    ErrorKind.RATE_LIMITED: "Wait a while, then try again; a request that was refused for this was not billed.",
    ErrorKind.NOT_FOUND: "The model may be retired, or not offered at this location; see the model list.",
}


def error_from_response(status: int, headers: Mapping[str, str], body: bytes, doing: str) -> ProviderError:
    """The error that an HTTP answer means; `doing` completes "while …" for bodies that say nothing."""
    found = _error_of(body)
    message = _text(found.get("message")) or f"Google answered {status} while {doing}"
    words = f"{message} {' '.join(_words(found.get('details'), 0))}"
    code = _text(found.get("status")) or _text(found.get("code")) or str(status)
    kind = _kind_of(status, code, words)
    return ProviderError(
        kind,
        message,
        hint=HINTS.get(kind, ""),
        fields=_fields(found.get("details")),
        code=code,
        status=status,
        retry_after=_retry_after(headers, found.get("details")),
    )


def error_from_operation(error: object, doing: str = "the job failed") -> ProviderError:
    """The `error` of an operation, an interaction or one of its steps: `{code, message}`."""
    found: Mapping[str, Any] = error if isinstance(error, Mapping) else {"message": error}
    message = _text(found.get("message")) or doing
    number = found.get("code")
    code = _RPC_CODES.get(number, str(number)[:20]) if isinstance(number, int) else _text(number)
    code = _text(found.get("status")) or code
    words = f"{code} {message} {' '.join(_words(found.get('details'), 0))}"
    kind = _kind_of(500, code, words)
    if kind in (ErrorKind.TRANSIENT, ErrorKind.RATE_LIMITED):
        kind = ErrorKind.INTERNAL  # the job itself failed: asking for it again gives the same answer
    return ProviderError(kind, message, hint=HINTS.get(kind, ""), code=code)


def refused_question(error: object) -> ProviderError | None:
    """The refusal of a question that came with HTTP 200, for our key or for now; None for a job's own failure."""
    found: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    number = found.get("code")
    status = number if isinstance(number, int) and 400 <= number < 600 else 0
    kind = _STATUSES.get(_text(found.get("status")).upper()) or _HTTP.get(status)
    kind = kind or (ErrorKind.TRANSIENT if status >= 500 else None)
    if kind is not ErrorKind.AUTH and (kind is None or not kind.retry_read):
        return None
    return ProviderError(kind, _text(found.get("message")) or "Google refused the question", hint=HINTS.get(kind, ""))


def refused(reasons: list[str], said: str = "") -> ProviderError:
    """No media came because a filter took them away, or the model answered in words: `said`."""
    named = ", ".join(dict.fromkeys(one_line(r, 120) for r in reasons if r))
    message = f"Google's filter refused the request ({named})" if named else "Google made no media for this request"
    if said:
        message += f"; it said: {one_line(said, 400)}"
    return ProviderError(ErrorKind.POLICY, message, hint=HINTS[ErrorKind.POLICY], code=named[:80])


def has_google_error(body: bytes) -> bool:
    """The body is an error of the service itself, not of a gateway before it."""
    return bool(_error_of(body))


def _error_of(body: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(body)
    except ValueError:
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, Mapping) else None
    if isinstance(error, str):
        return {"message": error}
    return error if isinstance(error, Mapping) else {}


def _kind_of(status: int, code: str, words: str) -> ErrorKind:
    if _KEY_WORDS.search(words):
        return ErrorKind.AUTH
    if status == 402 or (code.upper() in ("FAILED_PRECONDITION", "PERMISSION_DENIED") and _BILLING_WORDS.search(words)):
        return ErrorKind.BILLING
    known = _STATUSES.get(code.upper()) or _HTTP.get(status)
    if known in (None, ErrorKind.INVALID_INPUT, ErrorKind.UNSUPPORTED) and _POLICY_WORDS.search(words):
        return ErrorKind.POLICY
    return known or (ErrorKind.TRANSIENT if status >= 500 else ErrorKind.INTERNAL)


def _details(details: object) -> Iterator[Mapping[str, Any]]:
    for entry in details if isinstance(details, list) else []:
        if isinstance(entry, Mapping):
            yield entry


def _fields(details: object) -> dict[str, str]:
    """What BadRequest details say of single inputs, by the last part of their names."""
    found: dict[str, str] = {}
    for entry in _details(details):
        violations = entry.get("fieldViolations")
        for violation in violations if isinstance(violations, list) else []:
            if isinstance(violation, Mapping) and isinstance(violation.get("field"), str):
                name = re.split(r"[.\]]+", violation["field"].strip("."))[-1] or violation["field"]
                found[one_line(name, 80)] = _text(violation.get("description"))
    return found


def _retry_after(headers: Mapping[str, str], details: object) -> float | None:
    if (said := retry_after({name.lower(): value for name, value in headers.items()})) is not None:
        return said
    for entry in _details(details):
        if match := _DELAY.fullmatch(str(entry.get("retryDelay")).strip()):
            seconds = float(match[1])
            return seconds if seconds < 86_400 else None
    return None


def _words(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:200]
    elif depth < _DOCUMENT_DEPTH and isinstance(value, (list, Mapping)):
        for child in value.values() if isinstance(value, Mapping) else value:
            yield from _words(child, depth + 1)


def _text(value: object) -> str:
    return one_line(value, 600) if isinstance(value, str) else ""
