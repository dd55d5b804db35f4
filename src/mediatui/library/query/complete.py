"""What may be typed next in a filter line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mediatui.library.query.fields import FIELDS, QueryField, Setting, find_field
from mediatui.library.query.tokens import Token, quote, tokens
from mediatui.model import MediaItem, now

LIMIT = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A replacement for ``line[start:end]``; `label` is shown in a list, `help` beside it."""

    start: int
    end: int
    text: str
    label: str
    help: str = ""

    def apply(self, line: str) -> tuple[str, int]:
        """The line with the replacement, and where the cursor is then."""
        return line[: self.start] + self.text + line[self.end :], self.start + len(self.text)


def complete(
    line: str,
    cursor: int,
    items: Iterable[MediaItem],
    *,
    projects: Mapping[str, str] | None = None,
    limit: int = LIMIT,
) -> tuple[Candidate, ...]:
    """Candidates for the term at the cursor, best first; fields first, then their values. Never raises."""
    cursor = max(0, min(cursor, len(line)))
    token = next((t for t in tokens(line) if t.start < cursor <= t.end), None)
    if token is None:
        return _fields("", cursor, cursor, limit) if not line.strip() else ()
    if token.field is None:
        start = token.start + token.negated
        return () if token.quoted else _fields(line[start:cursor], start, token.end, limit)
    field = find_field(token.field)
    if field is None or cursor < token.value_start:
        return ()
    return _values(field, line, cursor, token, items, Setting(now(), projects or {}, lambda item: ""))[:limit]


def _fields(typed: str, start: int, end: int, limit: int) -> tuple[Candidate, ...]:
    wanted = typed.lower()
    found = [f for f in FIELDS.values() if f.name.startswith(wanted)]
    return tuple(Candidate(start, end, f"{f.name}:", f"{f.name}:", f.help) for f in found)[:limit]


def _values(
    field: QueryField, line: str, cursor: int, token: Token, items: Iterable[MediaItem], setting: Setting
) -> tuple[Candidate, ...]:
    typed = line[token.value_start : cursor].replace('"', "").casefold()
    offers = list(dict.fromkeys(field.offers(items, setting)))
    starting = [text for text in offers if text.casefold().startswith(typed)]
    containing = [text for text in offers if typed in text.casefold() and text not in starting]
    return tuple(Candidate(token.value_start, token.end, quote(text), text) for text in (*starting, *containing))
