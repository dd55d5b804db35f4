"""Bring the bytes of one address into a part file: streaming, resuming, within limits.

Blocking, for the save threads. A thread that fills a large buffer straight from the socket is two to four
times as fast as the asynchronous client; that path is right only for HTTP/1.1 with a Content-Length and
no coding, everything else goes through httpx's own iterator.
"""

from __future__ import annotations

import email.utils
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import httpx

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.base import MediaHosts
from mediatui.studio.hosts import check_address, check_peer, is_configured_loopback, same_origin
from mediatui.studio.part import PartFile, Validator

ATTEMPTS = 5
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
MAX_REDIRECTS = 5
BUFFER_BYTES = 1 << 20
SOCKET_BYTES = 1 << 18
"""Shorter bodies come through the client, which then keeps the connection for the next one."""
TIMEOUT = httpx.Timeout(60.0, connect=15.0)
_RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE_STATUSES = frozenset({401, 403, 404, 410})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class GoneError(SaveError):
    """The address answers 401, 403, 404 or 410: ask the provider for a fresh one, once."""

    def __init__(self, status: int) -> None:
        super().__init__(
            SaveErrorKind.EXPIRED,
            f"the provider's address for this file answers {status}",
            hint="Press r to ask the provider for it once more.",
        )


class Stopped(Exception):
    """Asked to stop; what arrived stays in the part file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may do."""

    hosts: MediaHosts
    max_bytes: int


class Downloader:
    """Downloads addresses into part files; one for all save threads."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._clients = threading.local()
        self._context: ssl.SSLContext | None = None

    def stop(self) -> None:
        """Make running downloads raise `Stopped` at their next buffer."""
        self._stop.set()

    def fetch(
        self,
        url: str,
        part: PartFile,
        limits: Limits,
        headers: Mapping[str, str],
        progress: Callable[[int, int | None], None],
    ) -> str | None:
        """Download `url` to its end into `part`; returns the content type the server named.

        Passing faults are tried again with growing pauses. Raises `SaveError` (`GoneError` for an address
        that no longer answers) or `Stopped`.
        """
        failures = 0
        while True:
            before = part.size
            try:
                return self._attempt(url, part, limits, headers, progress)
            except SaveError as exc:
                failures = 1 if part.size > before else failures + 1
                if not exc.kind.transient or failures >= ATTEMPTS:
                    raise
                self._pause(exc.retry_after, failures)

    def _pause(self, wanted: float | None, failures: int) -> None:
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1))
        if self._stop.wait(min(LONGEST_DELAY, max(delay, wanted or 0.0))):
            raise Stopped

    def _attempt(
        self,
        url: str,
        part: PartFile,
        limits: Limits,
        headers: Mapping[str, str],
        progress: Callable[[int, int | None], None],
    ) -> str | None:
        known = part.resumable(url)
        ask = dict(headers)
        if known is not None:
            ask |= {"Range": f"bytes={part.size}-", "If-Range": known.condition}
        try:
            with self._open(url, ask, limits.hosts) as response:
                return self._receive(url, response, part, known, limits, progress)
        except httpx.HTTPError as exc:
            raise SaveError(SaveErrorKind.NETWORK, f"the connection failed ({type(exc).__name__})") from None
        except (OSError, ssl.SSLError) as exc:
            raise SaveError(SaveErrorKind.NETWORK, f"the connection failed ({type(exc).__name__})") from None

    def _receive(
        self,
        url: str,
        response: httpx.Response,
        part: PartFile,
        known: Validator | None,
        limits: Limits,
        progress: Callable[[int, int | None], None],
    ) -> str | None:
        if known is not None and response.status_code == 416:
            if known.total == part.size:
                return None
            part.begin(Validator(url=""))
            raise SaveError(SaveErrorKind.INCOMPLETE, "the server could not continue the download")
        _check_status(response)
        resumed = known is not None and response.status_code == 206
        length = _length(response)
        total = part.size + length if resumed and length is not None else length
        if resumed and not _continues(response, part.size, known):
            part.begin(Validator(url=""))
            raise SaveError(SaveErrorKind.INCOMPLETE, "the server continued at another place than asked")
        _check_headers(response, total, limits.max_bytes)
        if not resumed:
            part.begin(_validator(url, response, total))
        for chunk in _body(response, length):
            if self._stop.is_set():
                raise Stopped
            if part.size + len(chunk) > limits.max_bytes:
                raise _too_large(limits.max_bytes)
            part.write(chunk)
            progress(part.size, total)
        if total is not None and part.size != total:
            raise SaveError(SaveErrorKind.INCOMPLETE, f"only {part.size:,} of {total:,} bytes arrived")
        kind: str | None = response.headers.get("content-type")
        return kind

    def _open(self, url: str, headers: dict[str, str], hosts: MediaHosts) -> _Open:
        """Follow redirects ourselves: every hop is checked, and credentials stay with the first origin."""
        check_address(url, hosts)
        target, first = url, url
        for _ in range(MAX_REDIRECTS + 1):
            client = self._client()
            request = client.build_request("GET", target, headers={"Accept-Encoding": "identity", **headers})
            response = client.send(request, stream=True)
            try:
                _check_connection(response, target, hosts)
                if not response.has_redirect_location:
                    return _Open(response)
                following = urljoin(target, response.headers["location"])
                check_address(following, hosts)
            except BaseException:
                response.close()
                raise
            response.close()
            if not same_origin(first, following):
                headers = {k: v for k, v in headers.items() if k.lower() in ("range", "if-range")}
            target = following
        raise SaveError(SaveErrorKind.SERVER, f"the server redirected more than {MAX_REDIRECTS} times")

    def _client(self) -> httpx.Client:
        client: httpx.Client | None = getattr(self._clients, "client", None)
        if client is None:
            if self._context is None:
                self._context = httpx.create_ssl_context()
            client = httpx.Client(timeout=TIMEOUT, verify=self._context, follow_redirects=False, trust_env=False)
            self._clients.client = client
        return client


class _Open:
    """Closes the response on leaving, even when its body was taken from the socket."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __enter__(self) -> httpx.Response:
        return self._response

    def __exit__(self, *exc: object) -> None:
        self._response.close()


def _check_connection(response: httpx.Response, url: str, hosts: MediaHosts) -> None:
    """The peer actually connected to must be public too, whatever the name resolved to a moment ago."""
    if is_configured_loopback(url, hosts):
        return
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    if peer:
        check_peer(str(peer[0]), response.url.host)


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in _GONE_STATUSES:
        raise GoneError(status)
    if status in _RETRY_STATUSES:
        raise SaveError(
            SaveErrorKind.SERVER, f"the server answered {status}", retry_after=_retry_after(response.headers)
        )
    if status not in (200, 206):
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server answered {status} instead of the file")


def _check_headers(response: httpx.Response, total: int | None, max_bytes: int) -> None:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent the file {one_word(coding)}-compressed")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/json", "application/xhtml+xml", "application/problem+json"):
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent a page ({kind}) instead of the file")
    if total == 0:
        raise SaveError(SaveErrorKind.BAD_CONTENT, "the server sent an empty file")
    if total is not None and total > max_bytes:
        raise _too_large(max_bytes)


def one_word(text: str) -> str:
    """Letters and digits only: a header's value for a message."""
    return re.sub(r"[^a-z0-9-]", "", text)[:20]


def _too_large(limit: int) -> SaveError:
    return SaveError(
        SaveErrorKind.BAD_CONTENT,
        f"the file is larger than the limit of {limit:,} bytes",
        hint="Raise save.max_file_bytes in the configuration, then retry.",
    )


def _length(response: httpx.Response) -> int | None:
    value = response.headers.get("content-length")
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def _continues(response: httpx.Response, offset: int, known: Validator | None) -> bool:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if found is None or int(found[1]) != offset:
        return False
    return found[3] == "*" or known is None or known.total is None or int(found[3]) == known.total


def _validator(url: str, response: httpx.Response, total: int | None) -> Validator:
    etag = response.headers.get("etag", "")
    strong = etag if etag.startswith('"') else ""
    accepts = response.headers.get("accept-ranges", "bytes").strip().lower() != "none"
    modified = response.headers.get("last-modified", "") if accepts else ""
    return Validator(url=url, etag=strong if accepts else "", modified=modified, total=total)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _body(response: httpx.Response, length: int | None) -> Iterator[bytes | memoryview]:
    """The body in large pieces; from the socket itself where that is safe."""
    pieces = response.iter_raw()
    plain = length is not None and "transfer-encoding" not in response.headers
    stream = response.extensions.get("network_stream") if plain else None
    sock = stream.get_extra_info("socket") if stream is not None else None
    if length is None or length < SOCKET_BYTES or sock is None or response.http_version != "HTTP/1.1":
        yield from pieces
        return
    left = length
    first = next(pieces, b"")  # what the parser took from the socket together with the header
    left -= len(first)
    if first:
        yield first
    buffer = memoryview(bytearray(min(BUFFER_BYTES, max(1, left))))
    filled = 0
    while left > 0:
        count = sock.recv_into(buffer[filled : filled + min(left, len(buffer) - filled)])
        if count == 0:
            if filled:
                yield buffer[:filled]
            return
        filled += count
        left -= count
        if filled >= len(buffer) // 4 or left == 0:
            yield buffer[:filled]
            filled = 0
