"""One HTTP request to Google: the key or the token to its own addresses only, a submit sent once, errors translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.exchange import Answer, BrokenAnswer, exchange, name_of
from mediatui.providers.google.auth import Credentials, check_sendable
from mediatui.providers.google.errors import error_from_response, has_google_error
from mediatui.providers.google.places import Places
from mediatui.providers.google.waiting import in_thread
from mediatui.providers.http import GATEWAY_STATUSES, NEVER_SENT, ask, certificates, encode, is_refusal
from mediatui.providers.lost import LostRequest
from mediatui.settings import is_loopback

READ = httpx.Timeout(120.0, connect=10.0)
SUBMIT = httpx.Timeout(600.0, connect=10.0)
"""A synchronous model answers when it is done, which takes minutes for large pictures."""


class Wire:
    """The connection to Google's services under one set of credentials."""

    def __init__(self, places: Places, credentials: Credentials) -> None:
        self._places, self._credentials = places, credentials
        local = is_loopback(urlsplit(places.gemini).hostname or "")
        verify, trust_env = certificates(), not local
        self._client = httpx.AsyncClient(timeout=READ, verify=verify, trust_env=trust_env)
        # A request that costs money never goes into a connection kept from before: Google may just be closing it.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._sender = httpx.AsyncClient(timeout=SUBMIT, verify=verify, trust_env=trust_env, limits=fresh)

    async def send_once(self, url: str, body: Mapping[str, Any], *, handle: bool) -> Answer:
        """POST a request that may be billed. `handle`: the answer is a handle, not the product.

        A product that broke off is an answer too, for some of it may be whole.
        Raises AMBIGUOUS_SUBMIT when it may have been accepted. An error of the service itself in place of a
        product means that nothing was made; in place of a handle it does not say so when it is a 5xx.
        """
        headers = await self._headers(url)
        try:
            answer = await exchange(self._sender, "POST", httpx.URL(url), content=encode(body), headers=headers)
        except NEVER_SENT as exc:
            raise ProviderError(
                ErrorKind.TRANSIENT,
                f"Google could not be reached ({name_of(exc)}); nothing was sent",
                hint="Check the network, then generate again.",
            ) from None
        except BrokenAnswer as exc:
            if not is_refusal(exc.answer) and (handle or not exc.answer.ok):
                raise ambiguous(name_of(exc)) from None
            answer = exc.answer
        except httpx.HTTPError as exc:
            raise ambiguous(name_of(exc)) from None
        if answer.ok:
            return answer
        open_end = handle or answer.status in GATEWAY_STATUSES or not has_google_error(answer.body)
        if answer.status in GATEWAY_STATUSES or (answer.status >= 500 and open_end):
            raise ambiguous(f"HTTP {answer.status}")
        error = self._error(answer, "sending the request")
        error.hint = error.hint or "Nothing was made; generate again."
        raise error

    async def ask(
        self,
        method: str,
        url: str,
        doing: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        """A request that is free to repeat. A token that is refused is fetched anew, once."""
        for attempt in range(2):
            answer = await self._ask(method, url, doing, body, params)
            if answer.ok:
                return answer.body
            error = self._error(answer, doing)
            if 300 <= answer.status < 400:  # it says nothing of what was asked: a network's login page is one
                raise ProviderError(ErrorKind.TRANSIENT, error.message, status=answer.status)
            if attempt or answer.status != 401 or not self._credentials.has_token:
                raise error
        raise AssertionError("unreachable")

    async def _ask(
        self, method: str, url: str, doing: str, body: Mapping[str, Any] | None, params: Mapping[str, str] | None
    ) -> Answer:
        headers = await self._headers(url)
        content = encode(body) if body is not None else None
        return await ask(self._client, "Google", method, url, doing, params=params, headers=headers, content=content)

    def download_headers(self, url: str) -> dict[str, str]:
        """What a download from `url` needs; nothing for any other origin. Blocks when a token must be fetched.

        Without a token to be had it is empty: the download is then refused, the item kept, and a retry tries anew.
        """
        try:
            if self._needs_token(url):
                return self._with_token(self._credentials.token().reveal())
            return self._with_key(url)
        except ProviderError:
            return {}

    async def _headers(self, url: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if not self._needs_token(url):
            return headers | self._with_key(url)
        token = self._credentials.fresh()
        if token is None:
            token = await in_thread(self._credentials.token)
        return headers | self._with_token(token.reveal())

    def _needs_token(self, url: str) -> bool:
        """Vertex with a project and buckets want the token; the Gemini API takes it where there is no key."""
        if not self._credentials.has_token or not self._places.gets_token(url):
            return False
        return not (self._credentials.has_key and self._places.is_gemini(url))

    def _with_key(self, url: str) -> dict[str, str]:
        key = self._credentials.key
        if not key or not self._places.gets_key(url):
            return {}
        check_sendable(key, "API key")
        return {"x-goog-api-key": key.reveal()}

    def _with_token(self, token: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {token}"}
        if self._places.quota_project:
            headers["x-goog-user-project"] = self._places.quota_project
        return headers

    def _error(self, answer: Answer, doing: str) -> ProviderError:
        if answer.status == 401:
            self._credentials.refused()
        return error_from_response(answer.status, answer.headers, self._credentials.scrub(answer.body), doing)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._sender.aclose()


def ambiguous(why: str, seen: str = "") -> LostRequest:
    """The request may have been accepted and billed; `seen` is what its answer named it, if anything."""
    return LostRequest(
        f"Google gave no clear answer to the request ({why}); it may have been accepted and billed",
        hint="It is not sent again by itself; Google offers no list of requests to look in.",
        remote_id=seen or None,
    )
