"""What the interface remembers between runs: where each project was left, what was chosen at the keys, a draft."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from mediatui.tui.private import write_private

MAX_PLACES = 200
"""Projects whose places are kept, the last used ones."""
MAX_ASIDE = 20
"""Prompts that are kept aside, the last ones."""

K = TypeVar("K")


@dataclass
class Draft:
    """A generation that was not sent yet. `values` are texts as typed, by field name."""

    prompt: str = ""
    models: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    project: str = ""
    policy: str = ""


@dataclass
class Place:
    """Where a project was left: cursor, filter, order, the pane with the focus, the row on top."""

    key: str = ""
    row: int = 0
    words: str = ""
    sort_by: str = "date"
    reverse: bool = True
    pane: str = "media"
    top: int = 0


@dataclass
class Memory:
    """Kept in one small private file; losing it loses no work."""

    project: str = ""
    screen: str = ""
    """The screen that was in front: ``jobs``, ``generate``, or nothing for the library."""
    draft: Draft = field(default_factory=Draft)
    aside: list[str] = field(default_factory=list)
    """Prompts that were typed and not sent when another draft took their place, the last one first."""
    places: dict[str, Place] = field(default_factory=dict)
    """By project, the last used one at the end."""
    filters: dict[str, str] = field(default_factory=dict)
    """Filter lines that were kept, by name."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """What was chosen at the keys against a setting, and what the setting was then."""
    touched: set[str] = field(default_factory=set, compare=False)
    """Projects whose place this window changed; not written down."""
    touched_filters: set[str] = field(default_factory=set, compare=False)
    """Names of filters that this window kept or removed; not written down."""

    def keep_filter(self, name: str, line: str) -> None:
        """Keep a filter line under a name."""
        self.filters[name] = line
        self.touched_filters.add(name)

    def drop_filter(self, name: str) -> None:
        """Keep no filter under this name any more."""
        self.filters.pop(name, None)
        self.touched_filters.add(name)

    def learn_filters(self, held: Memory) -> None:
        """What another window kept or removed counts, but where this one did so itself."""
        if held == Memory():  # nothing was written down, or it cannot be read
            return
        ours = {name: line for name, line in self.filters.items() if name in self.touched_filters}
        theirs = {name: line for name, line in held.filters.items() if name not in self.touched_filters}
        self.filters = theirs | ours

    def take_draft(self, draft: Draft) -> bool:
        """Keep a draft in place of another; whether the other's prompt was put aside for it."""
        before, self.draft = self.draft.prompt, draft
        if not before.strip() or before == draft.prompt:
            return False
        self.set_aside(before)
        return True

    def set_aside(self, prompt: str) -> None:
        """Keep a prompt among those that were not sent."""
        self.aside = [prompt, *(each for each in self.aside if each != prompt)][:MAX_ASIDE]

    def bring_back(self, prompt: str) -> None:
        """A prompt is not aside any more: it was sent, or is the draft again."""
        self.aside = [each for each in self.aside if each != prompt]

    def place(self, project: str) -> Place:
        """Where a project was left; a fresh place for a new one."""
        return replace(self.places.get(project, Place()))

    def leave(self, project: str, place: Place) -> None:
        """Keep a project's place."""
        self.places.pop(project, None)
        self.places[project] = place
        self.touched.add(project)

    def choice(self, name: str, setting: str) -> str:
        """What was chosen at the keys; the setting, where nothing was or the setting has changed since."""
        chosen = self.choices.get(name)
        return chosen[0] if chosen is not None and chosen[1] == setting else setting

    def choose(self, name: str, value: str, setting: str) -> None:
        """Prefer `value` to what the setting says now."""
        self.choices[name] = [value, setting]


def memory_file(state: Path) -> Path:
    """Where it is kept."""
    return state / "interface.json"


def load_memory(state: Path) -> Memory:
    """What was remembered; a fresh memory when there is none or it cannot be read."""
    try:
        found = json.loads(memory_file(state).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    memory = _known(Memory, found)
    memory.draft = _known(Draft, found.get("draft"))
    places = found.get("places")
    memory.places = {n: _known(Place, p) for n, p in places.items()} if isinstance(places, dict) else {}
    memory.choices = {name: pair for name, pair in memory.choices.items() if _is_pair(pair)}
    memory.filters = _texts(memory.filters)
    aside = found.get("aside")
    memory.aside = [prompt for prompt in aside if isinstance(prompt, str)] if isinstance(aside, list) else []
    return memory


def _known(kind: type[K], values: object) -> K:
    """A record with the values this version knows, where they have the type it expects."""
    if not isinstance(values, Mapping):
        return kind()
    defaults: Any = kind()
    names = [f.name for f in fields(defaults) if type(values.get(f.name)) is type(getattr(defaults, f.name))]
    return kind(**{name: values[name] for name in names})


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


def save_memory(state: Path, memory: Memory) -> None:
    """Write it down, readable for its owner alone; what only another window changed stays as it left it.

    That is so for places and filters. A disk that refuses is no reason to disturb anybody.
    """
    held = load_memory(state)
    places = {name: place for name, place in held.places.items() if name not in memory.touched}
    places |= {name: place for name, place in memory.places.items() if name in memory.touched or name not in places}
    kept = dict(list(places.items())[-MAX_PLACES:])
    memory.learn_filters(held)
    document = asdict(replace(memory, places=kept, touched=set(), touched_filters=set()))
    del document["touched"], document["touched_filters"]
    with suppress(OSError, UnicodeError):
        write_private(memory_file(state), document)


class Keeper:
    """Writes a memory down behind the interface, the latest state last."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._next: Memory | None = None

    def later(self, memory: Memory) -> None:
        """Write it soon, in a thread of its own."""
        with self._lock:
            busy, self._next = self._next is not None, copy.deepcopy(memory)
        if not busy:
            threading.Thread(target=self._write, name="remember", daemon=True).start()

    def now(self, memory: Memory) -> None:
        """Write it before returning: for the end."""
        with self._lock:
            self._next = memory
        self._write()

    def _write(self) -> None:
        with self._writing:
            with self._lock:
                memory, self._next = self._next, None
            if memory is not None:
                save_memory(self._state, memory)
