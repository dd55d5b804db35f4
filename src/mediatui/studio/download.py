"""Bring the bytes of one address into a part file: following, resuming, trying again, within limits.

Blocking, for the save threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol
from urllib.parse import urljoin

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.media.probe import sniff
from mediatui.providers.base import MediaHosts
from mediatui.studio.advice import TRY_AGAIN
from mediatui.studio.answer import Answer, Broken
from mediatui.studio.headers import (
    GoneError,
    check_headers,
    check_status,
    continues,
    leads_to,
    page_type,
    too_large,
    validator_of,
)
from mediatui.studio.hosts import check_address, parsed_address, peers_of, same_origin
from mediatui.studio.part import HEAD_BYTES, PartFile, Validator
from mediatui.studio.transport import Patience, Transport, UntrustedError
from mediatui.text import human_bytes

__all__ = ["Downloader", "GoneError", "Limits", "Progress", "Stopped"]

MAX_REDIRECTS = 5
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "mediatui"}


class Stopped(Exception):
    """Asked to stop; what arrived stays in the part file."""


class _Cut(Exception):
    """All that was announced arrived, and the file itself says that it goes on."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a download may do."""

    hosts: MediaHosts
    max_bytes: int


class Progress(Protocol):
    """Hears of bytes as they arrive."""

    def __call__(self, received: int, total: int | None) -> None:
        """`total` is None when the server does not say."""


class Downloader:
    """Downloads addresses into part files; one for all save threads."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._transport = Transport(self._patience)
        self._stop = threading.Event()

    def stop(self) -> None:
        """Make running downloads raise `Stopped` within half a second."""
        self._stop.set()

    def close(self) -> None:
        """Close the connections; a download that still waits for a byte fails."""
        self._stop.set()
        self._transport.close()

    def fetch(
        self,
        url: str,
        part: PartFile,
        limits: Limits,
        headers: Mapping[str, str],
        progress: Progress,
        stopped: Callable[[], bool] = lambda: False,
        sign: Callable[[str], str | None] = lambda url: None,
    ) -> str | None:
        """Download `url` to its end into `part`; returns the content type the server named.

        An address that does not open is tried once as `sign` gives it, signed; that one is written down nowhere.
        Passing faults are tried again with growing pauses, and a file that says it goes on once; what the server
        has of it then is taken. Raises `SaveError` (`GoneError` for an address that no longer answers) or `Stopped`.
        """
        task = _Task(
            url, part, limits, headers, progress, lambda: self._stop.is_set() or stopped(), self._patience.behind
        )
        failures = furthest = 0
        while True:
            try:
                return self._attempt(task)
            except GoneError as exc:
                signed = sign(url) if exc.may_be_signed and task.signed is None else None
                if signed is None:
                    raise
                task = replace(task, signed=signed)
            except UntrustedError:
                raise
            except _Cut:
                return self._once_more(task)
            except SaveError as exc:
                failures = 1 if part.size > furthest else failures + 1
                furthest = max(furthest, part.size)  # what arrived before it had to begin anew is no progress twice
                later = (exc.retry_after or 0.0) > self._patience.longest_hold
                if not exc.kind.transient or later or failures >= self._patience.attempts:
                    raise
                self._pause(task, exc.retry_after, failures)

    def _pause(self, task: _Task, wanted: float | None, failures: int) -> None:
        patience = self._patience
        delay = max(wanted or 0.0, patience.first_delay * 2 ** (failures - 1))
        left = min(patience.longest_delay, delay)
        while left > 0:
            task.check()
            self._stop.wait(min(left, 0.25))
            left -= 0.25
        task.check()

    def _once_more(self, task: _Task) -> str | None:
        held = task.part.size
        try:
            return self._attempt(replace(task, last=True))
        except SaveError:
            if task.part.size != held:
                raise
            return None  # no more of it is to be had

    def _attempt(self, task: _Task) -> str | None:
        known = None if task.last else task.part.resumable(task.url)
        if known is not None and known.total == task.part.size:
            return None  # whole already; a run was stopped before it could give the file its name
        ask = dict(task.headers)
        if known is not None:
            ask |= {"Range": f"bytes={task.part.size}-", "If-Range": known.condition}
        try:
            with self._open(task, ask) as answer:
                return task.receive(answer, known)
        except Broken as exc:
            task.check()
            arrived = f"; {human_bytes(task.part.size)} arrived and are kept" if task.part.size else ""
            raise SaveError(SaveErrorKind.NETWORK, f"{exc}{arrived}") from None

    @contextmanager
    def _open(self, task: _Task, headers: dict[str, str]) -> Iterator[Answer]:
        """Follow redirects ourselves: every hop is checked, and credentials stay with the first origin."""
        target = task.signed or task.url
        for _ in range(MAX_REDIRECTS + 1):
            task.check()
            hosts = task.limits.hosts
            check_address(target, hosts)
            if not same_origin(task.url, target):
                headers = {k: v for k, v in headers.items() if k.lower() in ("range", "if-range")}
            asked = {**_HEADERS, **headers}
            with self._transport.get(parsed_address(target), asked, peers_of(target, hosts)) as answer:
                if (location := leads_to(answer)) is None:
                    yield answer
                    return
            target = _joined(target, location)
        raise SaveError(SaveErrorKind.SERVER, f"the server redirected more than {MAX_REDIRECTS} times")


@dataclass(frozen=True, slots=True)
class _Task:
    """One download and its limits."""

    url: str
    part: PartFile
    limits: Limits
    headers: Mapping[str, str]
    progress: Progress
    stopped: Callable[[], bool]
    behind: float
    """Seconds to wait for a byte behind the announced end."""
    signed: str | None = field(default=None, repr=False)
    """The address to use in place of `url`; it opens the file for anybody."""
    last: bool = False
    """It is asked for from its beginning, and taken also when it says that it goes on."""

    def check(self) -> None:
        """Raise `Stopped` when it should end."""
        if self.stopped():
            raise Stopped

    def receive(self, answer: Answer, known: Validator | None) -> str | None:
        """Take the body; returns its content type."""
        part = self.part
        length, pieces = answer.length, answer.pieces()
        whole = known is None and answer.status == 206 and continues(answer, 0, Validator(self.url))
        if answer.status in (206, 416) and not whole:
            if known is None or answer.status == 416 or not continues(answer, part.size, known):
                part.begin(Validator(url=""))
                asked = "the server could not continue where the download stopped"
                unasked = f"the server answered {answer.status}, as if a part of the file had been asked for"
                raise SaveError(SaveErrorKind.INCOMPLETE, asked if known else unasked)
            total = known.total if length is None else part.size + length
            if known.total is not None and total != known.total:
                part.begin(Validator(url=""))
                raise SaveError(SaveErrorKind.INCOMPLETE, "the file at the server changed its length")
            check_headers(answer, total, self.limits.max_bytes)
        else:
            check_status(answer)
            total = length
            check_headers(answer, total, self.limits.max_bytes)
            if (page := page_type(answer)) or part.size:
                pieces = _checked(pieces, page)
            part.begin(validator_of(self.url, answer, total))
        self._check_room(total)
        for piece in pieces:
            self._take(piece, total)
        if total is not None and part.size != total:
            raise SaveError(SaveErrorKind.INCOMPLETE, f"only {part.size:,} of {total:,} bytes arrived")
        if self.part.is_cut():
            self._go_on(answer)
        return answer.headers.get("content-type")

    def _go_on(self, answer: Answer) -> None:
        """Take what comes behind the announced end of a file that says it goes on; raise when it is still cut."""
        part = self.part
        if answer.ends_by_closing:
            raise SaveError(SaveErrorKind.INCOMPLETE, f"the server hung up in the middle, after {part.size:,} bytes")
        if not answer.ends_by_chunk:
            for piece in answer.surplus(self.behind):
                if part.size + len(piece) > self.limits.max_bytes:
                    break
                self._take(piece, None)
        if not self.last and self.part.is_cut():
            raise _Cut

    def _take(self, piece: bytes | memoryview, total: int | None) -> None:
        self.check()
        if self.part.size + len(piece) > self.limits.max_bytes:
            self.part.begin(Validator(url=""))
            raise too_large(self.limits.max_bytes)
        self.part.write(piece)
        self.progress(self.part.size, total)

    def _check_room(self, total: int | None) -> None:
        """A file that cannot fit is not begun: it would only take the room for records."""
        missing = (total or 0) - self.part.size
        if missing > (room := self.part.room()):
            raise SaveError(
                SaveErrorKind.FULL,
                f"the disk is full: this needs {human_bytes(missing)}, there is room for {human_bytes(room)}",
                hint=f"Free some space, then {TRY_AGAIN}.",
            )


def _checked(pieces: Iterator[bytes | memoryview], page: str) -> Iterator[bytes | memoryview]:
    """The same body, once it began like media, whatever type it is said to have: nothing is given up for a page."""
    head = b""
    while len(head) < HEAD_BYTES and (piece := next(pieces, None)) is not None:
        head += bytes(piece)
    if sniff(head) is None:
        came = f"a page ({page})" if page else "what is no picture, video or sound"
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent {came} instead of the file")
    return chain((head,), pieces)


def _joined(base: str, location: str) -> str:
    try:
        return urljoin(base, location)
    except ValueError:
        raise SaveError(SaveErrorKind.SERVER, "the server redirected to no address at all") from None
