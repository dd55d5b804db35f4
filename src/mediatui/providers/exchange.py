"""One HTTP request and its answer, as far as it came: no longer than anybody takes, no slower than anybody waits."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from mediatui.providers.answers import outline, parse_object
from mediatui.providers.connection import connection_words
from mediatui.providers.problems import moment_of

MAX_BODY = 512 << 20
"""An answer longer than this (bytes) is refused while it arrives; answers may hold whole pictures and videos."""
MAX_UNPACKED = 256 << 20
"""The same for one that came compressed: a small one may unpack to any size."""

LONGEST_ERROR = 1 << 20
"""Bytes; a longer answer is no error, and nothing is read in it before it is written down."""

SLOWEST = 1024.0
"""Bytes per second; what comes more slowly for as long as a service may be silent is given up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    broken: str = ""
    """Why it ends before its end, in a few words; empty for a whole one."""

    @property
    def ok(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def clock_ahead(self) -> float:
        """Seconds that the service's clock is ahead of ours, as it answers just now; 0 where it does not say."""
        moment = moment_of(self.headers.get("date", ""))
        return 0.0 if moment is None else moment - time.time()

    @property
    def says_nothing(self) -> bool:
        """It is empty, or a page of something before the service."""
        begins = self.body[:1000].lstrip()[:1] or self.body.strip()[:1]
        return not begins or (begins == b"<" and "html" in self.headers.get("content-type", ""))

    @property
    def error(self) -> object:
        """What an answer that accepts nevertheless gives as its error; None in one that holds more than words."""
        return self.document.get("error") or None if len(self.body) <= LONGEST_ERROR else None

    @property
    def document(self) -> Mapping[str, Any]:
        """The JSON object in the body; empty when there is none."""
        return parse_object(self.body)


class BrokenAnswer(httpx.HTTPError):
    """The answer began and did not come to its end; `answer` is what had arrived."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.broken)
        self.answer = answer

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of the answer."""
        return self.answer.headers


class TooLarge(BrokenAnswer):
    """The answer passed `MAX_BODY`."""


def name_of(exc: Exception) -> str:
    """What went wrong on the connection, in a few words."""
    return str(exc) if isinstance(exc, BrokenAnswer) else connection_words(exc)


async def exchange(client: httpx.AsyncClient, method: str, url: httpx.URL, **more: Any) -> Answer:
    """One request and its whole answer; redirects are not followed. `more` goes to httpx. Raises `httpx.HTTPError`.

    An answer that trickles in is given up: a timeout for each read would wait for it for ever.
    """
    head: httpx.Response | None = None
    body = io.BytesIO()
    silence = (more.get("timeout") or client.timeout).read
    try:
        async with (
            asyncio.timeout(_until_head(client, more)) as limit,
            client.stream(method, url, follow_redirects=False, **more) as response,
        ):
            head = response
            await _receive(response, body, limit, silence)
            return _answer(response, body)
    except httpx.HTTPError as exc:
        if head is None:
            raise
        return _as_far(head, body, exc)
    except TimeoutError:
        slow = httpx.ReadTimeout("it trickles in")
        if head is None:
            raise slow from None
        return _as_far(head, body, slow)
    except _Overflow:
        assert head is not None
        raise TooLarge(_answer(head, body, "an answer that is too large")) from None


class _Overflow(Exception):
    """More came than anybody takes."""


async def _receive(response: httpx.Response, body: io.BytesIO, limit: asyncio.Timeout, silence: float | None) -> None:
    """The whole body. `limit` is moved on as it comes."""
    began = asyncio.get_running_loop().time()
    most = min(MAX_BODY, MAX_UNPACKED) if "content-encoding" in response.headers else MAX_BODY
    limit.reschedule(None if silence is None else began + silence)
    async for chunk in response.aiter_bytes():
        if body.tell() + len(chunk) > most:
            raise _Overflow
        body.write(chunk)
        if silence is not None:
            limit.reschedule(began + silence + body.tell() / SLOWEST)


def _as_far(response: httpx.Response, body: io.BytesIO, cause: httpx.HTTPError) -> Answer:
    """A whole JSON object is the answer, whatever its head said of the length. Raises `BrokenAnswer` for any other."""
    answer = _answer(response, body)
    if outline(answer.body):
        return answer
    raise BrokenAnswer(replace(answer, broken=connection_words(cause))) from cause


def _answer(response: httpx.Response, body: io.BytesIO, broken: str = "") -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body.getvalue(), broken)


def _until_head(client: httpx.AsyncClient, more: Mapping[str, Any]) -> float | None:
    """Seconds in which a request is sent and an answer has begun; None where its length is not known."""
    timeout, content = more.get("timeout") or client.timeout, more.get("content")
    if timeout.read is None or more.get("files") or more.get("data"):
        return None
    said = (more.get("headers") or {}).get("Content-Length")
    length = len(content) if isinstance(content, bytes) else int(said or 0)
    if length == 0 and content is not None and not isinstance(content, bytes):
        return None
    return float(timeout.read + (timeout.connect or 0.0) + length / SLOWEST)
