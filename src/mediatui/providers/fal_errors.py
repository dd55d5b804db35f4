"""fal's error bodies as one taxonomy.

Three families of body: a list of model errors under ``detail``, a flat ``detail`` text with ``error_type``,
and anything else (other JSON, HTML from an ingress, nothing). `type` and `error_type` decide; texts are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mediatui.errors import ErrorKind, ProviderError
from mediatui.text import one_line

_POLICY = frozenset({"content_policy_violation", "no_media_generated"})
_TRANSIENT_TYPES = frozenset(
    {
        "internal_server_error",
        "generation_timeout",
        "downstream_service_error",
        "downstream_service_unavailable",
    }
)
_TOP_UP = "Top up the balance at the provider, then generate again; nothing was made."
_KEY_HINT = "Check the key with `mediatui doctor`; FAL_KEY or providers.fal.key in the configuration sets it."


def error_from_response(status: int, headers: Mapping[str, str], body: bytes, *, doing: str) -> ProviderError:
    """The error a response means; `doing` completes "while …" for bodies that say nothing."""
    document = _parse(body)
    lowered = {k.lower(): v for k, v in headers.items()}
    code = _text(document.get("error_type")) or lowered.get("x-fal-error-type", "")
    retry_after = _seconds(lowered.get("retry-after"))
    if isinstance(document.get("detail"), list):
        return _model_error(status, document["detail"], lowered, retry_after)
    text = _text(document.get("detail")) or _message(document) or _plain(body, lowered)
    kind = _kind_of(status, code, text)
    message = text or f"the provider answered {status} while {doing}"
    return ProviderError(
        kind, message, hint=_hint(kind), code=code or str(status), status=status, retry_after=retry_after
    )


def error_from_completed(document: Mapping[str, Any]) -> ProviderError:
    """The error in a status body that says COMPLETED and names one."""
    code = _text(document.get("error_type"))
    text = _text(document.get("error")) or code or "the job failed"
    kind = ErrorKind.CANCELLED if code in ("client_cancelled", "client_disconnected") else _kind_of(422, code, text)
    if code.startswith("runner_") or code.endswith("_timeout") or code == "internal_error":
        kind = ErrorKind.INTERNAL
    return ProviderError(kind, text, code=code, hint=_hint(kind))


def _model_error(
    status: int, entries: list[Any], headers: Mapping[str, str], retry_after: float | None
) -> ProviderError:
    errors = [e for e in entries if isinstance(e, Mapping)]
    if not errors:
        return ProviderError(_kind_of(status, "", ""), f"the provider answered {status}", status=status)
    code = _text(errors[0].get("type"))
    messages = [_text(e.get("msg")) or _text(e.get("type")) for e in errors]
    fields = {".".join(_location(e)): m for e, m in zip(errors, messages, strict=True) if _location(e)}
    if code in _POLICY:
        kind = ErrorKind.POLICY
    elif code in _TRANSIENT_TYPES or status >= 500:
        kind = ErrorKind.TRANSIENT if _retryable(headers, status) else ErrorKind.INTERNAL
    elif status == 429:
        kind = ErrorKind.RATE_LIMITED
    else:
        kind = ErrorKind.INVALID_INPUT
    named = [f"{name}: {text}" for name, text in fields.items()] if kind is ErrorKind.INVALID_INPUT else messages
    return ProviderError(
        kind,
        "; ".join(dict.fromkeys(n for n in named if n)) or f"the provider answered {status}",
        hint=_hint(kind),
        fields=fields,
        code=code,
        status=status,
        retry_after=retry_after,
    )


def _location(entry: Mapping[str, Any]) -> list[str]:
    place = entry.get("loc")
    parts = [one_line(p, 80) for p in place] if isinstance(place, list) else []
    return parts[1:] if parts[:1] == ["body"] else parts


def _retryable(headers: Mapping[str, str], status: int) -> bool:
    said = headers.get("x-fal-retryable") or headers.get("x-fal-needs-retry")
    if said is not None:
        return said.strip().lower() in ("1", "true", "yes")
    return status in (502, 503, 504)


def _kind_of(status: int, code: str, text: str) -> ErrorKind:
    if status == 401:
        return ErrorKind.AUTH
    if status == 402 or (status == 403 and ("exhausted balance" in text.lower() or "locked" in text.lower())):
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
    if status in (408, 409) or status >= 500:
        return ErrorKind.TRANSIENT
    return ErrorKind.INVALID_INPUT


def _hint(kind: ErrorKind) -> str:
    return {
        ErrorKind.AUTH: _KEY_HINT,
        ErrorKind.BILLING: _TOP_UP,
        ErrorKind.POLICY: "Change the prompt and generate again; the provider's filter refused this one.",
        ErrorKind.INVALID_INPUT: "Correct the named input and generate again.",
    }.get(kind, "")


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {"detail": document}


def _message(document: Mapping[str, Any]) -> str:
    error = document.get("error")
    if isinstance(error, Mapping):
        return _text(error.get("message")) or _text(error.get("type"))
    parts = [_text(error), _text(document.get("message"))]
    return ": ".join(p for p in parts if p)


def _plain(body: bytes, headers: Mapping[str, str]) -> str:
    """A short plain-text body; markup from an ingress says nothing to a person."""
    kind = headers.get("content-type", "")
    if "html" in kind or body.lstrip()[:1] in (b"<", b"{", b"["):
        return ""
    return one_line(body[:500].decode("utf-8", "replace"), 200)


def _text(value: object) -> str:
    return one_line(value, 500) if isinstance(value, str) else ""


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < 86_400 else None
