"""fal over HTTP: one answer for one question, the key only where it belongs, bodies only up to a limit."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping

import httpx

from mediatui.errors import ErrorKind, ProviderError, UsageError
from mediatui.providers.exchange import Answer, exchange
from mediatui.providers.fal_errors import error_from_response
from mediatui.providers.fal_hosts import FalHosts
from mediatui.providers.http import TIMEOUT, Unreached, ask, certificates
from mediatui.settings import Secret

DIRECT_SECONDS = 900.0
"""How long a model may take to answer on the connection that asked it."""

_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
"""httpx's own."""

Content = bytes | AsyncIterable[bytes]


def error_of(answer: Answer, doing: str) -> ProviderError:
    """What an answer means that is not `ok`; `doing` completes "while …"."""
    return error_from_response(answer.status, answer.headers, answer.body, doing=doing)


def error_of_question(answer: Answer, doing: str) -> ProviderError:
    """The same of an answer to a question about a request: a redirect says nothing of it, and is not followed."""
    error = error_of(answer, doing)
    if 300 <= answer.status < 400:
        return ProviderError(ErrorKind.TRANSIENT, error.message, hint=error.hint, status=answer.status)
    return error


class FalWire:
    """The connections to one fal account."""

    def __init__(self, hosts: FalHosts, key: Secret | None, title: str) -> None:
        if key and not (key.reveal().isascii() and key.reveal().isprintable() and " " not in key.reveal()):
            raise UsageError(f"the key for {title} holds characters that no key has", hint="Copy it once more.")
        self._hosts, self._key, self._title = hosts, key, title
        self._clients: dict[tuple[bool, bool], httpx.AsyncClient] = {}

    def _client(self, url: str, *, once: bool = False) -> httpx.AsyncClient:
        """The client for an address, made when first used: saving a finished job's outputs asks nothing here.

        A request to be sent `once` costs money and never goes into a connection kept from before: the server may
        just be closing it, and nobody could tell whether the request was taken.
        """
        plain = url.startswith("http:")
        client = self._clients.get((plain, once))
        if client is None:
            # Where nothing is encrypted no certificates are needed, which take 50 ms to read.
            verify = False if plain else certificates()
            limits = httpx.Limits(max_keepalive_connections=0) if once else _LIMITS
            client = httpx.AsyncClient(timeout=TIMEOUT, verify=verify, trust_env=not self._hosts.local, limits=limits)
            self._clients[plain, once] = client
        return client

    async def post_once(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Answer:
        """Send a request that must not be repeated, over a connection of its own. Raises `httpx.HTTPError`.

        `seconds` is how long the answer may take to begin.
        """
        sent = {**self._auth(url), "Content-Type": "application/json", **(headers or {})}
        timeout = httpx.Timeout(seconds, connect=TIMEOUT.connect) if seconds else TIMEOUT
        return await exchange(
            self._client(url, once=True), "POST", httpx.URL(url), headers=sent, content=body, timeout=timeout
        )

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
        """Whatever the service answers, at its second domain while nobody is at the first.

        Raises `ProviderError` of kind TRANSIENT when it does not.
        """
        headers = self._auth(url) if key else {}
        if content is not None:
            headers["Content-Type"] = kind
        if length is not None:
            headers["Content-Length"] = str(length)

        async def put(place: str) -> Answer:
            client = self._client(place)
            return await ask(client, self._title, method, place, doing, params=params, headers=headers, content=content)

        try:
            return await put(url)
        except Unreached:
            if (other := self._hosts.elsewhere(url)) is None:
                raise
            return await put(other)

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
            raise error_of(answer, doing)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

    def _auth(self, url: str) -> dict[str, str]:
        if self._key and self._hosts.is_own(url):
            return {"Authorization": f"Key {self._key.reveal()}"}
        return {}
