"""Splitting a filter line into words, quoted phrases and ``field:value`` terms, with their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Token:
    """One term as typed. `start` and `end` are character positions in the line; `end` is behind the last one."""

    start: int
    end: int
    negated: bool
    field: str | None
    """What stands before the first colon outside quotes, in lower case; None for plain words."""
    value: str
    """Without quotes."""
    value_start: int
    """Where the value begins in the line, at its quote if it has one."""
    quoted: bool
    closed: bool = True
    """False for a quote that was opened and not closed yet."""

    @property
    def is_or(self) -> bool:
        """The word between two alternatives."""
        return self.field is None and not self.quoted and not self.negated and self.value in ("OR", "|")


def tokens(line: str) -> Iterator[Token]:
    """The terms of a line, in order. Never raises."""
    at, end = 0, len(line)
    while at < end:
        if line[at].isspace():
            at += 1
            continue
        token = _token(line, at)
        yield token
        at = token.end


def _token(line: str, start: int) -> Token:
    at = start
    negated = line[at] == "-" and at + 1 < len(line) and not line[at + 1].isspace()
    at += negated
    field, value_at = _field(line, at)
    value, end, quoted, closed = _value(line, value_at)
    return Token(start, end, negated, field, value, value_at, quoted, closed)


def _field(line: str, at: int) -> tuple[str | None, int]:
    """The name before a colon, and where its value starts."""
    end = at
    while end < len(line) and (line[end].isalnum() or line[end] in "_-"):
        end += 1
    if at < end < len(line) and line[end] == ":":
        return line[at:end].lower(), end + 1
    return None, at


def _value(line: str, at: int) -> tuple[str, int, bool, bool]:
    """Text up to white space, where quotes hold white space together: value, end, had quotes, quotes closed."""
    parts: list[str] = []
    quoted, inside = False, False
    while at < len(line) and (inside or not line[at].isspace()):
        if line[at] == QUOTE:
            quoted, inside = True, not inside
        else:
            parts.append(line[at])
        at += 1
    return "".join(parts), at, quoted, not inside


def quote(value: str) -> str:
    """A value as it must be typed: in quotes where it holds white space; quotes in it are left out."""
    plain = value.replace(QUOTE, "")
    return f"{QUOTE}{plain}{QUOTE}" if not plain or any(c.isspace() for c in plain) or plain in ("OR", "|") else plain
