"""Keys: a value that never shows itself, and the places one can come from."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mediatui.errors import NoKey, UsageError
from mediatui.redact import HIDDEN, remember_secret

KEY_COMMAND_SECONDS = 30.0
MOST_PRINTED = 1 << 16
"""Bytes; whatever prints more prints no key."""
KEYRING_SERVICE = "mediatui"
"""The keyring's service name; the user name is the provider's."""


class Secret:
    """A key: shown as dots wherever it is printed, readable only through `reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()
        remember_secret(self._value)

    def reveal(self) -> str:
        """The key itself, for the one header that needs it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Secret({HIDDEN!r})"

    __str__ = __repr__


class KeySource(StrEnum):
    """Where a key came from."""

    ENVIRONMENT = "environment"
    CONFIG = "config file"
    COMMAND = "key_command"
    KEYRING = "keyring"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it was."""

    secret: Secret
    source: KeySource
    place: str = ""
    """The environment variable's name; empty for the other sources."""


def run_key_command(provider: str, command: str, setting: str = "key_command") -> Secret:
    """The key that a command prints (blocking, at most `KEY_COMMAND_SECONDS`); `setting` is what names the command.

    Raises `NoKey` when it fails, prints nothing or more than a line; its output is never shown.
    """
    what = f"the {setting} of provider {provider!r}"
    try:
        output = _output_of(command)
    except (subprocess.SubprocessError, OSError, ValueError) as exc:
        # The exception's own text may hold the command's output; say only what failed.
        hint = "Run it by hand and see that it prints the key and nothing else."
        raise NoKey(f"{what} failed: {_why(exc)}", hint=hint) from None
    lines = output.split("\n")
    if lines == [""]:
        raise NoKey(f"{what} printed nothing")
    if len(lines) > 1:
        raise NoKey(f"{what} printed more than one line", hint="It must print the key and nothing else.")
    return Secret(output)


_NO_SUCH_COMMAND = 127
"""The exit code of a shell that finds no such command."""


def _why(exc: Exception) -> str:
    if isinstance(exc, subprocess.TimeoutExpired):
        return f"it did not end within {KEY_COMMAND_SECONDS:g} seconds"
    if isinstance(exc, subprocess.CalledProcessError):
        return "no such command" if exc.returncode == _NO_SUCH_COMMAND else f"it ended with code {exc.returncode}"
    if isinstance(exc, UnicodeDecodeError):
        return "what it printed is not text in UTF-8"
    if isinstance(exc, subprocess.SubprocessError):
        return "it printed far too much for a key"
    return getattr(exc, "strerror", None) or type(exc).__name__


def _output_of(command: str) -> str:
    # A group of its own: a grandchild that keeps the pipe open would outlive the shell we kill.
    process = subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
    _running.add(process)
    with process:
        try:
            output = _read(process, KEY_COMMAND_SECONDS)
        except BaseException:  # an interruption too: the command must not outlive the question
            _kill(process)
            raise
        finally:
            _running.discard(process)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, "key_command")
    return output.decode("utf-8").strip()


def _read(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """All that it prints until it ends. Raises `SubprocessError` when that takes too long or is far too much."""
    until, found, pipe = time.monotonic() + seconds, bytearray(), process.stdout
    assert pipe is not None

    def read() -> None:
        with suppress(OSError, ValueError):  # the pipe is closed below whoever still waits at it
            while len(found) <= MOST_PRINTED and (piece := pipe.read(4096)):
                found.extend(piece)

    reader = threading.Thread(target=read, daemon=True)  # portable, and `communicate` would take gigabytes
    reader.start()
    reader.join(seconds)
    if reader.is_alive():
        raise subprocess.TimeoutExpired("key_command", seconds)
    if len(found) > MOST_PRINTED:
        raise subprocess.SubprocessError("far too much")
    process.wait(max(0.0, until - time.monotonic()))
    return bytes(found)


_running: set[subprocess.Popen[bytes]] = set()


@atexit.register
def _end_all() -> None:
    """A program that ends while a thread still waits for a command leaves none behind."""
    for process in tuple(_running):
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):
        process.kill()


def has_keyring() -> bool:
    """The ``keyring`` extra is installed."""
    return importlib.util.find_spec("keyring") is not None


def read_keyring(provider: str) -> Secret | None:
    """The provider's key in the system's keyring; None when there is none (blocking: it may ask to be unlocked).

    Raises `NoKey` when the keyring is not installed or does not answer.
    """
    with _keyring(NoKey) as keyring:
        value = keyring.get_password(KEYRING_SERVICE, provider)
    return Secret(value) if value and value.strip() else None


def write_keyring(provider: str, secret: Secret) -> None:
    """Keep the provider's key in the system's keyring. Raises `UsageError`."""
    with _keyring(UsageError) as keyring:
        keyring.set_password(KEYRING_SERVICE, provider, secret.reveal())


@contextmanager
def _keyring(failure: type[UsageError]) -> Iterator[Any]:
    """The keyring library, to ask the system's keyring inside; raises `failure` where that cannot be done."""
    try:
        yield importlib.import_module("keyring")
    except ImportError:
        raise failure(
            "the system's keyring needs the keyring library", hint="Install mediatui[keyring], or use key_command."
        ) from None
    except Exception as exc:  # a fence: it lets through whatever its backends meet
        raise failure(
            f"the system's keyring did not answer ({type(exc).__name__})",
            hint="Unlock it, or put the key into the environment or use key_command.",
        ) from None
