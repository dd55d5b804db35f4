"""Text that a person or another program writes to stdin."""

from __future__ import annotations

import sys

from mediatui.errors import UsageError


def read_stdin(what: str, limit: int = -1) -> str:
    """All of stdin, or the first `limit` bytes. Raises `UsageError` for what is no text: it is sent nowhere."""
    try:
        data = sys.stdin.buffer.read(limit)
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"{what} on stdin is not text in UTF-8", hint="Convert it first, with iconv say.") from None
    except OSError as error:
        raise UsageError(f"cannot read {what} from stdin: {error.strerror}") from None
