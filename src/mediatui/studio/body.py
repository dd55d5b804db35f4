"""The answer to a download: what its headers promise, and its body in large pieces.

A thread that fills a large buffer straight from the socket is two to four times as fast as the asynchronous
client; that path is right only for HTTP/1.1 with a Content-Length and no coding, everything else goes
through httpx's own iterator.
"""

from __future__ import annotations

import email.utils
import mmap
import re
import socket
import time
from collections.abc import Generator, Iterator, Mapping

import httpx

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.studio.appender import BLOCK_BYTES
from mediatui.studio.part import Validator
from mediatui.studio.transport import Stream

BUFFER_BYTES = 1 << 20
HOLD_SECONDS = 0.25
"""What came is handed on after this time, if the buffer is not full before."""
SOCKET_BYTES = 1 << 18
"""Shorter bodies come through the client, which then keeps the connection for the next one."""

_RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE_STATUSES = frozenset({401, 403, 404, 410})
_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/json", "application/problem+json"})
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class GoneError(SaveError):
    """The address answers 401, 403, 404 or 410: ask the provider for a fresh one, once."""

    def __init__(self, status: int) -> None:
        super().__init__(
            SaveErrorKind.EXPIRED,
            f"the provider's address for this file answers {status}",
            hint="Try once more; it can be generated again from its stored inputs, which is a new payment.",
        )
        self.status = status
        self.may_be_signed = status in (401, 403, 404)
        """The file may be there all the same, for those who bring a signature."""


def check_status(response: httpx.Response) -> None:
    """Raise what any answer but 200 and 206 means."""
    status = response.status_code
    if status in _GONE_STATUSES:
        raise GoneError(status)
    if status in _RETRY_STATUSES:
        wait = _retry_after(response.headers)
        raise SaveError(SaveErrorKind.SERVER, f"the server answered {status}", retry_after=wait)
    if status not in (200, 206):
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server answered {status} instead of the file")


def check_headers(response: httpx.Response, total: int | None, max_bytes: int) -> None:
    """Raise for a coded, empty or too large body, and for a page instead of a file."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        name = re.sub(r"[^a-z0-9-]", "", coding)[:20]
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent the file {name}-compressed")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _PAGES:
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent a page ({kind}) instead of the file")
    if total == 0:
        raise SaveError(SaveErrorKind.BAD_CONTENT, "the server sent an empty file")
    if total is not None and total > max_bytes:
        raise too_large(max_bytes)


def too_large(limit: int) -> SaveError:
    """The file is larger than the settings allow."""
    return SaveError(
        SaveErrorKind.BAD_CONTENT,
        f"the file is larger than the limit of {limit:,} bytes",
        hint="Raise save.max_file_bytes in the configuration, then retry.",
    )


def length_of(response: httpx.Response) -> int | None:
    """The length that the headers promise for this body."""
    value = response.headers.get("content-length", "")
    return int(value) if len(value) < 19 and value.isascii() and value.isdigit() else None


def continues(response: httpx.Response, offset: int, total: int | None) -> bool:
    """A 206 goes on where our bytes end, and to the end of the same file."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if found is None or int(found[1]) != offset:
        return False
    if found[3] == "*":
        return True
    return int(found[2]) == int(found[3]) - 1 and total in (None, int(found[3]))


def validator_of(url: str, response: httpx.Response, total: int | None) -> Validator:
    """What a later request can compare, and send back."""
    if response.headers.get("accept-ranges", "bytes").strip().lower() == "none":
        return Validator(url=url, total=total)
    etag, modified = (_sendable(response.headers.get(name, "").strip()) for name in ("etag", "last-modified"))
    strong = etag if len(etag) > 1 and etag[0] == etag[-1] == '"' else ""
    return Validator(url=url, etag=strong, modified=modified, total=total)


def _sendable(value: str) -> str:
    return value if value.isascii() and value.isprintable() and len(value) < 1000 else ""


def pieces_of(response: httpx.Response, length: int | None) -> Iterator[bytes | memoryview]:
    """The body in large pieces; from the socket itself where that is safe. A view is valid until the next one."""
    pieces = response.iter_raw()
    stream = response.extensions.get("network_stream")
    plain = response.http_version == "HTTP/1.1" and "transfer-encoding" not in response.headers
    if length is None or length < SOCKET_BYTES or not plain or not isinstance(stream, Stream):
        yield from pieces
        return
    sock: socket.socket = stream.get_extra_info("socket")
    left = yield from _from_socket(sock, pieces, length)
    stream.finished = left == 0 and "close" not in response.headers.get("connection", "").lower()


def _from_socket(sock: socket.socket, pieces: Iterator[bytes], length: int) -> Generator[memoryview, None, int]:
    """What the client took already of a body of `length` bytes, and the rest from the socket.

    All pieces but the last are whole blocks, while nothing comes empty ones. Returns how many bytes are missing.
    """
    buffer = memoryview(mmap.mmap(-1, BUFFER_BYTES))  # which begins where a page of memory does
    first = next(pieces, b"")  # what the parser took from the socket together with the header
    filled, left = len(first), length - len(first)
    buffer[:filled] = first
    patience = sock.gettimeout() or float("inf")
    sock.settimeout(min(HOLD_SECONDS, patience))
    heard = handed = time.monotonic()
    while left > 0:
        try:
            count = sock.recv_into(buffer[filled:], min(left, BUFFER_BYTES - filled))
            moment = heard = time.monotonic()
            if count == 0:
                break
            filled, left = filled + count, left - count
        except OSError as exc:
            moment = time.monotonic()
            if not isinstance(exc, TimeoutError) or moment - heard >= patience:
                if filled:
                    yield buffer[:filled]  # what arrived need not be sent again
                raise
        if filled == BUFFER_BYTES or moment - handed >= HOLD_SECONDS:
            rest = filled % BLOCK_BYTES
            yield buffer[: filled - rest]
            buffer[:rest] = buffer[filled - rest : filled]
            filled, handed = rest, moment
    if filled:
        yield buffer[:filled]
    return left


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
