"""What can stand before a colon in a filter, and the test each value makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediatui.library.query.values import Test, Unfinished, date_test, length_test, number_test, size_test
from mediatui.model import MediaItem, MediaType, SaveState

Predicate = Callable[[MediaItem], bool]

YES = frozenset({"yes", "true", "y", "1", "on"})
NO = frozenset({"no", "false", "n", "0", "off"})


@dataclass(frozen=True, slots=True)
class Setting:
    """What a query is compiled against: the time, projects' names by id, and all of an item's texts."""

    now: float
    projects: Mapping[str, str]
    text: Callable[[MediaItem], str]


@dataclass(frozen=True, slots=True)
class QueryField:
    """One field: what it means, how a value becomes a test, and which values to offer."""

    name: str
    help: str
    test: Callable[[str, Setting], Predicate]
    offers: Callable[[Iterable[MediaItem], Setting], Iterable[str]]
    cost: int = 1
    """Cheaper tests run first."""


def _choice(attribute: str, words: tuple[str, ...]) -> Callable[[str, Setting], Predicate]:
    """A field with a few words; a start of a word is enough."""

    def make(value: str, setting: Setting) -> Predicate:
        wanted = [word for part in value.lower().split(",") if part for word in words if word.startswith(part)]
        if not wanted:
            raise Unfinished(f"one of {', '.join(words)} is expected")
        chosen = frozenset(wanted)
        if len(wanted) == 1:
            only = wanted[0]
            return lambda item: getattr(item, attribute) == only
        return lambda item: getattr(item, attribute) in chosen

    return make


def _part(texts: Callable[[MediaItem], str | None]) -> Callable[[str, Setting], Predicate]:
    """A field that holds a text; a part of it is enough, letter case does not count."""

    def make(value: str, setting: Setting) -> Predicate:
        wanted = _needed(value).casefold()
        known: dict[str, bool] = {}

        def test(item: MediaItem) -> bool:
            text = texts(item) or ""
            found = known.get(text)
            if found is None:
                found = known[text] = wanted in text.casefold()
            return found

        return test

    return make


@dataclass(frozen=True, slots=True)
class Within:
    """A test of one of the item's texts; what has `words` nowhere in any of them cannot pass."""

    words: str
    texts: Callable[[MediaItem], str]
    everything: Callable[[MediaItem], str]

    def __call__(self, item: MediaItem) -> bool:
        """Whether the text has the words."""
        return self.words in self.everything(item) and self.words in self.texts(item).casefold()

    def each(self, items: Sequence[MediaItem], everything: Sequence[str]) -> list[bool]:
        """Whether each item passes, its texts at hand."""
        words, read = self.words, self.texts
        return [words in text and words in read(i).casefold() for i, text in zip(items, everything, strict=True)]


def _within(texts: Callable[[MediaItem], str]) -> Callable[[str, Setting], Predicate]:
    """A field that is one of the item's texts."""
    return lambda value, setting: Within(_needed(value).casefold(), texts, setting.text)


def _project(value: str, setting: Setting) -> Predicate:
    wanted = _needed(value).casefold()
    known: dict[str, bool] = {}

    def test(item: MediaItem) -> bool:
        found = known.get(item.project)
        if found is None:
            name = setting.projects.get(item.project, "")
            found = known[item.project] = wanted in item.project.casefold() or wanted in name.casefold()
        return found

    return test


def _tag(value: str, setting: Setting) -> Predicate:
    wanted = _needed(value).casefold()
    if wanted == "none":
        return lambda item: not item.tags
    return lambda item: bool(item.tags) and any(tag.casefold().startswith(wanted) for tag in item.tags)


def _measure(attribute: str, make_test: Callable[[str], Test]) -> Callable[[str, Setting], Predicate]:
    def make(value: str, setting: Setting) -> Predicate:
        if value.lower() == "none":
            return lambda item: getattr(item, attribute) is None
        test = make_test(_needed(value))
        return lambda item: (held := getattr(item, attribute)) is not None and test(held)

    return make


def _date(value: str, setting: Setting) -> Predicate:
    test = date_test(_needed(value), setting.now)
    return lambda item: test(item.created_at)


def _flag(holds: Predicate) -> Callable[[str, Setting], Predicate]:
    def make(value: str, setting: Setting) -> Predicate:
        word = value.lower()
        if word in YES:
            return holds
        if word in NO:
            return lambda item: not holds(item)
        raise Unfinished("yes or no is expected")

    return make


_HAS: Mapping[str, Predicate] = {
    "error": lambda item: item.storage_error is not None,
    "file": lambda item: item.path is not None and item.save_state is SaveState.SAVED,
    "url": lambda item: item.url is not None,
    "notes": lambda item: bool(item.notes),
    "tags": lambda item: bool(item.tags),
    "rating": lambda item: item.rating is not None,
    "seed": lambda item: item.seed is not None,
    "prompt": lambda item: bool(item.prompt),
    "job": lambda item: item.job is not None,
}


def _has(value: str, setting: Setting) -> Predicate:
    if value.lower() not in _HAS:
        raise Unfinished(f"one of {', '.join(_HAS)} is expected")
    return _HAS[value.lower()]


def _needed(value: str) -> str:
    if not value:
        raise Unfinished("a value is expected")
    return value


def _fixed(*values: str) -> Callable[[Iterable[MediaItem], Setting], Iterable[str]]:
    return lambda items, setting: values


def _seen(read: Callable[[MediaItem], Any]) -> Callable[[Iterable[MediaItem], Setting], Iterable[str]]:
    """The values that occur, the most frequent first."""

    def offer(items: Iterable[MediaItem], setting: Setting) -> Iterable[str]:
        counts: dict[str, int] = {}
        for item in items:
            value = read(item)
            for text in value if isinstance(value, tuple) else (value,):
                if text:
                    counts[text] = counts.get(text, 0) + 1
        return sorted(counts, key=lambda text: (-counts[text], text.casefold()))

    return offer


def _offer_projects(items: Iterable[MediaItem], setting: Setting) -> Iterable[str]:
    return sorted(set(setting.projects.values()), key=str.casefold)


_TYPES, _STATES = tuple(t.value for t in MediaType), tuple(s.value for s in SaveState)
_YES_NO = _fixed("yes", "no")

_ALL = (
    QueryField("type", "video, image or audio", _choice("type", _TYPES), _fixed(*_TYPES)),
    QueryField("state", "where its bytes are", _choice("save_state", _STATES), _fixed(*_STATES)),
    QueryField("model", "a part of the model's name", _part(lambda i: i.model), _seen(lambda i: i.model), 2),
    QueryField("provider", "a part of its name", _part(lambda i: i.provider), _seen(lambda i: i.provider), 2),
    QueryField("role", "what the provider called it", _part(lambda i: i.role), _seen(lambda i: i.role), 2),
    QueryField("project", "a part of the project's name", _project, _offer_projects, 2),
    QueryField("tag", "a tag or its start; none", _tag, _seen(lambda i: i.tags), 2),
    QueryField(
        "rating", "4, >=4, 2..3, none", _measure("rating", number_test), _fixed(">=4", "5", "4", "3", "2", "1", "none")
    ),
    QueryField("fav", "a favourite or not", _flag(lambda i: i.favourite), _YES_NO),
    QueryField("size", ">10mb, 1..2gb", _measure("file_size", size_test), _fixed(">10mb", ">100mb", "<1mb"), 2),
    QueryField("duration", "<6, >=1m", _measure("duration", length_test), _fixed("<6", ">=10", ">1m"), 2),
    QueryField("width", ">=1920", _measure("width", number_test), _fixed(">=1920", ">=3840"), 2),
    QueryField("height", ">=1080", _measure("height", number_test), _fixed(">=1080", ">=2160"), 2),
    QueryField(
        "date", "2026-11, >=2026-11-03, <7d, today", _date, _fixed("today", "<7d", "<30d", "month", ">30d"), 2
    ),
    QueryField("seed", "the seed", _measure("seed", number_test), _seen(lambda i: str(i.seed or "")), 2),
    QueryField("has", f"has {', '.join(_HAS)}", _has, _fixed(*_HAS)),
    QueryField("name", "a part of the name", _within(lambda i: i.name), _seen(lambda i: i.name), 3),
    QueryField("prompt", "a part of the prompt", _within(lambda i: i.prompt), _fixed(), 3),
    QueryField("notes", "a part of the notes", _within(lambda i: i.notes), _fixed(), 3),
    QueryField("job", "a part of the job's id", _part(lambda i: i.job), _fixed(), 3),
    QueryField("id", "a part of the item's id", _part(lambda i: i.id), _fixed(), 3),
)  # fmt: skip

FIELDS: Mapping[str, QueryField] = {each.name: each for each in _ALL}
"""Every field by its name."""

ALIASES: Mapping[str, str] = {
    "t": "type", "m": "model", "s": "state", "p": "project", "favorite": "fav", "favourite": "fav",
    "tags": "tag", "note": "notes", "created": "date", "made": "date", "length": "duration", "stars": "rating",
    "is": "state",
}  # fmt: skip
"""Other spellings people try."""


def find_field(name: str) -> QueryField | None:
    """The field of that name or alias."""
    return FIELDS.get(ALIASES.get(name, name))
