"""What may stand in the step log: no secret, no signature, hardly any of the prompt."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from mediatui.redact import hide_known, redact
from mediatui.steplog.step import Step
from mediatui.text import one_line

PROMPT_CHARS = 80
DETAIL_CHARS = 300
NAME_CHARS = 120

_FIELDS = tuple(field.name for field in fields(Step))
_ADDRESS = re.compile(r"\b(?:https?|wss?|gs|s3)://[^\s\"'<>()\[\]{}]+")
_QUERY = re.compile(r"(?:\?|%3F)[\w.~\[\]-]{1,60}(?:=|%3D)[^\s\"'<>]*", re.IGNORECASE)
"""What follows the ``?`` of an address, also of one that is relative, escaped or cut."""
_DATA_ADDRESS = re.compile(r"\bdata:[\w.+-]*/?[\w.+-]*[;,][^\s\"'<>]*")


def to_line(step: Step, prompt: str) -> str:
    """The step as a line of the log, its text made fit for it."""
    document = {name: value for name in _FIELDS if (value := getattr(step, name)) not in (None, "")}
    for name in ("project", "job", "item", "provider", "model", "outcome"):
        if name in document:
            document[name] = hide_known(one_line(document[name], NAME_CHARS))
    if step.detail:
        document["detail"] = clean_detail(step.detail, prompt)
    return json.dumps(document, ensure_ascii=False)


def clean_detail(text: str, prompt: str, limit: int = DETAIL_CHARS) -> str:
    """Text fit for the log: one line, no secrets, addresses without query, at most 80 characters of the prompt."""
    bare = _DATA_ADDRESS.sub("data:…", one_line(text, limit * 20))
    bare = _ADDRESS.sub(lambda found: _without_query(found[0]), bare)
    found = one_line(redact(_QUERY.sub("", bare)), limit)
    return _without_prompt(found, one_line(prompt)) if len(found) > PROMPT_CHARS else found


def _without_query(address: str) -> str:
    """Host and path of an address; a signature lies behind them, a user name before."""
    rest = re.split(r"[?#]", address.partition("://")[2], maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{host.rpartition('@')[2]}{slash}{path}"


def _without_prompt(text: str, prompt: str) -> str:
    """`text` cut where it repeats more than `PROMPT_CHARS` characters of the prompt."""
    for start in range(len(text) - PROMPT_CHARS):
        if text[start : start + PROMPT_CHARS + 1] in prompt:
            return text[: start + PROMPT_CHARS - 1] + "…"
    return text
