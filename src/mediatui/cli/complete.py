"""What can stand at the cursor of a half-typed command line, found by walking the real parser."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mediatui.cli.options import CommandParser

FILES, DIRECTORIES = ":files", ":dirs"
"""Answers that leave the search to the shell."""

_PATHS = {"FILE": FILES, "FILE_OR_URL": FILES, "PATH": FILES, "SOURCE": FILES, "DIR": DIRECTORIES}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that fits, and what it means."""

    word: str
    about: str = ""


Source = Callable[[Mapping[str, str]], Iterable[Candidate]]
"""Finds words for a placeholder such as ``PROJECT``; given the options that were typed already."""


@dataclass(slots=True)
class _Place:
    """Where in the command line the walk has come."""

    parser: argparse.ArgumentParser
    value_of: argparse.Action | None = None
    """The option whose value comes next."""
    taken: int = 0
    """Positional arguments that this parser's command has got."""
    only_positional: bool = False
    given: dict[str, str] = field(default_factory=dict)


def complete(
    parser: argparse.ArgumentParser, words: Sequence[str], current: str, sources: Mapping[str, Source]
) -> list[Candidate]:
    """Everything that `current` may become after `words`, or one of `FILES` and `DIRECTORIES`."""
    place = _Place(_ready(parser))
    for word in words:
        _step(place, word)
    return [found for found in _candidates(place, current, sources) if _fits(found.word, current)]


def _fits(word: str, current: str) -> bool:
    return word.startswith(current) or word in (FILES, DIRECTORIES)


def _ready(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    if isinstance(parser, CommandParser):
        parser.complete()
    return parser


def _step(place: _Place, word: str) -> None:
    if place.value_of is not None:
        place.given[place.value_of.dest] = word
        place.value_of = None
    elif word == "--" and not place.only_positional:
        place.only_positional = True
    elif word.startswith("-") and len(word) > 1 and not place.only_positional:
        name, equals, value = word.partition("=")
        action = place.parser._option_string_actions.get(name)
        if action is not None and equals:
            place.given[action.dest] = value
        elif action is not None and _takes_value(action):
            place.value_of = action
    else:
        action = _positional(place)
        if isinstance(action, argparse._SubParsersAction):
            if word in action.choices:
                place.parser, place.taken = _ready(action.choices[word]), 0
        else:
            place.taken += 1


def _takes_value(action: argparse.Action) -> bool:
    return action.nargs != 0


def _positional(place: _Place) -> argparse.Action | None:
    """The positional argument that comes next; one that repeats stays the next."""
    actions = [action for action in place.parser._actions if not action.option_strings]
    for number, action in enumerate(actions):
        if number == place.taken or (action.nargs in ("*", "+") and number <= place.taken):
            return action
    return None


def _candidates(place: _Place, current: str, sources: Mapping[str, Source]) -> Iterator[Candidate]:
    if place.value_of is not None:
        yield from _values(place.value_of, place, sources)
    elif current.startswith("-") and not place.only_positional:
        name, equals, _ = current.partition("=")
        action = place.parser._option_string_actions.get(name)
        if equals and action is not None:
            yield from (Candidate(f"{name}={v.word}", v.about) for v in _values(action, place, sources))
        else:
            yield from _options(place.parser)
    elif (action := _positional(place)) is not None:
        yield from _values(action, place, sources)


def _options(parser: argparse.ArgumentParser) -> Iterator[Candidate]:
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS:
            about = " ".join((action.help or "").replace("%%", "%").split())
            yield from (Candidate(name, about) for name in action.option_strings if name.startswith("--"))
            yield from (Candidate(name, about) for name in action.option_strings if not name.startswith("--"))


def _values(action: argparse.Action, place: _Place, sources: Mapping[str, Source]) -> Iterator[Candidate]:
    if isinstance(action, argparse._SubParsersAction):
        yield from (Candidate(each.dest, each.help or "") for each in action._choices_actions)
        return
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices is not None:
        yield from (Candidate(str(choice)) for choice in action.choices)
    elif metavar in _PATHS:
        yield Candidate(_PATHS[metavar])
    elif metavar in sources:
        yield from sources[metavar](place.given)
