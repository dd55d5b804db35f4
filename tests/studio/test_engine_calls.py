"""Whoever waits for the engine is told when it ends, whatever ended it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from mediatui.errors import MediatuiError
from mediatui.studio.engine import Engine

SECONDS = 20.0


async def nothing() -> None:
    """What there is to finish."""


async def for_ever(begun: threading.Event) -> None:
    begun.set()
    await asyncio.Event().wait()


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    made.start(lambda exc: None)
    yield made
    made.stop(SECONDS, nothing, nothing)


def test_a_call_that_is_not_done_fails_when_the_engine_stops(engine: Engine) -> None:
    begun = threading.Event()
    waiting = engine.call(for_ever(begun))
    assert begun.wait(SECONDS)
    engine.stop(SECONDS, nothing, nothing)
    with pytest.raises(MediatuiError, match="stopped"):
        waiting.result(SECONDS)
    with pytest.raises(MediatuiError, match="not running"):
        engine.call(nothing())


DYING = """
import asyncio, threading
from mediatui.errors import MediatuiError
from mediatui.studio.engine import Engine

async def for_ever():
    begun.set()
    await asyncio.Event().wait()

def die():
    raise SystemExit("the loop is gone")

begun = threading.Event()
engine = Engine()
engine.start(lambda exc: None)
waiting = engine.call(for_ever())
begun.wait(20)
engine.post(die)
try:
    waiting.result(20)
except MediatuiError as error:
    print(error.message)
"""


def test_a_call_that_is_not_done_fails_when_the_loop_dies() -> None:
    done = subprocess.run([sys.executable, "-c", DYING], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "mediatui stopped before this was done\n"


def test_a_call_that_is_not_done_fails_when_the_engine_hangs(engine: Engine) -> None:
    begun, go_on = threading.Event(), threading.Event()
    waiting = engine.call(for_ever(begun))
    assert begun.wait(SECONDS)

    def hang() -> None:
        go_on.wait(SECONDS)

    engine.post(hang)
    engine.stop(0.1, nothing, nothing)
    with pytest.raises(MediatuiError, match="stopped"):
        waiting.result(SECONDS)
    go_on.set()


def test_a_call_may_be_given_up_by_who_asked(engine: Engine) -> None:
    begun = threading.Event()
    waiting = engine.call(for_ever(begun))
    assert begun.wait(SECONDS)
    assert waiting.cancel()

    async def answer() -> int:
        return 7

    assert engine.call(answer()).result(SECONDS) == 7
