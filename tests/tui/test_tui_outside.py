"""The terminal is lent to another program, and comes back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from textual.app import App

from mediatui.tui.terminal.openers import Opener
from mediatui.tui.terminal.outside import run_here


class Struck(App[None]):
    """^C is pressed at the first moment the terminal is lent, and at the last."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        signal.raise_signal(signal.SIGINT)
        yield
        signal.raise_signal(signal.SIGINT)


async def test_interrupting_the_program_too_early_or_too_late_does_not_end_the_interface() -> None:
    async with Struck().run_test() as pilot:
        before = signal.getsignal(signal.SIGINT)
        assert await run_here(pilot.app, Opener("true {}", needs="tty", detach=False), "x") == 0
        assert signal.getsignal(signal.SIGINT) is before
