"""fal over HTTP: one answer for one question, the key only where it belongs, bodies only up to a limit."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.providers.fal_errors import error_from_response
from mediatui.providers.fal_hosts import FalHosts
from mediatui.settings import Secret

TIMEOUT = httpx.Timeout(120.0, connect=10.0)
DIRECT_SECONDS = 900.0
"""How long a model may take to answer on the connection that asked it."""
MAX_BODY = 256 << 20
"""A longer answer (bytes) is refused; results may hold data addresses."""

Content = bytes | AsyncIterable[bytes]

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures before the first byte of a request left this machine."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300

    @property
    def document(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def error(self, doing: str) -> ProviderError:
        """What the answer means when it is not `ok`; `doing` completes "while …"."""
        return error_from_response(self.status, self.headers, self.body, doing=doing)


class TooLong(httpx.HTTPError):
    """The answer is longer than `MAX_BODY`."""


class BrokenAnswer(httpx.HTTPError):
    """The answer began and then the connection broke; `headers` had arrived."""

    def __init__(self, cause: httpx.HTTPError, headers: Mapping[str, str]) -> None:
        super().__init__(type(cause).__name__)
        self.headers = headers


class FalWire:
    """The connections to one fal account."""

    def __init__(self, hosts: FalHosts, key: Secret | None, title: str) -> None:
        if key and not (key.reveal().isascii() and key.reveal().isprintable() and " " not in key.reveal()):
            raise UsageError(f"the key for {title} holds characters that no key has", hint="Copy it once more.")
        self._hosts, self._key, self._title = hosts, key, title

    # Made when first used: saving a finished job's outputs asks nothing of the service.

    @cached_property
    def _verify(self) -> ssl.SSLContext | bool:
        return httpx.create_ssl_context() if "https" in (self._hosts.queue[:5], self._hosts.api[:5]) else False

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=TIMEOUT, verify=self._verify, trust_env=not self._hosts.local)

    @cached_property
    def _sender(self) -> httpx.AsyncClient:
        # A request that costs money never goes into a connection kept from before: the server may just be
        # closing it, and nobody could tell whether the request was taken.
        fresh = httpx.Limits(max_keepalive_connections=0)
        trust_env = not self._hosts.local
        return httpx.AsyncClient(timeout=TIMEOUT, verify=self._verify, trust_env=trust_env, limits=fresh)

    async def post_once(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Answer:
        """Send a request that must not be repeated, over a connection of its own. Raises `httpx.HTTPError`.

        `seconds` is how long the answer may take to begin.
        """
        sent = {**self._auth(url), "Content-Type": "application/json", **(headers or {})}
        timeout = httpx.Timeout(seconds, connect=TIMEOUT.connect) if seconds else TIMEOUT
        return await _exchange(self._sender, "POST", httpx.URL(url), sent, body, timeout)

    async def send(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        content: Content | None = None,
        key: bool = True,
        kind: str = "application/json",
        length: int | None = None,
    ) -> Answer:
        """Whatever the service answers. Raises `ProviderError` of kind TRANSIENT when it does not."""
        headers = self._auth(url) if key else {}
        if content is not None:
            headers["Content-Type"] = kind
        if length is not None:
            headers["Content-Length"] = str(length)
        try:
            # `params` replaces an address's own query in httpx; merge instead.
            target = httpx.URL(url).copy_merge_params(dict(params)) if params else httpx.URL(url)
            return await _exchange(self._client, method, target, headers, content)
        except TooLong:
            raise ProviderError(ErrorKind.INTERNAL, f"the answer while {doing} is too large") from None
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise ProviderError(
                ErrorKind.TRANSIENT, f"{self._title} could not be reached while {doing} ({_name_of(exc)})"
            ) from None

    async def request(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        key: bool = True,
    ) -> Answer:
        """The answer when it is a good one; anything else is raised as the `ProviderError` it means."""
        answer = await self.send(method, url, doing, params=params, content=content, key=key)
        if not answer.ok:
            raise answer.error(doing)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        for name in ("_client", "_sender"):
            if name in self.__dict__:
                await getattr(self, name).aclose()

    def _auth(self, url: str) -> dict[str, str]:
        if self._key and self._hosts.is_own(url):
            return {"Authorization": f"Key {self._key.reveal()}"}
        return {}


async def _exchange(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: Content | None,
    timeout: httpx.Timeout = TIMEOUT,
) -> Answer:
    async with client.stream(
        method, url, headers=headers, content=content, timeout=timeout, follow_redirects=False
    ) as response:
        body = bytearray()
        try:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise TooLong("too long")
        except TooLong:
            raise
        except httpx.HTTPError as exc:
            raise BrokenAnswer(exc, response.headers) from exc
        return Answer(response.status_code, response.headers, bytes(body))


def _name_of(exc: Exception) -> str:
    return str(exc) if isinstance(exc, BrokenAnswer) else type(exc).__name__
