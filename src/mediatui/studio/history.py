"""What was done in this session and can be taken back: two bounded stacks of steps."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count
from operator import or_
from typing import Protocol

from mediatui.errors import MediatuiError, NotYet, StorageError, UsageError
from mediatui.library.progress import heard_by

LIMIT = 200
"""Actions that can be taken back."""
PATIENCE = 0.4
"""Seconds until a step that still runs says how far it is."""
PAUSE = 0.1
"""Seconds between two times it says so."""

Hear = Callable[[str, str, int, int], None]
"""Hears a label, what is being done, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Undo:
    """An action that happened. `label` completes "undo: …"; `count` items (or projects) were touched."""

    id: int
    label: str
    count: int
    notes: tuple[str, ...] = ()
    """What was left alone on the way, and why."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did: the step that takes it back, how much it touched, and what it left alone."""

    back: Step
    count: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaving:
    """What goes away from its place: nobody may be saving these items or following the jobs of these projects."""

    items: frozenset[str] = frozenset()
    projects: frozenset[str] = frozenset()

    def __or__(self, other: Leaving) -> Leaving:
        return Leaving(self.items | other.items, self.projects | other.projects)


STAYING = Leaving()
Release = Callable[[Leaving], None]
"""Stops whatever works on what is leaving, and returns once it has stopped."""


class Step(Protocol):
    """One change of the library that knows how to be taken back."""

    def leaving(self) -> Leaving:
        """What it takes away from its place."""
        return STAYING

    def run(self) -> Outcome:
        """Do it, all or nothing, once what leaves was let go of. Raises `UsageError`, `StorageError`."""
        ...


@dataclass(frozen=True, slots=True)
class Several(Step):
    """Steps done one after the other; when one fails, those before it are taken back.

    `lenient`, as in taking back: a step that makes no sense any more, because somebody else changed what it
    was about, is left out and noted, unless none makes sense. One that only makes none yet is waited for by all.
    """

    steps: Sequence[Step]
    lenient: bool = False

    def leaving(self) -> Leaving:
        """What any of them takes away."""
        return reduce(or_, (step.leaving() for step in self.steps), STAYING)

    def run(self) -> Outcome:
        """Do them all."""
        done: list[Outcome] = []
        notes: list[str] = []
        try:
            for step in self.steps:
                try:
                    done.append(step.run())
                except UsageError as error:
                    if not self.lenient or len(self.steps) == 1 or isinstance(error, NotYet):
                        raise
                    notes.append(error.message)
        except MediatuiError as error:
            _take_back(done, error)
            raise
        if not any(outcome.count for outcome in done) and notes:
            nothing = UsageError("; ".join(notes))
            _take_back(done, nothing)
            raise nothing
        back = Several([outcome.back for outcome in reversed(done)], lenient=True)
        notes += [note for outcome in done for note in outcome.notes]
        return Outcome(back, sum(outcome.count for outcome in done), tuple(notes))


def _take_back(done: Sequence[Outcome], error: MediatuiError) -> None:
    try:
        for outcome in reversed(done):
            outcome.back.run()
    except MediatuiError as also:
        raise StorageError(
            f"{error.message}; and what was done before could not be taken back: {also.message}",
            hint="Nothing is lost: look into the trash and the other project.",
        ) from error


class History:
    """The stacks. Used by one thread at a time."""

    def __init__(self, limit: int = LIMIT, hear: Hear | None = None, release: Release | None = None) -> None:
        """`hear` is told of steps that take a while; `release` of what each step, forth or back, is to take away."""
        self._hear, self._release = hear, release
        self._undo: deque[tuple[Undo, Step]] = deque(maxlen=limit)
        self._redo: deque[tuple[Undo, Step]] = deque(maxlen=limit)
        self._ids = count(1)

    @property
    def next_undo(self) -> Undo | None:
        """What `undo` would take back."""
        return self._undo[-1][0] if self._undo else None

    @property
    def next_redo(self) -> Undo | None:
        """What `redo` would do again."""
        return self._redo[-1][0] if self._redo else None

    def do(self, label: str, step: Step) -> Undo:
        """Do something new; what was taken back before cannot be done again. Raises what the step raises."""
        outcome = self._run(label, step)
        undo = Undo(next(self._ids), label, outcome.count, outcome.notes)
        if outcome.count:
            self._undo.append((undo, outcome.back))
            self._redo.clear()
        return undo

    def remember(self, label: str, back: Step, count: int) -> Undo:
        """Something was done elsewhere that `back` takes back."""
        undo = Undo(next(self._ids), label, count)
        self._undo.append((undo, back))
        self._redo.clear()
        return undo

    def undo(self) -> Undo | None:
        """Take the last action back; None when there is none. Raises what the step raises."""
        return self._turn(self._undo, self._redo)

    def redo(self) -> Undo | None:
        """Do again what was taken back last; None when there is nothing. Raises what the step raises."""
        return self._turn(self._redo, self._undo)

    def _turn(self, source: deque[tuple[Undo, Step]], target: deque[tuple[Undo, Step]]) -> Undo | None:
        if not source:
            return None
        undo, step = source.pop()
        try:
            outcome = self._run(undo.label, step)
        except (StorageError, NotYet):
            source.append((undo, step))  # what refused it passes: it can be tried again
            raise
        done = Undo(undo.id, undo.label, outcome.count, outcome.notes)
        target.append((undo, outcome.back))
        return done

    def _run(self, label: str, step: Step) -> Outcome:
        if self._release is not None and (leaving := step.leaving()) != STAYING:
            self._release(leaving)
        if self._hear is None:
            return step.run()
        with heard_by(_Patient(label, self._hear)):
            return step.run()


class _Patient:
    """Passes on how far a step is, once it has taken a while, and not too often."""

    def __init__(self, label: str, hear: Hear) -> None:
        self._label, self._hear = label, hear
        self._next = time.monotonic() + PATIENCE

    def __call__(self, stage: str, done: int, total: int) -> None:
        if (moment := time.monotonic()) >= self._next:
            self._next = moment + PAUSE
            self._hear(self._label, stage, done, total)
