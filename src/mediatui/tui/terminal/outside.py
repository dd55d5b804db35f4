"""Lending this terminal to another program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textual.app import App, SuspendNotSupported

from mediatui.errors import UsageError
from mediatui.tui.terminal.openers import Opener


def can_suspend(app: App[Any]) -> bool:
    """The terminal can be lent to another program."""
    driver = app._driver
    return driver is not None and driver.can_suspend


async def run_here(app: App[Any], opener: Opener, target: str) -> int:
    """Lend the terminal to a program until it ends; returns its exit code. Raises `UsageError`.

    The batch keeps Textual from drawing meanwhile: thirty frames nobody takes would stop it for good. Nothing
    may leave the block by an exception, or the interface would not come back. Deaf before and until after: the
    terminal makes signals of keys from the first moment it is lent to the last.
    """
    command = opener.command(target)
    failure: BaseException | None = None
    code = 0
    try:
        with _deaf(), app.suspend(), app.batch_update():
            try:
                code = await _run(command)
            except BaseException as exc:  # raised again below, once the interface is back
                failure = exc
    except SuspendNotSupported as exc:
        raise UsageError("this terminal cannot be lent to another program") from exc
    if isinstance(failure, OSError):
        raise UsageError(f"could not start {command[0]}: {failure.strerror}") from failure
    if failure is not None:
        raise failure
    return code


async def _run(command: list[str]) -> int:
    process = await asyncio.create_subprocess_exec(*command)
    try:
        return await process.wait()
    except BaseException:  # whoever waited gave up, for whatever reason: the program goes too
        process.terminate()
        raise


@contextmanager
def _deaf() -> Iterator[None]:
    """^C is for the program that has the terminal: heard here, and no more. To ignore it would be inherited."""
    try:
        before = signal.signal(signal.SIGINT, lambda *_: None)
    except ValueError:  # not the main thread: nobody listens there anyway
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
