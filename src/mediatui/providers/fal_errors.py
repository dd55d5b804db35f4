"""fal's error bodies as one taxonomy.

Three families of body: a list of model errors under ``detail``, a flat ``detail`` text with ``error_type``,
and anything else (other JSON, HTML from an ingress, nothing). `type` and `error_type` decide; texts are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import read_json
from mediatui.providers.problems import retry_after
from mediatui.text import one_line

_POLICY = frozenset({"content_policy_violation", "no_media_generated"})
_WORDS_IN = ("message", "msg", "detail", "type")
_YES = frozenset({"1", "true", "yes"})
_TOP_UP = "Top up the balance at the provider, then generate again; nothing was made."
_KEY_HINT = "`mediatui auth check fal` tries the key; FAL_KEY or providers.fal.key in the configuration sets it."


_PASSING = frozenset(
    {
        "request_timeout",
        "startup_timeout",
        "generation_timeout",
        "internal_error",
        "internal_server_error",
        "downstream_service_error",
        "downstream_service_unavailable",
    }
)
"""Codes besides ``runner_…`` of failures that say nothing against the request itself."""


def error_from_response(status: int, headers: Mapping[str, str], body: bytes, *, doing: str) -> ProviderError:
    """The error a response means; `doing` completes "while …" for bodies that say nothing."""
    document = _parse(body)
    lowered = {k.lower(): v for k, v in headers.items()}
    code = _text(document.get("error_type")) or _text(lowered.get("x-fal-error-type"))
    wait = retry_after(lowered)
    if isinstance(document.get("detail"), list):
        return _model_error(status, document["detail"], lowered, wait)
    text = _words(document) or _plain(body, lowered)
    kind = _kind_of(status, code, text)
    message = text or f"the provider answered {status} while {doing}"
    if 300 <= status < 400:
        message = f"the provider answered with a redirect while {doing}; it was not followed"
    return ProviderError(kind, message, hint=_hint(kind), code=code or str(status), status=status, retry_after=wait)


def error_from_completed(document: Mapping[str, Any]) -> ProviderError:
    """The error in a status body that says COMPLETED and names one: as text, as an object, or as JSON in a text."""
    nested = _unpacked(document.get("error"))
    inside: Mapping[str, Any] = nested if isinstance(nested, Mapping) else {}
    listed = inside.get("detail") if inside else nested
    if isinstance(listed, list):
        return _model_error(422, listed, {}, None)
    code = _text(document.get("error_type")) or _text(inside.get("error_type")) or _text(inside.get("type"))
    text = _words({**document, "error": nested}) or code or "the job failed at the provider"
    if code in ("client_cancelled", "client_disconnected"):
        kind = ErrorKind.CANCELLED
    elif code.startswith("runner_") or code in _PASSING:
        kind = ErrorKind.TRANSIENT
    else:
        kind = _kind_of(403 if _says_balance(text) else 422, code, text)
    return ProviderError(kind, text, code=code, hint=_hint(kind, ended=True))


def _model_error(status: int, entries: list[Any], headers: Mapping[str, str], wait: float | None) -> ProviderError:
    errors = [e for e in entries if isinstance(e, Mapping)]
    if not errors:
        kind = _kind_of(status, "", "")
        return ProviderError(kind, f"the provider answered {status}", hint=_hint(kind), status=status)
    code = _text(errors[0].get("type"))
    messages = [_text(e.get("msg")) or _text(e.get("type")) for e in errors]
    fields = {".".join(_location(e)): m for e, m in zip(errors, messages, strict=True) if _location(e)}
    if code in _POLICY:
        kind = ErrorKind.POLICY
    elif code in _PASSING or status >= 500:
        kind = ErrorKind.TRANSIENT if _retryable(headers, status) else ErrorKind.INTERNAL
    elif status == 429:
        kind = ErrorKind.RATE_LIMITED
    else:
        kind = ErrorKind.INVALID_INPUT
    nowhere = [m for e, m in zip(errors, messages, strict=True) if not _location(e)]
    named = messages
    if kind is ErrorKind.INVALID_INPUT:
        named = [*(f"{name}: {text}" if text else name for name, text in fields.items()), *nowhere]
    return ProviderError(
        kind,
        "; ".join(dict.fromkeys(n for n in named if n)) or f"the provider answered {status}",
        hint=_hint(kind),
        fields=fields,
        code=code,
        status=status,
        retry_after=wait,
    )


def _location(entry: Mapping[str, Any]) -> list[str]:
    place = entry.get("loc")
    parts = [one_line(p, 80) for p in place] if isinstance(place, list) else []
    return parts[1:] if parts[:1] == ["body"] else parts


def says_not_again(headers: Mapping[str, str]) -> bool:
    """The service says that trying again is of no use; header names are lower case."""
    said = headers.get("x-fal-retryable") or headers.get("x-fal-needs-retry")
    return said is not None and said.strip().lower() not in _YES


def _retryable(headers: Mapping[str, str], status: int) -> bool:
    said = headers.get("x-fal-retryable") or headers.get("x-fal-needs-retry")
    if said is not None:
        return said.strip().lower() in _YES
    return status in (502, 503, 504)


def _kind_of(status: int, code: str, text: str) -> ErrorKind:
    if status == 401:
        return ErrorKind.AUTH
    if status == 402 or (status == 403 and _says_balance(text)):
        return ErrorKind.BILLING
    if status == 403:
        return ErrorKind.AUTH
    if status == 404:
        return ErrorKind.NOT_FOUND
    if status == 410:
        return ErrorKind.EXPIRED
    if status == 429:
        return ErrorKind.RATE_LIMITED
    if status == 499:
        return ErrorKind.CANCELLED
    if code in _POLICY:
        return ErrorKind.POLICY
    if status in (408, 409, 425) or status >= 500:
        return ErrorKind.TRANSIENT
    return ErrorKind.INVALID_INPUT if status in (400, 413, 422) else ErrorKind.UNSUPPORTED


def _says_balance(text: str) -> bool:
    return "exhausted balance" in text.lower() or "user is locked" in text.lower()


def _hint(kind: ErrorKind, *, ended: bool = False) -> str:
    again = "A passing fault at the provider: generating again may work." if ended else ""
    return {
        ErrorKind.AUTH: _KEY_HINT,
        ErrorKind.BILLING: _TOP_UP,
        ErrorKind.POLICY: "Change the prompt and generate again; the provider's filter refused this one.",
        ErrorKind.INVALID_INPUT: "Correct the named input and generate again.",
        ErrorKind.RATE_LIMITED: "The provider takes no more requests at this moment; generate again in a minute.",
        ErrorKind.TRANSIENT: again,
        ErrorKind.INTERNAL: "The model failed; generating again may work, or another model.",
        ErrorKind.UNSUPPORTED: "Check the model's id and the addresses in the configuration.",
    }.get(kind, "")


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        document = read_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {"detail": document}


def _unpacked(error: object) -> object:
    """An error, also when it was written as JSON into a text."""
    if isinstance(error, str) and error.lstrip()[:1] in ("{", "["):
        try:
            found = read_json(error.encode("utf-8", "replace"))
        except ValueError:
            return error
        return found if isinstance(found, (dict, list)) else error
    return error


def _words(document: Mapping[str, Any]) -> str:
    """What a body says to people, in whichever of the usual places."""
    found = []
    for name in ("detail", "error", "message"):
        value = document.get(name)
        if isinstance(value, Mapping):
            value = next((text for key in _WORDS_IN if (text := _text(value.get(key)))), None)
        if text := _text(value):
            found.append(text)
            if name == "detail":
                break
    return ": ".join(dict.fromkeys(found))


def _plain(body: bytes, headers: Mapping[str, str]) -> str:
    """A short plain-text body; markup from an ingress says nothing to a person."""
    kind = headers.get("content-type", "")
    if "html" in kind or body.lstrip()[:1] in (b"<", b"{", b"["):
        return ""
    return one_line(body[:500].decode("utf-8", "replace"), 200)


def _text(value: object) -> str:
    return one_line(value, 500) if isinstance(value, str) else ""
