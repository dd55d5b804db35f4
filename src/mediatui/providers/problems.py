"""The error bodies of HTTP services as one taxonomy.

Services agree on no shape, so every known one is looked for: ``error`` as text or object, ``detail`` as text
or list, ``title``, ``message``, ``description``, ``invalid_fields``, and an ``error`` inside ``data``. The
status decides the kind; codes and a few words refine it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import entries, mapping, number, parse_object, text
from mediatui.text import one_line

_POLICY_WORDS = (
    "content_policy",
    "content policy",
    "moderation",
    "nsfw",
    "safety system",
    "safety filter",
    "flagged as sensitive",
    "sensitive content",
    "prohibited content",
    "risk control",
)
_BILLING_WORDS = (
    "insufficient credit",
    "insufficient quota",
    "insufficient_quota",
    "insufficient balance",
    "insufficient point",
    "insufficient fund",
    "exceeded your current quota",
    "billing_hard_limit",
    "billing hard limit",
    "payment required",
    "not enough credit",
    "exhausted balance",
)
_KEY_CODES = frozenset({"invalid_api_key", "authentication_error", "unauthorized", "401"})
_NO_BALANCE = re.compile(
    r"\b(?:credit|(?<!white )balance|fund)s?\W+(?:\w+\W+){0,2}(?:insufficient|not enough|exhausted|depleted|too low)\b"
    r"|\b(?:insufficient|not enough|out of)\W+(?:\w+\W+){0,2}(?:credit|balance|fund)s?\b"
)
"""The same in any order, with a few words between: "your account balance is insufficient"."""
_LONGEST_RETRY = 86_400.0
_SECONDS_SAID = re.compile(r"\bin ~?(\d{1,5}(?:\.\d+)?) ?s(?:ec|\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Service:
    """What an error message says of the service: its name in the settings, and what people call it."""

    name: str
    title: str
    key_variable: str = ""
    """The environment variable that may hold its key; empty when none does."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a body says went wrong; all of it clean."""

    message: str = ""
    code: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def read_problem(body: bytes, content_type: str = "") -> Problem:
    """The problem a body tells of; an empty one when it tells nothing a person can use."""
    document = parse_object(body)
    if not document:
        return Problem(_plain(body, content_type))
    inner = mapping(document.get("error")) or mapping(mapping(document.get("data")).get("error"))
    fields = _fields(document, inner)
    message = (
        problem_text(inner)
        or text(document.get("error"))
        or text(document.get("detail"))
        or text(document.get("description"))
        or text(document.get("message"))
        or text(document.get("title"))
        or "; ".join(f"{name}: {what}" if name else what for name, what in fields.items())
    )
    return Problem(message, _code(inner) or _code(document), {n: w for n, w in fields.items() if n})


def problem_text(error: object) -> str:
    """The words in an error that is text, or an object with a message under one of its usual names."""
    if isinstance(error, Mapping):
        names = ("message", "raw_message", "detail", "description", "error")
        return next((found for name in names if (found := text(error.get(name)))), "")
    return text(error)


def _code(document: Mapping[str, object]) -> str:
    for name in ("code", "type"):
        value = document.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
            return str(value)
        if found := text(value, 80):
            return found
    return ""


def _fields(document: Mapping[str, object], inner: Mapping[str, object]) -> dict[str, str]:
    if name := text(inner.get("param"), 80):
        return {name: text(inner.get("message"))}
    found: dict[str, str] = {}
    listed = document.get("invalid_fields") or document.get("detail")
    for entry in entries(listed):
        place = entry.get("loc")
        parts = [one_line(p, 80) for p in place] if isinstance(place, list) else text(entry.get("field"), 80).split(".")
        name = ".".join(parts[1:] if parts[:1] in (["body"], ["input"]) else parts)
        found[name] = text(entry.get("msg")) or text(entry.get("description")) or text(entry.get("message"))
    return found


def _plain(body: bytes, content_type: str) -> str:
    """A short plain-text body; markup from a gateway says nothing to a person."""
    if "html" in content_type or body.lstrip()[:1] in (b"<", b"{", b"["):
        return ""
    return one_line(body[:500].decode("utf-8", "replace"), 200)


def error_from_answer(
    service: Service, status: int, headers: Mapping[str, str], body: bytes, doing: str
) -> ProviderError:
    """The error an answer means; `doing` completes "while …" for bodies that say nothing."""
    problem = read_problem(body, headers.get("content-type", ""))
    kind = kind_of_status(status, problem)
    message = problem.message or f"{service.title} answered {status} while {doing}"
    if 300 <= status < 400:
        message = f"{service.title} answered with a redirect while {doing}; it was not followed"
    return ProviderError(
        kind,
        message,
        hint=hint_for(service, kind),
        fields=problem.fields,
        code=problem.code or str(status),
        status=status,
        retry_after=retry_after(headers, message if kind is ErrorKind.RATE_LIMITED else ""),
    )


def kind_of_status(status: int, problem: Problem) -> ErrorKind:
    """What a refusal means: the status decides, the balance and the filter have words of their own."""
    if status == 402 or _says_balance(problem):
        return ErrorKind.BILLING
    if status in (400, 403, 422, 451) and (status == 451 or _says(problem, _POLICY_WORDS)):
        return ErrorKind.POLICY
    kinds = {
        401: ErrorKind.AUTH,
        403: ErrorKind.AUTH,
        404: ErrorKind.NOT_FOUND,
        405: ErrorKind.UNSUPPORTED,
        408: ErrorKind.TRANSIENT,
        409: ErrorKind.TRANSIENT,
        410: ErrorKind.EXPIRED,
        425: ErrorKind.TRANSIENT,
        429: ErrorKind.RATE_LIMITED,
        501: ErrorKind.UNSUPPORTED,
    }
    if status in kinds:
        return kinds[status]
    if status >= 500:
        return ErrorKind.TRANSIENT
    return ErrorKind.UNSUPPORTED if 300 <= status < 400 else ErrorKind.INVALID_INPUT


def failure(service: Service, error: object, code: str = "") -> ProviderError:
    """The error of a job that the service took and that failed there, from its own words."""
    message = problem_text(error) or "the job failed, and the provider does not say why"
    problem = Problem(message, code or _code(mapping(error)))
    kind = ErrorKind.INTERNAL
    if _says_balance(problem):
        kind = ErrorKind.BILLING
    elif _says(problem, _POLICY_WORDS):
        kind = ErrorKind.POLICY
    elif problem.code.lower() in _KEY_CODES:
        kind = ErrorKind.AUTH
    return ProviderError(kind, message, hint=hint_for(service, kind), code=problem.code)


def _says(problem: Problem, words: tuple[str, ...]) -> bool:
    said = f"{problem.code} {problem.message}".lower()
    return any(word in said for word in words)


def _says_balance(problem: Problem) -> bool:
    return _says(problem, _BILLING_WORDS) or _NO_BALANCE.search(problem.message.lower()) is not None


def hint_for(service: Service, kind: ErrorKind) -> str:
    """What to do about an error of that kind."""
    key = f"providers.{service.name}.key in the configuration"
    key = f"{service.key_variable} or {key}" if service.key_variable else key
    return {
        ErrorKind.AUTH: f"`mediatui auth check {service.name}` tries the key; {key} sets it.",
        ErrorKind.BILLING: "Top up the balance at the provider, then generate again; nothing was made.",
        ErrorKind.POLICY: "Change the prompt and generate again; the provider's filter refused this one.",
        ErrorKind.INVALID_INPUT: "Correct the named input and generate again.",
        ErrorKind.UNSUPPORTED: "Check the model's name and the provider's address in the configuration.",
        ErrorKind.NOT_FOUND: "Check the model's name; `mediatui models` lists those the provider has.",
        ErrorKind.RATE_LIMITED: "Wait a while, then try again; a request that it refused for this was not billed.",
    }.get(kind, "")


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Seconds to wait: from ``retry-after-ms``, ``retry-after`` (seconds or a date), or the words of `message`.

    A date counts from the service's own ``date``: our clock may be wrong.
    """
    said = headers.get("retry-after", "")
    milliseconds, seconds = number(headers.get("retry-after-ms")), number(said)
    if milliseconds is not None:
        seconds = milliseconds / 1000
    elif seconds is None and said:
        if (until := moment_of(said)) is None:
            return None
        began = moment_of(headers.get("date", ""))
        seconds = until - (time.time() if began is None else began)
    elif seconds is None and (words := _SECONDS_SAID.search(message)):
        seconds = float(words[1])
    return min(max(seconds, 0.0), _LONGEST_RETRY) if seconds is not None else None


def moment_of(date: str) -> float | None:
    """Seconds since the epoch of an HTTP date."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
