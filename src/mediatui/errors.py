"""What can go wrong, in words for people and a code for scripts.

Every error a person may see is a `MediatuiError`: what happened, what was kept, what to do next.

    MediatuiError                 exit 1
    ├── UsageError                exit 2   the request itself is wrong
    │   ├── NeedsConfirmation              it costs more than is spent unasked
    │   └── NotYet                         the same may be done later
    ├── ProviderError             exit 1   a service refused or failed (4 for key and balance)
    ├── SaveError                 exit 3   an output's bytes did not reach the disk; its item stays, to retry
    └── StorageError              exit 1   a record or file did not reach the disk
        ├── StorageBlocked                 no room, no permission, read-only: retrying at once is futile
        └── StorageTooNew                  written by a newer mediatui: readable, not writable
"""

from __future__ import annotations

import errno
import os
from enum import IntEnum, StrEnum

from mediatui.redact import hide_known
from mediatui.text import clean_text

BLOCKING_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS})
"""The `OSError` numbers that mean "this place takes no bytes now", as opposed to a passing fault."""


class ExitCode(IntEnum):
    """Exit codes of the command line; part of its interface."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNSAVED = 3
    KEY_OR_BALANCE = 4
    INTERRUPTED = 130


class ErrorKind(StrEnum):
    """What sort of thing went wrong at a provider; decides what may be tried again."""

    AUTH = "auth"
    BILLING = "billing"
    INVALID_INPUT = "invalid-input"
    POLICY = "policy"
    RATE_LIMITED = "rate-limited"
    TRANSIENT = "transient"
    NOT_FOUND = "not-found"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    AMBIGUOUS_SUBMIT = "ambiguous-submit"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"

    @property
    def stops_batch(self) -> bool:
        """No other request with the same key can succeed until a person acts."""
        return self in (ErrorKind.AUTH, ErrorKind.BILLING)

    @property
    def retry_read(self) -> bool:
        """Asking again for a status or a result may succeed and is free."""
        return self in (ErrorKind.RATE_LIMITED, ErrorKind.TRANSIENT)


class SaveErrorKind(StrEnum):
    """Why an output's bytes are not on disk."""

    FULL = "disk-full"
    READ_ONLY = "read-only"
    PERMISSION = "permission"
    TOO_LARGE = "too-large"
    IO = "disk-error"
    NETWORK = "network"
    SERVER = "server"
    EXPIRED = "expired"
    REFUSED_HOST = "refused-host"
    BAD_CONTENT = "bad-content"
    INCOMPLETE = "incomplete"
    INTERNAL = "internal"

    @property
    def storage_blocked(self) -> bool:
        """The disk refuses bytes; the network is not to blame."""
        return self in (
            SaveErrorKind.FULL,
            SaveErrorKind.READ_ONLY,
            SaveErrorKind.PERMISSION,
            SaveErrorKind.TOO_LARGE,
        )

    @property
    def transient(self) -> bool:
        """Worth another automatic attempt without anybody acting first."""
        return self in (SaveErrorKind.NETWORK, SaveErrorKind.SERVER, SaveErrorKind.INCOMPLETE)


class MediatuiError(Exception):
    """What happened (`message`), and what to press or run next (`hint`). Both are clean text without our keys.

    A service may repeat the key it refuses; its words end here.
    """

    title = "Something went wrong"
    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = hide_known(clean_text(message))
        self.hint = hide_known(clean_text(hint))
        super().__init__(self.message)


class UsageError(MediatuiError):
    """The command, option, setting or name given makes no sense here."""

    title = "That cannot be done"
    exit_code = ExitCode.USAGE


class NoKey(UsageError):
    """What was to give a provider's key (a command, the system's keyring) gave none."""

    title = "There is no key"
    exit_code = ExitCode.KEY_OR_BALANCE


class NotYet(UsageError):
    """It makes no sense at this moment, for a reason that passes: the same may be done later."""


class NeedsConfirmation(UsageError):
    """It is expected to cost more than the settings let pass unasked. Nothing was recorded and nothing sent."""

    title = "This is expensive"


_REFUSALS = {
    ErrorKind.AUTH: "The key was refused",
    ErrorKind.BILLING: "The account does not pay for it",
    ErrorKind.INVALID_INPUT: "An input was refused",
    ErrorKind.POLICY: "The content filter refused it",
    ErrorKind.RATE_LIMITED: "Too many requests",
}


class ProviderError(MediatuiError):
    """A service refused or failed.

    `fields` maps an input field's name to what is wrong with it; `retry_after` is in seconds;
    `code` is the provider's own error code, `status` the HTTP status, where there was one.
    """

    title = "The provider answered with an error"

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        hint: str = "",
        fields: dict[str, str] | None = None,
        code: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.title = _REFUSALS.get(kind, self.title)
        self.fields = {hide_known(clean_text(k)): hide_known(clean_text(v)) for k, v in (fields or {}).items()}
        self.code = hide_known(clean_text(code))
        self.status = status
        self.retry_after = retry_after
        if kind.stops_batch:
            self.exit_code = ExitCode.KEY_OR_BALANCE


class SaveError(MediatuiError):
    """One output could not be brought to disk; the item stays and says so."""

    title = "Not saved"
    exit_code = ExitCode.UNSAVED

    def __init__(self, kind: SaveErrorKind, message: str, *, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retry_after = retry_after
        self.host = ""
        """The public media host that nobody has allowed, where that is why."""


class StorageError(MediatuiError):
    """A record or file did not reach the disk; memory and disk still agree on the state before it."""

    title = "The disk refused"

    def __init__(self, message: str, *, hint: str = "", kind: SaveErrorKind = SaveErrorKind.IO) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class StorageBlocked(StorageError):
    """No room, no permission or a read-only place: free it, then retry."""


class StorageTooNew(StorageError):
    """Written by a newer mediatui; opened read-only so that nothing is lost."""

    title = "Written by a newer version"


def save_error_kind(exc: OSError) -> SaveErrorKind:
    """The kind of a failed file operation."""
    kinds = {
        errno.ENOSPC: SaveErrorKind.FULL,
        errno.EDQUOT: SaveErrorKind.FULL,
        errno.EFBIG: SaveErrorKind.TOO_LARGE,
        errno.EROFS: SaveErrorKind.READ_ONLY,
        errno.EACCES: SaveErrorKind.PERMISSION,
        errno.EPERM: SaveErrorKind.PERMISSION,
    }
    return kinds.get(exc.errno or 0, SaveErrorKind.IO)


_SAVES = "“Save all unsaved” in the interface, or `mediatui retry --all`, saves what is unsaved"


def storage_error(exc: OSError, doing: str) -> StorageError:
    """Translate a failed file operation; `doing` completes "could not …"."""
    reason = os.strerror(exc.errno) if exc.errno else str(exc)
    hints = {
        SaveErrorKind.FULL: f"Free some space, then try again; {_SAVES}.",
        SaveErrorKind.READ_ONLY: f"Make the place writable or choose another --data-dir, then try again; {_SAVES}.",
        SaveErrorKind.PERMISSION: f"Check who owns the folder, then try again; {_SAVES}.",
    }
    kind = save_error_kind(exc)
    error = StorageBlocked if exc.errno in BLOCKING_ERRNOS else StorageError
    return error(f"could not {doing}: {reason}", hint=hints.get(kind, ""), kind=kind)
