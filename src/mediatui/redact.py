"""Taking secrets out of text: the keys this process was given, and whatever looks like one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable

HIDDEN = "••••"
"""What stands in place of a secret."""

KEY_ENVIRONMENT = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
"""Environment variables with such names hold secrets."""

MIN_SECRET = 6
"""Shorter values are not looked for: they would blank ordinary words."""
MIN_PART = 16
"""The shortest half of an ``id:secret`` key that is looked for by itself."""

# Each part is bounded, or begins where a word does: text of a service, however long and odd, takes linear time.
_SECRETS = re.compile(
    r"(?P<head>(?:authorization|cookie)['\"]?\s{0,3}[:=]\s{0,3}b?['\"]?)[^'\"\r\n,)}]+"  # a header, also in a mapping
    r"|(?P<scheme>\b(?:Bearer[\s:]|Basic\s|Key\s|Token\s)\s{0,3})[A-Za-z0-9._~+/=:-]{8,}"
    r"|(?P<name>(?:api[_-]?key|[_-]key|token|secret|password|signature|credential)"
    r"(?:['\"]?\s{0,3}[=:]\s{0,3}['\"]?|['\"],\s{0,3}b?['\"]))[^\s'\"&,;)}]+"
    r"|(?P<short>(?<![A-Za-z])(?:key|sig|auth|pass|passwd|pwd|policy)['\"]?\s{0,3}[=:]\s{0,3}['\"]?)"
    r"(?=[^\s'\"&,;)}]{0,60}\d)[^\s'\"&,;)}]{12,}"  # those are plain words, too: only what looks like a key behind them
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}\b"  # fal: key id and secret
    r"|\b(?:sk|pk|rk|r8|hf|ghp|xai)[-_][A-Za-z0-9_-]{12,}\b"
    r"|(?<![\w-])(?:AIza[\w-]{16,}|ya29\.[\w.-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?)"  # Google; JSON web tokens
    r"|(?P<user>://)[^/\s@]{1,300}(?=@)",
    re.IGNORECASE,
)

_known: frozenset[str] = frozenset()


def remember_secret(value: str) -> None:
    """From now on this value is hidden by `hide_known` and `redact`, and so is each long part of ``id:secret``."""
    global _known
    parts = [part for part in value.split(":") if len(part) >= MIN_PART]
    _known |= {secret for secret in (value, *parts) if len(secret) >= MIN_SECRET}


def hide_known(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the secrets this process was given."""
    for secret in sorted(_known.union(s for s in secrets if len(s) >= MIN_SECRET), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def hide_in_answer(raw: bytes) -> bytes:
    """A service's answer without the secrets this process was given, should it repeat one.

    An address loses the parameter that is one: it opens with the key in a header, or not at all. Letters of a picture
    that happen to spell a short secret stay, and so does a short one that is part of an address.
    """
    for secret in sorted(_known, key=len, reverse=True):
        for form in {secret, json.dumps(secret)[1:-1], secret.replace("/", "\\/")}:
            if (hidden := form.encode()) in raw:
                raw = _without(raw, hidden, anywhere=len(secret) >= MIN_PART)
    return raw


def _without(raw: bytes, secret: bytes, *, anywhere: bool) -> bytes:
    found = re.escape(secret)
    if anywhere:
        raw = re.sub(rb"(?<=[?&])[\w.-]{1,40}=" + found + rb"(?:&|(?![^\s\"\\#]))", b"", raw)
        return raw.replace(secret, HIDDEN.encode())
    kept = rb"(?P<address>https?:(?:\\?/){2}[^\s\"]*)|(?<![A-Za-z0-9])" + found + rb"(?![A-Za-z0-9])"
    return re.sub(kept, lambda match: match["address"] or HIDDEN.encode(), raw)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without known secrets, those of the environment, and whatever looks like one."""
    found = [*secrets, *(value for name, value in os.environ.items() if KEY_ENVIRONMENT.search(name))]
    return _SECRETS.sub(_hide, hide_known(text, (secret.strip() for secret in found)))


def _hide(match: re.Match[str]) -> str:
    return next(filter(None, match.groups()), "") + HIDDEN
