"""A filter line compiled to a test of items. Written to be called at each key: a line never raises.

    line  = group { OR group }         OR joins the terms on its two sides; everything else must all hold
    term  = [-] ( field:value | word | "a phrase" )

An unfinished or mistaken term filters nothing and is told as a `Problem`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import compress
from operator import not_, or_

from mediatui.library.query.fields import FIELDS, Predicate, Setting, Within, find_field
from mediatui.library.query.tokens import Token, tokens
from mediatui.library.query.values import Unfinished
from mediatui.model import MediaItem, now

TEXT_COST = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A term that filters nothing, and why. `start` and `end` are character positions in the line."""

    start: int
    end: int
    message: str


class Texts:
    """Items' texts in lower case, kept between keys: prompt, name, tags and notes."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._items: dict[int, MediaItem] = {}  # keeps them alive, so that no other object gets their identity

    def of(self, item: MediaItem) -> str:
        """The item's text; records are values, so a changed item is another object."""
        held = self._texts.get(id(item))
        if held is None:
            parts = (item.prompt, item.name, *item.tags, item.notes)
            held = "\n".join([part for part in parts if part]).casefold()
            self._texts[id(item)], self._items[id(item)] = held, item
        return held

    def select(self, items: Iterable[MediaItem], wanted: str, negated: bool) -> list[MediaItem]:
        """The items whose text has `wanted` in it, or has not."""
        get, of = self._texts.get, self.of
        if negated:
            return [item for item in items if wanted not in (get(id(item)) or of(item))]
        return [item for item in items if wanted in (get(id(item)) or of(item))]

    def all_of(self, items: Iterable[MediaItem]) -> list[str]:
        """The texts of many items."""
        get, of = self._texts.get, self.of
        return [get(id(item)) or of(item) for item in items]

    def keep(self, items: Iterable[MediaItem]) -> None:
        """Forget every item but these, and have their texts ready."""
        kept = {id(item): item for item in items}
        self._texts = {key: self.of(item) for key, item in kept.items()}
        self._items = kept


@dataclass(frozen=True, slots=True)
class _Term:
    """One test; `words` are what it looks for when it looks at all texts."""

    cost: int
    test: Predicate
    words: str | None = None
    negated: bool = False
    within: Within | None = None
    """What `test` amounts to, or negates, where it looks at one text."""


class Query:
    """A compiled line: `matches` tests one item, `select` filters many."""

    def __init__(self, line: str, groups: Sequence[Sequence[_Term]], problems: Sequence[Problem], texts: Texts) -> None:
        self.line = line
        self.problems = tuple(problems)
        """The terms that filter nothing."""
        self._groups = sorted(groups, key=lambda group: max(term.cost for term in group))
        self._texts = texts

    @property
    def is_empty(self) -> bool:
        """Whether every item matches."""
        return not self._groups

    def matches(self, item: MediaItem) -> bool:
        """Whether the item passes."""
        return all(any(term.test(item) for term in group) for group in self._groups)

    def select(self, items: Iterable[MediaItem]) -> list[MediaItem]:
        """The items that pass, in their order."""
        left = list(items)
        for group in self._groups:
            left = self._pass(group[0], left) if len(group) == 1 else self._pass_any(group, left)
        return left

    def _pass(self, term: _Term, items: list[MediaItem]) -> list[MediaItem]:
        if term.words is not None:
            return self._texts.select(items, term.words, term.negated)
        if term.within is not None:
            return list(compress(items, _verdicts(term, items, self._texts.all_of(items))))
        test = term.test
        return [item for item in items if test(item)]

    def _pass_any(self, group: Sequence[_Term], items: list[MediaItem]) -> list[MediaItem]:
        reads = any(term.words is not None or term.within is not None for term in group)
        texts = self._texts.all_of(items) if reads else []
        words = [term.words for term in group if term.words is not None and not term.negated]
        columns = [_having_any(words[at : at + 3], texts) for at in range(0, len(words), 3)]
        columns += [_verdicts(term, items, texts) for term in group if term.words is None or term.negated]
        return list(compress(items, reduce(lambda a, b: list(map(or_, a, b)), columns)))


def _having_any(words: Sequence[str], texts: list[str]) -> list[bool]:
    """Whether each text has one of up to three words; written out, since this runs at each key."""
    match words:
        case [a]:
            return [a in text for text in texts]
        case [a, b]:
            return [a in text or b in text for text in texts]
        case [a, b, c]:
            return [a in text or b in text or c in text for text in texts]
    raise AssertionError("one to three words")


def _verdicts(term: _Term, items: list[MediaItem], texts: list[str]) -> list[bool]:
    """Whether each item passes a term."""
    words, within, test = term.words, term.within, term.test
    if words is not None:
        return [words not in text for text in texts] if term.negated else [words in text for text in texts]
    if within is None:
        return [test(item) for item in items]
    found = within.each(items, texts)
    return list(map(not_, found)) if term.negated else found


def parse_query(
    line: str, *, projects: Mapping[str, str] | None = None, texts: Texts | None = None, at: float | None = None
) -> Query:
    """Compile a line. `projects` gives names by id; `texts` is kept by the caller between keys; `at` is the time.

    Never raises.
    """
    texts = Texts() if texts is None else texts
    setting = Setting(now() if at is None else at, projects or {}, texts.of)
    problems: list[Problem] = []
    groups = []
    for alternatives in _grouped(list(tokens(line)), problems):
        terms = [_term(token, setting, texts, problems) for token in alternatives]
        # One alternative that is still being typed filters nothing; the others go on as if it were not there.
        if found := [term for term in terms if term is not None]:
            groups.append(found)
    return Query(line, groups, problems, texts)


def _grouped(found: list[Token], problems: list[Problem]) -> list[list[Token]]:
    """Terms joined by OR stand together."""
    groups: list[list[Token]] = []
    joined = False
    for token in found:
        if token.is_or:
            if joined or not groups:
                problems.append(Problem(token.start, token.end, "OR needs a term on both sides"))
            joined = bool(groups)
            continue
        if joined:
            groups[-1].append(token)
        else:
            groups.append([token])
        joined = False
    if joined:
        last = [token for token in found if token.is_or][-1]
        problems.append(Problem(last.start, last.end, "OR needs a term on both sides"))
    return groups


def _term(token: Token, setting: Setting, texts: Texts, problems: list[Problem]) -> _Term | None:
    try:
        term = _plain(token, texts) if token.field is None else _compared(token, setting)
    except Unfinished as exc:
        problems.append(Problem(token.start, token.end, str(exc)))
        return None
    if not token.negated:
        return term
    test = term.test
    return replace(term, test=lambda item: not test(item), negated=True)


def _plain(token: Token, texts: Texts) -> _Term:
    wanted = token.value.casefold()
    if not wanted:
        raise Unfinished("the phrase is empty")
    read = texts.of
    return _Term(TEXT_COST, lambda item: wanted in read(item), wanted)


def _compared(token: Token, setting: Setting) -> _Term:
    assert token.field is not None
    field = find_field(token.field)
    if field is None:
        near = difflib.get_close_matches(token.field, FIELDS, 1)
        hint = f"did you mean {near[0]}:?" if near else "put it in quotes to search for the text"
        raise Unfinished(f"“{token.field}:” is no field; {hint}")
    try:
        test = field.test(token.value, setting)
        return _Term(field.cost, test, within=test if isinstance(test, Within) else None)
    except Unfinished as exc:
        raise Unfinished(f"{field.name}: {exc}") from None


def describe_problems(problems: Sequence[Problem]) -> str:
    """The problems in one line; empty when there are none."""
    return "; ".join(problem.message for problem in problems)
