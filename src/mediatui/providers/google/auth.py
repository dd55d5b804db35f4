"""Who we are to Google: an API key, an access token, a command that prints one, or the machine's own credentials."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

from mediatui.errors import ErrorKind, MediatuiError, ProviderError, UsageError
from mediatui.keys import run_key_command
from mediatui.settings import ProviderSettings, Secret

TOKEN_SECONDS = 240.0
"""How long a token from a command is used. `gcloud auth print-access-token` prints one with at least 5 min left."""

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

MODES = ("key", "token", "adc")
"""Values of the setting ``auth``: what `key` or `key_command` gives, or the machine's default credentials."""

DOTS = "••••"

_NO_CREDENTIALS = "Set GEMINI_API_KEY, or providers.google.token_command and project for Vertex."


class Credentials:
    """The key and the token; the token is fetched when first needed and again when it is old. Thread-safe.

    Fetching blocks (a process or a request): call `token` from a worker thread.
    """

    def __init__(self, key: Secret | None, fetch: Callable[[], Secret] | None, *, lasts: float = TOKEN_SECONDS) -> None:
        self._key, self._fetch, self._lasts = key, fetch, lasts
        self._token: Secret | None = None
        self._fetched_at = _clocks()
        self._lock = threading.Lock()
        self._used: list[Secret] = [key] if key else []

    @classmethod
    def from_settings(cls, settings: ProviderSettings) -> Credentials:
        """As configured; runs `key_command` when it prints an API key (blocking).

        Raises `UsageError` for an unknown way, `NoKey` for a command that fails.
        """
        mode, place = settings.options.get("auth", "key"), f"providers.{settings.name}"
        if mode not in MODES:
            raise UsageError(f"{place}.auth is {mode!r}; it must be one of {', '.join(MODES)}")
        command = settings.options.get("token_command")
        if command is not None and (not isinstance(command, str) or not command.strip()):
            raise UsageError(f"{place}.token_command must be a command that prints an access token")
        if mode == "adc":
            return cls(settings.key, default_credentials)
        if mode == "token":
            return cls(None, lambda: _required(settings))
        return cls(settings.resolve_key(), (lambda: token_from(command)) if command else None)

    @property
    def has_key(self) -> bool:
        """There is an API key."""
        return bool(self._key)

    @property
    def has_token(self) -> bool:
        """An access token can be had."""
        return self._fetch is not None

    @property
    def key(self) -> Secret | None:
        """The API key."""
        return self._key

    def fresh(self) -> Secret | None:
        """The token in hand if it is young enough; never waits."""
        age = max(now - then for now, then in zip(_clocks(), self._fetched_at, strict=True))
        return self._token if age < self._lasts else None

    def token(self) -> Secret:
        """An access token (blocking when it has to be fetched). Raises `ProviderError` of kind AUTH."""
        with self._lock:
            if (token := self.fresh()) is not None:
                return token
            if self._fetch is None:
                raise ProviderError(ErrorKind.AUTH, "this needs a Google access token", hint=_NO_CREDENTIALS)
            try:
                token = self._fetch()
            except MediatuiError as exc:
                raise ProviderError(ErrorKind.AUTH, exc.message, hint=exc.hint) from None
            check_sendable(token, "access token")
            self._token, self._fetched_at = token, _clocks()
            self._used = [*self._used[-8:], token]
            return token

    def refused(self) -> None:
        """The service did not accept the token: fetch another one next time."""
        self._token = None

    def scrub(self, body: bytes) -> bytes:
        """`body` without any key or token of ours that a server may have echoed."""
        for secret in self._used:
            body = body.replace(secret.reveal().encode("utf-8", "replace"), DOTS.encode())
        return body


def _clocks() -> tuple[float, float]:
    """One that nobody sets, and one that goes on while the machine sleeps."""
    return time.monotonic(), time.time()


def check_sendable(secret: Secret, what: str) -> None:
    """Raise `ProviderError` of kind AUTH for what no header can carry, such as a command's two lines."""
    value = secret.reveal()
    if not (value and value.isascii() and value.isprintable()) or " " in value:
        raise ProviderError(ErrorKind.AUTH, f"the Google {what} is empty or holds characters that none has")


def _required(settings: ProviderSettings) -> Secret:
    found = settings.resolve_key()
    if not found:
        raise UsageError("there is no access token for Google", hint=_NO_CREDENTIALS)
    return found


def token_from(command: str) -> Secret:
    """What `command` prints (blocking, at most 30 s). Raises `NoKey`; its output is never shown."""
    return run_key_command("google", command, "token_command")


def default_credentials() -> Secret:
    """A token of the machine's application default credentials (blocking); needs the extra ``google``.

    Raises `UsageError` when the library is not installed or finds no credentials.
    """
    try:
        auth: Any = importlib.import_module("google.auth")
        transport: Any = importlib.import_module("google.auth.transport.requests")
        away: Any = importlib.import_module("google.auth.exceptions").TransportError
    except ImportError:
        raise UsageError(
            'auth = "adc" needs the google-auth library',
            hint='Install mediatui[google], or set token_command = "gcloud auth print-access-token".',
        ) from None
    try:
        credentials, _ = auth.default(scopes=[SCOPE])
        credentials.refresh(transport.Request())
        return Secret(str(credentials.token or ""))
    except away:
        raise UsageError("Google could not be reached for a token", hint="Check the network.") from None
    except Exception as exc:  # a fence: it stumbles over odd files and answers with whatever comes of them
        raise UsageError(
            f"the machine's Google credentials could not be used ({type(exc).__name__})",
            hint="Run `gcloud auth application-default login`.",
        ) from None
