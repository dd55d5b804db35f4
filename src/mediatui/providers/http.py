"""JSON over httpx for providers: one request, its answer or a `ProviderError`; the key only to the service itself."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from mediatui.errors import ErrorKind, ProviderError
from mediatui.providers.answers import identifier, mapping
from mediatui.providers.base import MediaHosts
from mediatui.providers.exchange import Answer, BrokenAnswer, TooLarge, exchange, name_of
from mediatui.providers.problems import Service, error_from_answer, failure, problem_text
from mediatui.settings import Secret, is_loopback

TIMEOUT = httpx.Timeout(120.0, connect=10.0)

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
"""Failures before the first byte of a request left this machine; a proxy's is that it opens no way to the service."""
GATEWAY_STATUSES = frozenset({303, 408, 499, 502, 504, *range(520, 530)})
"""Said by something before the service, which may be working all the same; 303 says that it has done so."""

_PORTS = {"https": 443, "http": 80}

LOOK_FOR_IT = "It is not sent again by itself. “Ask again” in the jobs screen, or `mediatui jobs retry`, looks for it."
LOOK_THERE = "It is not sent again by itself. This provider cannot be asked for it: look on its own site."


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart body: plain fields, and files as (field, file name, content type, bytes)."""

    fields: Mapping[str, str]
    files: Sequence[tuple[str, str, str, bytes]]


@cache
def certificates() -> ssl.SSLContext:
    """What the certificates of services and media hosts are checked with; read from disk once."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Unreached(ProviderError):
    """Not a byte of a question left this machine."""


async def ask(
    client: httpx.AsyncClient,
    title: str,
    method: str,
    url: str,
    doing: str,
    *,
    params: Mapping[str, str] | None = None,
    **more: Any,
) -> Answer:
    """One question that may be put again, to the service named `title`. Raises `ProviderError`.

    It is TRANSIENT when no whole answer came, `Unreached` when nobody was asked; `doing` completes "while …".
    """
    try:
        return await exchange(client, method, with_params(url, params), **more)
    except TooLarge:
        raise ProviderError(ErrorKind.INTERNAL, f"the answer of {title} while {doing} is too large") from None
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        kind = Unreached if isinstance(exc, NEVER_SENT) else ProviderError
        raise kind(ErrorKind.TRANSIENT, f"{title} could not be reached while {doing} ({name_of(exc)})") from None


def is_refusal(answer: Answer) -> bool:
    """The service itself did not take the request: its status says so, whatever became of the words."""
    return 400 <= answer.status < 500 and answer.status not in GATEWAY_STATUSES


def with_params(url: str, params: Mapping[str, str] | None) -> httpx.URL:
    """The address with `params` added to its own query, which httpx itself would replace."""
    return httpx.URL(url).copy_merge_params(dict(params)) if params else httpx.URL(url)


class JsonClient:
    """Talks to the origins of one service, and carries its key there and nowhere else.

    `auth` makes the key into headers; `lost_hint` says what to do about a submit without an answer;
    `submit_seconds` is how long a submit may be silent.
    """

    def __init__(
        self,
        service: Service,
        bases: Sequence[str],
        key: Secret | None,
        auth: Callable[[str], Mapping[str, str]],
        *,
        lost_hint: str = LOOK_THERE,
        submit_seconds: float | None = None,
    ) -> None:
        self.service = service
        self._lost_hint = lost_hint
        self._origins = frozenset(origin(base) for base in bases)
        self._key, self._auth = key, auth
        local = all(is_loopback(urlsplit(base).hostname or "") for base in bases)
        verify = certificates()
        # A proxy from the environment is not for a service on this machine.
        self._client = httpx.AsyncClient(timeout=TIMEOUT, verify=verify, trust_env=not local)
        # A request that costs money never goes into a connection kept from before: the service may just be
        # closing it, and nobody could tell whether the request was taken.
        fresh = httpx.Limits(max_keepalive_connections=0)
        patience = TIMEOUT if submit_seconds is None else httpx.Timeout(submit_seconds, connect=10.0)
        self._sender = httpx.AsyncClient(timeout=patience, verify=verify, trust_env=not local, limits=fresh)

    def is_own(self, url: str) -> bool:
        """The address has one of the service's own origins."""
        return origin(url) in self._origins

    def auth_headers(self, url: str) -> dict[str, str]:
        """The key's headers for an address of the service; none for any other.

        Raises `ProviderError` of kind AUTH for a key that no header can carry.
        """
        if not self._key or not self.is_own(url):
            return {}
        key = self._key.reveal()
        headers = dict(self._auth(key))
        if " " in key or not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise ProviderError(
                ErrorKind.AUTH,
                f"the key of {self.service.title}, or a name sent with it, holds characters that cannot be sent",
                hint="Copy it once more.",
            )
        return headers

    async def get(self, url: str, doing: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """The object at an address. Raises for a refusal, and TRANSIENT for what is no object."""
        answer = await self.send("GET", url, doing, params=params)
        return self.accepted(answer, doing)

    def accepted(self, answer: Answer, doing: str) -> Mapping[str, Any]:
        """The object in an answer that must be one."""
        if not answer.ok:
            raise self.error(answer, doing)
        if not answer.document:
            raise ProviderError(
                ErrorKind.TRANSIENT, f"{self.service.title} gave no readable answer while {doing}", status=answer.status
            )
        return answer.document

    async def find(self, url: str, doing: str) -> Mapping[str, Any]:
        """The object at an address that every such service has: without it, the service is not there."""
        try:
            return await self.get(url, doing)
        except ProviderError as exc:
            if exc.kind is ErrorKind.NOT_FOUND:
                raise self.not_there(exc.status) from None
            raise

    def check_content(self, document: Mapping[str, Any]) -> None:
        """Raise the error that a question about the key was answered with behind 200, in place of what it asks for."""
        if error := document.get("error"):
            words = problem_text(error) or f"{self.service.title} answered with an error"
            raise failure(self.service, words, identifier(mapping(error).get("code")))

    def not_there(self, status: int | None) -> ProviderError:
        """Something answers at the service's address, and it is another one."""
        return ProviderError(
            ErrorKind.TRANSIENT,
            f"what answers is not {self.service.title} (HTTP {status})",
            hint=f"Check the address in providers.{self.service.name} of the configuration.",
            status=status,
        )

    async def send(
        self,
        method: str,
        url: str,
        doing: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask something that may be asked again. `body` is bytes, an `Upload`, or becomes JSON.

        Raises `ProviderError` of kind TRANSIENT when no whole answer came.
        """
        content = self._content(url, body, headers)
        return await ask(self._client, self.service.title, method, url, doing, params=params, **content)

    async def submit(
        self, url: str, body: object, headers: Mapping[str, str] | None = None, *, product: bool = False
    ) -> Answer:
        """Send a request that costs money, once, over a connection of its own; see `check_submit` for refusals.

        Where the answer is the `product` itself, an acceptance that broke off is an answer too.
        Raises TRANSIENT when nothing was sent, AMBIGUOUS_SUBMIT when it may have been.
        """
        try:
            return await exchange(self._sender, "POST", httpx.URL(url), **self._content(url, body, headers))
        except NEVER_SENT as exc:
            raise ProviderError(
                ErrorKind.TRANSIENT,
                f"{self.service.title} could not be reached ({name_of(exc)}); nothing was sent",
                hint="Check the network, then generate again.",
            ) from None
        except BrokenAnswer as exc:
            if is_refusal(exc.answer) or (product and exc.answer.ok):
                return exc.answer
            raise self.ambiguous(name_of(exc)) from None
        except httpx.HTTPError as exc:
            raise self.ambiguous(name_of(exc)) from None

    def check_submit(self, answer: Answer, *, answers_at_once: bool = False) -> None:
        """Raise for anything but an acceptance.

        A service that `answers_at_once` has said its last word with an error of its own, also with 500 or
        503: the job failed. From a queue, and from a gateway, such a status leaves it open.
        """
        if answer.ok:
            return
        error = self.error(answer, "sending the request")
        if answer.status in GATEWAY_STATUSES or answer.status >= 500:
            if error.kind is ErrorKind.BILLING:
                raise error
            if answers_at_once and answer.status not in GATEWAY_STATUSES and "error" in answer.document:
                raise failure(self.service, error.message, error.code)
            raise self.ambiguous(f"HTTP {answer.status}")
        error.hint = error.hint or "It was not accepted; generate again."
        raise error

    def error(self, answer: Answer, doing: str) -> ProviderError:
        """What a refusal means; a service that repeats the key does not bring it into a message."""
        body = answer.body
        if self._key:
            body = body.replace(self._key.reveal().encode(), "••••".encode())
        return error_from_answer(self.service, answer.status, answer.headers, body, doing)

    def ambiguous(self, why: str) -> ProviderError:
        """The submit's outcome is not known."""
        return ProviderError(
            ErrorKind.AMBIGUOUS_SUBMIT,
            f"{self.service.title} gave no clear answer to the request ({why}); it may have been accepted and billed",
            hint=self._lost_hint,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._sender.aclose()

    def _content(self, url: str, body: object, headers: Mapping[str, str] | None) -> dict[str, Any]:
        return _content(body, {**self.auth_headers(url), **(headers or {})})


def _content(body: object, headers: dict[str, str]) -> dict[str, Any]:
    """The arguments for httpx that carry a body."""
    if body is None:
        return {"headers": headers}
    if isinstance(body, bytes):
        return {"headers": headers, "content": body}
    if isinstance(body, Upload):
        files = [(field, (name, data, kind)) for field, name, kind, data in body.files]
        return {"headers": headers, "data": dict(body.fields), "files": files}
    return {"headers": {"Content-Type": "application/json", **headers}, "content": encode(body)}


def encode(document: object) -> bytes:
    """The document as JSON; raises `ProviderError` of kind INVALID_INPUT for what JSON cannot say."""
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError):
        raise ProviderError(
            ErrorKind.INVALID_INPUT, "an input cannot be written as JSON", hint="Correct the inputs and generate again."
        ) from None


def origin(url: str) -> str:
    """``scheme://host:port`` of an address, the port always named; empty when it cannot be read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port or _PORTS.get(parts.scheme, 0)}"


def media_hosts(known: Iterable[str], configured: Iterable[str], bases: Iterable[str] = ()) -> MediaHosts:
    """A service's media hosts with the configured ones; those of `bases` on this machine may be reached plainly."""
    names = list(known)
    loopback: list[str] = []
    for host in configured:
        (loopback if is_loopback(urlsplit(f"//{host}").hostname or "") else names).append(host)
    for parts in map(urlsplit, bases):
        if is_loopback(parts.hostname or ""):
            # Services on this machine name themselves either way.
            port = parts.port or _PORTS.get(parts.scheme, 0)
            loopback += [parts.netloc.lower(), f"localhost:{port}", f"127.0.0.1:{port}"]
    return MediaHosts(names=tuple(dict.fromkeys(names)), loopback=tuple(dict.fromkeys(loopback)))
