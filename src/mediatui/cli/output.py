"""Data goes to stdout, messages to stderr; with ``--json`` stdout is exactly one document."""

from __future__ import annotations

import io
import os
import shutil
import sys
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from mediatui.errors import MediatuiError
from mediatui.text import clean_text, safe_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


ROOM = 20
"""Cells that the last column of a table should have; it holds what people wrote."""


class Output:
    """Where a command's results and messages go."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self._emitted = False
        if sys.stdin is None:  # started with it closed: nothing is to be read
            sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 (as long as the process)
        for name in ("stdout", "stderr"):
            _make_safe(name)
        self._own: TextIO | None = None

    def keep_stdout(self) -> None:
        """Keep stdout for this command's results: whatever else prints, also in what it starts, goes to stderr.

        For the rest of the process; a plug-in is foreign code, and may print whenever it likes.
        """
        given = sys.stdout
        if not isinstance(given, io.TextIOWrapper):
            return
        given.flush()
        number, by_line = given.fileno(), given.line_buffering or given.write_through
        own = os.fdopen(os.dup(number), "wb")
        self._own = io.TextIOWrapper(own, encoding=given.encoding, errors=given.errors, line_buffering=by_line)
        os.dup2(sys.stderr.fileno(), number)
        beside = os.fdopen(number, "wb", closefd=False)
        sys.stdout = _Beside(beside, encoding=given.encoding, errors=given.errors, line_buffering=True)

    @property
    def stdout(self) -> TextIO:
        """Where results go."""
        return self._own or sys.stdout

    @property
    def stdout_is_terminal(self) -> bool:
        """A person reads stdout."""
        return self.stdout.isatty()

    @property
    def size(self) -> os.terminal_size:
        """Of the terminal that stdout is, unless the environment says another."""
        try:
            fallback = os.get_terminal_size(self.stdout.fileno())
        except OSError:
            fallback = os.terminal_size((80, 24))
        return shutil.get_terminal_size(fallback)

    @property
    def stderr_is_terminal(self) -> bool:
        """A person reads stderr, on a terminal that can move its cursor."""
        return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")

    def emit(self, document: Mapping[str, Any], *, compact: bool = False) -> None:
        """Print the one JSON document, `compact` on a line; does nothing without ``--json``."""
        if not self.json:
            return
        self._emitted = True
        indent = None if compact else 2
        self._write(safe_json(document, indent=indent, ascii=not _is_utf8(self.stdout)))
        self.flush()

    def line(self, text: str = "") -> None:
        """Print a line of data for people; nothing with ``--json``."""
        if not self.json:
            self._write(clean_text(text))

    def flush(self) -> None:
        """Let a reader see what was printed so far. Raises `MediatuiError` when stdout takes nothing."""
        try:
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise no_output(error) from None

    def note(self, text: str) -> None:
        """Print a message."""
        write_message(clean_text(text) + "\n")

    def table(
        self, titles: Sequence[str], rows: Sequence[Sequence[str]], empty: str = "", *, spare: Sequence[str] = ()
    ) -> None:
        """Print rows in aligned columns; the message `empty` when there are none.

        A terminal gets what fits its width: without `spare` columns, the first of them first, when there is no room
        for the last column; then every line is cut.
        """
        if self.json:
            return
        if not rows:
            self.note(empty)
            return
        widths = {title: max(map(cell_width, column)) for title, *column in zip(titles, titles, *rows, strict=True)}
        limit = self.size.columns if self.stdout_is_terminal else None
        left_out = _left_out(widths, spare, limit) if limit else ()
        for row in [titles, *rows]:
            cells = [pad(row[i], widths[title]) for i, title in enumerate(titles) if title not in left_out]
            text = "  ".join(cells).rstrip()
            self.line(cut(text, limit) if limit else text)

    def fail(self, error: MediatuiError, document: Mapping[str, Any] | None = None) -> None:
        """Report a failure: words on stderr, and with ``--json`` an object on stdout unless one is there."""
        self.note(f"mediatui: {error.message}")
        if error.hint:
            self.note(f"  {error.hint}")
        if not self._emitted:
            self.emit({**(document or {}), "error": error_document(error)})

    def _write(self, text: str) -> None:
        try:
            self.stdout.write(text + "\n")
        except BrokenPipeError:
            raise
        except OSError as error:
            raise no_output(error) from None


def _left_out(widths: Mapping[str, int], spare: Sequence[str], limit: int) -> Sequence[str]:
    """As many of the spare columns as must go to leave room for the last one."""
    last = [*widths.values()][-1]
    excess = sum(width + 2 for width in widths.values()) - 2 - last + min(last, ROOM) - limit
    for count, title in enumerate(spare):
        if excess <= 0:
            return spare[:count]
        excess -= widths[title] + 2
    return spare


def write_message(text: str) -> None:
    """Write to stderr as it is. Where nobody can read it any more, the work goes on: stdout and the code tell."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


class _Beside(io.TextIOWrapper):
    """A stdout for what is no result; where nobody can read it, it leads nowhere, and whoever prints goes on."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            discard(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            discard(self)


def discard(stream: TextIO) -> None:
    """Let a stream that takes nothing lead nowhere: what it still holds would fail again at the exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def error_document(error: MediatuiError) -> dict[str, Any]:
    """A failure as JSON: `code` is the exit code."""
    return {
        "title": error.title,
        "message": error.message,
        "hint": error.hint,
        "code": int(error.exit_code),
    }


def cell_width(text: str) -> int:
    """Terminal cells that `text` takes."""
    return len(text) if text.isascii() else sum(_char_width(char) for char in text)


def pad(text: str, width: int) -> str:
    """`text` filled with spaces to `width` cells."""
    return text + " " * (width - cell_width(text))


def cut(text: str, width: int) -> str:
    """`text` shortened to `width` cells, ending in an ellipsis when something is missing."""
    if cell_width(text) <= width:
        return text
    used, kept = 0, []
    for char in text:
        used += _char_width(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def local_time(seconds: float) -> str:
    """A record's time in this machine's zone, to the second."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else "—"


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _is_utf8(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "") == "utf8"


def no_output(error: OSError) -> MediatuiError:
    """Stdout takes nothing: a full disk, a file that may not grow."""
    return MediatuiError(f"cannot write the output: {error.strerror}")


def _make_safe(name: str) -> None:
    """Give `sys` a stream that never fails to encode, also where it was started without one."""
    if getattr(sys, name) is None:
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (as long as the process)
    reconfigure = getattr(getattr(sys, name), "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
