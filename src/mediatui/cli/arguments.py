"""What the text of an argument may be, for argparse's `type=`.

An empty text is nearly always a script's variable that was never set: it must not mean "all", nor "here".
"""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from pathlib import Path

MAX_PORT = 65535
_HOST = re.compile(r"[\w.:%-]{1,253}", re.ASCII)


def written(text: str) -> str:
    """Any text. Bytes that are none are refused: left out, they would make it another one, which may be paid for."""
    if not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        raise ArgumentTypeError("it is not text in UTF-8")
    return text


def named(text: str) -> str:
    """Text that says something."""
    return written(_given(text))


def place(text: str) -> Path:
    """A file or folder, whose name may be any bytes."""
    return Path(_given(text))


def _given(text: str) -> str:
    if not text.strip():
        raise ArgumentTypeError("it is empty")
    return text


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a whole number") from None


def positive(text: str) -> int:
    """A whole number above zero."""
    number = whole(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is not a positive number")
    return number


def host(text: str) -> str:
    """A name or an address of this machine to listen on; an empty one would be every network there is."""
    if not _HOST.fullmatch(named(text)):
        raise ArgumentTypeError(f"{text!r} is no name or address of a machine")
    return text


def port(text: str) -> int:
    """A port to listen on; 0 leaves the choice to the command."""
    number = whole(text)
    if not 0 <= number <= MAX_PORT:
        raise ArgumentTypeError(f"{text} is no port; they go from 1 to {MAX_PORT}")
    return number


def days(text: str) -> float:
    """A length of time in days, with fractions."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ArgumentTypeError(f"{text!r} is not a number of days")
    return number
