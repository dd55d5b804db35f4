"""How far work on many files is, told to whoever asked to hear of it on the same thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
Tell = Callable[[str, int, int], None]
"""Hears what is being done, how many are done, and of how many."""

_tell: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def heard_by(tell: Tell) -> Iterator[None]:
    """Tell of all that is `counted` while the block runs, on this thread. `tell` is called often: be quick."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def counted(stage: str, things: Iterable[T], total: int) -> Iterator[T]:
    """The things, each told of before it is worked on."""
    tell = _tell.get()
    for done, thing in enumerate(things):
        if tell is not None:
            tell(stage, done, total)
        yield thing
