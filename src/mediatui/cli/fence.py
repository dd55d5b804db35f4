"""The one place where every failure of a command ends: words, an exit code, no traceback."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from mediatui.cli.context import Context
from mediatui.cli.output import Output, discard, no_output, write_message
from mediatui.errors import BLOCKING_ERRNOS, ExitCode, MediatuiError, UsageError, storage_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from mediatui.cli.options import CommandParser

BROKEN_PIPE = 141
"""The exit code when the reader of stdout went away, as shells report it."""


class Interrupted(MediatuiError):
    """A person or the system stopped the command; `document` is what can be said on stdout all the same."""

    title = "Interrupted"
    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str, *, hint: str = "", document: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, hint=hint)
        self.document = document


@contextmanager
def interruptible(message: str, hint: str) -> Iterator[None]:
    """Say what an interruption in here leaves behind, and what to run next."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(message, hint=hint) from None


class Terminated(KeyboardInterrupt):
    """The system asked the process to end; handled as Ctrl+C is."""


def run_fenced(arguments: Sequence[str], parser: Callable[[], CommandParser], run: Callable[[Context], int]) -> int:
    """Parse `arguments`, run the command, and turn whatever happens into an exit code."""
    output = Output(json="--json" in arguments)
    context: Context | None = None
    try:
        context = Context(parser().parse_args(arguments), output)
        if context.args.command is not None:
            _treat_termination_as_interrupt()
        return _flushed(output, run(context))
    except SystemExit as done:  # --help and --version
        return _flushed(output, done.code if isinstance(done.code, int) else 0)
    except Interrupted as error:
        return _failed(output, error, error.document)
    except MediatuiError as error:
        return _failed(output, error, None)
    except KeyboardInterrupt:
        return _failed(output, Interrupted("interrupted"), None)
    except BrokenPipeError:
        return _reader_went_away(output.stdout)
    except Exception as error:  # the fence: a defect must neither show a traceback, which may hold a key, nor pass
        if isinstance(error, FileNotFoundError) and _current_folder_is_gone():
            gone = UsageError("the current folder is no longer there", hint="Change to another, then try again.")
            return _failed(output, gone, None)
        if isinstance(error, OSError) and error.filename and error.errno in BLOCKING_ERRNOS:
            refused = storage_error(error, f"use {os.fsdecode(error.filename)}")
            return _failed(output, refused, None)
        return _crashed(output, error, context)


def _current_folder_is_gone() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def _failed(output: Output, error: MediatuiError, document: Mapping[str, Any] | None) -> int:
    if isinstance(error, Interrupted) and output.stderr_is_terminal:
        write_message("\n")  # the terminal has put ^C where the cursor was
    try:
        output.fail(error, document)
        output.flush()  # what is still held would fail at the exit, with another code
    except BrokenPipeError:
        _discard_output(output.stdout)
    except MediatuiError:  # stdout takes nothing; the words are on stderr
        _discard_output(output.stdout)
    return int(error.exit_code)


def _flushed(output: Output, code: int) -> int:
    try:
        output.flush()
    except BrokenPipeError:
        return _reader_went_away(output.stdout)
    except MediatuiError as error:
        output.note(f"mediatui: {error.message}")
        _discard_output(output.stdout)
        return int(error.exit_code)
    return code


def stdout_failed(error: OSError) -> int:
    """The exit code for a stdout that refused something, after saying so."""
    if not isinstance(error, BrokenPipeError):
        write_message(f"mediatui: {no_output(error).message}\n")
        _discard_output(sys.stdout)
        return int(ExitCode.FAILED)
    return _reader_went_away(sys.stdout)


def _reader_went_away(stdout: TextIO) -> int:
    _discard_output(stdout)
    return BROKEN_PIPE


def _discard_output(stdout: TextIO) -> None:
    for stream in (stdout, sys.stderr):
        if not stream.isatty():
            discard(stream)


def _crashed(output: Output, error: Exception, context: Context | None) -> int:
    from mediatui.crash import write_crash_report
    from mediatui.locations import find_locations

    locations = context.__dict__.get("locations") if context else None
    state = (locations or find_locations()).state
    report = write_crash_report(state, error, secrets=_keys(context))
    where = f"A report is in {report}." if report else "No report could be written."
    return _failed(output, MediatuiError(f"this should not have happened ({type(error).__name__})", hint=where), None)


def _keys(context: Context | None) -> list[str]:
    # Only settings that were read already: reading them here could fail again.
    settings = context.__dict__.get("settings") if context else None
    providers = settings.providers.values() if settings else ()
    return [provider.key.reveal() for provider in providers if provider.key]


def _treat_termination_as_interrupt() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup's choice to ignore it stands
            signal.signal(number, stop)
